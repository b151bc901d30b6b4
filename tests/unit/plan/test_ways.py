"""By which addresses speakers are heard by each other."""

from openelb.plan.heard import Way
from openelb.plan.ways import MOST_WAYS, ways
from tests.unit.builders import node, pool, speaker

OWN = speaker("a", "eth0 192.168.1.1/24", "eth1 10.0.0.1/24", "docker0 172.17.0.1/16").links


def to(*links: str, interface: str = "eth0", **facts: object) -> tuple[Way, ...]:
    return ways("a", {"b": speaker("b", *links)}, [pool(interface=interface, **facts)], OWN).get("b", ())


def test_it_is_heard_on_the_link_that_a_pool_uses() -> None:
    links = "eth0 192.168.1.2/24", "eth1 10.0.0.2/24"
    assert to(*links) == (Way("eth0", "192.168.1.2", "eth0"),)
    assert to(*links, interface="eth1") == (Way("eth1", "10.0.0.2", "eth1"),)
    assert to(*links, interface="auto") == (Way("eth0", "192.168.1.2", "eth0"),)


def test_it_is_heard_on_every_link_that_some_pool_uses() -> None:
    pools = [pool("one"), pool("other", interface="eth1")]
    found = ways("a", {"b": speaker("b", "eth0 192.168.1.2/24", "eth1 10.0.0.2/24")}, pools, OWN)
    assert found == {"b": (Way("eth0", "192.168.1.2", "eth0"), Way("eth1", "10.0.0.2", "eth1"))}
    assert len(found["b"]) <= MOST_WAYS


def test_where_the_pool_s_link_has_no_network_in_common_another_one_serves() -> None:
    assert to("eth0", "eth1 10.0.0.2/24") == (Way("eth1", "10.0.0.2", "eth1"),)


def test_behind_a_router_any_address_serves() -> None:
    assert to("eth0 198.51.100.2/24") == (Way("eth0", "198.51.100.2"),)


def test_an_address_that_every_host_has_leads_nowhere() -> None:
    assert to("docker0 172.17.0.1/16", "eth0") == ()
    assert to("eth0 fe80::1/64") == ()


def test_ipv6_serves_where_there_is_no_ipv4() -> None:
    own = speaker("a", "eth0 fd00::1/64").links
    found = ways("a", {"b": speaker("b", "eth0 fd00::2/64 fe80::2/64")}, [pool()], own)
    assert found == {"b": (Way("eth0", "fd00::2", "eth0"),)}


def test_its_kernel_may_send_from_any_address_of_the_link() -> None:
    own = speaker("a", "eth0 fd00::1/64 192.168.1.1/24").links
    links = "eth0 192.168.1.2/24 192.168.1.9/24 192.168.1.1/24 fd00::2/64 fd00::abcd/64 fe80::2/64", "eth1 10.0.0.2/24"
    found = ways("a", {"b": speaker("b", *links)}, [pool()], own)
    assert found == {"b": (Way("eth0", "192.168.1.2", "eth0", ("192.168.1.9",)),)}
    found = ways("a", {"b": speaker("b", "eth0 fd00::2/64 fd00::abcd/64 fe80::2/64")}, [pool()], own)
    assert found == {"b": (Way("eth0", "fd00::2", "eth0", ("fd00::abcd",)),)}


def test_there_is_no_way_to_oneself() -> None:
    assert ways("a", {"a": speaker("a", "eth0 192.168.1.1/24")}, [pool()], OWN) == {}


def test_the_annotation_of_a_node_names_its_link() -> None:
    speakers = {"b": speaker("b", "eth2 192.168.1.2/24", "eth1 10.0.0.2/24")}
    found = ways("a", speakers, [pool(interface="eth0")], OWN, {"b": node("b", address="10.0.0.2")})
    assert found == {"b": (Way("eth1", "10.0.0.2", "eth1"),)}
