"""The API server as the bench needs it: pools and Services made and removed, and a watcher with a clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Generic, TypeVar

import msgspec

from openelb.kube import decode_pools
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists, NotFound
from openelb.kube.reader import Seen
from openelb.kube.resources import ALLOCATIONS_PATH, EIPS_PATH, SERVICES, allocation_path, eip_path
from openelb.kube.shapes import AllocationShape, EipShape
from openelb.kube.watch import Reflector
from openelb.manager.controller import AT_ONCE
from openelb.model import names
from openelb.model.cluster import Page, Service, ServiceKey

Answer = TypeVar("Answer")
Value = TypeVar("Value")

NAMESPACE = "bench"
MANY, PAUSE = 100, 0.05
_SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"


async def prepare(client: Client) -> None:
    """Make the namespace of the Services, where it is not there yet."""
    try:
        await client.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}}, msgspec.Raw)
    except AlreadyExists:
        return


async def create_pool(client: Client, name: str, address: str) -> msgspec.Raw:
    """A layer2 pool on eth0, of which no address is asked about on a LAN that is not there; the answer as it came."""
    spec = {"address": address, "protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}}
    body = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": "Eip", "metadata": {"name": name}, "spec": spec}
    return await client.create(EIPS_PATH, body, msgspec.Raw)


async def remove_pools(client: Client, names_: Collection[str]) -> None:
    """Delete pools that nothing uses, finalizer or not, and what continues their ledgers: nobody collects garbage here."""
    for name in names_:
        await client.merge(eip_path(name), {"metadata": {"finalizers": None}}, msgspec.Raw)
        await client.delete(eip_path(name))
    for page in await pages(client):
        if page.pool in names_:
            with suppress(NotFound):  # the manager was faster
                await client.delete(allocation_path(page.name))


async def pages(client: Client) -> list[Page]:
    """All EipAllocations."""
    found = await client.get(ALLOCATIONS_PATH, _Allocations)
    return [decode_pools.page(item) for item in found.items]


async def in_use(client: Client, pool: str) -> int:
    """How many addresses of the pool its ledger says to be in use."""
    eip = decode_pools.pool(await client.get(eip_path(pool), EipShape))
    return len(eip.status.used) + sum(len(page.used) for page in await pages(client) if page.pool == pool)


def parts(network: IPv4Network, count: int) -> list[str]:
    """So many ranges of one size, one for each pool; a power of two of them would fill the network."""
    return [str(part) for part, _ in zip(network.subnets((count - 1).bit_length()), range(count), strict=False)]


async def post_service(client: Client, name: str, pool: str) -> msgspec.Raw:
    """Create a Service that asks for an address of the pool; the answer as it came."""
    annotations = {names.REQUESTED_POOL: pool, names.OPT_IN: names.OPT_IN_VALUE}
    spec = {
        "type": "LoadBalancer",
        "selector": {"app": name},
        "ports": [{"port": 80}],
        "allocateLoadBalancerNodePorts": False,
    }
    body = {"metadata": {"name": name, "annotations": annotations}, "spec": spec}
    return await client.create(_SERVICES, body, msgspec.Raw)


async def remove_services(client: Client, names_: Iterable[str]) -> None:
    """Delete Services at once, whatever guards them."""

    async def remove(name: str) -> None:
        await client.merge(f"{_SERVICES}/{name}", {"metadata": {"finalizers": None}}, msgspec.Raw)
        await client.delete(f"{_SERVICES}/{name}")

    await side_by_side([remove(name) for name in names_])


async def delete_services(client: Client, names_: Iterable[str]) -> None:
    """Delete Services as users do: they go when whoever guards them lets them go."""
    await side_by_side([client.delete(f"{_SERVICES}/{name}") for name in names_])


async def side_by_side(work: Iterable[Awaitable[Answer]]) -> list[Answer]:
    """The answers of all, `AT_ONCE` of them in flight; the first failure is raised."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(each: Awaitable[Answer]) -> Answer:
        async with gate:
            return await each

    return list(await asyncio.gather(*(one(each) for each in work)))


class _Allocations(msgspec.Struct):
    """A list of EipAllocations."""

    items: list[AllocationShape]


class Sink(Generic[Value]):
    """Where a watch ends. No name is used twice."""

    def __init__(self, hear: Callable[[Value], None], gone: Callable[[ServiceKey], None] = lambda _: None) -> None:
        self._hear = hear
        self._gone = gone

    def listing(self) -> None: ...

    def known(self, seen: Seen[Value]) -> Seen[Value]:
        return seen

    def listed(self, seen: list[Seen[Value]]) -> None:
        for each in seen:
            self.put(each)

    def put(self, seen: Seen[Value]) -> None:
        if seen.value is not None:
            self._hear(seen.value)

    def drop(self, seen: Seen[Value]) -> None:
        self._gone(seen.key)


@dataclass(slots=True)
class Watcher:
    """Notes when a Service is first seen with an address, with a condition, or gone: what a user at a watch would see."""

    client: Client
    addressed: dict[str, float] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    gone: dict[str, float] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watch until cancelled."""
        await Reflector(self.client, SERVICES, Sink(self._note, self._miss)).run()

    async def until_addressed(self, wanted: Iterable[str]) -> float:
        """The time (monotonic) at which the last of them was seen with an address."""
        return await self._until(self.addressed, wanted)

    async def until_gone(self, wanted: Iterable[str]) -> float:
        """The time (monotonic) at which the last of them was seen to be gone."""
        return await self._until(self.gone, wanted)

    async def until_told(self, wanted: Iterable[str]) -> None:
        """Return when all of them have a condition."""
        missing = set(wanted)
        while missing := missing - self.told:
            await self._next(len(missing))

    async def _until(self, times: Mapping[str, float], wanted: Iterable[str]) -> float:
        missing = set(wanted)
        last = 0.0
        while missing:
            seen = missing & times.keys()
            last = max([last, *(times[name] for name in seen)])
            missing -= seen
            if missing:
                await self._next(len(missing))
        return last

    def _miss(self, key: ServiceKey) -> None:
        self.gone[key.name] = time.monotonic()
        self._news.set()

    def _note(self, service: Service) -> None:
        name = service.key.name
        if service.ingress and name not in self.addressed:
            self.addressed[name] = time.monotonic()
            self._news.set()
        if service.conditions and name not in self.told:
            self.told.add(name)
            self._news.set()

    async def _next(self, missing: int) -> None:
        """Return on news. Of many that are missing most are still: going through them takes time from those who are measured,
        and when they came is noted anyway.
        """
        self._news.clear()
        await self._news.wait()
        if missing > MANY:
            await asyncio.sleep(PAUSE)
