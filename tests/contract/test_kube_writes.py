"""Writes to Services and Eips, on a real API server, and what the fake one of the unit tests makes of them."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from lab.controlplane import ControlPlane
from openelb.kube import encode, writes
from openelb.kube.client import Client
from openelb.kube.config import find_access
from openelb.kube.credentials import FixedToken
from openelb.kube.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from openelb.kube.resources import service_path
from openelb.kube.shapes import ServiceShape
from openelb.model import names
from openelb.model.cluster import PoolStatus, Publication
from openelb.model.findings import Condition
from tests.contract.kube import SYSTEM, WEB, make_eip, make_service, names_in, raw
from tests.unit.builders import ledger

CONDITION = Condition(names.ADDRESS_ALLOCATED, True, "Allocated", "192.0.2.1 of the pool office")
PUBLISHED = Publication(("192.0.2.1",), "office", True, (CONDITION,))


async def test_one_status_patch_carries_address_label_finalizer_and_conditions(either: Client) -> None:
    service = await make_service(either)
    written = await writes.write_service(either, service, PUBLISHED)
    assert (written.ingress, written.pool_label, written.conditions) == (("192.0.2.1",), "office", (CONDITION,))
    assert written.finalizers == (names.SERVICE_FINALIZER,)
    assert written == await writes.read_service(either, WEB)
    assert encode.service_patch(written, PUBLISHED, datetime.now(UTC)) == []


async def test_what_others_wrote_outlives_our_coming_and_going(client: Client) -> None:
    service = await make_service(client, labels={"app": "web"}, finalizers=["example.com/theirs"])
    theirs = {
        "type": "example.com/Checked",
        "status": "True",
        "reason": "R",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    await client.merge(f"{service_path(WEB)}/status", {"status": {"conditions": [theirs]}}, msgspec.Raw)
    service = await writes.read_service(client, WEB)
    with_ours = await writes.write_service(client, service, PUBLISHED)
    await writes.write_service(client, with_ours, Publication())
    after = await raw(client, service_path(WEB))
    assert after["metadata"]["labels"] == {"app": "web"}
    assert after["metadata"]["finalizers"] == ["example.com/theirs"]
    assert after["status"] == {"loadBalancer": {}, "conditions": [theirs]}


async def test_a_service_that_changed_since_it_was_read_is_a_conflict(either: Client) -> None:
    service = await make_service(either)
    await writes.write_service(either, service, PUBLISHED)
    with pytest.raises(Conflict):
        await writes.write_service(either, service, Publication(pool_label="other"))


async def test_a_namesake_made_anew_is_a_conflict(either: Client) -> None:
    first = await make_service(either)
    await either.delete(service_path(WEB))
    second = await make_service(either)
    with pytest.raises(Conflict):
        await writes.write_service(either, replace(second, uid=first.uid), PUBLISHED)


async def test_a_service_that_is_gone_is_not_found(either: Client) -> None:
    service = await make_service(either)
    await either.delete(service_path(WEB))
    with pytest.raises(NotFound):
        await writes.write_service(either, service, PUBLISHED)


async def test_a_value_the_server_does_not_accept_is_invalid_and_no_conflict(client: Client) -> None:
    service = await make_service(client)
    with pytest.raises(Invalid, match="must be a valid IP address"):
        await writes.write_service(client, service, Publication(ingress=("no address",)))


async def test_a_ledger_is_swapped_only_by_who_saw_the_last_one(either: Client) -> None:
    pool = await make_eip(either)
    status = PoolStatus(
        used=ledger({"192.0.2.1": f"{SYSTEM}/web;{SYSTEM}/api"}),
        first="192.0.2.0",
        last="192.0.2.255",
        size=256,
        v4=True,
        ready=True,
        usage=1,
        conditions=(Condition(names.READY, True, "Ready", "answered by n1"),),
    )
    written = await writes.write_pool_status(either, pool, status)
    assert written.status == status
    with pytest.raises(Conflict):
        await writes.write_pool_status(either, pool, replace(status, usage=2))
    emptied = await writes.write_pool_status(either, written, PoolStatus())
    assert emptied.status == PoolStatus()


async def test_the_finalizer_of_a_pool_comes_and_goes(either: Client) -> None:
    pool = await make_eip(either)
    guarded = await writes.write_pool_finalizer(either, pool, present=True)
    assert guarded.finalizers == (names.POOL_FINALIZER,)
    freed = await writes.write_pool_finalizer(either, guarded, present=False)
    assert freed.finalizers == ()


async def test_a_token_is_as_good_as_a_certificate(plane: ControlPlane) -> None:
    async with Client(find_access(plane.pki.kubeconfig("token"))) as client:
        assert "default" in await names_in(client, "/api/v1/namespaces")


async def test_what_rbac_does_not_grant_is_forbidden_with_verb_and_resource(plane: ControlPlane) -> None:
    access = find_access(plane.pki.kubeconfig("kube-proxy"))
    async with Client(access) as client:
        with pytest.raises(Forbidden, match=r"refused to patch services/status kube-client-tests/web.*grant that verb"):
            await client.patch(f"{service_path(WEB)}/status", [], ServiceShape)


async def test_a_token_nobody_knows_is_unauthorized(plane: ControlPlane) -> None:
    access = replace(find_access(plane.pki.kubeconfig("token")), login=FixedToken("unknown"))
    async with Client(access) as client:
        with pytest.raises(Unauthorized):
            await client.get("/api/v1/namespaces", msgspec.Raw)
