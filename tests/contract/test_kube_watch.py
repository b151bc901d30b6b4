"""Lists and watches of a real API server, and what the fake one of the unit tests makes of them."""

import base64
import urllib.request

import msgspec
import pytest

from lab.controlplane import ControlPlane
from openelb.kube import writes
from openelb.kube.answers import refused_by_status
from openelb.kube.client import Client
from openelb.kube.errors import Gone
from openelb.kube.resources import EIPS_PATH, service_path
from openelb.kube.shapes import PageShape, WatchLine
from openelb.model import names
from openelb.model.cluster import Publication, ServiceKey
from tests.contract.kube import SYSTEM, WEB, make_eip, make_service, stored, until

PUBLISHED = Publication(("192.0.2.1",), "office", guarded=True)


async def test_what_happens_in_the_cluster_is_seen(either: Client) -> None:
    async with stored(either) as store:
        await make_eip(either)
        await make_service(either)
        seen = await until(store, lambda s: WEB in s.services and "office" in s.pools)
        assert seen.services[WEB] == await writes.read_service(either, WEB)
        await either.delete(service_path(WEB))
        await until(store, lambda s: WEB not in s.services)


async def test_our_own_write_is_seen_before_its_event_and_its_event_changes_nothing(either: Client) -> None:
    service = await make_service(either)
    async with stored(either) as store:
        store.absorb(await writes.write_service(either, service, PUBLISHED))
        first = store.snapshot().services[WEB]
        await make_service(either, "api")
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


async def test_a_speaker_sees_a_service_come_and_go_with_its_label(client: Client) -> None:
    await make_service(client, labels={names.POOL_LABEL: "office"})
    async with stored(client, speaker=True) as store:
        assert WEB in store.snapshot().services
        await client.merge(service_path(WEB), {"metadata": {"labels": {names.POOL_LABEL: None}}}, msgspec.Raw)
        await until(store, lambda s: WEB not in s.services)
        await client.merge(service_path(WEB), {"metadata": {"labels": {names.POOL_LABEL: "office"}}}, msgspec.Raw)
        await until(store, lambda s: WEB in s.services)


async def test_a_watch_from_before_the_servers_memory_ends_with_a_gone_event(client: Client) -> None:
    query = {"watch": "true", "resourceVersion": "1", "timeoutSeconds": "5"}
    async with client.stream(EIPS_PATH, query, silence=10) as chunks:
        line = msgspec.json.decode(await anext(chunks), type=WatchLine)
    assert line.type == "ERROR"
    assert isinstance(refused_by_status("watch eips", line.object), Gone)


async def test_a_page_of_a_list_from_before_a_compaction_is_gone(client: Client) -> None:
    await make_eip(client)
    page = msgspec.json.decode(await client.page(EIPS_PATH, {}), type=PageShape)
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
        plane.end_program("kube-apiserver")
        assert ServiceKey(SYSTEM, "before") in store.snapshot().services
        plane.start_program("kube-apiserver")
        plane.wait_until_ready()
        await make_service(client, "after")
        seen = await until(store, lambda s: ServiceKey(SYSTEM, "after") in s.services, seconds=20)
    assert ServiceKey(SYSTEM, "before") in seen.services
