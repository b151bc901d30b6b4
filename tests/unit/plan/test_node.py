from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openelb.model import names
from openelb.model.announcements import Claim
from openelb.model.cluster import PoolStatus, Protocol
from openelb.model.selectors import Selector
from openelb.plan import node
from openelb.plan.placement import winner
from openelb.plan.presence import Alive
from tests.unit import builders
from tests.unit.builders import address, key, pool, service, snapshot, speaker

NODES = frozenset({"node-a", "node-b", "node-c"})
SPEAKERS = [speaker(name) for name in sorted(NODES)]
FIRST = address("192.168.1.1")
WEB = service(shows="192.168.1.1")
OWNER = winner(FIRST, NODES)
HEIR = winner(FIRST, NODES - {OWNER})


def claims(*facts, me, alive=NODES, **others):
    """What a node claims, as `address link`."""
    return {f"{one.address} {one.link}" for one in node.plan(snapshot(*facts, **others), me, frozenset(alive)).claims}


def answering(*facts, alive=NODES, **others):
    """The nodes that claim anything."""
    return {me for me in alive if claims(*facts, me=me, alive=alive, **others)}


def test_exactly_one_node_answers_for_an_address():
    assert answering(pool(), WEB, *SPEAKERS) == {OWNER}


DUAL = [speaker(name, "eth0 192.168.1.11/24 fe80::11/64") for name in sorted(NODES)]
SIX = address("2001:db8::1")
BOTH = pool(text="192.168.1.0/24, 2001:db8::/64")


def shows_both(*texts):
    return service(ingress=texts, pool_label="eip", families=(4, 6))


def test_each_address_of_a_dual_stack_service_has_an_owner_of_its_own():
    told = {me: claims(BOTH, shows_both("192.168.1.1", "2001:db8::1"), *DUAL, me=me) for me in NODES}
    expected = {me: set() for me in NODES}
    expected[winner(FIRST, NODES)].add("192.168.1.1 eth0")
    expected[winner(SIX, NODES - {winner(FIRST, NODES)})].add("2001:db8::1 eth0")
    assert told == expected


def test_a_node_that_does_not_hear_ipv6_claims_none_and_others_do():
    deaf = winner(SIX, NODES)
    speakers = [speaker(name) if name == deaf else one for name, one in zip(sorted(NODES), DUAL, strict=True)]
    assert answering(BOTH, shows_both("2001:db8::1"), *speakers) == {winner(SIX, NODES - {deaf})}


def test_an_ipv6_address_is_one_address_however_it_is_written():
    written = shows_both("2001:DB8:0:0::1", "2001:db8::1")
    other = service("other", shows="2001:db8:0::1")
    (me,) = answering(BOTH, written, other, *DUAL)
    plan = node.plan(snapshot(BOTH, written, other, *DUAL), me, NODES)
    ((claim, grounds),) = plan.claims.items()
    assert (claim.address, grounds.services) == (SIX, (key("other"), key("web")))


def test_another_node_answers_when_the_owner_is_lost():
    assert answering(pool(), WEB, *SPEAKERS, alive=NODES - {OWNER}) == {HEIR}


def test_a_node_that_is_back_answers_again():
    assert answering(pool(), WEB, *SPEAKERS, alive=NODES - {HEIR}) == {OWNER}


@pytest.mark.parametrize("order", [1, -1])
def test_an_address_in_two_pools_is_answered_alike_on_every_node(order):
    """The first pool by name counts, in whatever order the Services arrive."""
    sharers = [service("a", shows="192.168.1.1", of="one"), service("b", shows="192.168.1.1", of="two")][::order]
    pools = pool("one", interface="eth0"), pool("two", interface="eth1")
    assert claims(*pools, *sharers, speaker("node-a", "eth0", "eth1"), me="node-a", alive={"node-a"}) == {
        "192.168.1.1 eth0"
    }


def test_a_node_whose_own_lease_is_not_in_the_cluster_is_silent():
    others = [one for one in SPEAKERS if one.node != OWNER]
    assert claims(pool(), WEB, *others, me=OWNER) == set()


def test_a_node_that_is_not_alive_to_itself_is_silent():
    assert node.plan(snapshot(pool(), WEB, *SPEAKERS), OWNER, NODES - {OWNER}) == node.NodePlan()


