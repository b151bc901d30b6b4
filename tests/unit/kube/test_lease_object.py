"""A Lease behind an API server that may hang."""

import asyncio

import pytest

from openelb.kube.client import Client, Patience
from openelb.kube.decode import Lease
from openelb.kube.errors import AlreadyExists, Conflict, Unreachable
from openelb.kube.lease_object import ApiLease
from tests.fakes.apiserver import FakeApiServer
from tests.unit.kube.objects import LEASES

WANTED = Lease("l", "holder", 5, annotations={"a": "b"})


@pytest.fixture
def lease(client: Client) -> ApiLease:
    return ApiLease(client, "system", "l")


async def test_a_lease_is_made_renewed_and_deleted(lease: ApiLease) -> None:
    assert await lease.read() is None
    made = await lease.create(WANTED)
    renewed = await lease.replace(made)
    assert (made.holder, made.seconds, made.annotations, made.transitions) == ("holder", 5, {"a": "b"}, 0)
    assert (renewed.acquired, renewed.uid) == (made.acquired, made.uid)
    assert renewed.renewed > made.renewed
    await lease.delete(renewed)
    assert await lease.read() is None


async def test_only_the_version_that_was_read_is_replaced_and_none_is_made_twice(lease: ApiLease) -> None:
    made = await lease.create(WANTED)
    await lease.replace(made)
    with pytest.raises(Conflict):
        await lease.replace(made)
    with pytest.raises(AlreadyExists):
        await lease.create(WANTED)


async def test_after_a_request_that_hung_no_former_connection_is_used(server: FakeApiServer, lease: ApiLease) -> None:
    await asyncio.gather(*(lease.read() for _ in range(3)))
    former = set(server.connections)
    server.faults.silent = True
    with pytest.raises(Unreachable):
        await lease.replace(WANTED)
    server.faults.silent = False
    await lease.read()
    assert len(former) == 3
    assert server.connections[-1] not in former


async def test_a_request_about_a_lease_has_little_time(server: FakeApiServer) -> None:
    async with Client(server.access, Patience(request=60)) as client:
        server.faults.silent = True
        with pytest.raises(Unreachable, match=r"no answer within 0.05 s about the Lease l"):
            await ApiLease(client, "system", "l", seconds=0.05).read()


async def test_a_lease_that_went_with_its_owner_is_made_for_the_one_that_is_there_now(server: FakeApiServer) -> None:
    uids = ["first", "second"]

    async def owner() -> dict[str, str]:
        return {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": uids.pop(0)}

    def owners() -> list[str]:
        return [each["uid"] for each in server.stored(LEASES, "l", "system")["metadata"]["ownerReferences"]]

    async with Client(server.access) as client:
        lease = ApiLease(client, "system", "l", owner=owner)
        made = await lease.create(WANTED)
        await lease.replace(made)
        assert owners() == ["first"]
        await server.remove(LEASES, "l", "system")
        await lease.replace(await lease.create(WANTED))
        assert owners() == ["second"]


async def test_a_lease_that_is_found_has_its_owner_from_the_first_renewal_on(server: FakeApiServer) -> None:
    async def owner() -> dict[str, str]:
        return {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "first"}

    async with Client(server.access) as client:
        made = await ApiLease(client, "system", "l").create(WANTED)
        assert "ownerReferences" not in server.stored(LEASES, "l", "system")["metadata"]
        await ApiLease(client, "system", "l", owner=owner).replace(made)
        assert server.stored(LEASES, "l", "system")["metadata"]["ownerReferences"][0]["uid"] == "first"
