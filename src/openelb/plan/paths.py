"""The paths by which a node tells routers of its routes: a prefix, a next hop, and what they carry.

Not known here: which routes there are (`plan/routes.py`), and which routers may be told (`plan/bgp.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network, summarize_address_range
from itertools import chain

from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.announcements import Route
from openelb.model.bgp import Path, Prefix
from openelb.model.cluster import Node, Pool
from openelb.model.routers import Announce
from openelb.model.snapshot import Snapshot
from openelb.plan.placement import trusted


@dataclass(frozen=True, slots=True)
class Here:
    """What this node is: its name, and its addresses as the cluster knows them (`status.addresses` of type InternalIP)."""

    node: str
    addresses: tuple[Address, ...] = ()

    def address(self, version: int) -> Address | None:
        """The first one of that IP version."""
        return next((one for one in self.addresses if one.version == version), None)


def rack_of(node: Node | None) -> str:
    """What its label says; empty where it has none."""
    return node.labels.get(names.RACK_LABEL, "") if node else ""


@dataclass(frozen=True, slots=True)
class Announced:
    """The paths of all routes, with what they were made from, so that the next ones need not be made from nothing.

    What is known by a text is as in `Routing.routes`.
    """

    routes: Mapping[str, Route] = field(default_factory=dict)
    by_route: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    grounds: object = None
    has_networks: bool = False

    @property
    def paths(self) -> frozenset[Path]:
        """All of them. Several addresses may have one prefix in common, and one path to it, which carries what each of theirs does."""
        found = frozenset(chain.from_iterable(self.by_route.values()))
        return _united(found) if self.has_networks else found


NOT_ANNOUNCED = Announced()


def announced(
    before: Announced,
    routes: Mapping[str, Route],
    snapshot: Snapshot,
    here: Here,
    addresses: Mapping[str, tuple[Address, ...]],
) -> Announced:
    """The paths of these routes, made from those `before`: routes that are the same object as before keep theirs, where all else is
    as it was. `addresses` are those of the nodes, for who announces others than its own.
    """
    racks = {name: rack for name, node in snapshot.nodes.items() if (rack := rack_of(node))}
    grounds = snapshot.pools, racks, here, addresses
    known = before.by_route if grounds == before.grounds else {}
    by_route = {
        text: known[text]
        if text in known and before.routes[text] is route
        else tuple(
            path
            for prefix in prefixes(route, snapshot.pools.get(route.pool))
            for path in _paths(prefix, route, racks, here, addresses)
        )
        for text, route in routes.items()
    }
    has_networks = any(pool.bgp.announce is Announce.AGGREGATE for pool in snapshot.pools.values())
    return Announced(routes, by_route, grounds, has_networks)


def _united(found: Iterable[Path]) -> frozenset[Path]:
    """With one path for each prefix and identifier, by which alone BGP tells them apart: the communities of all, the highest
    preference, the lowest metric.
    """
    groups: dict[tuple[Prefix, int], list[Path]] = {}
    for path in found:
        groups.setdefault((path.prefix, path.identifier), []).append(path)
    return frozenset(same[0] if len(same) == 1 else _one(same) for same in groups.values())


def _one(same: Sequence[Path]) -> Path:
    return replace(
        same[0],
        communities=frozenset[str]().union(*(path.communities for path in same)),
        large_communities=frozenset[str]().union(*(path.large_communities for path in same)),
        local_pref=max((path.local_pref for path in same if path.local_pref is not None), default=None),
        med=min((path.med for path in same if path.med is not None), default=None),
    )


def prefixes(route: Route, pool: Pool | None) -> tuple[Prefix, ...]:
    """What is announced for a route: its address, or the networks of its pool that have it."""
    if pool is None or pool.bgp.announce is not Announce.AGGREGATE:
        return (host(route.address),)
    return tuple(one for one in _networks(pool) if route.address in one)


def landing(routes: Mapping[str, Route], pools: Mapping[str, Pool], me: str) -> frozenset[str]:
    """The addresses that routers send packets to `me` for, as texts, and the networks where these are announced as a whole."""
    here = {text: route for text, route in routes.items() if not route.nodes or me in route.nodes}
    networks = {
        str(network)
        for route in here.values()
        if (pool := pools.get(route.pool)) and pool.bgp.announce is Announce.AGGREGATE
        for network in prefixes(route, pool)
        if network.num_addresses > 1
    }
    return frozenset(_plain(text) for text in here) | networks


def _plain(text: str) -> str:
    """As the kernel writes it. There is one way to write an IPv4 address."""
    return str(IPv6Address(text)) if ":" in text else text


@lru_cache(maxsize=65536)
def host(address: Address) -> Prefix:
    """The network of that one address."""
    return ip_network(address)


def _networks(pool: Pool) -> tuple[Prefix, ...]:
    """The pool's addresses as few networks."""
    return tuple(network for part in trusted(pool).parts for network in summarize_address_range(part.first, part.last))


def _paths(
    prefix: Prefix,
    route: Route,
    racks: Mapping[str, str],
    here: Here,
    addresses: Mapping[str, tuple[Address, ...]],
) -> tuple[Path, ...]:
    """By this node alone, whose own address of each session is the next hop; or by each node, told apart as upstream does."""
    said = route.attributes
    if not route.nodes:
        return (
            Path(prefix, ours(prefix.version), 0, said.communities, said.large_communities, said.local_pref, said.med),
        )
    rack = racks.get(here.node)
    hops = [
        hop
        for node in sorted(route.nodes)
        if not rack or racks.get(node) == rack
        if (hop := _hop(addresses.get(node, ()), prefix.version)) is not None
    ]
    return tuple(
        Path(prefix, hop, fnv(str(hop)), said.communities, said.large_communities, said.local_pref, said.med)
        for hop in dict.fromkeys(hops)
    )


def _hop(addresses: Iterable[Address], version: int) -> Address | None:
    """A node's address of the prefix's own version; an IPv4 prefix may have an IPv6 one (RFC 8950)."""
    known: dict[int, Address] = {one.version: one for one in reversed(tuple(addresses))}
    return known.get(version) or (known.get(6) if version == 4 else None)


def fnv(text: str) -> int:
    """FNV-1a of 32 bits, by which upstream tells apart the paths of one prefix."""
    number = 0x811C9DC5
    for octet in text.encode():
        number = (number ^ octet) * 0x01000193 & 0xFFFFFFFF
    return number


def ours(version: int) -> Address:
    """The next hop of a node's own paths: what GoBGP replaces, in what it tells a peer, by our own address of the session."""
    return IPv4Address(0) if version == 4 else IPv6Address(0)