def test_a_node_without_the_interface_does_not_answer():
    speakers = [speaker(name, "eth1" if name == OWNER else "eth0") for name in NODES]
    assert answering(pool(), WEB, *speakers) == {HEIR}


def test_the_claim_is_made_on_the_link_that_the_pool_means():
    facts = pool(interface="can_reach:10.0.0.1"), WEB, speaker("node-a", "eth0 192.168.1.5/24", "eth1 10.0.0.5/24")
    assert claims(*facts, me="node-a", alive={"node-a"}) == {"192.168.1.1 eth1"}


def test_a_local_service_is_answered_only_where_its_pods_are():
    local = service(shows="192.168.1.1", local_traffic_only=True)
    assert answering(pool(), local, *SPEAKERS, endpoints={local.key: frozenset({HEIR})}) == {HEIR}
    assert answering(pool(), local, *SPEAKERS) == set()


def test_a_shared_address_is_answered_once_for_all_that_show_it():
    sharers = service("a", shows="192.168.1.1"), service("b", shows="192.168.1.1")
    (grounds,) = node.plan(snapshot(pool(), *sharers, *SPEAKERS), OWNER, NODES).claims.values()
    assert grounds.services == (key("a"), key("b"))


def test_a_service_that_is_being_deleted_is_answered_until_its_status_is_cleared():
    assert answering(pool(), service(shows="192.168.1.1", deleting=True), *SPEAKERS) == {OWNER}


def test_a_pool_that_is_spoilt_or_disabled_or_deleted_is_answered_as_before():
    before = PoolStatus(first="192.168.1.0", last="192.168.1.255")
    for trouble in ({"text": "192.168.1.", "status": before}, {"disabled": True}, {"deleting": True}):
        assert answering(pool(**trouble), WEB, *SPEAKERS) == {OWNER}


def test_nothing_is_answered_that_is_not_ours_to_answer():
    for stranger in (
        service(ingress=("192.168.1.1",)),
        service(shows="192.168.1.1", of="nowhere"),
        service(shows="10.9.9.9"),
        service(shows="192.168.1.1", load_balancer=False),
        service(shows="192.168.1.1", load_balancer_class="example.org/other"),
        service(shows="node-1.example.org"),
    ):
        assert answering(pool(), stranger, *SPEAKERS) == set()


def test_nothing_is_answered_for_pools_that_are_announced_otherwise():
    for other in (
        pool(protocol=Protocol.BGP),
        pool(protocol=Protocol.VIP),
        pool(left_to_cni=True),
        pool(interface=""),
        pool(text="nonsense"),
    ):
        assert answering(other, WEB, *SPEAKERS) == set()


def test_ipv6_addresses_are_not_answered():
    assert answering(pool(text="2001:db8::/64"), service(shows="2001:db8::1"), *SPEAKERS) == set()


def test_a_node_without_anything_to_answer_claims_nothing():
    assert node.plan(snapshot(*SPEAKERS), "node-a", NODES) == node.NodePlan()


def test_the_grounds_name_the_nodes_that_were_outweighed():
    (grounds,) = node.plan(snapshot(pool(), WEB, *SPEAKERS), OWNER, NODES).claims.values()
    assert grounds.sentence == f"won over {', '.join(sorted(NODES - {OWNER}))}"


def test_the_grounds_of_a_node_among_many_name_a_few():
    many = [speaker(f"node-{number:02}") for number in range(20)]
    alive = frozenset(one.node for one in many)
    (grounds,) = node.plan(snapshot(pool(), WEB, *many), winner(FIRST, alive), alive).claims.values()
    assert grounds.sentence.endswith("and 16 more")


def test_the_grounds_of_a_single_candidate_say_why_it_is_single():
    alone = node.plan(snapshot(pool(), WEB, speaker("node-a")), "node-a", frozenset({"node-a"}))
    assert [grounds.sentence for grounds in alone.claims.values()] == ["no other speaker is alive"]
    apart = snapshot(pool(), WEB, speaker("node-a"), speaker("node-b", "eth1"))
    (grounds,) = node.plan(apart, "node-a", frozenset({"node-a", "node-b"})).claims.values()
    assert grounds.sentence == "no other node can"


