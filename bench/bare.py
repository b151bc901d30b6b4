"""The bare client: it makes the writes that the manager makes, with the same concurrency and library, and decides nothing.

`python -m bench.bare told` reads what to serve from standard input, one object a line: the bare sequence of writes.
`python -m bench.bare hears` learns it from a watch, as a manager must. It runs in a process of its own, like the manager.
"""

import asyncio
import os
import sys
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
from openelb.model.cluster import Pool, Publication, Service, ServiceKey
from openelb.model.findings import Condition, Finding, Reason

WAITING = Publication(
    conditions=(Condition.of(names.ADDRESS_ALLOCATED, Finding(Reason.POOL_NOT_FOUND, "waits"), status=False),)
)
ANNOUNCED = Finding(Reason.ANNOUNCED, "a node with interface eth0 answers for it (layer2)")


class Bare:
    """Gives the addresses of each pool in order. It knows every object from what it was told or from its own last write."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._pools: dict[str, Pool] = {}
        self._waiting: dict[ServiceKey, Service] = {}
        self._known: set[ServiceKey] = set()
        self._told: set[ServiceKey] = set()
        self._news = asyncio.Event()

    def hear_pool(self, pool: Pool) -> None:
        """A pool is there. Its later versions are our own writes."""
        if pool.name not in self._pools:
            self._pools[pool.name] = pool
            self._news.set()

    def hear_service(self, service: Service) -> None:
        """A Service waits for an address. Its later versions are our own writes."""
        if service.wishes.pool and service.key not in self._known:
            self._known.add(service.key)
            self._waiting[service.key] = service
            self._news.set()

    async def run(self) -> None:
        """Serve whoever waits, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            for name in {service.wishes.pool for service in self._waiting.values()}:
                services = [service for service in self._waiting.values() if service.wishes.pool == name]
                await (self._serve(name, services) if name in self._pools else self._tell_to_wait(services))

    async def _serve(self, name: str, services: list[Service]) -> None:
        """One compare-and-swap of the ledger for all of them, then one status patch each."""
        pool = self._pools[name]
        first = int(pool.ranges.parts[0].first) + len(pool.status.used)
        given = {service.key: IPv4Address(first + index) for index, service in enumerate(services)}
        used: dict[Address, tuple[ServiceKey, ...]] = dict(pool.status.used)
        used.update((address, (key,)) for key, address in given.items())
        status = replace(pool.status, used=used, usage=len(used))
        self._pools[name] = await writes.write_pool_status(self._client, pool, status)
        work = [writes.write_service(self._client, each, _publication(name, str(given[each.key]))) for each in services]
        await side_by_side(work)
        for service in services:
            del self._waiting[service.key]

    async def _tell_to_wait(self, services: list[Service]) -> None:
        """The condition that a Service without a pool gets, once."""
        new = [service for service in services if service.key not in self._told]
        self._told.update(service.key for service in new)
        for written in await side_by_side([writes.write_service(self._client, each, WAITING) for each in new]):
            self._waiting[written.key] = written


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
