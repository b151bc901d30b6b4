"""What the Kubernetes client takes for granted, asked of a real API server; tests/fakes/apiserver.py answers the same."""

import asyncio
import base64
import contextlib
import signal
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_interface
from typing import Any

import msgspec
import pytest

from lab import wait
from lab.controlplane import ControlPlane
from openelb.kube import encode, writes
from openelb.kube.client import Client, refused_by_status
from openelb.kube.config import find_access
from openelb.kube.errors import AlreadyExists, Conflict, Forbidden, Gone, Invalid, NotFound, Unauthorized
from openelb.kube.lease import Leadership, SpeakerLease, speaker_lease_name
from openelb.kube.lease_object import ApiLease
from openelb.kube.report import Reporter
from openelb.kube.resources import EIPS_PATH, leases_path, service_path
from openelb.kube.shapes import ListMeta, ServiceShape, Shape, WatchLine
from openelb.kube.store import Store
from openelb.model import names
from openelb.model.cluster import Link, PoolStatus, Publication, Service, ServiceKey
from openelb.model.findings import Condition
from openelb.model.snapshot import Snapshot
from tests.unit.builders import ledger

JSON = dict[str, Any]

SYSTEM = "kube-client-tests"
WEB = ServiceKey(SYSTEM, "web")
SERVICES_HERE = f"/api/v1/namespaces/{SYSTEM}/services"
CONDITION = Condition(names.ADDRESS_ALLOCATED, True, "Allocated", "192.0.2.1 of the pool office")
PUBLISHED = Publication(("192.0.2.1",), "office", True, (CONDITION,))


@pytest.fixture
async def plane(crds: ControlPlane) -> AsyncIterator[ControlPlane]:
    """The server with our kinds, the test being on its host. What the test makes in SYSTEM, and all Eips, go after it."""
    with crds.host.inside():
        async with Client(find_access(crds.kubeconfig)) as admin:
            await make(admin, "/api/v1/namespaces", SYSTEM)
            yield crds
            for collection in (SERVICES_HERE, leases_path(SYSTEM), EIPS_PATH):
                for name in await names_in(admin, collection):
                    await admin.merge(f"{collection}/{name}", {"metadata": {"finalizers": None}}, msgspec.Raw)
                    await remove(admin, f"{collection}/{name}")


@pytest.fixture
async def client(plane: ControlPlane) -> AsyncIterator[Client]:
    async with Client(find_access(plane.kubeconfig)) as client:
        yield client


@contextlib.asynccontextmanager
async def stored(client: Client, *, speaker: bool = False) -> AsyncIterator[Store]:
    store = (Store.for_speaker if speaker else Store.for_manager)(client, SYSTEM)
    task = asyncio.create_task(store.run())
    try:
        async with asyncio.timeout(20):
            await store.synced()
        yield store
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(store: Store, holds: Callable[[Snapshot], bool], seconds: float = 10.0) -> Snapshot:
    async with asyncio.timeout(seconds):
        while not holds(snapshot := store.snapshot()):
            await store.changed()
    return snapshot


async def make(client: Client, collection: str, name: str) -> None:
    with contextlib.suppress(AlreadyExists):
        await client.create(collection, {"metadata": {"name": name}}, msgspec.Raw)


