"""The kernel's messages about interfaces and addresses, octet by octet."""

import struct
import sys
from ipaddress import IPv4Address, ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.wire.rtnetlink import (
    Gateway,
    Interface,
    InterfaceAddress,
    Part,
    addresses_question,
    interfaces_question,
    may_change_gateways,
    read,
    routes_question,
)

MAC = bytes.fromhex("02005e005301")
UP_WITH_CARRIER = 0x1 | 0x10000


def attribute(type_: int, value: bytes) -> bytes:
    return (struct.pack("=HH", 4 + len(value), type_) + value).ljust((len(value) + 7) & ~3, b"\0")


def message(type_: int, body: bytes, *, flags: int = 2) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), type_, flags, 0, 0) + body.ljust((len(body) + 3) & ~3, b"\0")


def link(
    *, name: str = "eth0", hardware: int = 1, flags: int = UP_WITH_CARRIER, kind: str = "", port: str = ""
) -> bytes:
    info = (attribute(1, kind.encode() + b"\0") if kind else b"") + (attribute(4, port.encode()) if port else b"")
    body = struct.pack("=BxHiII", 0, hardware, 2, flags, 0) + attribute(3, name.encode() + b"\0") + attribute(1, MAC)
    return message(16, body + (attribute(18 | 0x8000, info) if info else b""))


def address(text: str, *, peer: str = "", flags: int = 0, long_flags: int | None = None) -> bytes:
    own = ip_interface(text)
    family = 2 if own.version == 4 else 10
    body = struct.pack("=BBBBI", family, own.network.prefixlen, flags, 0, 2)
    body += attribute(1, ip_address(peer).packed if peer else own.ip.packed)
    body += attribute(2, own.ip.packed) if peer or own.version == 4 else b""
    return message(20, body + (attribute(8, struct.pack("=I", long_flags)) if long_flags is not None else b""))


DONE = message(3, bytes(4))


def test_questions_ask_for_all_of_both_families() -> None:
    assert struct.unpack("=IHHIIBxHiII", interfaces_question()) == (32, 18, 0x301, 0, 0, 0, 0, 0, 0, 0)
    assert struct.unpack("=IHHIIBBBBI", addresses_question()) == (24, 22, 0x301, 0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("datagram", "interface"),
    [
        (link(), Interface(2, "eth0", MAC)),
        (link(name="eth0.5", kind="vlan"), Interface(2, "eth0.5", MAC, kind="vlan")),
        (link(kind="veth", port="bridge"), Interface(2, "eth0", MAC, kind="veth", port_of="bridge")),
        (link(hardware=65534, kind="wireguard"), Interface(2, "eth0", MAC, ethernet=False, kind="wireguard")),
        (link(flags=0x1), Interface(2, "eth0", MAC, running=False)),
        (link(flags=0x10000), Interface(2, "eth0", MAC, running=False)),
        (link(flags=UP_WITH_CARRIER | 0x8), Interface(2, "eth0", MAC, running=False)),
    ],
    ids=["hardware", "VLAN", "port of a bridge", "no Ethernet", "no carrier", "down", "loopback"],
)
def test_an_interface_is_read(datagram: bytes, interface: Interface) -> None:
    assert read(datagram) == Part(interfaces=(interface,))


@pytest.mark.parametrize(
    ("datagram", "found"),
    [
        (address("192.0.2.2/24"), InterfaceAddress(2, ip_interface("192.0.2.2/24"))),
        (address("192.0.2.2/32", peer="192.0.2.9"), InterfaceAddress(2, ip_interface("192.0.2.2/32"))),
        (address("fd00::2/64"), InterfaceAddress(2, ip_interface("fd00::2/64"))),
        (address("fd00::2/64", flags=0x40), InterfaceAddress(2, ip_interface("fd00::2/64"), steady=False)),
        (address("fd00::2/64", flags=0x01), InterfaceAddress(2, ip_interface("fd00::2/64"), steady=False)),
        (address("fd00::2/64", long_flags=0x240), InterfaceAddress(2, ip_interface("fd00::2/64"), steady=False)),
        (address("192.0.2.2/24", flags=0x80), InterfaceAddress(2, ip_interface("192.0.2.2/24"))),
        (address("192.0.2.2/24", flags=0x81), InterfaceAddress(2, ip_interface("192.0.2.2/24"))),
    ],
    ids=[
        "IPv4",
        "point to point",
        "IPv6",
        "tentative",
        "temporary",
        "tentative in the long flags",
        "permanent",
        "second of its network",
    ],
)
def test_an_address_is_read(datagram: bytes, found: InterfaceAddress) -> None:
    assert read(datagram) == Part(addresses=(found,))


def test_a_datagram_may_hold_many_messages() -> None:
    part = read(link(name="eth0") + link(name="eth1") + DONE)
    assert [interface.name for interface in part.interfaces] == ["eth0", "eth1"]
    assert part.last


