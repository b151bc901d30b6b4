"""What holds for any cluster: the same facts give the same plan, and a plan that was carried out leaves nothing to do."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from openelb.model import names
from openelb.model.cluster import Pool, PoolStatus, Service
from openelb.model.snapshot import Snapshot
from openelb.plan import cluster, node
from tests.unit.builders import address, pool, service, snapshot, speaker

ADDRESSES = [f"192.0.2.{number}" for number in range(1, 9)]
TEXTS = ("192.0.2.1-192.0.2.3", "192.0.2.3-192.0.2.6", "192.0.2.7/32", "nonsense")
NODES = ("node-a", "node-b", "node-c")
keys = st.sampled_from([service(name).key for name in ("a", "b", "c", "d", "e")])


@st.composite
def pools(draw, name: str) -> Pool:
    """Any pool, also one whose ledger nobody ever wrote like that."""
    ledger = draw(
        st.dictionaries(st.sampled_from(ADDRESSES).map(address), st.lists(keys, max_size=2).map(tuple), max_size=4)
    )
    return pool(
        name,
        draw(st.sampled_from(TEXTS)),
        status=PoolStatus(used=ledger),
        disabled=draw(st.booleans()),
        default=draw(st.booleans()),
        deleting=draw(st.booleans()),
        finalizers=draw(st.sampled_from(((), (names.POOL_FINALIZER,)))),
        interface=draw(st.sampled_from(("eth0", "eth1", ""))),
    )


@st.composite
def services(draw, name: str) -> Service:
    """Any Service, also one that shows what it never got."""
    return service(
        name,
        ingress=tuple(draw(st.lists(st.sampled_from(ADDRESSES), max_size=2))),
        pool_label=draw(st.sampled_from(("", "x", "y", "gone"))),
        finalizers=draw(st.sampled_from(((), (names.SERVICE_FINALIZER,)))),
        requested_pool=draw(st.sampled_from(("", "", "x", "y", "none"))),
        requested_address=draw(st.sampled_from(("", "", *ADDRESSES, "nonsense"))),
        load_balancer_ip=draw(st.sampled_from(("", "", *ADDRESSES))),
        requested_protocol=draw(st.sampled_from(("", "layer2"))),
        opt_in=draw(st.sampled_from((names.OPT_IN_VALUE, ""))),
        load_balancer=draw(st.booleans()),
        deleting=draw(st.booleans()),
        local_traffic_only=draw(st.booleans()),
        created=draw(st.sampled_from(("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"))),
    )


@st.composite
def clusters(draw) -> Snapshot:
    """Any cluster of a few small things."""
    facts = [
        *(draw(pools(name)) for name in ("x", "y")),
        *(draw(services(name)) for name in draw(st.sets(st.sampled_from(("a", "b", "c", "d"))))),
        *(speaker(name, draw(st.sampled_from(("eth0", "eth1")))) for name in draw(st.sets(st.sampled_from(NODES)))),
    ]
    endpoints = draw(st.dictionaries(keys, st.sets(st.sampled_from(NODES)).map(frozenset)))
    return snapshot(*facts, endpoints=endpoints, gone=frozenset(draw(st.sets(keys))))


bounded = settings(max_examples=60, deadline=None, derandomize=True)
alive = st.sets(st.sampled_from(NODES)).map(frozenset)


def shuffled(facts: Snapshot, order: random.Random) -> Snapshot:
    """The same facts, arrived in another order."""

    def mixed(things: dict) -> dict:
        items = list(things.items())
        order.shuffle(items)
        return dict(items)

    reordered = {
        name: replace(one, status=replace(one.status, used=mixed(one.status.used))) for name, one in facts.pools.items()
    }
    return replace(
        facts,
        pools=mixed(reordered),
        services=mixed(facts.services),
        endpoints=mixed(facts.endpoints),
        speakers=mixed(facts.speakers),
    )


@bounded
@given(clusters(), alive, st.randoms(use_true_random=False))
def test_the_same_facts_in_another_order_give_the_same_plan(facts, living, order):
    again = shuffled(facts, order)
    assert cluster.plan(facts, living) == cluster.plan(again, living)
    assert [node.plan(facts, name, living) for name in NODES] == [node.plan(again, name, living) for name in NODES]


@bounded
@given(clusters(), alive)
def test_an_address_is_claimed_by_at_most_one_node_and_only_where_a_service_shows_it(facts, living):
    claims = [claim.address for name in NODES for claim in node.plan(facts, name, living).claims]
    shown = {text for one in facts.services.values() for text in one.ingress}
    assert len(claims) == len(set(claims))
    assert {str(one) for one in claims} <= shown


@bounded
@given(clusters(), alive)
def test_what_is_published_is_in_the_ledger_that_was_seen(facts, living):
    for key, publication in cluster.plan(facts, living).services.items():
        for text in publication.ingress if publication.pool_label else ():
            assert key in facts.pools[publication.pool_label].status.used[address(text)]


@bounded
@given(clusters(), alive)
def test_what_a_service_of_ours_shows_stays_in_its_ledger(facts, living):
    """It leaves the ledger only when nothing shows it any more, so that nobody else can get it before."""
    planned = cluster.plan(facts, living)
    for key, one in facts.services.items():
        for text in one.ingress:
            for name, before in facts.pools.items():
                after = planned.pools.get(name, before.status).used
                kept = key in after.get(address(text), ())
                moved = one.pool_label != name and any(
                    key in other.status.used.get(address(text), ())
                    for other in facts.pools.values()
                    if other is not before
                )
                assert kept or moved or key not in before.status.used.get(address(text), ())


@bounded
@given(clusters(), alive)
def test_nothing_is_entered_that_another_holds_or_shows(facts, living):
    holders = {(one, key) for found in facts.pools.values() for one, keys in found.status.used.items() for key in keys}
    shown = {(address(text), key) for key, one in facts.services.items() for text in one.ingress}
    for name, status in cluster.plan(facts, living).pools.items():
        before = facts.pools[name].status.used
        for one, keys in status.used.items():
            for key in set(keys) - set(before.get(one, ())) if (one, keys) not in before.items() else ():
                assert {who for held, who in holders if held == one} <= {key}
                assert (one, key) in shown or {who for seen, who in shown if seen == one} == set()
