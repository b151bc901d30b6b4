"""Which interface of a node `spec.interface` means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model.ranges import read
from openelb.plan.interfaces import Near, flaw, is_one, link_for, link_with, subnets, ways
from tests.unit.builders import address, speaker

LINKS = speaker("a", "eth0 192.168.1.11/24 fe80::1:11/64", "eth1 10.0.0.11/16 2001:db8::11/64", "bond0").links
ANY = address("203.0.113.9")


def found(interface, one=ANY, links=LINKS, own=""):
    link = link_for(interface, links, one, own)
    return link and link.name


@pytest.mark.parametrize(
    ("interface", "name"),
    [
        ("eth0", "eth0"),
        ("bond0", "bond0"),
        (" eth0 ", "eth0"),
        ("eth2", None),
        ("lo", None),
        ("", None),
        ("can_reach:10.0.200.1", "eth1"),
        ("can_reach:2001:db8::1", "eth1"),
        ("can_reach:172.16.0.1", None),
        ("can_reach:fe80::1", None),
        ("can_reach:router", None),
        ("can_reach:", None),
    ],
)
def test_an_interface_is_found_by_its_name_or_by_what_its_network_holds(interface, name):
    assert found(interface) == name


@pytest.mark.parametrize(
    ("interface", "one", "name"),
    [
        ("eth0,eth1", "192.168.1.200", "eth0"),
        ("eth0,eth1", "10.0.7.7", "eth1"),
        ("eth0,eth1", "203.0.113.9", "eth0"),
        ("eth1, eth0", "203.0.113.9", "eth1"),
        ("eth9,eth1", "203.0.113.9", "eth1"),
        ("eth9,eth8", "203.0.113.9", None),
        ("eth*", "10.0.7.7", "eth1"),
        ("eth*", "203.0.113.9", "eth0"),
        ("eth[1-9]", "203.0.113.9", "eth1"),
        ("ens*", "10.0.7.7", None),
        ("bond0,eth*", "203.0.113.9", "bond0"),
        ("bond0,eth*", "10.0.7.7", "eth1"),
        ("can_reach:10.0.0.1,eth0", "203.0.113.9", "eth1"),
    ],
)
def test_of_several_it_is_the_one_whose_network_holds_the_address_else_the_first_as_named(interface, one, name):
    assert found(interface, address(one)) == name


@pytest.mark.parametrize(
    ("interface", "one", "name"),
    [
        ("auto", "10.0.7.7", "eth1"),
        ("auto", "2001:db8::77", "eth1"),
        ("auto", "203.0.113.9", None),
        ("eth0,auto", "10.0.7.7", "eth1"),
        ("eth0,auto", "203.0.113.9", "eth0"),
    ],
)
def test_auto_is_the_one_whose_network_holds_the_address(interface, one, name):
    assert found(interface, address(one)) == name


def test_the_longest_prefix_counts():
    links = speaker("a", "eth0 10.0.0.11/8", "eth1 10.1.0.11/16", "eth2 10.2.0.11/16").links
    assert [found("auto", address(one), links) for one in ("10.1.0.5", "10.2.0.5", "10.3.0.5")] == [
        "eth1",
        "eth2",
        "eth0",
    ]
    assert found("can_reach:10.1.0.5", links=links) == "eth1"


@pytest.mark.parametrize("interface", ["auto", "can_reach:192.168.1.200"])
def test_a_link_that_has_the_address_alone_and_no_network_is_not_the_one(interface):
    links = speaker("a", "dummy0 192.168.1.200/32", "eth0 192.168.1.11/24").links
    assert found(interface, address("192.168.1.200"), links) == "eth0"
    assert found(interface, address("192.168.1.200"), links[:1]) is None


def test_an_ipv6_address_is_announced_on_the_first_that_hears_ipv6():
    links = speaker("a", "eth0 192.168.1.11/24", "eth1 fe80::1/64").links
    assert (found("eth*", address("2001:db8::1"), links), found("eth*", links=links)) == ("eth1", "eth0")
    assert found("eth*", address("2001:db8::1"), links[:1]) == "eth0"


@pytest.mark.parametrize(
    ("interface", "own", "one", "name"),
    [
        ("eth7", "10.0.0.11", "203.0.113.9", "eth1"),
        ("can_reach:172.16.0.1", "10.0.0.0/16", "203.0.113.9", "eth1"),
        ("auto", "10.0.0.11", "203.0.113.9", "eth1"),
        ("eth*", "10.0.0.11", "203.0.113.9", "eth1"),
        ("eth*", "10.0.0.11", "192.168.1.9", "eth0"),
        ("auto", "10.0.0.11", "192.168.1.9", "eth0"),
        ("eth0,bond0", "10.0.0.11", "203.0.113.9", "eth0"),
        ("ens*", "10.0.0.11", "203.0.113.9", "eth1"),
        ("eth0", "10.0.0.11", "203.0.113.9", "eth0"),
        ("can_reach:192.168.1.1", "10.0.0.11", "203.0.113.9", "eth0"),
        ("eth7", "172.16.0.1", "203.0.113.9", None),
        ("eth7", "somewhere", "203.0.113.9", None),
        ("", "10.0.0.11", "203.0.113.9", None),
    ],
)
def test_what_the_node_s_annotation_says_counts_where_the_author_of_the_pool_left_it_open(interface, own, one, name):
    assert found(interface, address(one), own=own) == name


def test_of_two_links_in_one_network_the_annotation_chooses():
    links = speaker("a", "eth0 10.0.0.11/24", "eth1 10.0.0.12/24").links
    assert [found("auto", address("10.0.0.9"), links, own) for own in ("", "10.0.0.12")] == ["eth0", "eth1"]


def test_an_annotation_with_a_cidr_is_the_link_with_an_address_in_it():
    assert [getattr(link_with(own, LINKS), "name", None) for own in ("10.0.0.0/8", "2001:db8::/32", "", "/")] == [
        "eth1",
        "eth1",
        None,
        None,
    ]


def test_what_means_one_link_whatever_the_address_is_told_from_the_rest():
    assert [is_one(text) for text in ("eth0", "can_reach:10.0.0.1", "auto", "eth*", "eth0,eth1")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_what_no_node_can_have_is_told():
    assert [bool(flaw(text)) for text in ("eth0", "eth0,can_reach:10.0.0.1", "auto", "eth0,can_reach:x", " , ")] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_networks_of_the_link_alone_and_of_one_address_are_none():
    (link,) = speaker("a", "eth0 fe80::1/64 10.0.0.1/32 10.0.0.2/24 10.0.0.3/24 2001:db8::1/128").links
    assert [str(subnet) for subnet in subnets(link)] == ["10.0.0.0/24"]


def test_nodes_are_found_by_the_networks_that_a_pool_has_addresses_of():
    links = {"a": LINKS, "b": speaker("b", "eth0 192.168.1.12/24", "cni0 10.244.2.1/24").links}
    near = Near.of(links, read("192.168.1.200-192.168.1.220,10.0.0.0/24")[0])
    assert {str(subnet): nodes for subnet, nodes in near.nodes.items()} == {
        "192.168.1.0/24": {"a", "b"},
        "10.0.0.0/16": {"a"},
    }
    assert [near.holding(address(one)) for one in ("192.168.1.7", "10.0.9.9", "172.16.0.1")] == [
        {"a", "b"},
        {"a"},
        set(),
    ]
    assert (near.of_family(4), near.of_family(6)) == ({"a", "b"}, set())
    assert near.within(read("10.0.0.1")[0], frozenset("b")) == Near()


WORDS = st.lists(st.sampled_from(["eth0", "eth1", "eth*", "bond?", "auto", "can_reach:10.0.0.1", "ens9"]), max_size=3)
OWN = st.sampled_from(["", "10.0.0.11", "192.168.0.0/16"])
ONES = st.sampled_from(["10.0.9.9", "192.168.1.9", "203.0.113.9", "2001:db8::9", "2001:db9::9"])


@given(WORDS, OWN, ONES, st.sets(st.sampled_from(LINKS)))
def test_a_node_is_reached_where_it_has_a_link_for_the_address(named, own, text, some):
    """What is asked once of all nodes and what is asked for one address agree."""
    one, interface, links = address(text), ",".join(named), tuple(sorted(some, key=lambda link: link.name))
    near = Near.of({"a": links}, read(text)[0]) if "auto" in named else Near()
    found = ways(interface, {"a": links}, {"a": own} if own else {})
    link = link_for(interface, links, one, own)
    hears = link is not None and (one.version == 4 or link.hears_ipv6)
    assert ("a" in (found.nodes if one.version == 4 else found.ipv6_nodes) | near.holding(one)) == hears
