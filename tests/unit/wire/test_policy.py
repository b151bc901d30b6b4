"""Users' policies: what is read of them, and what their authors are told."""

from dataclasses import fields
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model.bgp import Family
from openelb.model.policy import (
    NO_POLICIES,
    Actions,
    Assignment,
    Change,
    CommunityChange,
    Comparison,
    Conditions,
    Count,
    DefinedSet,
    Match,
    MedChange,
    NextHop,
    Origin,
    Policies,
    Policy,
    PrefixRange,
    Prepend,
    RouteType,
    SetKind,
    SetMatch,
    Statement,
    Validation,
    Verdict,
)
from openelb.wire.policy import MOST_FAULTS, read
from openelb.wire.policy_keys import KEYS, Refused, listed

FIXTURES = Path(__file__).parents[2] / "fixtures/policies"
EVERYTHING = (FIXTURES / "everything.toml").read_text()


def good(text: str) -> Policies:
    found = read(text)
    assert isinstance(found, Policies), "\n".join(map(str, found))
    return found


def told(text: str) -> list[str]:
    found = read(text)
    assert isinstance(found, tuple), found
    return [str(fault) for fault in found]


def test_a_text_that_says_nothing_is_no_policies() -> None:
    assert good("# nothing yet\n") == NO_POLICIES


def test_every_construct_is_read() -> None:
    assert good(EVERYTHING) == Policies(
        sets=(
            DefinedSet(
                SetKind.PREFIX,
                "office",
                prefixes=(PrefixRange("192.0.2.0/24", 24, 24), PrefixRange("198.51.100.0/24", 24, 32)),
            ),
            DefinedSet(SetKind.PREFIX, "office-six", prefixes=(PrefixRange("2001:db8:79::/64", 64, 128),)),
            DefinedSet(SetKind.NEIGHBOR, "leaves", ("192.0.2.1/32", "192.0.2.128/25", "2001:db8::1/128")),
            DefinedSet(SetKind.COMMUNITY, "customers", ("^65000:100$", "^65535:65281$", "6500[0-9]:.*")),
            DefinedSet(SetKind.EXT_COMMUNITY, "targets", ("rt:^65000:200$", "soo:65[0-9]+:1")),
            DefinedSet(SetKind.LARGE_COMMUNITY, "large", ("^65000:1:2$", "^65000:")),
            DefinedSet(SetKind.AS_PATH, "spine", ("^65001_", "^65001 65002(^|[,{}() ]|$)")),
        ),
        definitions=(
            Policy(
                "from-routers",
                (
                    Statement(
                        "from-routers_stmt0", Conditions(rpki=Validation.INVALID), Actions(verdict=Verdict.REJECT)
                    ),
                    Statement(
                        "long paths",
                        Conditions(
                            as_path_length=Count(Comparison.GE, 4),
                            community_count=Count(Comparison.LE, 3),
                            route_type=RouteType.EXTERNAL,
                            origin=Origin.INCOMPLETE,
                            next_hops=("192.0.2.1",),
                            families=(Family.IPV4, Family.IPV6),
                            local_pref=200,
                            med=50,
                        ),
                        Actions(verdict=Verdict.ACCEPT),
                    ),
                ),
            ),
            Policy(
                "to-leaves",
                (
                    Statement(
                        "office to leaves",
                        Conditions(
                            prefixes=SetMatch("office"),
                            neighbors=SetMatch("leaves", Match.INVERT),
                            as_path=SetMatch("spine"),
                            communities=SetMatch("customers", Match.ALL),
                            ext_communities=SetMatch("targets"),
                            large_communities=SetMatch("large"),
                        ),
                        Actions(
                            communities=CommunityChange(Change.ADD, ("65100:20", "65535:65282")),
                            ext_communities=CommunityChange(
                                Change.REPLACE,
                                ("rt:65000:1", "soo:192.0.2.1:2", "encap:VXLAN", "lb:65000:125000", "valid"),
                            ),
                            large_communities=CommunityChange(Change.REMOVE, ("^65000:1:2$",)),
                            med=MedChange(-200, relative=True),
                            local_pref=110,
                            prepend=Prepend(65005, 5),
                            next_hop=NextHop.SELF,
                            origin=Origin.IGP,
                        ),
                    ),
                ),
            ),
            Policy(
                "to-all",
                (
                    Statement(
                        "to-all_stmt0",
                        Conditions(prefixes=SetMatch("office-six")),
                        Actions(med=MedChange(100), prepend=Prepend(0, 2), next_hop="2001:db8::9"),
                    ),
                ),
            ),
        ),
        imports=Assignment(("from-routers",), Verdict.REJECT),
        exports=Assignment(("to-leaves", "to-all"), Verdict.ACCEPT),
    )


