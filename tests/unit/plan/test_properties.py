"""What holds for any cluster: the same facts give the same plan, and no promise depends on how things came about."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from openelb.model import names
from openelb.model.cluster import Ledger, Protocol, ServiceKey
from openelb.model.routers import CONF, NextHops
from openelb.model.snapshot import Snapshot
from openelb.plan import cluster, node, routes, sharing
from openelb.plan.presence import Alive
from openelb.plan.standing import is_excluded
from tests.unit.builders import address, conf, router
from tests.unit.plan.drawn import NODES, Draw

SEEDS = 200
any_cluster = pytest.mark.parametrize("seed", range(SEEDS))


@any_cluster
def test_the_same_facts_in_another_order_give_the_same_plan(seed: int) -> None:
    drawn = Draw(seed)
    facts, again = drawn.facts, drawn.shuffled()
    assert cluster.plan(facts, drawn.living) == cluster.plan(again, drawn.living)
    for name in NODES:
        assert node.plan(facts, name, drawn.living) == node.plan(again, name, drawn.living)


def words() -> str:
    """All that is said of all these clusters, in an order of its own."""
    said: list[str] = []
    for drawn in map(Draw, range(SEEDS)):
        plan = cluster.plan(drawn.facts, drawn.living)
        said += sorted(f"{who} {publication}" for who, publication in plan.services.items())
        said += sorted(
            f"{name} {status.conditions} {sorted(status.used.items(), key=str)}" for name, status in plan.pools.items()
        )
        for name in NODES:
            said += sorted(f"{claim} {why}" for claim, why in node.plan(drawn.facts, name, drawn.living).claims.items())
    return "\n".join(said)


@pytest.mark.parametrize("hash_seed", ["1", "2", "3"])
def test_every_process_says_the_same(hash_seed: str) -> None:
    """Each goes through its sets in an order of its own; were that heard, the next leader would write everything anew."""
    command = [sys.executable, "-c", f"import {__name__} as here; print(here.words())"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    other = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.splitlines() == words().splitlines()


@any_cluster
def test_an_address_is_claimed_by_at_most_one_node_and_only_where_a_service_shows_it(seed: int) -> None:
    drawn = Draw(seed)
    claims = [claim.address for name in NODES for claim in node.plan(drawn.facts, name, drawn.living).claims]
    shown = {text for one in drawn.facts.services.values() for text in one.ingress}
    assert len(claims) == len(set(claims))
    assert {str(one) for one in claims} <= shown


def ledgers(facts: Snapshot) -> list[Ledger]:
    """All parts of all ledgers."""
    return [pool.status.used for pool in facts.pools.values()] + [page.used for page in facts.pages.values()]


@any_cluster
def test_what_is_published_is_in_the_ledger_that_was_seen(seed: int) -> None:
    drawn = Draw(seed)
    for who, publication in cluster.plan(drawn.facts, drawn.living).services.items():
        for text in publication.ingress if publication.pool_label else ():
            assert any(who in used.get(address(text), ()) for used in ledgers(drawn.facts))


@any_cluster
def test_what_a_service_of_ours_shows_stays_in_its_ledger(seed: int) -> None:
    """It leaves the ledger only when nothing shows it any more, so that nobody else can get it before."""
    facts, living = Draw(seed).facts, Draw(seed).living
    planned = cluster.plan(facts, living)
    for who, one in facts.services.items():
        for text in one.ingress:
            for name, before in facts.pools.items():
                after = planned.pools.get(name, before.status).used
                kept = who in after.get(address(text), ())
                moved = one.pool_label != name and any(
                    who in used.get(address(text), ()) for used in ledgers(facts) if used is not before.status.used
                )
                assert kept or moved or who not in before.status.used.get(address(text), ())


@any_cluster
def test_nothing_is_entered_that_another_holds_or_shows(seed: int) -> None:
    facts, living = Draw(seed).facts, Draw(seed).living
    holders = {(one, who) for used in ledgers(facts) for one, keys in used.items() for who in keys}
    shown = {(address(text), who) for who, one in facts.services.items() for text in one.ingress}
    for name, status in cluster.plan(facts, living).pools.items():
        before = facts.pools[name].status.used
        for one, keys in status.used.items():
            # An entry may move to the pool that has the address now, with all who share it.
            for who in {key for key in set(keys) - set(before.get(one, ())) if (one, key) not in holders | shown}:
                others = {holder for held, holder in holders if held == one} - {who}
                assert all(other in facts.services and may_share(facts, who, other) for other in others)
                seen = {other for shows, other in shown if shows == one} - {who}
                assert (one, who) in shown or all(may_share(facts, who, other) for other in seen)


def may_share(facts: Snapshot, one: ServiceKey, other: ServiceKey) -> bool:
    return not sharing.obstacle(facts.services[one], facts.services[other])


@any_cluster
def test_a_speaker_s_plan_made_from_another_is_the_one_that_judges_everything(seed: int) -> None:
    """Also from that of a cluster with which it has nothing in common, and back again."""
    drawn, other = Draw(seed), Draw(SEEDS + seed)
    facts, living = drawn.facts, frozenset(NODES)
    judged = dict.fromkeys(NODES, node.Judgement())
    for seen, alive in (
        (facts, living),
        (drawn.with_other_services(), living),
        (replace(facts, endpoints=other.facts.endpoints), living),
        (replace(facts, speakers=other.facts.speakers), living),
        (replace(facts, pools=other.facts.pools), living),
        (replace(facts, services=other.facts.services), living),
        (facts, living),
        (facts, other.living),
        (other.facts, other.living),
        (facts, living),
    ):
        for me in NODES:
            before, there = node.Judgement(plan=judged[me].plan), Alive(alive)
            judged[me] = node.judge(judged[me], seen, me, there, names.LOAD_BALANCER_CLASS)
            anew = node.judge(before, seen, me, there, names.LOAD_BALANCER_CLASS).plan
            plan = judged[me].plan
            assert (plan.claims.keys(), plan.others, plan.holds) == (anew.claims.keys(), anew.others, anew.holds)


@any_cluster
def test_a_node_s_routes_made_from_those_before_are_the_ones_that_judge_everything(seed: int) -> None:
    """Whatever came before, back again, while time goes on and while the node leaves."""
    drawn, other = Draw(seed), Draw(SEEDS + seed)
    facts, others = routed(drawn.facts), routed(other.facts)
    judged = dict.fromkeys(NODES, routes.Routing())
    for now, (seen, leaves) in enumerate(
        (
            (facts, False),
            (routed(drawn.with_other_services()), False),
            (replace(facts, endpoints=others.endpoints), False),
            (replace(facts, endpoints={}), False),
            (replace(facts, endpoints={}), False),
            (replace(facts, pools=others.pools), False),
            (replace(facts, services=others.services), True),
            (replace(facts, speakers=others.speakers), True),
            (replace(facts, confs={CONF: conf(next_hops=NextHops.NODES)}), False),
            (facts, False),
            (others, False),
            (replace(others, endpoints={}), False),
            (replace(others, endpoints={}), False),
            (facts, False),
        )
    ):
        for me in NODES:
            gone = routes.heirs(seen, me, drawn.living) if leaves else None
            shunned = routes.shunned(seen, drawn.living)
            before = judged[me]
            judged[me] = routes.judge(before, seen, me, names.LOAD_BALANCER_CLASS, 4.0 * now, gone, shunned)
            forgetful = replace(before, snapshot=Snapshot(), shown={})
            anew = routes.judge(forgetful, seen, me, names.LOAD_BALANCER_CLASS, 4.0 * now, gone, shunned)
            assert judged[me].routes == anew.routes
            assert judged[me].empty_since == anew.empty_since


def routed(facts: Snapshot) -> Snapshot:
    """The same with its layer2 pools announced by BGP, to one router."""
    pools = {name: replace(one, protocol=Protocol.BGP) for name, one in facts.pools.items()}
    return replace(facts, pools=pools, confs={CONF: conf()}, peers={"leaf": router()})


@any_cluster
def test_routes_are_to_addresses_that_services_show_by_nodes_that_may_serve_them(seed: int) -> None:
    facts = routed(Draw(seed).facts)
    for me in NODES:
        for text, route in routes.judge(routes.Routing(), facts, me, names.LOAD_BALANCER_CLASS, 0.0).routes.items():
            there = [facts.services[who] for who, _ in route.services]
            assert there
            assert all(text in one.ingress for one in there)
            assert any(facts.endpoints.get(one.key) for one in there)
            assert not is_excluded(facts.nodes.get(me))
            if all(one.local_traffic_only for one in there):
                assert any(me in facts.endpoints.get(one.key, ()) for one in there)


@any_cluster
def test_a_planner_that_follows_says_what_one_says_that_judges_everything(seed: int) -> None:
    """Also after a cluster with which it has nothing in common, and back again; whatever it has planned and nobody wrote."""
    drawn, other = Draw(seed), Draw(SEEDS + seed)
    facts, living = drawn.facts, frozenset(NODES)
    planner = cluster.Planner()
    some = {one: service for one, service in facts.services.items() if drawn.maybe(0.7)}
    for seen, alive, now in (
        (facts, living, 0.0),
        (drawn.with_other_services(), living, 10.0),
        (replace(facts, services=some), living, 20.0),
        (replace(facts, endpoints=other.facts.endpoints), living, 30.0),
        (replace(facts, pages=other.facts.pages), living, 40.0),
        (replace(facts, reservations=other.facts.reservations), living, 45.0),
        (facts, living, 60.0),
        (replace(facts, pools=other.facts.pools), living, 70.0),
        (replace(facts, gone=other.facts.gone), living, 75.0),
        (other.facts, other.living, 80.0),
        (facts, living, 90.0),
    ):
        assert planner.plan(seen, alive, now) == cluster.plan(seen, alive, now=now)
