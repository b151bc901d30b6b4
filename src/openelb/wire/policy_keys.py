"""The keys of routing policies in gobgpd's configuration, and what each takes: GoBGP 4.8's own names (pkg/config/oc/bgp_configs.go).

A text is held against them here, part by part. What the values mean, and which names refer to which, is not known here. gobgpd takes
keys in any case and turns texts into numbers and back, so a number may be written as a text of digits; nothing else is turned.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice
from types import MappingProxyType

from openelb.model.bgp import Family
from openelb.model.policy import Change, Comparison, Match, Origin, RouteType, Validation, Verdict
from openelb.wire.policy_values import BITS_32
from openelb.wire.toml import Where, shown


@dataclass(frozen=True, slots=True)
class Text:
    """A text. With `number`, a number may be written without quotes."""

    number: bool = False


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts."""


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number. gobgpd takes 0 for absent where it is not in the range."""

    least: int = 0
    most: int = BITS_32


@dataclass(frozen=True, slots=True)
class Word:
    """One of some words, each of which means a value; with `folded`, in any case."""

    words: Mapping[str, object]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A list of them."""

    words: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Table:
    """Keys, each with what it takes; `needed` have to be there."""

    keys: Mapping[str, "Takes"]
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tables:
    """A list of tables: `[[key]]`."""

    each: Table


@dataclass(frozen=True, slots=True)
class Refused:
    """GoBGP knows the key, and here it does nothing: why, and what to write."""

    why: str


Takes = Text | Texts | Number | Word | Words | Table | Tables | Refused
Tell = Callable[[Where, str], None]

_TEXT, _TEXTS, _NUMBER = Text(), Texts(), Number()
_NAMED = 20
_NO_NUMBER = 10**18  # beyond every number of BGP, and no work to write down


def _table(*needed: str, **keys: Takes) -> Table:
    return Table(MappingProxyType({key.replace("_", "-"): takes for key, takes in keys.items()}), needed)


def _words(kind: type[StrEnum]) -> Mapping[str, object]:
    return MappingProxyType({each.value: each for each in kind})


_NONE: Mapping[str, object] = MappingProxyType({"none": None})
_ANY_OR_INVERT = Word(MappingProxyType({each.value: each for each in (Match.ANY, Match.INVERT)}))
_MATCH, _ORIGIN = Word(_words(Match)), Word(_words(Origin))
_COMPARISON = Word(MappingProxyType({**_words(Comparison), **{f"attribute-{each.value}": each for each in Comparison}}))
_COUNT = _table("operator", "value", operator=_COMPARISON, value=_NUMBER)
_OPTIONS = Word(_words(Change), folded=True)
_POSITIVE = Number(1)

_NO_TAGS = "GoBGP compares no tags, so the statement would hold for every route: take it out, or compare communities"
_NO_REFERENCE = "GoBGP does not read it: write the communities themselves in communities-list"
_BY_OBJECTS = "it is not set here but by the BgpConf and the BgpPeers: take it out"
_BY_NEIGHBORS = (
    "peers are BgpPeers, and GoBGP has one list of policies for all of them: "
    "take it out, and name peers in defined-sets.neighbor-sets"
)
_ONLY_POLICIES = "only policies are read here: take it out"
_NOT_ACTED_ON = "GoBGP reads it and does nothing: take it out"


def _set(name: str, members: str) -> Tables:
    return Tables(Table(MappingProxyType({name: _TEXT, members: _TEXTS}), (name,)))


def _match(name: str, options: Word) -> Table:
    return Table(MappingProxyType({name: _TEXT, "match-set-options": options}), (name,))


def _communities(method: str, **others: Takes) -> Table:
    listed = _table(communities_list=_TEXTS, **others)
    return Table(MappingProxyType({method: listed, "options": _OPTIONS}), ("options",))


_APPLY = _table(
    import_policy_list=_TEXTS,
    export_policy_list=_TEXTS,
    default_import_policy=Word(_words(Verdict)),
    default_export_policy=Word(_words(Verdict)),
)

