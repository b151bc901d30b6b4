"""Which addresses a node is a way to."""

from dataclasses import replace

import pytest

from openelb.model import names
from openelb.model.cluster import Protocol
from openelb.model.routers import LINGER_SECONDS, Attributes, BgpChoices, NextHops, ServiceRouting
from openelb.model.selectors import Selector
from openelb.plan.routes import Routing, heirs, judge, shunned
from tests.unit.builders import conf, key, node, pool, router, service, snapshot, speaker

EIP = pool(protocol=Protocol.BGP, interface="")
WEB = service(shows="192.168.1.1")
LOCAL = replace(WEB, local_traffic_only=True)
NODES = [node(name) for name in "ab"]
SPEAKERS = [speaker(name) for name in "ab"]
READY = {key("web"): frozenset({"b"})}
CLASS = names.LOAD_BALANCER_CLASS


def routing(*facts, me="a", before=None, now=0.0, endpoints=READY):
    told = snapshot(*(facts or (EIP, WEB)), conf(), *NODES, *SPEAKERS, endpoints=endpoints)
    return judge(before or Routing(), told, me, CLASS, now)


def ways(*facts, **others):
    """The nodes that are a way to the address."""
    return {me for me in "ab" if routing(*facts, me=me, **others).routes}


def test_every_node_is_a_way_to_an_address_whose_traffic_any_node_passes_on():
    assert ways() == {"a", "b"}


def test_a_node_without_an_endpoint_is_no_way_to_local_traffic():
    assert ways(EIP, LOCAL) == {"b"}


def test_an_endpoint_outside_of_the_cluster_is_one():
    assert ways(endpoints={key("web"): frozenset({""})}) == {"a", "b"}


def test_addresses_of_other_protocols_have_no_route():
    assert ways(pool(), WEB) == set()


def test_a_pool_left_to_the_network_plugin_has_no_route():
    assert ways(replace(EIP, left_to_cni=True), WEB) == set()


@pytest.mark.parametrize(
    ("one", "eip"),
    [
        (node("a", excluded=True), EIP),
        (node("a"), replace(EIP, node_selector=Selector((("rack", "one"),)))),
    ],
)
def test_a_node_that_is_excluded_or_not_selected_is_no_way(one, eip):
    told = snapshot(eip, WEB, conf(), one, *SPEAKERS, endpoints=READY)
    assert judge(Routing(), told, "a", CLASS, 0).routes == {}


def test_an_address_whose_last_endpoint_goes_is_announced_for_a_while_longer():
    before = routing()
    after = routing(before=before, endpoints={}, now=10)
    late = routing(before=after, endpoints={}, now=10 + LINGER_SECONDS)
    assert (bool(after.routes), bool(late.routes)) == (True, False)


def test_an_address_that_never_had_an_endpoint_is_not_announced():
    assert routing(endpoints={}).routes == {}


def test_an_endpoint_that_comes_back_in_time_leaves_the_route_as_it_is():
    gone = routing(before=routing(), endpoints={}, now=10)
    back = routing(before=gone, now=12)
    assert back.routes == routing().routes
    assert back.empty_since == {}


def test_time_that_passes_while_other_things_change_counts():
    gone = routing(before=routing(), endpoints={}, now=10)
    edited = routing(replace(EIP, priority=5), WEB, before=gone, endpoints={}, now=12)
    assert (edited.empty_since, bool(edited.routes)) == ({"192.168.1.1": 10}, True)


def test_what_changes_step_by_step_ends_as_if_it_were_judged_at_once():
    other = service("api", shows="192.168.1.2")
    ready = {**READY, key("api"): frozenset({"a"})}
    step = routing(EIP, WEB, other, before=routing(EIP, WEB), endpoints=ready)
    assert step.routes == routing(EIP, WEB, other, endpoints=ready).routes
    assert routing(EIP, other, before=step, endpoints=ready).routes == routing(EIP, other, endpoints=ready).routes


