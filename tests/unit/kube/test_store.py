"""What a reader of the store sees, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from openelb.kube import writes
from openelb.kube.client import Client
from openelb.kube.encode import service_patch
from openelb.kube.errors import Conflict, NotFound
from openelb.kube.resources import leases_path
from openelb.kube.store import Store
from openelb.model import names
from openelb.model.cluster import Node, PoolStatus, Publication, ServiceKey
from openelb.model.snapshot import Snapshot
from tests.fakes.apiserver import FakeApiServer, Refusal
from tests.unit.builders import ledger
from tests.unit.kube import objects

WEB = ServiceKey("default", "web")
PUBLISHED = Publication(("192.0.2.1",), "eip", guarded=True)


@asynccontextmanager
async def stored(client: Client, make: Callable[[Client, str], Store] = Store.for_manager) -> AsyncIterator[Store]:
    store = make(client, names.NAMESPACE)
    task = asyncio.create_task(store.run())
    try:
        async with asyncio.timeout(5):
            await store.synced()
        yield store
    finally:
        task.cancel()
        await asyncio.wait([task])


async def look(store: Store) -> Snapshot:
    """The snapshot after the next change."""
    async with asyncio.timeout(5):
        await store.changed()
    return store.snapshot()


async def until(store: Store, holds: Callable[[Snapshot], bool]) -> None:
    """Return when a snapshot is as it is to be."""
    async with asyncio.timeout(5):
        while not holds(store.snapshot()):
            await store.changed()


@pytest.fixture(autouse=True)
async def cluster(server: FakeApiServer) -> None:
    await server.put(objects.EIPS, objects.eip())
    await server.put(objects.SERVICES, objects.service())
    await server.put(objects.SLICES, objects.endpoint_slice("web-1", "web", objects.endpoint("n1", ready=True)))
    await server.put(objects.LEASES, objects.speaker_lease("n1", "t1"))
    await server.put(objects.LEASES, {"metadata": objects.meta("openelb-manager", "openelb-system"), "spec": {}})


async def test_a_snapshot_has_everything(client: Client) -> None:
    async with stored(client) as store:
        snapshot = store.snapshot()
    assert list(snapshot.pools) == ["eip"]
    assert list(snapshot.services) == [WEB]
    assert snapshot.endpoints == {WEB: {"n1"}}
    assert list(snapshot.speakers) == ["n1"]
    assert snapshot.leader_renewal


async def test_there_is_no_snapshot_before_every_kind_is_listed(client: Client) -> None:
    with pytest.raises(RuntimeError, match="every kind"):
        Store.for_manager(client, names.NAMESPACE).snapshot()


@pytest.mark.parametrize("kind", [objects.EIPS, objects.SERVICES, objects.SLICES, leases_path(names.NAMESPACE)])
async def test_a_kind_that_cannot_be_listed_keeps_everything_back(
    kind: str, server: FakeApiServer, client: Client
) -> None:
    server.faults.refused_paths[kind] = Refusal(404, "NotFound")
    store = Store.for_manager(client, names.NAMESPACE)
    assert await read_when_nothing_is_refused(store, server, watches=10) == ["eip"]


@pytest.mark.parametrize("make", [Store.for_manager, Store.for_speaker])
async def test_nodes_come_by_their_metadata_and_whether_they_are_cordoned(
    make: Callable[[Client, str], Store], server: FakeApiServer, client: Client
) -> None:
    await server.put(objects.NODES, objects.node("n1", labels={"rack": "one"}, annotations={names.DRAINED: "true"}))
    await server.put(objects.NODES, objects.node("n2", cordoned=True))
    async with stored(client, make) as store:
        assert store.snapshot().nodes == {
            "n1": Node("n1", {"rack": "one"}, drained=True),
            "n2": Node("n2", cordoned=True),
        }
        await server.put(objects.NODES, objects.node("n2"))
        await until(store, lambda seen: seen.nodes["n2"] == Node("n2"))
        await server.remove(objects.NODES, "n1")
        await until(store, lambda seen: list(seen.nodes) == ["n2"])


async def test_who_may_not_list_nodes_goes_on_without_and_says_so(
    server: FakeApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults.refused_paths[objects.NODES] = Refusal(403, "Forbidden")
    await server.put(objects.NODES, objects.node("n1"))
    async with stored(client) as store:
        assert (store.snapshot().nodes, list(store.snapshot().pools)) == ({}, ["eip"])
        assert "going on as if no node had labels" in caplog.text
        assert "install the RBAC rules of this version" in caplog.text
        server.faults.refused_paths.clear()
        await until(store, lambda seen: list(seen.nodes) == ["n1"])


async def test_an_eip_that_cannot_be_read_keeps_everything_back(server: FakeApiServer, client: Client) -> None:
    server.faults.refused_paths[f"{objects.EIPS}/eip"] = Refusal(403, "Forbidden")
    store = Store.for_speaker(client, names.NAMESPACE)
    assert await read_when_nothing_is_refused(store, server, watches=8) == ["eip"]


async def read_when_nothing_is_refused(store: Store, server: FakeApiServer, *, watches: int) -> list[str]:
    """The pools of the first snapshot. With so many watches open there is none, until nothing is refused any more."""
    task = asyncio.create_task(store.run())
    await server.until(lambda: server.watches_open == watches)
    with pytest.raises(RuntimeError):
        store.snapshot()
    server.faults.refused_paths.clear()
    async with asyncio.timeout(5):
        await store.synced()
    task.cancel()
    await asyncio.wait([task])
    return list(store.snapshot().pools)


async def test_a_speaker_asks_for_services_with_our_label_alone(client: Client, server: FakeApiServer) -> None:
    store = Store.for_speaker(client, names.NAMESPACE)
    task = asyncio.create_task(store.run())
    async with asyncio.timeout(5):
        await store.synced()
    task.cancel()
    await asyncio.wait([task])
    assert names.POOL_LABEL in server.selectors


async def test_a_snapshot_does_not_change_under_its_reader(server: FakeApiServer, client: Client) -> None:
    async with stored(client) as store:
        before = store.snapshot()
        await server.put(objects.SERVICES, objects.service("api"))
        after = await look(store)
    assert len(before.services) == 1
    assert len(after.services) == 2


async def test_many_changes_are_one_reason_to_look(server: FakeApiServer, client: Client) -> None:
    async with stored(client) as store:
        store.snapshot()
        for number in range(20):
            await server.put(objects.SERVICES, objects.service(f"s{number}"))
        looks = 0
        while len((await look(store)).services) < 21:
            looks += 1
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.changed(), 0.01)
    assert looks < 20


async def test_a_change_before_the_wait_is_not_missed(client: Client) -> None:
    async with stored(client) as store:
        store.snapshot()
        store.poke()
        await asyncio.wait_for(store.changed(), 0.01)


async def test_the_next_look_sees_what_was_written(client: Client) -> None:
    async with stored(client) as store:
        written = await writes.write_service(client, store.snapshot().services[WEB], PUBLISHED)
        store.absorb(written)
        seen = store.snapshot().services[WEB]
    assert seen == written
    assert seen.ingress == ("192.0.2.1",)
    assert service_patch(seen, PUBLISHED, datetime.now(UTC)) == []


async def test_a_ledger_is_written_and_seen(client: Client) -> None:
    status = PoolStatus(used=ledger({"192.0.2.1": "default/web"}), usage=1)
    async with stored(client) as store:
        pool = await writes.write_pool_status(client, store.snapshot().pools["eip"], status)
        store.absorb(pool)
        guarded = await writes.write_pool_finalizer(client, pool, present=True)
        store.absorb(guarded)
        seen = store.snapshot().pools["eip"]
    assert seen.status == status
    assert seen.finalizers == (names.POOL_FINALIZER,)


async def test_a_decision_on_what_is_not_there_any_more_is_a_conflict(client: Client) -> None:
    async with stored(client) as store:
        service, pool = store.snapshot().services[WEB], store.snapshot().pools["eip"]
        await writes.write_service(client, service, PUBLISHED)
        await writes.write_pool_status(client, pool, PoolStatus(usage=1))
        for decision in (
            writes.write_service(client, service, Publication(pool_label="other")),
            writes.write_pool_status(client, pool, PoolStatus(usage=2)),
            writes.write_pool_finalizer(client, pool, present=True),
        ):
            with pytest.raises(Conflict):
                await decision


async def test_nothing_is_written_when_nothing_differs(server: FakeApiServer, client: Client) -> None:
    async with stored(client) as store:
        before = len(server.requests)
        service, pool = store.snapshot().services[WEB], store.snapshot().pools["eip"]
        assert await writes.write_service(client, service, Publication()) is service
        assert await writes.write_pool_status(client, pool, pool.status) is pool
        assert await writes.write_pool_finalizer(client, pool, present=False) is pool
    assert not any(request.startswith("PATCH") for request in server.requests[before:])


async def test_the_last_finalizer_takes_the_service_out_of_the_next_snapshot(
    server: FakeApiServer, client: Client
) -> None:
    leaving = objects.service(finalizers=[names.SERVICE_FINALIZER], deletionTimestamp="2026-01-01T00:00:00Z")
    await server.put(objects.SERVICES, leaving)
    async with stored(client) as store:
        written = await writes.write_service(client, store.snapshot().services[WEB], Publication())
        store.absorb(written)
        assert store.snapshot().services == {}


async def test_what_a_direct_read_did_not_find_is_gone_until_it_appears(server: FakeApiServer, client: Client) -> None:
    late = ServiceKey("default", "late")
    async with stored(client) as store:
        with pytest.raises(NotFound):
            await writes.read_service(client, late)
        store.note_gone(late)
        assert (await look(store)).gone == {late}
        await server.put(objects.SERVICES, objects.service("late"))
        assert (await look(store)).gone == frozenset()


async def test_objects_that_cannot_be_read_are_in_the_snapshot_by_what_they_are_called(
    server: FakeApiServer, client: Client
) -> None:
    await server.put(objects.EIPS, objects.eip("spoilt") | {"spec": {"address": 7}})
    await server.put(objects.SERVICES, objects.service("web") | {"spec": "none"})
    await server.put(objects.SLICES, objects.endpoint_slice("web-1", "web") | {"endpoints": 7})
    await server.put(objects.LEASES, objects.speaker_lease("n1", "t1") | {"spec": 7})
    async with stored(client) as store:
        found = store.snapshot().unreadable
        assert {name: one.problem for name, one in found.items()} == {
            "Eip spoilt": "Expected `str | null`, got `int` - at `$.spec.address`",
            "Service default/web": "Expected `object | null`, got `str` - at `$.spec`",
            "EndpointSlice default/web-1": "Expected `array | null`, got `int` - at `$.endpoints`",
            "Lease openelb-system/openelb-speaker-n1": "Expected `object | null`, got `int` - at `$.spec`",
        }
        assert found["Eip spoilt"].uid
        await server.put(objects.EIPS, objects.eip("spoilt"))
        assert "Eip spoilt" not in (await look(store)).unreadable
