"""What comes to an announced address and no Service serves: pings are answered by the node, other packets are rejected there."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest

from lab import site
from lab.network import CommandError, Host, Network
from lab.site import Site
from lab.wait import require, until
from openelb.announce.layer2 import Layer2
from openelb.announce.unserved import Unserved
from openelb.host import nft
from openelb.host.sockets import LinkPort
from openelb.model.announcements import Claim
from openelb.wire.nft import Wish, difference
from tests.lab.packets import counted, refused

ON_LINK, ON_LINK_IPV6 = "10.79.0.200", "fd00:79::200"
FAR_OFF, FAR_OFF_IPV6 = "10.99.0.10", "fd00:99::10"
"""Addresses that the router has a route for, and the node has none but to the router."""
ALL = (ON_LINK, ON_LINK_IPV6, FAR_OFF, FAR_OFF_IPV6)
PORT = 8080
SOURCE = Path(__file__).parents[3] / "src"


class Node:
    """A node that announces some addresses, and keeps the rules for them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.host = site.nodes[0]
        self.layer2 = Layer2(LinkPort)
        self.claims = frozenset[Claim]()

    def announce(self, *addresses: str) -> None:
        self.claims = frozenset(Claim(ip_address(address), "eth0") for address in addresses)
        with self.host.inside():
            self.layer2.apply(self.claims, valid_until=time.monotonic() + 1000)
        for address in addresses:
            until(partial(self._answers, address), what=f"an answer for {address}", timeout=5)

    def _answers(self, address: str) -> None:
        require(self.site.client.who_has(address, within=0.1) == {self.host.mac()}, "nobody answers")

    def keep(self, wish: Wish) -> None:
        with self.host.inside():
            asyncio.run(self._unserved(wish).look())

    def leave(self) -> None:
        with self.host.inside():
            asyncio.run(self._unserved(Wish()).remove())

    def rules(self) -> str:
        return self.host.run(["nft", "list", "ruleset"])

    def _unserved(self, wish: Wish) -> Unserved:
        return Unserved(nft, wish, lambda: self.claims, lambda: True)


@pytest.fixture
def node(network: Network) -> Iterator[Node]:
    """A site with one node. The addresses beyond are behind the router for everybody."""
    place = site.build(network, workers=1)
    place.router.ip("route", "add", "10.99.0.0/24", "dev", "eth0")
    place.router.ip("-6", "route", "add", "fd00:99::/64", "dev", "eth0")
    node = Node(place)
    node.host.forward()
    for host in place.hosts():
        if host.path.exists():
            until(partial(settled, host), what=f"IPv6 on {host.name}", timeout=5)
    yield node
    node.layer2.stop()


def settled(host: Host) -> None:
    """Return when the host looks for neighbours by IPv6: its own addresses on the link have been probed."""
    require("tentative" not in host.ip("-6", "addr"), "it probes its addresses")


def ping(host: Host, address: str) -> str:
    """Three pings, a second at most for each; what ping says of it. Raises CommandError when one is not answered."""
    return host.run(["ping", "-n", "-c", "3", "-i", "0.05", "-W", "1", address])


def is_silent(host: Host, address: str) -> bool:
    with pytest.raises(CommandError):
        host.run(["ping", "-n", "-c", "1", "-W", "0.5", address])
    return True


# Pings.


@pytest.mark.parametrize("address", ALL)
def test_an_announced_address_answers_a_ping_on_the_lan_and_from_behind_the_router(node: Node, address: str) -> None:
    node.announce(*ALL)
    node.keep(Wish())
    for client in (node.site.client, node.site.remote):
        said = ping(client, address)
        assert said.count(f"bytes from {address}: ") == 3, "the answers come from the address that was asked"
        assert " 3 received, 0% packet loss" in said


def test_without_the_option_nobody_answers(node: Node) -> None:
    node.announce(ON_LINK)
    node.keep(Wish(ping=False, reject=False))
    assert is_silent(node.site.client, ON_LINK)


def test_an_address_that_is_announced_no_more_answers_no_more(node: Node) -> None:
    node.announce(ON_LINK, ON_LINK_IPV6)
    node.keep(Wish())
    ping(node.site.client, ON_LINK)
    node.announce(ON_LINK_IPV6)
    node.keep(Wish())
    assert is_silent(node.site.client, ON_LINK)
    ping(node.site.client, ON_LINK_IPV6)


def test_the_nodes_own_addresses_answer_as_before(node: Node) -> None:
    node.announce(*ALL)
    node.keep(Wish())
    ping(node.site.client, node.host.address())


# Ports that no Service has.


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
@pytest.mark.parametrize("address", ALL)
def test_a_port_that_no_service_has_is_refused_at_once(node: Node, address: str, kind: socket.SocketKind) -> None:
    node.announce(*ALL)
    node.keep(Wish())
    assert refused(node.site.remote, address, kind, PORT) < 1


@pytest.mark.parametrize("address", [FAR_OFF, FAR_OFF_IPV6])
def test_a_packet_for_nobody_goes_round_no_more(node: Node, address: str) -> None:
    """The node's route to the address leads to the router, and the router's to the node."""
    node.announce(address)
    with counted(node.host, address) as looping:
        refused(node.site.remote, address, socket.SOCK_DGRAM, PORT)
    node.keep(Wish())
    with counted(node.host, address) as once:
        refused(node.site.remote, address, socket.SOCK_DGRAM, PORT)
    print(f"frames for {address} at the node: {len(looping)} without the rules, {len(once)} with them")
    assert len(looping) > 20
    assert len(once) == 1


