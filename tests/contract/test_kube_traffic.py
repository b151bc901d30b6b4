"""What a speaker is sent: of Eips their metadata, however many addresses are in use; of slices those that can matter."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import IPv4Address
from urllib.parse import urlsplit

import msgspec
import pytest

from lab.controlplane import ControlPlane
from openelb.kube import writes
from openelb.kube.client import Client
from openelb.kube.config import Access, find_access
from openelb.kube.resources import EIPS_PATH, METADATA, SLICES, eip_path
from openelb.kube.shapes import PageShape
from openelb.model import names
from openelb.model.cluster import Pool, Publication, ServiceKey
from openelb.model.findings import Condition, Finding, Reason
from tests.contract.kube import SLICES_HERE, SYSTEM, make_eip, make_service, raw, stored, until

FIRST = IPv4Address("10.1.0.0")
ALLOCATIONS = 20
MOST = 6_000
"""Bytes a speaker may be sent for an allocation. Kubernetes' own part of it is a Service and its slice as they come and change."""


class Toll:
    """A way to a server that counts the bytes which come back."""

    def __init__(self, access: Access) -> None:
        self._to = urlsplit(access.server)
        self.bytes = 0

    @contextlib.asynccontextmanager
    async def open(self, access: Access) -> AsyncIterator[Access]:
        """The same access, by this way."""
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            yield replace(access, server=f"{self._to.scheme}://127.0.0.1:{port}", server_name=self._to.hostname)

    async def _pass(self, asking: asyncio.StreamReader, answering: asyncio.StreamWriter) -> None:
        there, thither = await asyncio.open_connection(self._to.hostname, self._to.port)
        await asyncio.gather(self._copy(asking, thither), self._copy(there, answering, counted=True))

    async def _copy(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *, counted: bool = False) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await source.read(65536):
                self.bytes += len(piece) * counted
                to.write(piece)
                await to.drain()
        to.close()


@pytest.fixture
async def toll(plane: ControlPlane) -> AsyncIterator[tuple[Client, Toll]]:
    """A client whose bytes are counted."""
    access = find_access(plane.kubeconfig)
    toll = Toll(access)
    async with toll.open(access) as counted, Client(counted) as client:
        yield client, toll


async def test_an_allocation_sends_a_speaker_the_same_however_many_addresses_are_in_use(
    client: Client, toll: tuple[Client, Toll]
) -> None:
    few = await bytes_for_each(client, await fill(client, await make_eip(client, "few"), 100), toll)
    many = await bytes_for_each(client, await fill(client, await make_eip(client, "many"), 2000), toll)
    assert few < MOST
    assert many < 1.05 * few


async def bytes_for_each(client: Client, pool: Pool, toll: tuple[Client, Toll]) -> float:
    """What a speaker that follows the cluster is sent while some Services get their addresses of the pool."""
    counted, way = toll
    async with stored(counted, speaker=True) as store:
        before = way.bytes
        for number in range(ALLOCATIONS):
            pool = await allocate(client, pool, f"{pool.name}-{number}")
        last = ServiceKey(SYSTEM, f"{pool.name}-{ALLOCATIONS - 1}")
        await until(store, lambda seen: last in seen.services and bool(seen.services[last].ingress))
        return (way.bytes - before) / ALLOCATIONS


async def fill(client: Client, pool: Pool, count: int) -> Pool:
    """Note addresses as used by Services that are not there: no manager is, either."""
    used = {FIRST + number: (ServiceKey("default", f"web-{number}"),) for number in range(count)}
    return await writes.write_pool_status(client, pool, replace(pool.status, used=used, usage=count))


