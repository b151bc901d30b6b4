"""What the tests of the Kubernetes client do with a server, real or fake: objects made, read and waited for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from openelb.kube import writes
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists, NotFound
from openelb.kube.resources import ALLOCATIONS_PATH, EIPS_PATH, RESERVATIONS_PATH, leases_path
from openelb.kube.store import Store
from openelb.model import names
from openelb.model.cluster import Pool, Service, ServiceKey
from openelb.model.snapshot import Snapshot

JSON = dict[str, Any]

SYSTEM = "kube-client-tests"
WEB = ServiceKey(SYSTEM, "web")
SERVICES_HERE = f"/api/v1/namespaces/{SYSTEM}/services"
SLICES_HERE = f"/apis/discovery.k8s.io/v1/namespaces/{SYSTEM}/endpointslices"


@contextlib.asynccontextmanager
async def stored(client: Client, *, speaker: bool = False) -> AsyncIterator[Store]:
    """A store that has listed everything."""
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
    """The first snapshot of which something holds."""
    async with asyncio.timeout(seconds):
        while not holds(snapshot := store.snapshot()):
            await store.changed()
    return snapshot


async def make_service(client: Client, name: str = "web", **metadata: Any) -> Service:
    body = {"metadata": {"name": name, **metadata}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    await client.create(SERVICES_HERE, body, msgspec.Raw)
    return await writes.read_service(client, ServiceKey(SYSTEM, name))


async def make_eip(client: Client, name: str = "office") -> Pool:
    kind = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": "Eip"}
    body = {**kind, "metadata": {"name": name}, "spec": {"address": "192.0.2.0/24"}}
    await client.create(EIPS_PATH, body, msgspec.Raw)
    async with stored(client) as store:
        return store.snapshot().pools[name]


async def raw(client: Client, path: str) -> JSON:
    return msgspec.convert(await client.get(path, dict), JSON)


async def names_in(client: Client, collection: str) -> list[str]:
    return [item["metadata"]["name"] for item in (await raw(client, collection))["items"]]


async def prepare(client: Client) -> None:
    """Make the namespace that the tests use."""
    with contextlib.suppress(AlreadyExists):
        await client.create("/api/v1/namespaces", {"metadata": {"name": SYSTEM}}, msgspec.Raw)


async def clear(client: Client) -> None:
    """Remove what tests made there, and all Eips with what goes with them."""
    ours = (EIPS_PATH, ALLOCATIONS_PATH, RESERVATIONS_PATH)
    for collection in (SERVICES_HERE, SLICES_HERE, leases_path(SYSTEM), *ours):
        for name in await names_in(client, collection):
            with contextlib.suppress(NotFound):
                await client.merge(f"{collection}/{name}", {"metadata": {"finalizers": None}}, msgspec.Raw)
                await client.delete(f"{collection}/{name}")