def test_what_is_served_is_not_refused(node: Node) -> None:
    """Served as kube-proxy does it: the destination is translated before the packet is forwarded."""
    pod = node.site.client
    node.announce(ON_LINK)
    node.keep(Wish())
    rule = f"ip daddr {ON_LINK} tcp dport {PORT} dnat to {pod.address()}:{PORT}"
    there = f"chain there {{ type nat hook prerouting priority dstnat; {rule}; }};"
    back = "chain back { type nat hook postrouting priority srcnat; masquerade; };"
    served = f"table ip served {{ {there} {back} }}"
    node.host.run(["nft", "-f", "-"], stdin=served)
    with pod.inside():
        listening = socket.create_server((pod.address(), PORT))
    with listening, node.site.remote.inside():
        socket.create_connection((ON_LINK, PORT), timeout=2).close()
    ping(node.site.remote, ON_LINK)


def test_what_is_forwarded_for_others_is_left_alone(node: Node) -> None:
    node.announce(*ALL)
    node.keep(Wish())
    node.site.remote.ip("route", "replace", "10.79.0.100/32", "via", "10.88.0.1")
    ping(node.site.remote, node.site.client.address())


# The table.


def test_looking_again_writes_nothing(node: Node) -> None:
    node.announce(*ALL)
    node.keep(Wish())
    before = node.host.run(["nft", "-a", "list", "ruleset"])
    node.keep(Wish())
    assert node.host.run(["nft", "-a", "list", "ruleset"]) == before, "with the same handles"


def test_what_is_written_is_read_back(node: Node) -> None:
    node.announce(*ALL)
    for wish in (Wish(), Wish(reject=False), Wish(ping=False)):
        node.keep(wish)
        with node.host.inside():
            assert asyncio.run(nft.read()) == wish.table(frozenset(ALL))


def test_networks_are_read_back_as_they_were_written_side_by_side_too(node: Node) -> None:
    networks = {"10.98.0.0/24", "10.97.0.4/30", "10.97.0.8/29", "fd00:98::/120", "fd00:98::100/120"}
    before = frozenset(ALL) | networks
    after = frozenset(ALL) | {"10.97.0.8/29", "fd00:98::100/120"}
    with node.host.inside():
        asyncio.run(nft.write(Wish().written(before)))
        assert asyncio.run(nft.read()) == Wish().table(before)
        asyncio.run(nft.write(difference(Wish().table(before), Wish(), after)))
        assert asyncio.run(nft.read()) == Wish().table(after)


def test_rules_of_others_stay(node: Node) -> None:
    node.host.run(["nft", "-f", "-"], stdin="table inet others { set some { type ipv4_addr; }; }")
    before = node.rules()
    node.announce(*ALL)
    node.keep(Wish())
    assert "table inet openelb" in node.rules()
    node.leave()
    assert node.rules() == before


def test_a_flushed_ruleset_is_put_right(node: Node) -> None:
    node.announce(*ALL)
    node.keep(Wish())
    before = node.rules()
    node.host.run(["nft", "flush", "ruleset"])
    node.keep(Wish())
    assert node.rules() == before


def test_ten_thousand_addresses_are_one_transaction(node: Node) -> None:
    addresses = frozenset(f"10.101.{number // 250}.{number % 250}" for number in range(10_000))
    with node.host.inside():
        began = time.monotonic()
        asyncio.run(nft.write(Wish().written(addresses)))
        written = time.monotonic()
        table = asyncio.run(nft.read())
        print(f"10,000 addresses: {written - began:.3f} s to write, {time.monotonic() - written:.3f} s to read")
    assert table == Wish().table(addresses)


# Rights.


@pytest.mark.parametrize(
    ("environment", "capabilities", "told"),
    [
        ({}, "-all,+net_raw", "nft may not: give the speaker the capability NET_ADMIN"),
        ({"PATH": "/nowhere"}, "-all,+net_admin", "the program nft is not there: install the package nftables"),
        ({}, "-all,+net_admin", "no table"),
    ],
    ids=["no right", "no program", "one capability is enough"],
)
def test_who_cannot_write_rules_is_told_what_to_do(
    network: Network, environment: Mapping[str, str], capabilities: str, told: str
) -> None:
    host = network.host("n1")
    program = """
import asyncio
from openelb.host import nft
from openelb.wire.nft import Wish
from tests.lab.packets import counted, refused
try:
    asyncio.run(nft.write(Wish().written(["192.0.2.10"])))
    asyncio.run(nft.write("delete table inet openelb"))
    print("no table" if asyncio.run(nft.read()) is None else "a table")
except nft.NftError as error:
    print(error)
"""
    limits = ["--no-new-privs", f"--bounding-set={capabilities}", f"--inh-caps={capabilities}"]
    with host.inside():
        done = subprocess.run(
            ["/usr/bin/setpriv", *limits, sys.executable, "-c", program],
            env=os.environ | {"PYTHONPATH": str(SOURCE)} | environment,
            capture_output=True,
            text=True,
        )
    assert done.stdout == f"{told}\n", done.stderr
