"""The API server as the bench needs it: kinds, pools and Services made and removed, and a watcher with a clock."""

import asyncio
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import yaml

from openelb.controller import AT_ONCE
from openelb.kube import decode
from openelb.kube.client import Client
from openelb.kube.crds import crds_yaml
from openelb.kube.errors import AlreadyExists, ApiError
from openelb.kube.resources import EIPS_PATH, eip_path
from openelb.kube.shapes import ServiceShape
from openelb.kube.store import Store
from openelb.model import names
from openelb.model.cluster import Service

Answer = TypeVar("Answer")

NAMESPACE = "bench"


async def prepare(client: Client) -> None:
    """Install the kinds and the namespaces, and return when an Eip can be read."""
    for document in yaml.safe_load_all(crds_yaml()):
        await _create(client, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", document)
    for name in (NAMESPACE, names.NAMESPACE):
        await _create(client, "/api/v1/namespaces", {"metadata": {"name": name}})
    while True:
        try:
            await client.get(EIPS_PATH, msgspec.Raw)
            return
        except ApiError:
            await asyncio.sleep(0.1)


async def create_pool(client: Client, name: str, address: str) -> None:
    """A layer2 pool. No speaker runs here: what is measured ends when the address is published."""
    spec = {"address": address, "protocol": "layer2", "interface": "eth0"}
    body = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": "Eip", "metadata": {"name": name}, "spec": spec}
    await client.create(EIPS_PATH, body, msgspec.Raw)


async def remove_pool(client: Client, name: str) -> None:
    """Delete a pool that nothing uses, finalizer or not."""
    await client.merge(eip_path(name), {"metadata": {"finalizers": None}}, msgspec.Raw)
    await client.delete(eip_path(name))


async def create_service(client: Client, name: str, pool: str) -> Service:
    """Create a Service that asks for an address of the pool."""
    annotations = {names.REQUESTED_POOL: pool, names.OPT_IN: names.OPT_IN_VALUE}
    spec = {
        "type": "LoadBalancer",
        "selector": {"app": name},
        "ports": [{"port": 80}],
        "allocateLoadBalancerNodePorts": False,
    }
    body = {"metadata": {"name": name, "annotations": annotations}, "spec": spec}
    return decode.service(await client.create(f"/api/v1/namespaces/{NAMESPACE}/services", body, ServiceShape))


async def remove_services(client: Client, names_: Iterable[str]) -> None:
    """Delete Services at once, whatever guards them."""

    async def remove(name: str) -> None:
        path = f"/api/v1/namespaces/{NAMESPACE}/services/{name}"
        await client.merge(path, {"metadata": {"finalizers": None}}, msgspec.Raw)
        await client.delete(path)

    await side_by_side([remove(name) for name in names_])


async def side_by_side(work: Iterable[Awaitable[Answer]]) -> list[Answer]:
    """The answers of all, `AT_ONCE` of them in flight; the first failure is raised."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(each: Awaitable[Answer]) -> Answer:
        async with gate:
            return await each

    return list(await asyncio.gather(*(one(each) for each in work)))


async def _create(client: Client, path: str, body: dict[str, object]) -> None:
    try:
        await client.create(path, body, msgspec.Raw)
    except AlreadyExists:
        return


@dataclass(slots=True)
class Watcher:
    """Notes when a Service is first seen with an address, or with a condition: what a user at a watch would see."""

    store: Store
    addressed: dict[str, float] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watch until cancelled."""
        await self.store.synced()
        while True:
            services, now = self.store.snapshot().services, time.monotonic()
            for key, service in services.items():
                if service.ingress:
                    self.addressed.setdefault(key.name, now)
                if service.conditions:
                    self.told.add(key.name)
            self._news.set()
            await self.store.changed()

    async def until_addressed(self, wanted: Iterable[str]) -> float:
        """The time at which the last of them was seen with an address."""
        missing = set(wanted)
        while missing - self.addressed.keys():
            await self._next()
        return max(self.addressed[name] for name in missing)

    async def until_told(self, wanted: Iterable[str]) -> None:
        """Return when all of them have a condition."""
        missing = set(wanted)
        while missing - self.told:
            await self._next()

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()
