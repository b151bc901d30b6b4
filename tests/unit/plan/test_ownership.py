"""Where an address is: on one node, on the same one while that can have it, and on nobody's word but what all know."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openelb.model import names
from openelb.model.layer2 import Layer2Choices
from openelb.model.snapshot import Snapshot
from openelb.plan import node
from openelb.plan.placement import winner
from openelb.plan.presence import Alive
from tests.unit.builders import address, pool, service, snapshot, speaker

NODES = ("node-a", "node-b", "node-c", "node-d")
ADDRESSES = tuple(f"192.168.1.{number}" for number in range(1, 21))
Judged = Mapping[str, node.Judgement]


def cluster(*, failback: bool = False) -> Snapshot:
    services = [service(f"web-{shown}", shows=shown) for shown in ADDRESSES]
    return snapshot(pool(layer2=Layer2Choices(failback=failback)), *services, *map(speaker, NODES))


def look(judged: Judged, facts: Snapshot, alive: frozenset[str]) -> Judged:
    """Each that is alive judges once, with what the others told when they had judged before."""
    told = {each: replace(facts.speakers[each], holds=judged[each].plan.holds) for each in NODES}
    seen = replace(facts, speakers=told)
    return {
        each: node.judge(judged[each], seen, each, Alive(alive), names.LOAD_BALANCER_CLASS)
        if each in alive
        else node.Judgement()
        for each in NODES
    }


def settled(judged: Judged, facts: Snapshot, *alive: str) -> Judged:
    """As it is when all have told each other."""
    for _ in range(3):
        judged = look(judged, facts, frozenset(alive))
    return judged


NOTHING: Judged = {each: node.Judgement() for each in NODES}


def owners(judged: Judged) -> dict[str, str]:
    """The owner of each address. Fails when one has two."""
    claims = [(str(claim.address), each) for each in NODES for claim in judged[each].plan.claims]
    assert len(claims) == len(dict(claims))
    return dict(claims)


def test_addresses_are_where_their_weight_puts_them_and_nobody_holds_any() -> None:
    judged = settled(NOTHING, cluster(), *NODES)
    assert owners(judged) == {shown: winner(address(shown), NODES) for shown in ADDRESSES}
    assert not any(each.plan.holds for each in judged.values())


def test_the_addresses_of_a_lost_node_alone_move_and_stay_where_they_are_when_it_is_back() -> None:
    facts = cluster()
    before = settled(NOTHING, facts, *NODES)
    moved = settled(before, facts, *NODES[1:])
    lost = {shown for shown, owner in owners(before).items() if owner == "node-a"}
    assert {shown for shown in ADDRESSES if owners(moved)[shown] != owners(before)[shown]} == lost
    assert len({owners(moved)[shown] for shown in lost}) > 1
    assert owners(settled(moved, facts, *NODES)) == owners(moved)


def test_with_failback_they_return() -> None:
    facts = cluster(failback=True)
    before = settled(NOTHING, facts, *NODES)
    assert owners(settled(settled(before, facts, *NODES[1:]), facts, *NODES)) == owners(before)


def test_a_node_that_joins_takes_no_address_and_gets_some_of_those_that_come() -> None:
    facts = cluster()
    three = replace(facts, speakers={each: facts.speakers[each] for each in NODES[1:]})
    judged = {**NOTHING}
    for _ in range(3):
        told = {each: replace(three.speakers[each], holds=judged[each].plan.holds) for each in NODES[1:]}
        seen, alive = replace(three, speakers=told), Alive(frozenset(NODES[1:]))
        judged |= {each: node.judge(judged[each], seen, each, alive, names.LOAD_BALANCER_CLASS) for each in NODES[1:]}
    before = owners(judged)
    # It is known before it takes part: a speaker that begins has its Lease first.
    known = settled(judged, facts, *NODES[1:])
    joined = settled(known, facts, *NODES)
    assert owners(joined) == before
    further = [service(f"new-{number}", shows=f"192.168.1.{number}") for number in range(100, 130)]
    more = replace(facts, services={**facts.services, **{one.key: one for one in further}})
    assert "node-a" in {owner for shown, owner in owners(settled(joined, more, *NODES)).items() if shown not in before}


def test_of_two_that_have_an_address_after_a_partition_one_goes_on() -> None:
    facts = cluster()
    whole = settled(NOTHING, facts, *NODES)
    one, other = settled(whole, facts, *NODES[:2]), settled(whole, facts, *NODES[2:])
    healed = {**{each: one[each] for each in NODES[:2]}, **{each: other[each] for each in NODES[2:]}}
    assert sum(len(each.plan.claims) for each in healed.values()) == 2 * len(ADDRESSES)
    after = settled(healed, facts, *NODES)
    assert owners(after) == owners(whole)  # who had it all along comes before who took it over
    assert not any(each.plan.holds for each in after.values())


def test_a_node_that_was_alone_and_served_all_gives_back_what_it_took() -> None:
    facts = cluster()
    whole = settled(NOTHING, facts, *NODES)
    three, alone = settled(whole, facts, *NODES[:3]), settled(whole, facts, NODES[3])
    healed = {**{each: three[each] for each in NODES[:3]}, NODES[3]: alone[NODES[3]]}
    assert owners(settled(healed, facts, *NODES)) == owners(whole)


def test_a_process_that_follows_another_keeps_what_that_one_had() -> None:
    facts = cluster()
    moved = settled(settled(NOTHING, facts, *NODES[1:]), facts, *NODES)
    (one,) = (each for each in NODES[1:2])
    inherited = frozenset(claim.address for claim in moved[one].plan.claims)
    told = {each: replace(facts.speakers[each], holds=moved[each].plan.holds) for each in NODES}
    anew = node.judge(
        node.Judgement(),
        replace(facts, speakers=told),
        one,
        Alive(frozenset(NODES)),
        names.LOAD_BALANCER_CLASS,
        inherited,
    )
    assert anew.plan.claims.keys() == moved[one].plan.claims.keys()
    assert anew.plan.holds == moved[one].plan.holds


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.frozensets(st.sampled_from(NODES), min_size=1), min_size=1, max_size=8))
def test_whoever_comes_and_goes_each_address_has_one_owner_and_none_moves_without_need(
    seasons: list[frozenset[str]],
) -> None:
    facts, judged = cluster(), NOTHING
    before: dict[str, str] = {}
    for alive in seasons:
        # Who comes back judges when it knows what the others hold.
        told = {each: judged[each] for each in NODES}
        judged = settled(told, facts, *alive)
        now = owners(judged)
        assert now.keys() == set(ADDRESSES)
        assert all(now[shown] == owner for shown, owner in before.items() if owner in alive)
        before = now


def one_sided(judged: Judged, facts: Snapshot, *, deaf: str, mute: str) -> Judged:
    """The same while nothing arrives at one node of what another sends, which says so to that one, and all Leases are read."""
    for _ in range(3):
        told = {each: replace(facts.speakers[each], holds=judged[each].plan.holds) for each in NODES}
        alive = {each: Alive(frozenset(NODES)) for each in NODES}
        alive[deaf] = Alive(frozenset(NODES) - {mute})
        alive[mute] = Alive(frozenset(NODES), deaf=frozenset({deaf}), without_us=frozenset({deaf}))
        seen = replace(facts, speakers=told)
        judged = {each: node.judge(judged[each], seen, each, alive[each], names.LOAD_BALANCER_CLASS) for each in NODES}
    return judged


@pytest.mark.parametrize("failback", [False, True])
def test_a_node_that_another_does_not_hear_leaves_to_it_what_that_takes(failback: bool) -> None:
    facts = cluster(failback=failback)
    before = settled(NOTHING, facts, *NODES)
    during = one_sided(before, facts, deaf="node-b", mute="node-a")
    moved = {shown for shown in ADDRESSES if owners(during)[shown] != owners(before)[shown]}
    assert moved
    assert {(owners(before)[shown], owners(during)[shown]) for shown in moved} == {("node-a", "node-b")}
    after = owners(settled(during, facts, *NODES))
    assert after == owners(before if failback else during)


def test_so_it_does_with_what_it_held_of_that_other_s() -> None:
    facts = cluster()
    held = settled(settled(settled(NOTHING, facts, *NODES), facts, *NODES[1:]), facts, *NODES)
    during = owners(one_sided(held, facts, deaf="node-a", mute="node-b"))
    assert during.keys() == set(ADDRESSES)
    assert "node-a" in during.values()


SETS = tuple(tuple(f"192.168.1.{4 * number + one}" for one in range(1, 4)) for number in range(10))


def sets() -> Snapshot:
    """Services with three addresses each."""
    return snapshot(
        pool(), *(service(f"web-{shown[0]}", shows=shown[0], ingress=shown) for shown in SETS), *map(speaker, NODES)
    )


def test_the_addresses_of_one_service_are_at_different_nodes() -> None:
    judged = settled(NOTHING, sets(), *NODES)
    found = owners(judged)
    assert all(len({found[one] for one in shown}) == 3 for shown in SETS)
    assert not any(each.plan.holds for each in judged.values())
    assert {found[shown[0]] for shown in SETS} == {winner(address(shown[0]), NODES) for shown in SETS}


def test_where_there_are_fewer_nodes_each_address_has_one() -> None:
    facts = sets()
    two = replace(facts, speakers={each: facts.speakers[each] for each in NODES[:2]})
    found = owners({**NOTHING, **alone(two)})
    assert all(len({found[one] for one in shown}) == 2 for shown in SETS)


def alone(facts: Snapshot) -> Judged:
    """What the speakers there are judge at once."""
    there = frozenset(facts.speakers)
    return {each: node.judge(node.Judgement(), facts, each, Alive(there), names.LOAD_BALANCER_CLASS) for each in there}


def test_a_lost_node_moves_no_other_address_of_a_service_that_had_one_there() -> None:
    facts = sets()
    before = settled(NOTHING, facts, *NODES)
    moved = settled(before, facts, *NODES[1:])
    lost = {one for shown in SETS for one in shown if owners(before)[one] == "node-a"}
    assert {one for shown in SETS for one in shown if owners(moved)[one] != owners(before)[one]} == lost
    assert owners(settled(moved, facts, *NODES)) == owners(moved)
