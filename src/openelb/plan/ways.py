"""By which addresses speakers are heard by each other: those of the links that pools use, on networks that they share."""

from collections.abc import Iterable, Mapping

from openelb.model.addresses import Address, order
from openelb.model.cluster import Link, Node, Pool, Protocol, Speaker
from openelb.plan.heard import Way
from openelb.plan.interfaces import link_for

MOST_WAYS = 4
"""To one node. Each costs as many heartbeats as the first."""

MOST_OTHERS = 16
"""Addresses of one link besides the one it is sent to."""

PARTS_LOOKED_AT = 8
"""Of a pool: by their first addresses its links are found."""

NO_NODES: Mapping[str, Node] = {}


def ways(
    me: str,
    speakers: Mapping[str, Speaker],
    pools: Iterable[Pool],
    own: Iterable[Link],
    nodes: Mapping[str, Node] = NO_NODES,
) -> dict[str, tuple[Way, ...]]:
    """The ways from node `me`, which has the links `own`, to every other speaker that there is one to."""
    announced = {
        (pool.interface, part.first)
        for pool in pools
        if pool.protocol is Protocol.LAYER2
        for part in pool.ranges.parts[:PARTS_LOOKED_AT]
    }
    there = list(own)
    found = {
        node: _to(speaker, announced, there, nodes[node].address if node in nodes else "")
        for node, speaker in speakers.items()
        if node != me
    }
    return {node: to for node, to in found.items() if to}


def _to(speaker: Speaker, announced: Iterable[tuple[str, Address]], own: list[Link], said: str) -> tuple[Way, ...]:
    used = {
        link.name
        for interface, address in announced
        if (link := link_for(interface, speaker.links, address, said)) is not None
    }
    near = [way for link in speaker.links if (way := _way(link, own, shared=True))]
    return tuple(
        [way for way in near if way.link in used][:MOST_WAYS]
        or near[:1]
        or [way for link in speaker.links if (way := _way(link, own, shared=False))][:1]
    )


def _way(link: Link, own: list[Link], *, shared: bool) -> Way | None:
    """By the first address of the link, IPv4 before IPv6, that is nobody's here; if `shared`, on a network of ours as well."""
    addresses = {address.ip for each in own for address in each.addresses}
    networks = {address.network: each.name for each in own for address in each.addresses}
    for address in sorted(link.addresses, key=lambda one: order(one.ip)):
        if address.ip in addresses or address.is_link_local or (shared and address.network not in networks):
            continue
        others = [other.ip for other in link.addresses if other.version == address.version and not other.is_link_local]
        others = [other for other in others if other != address.ip and other not in addresses]
        return Way(link.name, str(address.ip), networks.get(address.network, ""), tuple(map(str, others[:MOST_OTHERS])))
    return None