def test_where_speakers_announce_all_nodes_each_names_those_that_may_serve():
    told = snapshot(EIP, LOCAL, conf(next_hops=NextHops.NODES), *NODES, speaker("a"), endpoints=READY)
    (route,) = judge(Routing(), told, "a", CLASS, 0).routes.values()
    assert route.nodes == {"b"}


def test_a_route_has_the_attributes_of_its_pool_and_those_of_its_services():
    of_pool, of_service = Attributes(frozenset({"65000:1"}), med=10), Attributes(frozenset({"65000:2"}), med=20)
    eip = replace(EIP, bgp=BgpChoices(attributes=of_pool))
    web = replace(WEB, routing=ServiceRouting(of_service, frozenset({"leaf"})))
    (route,) = routing(eip, web).routes.values()
    assert (route.attributes, route.peers) == (Attributes(frozenset({"65000:1", "65000:2"}), med=20), {"leaf"})


def test_a_shared_address_goes_to_all_peers_as_soon_as_one_of_its_services_asks_for_all():
    web = replace(WEB, routing=ServiceRouting(peers=frozenset({"leaf"})))
    api = service("api", shows="192.168.1.1")
    (route,) = routing(EIP, web, api).routes.values()
    assert route.peers is None


def test_nothing_is_judged_again_where_nothing_changed():
    before = routing()
    assert judge(before, before.snapshot, "a", CLASS, 1).routes is before.routes


ALIVE = frozenset("abc")


def test_a_node_that_leaves_keeps_what_no_other_can_serve():
    told = snapshot(
        EIP,
        LOCAL,
        service("api", shows="192.168.1.2"),
        conf(),
        router(),
        *NODES,
        *SPEAKERS,
        endpoints={**READY, key("api"): frozenset({"a"})},
    )
    assert list(judge(Routing(), told, "b", CLASS, 0, heirs(told, "b", ALIVE)).routes) == ["192.168.1.1"]


def test_the_heirs_are_the_nodes_that_stay_and_are_alive():
    told = snapshot(
        router(),
        node("a", drained=True),
        node("b"),
        node("c"),
        speaker("a"),
        speaker("b"),
        speaker("c", tainted="full"),
        speaker("e"),
    )
    assert heirs(told, "d", ALIVE) == {"b"}
    assert heirs(told, "b", ALIVE) == set()


@pytest.mark.parametrize(
    "peer",
    [
        router(node_selector=Selector((("rack", "one"),))),
        router(problem="no address"),
        router(deleting=True),
        router(left_to_cni=True),
    ],
)
def test_a_node_that_no_router_hears_inherits_nothing(peer):
    told = snapshot(peer, conf(), *NODES, *SPEAKERS)
    assert heirs(told, "a", ALIVE) == set()


def test_others_announce_no_node_that_leaves_or_whose_speaker_is_dead_while_there_are_others():
    by_all = conf(next_hops=NextHops.NODES)
    told = snapshot(EIP, WEB, by_all, *NODES, node("c", drained=True), *SPEAKERS, speaker("c"), endpoints=READY)
    assert shunned(told, frozenset("ac")) == {"b", "c"}
    routes = judge(Routing(), told, "a", CLASS, 0, None, frozenset("bc")).routes
    assert routes["192.168.1.1"].nodes == {"a"}
    assert judge(Routing(), told, "a", CLASS, 0, None, ALIVE).routes["192.168.1.1"].nodes == ALIVE
    assert shunned(replace(told, confs={"default": conf()}), frozenset("a")) == set()


def test_a_node_that_stays_after_all_is_a_way_again():
    told = snapshot(EIP, WEB, conf(), router(), *NODES, *SPEAKERS, endpoints=READY)
    gone = judge(Routing(), told, "a", CLASS, 0, heirs(told, "a", ALIVE))
    assert (gone.routes, len(judge(gone, told, "a", CLASS, 1).routes)) == ({}, 1)
