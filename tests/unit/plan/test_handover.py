"""What is kept for a moment, and what is not."""

from dataclasses import replace

import pytest

from openelb.model import names
from openelb.model.cluster import Link
from openelb.model.layer2 import Layer2Choices
from openelb.model.selectors import Selector
from openelb.plan.handover import NOTHING_KEPT, SECONDS, follow
from openelb.plan.node import Judgement, judge
from openelb.plan.placement import winner
from openelb.plan.presence import Alive
from tests.unit.builders import address, node, pool, service, snapshot, speaker

NODES = frozenset({"a", "b", "c"})
ONE = address("192.168.1.1")
ME = winner(ONE, NODES)
WEB = service(shows=str(ONE))
BEFORE = snapshot(pool(), WEB, *map(speaker, sorted(NODES)), *map(node, sorted(NODES)))
WITHOUT_GATEWAY = replace(
    BEFORE, speakers={**BEFORE.speakers, ME: replace(speaker(ME), links=(Link("eth0", gateway_lost=True),))}
)
TAINTED = replace(BEFORE, speakers={**BEFORE.speakers, ME: speaker(ME, tainted="example.com/maintenance")})
DRAINED = replace(BEFORE, nodes={**BEFORE.nodes, ME: node(ME, drained=True)})


def judged(*seen, alive=NODES, me=ME):
    """The judgements of one node, look after look."""
    found = [Judgement()]
    for one in seen:
        found.append(judge(found[-1], one, me, Alive(alive), names.LOAD_BALANCER_CLASS))
    return found[1:]


def kept(handover):
    return {str(claim.address) for claim in handover.kept}


def lost_to(after, **facts):
    return kept(follow(NOTHING_KEPT, *judged(BEFORE, after, **facts), 10.0))


@pytest.mark.parametrize(
    "after",
    [
        DRAINED,
        TAINTED,
        WITHOUT_GATEWAY,
        replace(BEFORE, nodes={**BEFORE.nodes, ME: node(ME, excluded=True)}),
        replace(
            BEFORE,
            nodes={one: node(one, rack="" if one == ME else "one") for one in NODES},
            pools={"eip": pool(node_selector=Selector((("rack", "one"),)))},
        ),
    ],
    ids=["drained", "tainted", "without its gateway", "excluded", "not selected"],
)
def test_what_another_node_is_to_answer_by_the_plan_is_kept_for_a_moment(after):
    assert lost_to(after) == {str(ONE)}


def test_it_is_kept_until_the_moment_is_over_and_no_longer():
    first, second = judged(BEFORE, DRAINED)
    handover = follow(NOTHING_KEPT, first, second, 10.0)
    assert handover.due() == 10.0 + SECONDS
    assert list(handover.plan(second.plan).claims.values()) == list(first.plan.claims.values())
    assert [claim.ending for claim in handover.plan(second.plan).claims] == [True]
    assert kept(follow(handover, second, second, 10.0 + SECONDS / 2)) == {str(ONE)}
    assert follow(handover, second, second, 10.0 + SECONDS) == NOTHING_KEPT
    assert NOTHING_KEPT.plan(second.plan) is second.plan


def test_an_address_that_nobody_shows_any_more_is_not_kept():
    first, second, third = judged(BEFORE, DRAINED, replace(DRAINED, services={}))
    assert follow(NOTHING_KEPT, first, third, 10.0) == NOTHING_KEPT
    assert follow(follow(NOTHING_KEPT, first, second, 10.0), second, third, 10.1) == NOTHING_KEPT


def test_nothing_is_kept_when_a_node_came_back_or_a_link_went():
    alone = judge(Judgement(), BEFORE, ME, Alive(frozenset({ME})), names.LOAD_BALANCER_CLASS)
    after = judge(alone, DRAINED, ME, Alive(NODES), names.LOAD_BALANCER_CLASS)
    assert follow(NOTHING_KEPT, alone, after, 10.0) == NOTHING_KEPT
    assert lost_to(replace(DRAINED, speakers={**DRAINED.speakers, ME: speaker(ME, "eth1")})) == set()


def test_what_was_kept_ends_when_somebody_is_lost():
    first, second = judged(BEFORE, DRAINED)
    handover = follow(NOTHING_KEPT, first, second, 10.0)
    third = judge(second, DRAINED, ME, Alive(NODES - {winner(ONE, NODES - {ME})}), names.LOAD_BALANCER_CLASS)
    assert follow(handover, second, third, 10.1) == NOTHING_KEPT


def test_an_address_whose_pods_went_elsewhere_is_not_kept():
    local = replace(WEB, local_traffic_only=True)
    here = replace(BEFORE, services={WEB.key: local}, endpoints={WEB.key: frozenset({ME})})
    (other, _) = sorted(NODES - {ME})
    first, second = judged(here, replace(here, endpoints={WEB.key: frozenset({other})}))
    assert (len(first.plan.claims), len(second.plan.claims)) == (1, 0)
    assert follow(NOTHING_KEPT, first, second, 10.0) == NOTHING_KEPT


def test_who_gets_it_back_in_between_goes_on():
    first, second, third = judged(BEFORE, DRAINED, BEFORE)
    handover = follow(follow(NOTHING_KEPT, first, second, 10.0), second, third, 10.1)
    assert handover.plan(third.plan).claims == third.plan.claims


def test_with_failback_who_got_a_drained_node_s_addresses_hands_them_back_likewise():
    heir = winner(ONE, NODES - {ME})
    returning = {name: replace(one, layer2=Layer2Choices(failback=True)) for name, one in BEFORE.pools.items()}
    first, second = judged(*(replace(facts, pools=returning) for facts in (DRAINED, BEFORE)), me=heir)
    assert kept(follow(NOTHING_KEPT, first, second, 10.0)) == {str(ONE)}