def test_the_fixture_has_every_key_that_is_read_and_every_field_of_ours() -> None:
    missing = [key for key, takes in listed(KEYS) if key.rpartition(".")[2] not in EVERYTHING]
    assert [key for key in missing if not isinstance(dict(listed(KEYS))[key], Refused)] == []
    statements = [each for policy in good(EVERYTHING).definitions for each in policy.statements]
    for part in ("conditions", "actions"):
        given = [getattr(each, part) for each in statements]
        assert [one.name for one in fields(given[0]) if not any(getattr(each, one.name) for each in given)] == []


def test_what_was_written_for_upstream_is_read() -> None:
    read = good((FIXTURES / "upstream.toml").read_text())
    assert read.exports == Assignment(("leaves",), Verdict.REJECT)
    assert [each.conditions for each in read.definitions[0].statements] == [
        Conditions(prefixes=SetMatch("laboratory", Match.INVERT), neighbors=SetMatch("leaf1")),
        Conditions(prefixes=SetMatch("laboratory"), neighbors=SetMatch("leaf2")),
    ]


def test_what_is_read_is_read_as_the_same_once_more() -> None:
    """gobgpd is given what it will report."""
    first = {each.name: each.members for each in good(EVERYTHING).sets}
    again = EVERYTHING
    for line, name in (
        ('community-list = ["65000:100", "no-export", "6500[0-9]:.*"]', "customers"),
        ('ext-community-list = ["RT:65000:200", "SoO:65[0-9]+:1"]', "targets"),
        ('large-community-list = ["65000:1:2", "^65000:"]', "large"),
        ('as-path-list = ["^65001 65002_", "^65001_"]', "spine"),
        ('neighbor-info-list = ["192.0.2.1", "192.0.2.128/25", "2001:db8::1"]', "leaves"),
    ):
        assert line in again
        again = again.replace(line, f"{line.partition(' ')[0]} = {[*first[name]]}")
    assert good(again) == good(EVERYTHING)


# Faults. Each case is a line of the text above, what it is replaced by, and what is told then.