def test_a_node_knows_who_may_answer_for_the_other_addresses():
    assert node.plan(snapshot(pool(), WEB, *SPEAKERS), HEIR, NODES).others == {FIRST: NODES}


def test_a_claim_is_an_address_on_a_link():
    assert list(node.plan(snapshot(pool(), WEB, *SPEAKERS), OWNER, NODES).claims) == [
        Claim(FIRST, "eth0", choices=pool().layer2)
    ]


def judged(before, facts, *, me="node-a", alive=NODES):
    return node.judge(before, facts, me, Alive(frozenset(alive)), names.LOAD_BALANCER_CLASS)


TEXTS = st.lists(st.sampled_from(("192.168.1.1", "192.168.1.2", "192.168.1.3")), max_size=2).map(tuple)
CHANGES = st.tuples(
    st.sampled_from("abc"),
    st.none()
    | st.builds(dict, ingress=TEXTS, pool_label=st.sampled_from(("x", "y")), local_traffic_only=st.booleans()),
    st.none() | st.sets(st.sampled_from(sorted(NODES))).map(frozenset),
    st.sampled_from(("", "", "", "alive", "link", "pool")),
)


def changed(facts, alive, change):
    """A cluster after one change: a Service that is otherwise or gone, its endpoints, and seldom what concerns all."""
    name, service_facts, nodes, wider = change
    services, endpoints = dict(facts.services), dict(facts.endpoints)
    if service_facts != "as before":
        services.pop(key(name), None)
    endpoints.pop(key(name), None)
    if isinstance(service_facts, dict):
        services[key(name)] = service(name, shows="192.168.1.1", **service_facts)
    if nodes is not None:
        endpoints[key(name)] = nodes
    facts = replace(facts, services=services, endpoints=endpoints)
    if wider == "alive":
        return facts, NODES if alive != NODES else frozenset({"node-a"})
    if wider == "link":
        links = ("eth0", "eth1") if len(facts.speakers["node-b"].links) == 1 else ("eth0",)
        return replace(facts, speakers={**facts.speakers, "node-b": speaker("node-b", *links)}), alive
    if wider == "pool":
        other = "eth1" if facts.pools["x"].interface == "eth0" else "eth0"
        return replace(facts, pools={**facts.pools, "x": replace(facts.pools["x"], interface=other)}), alive
    return facts, alive


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(CHANGES, min_size=2, max_size=8))
def test_a_plan_made_from_the_one_before_is_the_one_that_judges_everything(changes):
    before, alive = node.Judgement(), frozenset({"node-a"})
    facts = snapshot(pool("x"), pool("y"), speaker("node-a", "eth0", "eth1"), *SPEAKERS[1:])
    for change in changes:
        facts, alive = changed(facts, alive, change)
        anew = judged(node.Judgement(plan=before.plan), facts, alive=alive).plan
        before = judged(before, facts, alive=alive)
        assert (before.plan.claims.keys(), before.plan.others, before.plan.holds) == (
            anew.claims.keys(),
            anew.others,
            anew.holds,
        )


def test_what_has_not_changed_is_not_judged_again():
    """Told by its claims: they are the same objects."""
    services = [service(name, shows=f"192.168.1.{number}") for number, name in enumerate("abc", 1)]
    first = judged(node.Judgement(), snapshot(pool(), *services, speaker("node-a")), alive={"node-a"})
    changed = replace(services[0], ingress=("192.168.1.9",))
    second = judged(first, snapshot(pool(), changed, *services[1:], speaker("node-a")), alive={"node-a"})
    kept = {id(claim) for claim in first.plan.claims} & {id(claim) for claim in second.plan.claims}
    assert (len(kept), len(second.plan.claims)) == (2, 3)


def test_a_renewal_leaves_the_plan_as_it_is():
    facts = snapshot(pool(), WEB, speaker("node-a", renewal="1"))
    first = judged(node.Judgement(), facts, alive={"node-a"})
    renewed = replace(facts, speakers={"node-a": speaker("node-a", renewal="2")})
    assert judged(first, renewed, alive={"node-a"}).plan is first.plan


