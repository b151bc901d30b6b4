"""Whom a change of policies concerns."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network

import pytest

from openelb.announce.bgp_policies import EVERYBODY, inbound, outbound
from openelb.model.bgp import Peer
from openelb.model.policy import (
    NO_POLICIES,
    Actions,
    Assignment,
    Conditions,
    DefinedSet,
    Match,
    Policies,
    Policy,
    SetKind,
    SetMatch,
    Statement,
    Verdict,
)
from openelb.plan.policy import LEAVING, NO_PREFERENCE, Preference, combined, for_peers

ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "2001:db8::3"
PEERS = [Peer(address=each) for each in (ONE, TWO, THREE)]
RED, BLUE = Preference(communities=frozenset({"65000:1"})), Preference(communities=frozenset({"65000:2"}))


def ours(
    only: Mapping[str, Sequence[str]] | None = None, everybody: Preference = NO_PREFERENCE, **preferred: Preference
) -> Policies:
    """What is told to peers, which are known by their numbers here."""
    names = {"one": ONE, "two": TWO, "three": THREE}
    restricted = {names[name]: list(map(ip_network, prefixes)) for name, prefixes in (only or {}).items()}
    return for_peers(restricted, {names[name]: each for name, each in preferred.items()}, everybody)


def theirs(*conditions: Conditions, default: Verdict = Verdict.ACCEPT, sets: tuple[DefinedSet, ...] = ()) -> Policies:
    """A user's policies for what is sent."""
    statements = tuple(
        Statement(f"statement {number}", each, Actions(Verdict.REJECT)) for number, each in enumerate(conditions)
    )
    return Policies(sets, (Policy("theirs", statements),), exports=Assignment(("theirs",), default))


def neighbors(*members: str) -> DefinedSet:
    return DefinedSet(SetKind.NEIGHBOR, "some", members)


FOR_SOME, FOR_OTHERS = Conditions(neighbors=SetMatch("some")), Conditions(neighbors=SetMatch("some", Match.INVERT))


@pytest.mark.parametrize(
    ("before", "after", "concerned"),
    [
        (ours(one=RED), ours(one=RED), set()),
        (ours(one=RED, two=RED), ours(one=BLUE, two=RED), {ONE, TWO}),  # who had a set in common
        (ours(one=RED, two=BLUE), ours(one=RED), {TWO}),
        (NO_POLICIES, ours(three=RED), {THREE}),
        (ours({"one": ["10.0.0.1/32"]}), ours({"one": ["10.0.0.2/32"]}), {ONE}),
        (ours({"one": ["10.0.0.1/32"]}, two=RED), ours({"one": ["10.0.0.1/32"]}, two=BLUE), {TWO}),
        (ours(one=RED), ours(one=RED, everybody=LEAVING), EVERYBODY),
        (theirs(FOR_SOME, sets=(neighbors(f"{ONE}/32"),)), NO_POLICIES, {ONE}),
        (theirs(FOR_SOME, sets=(neighbors("192.0.2.0/24"),)), NO_POLICIES, {ONE, TWO}),
        (theirs(FOR_SOME, sets=(neighbors("198.51.100.0/24"),)), NO_POLICIES, set()),
        (theirs(FOR_SOME, sets=(neighbors(),)), NO_POLICIES, EVERYBODY),  # an empty set has everybody
        (theirs(FOR_OTHERS, sets=(neighbors(ONE),)), NO_POLICIES, EVERYBODY),
        (theirs(Conditions(med=7)), NO_POLICIES, EVERYBODY),
        (theirs(), theirs(default=Verdict.REJECT), EVERYBODY),
    ],
)
def test_those_are_told_anew_whom_a_change_concerns(
    before: Policies, after: Policies, concerned: set[str] | None
) -> None:
    assert outbound(before, after, PEERS) == concerned
    assert outbound(after, before, PEERS) == concerned
    assert inbound(before, after, PEERS) == set()


OLD, NEW, NETWORK, SIX = "10.0.0.1/32", "10.0.0.2/32", "10.0.0.0/24", "2001:db8::1/128"


