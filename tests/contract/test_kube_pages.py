"""EipAllocations and EipReservations, on a real API server and on the fake one: written, in conflict, and removed."""

from dataclasses import replace

import pytest

from openelb.kube import decode, writes
from openelb.kube.client import Client
from openelb.kube.decode_pools import page, reservation
from openelb.kube.errors import AlreadyExists, Conflict, NotFound
from openelb.kube.resources import NAMESPACES, RESERVATIONS_PATH, allocation_path, reservation_path
from openelb.kube.shapes import AllocationShape, NamespaceShape, ReservationShape
from openelb.model import names
from openelb.model.cluster import Page, Release
from openelb.model.findings import Condition
from tests.contract.kube import make_eip
from tests.unit.builders import address, key, ledger

READY = Condition(names.READY, True, "Ready", "its addresses are kept")


def a_page(**used: str) -> Page:
    return Page("office", "office-1", ledger({f"192.0.2.{octet[1:]}": who for octet, who in used.items()}))


async def test_a_page_is_made_and_read_as_it_was_meant(either: Client) -> None:
    pool = await make_eip(either)
    wanted = replace(
        a_page(_1="default/web", _2="default/a;default/b"),
        released={address("192.0.2.9"): Release(key("db"), 1767225600.0)},
    )
    written = await writes.write_page(either, pool, None, wanted)
    assert (written.used, written.released, written.pool) == (wanted.used, wanted.released, "office")
    assert written == page(await either.get(allocation_path("office-1"), AllocationShape))
    with pytest.raises(AlreadyExists):
        await writes.write_page(either, pool, None, wanted)


async def test_a_page_that_changed_since_it_was_read_is_a_conflict(either: Client) -> None:
    pool = await make_eip(either)
    first = await writes.write_page(either, pool, None, a_page(_1="default/web"))
    second = await writes.write_page(either, pool, first, replace(first, used=a_page(_2="default/web").used))
    assert second.used == a_page(_2="default/web").used
    with pytest.raises(Conflict):
        await writes.write_page(either, pool, first, replace(first, used={}))


async def test_a_page_is_removed_as_it_was_read_and_not_otherwise(client: Client) -> None:
    pool = await make_eip(client)
    first = await writes.write_page(client, pool, None, a_page(_1="default/web"))
    second = await writes.write_page(client, pool, first, replace(first, used={}))
    with pytest.raises(Conflict):
        await writes.remove_page(client, first)
    await writes.remove_page(client, second)
    with pytest.raises(NotFound):
        await client.get(allocation_path("office-1"), AllocationShape)


async def test_the_status_of_a_reservation_is_written_and_its_author_s_part_stays(either: Client) -> None:
    spec = {"eip": "office", "count": 2, "services": {"namespace": "default", "selector": {"matchLabels": {"a": "b"}}}}
    body = {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": "EipReservation",
        "metadata": {"name": "kept"},
        "spec": spec,
    }
    seen = reservation(await either.create(RESERVATIONS_PATH, body, ReservationShape))
    assert (seen.problem, seen.count, seen.namespace) == ("", 2, "default")
    wanted = replace(seen, held=(address("192.0.2.1"), address("192.0.2.2")), conditions=(READY,))
    written = await writes.write_reservation(either, seen, wanted)
    assert (written.held, written.conditions, written.selector) == (wanted.held, (READY,), seen.selector)
    assert written == reservation(await either.get(reservation_path("kept"), ReservationShape))
    with pytest.raises(Conflict):
        await writes.write_reservation(either, seen, replace(seen, held=(address("192.0.2.9"),)))


async def test_of_a_namespace_the_labels_are_read(client: Client) -> None:
    found = await client.get(f"{NAMESPACES.path}/default", NamespaceShape)
    assert decode.namespace(found) == {"kubernetes.io/metadata.name": "default"}
