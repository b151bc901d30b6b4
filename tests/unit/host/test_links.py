"""Which of a machine's interfaces layer 2 is spoken on."""

from ipaddress import ip_interface

import pytest

from openelb.host.links import layer2_links
from openelb.model.cluster import Link
from openelb.wire.rtnetlink import Interface, InterfaceAddress

ETH0 = Interface(2, "eth0")
ADDRESS = InterfaceAddress(2, ip_interface("192.0.2.2/24"))
HAS_IT = (Link("eth0", (ip_interface("192.0.2.2/24"),)),)


def test_a_link_has_its_own_addresses() -> None:
    others = InterfaceAddress(3, ip_interface("192.0.2.3/24"))
    assert layer2_links([ETH0], [others, ADDRESS]) == HAS_IT


def test_links_and_addresses_come_in_order() -> None:
    texts = ["fd00::2/64", "192.0.2.20/24", "192.0.2.3/32", "192.0.2.3/24"]
    addresses = [InterfaceAddress(2, ip_interface(text)) for text in texts]
    first, second = layer2_links([ETH0, Interface(1, "bond0", kind="bond")], addresses)
    assert (first.name, second.name) == ("bond0", "eth0")
    assert list(map(str, second.addresses)) == ["192.0.2.3/24", "192.0.2.3/32", "192.0.2.20/24", "fd00::2/64"]


@pytest.mark.parametrize(
    "interface",
    [
        Interface(2, "eth0", running=False),
        Interface(2, "wg0", ethernet=False),
        Interface(2, "eth0", port_of="bridge"),
        Interface(2, "eth0", port_of="bond"),
    ],
    ids=["not running", "no Ethernet", "port of a bridge", "port of a bond"],
)
def test_what_cannot_speak_for_itself_is_left_out(interface: Interface) -> None:
    assert layer2_links([interface], [ADDRESS]) == ()


def test_an_interface_of_a_routing_domain_is_no_port() -> None:
    assert layer2_links([Interface(2, "eth0", port_of="vrf")], [ADDRESS]) == HAS_IT


@pytest.mark.parametrize(
    ("kind", "kept"), [("", True), ("vlan", True), ("bond", True), ("veth", False), ("vxlan", False)]
)
def test_without_an_address_only_a_nic_is_kept(kind: str, kept: bool) -> None:
    assert bool(layer2_links([Interface(2, "x0", kind=kind)], [])) is kept


@pytest.mark.parametrize("kind", ["veth", "vxlan", "bridge"])
def test_with_an_address_every_kind_is_kept(kind: str) -> None:
    assert layer2_links([Interface(2, "eth0", kind=kind)], [ADDRESS]) == HAS_IT


@pytest.mark.parametrize(
    "passing",
    [
        InterfaceAddress(2, ip_interface("fe80::2/64"), steady=False),
        InterfaceAddress(2, ip_interface("169.254.1.1/16")),
        InterfaceAddress(2, ip_interface("fd00::2/64"), steady=False),
    ],
    ids=["link-local IPv6, not steady", "link-local IPv4", "not steady"],
)
def test_addresses_that_nobody_can_count_on_are_left_out(passing: InterfaceAddress) -> None:
    assert layer2_links([ETH0], [ADDRESS, passing]) == HAS_IT


def test_a_link_local_ipv6_address_says_that_the_link_hears_ipv6() -> None:
    of_the_link = InterfaceAddress(2, ip_interface("fe80::2/64"))
    (deaf,), (hears,) = layer2_links([ETH0], [ADDRESS]), layer2_links([ETH0], [ADDRESS, of_the_link])
    assert (deaf.hears_ipv6, hears.hears_ipv6) == (False, True)


@pytest.mark.parametrize(("kind", "kept"), [("", True), ("veth", False), ("bridge", False)])
def test_with_a_link_local_address_alone_only_a_nic_is_kept(kind: str, kept: bool) -> None:
    of_the_link = InterfaceAddress(2, ip_interface("fe80::2/64"))
    assert bool(layer2_links([Interface(2, "x0", kind=kind)], [of_the_link])) is kept