async def allocate(client: Client, pool: Pool, name: str) -> Pool:
    """All that the manager writes for one Service that comes, and the slice that Kubernetes makes for it."""
    service = await make_service(client, name)
    labels = {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller"}
    endpoint = {"addresses": ["10.244.1.7"], "conditions": {"ready": True}, "nodeName": "n1"}
    slice_ = {"metadata": {"name": name, "labels": labels}, "addressType": "IPv4", "endpoints": [endpoint], "ports": []}
    await client.create(SLICES_HERE, slice_, msgspec.Raw)
    address = FIRST + len(pool.status.used)
    used = {**pool.status.used, address: (service.key,)}
    pool = await writes.write_pool_status(client, pool, replace(pool.status, used=used, usage=len(used)))
    told = (
        Condition.of(
            names.ADDRESS_ALLOCATED, Finding(Reason.ALLOCATED, f"{address} from Eip {pool.name}"), status=True
        ),
        Condition.of(names.ANNOUNCED, Finding(Reason.ANNOUNCED, "a node with interface eth0 answers"), status=True),
    )
    await writes.write_service(client, service, Publication((str(address),), pool.name, guarded=True, conditions=told))
    return pool


async def test_our_writes_leave_no_address_in_managed_fields(client: Client) -> None:
    pool = await fill(client, await make_eip(client), 3)
    await writes.write_pool_finalizer(client, pool, present=True)
    managed = str((await raw(client, eip_path("office")))["metadata"]["managedFields"])
    assert "'f:used': {}" in managed
    assert "10.1." not in managed


async def test_metadata_is_sent_alone_to_who_asks_for_it(either: Client) -> None:
    pool = await make_eip(either)
    page = msgspec.json.decode(await either.page(EIPS_PATH, {"limit": "5"}, METADATA.list), type=PageShape)
    query = {"watch": "true", "resourceVersion": page.metadata.resource_version, "timeoutSeconds": "5"}
    async with either.stream(EIPS_PATH, query, silence=10, accept=METADATA.watch) as chunks:
        await fill(either, pool, 3)
        line = msgspec.json.decode(await anext(chunks))
    (listed,) = (msgspec.json.decode(item) for item in page.items or ())
    assert listed.keys() == line["object"].keys() == {"kind", "apiVersion", "metadata"}
    assert line["object"]["metadata"]["generation"] == listed["metadata"]["generation"] == 1


async def test_a_speaker_sees_what_the_author_of_an_eip_changes(either: Client) -> None:
    pool = await make_eip(either)
    async with stored(either, speaker=True) as store:
        await fill(either, pool, 3)
        await amend(either, "/spec/address", "198.51.100.0/24")
        seen = await until(store, lambda seen: seen.pools["office"].address == "198.51.100.0/24")
        assert seen.pools["office"].status.used == {}
        await amend(either, "/metadata/labels", {names.CNI_LABEL: ""})
        await until(store, lambda seen: seen.pools["office"].left_to_cni)
        await either.delete(eip_path("office"))
        await until(store, lambda seen: "office" not in seen.pools)


async def amend(client: Client, path: str, value: object) -> None:
    version = (await raw(client, eip_path("office")))["metadata"]["resourceVersion"]
    test: dict[str, object] = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
    await client.patch(eip_path("office"), [test, {"op": "add", "path": path, "value": value}], msgspec.Raw)


async def test_a_change_through_the_old_version_is_one_of_the_author(client: Client) -> None:
    await make_eip(client)
    old = eip_path("office").replace(names.VERSION, "v1alpha1")
    async with stored(client, speaker=True) as store:
        await client.merge(old, {"spec": {"address": "198.51.100.0/24"}}, msgspec.Raw)
        await until(store, lambda seen: seen.pools["office"].address == "198.51.100.0/24")


async def test_slices_of_headless_services_are_not_sent(client: Client) -> None:
    service = {"kubernetes.io/service-name": "db"}
    for name, labels in (
        ("none", {}),
        ("headless", {**service, "service.kubernetes.io/headless": ""}),
        ("of", service),
    ):
        slice_ = {"metadata": {"name": name, "labels": labels}, "addressType": "IPv4", "endpoints": [], "ports": []}
        await client.create(SLICES_HERE, slice_, msgspec.Raw)
    page = msgspec.json.decode(await client.page(SLICES_HERE, SLICES.query), type=PageShape)
    assert [msgspec.json.decode(item)["metadata"]["name"] for item in page.items or ()] == ["of"]
