"""The API server as the bench needs it: pools and Services made and removed, and a watcher with a clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from openelb.controller import AT_ONCE
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists
from openelb.kube.reader import Seen
from openelb.kube.resources import EIPS_PATH, SERVICES, eip_path
from openelb.kube.watch import Reflector
from openelb.model import names
from openelb.model.cluster import Service

Answer = TypeVar("Answer")
Value = TypeVar("Value")

NAMESPACE = "bench"
_SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"


async def prepare(client: Client) -> None:
    """Make the namespace of the Services, where it is not there yet."""
    try:
        await client.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}}, msgspec.Raw)
    except AlreadyExists:
        return


async def create_pool(client: Client, name: str, address: str) -> msgspec.Raw:
    """A layer2 pool on eth0; the answer as it came."""
    spec = {"address": address, "protocol": "layer2", "interface": "eth0"}
    body = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": "Eip", "metadata": {"name": name}, "spec": spec}
    return await client.create(EIPS_PATH, body, msgspec.Raw)


async def remove_pool(client: Client, name: str) -> None:
    """Delete a pool that nothing uses, finalizer or not."""
    await client.merge(eip_path(name), {"metadata": {"finalizers": None}}, msgspec.Raw)
    await client.delete(eip_path(name))


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


async def side_by_side(work: Iterable[Awaitable[Answer]]) -> list[Answer]:
    """The answers of all, `AT_ONCE` of them in flight; the first failure is raised."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(each: Awaitable[Answer]) -> Answer:
        async with gate:
            return await each

    return list(await asyncio.gather(*(one(each) for each in work)))


class Sink(Generic[Value]):
    """Where a watch ends. What is deleted does not matter: no name is used twice."""

    def __init__(self, hear: Callable[[Value], None]) -> None:
        self._hear = hear

    def listing(self) -> None: ...

    def known(self, seen: Seen[Value]) -> Seen[Value]:
        return seen

    def listed(self, seen: list[Seen[Value]]) -> None:
        for each in seen:
            self.put(each)

    def put(self, seen: Seen[Value]) -> None:
        if seen.value is not None:
            self._hear(seen.value)

    def drop(self, seen: Seen[Value]) -> None: ...


@dataclass(slots=True)
class Watcher:
    """Notes when a Service is first seen with an address, or with a condition: what a user at a watch would see."""

    client: Client
    addressed: dict[str, float] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watch until cancelled."""
        await Reflector(self.client, SERVICES, Sink(self._note)).run()

    async def until_addressed(self, wanted: Iterable[str]) -> float:
        """The time (monotonic) at which the last of them was seen with an address."""
        missing = set(wanted)
        last = 0.0
        while missing:
            seen = missing & self.addressed.keys()
            last = max([last, *(self.addressed[name] for name in seen)])
            missing -= seen
            if missing:
                await self._next()
        return last

    async def until_told(self, wanted: Iterable[str]) -> None:
        """Return when all of them have a condition."""
        missing = set(wanted)
        while missing := missing - self.told:
            await self._next()

    def _note(self, service: Service) -> None:
        name = service.key.name
        if service.ingress and name not in self.addressed:
            self.addressed[name] = time.monotonic()
            self._news.set()
        if service.conditions and name not in self.told:
            self.told.add(name)
            self._news.set()

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()