def test_an_endpoint_that_moves_away_takes_the_claim_of_a_local_service_with_it():
    local = service(shows="192.168.1.1", local_traffic_only=True)
    facts = snapshot(pool(), local, speaker("node-a"), endpoints={local.key: frozenset({"node-a"})})
    first = judged(node.Judgement(), facts, alive={"node-a"})
    second = judged(first, replace(facts, endpoints={local.key: frozenset({"node-b"})}), alive={"node-a"})
    assert (len(first.plan.claims), len(second.plan.claims)) == (1, 0)


def drained(*names, **facts):
    return [builders.node(name, drained=name in names, **facts) for name in sorted(NODES)]


def test_a_drained_node_s_addresses_go_to_the_one_that_is_next():
    assert answering(pool(), WEB, *SPEAKERS, *drained(OWNER)) == {HEIR}
    assert answering(pool(), WEB, *SPEAKERS, *drained(HEIR)) == {OWNER}


def test_where_all_are_drained_the_owner_answers_as_before():
    assert answering(pool(), WEB, *SPEAKERS, *drained(*NODES)) == {OWNER}


def test_a_cordoned_node_goes_on_unless_its_speaker_was_told_to_leave():
    nodes = drained(cordoned=True)
    assert answering(pool(), WEB, *SPEAKERS, *nodes) == {OWNER}
    obedient = [replace(one, leaves_when_cordoned=one.node == OWNER) for one in SPEAKERS]
    assert answering(pool(), WEB, *obedient, *nodes) == {HEIR}


def without_gateway(*names):
    """The speakers, of which these have lost the gateway of eth0."""
    return [
        replace(one, links=tuple(replace(link, gateway_lost=one.node in names) for link in one.links))
        for one in SPEAKERS
    ]


def test_a_node_without_its_gateway_answers_for_nothing_that_another_can():
    assert answering(pool(), WEB, *without_gateway(OWNER)) == {HEIR}
    assert answering(pool(), WEB, *without_gateway(HEIR)) == {OWNER}


def test_where_the_gateway_is_gone_for_all_the_owner_answers_as_before():
    assert answering(pool(), WEB, *without_gateway(*NODES)) == {OWNER}


def test_a_drained_node_is_no_way_out_for_one_without_its_gateway():
    staying = NODES - {HEIR}
    assert answering(pool(), WEB, *without_gateway(*staying), *drained(HEIR)) == {OWNER}


def test_a_gateway_that_is_lost_is_judged_though_no_service_has_changed():
    before, after = (snapshot(pool(), WEB, *without_gateway(*names)) for names in ((), (OWNER,)))
    first = node.judge(node.Judgement(), before, OWNER, Alive(NODES), names.LOAD_BALANCER_CLASS)
    second = node.judge(first, after, OWNER, Alive(NODES), names.LOAD_BALANCER_CLASS)
    assert (len(first.plan.claims), len(second.plan.claims)) == (1, 0)


def test_each_address_of_a_pool_of_interface_auto_is_claimed_on_its_own_link():
    speakers = [speaker(name, "eth0 192.168.1.11/24", "eth1 10.0.0.11/24") for name in sorted(NODES)]
    both = pool(text="192.168.1.0/25,10.0.0.0/25", interface="auto")
    two = service(ingress=("192.168.1.1", "10.0.0.1"), pool_label="eip")
    told = set().union(*(claims(both, two, *speakers, me=me) for me in NODES))
    assert told == {"192.168.1.1 eth0", "10.0.0.1 eth1"}


@pytest.mark.parametrize("facts", [{"drained": True}, {"excluded": True}, {"rack": "two"}], ids=str)
def test_what_changes_of_a_node_is_judged_though_no_service_has_changed(facts):
    before = snapshot(pool(), WEB, *SPEAKERS, *drained(rack="one"))
    after = replace(before, nodes={**before.nodes, OWNER: builders.node(OWNER, **facts)})
    if "rack" in facts:
        selecting = {"eip": pool(node_selector=Selector((("rack", "one"),)))}
        before, after = replace(before, pools=selecting), replace(after, pools=selecting)
    first = judged(node.Judgement(), before, me=HEIR, alive=NODES)
    assert not first.plan.claims
    assert judged(first, after, me=HEIR, alive=NODES).plan.claims.keys() == node.plan(after, HEIR, NODES).claims.keys()
    assert node.plan(after, HEIR, NODES).claims