ACTIONS = "policy-definitions[1].statements[0].actions.bgp-actions"
CONDITIONS = "policy-definitions[0].statements[1].conditions.bgp-conditions"
TYPOS = [
    (
        'set-med = "-200"',
        'set-mde = "-200"',
        f"{ACTIONS}.set-mde: this is no key that is read here: did you mean set-med?",
    ),
    (
        "[[defined-sets.bgp-defined-sets.as-path-sets]]",
        "[[defined-sets.bgp-defined-sets.aspath-sets]]",
        "defined-sets.bgp-defined-sets.aspath-sets: this is no key that is read here: did you mean as-path-sets?",
    ),
    (
        "afi-safi-in-list",
        "afi-safi-in",
        f"{CONDITIONS}.afi-safi-in: this is no key that is read here: did you mean afi-safi-in-list?",
    ),
    (
        "next-hop-in-list",
        "Next_Hop_In_List",
        f"{CONDITIONS}.Next_Hop_In_List: this is no key that is read here: did you mean next-hop-in-list?",
    ),
    (
        'value = "7"',
        'colour = "7"\nvalue = 7',
        "defined-sets.tag-sets[0].tag-list[0].colour: this is no key that is read here: write one of value",
    ),
    (
        'prefix-set-name = "office"',
        "",
        "defined-sets.prefix-sets[0]: prefix-set-name is missing: write it",
    ),
    ("repeat-n = 5", "", f"{ACTIONS}.set-as-path-prepend: repeat-n is missing: write it"),
    ("repeat-n = 5", "repeat-n = 256", f"{ACTIONS}.set-as-path-prepend.repeat-n: write a number from 1 to 255"),
    (
        "med-eq = 50",
        "med-eq = 0",
        f"{CONDITIONS}.med-eq: write a number from 1 to 4294967295; GoBGP takes 0 for absent",
    ),
    (
        "med-eq = 50",
        "med-eq = 1.5",
        f"{CONDITIONS}.med-eq: this is a number with a point, and it takes a number from 1 to 4294967295",
    ),
    (
        "med-eq = 50",
        "med-eq = true",
        f"{CONDITIONS}.med-eq: this is true or false, and it takes a number from 1 to 4294967295",
    ),
    (
        'next-hop-in-list = ["192.0.2.1"]',
        'next-hop-in-list = "192.0.2.1"',
        f"{CONDITIONS}.next-hop-in-list: this is a text, and it takes a list of texts",
    ),
    (
        'next-hop-in-list = ["192.0.2.1"]',
        "next-hop-in-list = []",
        f"{CONDITIONS}.next-hop-in-list: the list is empty: write what is in it, or take it out",
    ),
    (
        'next-hop-in-list = ["192.0.2.1"]',
        'next-hop-in-list = ["192.0.2.0/24"]',
        f"{CONDITIONS}.next-hop-in-list[0]: 192.0.2.0/24: this is no address: write one as 192.0.2.1 or 2001:db8::1",
    ),
    (
        'origin-eq = "incomplete"',
        'origin-eq = "incomplet"',
        f"{CONDITIONS}.origin-eq: incomplet is not known: did you mean incomplete?",
    ),
    (
        'rpki-validation-result = "invalid"',
        'rpki-validation-result = ""',
        "policy-definitions[0].statements[0].conditions.bgp-conditions.rpki-validation-result: an empty text is not known: "
        "write one of none, not-found, valid, invalid",
    ),
    (
        'afi-safi-in-list = ["ipv4-unicast", "ipv6-unicast"]',
        'afi-safi-in-list = ["ipv4-unicast", "l2vpn-evpn"]',
        f"{CONDITIONS}.afi-safi-in-list[1]: l2vpn-evpn is not known: write one of ipv4-unicast, ipv6-unicast",
    ),
    (
        'prefix-set = "office"\n',
        'prefix-set = "ofice"\n',
        "policy-definitions[1].statements[0].conditions.match-prefix-set.prefix-set: no prefix-set is named ofice: "
        "did you mean office?",
    ),
    (
        'export-policy-list = ["to-leaves", "to-all"]',
        'export-policy-list = ["to-leaves",\n"to-leaves", "leaves"]',
        "global.apply-policy.config.export-policy-list[2]: no policy is named leaves: did you mean to-leaves?",
    ),
    (
        'export-policy-list = ["to-leaves", "to-all"]',
        'export-policy-list = ["to-leaves",\n"to-leaves"]',
        "global.apply-policy.config.export-policy-list[1]: to-leaves is in the list already: take it out",
    ),
    (
        'name = "to-all"',
        'name = "to-leaves"',
        "policy-definitions[2].name: to-leaves is there already, on line 73: write another name",
    ),
    (
        'name = "office to leaves"',
        'name = "long paths"',
        "policy-definitions[1].statements[0].name: long paths is there already, on line 55: write another name",
    ),
    (
        'name = "office to leaves"',
        'name = "openelb-first"',
        "policy-definitions[1].statements[0].name: names that begin with openelb- are OpenELB's own: write another one",
    ),
    (
        'name = "office to leaves"',
        'name = ""',
        "policy-definitions[1].statements[0].name: this is no name: write one to 200 printable characters",
    ),
    (
        'ip-prefix = "192.0.2.0/24"',
        'ip-prefix = "192.0.2.0/33"',
        "defined-sets.prefix-sets[0].prefix-list[1].ip-prefix: 192.0.2.0/33: this is no prefix: "
        "write one as 192.0.2.0/24 or 2001:db8::/32",
    ),
    (
        'ip-prefix = "192.0.2.0/24"',
        'ip-prefix = "2001:db8::/64"',
        "defined-sets.prefix-sets[0].prefix-list[1].ip-prefix: a set has prefixes of IPv4 or of IPv6, and this one has both: "
        "write two sets",
    ),
    (
        '"192.0.2.128/25"',
        '"leaf2"',
        "defined-sets.neighbor-sets[0].neighbor-info-list[1]: leaf2: this is no neighbour: "
        "write its address, or a prefix, as 192.0.2.1 or 192.0.2.0/24",
    ),
    (
        'neighbor-info-list = ["192.0.2.1", "192.0.2.128/25", "2001:db8::1"]',
        "neighbor-info-list = []",
        "defined-sets.neighbor-sets[0]: GoBGP takes every neighbour for one of an empty set: write neighbor-info-list",
    ),
    (
        '"6500[0-9]:.*"',
        '"6500[0-9:.*"',
        "defined-sets.bgp-defined-sets.community-sets[0].community-list[2]: 6500[0-9:.*: "
        "this is no regular expression of Go: a [ is not closed",
    ),
    (
        '"no-advertise"',
        '"no-advertize"',
        f"{ACTIONS}.set-community.set-community-method.communities-list[1]: no-advertize: this is no community: "
        "write two numbers up to 65535, as 65000:100, or a name, as no-export",
    ),
    (
        'communities-list = ["65100:20", "no-advertise"]',
        "communities-list = []",
        f"{ACTIONS}.set-community: there is nothing to add: write set-community-method.communities-list",
    ),
    (
        'set-next-hop = "self"',
        'set-next-hop = "me"',
        f"{ACTIONS}.set-next-hop: me: write self, unchanged, peer-address, or an address",
    ),
    (
        '[policy-definitions.statements.conditions.match-prefix-set]\nprefix-set = "office"\n',
        '[policy-definitions.statements.conditions.match-tag-set]\ntag-set = "blue"\n',
        "policy-definitions[1].statements[0].conditions.match-tag-set: GoBGP compares no tags, "
        "so the statement would hold for every route: take it out, or compare communities",
    ),
    (
        "[global.apply-policy.config]",
        "[global.config]\nas = 64512\n[global.apply-policy.config]",
        "global.config: it is not set here but by the BgpConf and the BgpPeers: take it out",
    ),
    (
        "[global.apply-policy.config]",
        "[[neighbors]]\n[global.apply-policy.config]",
        "neighbors: peers are BgpPeers, and GoBGP has one list of policies for all of them: "
        "take it out, and name peers in defined-sets.neighbor-sets",
    ),
]