async def make_service(client: Client, name: str = "web", **metadata: Any) -> Service:
    body = {"metadata": {"name": name, **metadata}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    await client.create(SERVICES_HERE, body, msgspec.Raw)
    return await writes.read_service(client, ServiceKey(SYSTEM, name))


async def make_eip(client: Client, name: str = "office") -> None:
    kind = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": "Eip"}
    await client.create(
        EIPS_PATH, {**kind, "metadata": {"name": name}, "spec": {"address": "192.0.2.0/24"}}, msgspec.Raw
    )


async def remove(client: Client, path: str) -> None:
    with contextlib.suppress(NotFound):
        await client.delete(path)


async def raw(client: Client, path: str) -> JSON:
    return msgspec.convert(await client.get(path, dict), JSON)


async def names_in(client: Client, collection: str) -> list[str]:
    return [item["metadata"]["name"] for item in (await raw(client, collection))["items"]]


class ListShape(Shape):
    metadata: ListMeta


# Writes.


async def test_one_status_patch_carries_address_label_finalizer_and_conditions(client: Client) -> None:
    service = await make_service(client)
    written = await writes.write_service(client, service, PUBLISHED)
    assert (written.ingress, written.pool_label, written.conditions) == (("192.0.2.1",), "office", (CONDITION,))
    assert written.finalizers == (names.SERVICE_FINALIZER,)
    assert written == await writes.read_service(client, WEB)
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


async def test_a_service_that_changed_since_it_was_read_is_a_conflict(client: Client) -> None:
    service = await make_service(client)
    await writes.write_service(client, service, PUBLISHED)
    with pytest.raises(Conflict):
        await writes.write_service(client, service, Publication(pool_label="other"))


async def test_a_namesake_made_anew_is_a_conflict(client: Client) -> None:
    first = await make_service(client)
    await client.delete(service_path(WEB))
    second = await make_service(client)
    with pytest.raises(Conflict):
        await writes.write_service(client, replace(second, uid=first.uid), PUBLISHED)


async def test_a_service_that_is_gone_is_not_found(client: Client) -> None:
    service = await make_service(client)
    await client.delete(service_path(WEB))
    with pytest.raises(NotFound):
        await writes.write_service(client, service, PUBLISHED)


async def test_a_value_the_server_does_not_accept_is_invalid_and_no_conflict(client: Client) -> None:
    service = await make_service(client)
    with pytest.raises(Invalid, match="must be a valid IP address"):
        await writes.write_service(client, service, Publication(ingress=("no address",)))


async def test_a_ledger_is_swapped_only_by_who_saw_the_last_one(client: Client) -> None:
    await make_eip(client)
    async with stored(client) as store:
        pool = store.snapshot().pools["office"]
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
    written = await writes.write_pool_status(client, pool, status)
    assert written.status == status
    with pytest.raises(Conflict):
        await writes.write_pool_status(client, pool, replace(status, usage=2))
    emptied = await writes.write_pool_status(client, written, PoolStatus())
    assert emptied.status == PoolStatus()


async def test_the_finalizer_of_a_pool_comes_and_goes(client: Client) -> None:
    await make_eip(client)
    async with stored(client) as store:
        pool = store.snapshot().pools["office"]
    guarded = await writes.write_pool_finalizer(client, pool, present=True)
    assert guarded.finalizers == (names.POOL_FINALIZER,)
    freed = await writes.write_pool_finalizer(client, guarded, present=False)
    assert freed.finalizers == ()


# Who may.


async def test_a_token_is_as_good_as_a_certificate(plane: ControlPlane) -> None:
    async with Client(find_access(plane.pki.kubeconfig("token"))) as client:
        assert "default" in await names_in(client, "/api/v1/namespaces")


async def test_what_rbac_does_not_grant_is_forbidden_with_verb_and_resource(plane: ControlPlane) -> None:
    access = find_access(plane.pki.kubeconfig("kube-proxy"))
    async with Client(access) as client:
        with pytest.raises(Forbidden, match=r"refused to patch services/status kube-client-tests/web.*grant that verb"):
            await client.patch(f"{service_path(WEB)}/status", [], ServiceShape)


async def test_a_token_nobody_knows_is_unauthorized(plane: ControlPlane) -> None:
    access = replace(find_access(plane.pki.kubeconfig("token")), token=lambda: "unknown")
    async with Client(access) as client:
        with pytest.raises(Unauthorized):
            await client.get("/api/v1/namespaces", msgspec.Raw)


# Lists and watches.


async def test_what_happens_in_the_cluster_is_seen(client: Client) -> None:
    async with stored(client) as store:
        await make_eip(client)
        await make_service(client)
        seen = await until(store, lambda s: WEB in s.services and "office" in s.pools)
        assert seen.services[WEB] == await writes.read_service(client, WEB)
        await client.delete(service_path(WEB))
        await until(store, lambda s: WEB not in s.services)


async def test_our_own_write_is_seen_before_its_event_and_its_event_changes_nothing(client: Client) -> None:
    service = await make_service(client)
    async with stored(client) as store:
        store.absorb(await writes.write_service(client, service, PUBLISHED))
        first = store.snapshot().services[WEB]
        await make_service(client, "api")
        later = await until(store, lambda s: ServiceKey(SYSTEM, "api") in s.services)
    assert first.ingress == ("192.0.2.1",)
    assert later.services[WEB] == first


async def test_a_service_whose_last_finalizer_we_take_off_is_out_of_the_next_snapshot(client: Client) -> None:
    await make_service(client, finalizers=[names.SERVICE_FINALIZER])
    await client.delete(service_path(WEB))
    async with stored(client) as store:
        store.absorb(await writes.write_service(client, store.snapshot().services[WEB], Publication()))
        assert WEB not in store.snapshot().services
        await make_service(client)
        await until(store, lambda s: WEB in s.services)


async def test_a_speaker_sees_a_service_come_and_go_as_its_type_changes(client: Client) -> None:
    await make_service(client)
    async with stored(client, speaker=True) as store:
        assert WEB in store.snapshot().services
        await client.merge(service_path(WEB), {"spec": {"type": "ClusterIP"}}, msgspec.Raw)
        await until(store, lambda s: WEB not in s.services)
        await client.merge(service_path(WEB), {"spec": {"type": "LoadBalancer"}}, msgspec.Raw)
        await until(store, lambda s: WEB in s.services)


async def test_a_watch_from_before_the_servers_memory_ends_with_a_gone_event(client: Client) -> None:
    query = {"watch": "true", "resourceVersion": "1", "timeoutSeconds": "5"}
    async with client.stream(EIPS_PATH, query, silence=10) as chunks:
        line = msgspec.json.decode(await anext(chunks), type=WatchLine)
    assert line.type == "ERROR"
    assert isinstance(refused_by_status("watch eips", line.object), Gone)


async def test_a_page_of_a_list_from_before_a_compaction_is_gone(client: Client) -> None:
    await make_eip(client)
    page = msgspec.json.decode(await client.page(EIPS_PATH, {}), type=ListShape)
    compact(int(page.metadata.resource_version))
    # A token of revision 1: those of later ones may still be served from the API server's own memory.
    token = base64.b64encode(b'{"v":"meta.k8s.io/v1","rv":1,"start":"/a\\u0000"}').decode()
    with pytest.raises(Gone):
        await client.page(EIPS_PATH, {"limit": "1", "continue": token})


def compact(revision: int) -> None:
    """Have etcd forget everything before a revision."""
    request = urllib.request.Request(
        "http://127.0.0.1:2379/v3/kv/compaction",
        data=msgspec.json.encode({"revision": str(revision), "physical": True}),
    )
    urllib.request.urlopen(request, timeout=10).read()


async def test_after_a_restart_of_the_server_the_store_goes_on(plane: ControlPlane, client: Client) -> None:
    await make_service(client, "before")
    async with stored(client) as store:
        plane.signal("kube-apiserver", signal.SIGKILL)
        wait.until(lambda: wait.require(not plane.pids("kube-apiserver"), "it runs"), what="its end", timeout=10)
        assert ServiceKey(SYSTEM, "before") in store.snapshot().services
        plane.start_program("kube-apiserver")
        plane.wait_until_ready()
        await make_service(client, "after")
        seen = await until(store, lambda s: ServiceKey(SYSTEM, "after") in s.services, seconds=20)
    assert ServiceKey(SYSTEM, "before") in seen.services


# Leases and Events.


def candidate(client: Client, identity: str) -> Leadership:
    return Leadership(ApiLease(client, SYSTEM, names.LEADER_LEASE), identity)


async def test_of_two_candidates_one_leads_and_the_other_follows_a_clean_stop_at_once(client: Client) -> None:
    loop = asyncio.get_running_loop()
    a, b = candidate(client, "a"), candidate(client, "b")
    await a.attempt()
    await b.attempt()
    assert (a.held(loop.time()), b.held(loop.time())) == (True, False)
    await a.attempt()
    await a.release()
    await b.attempt()
    assert (a.held(loop.time()), b.held(loop.time())) == (False, True)
    lease = await raw(client, f"{leases_path(SYSTEM)}/{names.LEADER_LEASE}")
    assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]) == ("b", 1)


