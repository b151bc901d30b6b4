"""Whom a change of policies concerns, as far as can be told from the policies before and after it.

To send a router everything anew takes as long as to tell it for the first time, so nobody is sent it for what is another's, nor
for prefixes that come or go together with the change.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import takewhile

from openelb.model.bgp import Family, Peer, Prefix
from openelb.model.policy import (
    OURS,
    Actions,
    Assignment,
    Conditions,
    DefinedSet,
    Match,
    Policies,
    SetKind,
    Statement,
    Verdict,
)

EVERYBODY = None
"""Whom a change concerns of which nothing better is known."""

_UNNUMBERED = "fe80::/10"
"""Where peers are that are known by their interfaces."""

Filtered = tuple[frozenset[Prefix], frozenset[str]]
"""For whom a filter is, and what it rejects."""


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

    @property
    def is_filter(self) -> bool:
        """Whether it is ours and rejects what is of some family, or is within none of some prefixes."""
        asked, whom = self.statement.conditions, self.statement.conditions.neighbors
        inverted = asked.prefixes is not None and asked.prefixes.match is Match.INVERT
        of_family = bool(asked.families) and asked.prefixes is None
        plain = Conditions(asked.prefixes, whom, families=asked.families)
        return (
            self.statement.name.startswith(OURS)
            and self.statement.actions == Actions(Verdict.REJECT)
            and (asked == plain and (inverted or of_family) and self.neighbors is not EVERYBODY)
        )


def outbound(
    before: Policies, after: Policies, peers: Sequence[Peer], staying: Iterable[Prefix] | None = None
) -> frozenset[str] | None:
    """The peers, by address, that may be told otherwise than before of what is `staying`; None: whatever there is.

    Other prefixes are told after the policies are in force, or withdrawn from whoever has them.
    """
    return _concerned(before, after, before.exports, after.exports, peers, staying)


def inbound(before: Policies, after: Policies, peers: Sequence[Peer]) -> frozenset[str] | None:
    """The peers, by address, of whom may be taken in otherwise than before."""
    return _concerned(before, after, before.imports, after.imports, peers, None)


def _concerned(
    before: Policies,
    after: Policies,
    old: Assignment,
    new: Assignment,
    peers: Sequence[Peer],
    staying: Iterable[Prefix] | None,
) -> frozenset[str] | None:
    were, are = _rules(before, old), _rules(after, new)
    if old.default is not new.default:
        return EVERYBODY
    if were == are:
        return frozenset()
    filtered: list[Peer] = []
    if staying is not None:
        (filters, were), (others, are) = _without_filters(were), _without_filters(are)
        if filters != others:
            filtered = _told_of_others(filters, others, peers, staying)
    same = set(were) & set(are)
    if [rule for rule in were if rule in same] != [rule for rule in are if rule in same]:
        return EVERYBODY
    networks = set[Prefix]()
    for rule in {*were, *are} - same:
        if rule.neighbors is None:
            return EVERYBODY
        networks |= rule.neighbors
    return _known([*filtered, *(peer for peer in peers if _is_one_of(_where(peer), networks))])


def _without_filters(rules: list[Rule]) -> tuple[list[Rule], list[Rule]]:
    """Our own rules that reject prefixes, of those that come before any other verdict, and the rest."""
    leading = takewhile(lambda rule: rule.statement.actions.verdict is Verdict.REJECT, rules)
    filters = [rule for rule in leading if rule.is_filter]
    return filters, [rule for rule in rules if rule not in filters] if filters else rules


def _told_of_others(
    before: Sequence[Rule], after: Sequence[Rule], peers: Iterable[Peer], staying: Iterable[Prefix]
) -> list[Peer]:
    """The peers to whom filters may leave other prefixes than before. What one filter rejects and another does as well is not
    looked at.
    """
    changed = [rule for rule in before if rule not in after], [rule for rule in after if rule not in before]
    prefixes: dict[Family, dict[str, Prefix]] = {family: {} for family in Family}
    for each in staying:
        prefixes[_family(each)][str(each)] = each
    nobody = frozenset[Prefix]()
    rejected = [[(rule.neighbors or nobody, _rejected(rule, prefixes)) for rule in rules] for rules in changed]
    differ: dict[tuple[tuple[int, ...], ...], bool] = {}
    found: list[Peer] = []
    for peer in peers:
        where = _where(peer)
        own = tuple(
            tuple(number for number, (networks, _) in enumerate(rules) if _is_one_of(where, networks))
            for rules in rejected
        )
        if peer.address and own not in differ:
            were, are = (
                frozenset[str]().union(*(rules[number][1] for number in numbers))
                for rules, numbers in zip(rejected, own, strict=True)
            )
            differ[own] = were != are
        if differ[own] if peer.address else _differ_somewhere(rejected, own):
            found.append(peer)
    return found


def _differ_somewhere(rejected: Sequence[Sequence[Filtered]], own: Sequence[Sequence[int]]) -> bool:
    """The same for peers whose addresses are not known: a filter may be for some of them and not for others."""
    were, are = ({rules[number] for number in numbers} for rules, numbers in zip(rejected, own, strict=True))
    return were != are


def _rejected(rule: Rule, prefixes: Mapping[Family, Mapping[str, Prefix]]) -> frozenset[str]:
    """What a filter rejects of these prefixes."""
    ranges = [each for one in rule.sets if one.kind is SetKind.PREFIX for each in one.prefixes]
    if not ranges:
        families = rule.statement.conditions.families
        return frozenset(text for family in families for text in prefixes.get(family, ()))
    of_family = prefixes[_family(ip_network(ranges[0].prefix))]
    wide = [ip_network(each.prefix) for each in ranges if each.shortest < each.longest]
    rest = of_family.keys() - {each.prefix for each in ranges}
    return frozenset(text for text in rest if not any(_is_within(of_family[text], each) for each in wide))


def _is_within(prefix: Prefix, network: Prefix) -> bool:
    """Both of one family."""
    return prefix.prefixlen >= network.prefixlen and prefix.network_address in network


def _family(prefix: Prefix) -> Family:
    return Family.IPV6 if prefix.version == 6 else Family.IPV4


def _known(peers: Iterable[Peer]) -> frozenset[str] | None:
    """Their addresses. Peers whose addresses are not known, or not to us, may be any."""
    addresses = frozenset(peer.address for peer in peers)
    return EVERYBODY if "" in addresses else addresses


def _where(peer: Peer) -> Prefix:
    return ip_network(peer.address.partition("%")[0] or peer.prefix or _UNNUMBERED, strict=False)


def _is_one_of(where: Prefix, networks: Set[Prefix]) -> bool:
    return where in networks or any(each.version == where.version and each.overlaps(where) for each in networks)


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