@pytest.mark.parametrize(("there", "instead", "sentence"), TYPOS, ids=[typo[1][:40] for typo in TYPOS])
def test_a_mistake_is_told_with_its_key_and_its_line(there: str, instead: str, sentence: str) -> None:
    assert there in EVERYTHING
    text = EVERYTHING.replace(there, instead, 1)
    place, said = next(each.split(", ", 1) for each in told(text) if each.endswith(sentence))
    assert said == sentence
    line = text.splitlines()[int(place.removeprefix("line ")) - 1]
    key = sentence.partition(":")[0].rpartition(".")[2].partition("[")[0]
    assert key in line or line in instead


def test_all_mistakes_are_told_at_once_by_their_lines() -> None:
    text = '[global.apply-policy.config]\nexport-policy-list = ["a"]\ndefault-export-policy = "accept"\nother = 1\n'
    assert told(text) == [
        "line 2, global.apply-policy.config.export-policy-list[0]: no policy is named a: define it",
        "line 3, global.apply-policy.config.default-export-policy: accept is not known: did you mean accept-route?",
        "line 4, global.apply-policy.config.other: this is no key that is read here: "
        "write one of import-policy-list, export-policy-list, default-import-policy, default-export-policy",
    ]


def test_a_set_that_is_wrong_is_not_told_as_missing_as_well() -> None:
    text = EVERYTHING.replace('"192.0.2.128/25"', '"leaf2"')
    assert len(told(text)) == 1


def test_of_a_text_that_is_not_toml_the_place_is_told() -> None:
    assert told('[global]\nname = "x\n') == ["line 2: this is not TOML: illegal character '\\n', in column 10"]


def test_of_very_many_mistakes_the_first_are_told() -> None:
    found = told("".join(f"a{number} = 1\n" for number in range(20_000)))
    assert len(found) == MOST_FAULTS + 1
    assert found[-1] == f"these are the first {MOST_FAULTS} faults: mend them, and the others are told"


MANY = [f"{{name='{number}',statements=[{{}},{{}}]}}" for number in range(6_000)]
HOSTILE = {
    "statements": "policy-definitions = [" + "{name = 'a', statements = [{}]}," * 7_000 + "]",
    "policies": "policy-definitions = [" + ",".join(MANY) + "]",
    "references": "global = {apply-policy = {config = {export-policy-list = [" + "'a'," * 60_000 + "]}}}",
    "members": "defined-sets.neighbor-sets = [{neighbor-set-name = 'a', neighbor-info-list = ["
    + "'::1'," * 40_000
    + "]}]",
    "expressions": "defined-sets.bgp-defined-sets.as-path-sets = [{as-path-set-name = 'a', as-path-list = ["
    + f"'{'(' * 150}_{'a{9}' * 40}{')' * 150}'," * 500
    + "]}]",
    "a key": f"'{'x' * 200_000}' = 1",
    "a name": f"policy-definitions = [{{name = '{'x' * 200_000}'}}]",
    "a number": f"policy-definitions = [{{name = 'a', statements = [{{actions.bgp-actions.set-med = '{'9' * 200_000}'}}]}}]",
    "hexadecimal": f"policy-definitions = [{{name='a', statements=[{{actions.bgp-actions.set-med = 0x{'f' * 200_000}}}]}}]",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(text: str) -> None:
    began = process_time()
    assert isinstance(read(text), Policies | tuple)
    assert process_time() - began < 10


@given(st.text())
def test_whatever_the_text_it_is_read_or_told(text: str) -> None:
    assert isinstance(read(text), Policies | tuple)


VALUES = st.recursive(
    st.sampled_from(["1", "0", '""', '"a"', '"none"', '"192.0.2.1"', "true", "1.5", "[]", "2020-01-01", '"openelb-x"']),
    lambda below: st.lists(below, max_size=2).map(lambda each: f"[{', '.join(each)}]"),
)


@given(st.sampled_from([key for key, _ in listed(KEYS)]), VALUES, st.integers(0, 8))
def test_whatever_stands_for_a_value_it_is_read_or_told(key: str, value: str, depth: int) -> None:
    """Also where a table or a list of tables belongs."""
    shortened = ".".join(key.split(".")[: depth + 1])
    assert isinstance(read(f"{shortened} = {value}"), Policies | tuple)