@pytest.mark.parametrize(
    ("before", "after", "staying", "concerned"),
    [
        (ours({"one": [OLD]}), ours({"one": [OLD, NEW]}), [OLD], set()),
        (ours({"one": [OLD]}), ours({"one": [OLD, NEW]}), [OLD, NEW], {ONE}),
        (ours({"one": [OLD], "two": [OLD]}), ours({"one": [OLD], "two": [NEW]}), [OLD, NEW], {TWO}),
        (NO_POLICIES, ours({"one": [OLD], "two": []}), [OLD], {TWO}),
        (NO_POLICIES, ours({"one": [OLD]}), [SIX], {ONE}),  # of the other family it is told nothing
        (ours({"one": []}), ours({"one": [OLD]}), [SIX], set()),
        (ours({"one": [SIX]}), NO_POLICIES, [SIX], set()),
        (ours({"one": [OLD]}), ours({"one": [NETWORK]}), [OLD], set()),
        (ours({"one": [OLD]}), ours({"one": [NETWORK]}), [OLD, NEW], {ONE}),
        (ours({"one": [OLD]}, two=RED), ours({"one": [NEW]}, two=BLUE), [], {TWO}),
        (ours({"one": [OLD]}), ours({"one": [NEW]}, everybody=LEAVING), [], EVERYBODY),
    ],
)
def test_nobody_is_told_anew_what_stays_and_is_told_as_before(
    before: Policies, after: Policies, staying: Sequence[str], concerned: set[str] | None
) -> None:
    prefixes = [ip_network(each) for each in staying]
    assert outbound(before, after, PEERS, prefixes) == concerned
    assert outbound(after, before, PEERS, prefixes) == concerned
    if concerned is not EVERYBODY:
        before, after = (combined(each, theirs(Conditions(med=7))) for each in (before, after))
        assert outbound(before, after, PEERS, prefixes) == concerned


def test_rules_of_users_may_look_at_anything() -> None:
    before = theirs(FOR_SOME, sets=(neighbors(ONE),))
    assert outbound(before, NO_POLICIES, PEERS, []) == {ONE}


@pytest.mark.parametrize(("network", "concerned"), [("192.0.2.0/24", EVERYBODY), ("198.51.100.0/24", set())])
def test_in_a_range_of_peers_it_may_be_anybody_who_is_told_less(network: str, concerned: set[str] | None) -> None:
    peers = [Peer(prefix="192.0.2.0/24"), Peer(address=THREE)]
    after = for_peers({network: []}, {})
    assert outbound(NO_POLICIES, after, peers, [ip_network(OLD)]) == concerned


@pytest.mark.parametrize("peer", [Peer(prefix="192.0.2.0/24"), Peer(interface="eth1")], ids=["range", "interface"])
@pytest.mark.parametrize("back", [False, True])
def test_who_is_told_less_in_a_range_is_not_hidden_by_one_of_it_who_is_told_nothing(peer: Peer, *, back: bool) -> None:
    whole, one = ("192.0.2.0/24", ONE) if peer.prefix else ("fe80::/10", "fe80::1")
    before, after = for_peers({one: []}, {}), for_peers({whole: [], one: []}, {})
    pair = (after, before) if back else (before, after)
    assert outbound(*pair, [peer, Peer(address=one)], [ip_network(OLD)]) is EVERYBODY


def test_another_order_concerns_everybody() -> None:
    first, second = Conditions(med=7), Conditions(local_pref=7)
    before, after = theirs(first, second), theirs(first, second)
    statements = before.definitions[0].statements[::-1]
    assert outbound(before, replace(after, definitions=(Policy("theirs", statements),)), PEERS) is EVERYBODY


@pytest.mark.parametrize(
    ("peer", "members", "concerned"),
    [
        (Peer(prefix="192.0.2.0/24"), ONE, EVERYBODY),
        (Peer(prefix="192.0.2.0/24"), THREE, set()),
        (Peer(interface="eth1"), "fe80::/10", EVERYBODY),
        (Peer(interface="eth1"), ONE, set()),
        (Peer(address="fe80::1%eth1"), "fe80::/10", {"fe80::1%eth1"}),
    ],
)
def test_who_is_not_known_by_an_address_may_be_anybody(peer: Peer, members: str, concerned: set[str] | None) -> None:
    assert outbound(NO_POLICIES, theirs(FOR_SOME, sets=(neighbors(members),)), [peer]) == concerned


def test_what_a_user_does_with_routes_of_others_is_no_reason_to_tell_them_ours_anew() -> None:
    imports = Policies(
        definitions=(Policy("in", (Statement("in", actions=Actions(Verdict.REJECT)),)),), imports=Assignment(("in",))
    )
    before, after = (combined(ours(one=RED), each) for each in (NO_POLICIES, imports))
    assert (inbound(before, after, PEERS), outbound(before, after, PEERS)) == (EVERYBODY, set())
