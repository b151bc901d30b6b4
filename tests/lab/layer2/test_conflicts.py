"""Another machine on the LAN has an address of ours: what a client's kernel makes of it."""

import json
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from lab.network import Network
from lab.wait import require, until
from openelb.announce.rivals import Manners
from openelb.model.layer2 import OnConflict
from openelb.model.ranges import EVERYTHING
from tests.lab.test_layer2_wire import ADDRESS, Lan

SIX = "fd00:79::200"


class Contested(Lan):
    """The LAN with a stranger on it, who gives itself addresses as Linux does."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.stranger = network.host("printer")
        self.stranger.attach(self.switch, "eth0", "10.79.0.9/24", "fd00:79::9/64")

    def announce(self, policy: OnConflict, *addresses: str) -> None:
        self.layer2.manners = Manners(frozenset({self.node.mac()}), ((EVERYTHING, policy),))
        self.apply(*addresses)
        self.settle()

    def claim(self, address: str = ADDRESS) -> None:
        """The stranger takes the address and tells everybody, as a host does that is configured by hand."""
        length = 64 if ":" in address else 24
        self.stranger.ip(
            "addr", "replace", f"{address}/{length}", "dev", "eth0", *(["nodad"] if ":" in address else [])
        )
        self.tell(address)

    def tell(self, address: str = ADDRESS) -> None:
        with self.stranger.inside():
            subprocess.run(
                ["python3", "-c", SAY, address, self.stranger.mac()], check=True, capture_output=True, timeout=10
            )

    def cached(self, address: str = ADDRESS) -> str:
        """The MAC that the client's kernel has for the address."""
        found = json.loads(self.client.ip("-j", "neigh", "show", address, "dev", "eth0"))
        return str(found[0].get("lladdr", "")) if found else ""

    def learn(self, address: str = ADDRESS) -> None:
        """Have the client's kernel ask."""
        family = "-6" if ":" in address else "-4"
        self.client.ip("neigh", "flush", "dev", "eth0")
        with self.client.inside():
            subprocess.run(["ping", family, "-c", "1", "-W", "1", address], capture_output=True, check=False)

    def rivals(self) -> dict[str, str]:
        return {str(address): rival.mac for address, rival in self.layer2.rivals.get("eth0", {}).items()}


SAY = """
import socket, struct, sys, ipaddress
mac = bytes.fromhex(sys.argv[2].replace(":", ""))
to = ipaddress.ip_address(sys.argv[1])
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
if to.version == 4:
    raw.bind(("eth0", 0x0806))
    packet = struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, mac, to.packed, bytes(6), to.packed)
    raw.send(b"\\xff" * 6 + mac + b"\\x08\\x06" + packet)
else:
    raw.bind(("eth0", 0x86DD))
    group = ipaddress.ip_address("ff02::1").packed
    body = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + to.packed + b"\\x02\\x01" + mac
    words = struct.unpack("!%dH" % ((40 + len(body)) // 2), to.packed + group + struct.pack("!II", len(body), 58) + body)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    body = body[:2] + struct.pack("!H", ~total & 0xFFFF) + body[4:]
    header = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + to.packed + group
    raw.send(b"\\x33\\x33\\0\\0\\0\\x01" + mac + b"\\x86\\xdd" + header + body)
"""


@pytest.fixture
def lan(network: Network) -> Iterator[Contested]:
    lan = Contested(network)
    yield lan
    lan.layer2.stop()


@pytest.mark.parametrize("address", [ADDRESS, SIX])
def test_who_is_defended_against_loses_the_client_again(lan: Contested, address: str) -> None:
    lan.announce(OnConflict.DEFEND, address)
    lan.learn(address)
    assert lan.cached(address) == lan.node.mac()
    time.sleep(1.1)  # Linux holds on to what it has learnt for a second
    lan.tell(address)
    until(
        lambda: require(lan.cached(address) == lan.stranger.mac(), "the client is not misled"),
        what="a theft",
        timeout=2,
    )
    time.sleep(1.1)
    lan.tell(address)
    until(
        lambda: require(lan.cached(address) == lan.node.mac(), "the stranger still has it"),
        what="a defence",
        timeout=15,
    )
    assert lan.rivals() == {address: lan.stranger.mac()}


def test_who_yields_leaves_the_address_to_the_other(lan: Contested) -> None:
    lan.announce(OnConflict.YIELD, ADDRESS)
    lan.claim()
    until(lambda: require(lan.rivals(), "nobody was heard"), what="a rival", timeout=3)
    assert lan.client.who_has(ADDRESS) == {lan.stranger.mac()}
    lan.learn()
    assert lan.cached() == lan.stranger.mac()


def test_who_only_reports_goes_on_and_says_who_it_is(lan: Contested) -> None:
    lan.announce(OnConflict.REPORT, ADDRESS)
    lan.tell()
    until(lambda: require(lan.rivals(), "nobody was heard"), what="a rival", timeout=3)
    assert lan.rivals() == {ADDRESS: lan.stranger.mac()}
    assert lan.client.who_has(ADDRESS) == {lan.node.mac()}


def test_another_node_of_the_cluster_is_no_rival(lan: Contested) -> None:
    lan.announce(OnConflict.YIELD, ADDRESS)
    lan.layer2.manners = Manners(frozenset({lan.node.mac(), lan.stranger.mac()}), ((EVERYTHING, OnConflict.YIELD),))
    lan.apply(ADDRESS)
    lan.tell()
    time.sleep(1.0)
    assert lan.rivals() == {}
    assert lan.client.who_has(ADDRESS) == {lan.node.mac()}


def test_others_frames_for_other_addresses_do_not_wake_the_node(lan: Contested) -> None:
    lan.announce(OnConflict.DEFEND, str(ip_address(ADDRESS)))
    before = lan.counts.received
    for _ in range(5):
        lan.tell("10.79.0.250")
    assert lan.counts.received == before
