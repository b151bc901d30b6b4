"""Whom a change of policies concerns, as far as can be told from the policies before and after it.

To send a router everything anew takes as long as to tell it for the first time, so nobody is sent it for what is another's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from openelb.model.bgp import Peer, Prefix
from openelb.model.policy import Assignment, DefinedSet, Match, Policies, SetKind, Statement

EVERYBODY = None
"""Whom a change concerns of which nothing better is known."""

_UNNUMBERED = "fe80::/10"
"""Where peers are that are known by their interfaces."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement, with the sets that it refers to."""

    statement: Statement
    sets: tuple[DefinedSet, ...]

    @property
    def neighbors(self) -> frozenset[Prefix] | None:
        """For whom it is."""
        neighbors = self.statement.conditions.neighbors
        members = [each for one in self.sets if one.kind is SetKind.NEIGHBOR for each in one.members]
        if neighbors is None or neighbors.match is not Match.ANY or not members:
            return EVERYBODY
        return frozenset(ip_network(each.partition("%")[0], strict=False) for each in members)


def outbound(before: Policies, after: Policies, peers: Iterable[Peer]) -> frozenset[str] | None:
    """The peers, by address, that may be told otherwise than before."""
    return _concerned(before, after, before.exports, after.exports, peers)


def inbound(before: Policies, after: Policies, peers: Iterable[Peer]) -> frozenset[str] | None:
    """The peers, by address, of whom may be taken in otherwise than before."""
    return _concerned(before, after, before.imports, after.imports, peers)


def _concerned(
    before: Policies, after: Policies, old: Assignment, new: Assignment, peers: Iterable[Peer]
) -> frozenset[str] | None:
    were, are = _rules(before, old), _rules(after, new)
    if old.default is not new.default:
        return EVERYBODY
    if were == are:
        return frozenset()
    same = set(were) & set(are)
    if [rule for rule in were if rule in same] != [rule for rule in are if rule in same]:
        return EVERYBODY
    networks = set[Prefix]()
    for rule in {*were, *are} - same:
        if rule.neighbors is None:
            return EVERYBODY
        networks |= rule.neighbors
    return _within(networks, peers)


def _within(networks: set[Prefix], peers: Iterable[Peer]) -> frozenset[str] | None:
    """Peers whose addresses are not known, or not to us, may be any."""
    found = set[str]()
    for peer in peers:
        if peer.address:
            address = ip_address(peer.address.partition("%")[0])
            found |= {peer.address} if any(address in network for network in networks) else set()
        else:
            where = ip_network(peer.prefix or _UNNUMBERED, strict=False)
            if any(network.version == where.version and network.overlaps(where) for network in networks):
                return EVERYBODY
    return frozenset(found)


def _rules(policies: Policies, assignment: Assignment) -> list[Rule]:
    """All rules of an assignment, in the order in which they are asked."""
    definitions = {each.name: each for each in policies.definitions}
    sets = {(each.kind, each.name): each for each in policies.sets}
    return [
        Rule(statement, tuple(sets[key] for key in _referred(statement) if key in sets))
        for name in assignment.policies
        if name in definitions
        for statement in definitions[name].statements
    ]


def _referred(statement: Statement) -> list[tuple[SetKind, str]]:
    asked = statement.conditions
    named = {
        SetKind.PREFIX: asked.prefixes,
        SetKind.NEIGHBOR: asked.neighbors,
        SetKind.AS_PATH: asked.as_path,
        SetKind.COMMUNITY: asked.communities,
        SetKind.EXT_COMMUNITY: asked.ext_communities,
        SetKind.LARGE_COMMUNITY: asked.large_communities,
    }
    return [(kind, match.name) for kind, match in named.items() if match]
