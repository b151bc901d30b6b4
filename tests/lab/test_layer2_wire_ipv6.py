"""Neighbour discovery on a real wire: what the kernel of a client on the LAN makes of a node that answers for addresses."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import ndp
from lab.network import BRIDGE, Host, Network
from lab.wait import NotYetError, require, until
from tests.lab.wire import FOUR, Lan, answer_time, answers_soon, heard, question
from tests.lab.wire import OTHER_SIX as OTHER
from tests.lab.wire import SIX as ADDRESS

GROUP = "ff0200000000000000000001ff000200"


@pytest.fixture
def lan(network: Network) -> Iterator[Lan]:
    lan = Lan(network)
    yield lan
    lan.layer2.stop()


@pytest.fixture
def claimed(lan: Lan) -> Lan:
    """The LAN when the node answers for `ADDRESS`."""
    lan.apply(ADDRESS)
    lan.settle()
    return lan


def neighbour(host: Host, address: str = ADDRESS) -> dict[str, Any]:
    """What the host's kernel knows of its neighbour."""
    found = json.loads(host.ip("-j", "-6", "neigh", "show", address, "dev", "eth0"))
    return dict(found[0]) if found else {}


def send_to(host: Host, address: str = ADDRESS) -> None:
    """Have the host's kernel look for its neighbour: it has a datagram for it."""
    with host.inside(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"", (address, 9))


def known(lan: Lan, state: str, address: str = ADDRESS) -> dict[str, Any]:
    """What the client's kernel knows of the address, when that is the node's MAC in that state."""

    def look() -> dict[str, Any]:
        seen = neighbour(lan.client, address)
        require((seen.get("lladdr"), seen.get("state")) == (lan.node.mac(), [state]), f"{seen}")
        return seen

    return until(look, what=f"the client to know {address} as {state}", timeout=10, every=0.01)


# Answers.


def test_the_kernel_of_a_client_finds_the_node(claimed: Lan) -> None:
    send_to(claimed.client)
    assert "router" not in known(claimed, "REACHABLE")


def test_a_node_that_forwards_is_a_router_to_its_neighbours(lan: Lan) -> None:
    lan.node.forward()
    lan.apply(ADDRESS)
    lan.settle()
    send_to(lan.client)
    assert "router" in known(lan, "REACHABLE")


def test_a_client_that_asks_again_whether_it_is_there_is_answered(claimed: Lan) -> None:
    """Neighbour unreachability detection: one asks the node alone, and need not say who it is (RFC 4861, section 7.3)."""
    send_to(claimed.client)
    known(claimed, "REACHABLE")
    claimed.client.ip("neigh", "change", ADDRESS, "lladdr", claimed.node.mac(), "nud", "probe", "dev", "eth0")
    known(claimed, "REACHABLE")


def test_a_host_that_tries_our_address_finds_it_taken(claimed: Lan) -> None:
    claimed.client.ip("addr", "add", f"{ADDRESS}/64", "dev", "eth0")

    def look() -> None:
        seen = claimed.client.ip("-6", "addr", "show", "dev", "eth0")
        require("dadfailed" in seen, seen)

    until(look, what="duplicate address detection to fail", timeout=10)


def test_both_families_are_answered_on_one_link(lan: Lan) -> None:
    lan.apply(FOUR, ADDRESS)
    lan.settle()
    assert answers_soon(lan, FOUR)
    assert answers_soon(lan, ADDRESS)


# Announcements.


def test_an_announcement_corrects_the_cache_of_a_client(lan: Lan) -> None:
    lan.client.ip("neigh", "add", ADDRESS, "lladdr", "02:00:5e:00:53:99", "nud", "reachable", "dev", "eth0")
    lan.apply(ADDRESS)
    known(lan, "STALE")  # RFC 4861, section 7.2.5: it was told, and has not tried


# Groups.


def groups(host: Host) -> set[str]:
    """The groups of eth0 that the host's kernel belongs to."""
    with host.inside():
        lines = Path("/proc/thread-self/net/igmp6").read_text().splitlines()
    return {line.split()[2] for line in lines if line.split()[1] == "eth0"}


def test_the_group_of_an_address_is_joined_and_left(claimed: Lan) -> None:
    assert GROUP in groups(claimed.node)
    claimed.apply(OTHER)
    until(
        lambda: require(GROUP not in groups(claimed.node), "it is still there"),
        what="the group to be left",
        timeout=5,
    )


def test_a_switch_that_snoops_passes_questions_on(lan: Lan) -> None:
    """It does so for groups that a host has reported, and for no others."""
    # It asks the hosts which groups they want, for which it needs an address: without anybody who asks none may hold back.
    Host(lan.switch.prefix, lan.switch.name).write_settings({f"net/ipv6/conf/{BRIDGE}/disable_ipv6": "0"})
    lan.switch.ip("addr", "add", "fe80::5/64", "dev", BRIDGE, "nodad")
    snooping = "mcast_querier 1 mcast_query_response_interval 100 mcast_startup_query_interval 100 mcast_snooping 1"
    lan.switch.ip("link", "set", BRIDGE, "type", "bridge", *snooping.split())
    unheard = "fd00:79::abcd"
    with heard(lan.node, ndp.ETHERTYPE) as ears:
        ears.settimeout(0.2)
        until(lambda: silent(lan, ears, unheard), what="the switch to hold back what nobody reported", timeout=20)
    lan.apply(ADDRESS)
    lan.settle()
    assert answers_soon(lan, ADDRESS)
    send_to(lan.client)
    known(lan, "REACHABLE")