async def test_a_candidate_follows_a_leader_that_died(client: Client) -> None:
    leads, loop = asyncio.Event(), asyncio.get_running_loop()
    a = candidate(client, "a")
    b = Leadership(ApiLease(client, SYSTEM, names.LEADER_LEASE), "b", on_change=leads.set)
    await a.attempt()
    started = loop.time()
    following = asyncio.create_task(b.run())
    async with asyncio.timeout(15):
        await leads.wait()
    following.cancel()
    assert 5.0 <= loop.time() - started < 8.0
    assert not a.held(loop.time())


async def test_a_speaker_comes_is_renewed_and_leaves(client: Client) -> None:
    link = Link("eth0", (ip_interface("192.0.2.11/24"),))
    speaker = SpeakerLease(ApiLease(client, SYSTEM, speaker_lease_name("n1")), "n1", "pod-1")
    async with stored(client, speaker=True) as store:
        speaker.tell((link,))
        await speaker.renew()
        first = (await until(store, lambda s: "n1" in s.speakers)).speakers["n1"]
        await speaker.renew()
        await until(store, lambda s: s.speakers["n1"].renewal != first.renewal)
        await speaker.leave()
        await until(store, lambda s: "n1" not in s.speakers)
    assert (first.holder, first.links) == ("pod-1", (link,))


async def test_kubectl_describe_shows_what_was_told(plane: ControlPlane, client: Client) -> None:
    await make_eip(client)
    service = await make_service(client)
    async with stored(client) as store:
        pool = store.snapshot().pools["office"]
    reporter = Reporter(client, "openelb-manager", "test")
    reporter.tell(service, "AssignIP", "success to assign ip: 192.0.2.1", warning=False)
    reporter.tell(pool, "InterfaceNotFound", "no node has eth7", warning=True)
    while reporter.waiting:
        await reporter.write(reporter.next())
    of_service = plane.kubectl("describe", "service", "web", "--namespace", SYSTEM)
    of_pool = plane.kubectl("describe", "eip", "office")
    assert lines_with(of_service, "AssignIP") == [
        ["Normal", "AssignIP", "openelb-manager", "success", "to", "assign", "ip:", "192.0.2.1"]
    ]
    assert lines_with(of_pool, "InterfaceNotFound") == [
        ["Warning", "InterfaceNotFound", "openelb-manager", "no", "node", "has", "eth7"]
    ]


def lines_with(text: str, word: str) -> list[list[str]]:
    """The words of the lines that have the word, but for the age."""
    return [[w for i, w in enumerate(line.split()) if i != 2] for line in text.splitlines() if word in line]
