"""Users' routing policies: a text in the vocabulary of gobgpd's configuration, read strictly.

gobgpd passes over much that cannot be meant: a condition without the name of its set, a value of 0, a name that is there twice. Each is a
fault here, with its key and its line, and all of them are told at once. What is read has the form in which gobgpd reports it
(`wire/policy_values.py`); statements without a name have the one that gobgpd gives them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from openelb.model.policy import (
    OURS,
    Actions,
    Assignment,
    Change,
    CommunityChange,
    Conditions,
    Count,
    DefinedSet,
    Match,
    Policies,
    Policy,
    PrefixRange,
    Prepend,
    SetKind,
    SetMatch,
    Statement,
    Verdict,
)
from openelb.wire import policy_values as values
from openelb.wire import toml
from openelb.wire.policy_keys import KEYS, checked, nearest
from openelb.wire.toml import Document, Fault, Where, shown

MOST_FAULTS = 100
"""Told at once. Nobody reads more, and the next reading finds the others."""

LONGEST_NAME = 200
"""Characters."""

Value = TypeVar("Value")
Held = dict[str, Any]
"""What is left of a table when it has been held against the keys."""

_SETS: tuple[tuple[SetKind, Where, str, str, Callable[[str], str]], ...] = (
    (SetKind.NEIGHBOR, ("neighbor-sets",), "neighbor-set-name", "neighbor-info-list", values.neighbor),
    (
        SetKind.COMMUNITY,
        ("bgp-defined-sets", "community-sets"),
        "community-set-name",
        "community-list",
        values.community_pattern,
    ),
    (
        SetKind.EXT_COMMUNITY,
        ("bgp-defined-sets", "ext-community-sets"),
        "ext-community-set-name",
        "ext-community-list",
        values.ext_community_pattern,
    ),
    (
        SetKind.LARGE_COMMUNITY,
        ("bgp-defined-sets", "large-community-sets"),
        "large-community-set-name",
        "large-community-list",
        values.large_community_pattern,
    ),
    (SetKind.AS_PATH, ("bgp-defined-sets", "as-path-sets"), "as-path-set-name", "as-path-list", values.as_path),
)


def read(text: str) -> Policies | tuple[Fault, ...]:
    """The policies that a text is, or what is wrong with it, by lines. Whatever the text: it never raises, and takes no long time."""
    document = toml.read(text)
    if isinstance(document, Fault):
        return (document,)
    reading = _Reading(document)
    try:
        found = reading.policies()
    except _EnoughError:
        reading.faults.append(
            Fault(0, "", f"these are the first {MOST_FAULTS} faults: mend them, and the others are told")
        )
        return tuple(reading.faults)
    return tuple(sorted(reading.faults)) or found


class _EnoughError(Exception):
    """As many faults as are told."""


class _Reading:
    """One text, with the faults found so far and the names that it defines."""

    def __init__(self, document: Document) -> None:
        self.faults: list[Fault] = []
        self._document = document
        self._sets: dict[SetKind, dict[str, Where]] = {kind: {} for kind in SetKind}
        self._policies: dict[str, Where] = {}
        self._statements: dict[str, Where] = {}

    def policies(self) -> Policies:
        held: Any = checked(self._document.held, KEYS, (), self._tell)
        sets = tuple(self._defined_sets(held.get("defined-sets") or {}))
        definitions = tuple(self._definitions(held.get("policy-definitions")))
        applied = (held.get("global") or {}).get("apply-policy") or {}
        config = applied.get("config") or {}
        imports, exports = (self._assignment(config, way) for way in ("import", "export"))
        return Policies(sets, definitions, imports, exports)

    def _tell(self, where: Where, sentence: str) -> None:
        if len(self.faults) == MOST_FAULTS:
            raise _EnoughError
        self.faults.append(self._document.fault(where, sentence))

    def _value(self, text: object, where: Where, reading: Callable[[str], Value]) -> Value | None:
        """What a text means; None for one that is absent, or that a fault has been told of."""
        if not isinstance(text, str):
            return None
        try:
            return reading(text)
        except values.WrongError as wrong:
            self._tell(where, f"{shown(text) or 'an empty text'}: {wrong}")
            return None

    def _values(self, texts: object, where: Where, reading: Callable[[str], Value]) -> tuple[Value, ...]:
        listed = enumerate(texts) if isinstance(texts, list) else ()
        found = (self._value(text, (*where, index), reading) for index, text in listed)
        return tuple(each for each in found if each is not None)

    # Names: each is defined once, and before it can be referred to.

    def _name(self, name: object, where: Where, taken: dict[str, Where]) -> str:
        """The name, or nothing where it cannot be one."""
        if not isinstance(name, str):
            return ""
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            self._tell(where, f"this is no name: write one to {LONGEST_NAME} printable characters")
            return ""
        earlier = taken.setdefault(name, where)
        if name.startswith(OURS):
            self._tell(where, f"names that begin with {OURS} are OpenELB's own: write another one")
            return ""
        if earlier != where:
            self._tell(
                where, f"{shown(name)} is there already, on line {self._document.line(earlier)}: write another name"
            )
        return name

    def _known(self, name: object, where: Where, defined: dict[str, Where], what: str) -> str:
        """The name that is referred to, or nothing where nobody defines it."""
        if not isinstance(name, str):
            return ""
        if name not in defined:
            other = nearest(name, defined) if defined else "define it"
            self._tell(where, f"no {what} is named {shown(name) or 'so'}: {other}")
            return ""
        return name

    # Sets.

    def _defined_sets(self, held: Held) -> Iterator[DefinedSet]:
        for where, table in _tables(held.get("prefix-sets"), ("defined-sets", "prefix-sets")):
            name = self._name(table.get("prefix-set-name"), (*where, "prefix-set-name"), self._sets[SetKind.PREFIX])
            yield DefinedSet(SetKind.PREFIX, name, prefixes=self._prefixes(table, (*where, "prefix-list")))
        for kind, place, named, listed, reading in _SETS:
            above: Any = held
            for part in place:
                above = (above or {}).get(part)
            for where, table in _tables(above, ("defined-sets", *place)):
                name = self._name(table.get(named), (*where, named), self._sets[kind])
                members = self._values(table.get(listed), (*where, listed), reading)
                if kind is SetKind.NEIGHBOR and not table.get(listed):
                    self._tell(where, f"GoBGP takes every neighbour for one of an empty set: write {listed}")
                if kind is SetKind.AS_PATH:  # GoBGP reports them so
                    members = tuple(sorted(members, key=lambda member: not values.is_single_as(member)))
                yield DefinedSet(kind, name, members)

    def _prefixes(self, table: Held, where: Where) -> tuple[PrefixRange, ...]:
        found: dict[PrefixRange, Where] = {}
        for place, each in _tables(table.get("prefix-list"), where):
            at = (*place, "ip-prefix")
            reading = partial(values.prefix, lengths=each.get("masklength-range"))
            if one := self._value(each.get("ip-prefix"), at, reading):
                found[one] = at
        six = [at for one, at in found.items() if ":" in one.prefix]
        if six and len(six) < len(found):
            self._tell(six[0], "a set has prefixes of IPv4 or of IPv6, and this one has both: write two sets")
        return tuple(sorted(found))

    # Policies.

    def _definitions(self, listed: object) -> Iterator[Policy]:
        for where, table in _tables(listed, ("policy-definitions",)):
            name = self._name(table.get("name"), (*where, "name"), self._policies)
            yield Policy(name, tuple(self._policy_statements(table, where, name)))

    def _policy_statements(self, policy: Held, above: Where, name: str) -> Iterator[Statement]:
        for where, table in _tables(policy.get("statements"), (*above, "statements")):
            given = table.get("name", f"{name}_stmt{where[-1]}" if name else None)
            yield Statement(
                self._name(given, (*where, "name"), self._statements),
                self._conditions(table.get("conditions") or {}, (*where, "conditions")),
                self._actions(table.get("actions") or {}, (*where, "actions")),
            )

    def _conditions(self, held: Held, where: Where) -> Conditions:
        bgp, below = held.get("bgp-conditions") or {}, (*where, "bgp-conditions")
        return Conditions(
            prefixes=self._match(held, where, "prefix-set", SetKind.PREFIX),
            neighbors=self._match(held, where, "neighbor-set", SetKind.NEIGHBOR),
            as_path=self._match(bgp, below, "as-path-set", SetKind.AS_PATH),
            communities=self._match(bgp, below, "community-set", SetKind.COMMUNITY),
            ext_communities=self._match(bgp, below, "ext-community-set", SetKind.EXT_COMMUNITY),
            large_communities=self._match(bgp, below, "large-community-set", SetKind.LARGE_COMMUNITY),
            as_path_length=_count(bgp.get("as-path-length")),
            community_count=_count(bgp.get("community-count")),
            route_type=bgp.get("route-type"),
            origin=bgp.get("origin-eq"),
            rpki=bgp.get("rpki-validation-result"),
            next_hops=self._values(
                self._some(bgp, below, "next-hop-in-list"), (*below, "next-hop-in-list"), values.address
            ),
            families=tuple(each for each in self._some(bgp, below, "afi-safi-in-list") if each is not None),
            local_pref=bgp.get("local-pref-eq"),
            med=bgp.get("med-eq"),
        )

    def _some(self, held: Held, where: Where, key: str) -> list[Any]:
        """A list that is not empty when it is there."""
        listed: list[Any] | None = held.get(key)
        if listed == []:
            self._tell((*where, key), "the list is empty: write what is in it, or take it out")
        return listed or []

    def _match(self, held: Held, where: Where, key: str, kind: SetKind) -> SetMatch | None:
        table: Held = held.get(f"match-{key}") or {}
        name = self._known(table.get(key), (*where, f"match-{key}", key), self._sets[kind], key)
        return SetMatch(name, table.get("match-set-options") or Match.ANY) if name else None

    def _actions(self, held: Held, where: Where) -> Actions:
        bgp, below = held.get("bgp-actions") or {}, (*where, "bgp-actions")
        return Actions(
            verdict=held.get("route-disposition"),
            communities=self._change(bgp, below, "community", values.community, values.community_pattern),
            ext_communities=self._change(
                bgp, below, "ext-community", values.ext_community, values.ext_community_pattern
            ),
            large_communities=self._change(
                bgp, below, "large-community", values.large_community, values.large_community_pattern
            ),
            med=self._value(bgp.get("set-med"), (*below, "set-med"), values.med),
            local_pref=bgp.get("set-local-pref"),
            prepend=self._prepend(bgp.get("set-as-path-prepend") or {}, (*below, "set-as-path-prepend")),
            next_hop=self._value(bgp.get("set-next-hop"), (*below, "set-next-hop"), values.next_hop),
            origin=bgp.get("set-route-origin"),
        )

    def _change(
        self, held: Held, where: Where, kind: str, one: Callable[[str], str], some: Callable[[str], str]
    ) -> CommunityChange | None:
        """What is done with communities: those of a route are removed by expressions, and added one by one."""
        table: Held = held.get(f"set-{kind}") or {}
        change: Change | None = table.get("options")
        if change is None:
            return None
        method = f"set-{kind}-method"
        listed = (table.get(method) or {}).get("communities-list")
        if not listed and change is not Change.REPLACE:
            self._tell((*where, f"set-{kind}"), f"there is nothing to {change}: write {method}.communities-list")
        reading = some if change is Change.REMOVE else one
        return CommunityChange(
            change, self._values(listed, (*where, f"set-{kind}", method, "communities-list"), reading)
        )

    def _prepend(self, table: Held, where: Where) -> Prepend | None:
        asn = self._value(table.get("as"), (*where, "as"), values.as_number)
        repeat = table.get("repeat-n")
        return None if asn is None or repeat is None else Prepend(asn, repeat)

    def _assignment(self, config: Held, way: str) -> Assignment:
        key = f"{way}-policy-list"
        where: Where = ("global", "apply-policy", "config", key)
        names: list[str] = []
        for index, each in enumerate(config.get(key) or ()):
            name = self._known(each, (*where, index), self._policies, "policy")
            if name in names:
                self._tell((*where, index), f"{shown(name)} is in the list already: take it out")
            elif name:
                names.append(name)
        return Assignment(tuple(names), config.get(f"default-{way}-policy") or Verdict.ACCEPT)


def _tables(listed: object, where: Where) -> Iterator[tuple[Where, Held]]:
    """The tables of a list, each with its place; those that are none have been told."""
    for index, table in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(table, dict):
            yield (*where, index), table


def _count(table: Held | None) -> Count | None:
    if not table or table.get("operator") is None or table.get("value") is None:
        return None
    return Count(table["operator"], table["value"])
