"""A plan with a memory of earlier looks is the plan without one, whatever the looks before were."""

from dataclasses import replace

from openelb.model import names
from openelb.model.cluster import PoolStatus
from openelb.plan import cluster
from openelb.plan.memory import Memory
from tests.unit.builders import address, pool, service, snapshot, speaker
from tests.unit.plan.drawn import Draw
from tests.unit.plan.test_properties import SEEDS, any_cluster

ALIVE = frozenset({"node-a"})


def carried_out(facts, plan):
    """The cluster after the plan: what was planned is what is there."""
    done = {
        key: replace(
            facts.services[key],
            ingress=said.ingress,
            pool_label=said.pool_label,
            finalizers=(names.SERVICE_FINALIZER,) if said.guarded else (),
            conditions=said.conditions,
        )
        for key, said in plan.services.items()
    }
    pools = dict(facts.pools)
    for name, status in plan.pools.items():
        pools[name] = replace(pools[name], status=status)
    for name, guarded in plan.pool_finalizers.items():
        pools[name] = replace(pools[name], finalizers=(names.POOL_FINALIZER,) if guarded else ())
    return replace(facts, pools=pools, services={**facts.services, **done})


@any_cluster
def test_a_plan_is_the_same_with_a_memory_of_what_was_there_before(seed):
    drawn, other = Draw(seed), Draw(SEEDS + seed)
    memory, facts = Memory(names.LOAD_BALANCER_CLASS), drawn.facts
    for _ in range(5):
        facts = carried_out(facts, cluster.plan(facts, drawn.living, memory=memory))
    for facts_then in (
        facts,
        replace(facts, services={**facts.services, **drawn.with_other_services().services}),
        replace(facts, pools=other.facts.pools),
        replace(facts, services={**facts.services, **other.facts.services}, endpoints=other.facts.endpoints),
        other.facts,
        facts,
    ):
        assert cluster.plan(facts_then, other.living, memory=memory) == cluster.plan(facts_then, other.living)


def settled(*others):
    """A Service that shows what it holds, and the memory of the look at which nothing differed."""
    memory = Memory(names.LOAD_BALANCER_CLASS)
    facts = snapshot(pool(), service(requested_pool="eip"), speaker("node-a"), *others)
    for _ in range(5):
        facts = carried_out(facts, cluster.plan(facts, ALIVE, memory=memory))
    return facts, memory


def remembers(memory, facts):
    """Whether the Service is not judged anew."""
    (web,) = (one for key, one in facts.services.items() if key.name == "web")
    memory.look(facts.pools, cluster.reaches(facts.pools, facts.speakers), facts.services)
    return memory.agrees(web, cluster.Books(facts.pools, facts.services.values()))


def test_a_service_that_carries_what_it_should_is_remembered():
    facts, memory = settled()
    assert remembers(memory, facts)


def test_a_service_that_asks_for_something_else_is_judged_anew():
    facts, memory = settled()
    edited = {key: replace(one, requested_pool="none") for key, one in facts.services.items()}
    assert not remembers(memory, replace(facts, services=edited))
    (told,) = cluster.plan(replace(facts, services=edited), ALIVE, memory=memory).services.values()
    assert "Eip none does not exist" in told.conditions[0].message


def test_a_service_whose_ledger_entry_is_gone_is_judged_anew():
    facts, memory = settled()
    wiped = {name: replace(one, status=PoolStatus()) for name, one in facts.pools.items()}
    assert not remembers(memory, replace(facts, pools=wiped))
    assert cluster.plan(replace(facts, pools=wiped), ALIVE, memory=memory).pools["eip"].used


def test_a_service_that_has_a_sharer_is_judged_anew():
    facts, memory = settled()
    (eip,) = facts.pools.values()
    used = {one: (*keys, service("other").key) for one, keys in eip.status.used.items()}
    shared = replace(eip, status=replace(eip.status, used=used))
    assert not remembers(memory, replace(facts, pools={eip.name: shared}))


def test_a_service_whose_pool_lost_its_address_is_judged_anew():
    facts, memory = settled()
    (eip,) = facts.pools.values()
    moved = pool(eip.name, "198.51.100.0/30", status=eip.status, finalizers=eip.finalizers)
    assert not remembers(memory, replace(facts, pools={eip.name: moved}))


def test_a_service_whose_node_is_lost_is_told_so():
    facts, memory = settled()
    assert cluster.plan(facts, frozenset(), memory=memory).services == cluster.plan(facts, frozenset()).services != {}


def test_a_service_with_local_traffic_is_judged_at_each_look():
    """What it is told depends on where its pods are."""
    memory = Memory(names.LOAD_BALANCER_CLASS)
    web = service(requested_pool="eip", local_traffic_only=True)
    facts = snapshot(pool(), web, speaker("node-a"), endpoints={web.key: ALIVE})
    for _ in range(5):
        facts = carried_out(facts, cluster.plan(facts, ALIVE, memory=memory))
    assert not remembers(memory, facts)
    assert address(facts.services[web.key].ingress[0]) in facts.pools["eip"].status.used
