"""The bare client makes the writes that the manager makes: otherwise the bench would compare with something else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

from bench.bare import Bare, Ledger
from bench.cluster import Sink
from openelb.kube import decode_pools
from openelb.kube.client import Client
from openelb.kube.resources import ALLOCATIONS_PATH, EIPS, SERVICES
from openelb.kube.shapes import EipShape
from openelb.kube.watch import Reflector
from openelb.plan.ledger import ROOM
from tests.fakes.steered import SteeredApiServer
from tests.unit.builders import key
from tests.unit.kube.objects import EIPS as EIPS_PATH
from tests.unit.kube.objects import JSON, eip
from tests.unit.kube.objects import SERVICES as SERVICES_PATH
from tests.unit.replica import POOL, QUICKLY, replica, wanting

NAMES = ("one", "two", "three")


@asynccontextmanager
async def serving() -> AsyncIterator[SteeredApiServer]:
    """An API server with a bare client that watches it."""
    async with SteeredApiServer().running() as server, Client(server.access, QUICKLY) as client:
        bare = Bare(client)
        reflectors = Reflector(client, EIPS, Sink(bare.hear_pool)), Reflector(client, SERVICES, Sink(bare.hear_service))
        tasks = [asyncio.create_task(run()) for run in (bare.run, *(one.run for one in reflectors))]
        try:
            yield server
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def to_services(writes: list[str]) -> list[str]:
    return sorted(write for write in writes if "/services/" in write and write.startswith("PATCH"))


async def of_the_manager() -> list[str]:
    """Its writes to Services that come, and then go."""
    async with replica(POOL, *map(wanting, NAMES)) as manager:
        await manager.lead()
        await manager.settle()
        for name in NAMES:
            await manager.put(SERVICES_PATH, deleted(manager.server, name))
        await manager.settle()
        assert not any(guards(manager.server, name) for name in NAMES)
        assert manager.ledger() == {}
        return to_services(manager.server.writes)


async def test_services_that_come_and_go_are_written_as_often_as_by_the_manager() -> None:
    async with serving() as server:
        await server.put(EIPS_PATH, POOL)
        for name in NAMES:
            await server.put(SERVICES_PATH, wanting(name))
        await server.until(lambda: all(shown(server, name) for name in NAMES))
        assert {shown(server, name) for name in NAMES} == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
        for name in NAMES:
            await server.put(SERVICES_PATH, deleted(server, name))
        await server.until(lambda: not any(guards(server, name) for name in NAMES))
        assert server.stored(EIPS_PATH, "pool")["status"].get("used", {}) == {}
        assert to_services(server.writes) == await of_the_manager()


def deleted(server: SteeredApiServer, name: str) -> JSON:
    """The Service when a user has deleted it; it stays until its finalizer is off."""
    service = server.stored(SERVICES_PATH, name, "default")
    return {**service, "metadata": {**service["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}


def guards(server: SteeredApiServer, name: str) -> list[str]:
    return server.stored(SERVICES_PATH, name, "default")["metadata"].get("finalizers", [])


def shown(server: SteeredApiServer, name: str) -> str:
    status = server.stored(SERVICES_PATH, name, "default")["status"]
    return "".join(entry["ip"] for entry in status["loadBalancer"].get("ingress", []))


async def test_what_one_object_cannot_hold_continues_in_pages_as_the_managers_does() -> None:
    async with SteeredApiServer().running() as server, Client(server.access, QUICKLY) as client:
        await server.put(EIPS_PATH, eip("pool", "10.0.0.0/16", status={}))
        ledger = Ledger(client, decode_pools.pool(await client.get(f"{EIPS_PATH}/pool", EipShape)))
        addresses = [IPv4Address("10.0.0.0") + number for number in range(2 * ROOM + 5)]
        held = {address: (key(f"web-{address}"),) for address in addresses}
        await ledger.enter(dict(list(held.items())[: ROOM + 2]))
        await ledger.enter(dict(list(held.items())[ROOM + 2 :]))
        assert used(server) == [ROOM, ROOM, 5]
        await ledger.strike(set(addresses[ROOM - 1 : ROOM + 1]))
        assert used(server) == [ROOM - 1, ROOM - 1, 5]


def used(server: SteeredApiServer) -> list[int]:
    """How many entries each page has, that in the Eip first."""
    pages = [server.stored(ALLOCATIONS_PATH, f"pool-{number}")["spec"]["used"] for number in (1, 2)]
    return [len(page) for page in (server.stored(EIPS_PATH, "pool")["status"]["used"], *pages)]
