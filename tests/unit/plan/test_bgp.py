"""What BGP is to be on one node."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from openelb.model import names
from openelb.model.announcements import Route
from openelb.model.bgp import Family, Path, PeerFamily
from openelb.model.cluster import Protocol
from openelb.model.findings import Reason
from openelb.model.routers import Announce, Attributes, BgpChoices, NextHops, SecretKey
from openelb.model.selectors import Selector
from openelb.plan.bgp import configuration, policies, restrictions, router_id
from openelb.plan.paths import NOT_ANNOUNCED, Here, announced, fnv, landing, ours
from tests.unit.builders import address, conf, key, node, pool, router, snapshot, speaker

HERE = Here("a", (address("192.0.2.11"), address("2001:db8::11")))
FOUR, SIX = address("10.99.0.1"), address("fd99::1")
BOTH = (PeerFamily(Family.IPV4), PeerFamily(Family.IPV6))
EIP = pool(text="10.99.0.0/24, fd99::/120", protocol=Protocol.BGP)


def made(*facts, here=HERE, **others):
    return configuration(snapshot(*facts), here, **others)


def test_without_a_bgp_conf_there_is_no_bgp():
    none = made(router())
    assert (none.instance, none.peers, none.finding.reason) == (None, {}, Reason.NO_BGP_CONF)


def test_a_bgp_conf_of_another_name_counts_for_nothing():
    assert made(replace(conf(), name="other")).instance is None


def test_the_router_id_is_the_nodes_address():
    assert made(conf()).instance.router_id == "192.0.2.11"


def test_a_router_id_that_is_written_is_taken_where_one_speaker_has_it():
    assert made(conf(router_id="10.0.0.1"), speaker("a")).instance.router_id == "10.0.0.1"


def test_a_router_id_that_several_would_share_is_each_nodes_own():
    assert made(conf(router_id="10.0.0.1"), speaker("a"), speaker("b")).instance.router_id == "192.0.2.11"


def test_nodes_without_ipv4_have_router_ids_that_differ():
    ids = {router_id(Here(name, (address("2001:db8::11"),))) for name in ("a", "b", "c")}
    assert len(ids) == 3


def test_a_rack_may_have_an_autonomous_system_of_its_own():
    leaf = replace(node("a"), labels={names.RACK_LABEL: "one"})
    racks = conf(asn_per_rack=(("one", 65101),), router_id="10.0.0.1")
    assert (made(racks, leaf).instance.asn, made(racks, leaf).instance.router_id) == (65101, "192.0.2.11")
    assert made(racks, node("a")).instance.asn == 65001


def test_a_bgp_conf_without_an_autonomous_system_is_told():
    assert made(conf(0)).finding.sentence == "spec.as is missing: give the autonomous system of the cluster"


def test_a_node_has_the_sessions_of_the_peers_that_select_it():
    here = replace(node("a"), labels={"leaf": "one"})
    one, two = (
        router(name, f"192.0.2.{number}", node_selector=Selector((("leaf", name),)))
        for number, name in ((1, "one"), (2, "two"))
    )
    assert list(made(conf(), here, one, two, router("all", "192.0.2.3")).peers) == ["all", "one"]


def test_of_two_peers_with_one_address_the_older_counts_and_the_other_is_told():
    found = made(conf(), router("young", created="2"), router("old", created="1"))
    assert list(found.peers) == ["old"]
    assert "BgpPeer old is for 192.0.2.1 too, and older" in found.findings["young"].sentence


def test_a_password_is_taken_from_its_secret():
    secret = SecretKey("leaf", "password")
    assert made(conf(), router(secret=secret), passwords={secret: "s3cret"}).peers["leaf"].password == "s3cret"
    missing = made(conf(), router(secret=secret), passwords={secret: None})
    assert (missing.peers, missing.findings["leaf"].reason) == ({}, Reason.SECRET_MISSING)


def route(text="10.99.0.1", **facts):
    return Route(address(text), facts.pop("pool", "eip"), ((key("web"), (("app", "web"),)),), **facts)


def told(*routes, eip=EIP, addresses=None):
    found: dict[str, list[tuple[str, int]]] = {}
    for path in sorted(paths(*routes, eip=eip, addresses=addresses), key=lambda path: str(path.next_hop)):
        found.setdefault(str(path.prefix), []).append((str(path.next_hop), path.identifier))
    return found


def paths(*routes, eip=EIP, addresses=None, before=NOT_ANNOUNCED):
    return announced(before, {str(one.address): one for one in routes}, snapshot(eip), HERE, addresses or {}).paths


def test_an_address_is_a_prefix_of_its_own_and_this_node_the_way():
    assert told(route(), route("fd99::1")) == {"10.99.0.1/32": [("0.0.0.0", 0)], "fd99::1/128": [("::", 0)]}


def test_paths_have_the_attributes_of_their_route():
    said = Attributes(frozenset({"65000:1"}), frozenset({"1:2:3"}), 200, 30)
    (path,) = paths(route(attributes=said))
    assert path == Path(ip_network("10.99.0.1/32"), ours(4), 0, said.communities, said.large_communities, 200, 30)


def test_paths_that_are_made_from_those_before_are_those_that_are_made_from_nothing():
    aggregate = replace(EIP, bgp=BgpChoices(Announce.AGGREGATE))
    one, two, three = route(), route("10.99.0.2"), route("10.99.0.3")
    worlds = [
        ({"1": one, "2": two}, EIP, {}),
        ({"1": one, "3": three}, EIP, {}),
        ({"1": route(attributes=Attributes(med=7)), "3": three}, EIP, {}),
        ({"1": one, "3": three}, aggregate, {}),
        ({"1": one}, aggregate, {}),
        ({"1": route(nodes=frozenset("ab"))}, EIP, {"a": (address("192.0.2.11"),)}),
        ({"1": route(nodes=frozenset("ab"))}, EIP, {"b": (address("192.0.2.12"),)}),
        ({}, EIP, {}),
    ]
    before = NOT_ANNOUNCED
    for routes, eip, addresses in worlds:
        before = announced(before, routes, snapshot(eip), HERE, addresses)
        assert before.paths == announced(NOT_ANNOUNCED, routes, snapshot(eip), HERE, addresses).paths


def test_a_network_carries_what_all_of_its_addresses_do():
    eip = replace(EIP, bgp=BgpChoices(Announce.AGGREGATE))
    one = route("10.99.0.1", attributes=Attributes(frozenset({"65000:1"}), local_pref=100, med=5))
    two = route("10.99.0.2", attributes=Attributes(frozenset({"65000:2"}), frozenset({"65000:1:1"}), med=9))
    (path,) = paths(one, two, eip=eip)
    assert (path.communities, path.large_communities) == ({"65000:1", "65000:2"}, {"65000:1:1"})
    assert (path.local_pref, path.med) == (100, 5)
    assert paths(two, one, eip=eip) == {path}


def test_an_aggregate_is_announced_while_any_address_of_it_is():
    eip = replace(EIP, bgp=BgpChoices(Announce.AGGREGATE))
    assert list(told(route(), route("10.99.0.7"), eip=eip)) == ["10.99.0.0/24"]
    assert told(eip=eip) == {}


def test_routers_send_packets_here_for_addresses_and_for_networks_that_are_announced_as_a_whole():
    whole = pool("whole", "10.98.0.0/24, fd98::/120", bgp=BgpChoices(Announce.AGGREGATE))
    routes = {each: route(each) for each in ("10.99.0.1", "FD99::1")}
    routes["10.98.0.1"] = route("10.98.0.1", pool="whole")
    routes["10.99.0.2"] = route("10.99.0.2", nodes=frozenset({"a", "b"}))
    routes["10.99.0.3"] = route("10.99.0.3", nodes=frozenset({"b"}))
    found = landing(routes, {"eip": EIP, "whole": whole}, "a")
    assert found == {"10.99.0.1", "fd99::1", "10.98.0.1", "10.98.0.0/24", "10.99.0.2"}


def test_what_is_left_to_the_network_plugin_is_left_alone():
    assert made(conf(left_to_cni=True), router()).finding.reason is Reason.LEFT_TO_CNI
    found = made(conf(), router("theirs", left_to_cni=True), router("ours"))
    assert (list(found.peers), found.findings["theirs"].reason) == (["ours"], Reason.LEFT_TO_CNI)


def test_a_speaker_that_announces_all_nodes_tells_their_paths_apart_as_upstream_does():
    addresses = {"a": (address("192.0.2.11"),), "b": (address("192.0.2.12"),)}
    assert told(route(nodes=frozenset("ab")), addresses=addresses) == {
        "10.99.0.1/32": [("192.0.2.11", fnv("192.0.2.11")), ("192.0.2.12", fnv("192.0.2.12"))]
    }


def test_a_node_whose_address_is_not_known_is_left_out():
    assert (
        told(route(nodes=frozenset("ab")), addresses={"b": (address("192.0.2.12"),)})["10.99.0.1/32"][0][0]
        == "192.0.2.12"
    )


@pytest.mark.parametrize(
    ("spoken", "next_hops", "way"),
    [
        ({"families": BOTH}, NextHops.SELF, "2001:db8::11"),
        ({"families": BOTH, "address": "2001:db8::1"}, NextHops.SELF, None),
        ({"families": BOTH}, NextHops.NODES, None),
        ({"families": BOTH[:1]}, NextHops.SELF, None),
    ],
    ids=["over IPv4", "over IPv6", "by all nodes", "of IPv4 alone"],
)
def test_the_next_hop_of_ipv6_is_this_nodes_address_where_the_session_has_none(spoken, next_hops, way):
    seen = snapshot(conf(next_hops=next_hops), router(**{"address": "192.0.2.1", **spoken}))
    found = policies((route(),), seen, HERE, configuration(seen, HERE), None)
    assert [one.actions.next_hop for each in found.definitions for one in each.statements] == ([way] if way else [])


def test_the_hash_is_upstreams():
    assert fnv("") == 0x811C9DC5
    assert fnv("a") == 0xE40C292C  # the vector of FNV's authors


@pytest.mark.parametrize(
    ("peer", "has"),
    [
        (router(pools=frozenset({"eip"})), None),
        (router(pools=frozenset({"other"})), set()),
        (router(service_selector=Selector((("app", "web"),))), None),
        (router(service_selector=Selector((("app", "api"),))), set()),
    ],
)
def test_a_peer_may_have_the_routes_of_certain_pools_and_services_alone(peer, has):
    found = restrictions([route()], snapshot(EIP, peer), ["leaf"])
    assert found.get("leaf") == has


def test_a_service_may_name_the_peers_that_are_told():
    peers = [router("leaf"), router("spine", "192.0.2.2")]
    found = restrictions(
        [route(peers=frozenset({"spine"})), route("10.99.0.2")], snapshot(EIP, *peers), ["leaf", "spine"]
    )
    assert found == {"leaf": {ip_network("10.99.0.2/32")}}


def test_peers_of_which_the_same_is_asked_share_what_they_may_have():
    peers = [router(f"leaf-{number}", f"192.0.2.{number}", pools=frozenset({"other"})) for number in (1, 2)]
    found = restrictions([route()], snapshot(EIP, *peers), ["leaf-1", "leaf-2"])
    assert found["leaf-1"] is found["leaf-2"]
