"""What peers may be told and prefer, and how that stands together with users' policies."""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from openelb.model.bgp import Family
from openelb.model.policy import (
    NO_POLICIES,
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
from openelb.plan.bgp import WORST_MED
from openelb.plan.policy import LEAVING, NO_PREFERENCE, PEERS, Preference, combined, for_peers

A, B, SIX = "192.0.2.1", "192.0.2.2", "2001:db8::1"
POOL, POOL_SIX = ip_network("198.51.100.0/24"), ip_network("2001:db8:79::/64")
REJECT = Actions(Verdict.REJECT)


def test_who_is_told_of_ipv6_over_ipv4_has_a_next_hop_of_ipv6() -> None:
    found = for_peers({}, {}, ways={"192.0.2.1": "2001:db8::11", "192.0.2.0/28": "2001:db8::11"})
    (statement,) = found.definitions[0].statements
    (neighbors,) = found.sets
    assert neighbors.members == ("192.0.2.0/28", "192.0.2.1/32")
    assert statement.conditions.families == (Family.IPV6,)
    assert statement.actions == Actions(next_hop="2001:db8::11")


def test_without_restrictions_and_preferences_there_are_no_policies() -> None:
    assert for_peers({}, {A: Preference()}) == NO_POLICIES


def test_a_peer_is_told_what_is_within_its_prefixes_and_nothing_else() -> None:
    name = "openelb-only-192.0.2.1"
    assert for_peers({A: [POOL]}, {}) == Policies(
        sets=(
            DefinedSet(SetKind.NEIGHBOR, name, ("192.0.2.1/32",)),
            DefinedSet(SetKind.PREFIX, f"{name}-ipv4-unicast", prefixes=(PrefixRange("198.51.100.0/24", 24, 32),)),
        ),
        definitions=(
            Policy(
                PEERS,
                (
                    Statement(
                        f"{name}-ipv4-unicast",
                        Conditions(prefixes=SetMatch(f"{name}-ipv4-unicast", Match.INVERT), neighbors=SetMatch(name)),
                        REJECT,
                    ),
                    Statement(
                        f"{name}-ipv6-unicast", Conditions(neighbors=SetMatch(name), families=(Family.IPV6,)), REJECT
                    ),
                ),
            ),
        ),
        exports=Assignment((PEERS,)),
    )


def test_a_peer_that_may_be_told_nothing_is_told_nothing() -> None:
    found = for_peers({A: []}, {})
    assert [each.conditions.families for each in found.definitions[0].statements] == [(Family.IPV4,), (Family.IPV6,)]
    assert [each.kind for each in found.sets] == [SetKind.NEIGHBOR]


def test_peers_with_the_same_restriction_share_their_sets() -> None:
    found = for_peers({B: [POOL, POOL_SIX], SIX: [POOL_SIX, POOL], A: [POOL_SIX, POOL]}, {})
    assert [(each.kind, each.name) for each in found.sets] == [
        (SetKind.NEIGHBOR, "openelb-only-192.0.2.1"),
        (SetKind.PREFIX, "openelb-only-192.0.2.1-ipv4-unicast"),
        (SetKind.PREFIX, "openelb-only-192.0.2.1-ipv6-unicast"),
    ]
    assert found.sets[0].members == ("192.0.2.1/32", "192.0.2.2/32", "2001:db8::1/128")


def test_a_prefix_within_another_is_not_listed() -> None:
    found = for_peers({A: [ip_network("198.51.100.7/32"), POOL]}, {})
    assert found.sets[1].prefixes == (PrefixRange("198.51.100.0/24", 24, 32),)


def test_peers_that_differ_in_their_zone_alone_are_all_restricted() -> None:
    found = for_peers({"fe80::1%eth0": [POOL], "fe80::1%eth1": [POOL_SIX]}, {})
    assert len({each.name for each in found.sets}) == len(found.sets) == 4
    assert {each.members for each in found.sets if each.kind is SetKind.NEIGHBOR} == {("fe80::1/128",)}


def test_peers_that_are_accepted_from_a_prefix_are_known_by_it() -> None:
    assert for_peers({"192.0.2.0/25": [POOL]}, {}).sets[0].members == ("192.0.2.0/25",)


def test_preferences_set_attributes_and_give_no_verdict() -> None:
    preference = Preference(frozenset({"65000:2", "65000:1"}), frozenset({"65000:1:1"}), 0, 20, Prepend(65000, 3))
    (statement,) = for_peers({}, {A: preference}).definitions[0].statements
    assert statement == Statement(
        "openelb-prefer-192.0.2.1",
        Conditions(neighbors=SetMatch("openelb-prefer-192.0.2.1")),
        Actions(
            communities=CommunityChange(Change.ADD, ("65000:1", "65000:2")),
            large_communities=CommunityChange(Change.ADD, ("65000:1:1",)),
            local_pref=1,  # GoBGP takes 0 for none
            med=MedChange(20),
            prepend=Prepend(65000, 3),
        ),
    )


def test_what_a_node_that_leaves_says_to_everybody_counts_before_what_one_peer_is_told() -> None:
    found = for_peers({B: [POOL]}, {A: Preference(med=5)}, Preference(med=WORST_MED))
    *rejecting, one, everybody = found.definitions[0].statements
    assert [each.actions for each in rejecting] == [REJECT, REJECT]
    assert one.actions == Actions(med=MedChange(5))
    assert everybody.conditions == Conditions()
    assert everybody.actions == Actions(med=MedChange(WORST_MED))


THEIRS = Policies(
    sets=(DefinedSet(SetKind.PREFIX, "office"),),
    definitions=(Policy("in"), Policy("out", (Statement("one"),))),
    imports=Assignment(("in",)),
    exports=Assignment(("out",), Verdict.REJECT),
)


def test_a_peer_of_its_own_is_none_of_the_range_around_it():
    made = for_peers({"192.0.2.0/30": ()}, {"192.0.2.1": NO_PREFERENCE, "192.0.2.0/30": NO_PREFERENCE})
    (neighbors,) = (each.members for each in made.sets if each.kind is SetKind.NEIGHBOR)
    assert sorted(neighbors) == ["192.0.2.0/32", "192.0.2.2/31"]


def test_ours_are_asked_before_the_users() -> None:
    ours = for_peers({A: [POOL]}, {})
    both = combined(ours, THEIRS)
    assert both.exports == Assignment(("openelb-transit", PEERS, "out"), Verdict.REJECT)
    assert both.imports == THEIRS.imports
    assert both.sets == (*ours.sets, *THEIRS.sets)
    assert both.definitions[1:] == (*ours.definitions, *THEIRS.definitions)


def test_what_one_router_tells_is_told_no_other() -> None:
    both = combined(NO_POLICIES, THEIRS)
    assert both.exports == Assignment(("openelb-transit", "out"), Verdict.REJECT)
    assert [(each.conditions.route_type, each.actions) for each in both.definitions[0].statements] == [
        (RouteType.EXTERNAL, REJECT),
        (RouteType.INTERNAL, REJECT),
    ]
    assert (both.sets, both.imports, both.definitions[1:]) == (THEIRS.sets, THEIRS.imports, THEIRS.definitions)


def test_a_node_announces_its_own_also_where_the_user_wants_no_routes() -> None:
    theirs = Policies(imports=Assignment((), Verdict.REJECT))
    both = combined(NO_POLICIES, theirs)
    assert both.imports == Assignment(("openelb-own",), Verdict.REJECT)
    assert both.definitions[-1].statements == (
        Statement("openelb-own", Conditions(route_type=RouteType.LOCAL), Actions(Verdict.ACCEPT)),
    )


PREFIXES = st.sampled_from([POOL, POOL_SIX, ip_network("198.51.100.7/32"), ip_network("203.0.113.0/24")])
PEERS_THERE = st.sampled_from([A, B, SIX, "fe80::1%eth0", "fe80::1%eth1", "192.0.2.0/25"])
RESTRICTIONS = st.dictionaries(PEERS_THERE, st.lists(PREFIXES))
PREFERENCES = st.dictionaries(PEERS_THERE, st.sampled_from([Preference(), Preference(med=1), LEAVING]))


@given(RESTRICTIONS, PREFERENCES)
def test_names_are_there_once_and_what_is_referred_to_is_there(restrictions, preferences) -> None:
    found = combined(for_peers(restrictions, preferences, LEAVING), THEIRS)
    names = [(each.kind, each.name) for each in found.sets]
    statements = [each for policy in found.definitions for each in policy.statements]
    assert len(set(names)) == len(names)
    assert len({each.name for each in statements}) == len(statements)
    assert {(SetKind.NEIGHBOR, each.conditions.neighbors.name) for each in statements if each.conditions.neighbors} <= {
        *names
    }
    assert {(SetKind.PREFIX, each.conditions.prefixes.name) for each in statements if each.conditions.prefixes} <= {
        *names
    }


@given(RESTRICTIONS, PREFERENCES, st.randoms(use_true_random=False))
def test_the_order_in_which_peers_are_known_changes_nothing(restrictions, preferences, chance) -> None:
    def shuffled(held):
        items = [*held.items()]
        chance.shuffle(items)
        return dict(items)

    assert for_peers(shuffled(restrictions), shuffled(preferences)) == for_peers(restrictions, preferences)
