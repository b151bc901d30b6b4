from collections import Counter
from ipaddress import IPv4Address

import pytest

from openelb.model import names
from openelb.model.cluster import PoolStatus
from openelb.model.findings import Reason
from openelb.model.selectors import Selector
from openelb.plan.placement import candidates, reaches, service_outlook, trusted, winner, wins
from tests.unit.builders import address, key, node, pool, service, speaker

NODES = [f"node-{number}" for number in range(10)]
ADDRESSES = [IPv4Address("192.168.0.0") + number for number in range(2000)]


@pytest.mark.parametrize(
    ("text", "owner"),
    # printf '%s#%s' NODE ADDRESS | sha256sum; the smallest wins, as upstream 0.6 has it.
    [("192.168.1.1", "node3"), ("192.168.1.2", "node3"), ("172.18.0.201", "node3"), ("10.0.0.7", "node2")],
)
def test_the_winner_is_the_one_that_upstream_would_choose(text, owner):
    assert winner(address(text), ["node1", "node2", "node3"]) == owner


def test_the_winner_does_not_depend_on_the_order_of_the_nodes():
    assert {winner(address("192.0.2.1"), nodes) for nodes in (NODES, reversed(NODES), set(NODES))} == {
        winner(address("192.0.2.1"), NODES)
    }


def test_a_node_wins_where_it_is_the_winner():
    for one in ADDRESSES[:100]:
        assert [node for node in NODES if wins(node, one, NODES)] == [winner(one, NODES)]


def test_nobody_wins_where_nobody_may():
    assert winner(address("192.0.2.1"), []) is None


def test_a_lost_node_moves_only_its_share():
    before = {one: winner(one, NODES) for one in ADDRESSES}
    after = {one: winner(one, NODES[1:]) for one in ADDRESSES}
    assert {one for one in ADDRESSES if before[one] != after[one]} == {
        one for one in ADDRESSES if before[one] == NODES[0]
    }


def test_addresses_spread_evenly_and_a_lost_node_s_share_spreads_over_all_others():
    before = Counter(winner(one, NODES) for one in ADDRESSES)
    heirs = Counter(winner(one, NODES[1:]) for one in ADDRESSES if winner(one, NODES) == NODES[0])
    assert all(150 < before[node] < 250 for node in NODES)
    assert heirs.keys() == set(NODES[1:])


def test_nodes_that_have_the_interface_may_announce():
    speakers = {"a": speaker("a", "eth0"), "b": speaker("b", "eth1"), "c": speaker("c", "eth0", "eth1")}
    assert reaches({"eip": pool()}, speakers)["eip"].nodes == {"a", "c"}


def test_each_pool_is_announced_on_its_own_interface():
    speakers = {"a": speaker("a", "eth0"), "b": speaker("b", "eth1")}
    found = reaches({"one": pool("one"), "two": pool("two", interface="eth1")}, speakers)
    assert (found["one"].nodes, found["two"].nodes) == ({"a"}, {"b"})


HEARS, DEAF = speaker("a", "eth0 192.168.1.11/24 fe80::11/64"), speaker("b", "eth0 192.168.1.12/24")
SIX = pool("six", "2001:db8::/64")
BOTH = pool("both", "192.168.1.0/24, 2001:db8::/64")


def test_an_ipv6_address_is_announced_where_ipv6_is_heard():
    found = reaches({"six": SIX, "both": BOTH, "four": pool("four")}, {"a": HEARS, "b": DEAF})
    first, second = address("192.168.1.1"), address("2001:db8::1")
    assert [found["both"].of(one) for one in (first, second)] == [{"a", "b"}, {"a"}]
    assert (found["six"].of(second), found["four"].of(first)) == ({"a"}, {"a", "b"})


def test_where_nobody_hears_ipv6_it_is_told():
    found = reaches({"six": SIX, "both": BOTH}, {"b": DEAF})
    assert (found["six"].finding.reason, found["both"].finding.reason) == (Reason.INTERFACE_NOT_FOUND, Reason.READY)
    told = service_outlook(BOTH, found["both"], address("2001:db8::1"), [service()], {})
    assert told.reason is Reason.INTERFACE_NOT_FOUND
    assert "no node has an IPv6 address on interface eth0" in told.sentence
    assert service_outlook(BOTH, found["both"], address("192.168.1.1"), [service()], {}).reason is Reason.ANNOUNCED


LOCAL = service("local", local_traffic_only=True)


def test_a_service_with_local_traffic_is_announced_only_where_it_has_a_ready_endpoint():
    assert candidates(frozenset("abc"), [LOCAL], {LOCAL.key: frozenset("bd")}) == {"b"}


def test_a_service_with_cluster_wide_traffic_is_announced_wherever_its_endpoints_are():
    assert candidates(frozenset("abc"), [service()], {}) == frozenset("abc")


def test_a_shared_address_is_announced_where_all_its_services_can_be_served():
    other = service("other", local_traffic_only=True)
    endpoints = {LOCAL.key: frozenset("ab"), other.key: frozenset("bc"), key("web"): frozenset()}
    assert candidates(frozenset("abc"), [LOCAL, other, service()], endpoints) == {"b"}


def test_a_shared_address_that_no_node_can_serve_for_all_says_who_shares_it():
    other = service("other", local_traffic_only=True)
    reach = reaches({"eip": pool()}, {"a": speaker("a"), "b": speaker("b")})["eip"]
    endpoints = {LOCAL.key: frozenset("a"), other.key: frozenset("b")}
    told = service_outlook(pool(), reach, address("192.168.1.1"), [LOCAL, other], endpoints)
    assert told.reason is Reason.NO_LOCAL_ENDPOINT
    assert "default/local, default/other" in told.sentence