_SETS = _table(
    prefix_sets=Tables(
        _table(
            "prefix-set-name",
            prefix_set_name=_TEXT,
            prefix_list=Tables(
                _table(
                    "ip-prefix",
                    ip_prefix=_TEXT,
                    masklength_range=_TEXT,
                    rtc_prefix=Refused("there are no routes of that family here: take it out, and write ip-prefix"),
                )
            ),
        )
    ),
    neighbor_sets=_set("neighbor-set-name", "neighbor-info-list"),
    tag_sets=Tables(
        _table("tag-set-name", tag_set_name=_TEXT, tag_list=Tables(_table("value", value=Text(number=True))))
    ),
    bgp_defined_sets=_table(
        community_sets=_set("community-set-name", "community-list"),
        ext_community_sets=_set("ext-community-set-name", "ext-community-list"),
        large_community_sets=_set("large-community-set-name", "large-community-list"),
        as_path_sets=_set("as-path-set-name", "as-path-list"),
    ),
)

_CONDITIONS = _table(
    match_prefix_set=_match("prefix-set", _ANY_OR_INVERT),
    match_neighbor_set=_match("neighbor-set", _ANY_OR_INVERT),
    match_tag_set=Refused(_NO_TAGS),
    call_policy=Refused("GoBGP calls no policy from another: list it in export-policy-list or import-policy-list"),
    install_protocol_eq=Refused(_NOT_ACTED_ON),
    igp_conditions=Refused(_NOT_ACTED_ON),
    bgp_conditions=_table(
        match_community_set=_match("community-set", _MATCH),
        match_ext_community_set=_match("ext-community-set", _MATCH),
        match_large_community_set=_match("large-community-set", _MATCH),
        match_as_path_set=_match("as-path-set", _MATCH),
        as_path_length=_COUNT,
        community_count=_COUNT,
        route_type=Word(MappingProxyType({**_NONE, **_words(RouteType)})),
        rpki_validation_result=Word(MappingProxyType({**_NONE, **_words(Validation)})),
        afi_safi_in_list=Words(_words(Family)),
        next_hop_in_list=_TEXTS,
        origin_eq=_ORIGIN,
        med_eq=_POSITIVE,
        local_pref_eq=_POSITIVE,
    ),
)

_ACTIONS = _table(
    route_disposition=Word(MappingProxyType({**_NONE, **_words(Verdict)})),
    igp_actions=Refused(_NOT_ACTED_ON),
    bgp_actions=_table(
        set_as_path_prepend=Table(
            MappingProxyType({"as": Text(number=True), "repeat-n": Number(1, 255)}), ("as", "repeat-n")
        ),
        set_community=_communities("set-community-method", community_set_ref=Refused(_NO_REFERENCE)),
        set_ext_community=_communities("set-ext-community-method", ext_community_set_ref=Refused(_NO_REFERENCE)),
        set_large_community=_communities("set-large-community-method"),
        set_med=Text(number=True),
        set_local_pref=_POSITIVE,
        set_next_hop=_TEXT,
        set_route_origin=_ORIGIN,
    ),
)

KEYS = Table(
    MappingProxyType(
        {
            "global": Table(
                MappingProxyType(
                    {
                        "apply-policy": _table(config=_APPLY, state=Refused(_NOT_ACTED_ON)),
                        **dict.fromkeys(
                            (
                                *("config", "state", "route-selection-options", "default-route-distance"),
                                *("confederation", "use-multiple-paths", "graceful-restart", "afi-safis"),
                            ),
                            Refused(_BY_OBJECTS),
                        ),
                    }
                )
            ),
            "defined-sets": _SETS,
            "policy-definitions": Tables(
                _table(
                    "name",
                    name=_TEXT,
                    statements=Tables(_table(name=_TEXT, conditions=_CONDITIONS, actions=_ACTIONS)),
                )
            ),
            **dict.fromkeys(("neighbors", "peer-groups", "dynamic-neighbors"), Refused(_BY_NEIGHBORS)),
            **dict.fromkeys(
                ("rpki-servers", "bmp-servers", "vrfs", "mrt-dump", "zebra", "collector"), Refused(_ONLY_POLICIES)
            ),
        }
    )
)