def test_an_answer_goes_on_until_it_is_done() -> None:
    assert not read(link()).last
    assert read(DONE).last


def test_an_interrupted_answer_says_so() -> None:
    assert read(message(3, bytes(4), flags=0x12)).interrupted


def test_a_refusal_has_its_number() -> None:
    assert read(message(2, struct.pack("=i", -1))) == Part(last=True, error=1)


def test_other_messages_are_passed_over() -> None:
    assert read(message(28, bytes(12)) + link()).interfaces == (Interface(2, "eth0", MAC),)


@given(st.integers(0, 200))
def test_a_datagram_that_is_cut_off_ends(length: int) -> None:
    read(message(28, bytes(180))[:length])


# Gateways of default routes.

ETH0_INDEX, OTHER_INDEX = (struct.pack("=I", number) for number in (2, 3))
ROUTER, SECOND = (ip_address(f"192.0.2.{number}") for number in (1, 2))
SIX = ip_address("fe80::1")


def route(
    *attributes: bytes, family: int = 2, length: int = 0, table: int = 254, kind: int = 1, type_: int = 24
) -> bytes:
    return message(type_, struct.pack("=BBBBBBBBI", family, length, 0, 0, table, 3, 0, kind, 0) + b"".join(attributes))


def hop(index: int, *attributes: bytes) -> bytes:
    octets = b"".join(attributes)
    return struct.pack("=HBBi", 8 + len(octets), 0, 0, index) + octets


BY_ETH0 = attribute(5, ROUTER.packed) + attribute(4, ETH0_INDEX)


@pytest.mark.parametrize(("version", "family"), [(4, 2), (6, 10)])
def test_the_question_for_routes_is_about_one_family(version: int, family: int) -> None:
    asked = struct.unpack("=IHHIIBBBBBBBBI", routes_question(version))
    assert asked == (28, 26, 0x301, 0, 0, family, 0, 0, 0, 0, 0, 0, 0, 0)


def test_the_gateway_of_a_default_route_is_read_as_the_kernel_writes_it() -> None:
    """`default via 10.79.0.1 dev eth0` of Linux 6.18."""
    told = bytes.fromhex(
        "34000000 18000200 00000000 36610000 02000000 fe030001 00000000 08000f00 fe000000 08000500 0a4f0001 08000400 03000000"
    )
    assert sys.byteorder != "little" or read(told).gateways == (Gateway(3, ip_address("10.79.0.1")),)


@pytest.mark.parametrize(
    ("datagram", "gateways"),
    [
        (route(BY_ETH0), [(2, ROUTER)]),
        (
            route(attribute(9, hop(2, attribute(5, ROUTER.packed)) + hop(3, attribute(5, SECOND.packed)))),
            [(2, ROUTER), (3, SECOND)],
        ),
        (route(BY_ETH0) + route(attribute(4, OTHER_INDEX), attribute(5, SECOND.packed)), [(2, ROUTER), (3, SECOND)]),
        (route(attribute(4, ETH0_INDEX)), []),
        (route(attribute(9, hop(2))), []),
        (route(BY_ETH0, attribute(1, bytes(4)), length=24), []),
        (route(BY_ETH0, table=100), []),
        (route(BY_ETH0, kind=6), []),
        (route(attribute(4, ETH0_INDEX), attribute(5, SIX.packed), family=10), [(2, SIX)]),
        (route(BY_ETH0, family=7), []),
        (route(BY_ETH0, type_=25), []),
    ],
    ids=[
        "one way",
        "several ways",
        "several routes",
        "without a gateway",
        "a way without a gateway",
        "no default",
        "of another table",
        "a black hole",
        "IPv6",
        "another family",
        "a route that went",
    ],
)
def test_gateways_of_default_routes_are_read(datagram: bytes, gateways: list[tuple[int, IPv4Address]]) -> None:
    assert [(one.index, one.address) for one in read(datagram).gateways] == gateways


@pytest.mark.parametrize(
    ("datagram", "may"),
    [
        (route(BY_ETH0), True),
        (route(BY_ETH0, type_=25), True),
        (link(), True),
        (address("192.0.2.2/24"), True),
        (route(BY_ETH0, length=32) + route(BY_ETH0, table=100), False),
        (route(BY_ETH0, length=32) + route(BY_ETH0), True),
    ],
    ids=["a route that comes", "one that goes", "a link", "an address", "other routes", "among others"],
)
def test_it_is_told_whether_word_may_change_the_gateways(datagram: bytes, may: bool) -> None:
    assert may_change_gateways(datagram) is may


@given(st.integers(0, 60))
def test_a_route_that_is_cut_off_ends(length: int) -> None:
    read(message(24, route(BY_ETH0)[16:][:length]))