def test_the_outlook_of_a_service_names_no_node_so_that_a_failover_writes_to_no_service():
    sentences = {
        service_outlook(
            pool(), reaches({"eip": pool()}, {node: speaker(node)})["eip"], address("192.168.1.1"), [service()], {}
        )
        for node in NODES
    }
    assert len(sentences) == 1


def test_a_pool_announces_its_own_addresses():
    assert trusted(pool()) == pool().ranges


def test_a_pool_whose_address_was_spoilt_announces_what_it_announced_before():
    spoilt = pool(text="192.168.1.", status=PoolStatus(first="192.168.1.10", last="192.168.1.20"))
    assert trusted(spoilt) == pool(text="192.168.1.10-192.168.1.20").ranges


def test_a_pool_that_never_was_right_announces_nothing():
    assert not trusted(pool(text="nonsense"))


def test_exactly_the_winner_wins():
    for one in ADDRESSES[:200]:
        assert [node for node in NODES if wins(node, one, NODES)] == [winner(one, NODES)]


RACK_ONE = Selector((("rack", "one"),))
THREE = {name: speaker(name) for name in "abc"}


def test_a_pool_with_a_node_selector_is_announced_by_the_nodes_it_selects():
    nodes = {"a": node("a", rack="one"), "b": node("b", rack="two")}
    assert reaches({"eip": pool(node_selector=RACK_ONE)}, THREE, nodes)["eip"].nodes == {
        "a",
        "c",
    }  # nothing is known of c


def test_where_the_node_selector_selects_nobody_it_is_told():
    found = reaches({"eip": pool(node_selector=RACK_ONE)}, {"a": speaker("a")}, {"a": node("a")})["eip"]
    assert (found.nodes, found.finding.reason) == (set(), Reason.NO_NODE)
    assert "spec.nodeSelector" in found.finding.sentence


def test_a_node_that_is_excluded_from_load_balancers_announces_nothing():
    nodes = {"a": node("a", excluded=True), "b": node("b")}
    assert reaches({"eip": pool()}, THREE, nodes)["eip"].nodes == {"b", "c"}


def test_where_every_node_is_excluded_it_is_told():
    found = reaches({"eip": pool()}, {"a": speaker("a")}, {"a": node("a", excluded=True)})["eip"]
    assert (found.nodes, found.finding.reason) == (set(), Reason.NO_NODE)
    assert f"kubectl label node NODE {names.EXCLUDED}-" in found.finding.sentence


TWO_LANS = {
    "a": speaker("a", "eth0 192.168.1.11/24", "eth1 10.0.0.11/24"),
    "b": speaker("b", "eth0 192.168.1.12/24"),
    "c": speaker("c", "eth0 172.16.0.13/24"),
}


def test_a_pool_of_interface_auto_is_announced_address_by_address():
    both = pool(text="192.168.1.0/25, 10.0.0.0/25, 203.0.113.0/24", interface="auto")
    found = reaches({"eip": both}, TWO_LANS)["eip"]
    ones = [address(text) for text in ("192.168.1.9", "10.0.0.9", "203.0.113.9")]
    assert [found.of(one) for one in ones] == [{"a", "b"}, {"a"}, set()]
    told = [service_outlook(both, found, one, [service()], {}) for one in ones]
    assert [one.reason for one in told] == [Reason.ANNOUNCED, Reason.ANNOUNCED, Reason.INTERFACE_NOT_FOUND]
    assert "no node has an interface in a network that holds 203.0.113.9" in told[2].sentence


def test_a_pool_of_interface_auto_in_a_network_that_no_node_is_in_says_which_there_are():
    found = reaches({"eip": pool(text="203.0.113.0/24", interface="auto")}, TWO_LANS)["eip"]
    assert found.finding.reason is Reason.INTERFACE_NOT_FOUND
    assert "name the interface in spec.interface" in found.finding.sentence
    assert found.finding.sentence.endswith("networks seen on the nodes: 10.0.0.0/24, 172.16.0.0/24, 192.168.1.0/24")


def test_a_named_interface_in_another_network_is_announced_with_a_warning():
    found = reaches({"far": pool(text="203.0.113.0/24"), "near": pool()}, TWO_LANS)
    assert (found["far"].nodes, found["far"].finding.reason) == (set("abc"), Reason.READY)
    assert "no node has an address in a network that holds 203.0.113.0/24 there" in found["far"].finding.sentence
    assert "network that holds" not in found["near"].finding.sentence


def test_a_network_without_addresses_of_the_nodes_is_no_reason_to_warn():
    found = reaches({"eip": pool(text="203.0.113.0/24")}, THREE)["eip"]
    assert found.finding.sentence == "nodes with interface eth0 announce its addresses"


def test_a_list_finds_a_link_on_nodes_that_call_it_differently():
    speakers = {"a": speaker("a", "eth0"), "b": speaker("b", "ens3"), "c": speaker("c", "wlan0")}
    assert reaches({"eip": pool(interface="eth0,ens*")}, speakers)["eip"].nodes == {"a", "b"}


def test_the_annotation_of_a_node_says_which_link_it_has_for_a_pool_that_names_another():
    speakers = {"a": speaker("a", "enp7s0 192.168.1.11/24"), "b": speaker("b", "enp7s0 192.168.1.12/24")}
    assert reaches({"eip": pool()}, speakers, {"a": node("a", address="192.168.1.11")})["eip"].nodes == {"a"}