def silent(lan: Lan, ears: socket.socket, address: str) -> None:
    """Look whether a question for the address does not reach the node."""
    lan.client.who_has(address, within=0.05)
    with contextlib.suppress(TimeoutError):
        while True:
            frame = ears.recv(2048)
            if frame[54:55] == b"\x87" and frame[62:78] == socket.inet_pton(socket.AF_INET6, address):
                raise NotYetError("it reaches the node")


def test_groups_without_number_are_joined_and_left(lan: Lan) -> None:
    """More than the kernel allows to one socket."""
    many = [f"fd00:79::{number >> 8:x}:{number % 256:x}:1:{number:x}" for number in range(3000)]
    before = groups(lan.node)
    lan.apply(*many)
    until(
        lambda: require(len(groups(lan.node)) >= 3000 + len(before), f"{len(groups(lan.node))} groups"),
        what="all groups",
        timeout=10,
    )
    assert answers_soon(lan, many[-1])
    lan.apply(FOUR)
    until(lambda: require(groups(lan.node) <= before, "some are left"), what="all groups to be left", timeout=10)


def test_where_the_kernel_refuses_groups_the_link_takes_all(lan: Lan) -> None:
    lan.node.ip("link", "set", "eth0", "mtu", "1200")  # of IPv6, links have 1,280 at least (RFC 8200, section 5)
    lan.apply(ADDRESS)
    lan.settle()
    assert takes_all_groups(lan.node)
    assert answers_soon(lan, ADDRESS)
    lan.apply(FOUR)
    until(lambda: require(not takes_all_groups(lan.node), "it does"), what="the link to be as it was", timeout=5)


def takes_all_groups(host: Host) -> bool:
    (link,) = json.loads(host.ip("-j", "-d", "link", "show", "eth0"))
    return bool(link["allmulti"])


# What wakes the process.


def test_other_traffic_does_not_wake_the_process(claimed: Lan) -> None:
    with heard(claimed.client, ndp.ETHERTYPE) as ears:
        asked = question(ears, ADDRESS)
        others = [
            question(ears, other) for other in ("fd00:79::1ff", OTHER, "fd00:78::200", "fe80::200", "fd00:79:0:1::200")
        ]
        elsewhere = bytes.fromhex("02005e0053aa") + asked[6:]
        from_afar = asked[:21] + b"\xfe" + asked[22:]
        advertisement = others[0][:54] + b"\x88" + others[0][55:]  # of our own address, it would be a rival's
        tagged = asked[:12] + bytes.fromhex("81000005") + asked[12:]
        claimed.node.ip("link", "set", "eth0", "promisc", "on")
        for frame in [*others, elsewhere, from_afar, advertisement, tagged] * 20:
            ears.send(frame)
        answer_time(ears, asked, ADDRESS)
    assert claimed.counts_ipv6.received == 1


def sockets(host: Host) -> int:
    """How many packet sockets there are on the host."""
    with host.inside():
        return len(Path("/proc/thread-self/net/packet").read_text().splitlines()) - 1


def test_without_an_ipv6_address_there_is_no_socket_for_it(lan: Lan) -> None:
    lan.apply(FOUR)
    lan.settle()
    assert sockets(lan.node) == 1
    lan.apply(FOUR, ADDRESS)
    assert answers_soon(lan, ADDRESS)
    assert sockets(lan.node) == 2
    lan.apply(FOUR)
    until(lambda: require(sockets(lan.node) == 1, "there are two"), what="the socket to be closed", timeout=5)
    assert answers_soon(lan, FOUR)


# Links that come, go and change.


def test_a_link_that_was_down_answers_soon(claimed: Lan, caplog: pytest.LogCaptureFixture) -> None:
    claimed.node.ip("link", "set", "eth0", "down")
    until(lambda: require(caplog.messages, "no word in the log"), what="word that the link is down", timeout=2)
    claimed.node.ip("link", "set", "eth0", "up")
    claimed.node.ip("addr", "replace", "fd00:79::11/64", "dev", "eth0", "nodad")
    assert answers_soon(claimed, ADDRESS)
    assert GROUP in groups(claimed.node)


def test_a_link_that_was_replaced_answers_with_its_other_mac(claimed: Lan) -> None:
    claimed.node.ip("link", "del", "eth0")
    claimed.node.attach(claimed.switch, "eth0", "fd00:79::11/64")
    claimed.node.ip("link", "set", "eth0", "address", "02:00:5e:00:53:77")
    assert answers_soon(claimed, ADDRESS)
    assert GROUP in groups(claimed.node)
