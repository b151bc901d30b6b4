"""The bare client: it makes the writes that the manager makes, with the same concurrency and library, and decides nothing.

What one object cannot hold of a ledger it continues in EipAllocations, as the manager does, and Services that are deleted it
lets go in the same steps.

`python -m bench.bare told` reads what to serve from standard input, one object a line: the bare sequence of writes.
`python -m bench.bare hears` learns it from a watch, as a manager must. It runs in a process of its own, like the manager.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import msgspec

from bench.cluster import Sink, side_by_side
from openelb.kube import decode, decode_pools, writes
from openelb.kube.client import Client
from openelb.kube.config import from_kubeconfig
from openelb.kube.resources import EIPS, SERVICES
from openelb.kube.shapes import EipShape, ServiceShape
from openelb.kube.watch import Reflector
from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Page, Pool, Publication, Service, ServiceKey
from openelb.model.findings import Condition, Finding, Reason
from openelb.plan.ledger import ROOM

Used = Mapping[Address, tuple[ServiceKey, ...]]

WAITING = Publication(
    conditions=(Condition.of(names.ADDRESS_ALLOCATED, Finding(Reason.POOL_NOT_FOUND, "waits"), status=False),)
)
GUARDED = Publication(guarded=True)
ANNOUNCED = Finding(Reason.ANNOUNCED, "a node with interface eth0 answers for it (layer2)")


class Ledger:
    """Of one pool: its Eip as it was last written, and the pages that follow."""

    def __init__(self, client: Client, pool: Pool) -> None:
        self._client = client
        self.pool = pool
        self.pages: list[Page] = []
        self.given = len(pool.status.used)

    async def enter(self, given: Used) -> None:
        """Write them down where there is room: one write of each page."""
        self.given += len(given)
        entries = list(given.items())
        room = ROOM - len(self.pool.status.used)
        here, entries = entries[:room], entries[room:]
        work: list[Awaitable[object]] = []
        if here:
            work.append(self._write({**self.pool.status.used, **dict(here)}))
        last = self.pages[-1] if self.pages else Page(self.pool.name)
        if entries and self.pages and (room := ROOM - len(last.used)) > 0:
            here, entries = entries[:room], entries[room:]
            work.append(self._write_page(last, {**last.used, **dict(here)}))
        for first in range(0, len(entries), ROOM):
            page = Page(self.pool.name, f"{self.pool.name}-{len(self.pages) + 1}")
            self.pages.append(page)
            work.append(self._write_page(page, dict(entries[first : first + ROOM])))
        await side_by_side(work)

    async def strike(self, addresses: Set[Address]) -> None:
        """Take them out: one write of each page that has any."""
        work: list[Awaitable[object]] = []
        if addresses & self.pool.status.used.keys():
            work.append(self._write(_without(self.pool.status.used, addresses)))
        for page in self.pages:
            if addresses & page.used.keys():
                work.append(self._write_page(page, _without(page.used, addresses)))
        await side_by_side(work)

    async def _write(self, used: Used) -> None:
        status = replace(self.pool.status, used=used, usage=len(used))
        self.pool = await writes.write_pool_status(self._client, self.pool, status)

    async def _write_page(self, page: Page, used: Used) -> None:
        seen = page if page.uid else None
        written = await writes.write_page(self._client, self.pool, seen, replace(page, used=used))
        self.pages[self.pages.index(page)] = written


class Bare:
    """Gives the addresses of each pool in order. It knows every object from what it was told or from its own last write."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ledgers: dict[str, Ledger] = {}
        self._waiting: dict[ServiceKey, Service] = {}
        self._leaving: dict[ServiceKey, Service] = {}
        self._known: set[ServiceKey] = set()
        self._told: set[ServiceKey] = set()
        self._news = asyncio.Event()

    def hear_pool(self, pool: Pool) -> None:
        """A pool is there. Its later versions are our own writes."""
        if pool.name not in self._ledgers:
            self._ledgers[pool.name] = Ledger(self._client, pool)
            self._news.set()

    def hear_service(self, service: Service) -> None:
        """A Service waits for an address, or is being deleted. Its other versions are our own writes."""
        if service.deleting and service.key in self._known:
            if service.ingress:  # otherwise it is our own write
                self._leaving[service.key] = service
                self._news.set()
        elif service.wishes.pool and service.key not in self._known:
            self._known.add(service.key)
            self._waiting[service.key] = service
            self._news.set()

    async def run(self) -> None:
        """Serve whoever waits, and let go who leaves, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            for name, services in _by_pool(self._waiting.values(), lambda service: service.wishes.pool):
                await (self._serve(name, services) if name in self._ledgers else self._tell_to_wait(services))
            leaving, self._leaving = self._leaving, {}
            for name, services in _by_pool(leaving.values(), lambda service: service.pool_label):
                await self._let_go(name, services)

    async def _serve(self, name: str, services: list[Service]) -> None:
        """The ledger for all of them, then one status patch each."""
        ledger = self._ledgers[name]
        first = int(ledger.pool.ranges.parts[0].first) + ledger.given
        given = {service.key: IPv4Address(first + index) for index, service in enumerate(services)}
        await ledger.enter({address: (key,) for key, address in given.items()})
        work = [writes.write_service(self._client, each, _publication(name, str(given[each.key]))) for each in services]
        await side_by_side(work)
        for service in services:
            del self._waiting[service.key]

    async def _let_go(self, name: str, services: list[Service]) -> None:
        """The address off each of them, then the ledger, then the finalizer off each: nobody else has an address before
        the last who shows it has lost it.
        """
        shown = {IPv4Address(each.ingress[0]) for each in services}
        bare = await side_by_side([writes.write_service(self._client, each, GUARDED) for each in services])
        await self._ledgers[name].strike(shown)
        await side_by_side([writes.write_service(self._client, each, Publication()) for each in bare])

    async def _tell_to_wait(self, services: list[Service]) -> None:
        """The condition that a Service without a pool gets, once."""
        new = [service for service in services if service.key not in self._told]
        self._told.update(service.key for service in new)
        for written in await side_by_side([writes.write_service(self._client, each, WAITING) for each in new]):
            self._waiting[written.key] = written


def _by_pool(services: Iterable[Service], pool: Callable[[Service], str]) -> list[tuple[str, list[Service]]]:
    """The Services by what `pool` says of each."""
    found: dict[str, list[Service]] = {}
    for service in services:
        found.setdefault(pool(service), []).append(service)
    return list(found.items())


def _without(used: Used, addresses: Set[Address]) -> dict[Address, tuple[ServiceKey, ...]]:
    return {address: keys for address, keys in used.items() if address not in addresses}


class _Line(msgspec.Struct):
    kind: str


async def _told(bare: Bare) -> None:
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if msgspec.json.decode(line, type=_Line).kind == "Eip":
            bare.hear_pool(decode_pools.pool(msgspec.json.decode(line, type=EipShape)))
        else:
            bare.hear_service(decode.service(msgspec.json.decode(line, type=ServiceShape)))


async def _hears(client: Client, bare: Bare) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Reflector(client, EIPS, Sink(bare.hear_pool)).run())
        tasks.create_task(Reflector(client, SERVICES, Sink(bare.hear_service)).run())


async def main(way: str) -> None:
    """Serve until killed, or until nobody tells anything any more."""
    async with Client(from_kubeconfig([Path(os.environ["KUBECONFIG"])])) as client:
        bare = Bare(client)
        serving = asyncio.create_task(bare.run())
        learning = asyncio.create_task(_told(bare) if way == "told" else _hears(client, bare))
        await asyncio.wait({serving, learning}, return_when=asyncio.FIRST_COMPLETED)
        for task in (serving, learning):
            if task.done():
                task.result()
        serving.cancel()


def _publication(pool: str, address: str) -> Publication:
    allocated = Finding(Reason.ALLOCATED, f"{address} from Eip {pool}")
    conditions = (
        Condition.of(names.ADDRESS_ALLOCATED, allocated, status=True),
        Condition.of(names.ANNOUNCED, ANNOUNCED, status=True),
    )
    return Publication((address,), pool, True, conditions)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
