"""The policies of a node: what each peer may be told and prefers, and users' own policies after that.

GoBGP has one list of policies for all ordinary peers, so whom a statement is for is a condition of it. Not known here: where the
restrictions and preferences come from, and how gobgpd is told.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from types import MappingProxyType
from typing import TypeVar

from openelb.model.bgp import Family, Prefix
from openelb.model.policy import (
    NO_POLICIES,
    OURS,
    Actions,
    Assignment,
    Change,
    CommunityChange,
    Conditions,
    DefinedSet,
    Match,
    MedChange,
    Policies,
    Policy,
    PrefixRange,
    Prepend,
    RouteType,
    SetKind,
    SetMatch,
    Statement,
    Verdict,
)

PEERS = f"{OURS}peers"
OWN = f"{OURS}own"
TRANSIT = f"{OURS}transit"
EVERYBODY = "everybody"

Same = TypeVar("Same", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Preference:
    """What paths carry towards a peer. Peers of another autonomous system are never told a `local_pref`, whose least is 1 for GoBGP."""

    communities: frozenset[str] = frozenset()
    large_communities: frozenset[str] = frozenset()
    local_pref: int | None = None
    med: int | None = None
    prepend: Prepend | None = None

    @property
    def actions(self) -> Actions:
        """The same as GoBGP does it, without a verdict."""
        return Actions(
            communities=_added(self.communities),
            large_communities=_added(self.large_communities),
            med=None if self.med is None else MedChange(self.med),
            local_pref=None if self.local_pref is None else max(self.local_pref, 1),
            prepend=self.prepend,
        )


NO_PREFERENCE = Preference()

NO_WAYS: Mapping[str, str] = MappingProxyType({})

LEAVING = Preference(communities=frozenset({"65535:0"}))
"""GRACEFUL_SHUTDOWN (RFC 8326): who hears it uses other paths while there are any."""


def for_peers(
    restrictions: Mapping[str, Collection[Prefix]],
    preferences: Mapping[str, Preference],
    everybody: Preference = NO_PREFERENCE,
    ways: Mapping[str, str] = NO_WAYS,
) -> Policies:
    """What peers may be told, and what paths carry towards them; peers by their addresses, or by the prefixes they are accepted from.
    `ways` are the next hops of what is told of IPv6.

    A peer with a restriction is told prefixes within those alone, of none also nothing; one without is told everything. What is for
    `everybody` is done after what is for one peer, so that it counts where both set the same: a node that leaves. A zone is dropped: GoBGP
    compares addresses without theirs, so peers with the same link-local address on two links are one here.
    """
    sets: list[DefinedSet] = []
    statements: list[Statement] = []
    # Grouped as sets, whose hash is known: there are thousands of prefixes, and a hundred peers with the same.
    within = {peer: frozenset(prefixes) for peer, prefixes in restrictions.items()}
    everyone = frozenset(map(_network, (*restrictions, *preferences, *ways)))
    for peer, neighbors, prefixes in _shared(within, everyone):
        allowed = _outermost(prefixes)
        name = f"{OURS}only-{peer}"
        sets.append(DefinedSet(SetKind.NEIGHBOR, name, neighbors))
        for family in Family:
            of_family = tuple(each for each in allowed if (":" in each.prefix) == (family is Family.IPV6))
            own = f"{name}-{family}"
            if of_family:
                sets.append(DefinedSet(SetKind.PREFIX, own, prefixes=of_family))
            statements.append(Statement(own, _others(name, family, own if of_family else ""), Actions(Verdict.REJECT)))
    for peer, neighbors, preference in _shared(preferences, everyone):
        if preference != NO_PREFERENCE:
            name = f"{OURS}prefer-{peer}"
            sets.append(DefinedSet(SetKind.NEIGHBOR, name, neighbors))
            statements.append(Statement(name, Conditions(neighbors=SetMatch(name)), preference.actions))
    if everybody != NO_PREFERENCE:
        statements.append(Statement(f"{OURS}prefer-{EVERYBODY}", actions=everybody.actions))
    for peer, neighbors, way in _shared(ways, everyone):
        name = f"{OURS}way-{peer}"
        sets.append(DefinedSet(SetKind.NEIGHBOR, name, neighbors))
        whom = Conditions(neighbors=SetMatch(name), families=(Family.IPV6,))
        statements.append(Statement(name, whom, Actions(next_hop=way)))
    if not statements:
        return NO_POLICIES
    return Policies(tuple(sets), (Policy(PEERS, tuple(statements)),), exports=Assignment((PEERS,)))


def combined(ours: Policies, theirs: Policies) -> Policies:
    """One list for all peers: ours first, which only reject or set attributes, then the user's, whose verdicts and defaults count.

    GoBGP puts also what this node announces itself through the import policies. Where the user's default rejects what is received,
    our own paths are accepted after the user's policies: who wants no routes from routers wants to announce all the same.
    First of all, what one router tells is told no other: nodes are no way from one to the other.
    """
    own = _OWN_PATHS if theirs.imports.default is Verdict.REJECT else NO_POLICIES
    return Policies(
        (*ours.sets, *theirs.sets),
        (_NO_TRANSIT, *ours.definitions, *theirs.definitions, *own.definitions),
        Assignment((*ours.imports.policies, *theirs.imports.policies, *own.imports.policies), theirs.imports.default),
        Assignment((TRANSIT, *ours.exports.policies, *theirs.exports.policies), theirs.exports.default),
    )


_NO_TRANSIT = Policy(
    TRANSIT,
    tuple(
        Statement(f"{TRANSIT}-{kind.value}", Conditions(route_type=kind), Actions(Verdict.REJECT))
        for kind in (RouteType.EXTERNAL, RouteType.INTERNAL)
    ),
)
_OWN_PATHS = Policies(
    definitions=(Policy(OWN, (Statement(OWN, Conditions(route_type=RouteType.LOCAL), Actions(Verdict.ACCEPT)),)),),
    imports=Assignment((OWN,)),
)


def _others(neighbors: str, family: Family, prefixes: str) -> Conditions:
    """Paths of a family to these neighbours that are within none of the prefixes.

    A set of prefixes has one family, and `invert` holds for no path of the other one (PrefixCondition.Evaluate).
    """
    if prefixes:
        return Conditions(prefixes=SetMatch(prefixes, Match.INVERT), neighbors=SetMatch(neighbors))
    return Conditions(neighbors=SetMatch(neighbors), families=(family,))


def _added(communities: frozenset[str]) -> CommunityChange | None:
    return CommunityChange(Change.ADD, tuple(sorted(communities))) if communities else None


def _shared(by_peer: Mapping[str, Same], everyone: frozenset[Prefix]) -> Iterator[tuple[str, tuple[str, ...], Same]]:
    """Peers with the same, together: the first of them as a name that no other group has, and all as members of a set. In a range of
    peers are not those of `everyone` that are told otherwise.
    """
    groups: dict[Same, list[str]] = {}
    for peer in sorted(by_peer, key=lambda peer: (_order(_network(peer)), peer)):
        groups.setdefault(by_peer[peer], []).append(peer)
    for same, peers in groups.items():
        networks = [_network(peer) for peer in peers]
        others = sorted(everyone.difference(networks), key=_order)
        members = (member for network in networks for member in _without(network, others))
        yield peers[0], tuple(dict.fromkeys(map(str, members))), same


def _without(whole: Prefix, parts: Iterable[Prefix]) -> list[Prefix]:
    """The networks that a prefix has beside those parts of it."""
    left = [whole]
    for part in parts:
        if part.version == whole.version and part.prefixlen > whole.prefixlen:
            left = [piece for one in left for piece in _beside(one, part)]
    return left


def _beside(one: Prefix, part: Prefix) -> Iterable[Prefix]:
    if isinstance(one, IPv4Network) and isinstance(part, IPv4Network):
        return one.address_exclude(part) if part.subnet_of(one) else (one,)
    if isinstance(one, IPv6Network) and isinstance(part, IPv6Network):
        return one.address_exclude(part) if part.subnet_of(one) else (one,)
    return (one,)


def _network(peer: str) -> Prefix:
    return ip_network(peer.partition("%")[0])


def _outermost(prefixes: Iterable[Prefix]) -> tuple[PrefixRange, ...]:
    """The prefixes, each with all that are within it, without those that are within another of them."""
    outermost: list[IPv4Network | IPv6Network] = []
    for prefix in sorted(prefixes, key=_order):
        last = outermost[-1] if outermost else None
        if last is None or last.version != prefix.version or prefix.network_address not in last:
            outermost.append(prefix)
    return tuple(PrefixRange(str(each), each.prefixlen, each.max_prefixlen) for each in outermost)


def _order(prefix: Prefix) -> tuple[int, int, int]:
    return prefix.version, int(prefix.network_address), prefix.prefixlen
