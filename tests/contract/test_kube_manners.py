"""What the stories of crashes take for granted of an API server, asked of a real one and of the one without a wire."""

import msgspec
import pytest

from openelb.kube import writes
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists, Conflict, NotFound
from openelb.kube.resources import service_path
from openelb.model import names
from openelb.model.cluster import Publication, Service
from openelb.model.findings import Condition, Finding, Reason
from tests.contract.kube import WEB, make_service
from tests.fakes.direct import DirectClient, Storage

SERVED = Publication(
    ingress=("192.0.2.1",),
    pool_label="office",
    guarded=True,
    conditions=(Condition.of(names.ADDRESS_ALLOCATED, Finding(Reason.ALLOCATED, "192.0.2.1"), status=True),),
)


@pytest.fixture(params=["real", "direct"])
def server(request: pytest.FixtureRequest) -> Client | DirectClient:
    """A client of each."""
    return request.getfixturevalue("client") if request.param == "real" else DirectClient(Storage())


async def served(server: Client) -> Service:
    """A Service that shows an address."""
    return await writes.write_service(server, await make_service(server), SERVED)


async def test_one_status_patch_writes_address_label_finalizer_and_conditions(server: Client) -> None:
    service = await served(server)
    assert (service.ingress, service.pool_label) == (("192.0.2.1",), "office")
    assert service.finalizers == (names.SERVICE_FINALIZER,)
    assert [condition.type for condition in service.conditions] == [names.ADDRESS_ALLOCATED]
    assert service.load_balancer


async def test_a_write_that_was_decided_on_an_older_version_is_a_conflict(server: Client) -> None:
    older = await make_service(server)
    await server.merge(service_path(WEB), {"metadata": {"annotations": {"a": "b"}}}, msgspec.Raw)
    with pytest.raises(Conflict):
        await writes.write_service(server, older, SERVED)
    assert (await writes.read_service(server, WEB)).ingress == ()


async def test_a_write_that_was_decided_on_a_namesake_is_a_conflict(server: Client) -> None:
    older = await make_service(server)
    await server.delete(service_path(WEB))
    assert (await make_service(server)).uid != older.uid
    with pytest.raises(Conflict):
        await writes.write_service(server, older, SERVED)


async def test_a_guarded_service_that_is_deleted_goes_with_its_finalizer(server: Client) -> None:
    await served(server)
    await server.delete(service_path(WEB))
    going = await writes.read_service(server, WEB)
    assert (going.deleting, going.ingress) == (True, ("192.0.2.1",))
    last = await writes.write_service(server, going, Publication())
    assert (last.deleting, last.finalizers) == (True, ())
    with pytest.raises(NotFound):
        await writes.read_service(server, WEB)


async def test_a_service_that_leaves_the_type_loses_its_address_and_nothing_else(server: Client) -> None:
    await served(server)
    await server.merge(service_path(WEB), {"spec": {"type": "ClusterIP"}}, msgspec.Raw)
    left = await writes.read_service(server, WEB)
    assert (left.load_balancer, left.ingress, left.pool_label) == (False, (), "office")
    assert left.finalizers == (names.SERVICE_FINALIZER,)


async def test_there_is_one_of_each_name(server: Client) -> None:
    await make_service(server)
    with pytest.raises(AlreadyExists):
        await make_service(server)
