"""EipConflicts: one object for each address that a machine on the LAN has which is no node of ours. For people; nobody judges
by them.
"""

import contextlib
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from openelb.kube.answers import UNREADABLE
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists, Conflict, NotFound
from openelb.kube.resources import CONFLICTS_PATH
from openelb.kube.shapes import ConflictShape, ConflictSpec, PageShape
from openelb.model import names
from openelb.model.addresses import Address, parse_address

REFRESH = 600.0
"""Seconds; how old `lastSeen` gets while the conflict lasts: a write for each look would be one a minute for each address."""

MOST = 256
"""So many objects one node writes at most. A machine that answers for everything is told well enough by them."""

_READ_AT_ONCE = 500


class Taken(NamedTuple):
    """By whom: the Eip, its uid, and the MAC."""

    pool: str
    uid: str
    mac: str


def name_of(address: Address) -> str:
    """Of the object; an IPv6 address is written out, with dashes, since a name has no colons."""
    return address.exploded.replace(":", "-")


async def record(
    client: Client,
    node: str,
    taken: Mapping[Address, Taken],
    free: frozenset[Address],
    asked: frozenset[Address],
) -> None:
    """Have the objects say what is `taken` by what this node has found. Those go whose addresses are `free`, and those that this
    node wrote and is not `asked` about any more. Raises ApiError.
    """
    now = datetime.now(UTC)
    there = await _read(client)
    for address, by in list(taken.items())[:MOST]:
        seen = there.get(name_of(address))
        if seen is None:
            await _create(client, node, address, by, now)
        elif not _says(seen.spec or ConflictSpec(), node, by, now):
            spec = {"eip": by.pool, "ip": str(address), "mac": by.mac, "node": node, "lastSeen": _text(now)}
            path = f"{CONFLICTS_PATH}/{name_of(address)}"
            await _tolerant(client.patch(path, [{"op": "add", "path": "/spec", "value": spec}], msgspec.Raw))
    for name, seen in there.items():
        spec_seen = seen.spec or ConflictSpec()
        at = parse_address(spec_seen.ip)
        if at is None or at in free or (spec_seen.node == node and at not in taken and at not in asked):
            meta = seen.metadata
            await _tolerant(client.delete(f"{CONFLICTS_PATH}/{name}", uid=meta.uid, version=meta.resource_version))


async def _read(client: Client) -> dict[str, ConflictShape]:
    found: dict[str, ConflictShape] = {}
    query = {"limit": str(_READ_AT_ONCE)}
    while True:
        page = msgspec.json.decode(await client.page(CONFLICTS_PATH, query), type=PageShape)
        for item in page.items or ():
            try:
                one = msgspec.json.decode(item, type=ConflictShape)
            except UNREADABLE:
                continue
            found[one.metadata.name] = one
        if not page.metadata.continue_:
            return found
        query = {"limit": str(_READ_AT_ONCE), "continue": page.metadata.continue_}


async def _create(client: Client, node: str, address: Address, by: Taken, now: datetime) -> None:
    group = f"{names.GROUP}/{names.VERSION}"
    owner = {"apiVersion": group, "kind": "Eip", "name": by.pool, "uid": by.uid}
    body = {
        "apiVersion": group,
        "kind": "EipConflict",
        "metadata": {"name": name_of(address), "ownerReferences": [owner] if by.uid else []},
        "spec": {"eip": by.pool, "ip": str(address), "mac": by.mac, "node": node, "lastSeen": _text(now)},
    }
    await _tolerant(client.create(CONFLICTS_PATH, body, msgspec.Raw))


async def _tolerant(write: Awaitable[object]) -> None:
    """Another node may have written it: the next look sees that."""
    with contextlib.suppress(AlreadyExists, Conflict, NotFound):
        await write


def _says(spec: ConflictSpec, node: str, by: Taken, now: datetime) -> bool:
    try:
        is_fresh = (now - datetime.fromisoformat(spec.last_seen)).total_seconds() < REFRESH
    except (ValueError, TypeError):
        is_fresh = False
    return is_fresh and (spec.eip, spec.mac, spec.node) == (by.pool, by.mac, node)


def _text(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
