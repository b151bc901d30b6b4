"""Routing policies: what stands between paths and peers, in GoBGP's terms, whoever wrote them.

Not known here: how they are written down (`wire/policy.py`), and how gobgpd is told.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from openelb.model.bgp import Family

OURS = "openelb-"
"""What names of our own sets, policies and statements begin with, and those of users do not."""


class SetKind(StrEnum):
    """What a defined set has for members."""

    PREFIX = "prefix"
    NEIGHBOR = "neighbor"
    TAG = "tag"
    AS_PATH = "as-path"
    COMMUNITY = "community"
    EXT_COMMUNITY = "ext-community"
    LARGE_COMMUNITY = "large-community"


@dataclass(frozen=True, slots=True, order=True)
class PrefixRange:
    """Prefixes within `prefix` whose length is from `shortest` to `longest`."""

    prefix: str
    shortest: int
    longest: int


@dataclass(frozen=True, slots=True)
class DefinedSet:
    """A named set that conditions refer to. Members of a set of prefixes are `prefixes`; of any other, `members`: as GoBGP reads them."""

    kind: SetKind
    name: str
    members: tuple[str, ...] = ()
    prefixes: tuple[PrefixRange, ...] = ()


class Match(StrEnum):
    """How a route is compared with the members of a set."""

    ANY = "any"
    ALL = "all"
    INVERT = "invert"


@dataclass(frozen=True, slots=True)
class SetMatch:
    """A route is compared with the set of that name; of which kind says the condition."""

    name: str
    match: Match = Match.ANY


class Comparison(StrEnum):
    """How numbers are compared."""

    EQ = "eq"
    GE = "ge"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Count:
    """A number of things, compared."""

    comparison: Comparison
    value: int


class RouteType(StrEnum):
    """Where a route comes from."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    LOCAL = "local"


class Origin(StrEnum):
    """ORIGIN of a route (RFC 4271, section 5.1.1)."""

    IGP = "igp"
    EGP = "egp"
    INCOMPLETE = "incomplete"


class Validation(StrEnum):
    """What RPKI says of a route's origin (RFC 6811)."""

    NOT_FOUND = "not-found"
    VALID = "valid"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of them have to hold; what is None or empty always does."""

    prefixes: SetMatch | None = None
    neighbors: SetMatch | None = None
    as_path: SetMatch | None = None
    communities: SetMatch | None = None
    ext_communities: SetMatch | None = None
    large_communities: SetMatch | None = None
    as_path_length: Count | None = None
    community_count: Count | None = None
    route_type: RouteType | None = None
    origin: Origin | None = None
    rpki: Validation | None = None
    next_hops: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()
    local_pref: int | None = None
    med: int | None = None


class Verdict(StrEnum):
    """What becomes of a route."""

    ACCEPT = "accept-route"
    REJECT = "reject-route"


class Change(StrEnum):
    """What is done with communities."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class CommunityChange:
    """These communities are added, removed, or put in the place of all others."""

    change: Change
    communities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MedChange:
    """MED becomes `value`, or with `relative` changes by it."""

    value: int
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Prepend:
    """An autonomous system is put before the path, `repeat` times: this one, or with 0 the leftmost of the path."""

    asn: int
    repeat: int = 1


class NextHop(StrEnum):
    """Next hops that have no address here."""

    SELF = "self"
    UNCHANGED = "unchanged"
    PEER = "peer-address"


@dataclass(frozen=True, slots=True)
class Actions:
    """What is done with a route that a statement's conditions hold for. Without a `verdict` the next statement is asked as well."""

    verdict: Verdict | None = None
    communities: CommunityChange | None = None
    ext_communities: CommunityChange | None = None
    large_communities: CommunityChange | None = None
    med: MedChange | None = None
    local_pref: int | None = None
    prepend: Prepend | None = None
    next_hop: str | NextHop | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One rule. Names are gobgpd's to tell statements apart by, so no two of all policies have the same."""

    name: str
    conditions: Conditions = Conditions()
    actions: Actions = Actions()


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules that are asked in their order, until one gives a verdict."""

    name: str
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """Policies that are asked in their order, and what becomes of a route that none gives a verdict on."""

    policies: tuple[str, ...] = ()
    default: Verdict = Verdict.ACCEPT


@dataclass(frozen=True, slots=True)
class Outline:
    """What of an instance's policies can be read back and compared: names, order, and what becomes of all other routes.

    The members of sets and the words of statements are not in it: gobgpd tells them in words of its own. They stand in the names,
    by `Policies.mark`.
    """

    sets: frozenset[tuple[SetKind, str]] = frozenset()
    definitions: frozenset[str] = frozenset()
    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    import_default: Verdict | None = Verdict.ACCEPT
    export_default: Verdict | None = Verdict.ACCEPT


@dataclass(frozen=True, slots=True)
class Policies:
    """All of an instance: what received routes and what sent ones go through. GoBGP has one of each for all ordinary peers."""

    sets: tuple[DefinedSet, ...] = ()
    definitions: tuple[Policy, ...] = ()
    imports: Assignment = Assignment()
    exports: Assignment = Assignment()

    @property
    def mark(self) -> str:
        """What tells these sets and rules from others."""
        return sha256(repr((self.sets, self.definitions)).encode()).hexdigest()[:12]

    @property
    def outline(self) -> Outline:
        """How these policies look from outside when they are in force.

        Sets and policies carry the mark in their names. So others can be made ready beside those in force and then take their
        place at once, with no moment in which a route is sent that neither of them would send.
        """
        mark = self.mark
        return Outline(
            sets=frozenset((each.kind, marked(each.name, mark)) for each in self.sets),
            definitions=frozenset(marked(each.name, mark) for each in self.definitions),
            imports=tuple(marked(name, mark) for name in self.imports.policies),
            exports=tuple(marked(name, mark) for name in self.exports.policies),
            import_default=self.imports.default,
            export_default=self.exports.default,
        )


def marked(name: str, mark: str) -> str:
    """The name that a set, policy or statement has in gobgpd."""
    return f"{name}#{mark}"


NO_POLICIES = Policies()
"""Everything is received and sent as it is."""