def listed(takes: Takes = KEYS, key: str = "") -> Iterator[tuple[str, Takes]]:
    """Every key that is read or refused with its own words, from the top, with what it takes; lists of tables without positions."""
    table = takes.each if isinstance(takes, Tables) else takes
    if isinstance(table, Table):
        for name, below in table.keys.items():
            yield from listed(below, f"{key}.{name}" if key else name)
    else:
        yield key, takes


def described(takes: Takes) -> str:
    """What a key takes, for a person."""
    match takes:
        case Text(number=number):
            return "a text or a number" if number else "a text"
        case Texts():
            return "a list of texts"
        case Number(least=least, most=most):
            return f"a number from {least} to {most}"
        case Word(words=words):
            return f"one of {', '.join(words)}"
        case Words(words=words):
            return f"a list of {', '.join(words)}"
        case Table():
            return "a table"
        case Tables():
            return "a list of tables"
        case Refused():
            return "nothing"


def checked(held: object, takes: Takes, where: Where, tell: Tell) -> object:
    """The value with what is wrong told and left out, words as what they mean; None where nothing is left of it."""
    match takes:
        case Refused(why=why):
            tell(where, why)
        case Table() if isinstance(held, dict):
            return _checked_table(held, takes, where, tell)
        case Tables(each=each) if isinstance(held, list):
            return [checked(one, each, (*where, index), tell) for index, one in enumerate(held)]
        case Texts() | Words() if isinstance(held, list):
            one = Word(takes.words) if isinstance(takes, Words) else _TEXT
            return [checked(each, one, (*where, index), tell) for index, each in enumerate(held)]
        case Text(number=number) if isinstance(held, str) or (number and type(held) is int and abs(held) < _NO_NUMBER):
            return str(held)
        case Number() if type(held) is int or (isinstance(held, str) and held.isascii() and held.isdecimal()):
            return _checked_number(held, takes, where, tell)
        case Word() if isinstance(held, str):
            return _checked_word(held, takes, where, tell)
        case _:
            tell(where, _of_other_type(held, takes))
    return None


def _checked_table(held: dict[str, object], takes: Table, where: Where, tell: Tell) -> dict[str, object]:
    known: dict[str, object] = {}
    for key, value in held.items():
        if key in takes.keys:
            known[key] = checked(value, takes.keys[key], (*where, key), tell)
        else:
            tell((*where, key), f"this is no key that is read here: {nearest(key, takes.keys)}")
    for key in takes.needed:
        if key not in held:
            tell(where, f"{key} is missing: write it")
    return known


def _checked_number(held: str | int, takes: Number, where: Where, tell: Tell) -> int | None:
    number = int(held.lstrip("0")[:20] or "0") if isinstance(held, str) else held
    if takes.least <= number <= takes.most:
        return number
    absent = "; GoBGP takes 0 for absent" if not number and takes.least == 1 else ""
    tell(where, f"write {described(takes)}{absent}")
    return None


def _checked_word(held: str, takes: Word, where: Where, tell: Tell) -> object:
    word = held.lower() if takes.folded else held
    if word in takes.words:
        return takes.words[word]
    tell(where, f"{shown(held) or 'an empty text'} is not known: {nearest(held, takes.words)}")
    return None


def _of_other_type(held: object, takes: Takes) -> str:
    kind = {
        bool: "true or false",
        str: "a text",
        list: "a list",
        dict: "a table",
        int: "a number",
        float: "a number with a point",
    }
    return f"this is {kind.get(type(held), 'a date or a time')}, and it takes {described(takes)}"


def nearest(word: str, known: Mapping[str, object]) -> str:
    """What to write instead of a word that is not known: the one that was meant, as it seems, or any of them."""
    close = get_close_matches(word.lower().replace("_", "-"), known, n=1, cutoff=0.6) if len(word) <= 40 else []
    if close:
        return f"did you mean {close[0]}?"
    readable = (name for name, takes in known.items() if not isinstance(takes, Refused))
    return f"write one of {', '.join(islice(readable, _NAMED))}"
