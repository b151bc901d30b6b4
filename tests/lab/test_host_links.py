"""The interfaces of a host as we read them, against what an independent reader of netlink says."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from itertools import pairwise

import pytest
from pyroute2 import IPRoute

from lab.network import Host, Network, run
from lab.wait import require, until
from openelb.host.links import link_changes, links, mac_of
from openelb.model.cluster import Link


@pytest.fixture
def host(network: Network) -> Host:
    """A host on a LAN with IPv4 and IPv6 addresses on eth0, and no addresses of links but those that a test gives."""
    switch = network.switch("lan")
    host = network.host("n1")
    host.write_settings({"net/ipv6/conf/default/addr_gen_mode": "1"})
    host.attach(switch, "eth0", "10.79.0.11/24", "10.79.1.11/16", "fd00:79::11/64")
    return host


def links_of(host: Host) -> tuple[Link, ...]:
    """The links, of which `test_a_link_has_its_mac` has the MACs."""
    with host.inside():
        return tuple(replace(link, mac="") for link in links())


def names(host: Host) -> list[str]:
    return [link.name for link in links_of(host)]


def addresses(*texts: str) -> tuple[IPv4Interface | IPv6Interface, ...]:
    return tuple(map(ip_interface, texts))


def test_a_link_has_its_addresses_with_their_prefixes_in_order(host: Host) -> None:
    assert links_of(host) == (Link("eth0", addresses("10.79.0.11/24", "10.79.1.11/16", "fd00:79::11/64")),)


def test_an_ipv6_address_of_the_link_is_one_of_its_addresses(host: Host) -> None:
    host.ip("addr", "add", "fe80::11/64", "dev", "eth0", "nodad")
    assert links_of(host)[0].addresses[-1] == ip_interface("fe80::11/64")


def test_a_link_has_its_mac(host: Host) -> None:
    with host.inside():
        assert [link.mac for link in links()] == [host.mac()]


def test_a_mac_is_read_by_name(host: Host) -> None:
    with host.inside():
        assert (mac_of("eth0") or b"").hex(":") == host.mac()
        assert mac_of("eth9") is None


def test_another_reader_sees_the_same(host: Host) -> None:
    plug_together(host, "eth1", "eth2")
    batch(host, [f"addr add 10.90.{number}.1/{8 + number % 25} dev eth{number % 3}" for number in range(250)])
    with host.inside(), IPRoute() as oracle:
        there = {link.get("index"): link.get("ifname") for link in oracle.get_links()}
        expected = {
            (there[entry["index"]], ip_interface((entry.get("IFA_ADDRESS"), entry["prefixlen"])))
            for entry in oracle.get_addr()
            if entry["scope"] == 0 and there[entry["index"]] != "lo"
        }
    assert {(link.name, address) for link in links_of(host) for address in link.addresses} == expected
    assert len(expected) > 250


def test_a_link_that_is_down_is_left_out(host: Host) -> None:
    host.ip("link", "set", "eth0", "down")
    assert names(host) == []


def test_a_link_without_carrier_is_left_out_until_it_is_back(host: Host) -> None:
    host.unplug()
    assert names(host) == []
    host.plug()
    assert names(host) == ["eth0"]


def test_a_port_is_left_out_and_its_bridge_is_kept(host: Host) -> None:
    host.ip("link", "add", "br0", "up", "type", "bridge")
    host.ip("link", "set", "eth0", "master", "br0")
    host.ip("addr", "add", "10.79.0.12/24", "dev", "br0")
    until(
        lambda: require("br0" in names(host), f"there is {names(host)}"),
        what="the carrier of br0",
        timeout=2,
        every=0.01,
    )
    assert links_of(host) == (Link("br0", addresses("10.79.0.12/24")),)


async def test_a_link_that_is_renamed_is_found_by_its_other_name_and_keeps_its_addresses(host: Host) -> None:
    before, changes = links_of(host), await listening(host)
    for change in (("down",), ("name", "lan0"), ("up",)):
        host.ip("link", "set", "lan0" if change == ("up",) else "eth0", *change)
        await asyncio.wait_for(anext(changes), timeout=5)
    host.ip("addr", "replace", "fd00:79::11/64", "dev", "lan0", "nodad")  # a link that goes down loses those of IPv6
    until(lambda: require(names(host) == ["lan0"], f"there is {names(host)}"), what="lan0", timeout=2, every=0.01)
    assert links_of(host)[0].addresses == before[0].addresses


def test_a_link_that_is_replaced_by_another_of_its_name_has_the_addresses_of_that(host: Host) -> None:
    host.ip("link", "del", "eth0")
    assert links_of(host) == ()
    plug_together(host, "eth0", "eth1")
    batch(host, ["addr add 10.90.0.1/24 dev eth0", "addr add 10.91.0.1/24 dev eth1"])
    assert links_of(host) == (Link("eth0", addresses("10.90.0.1/24")), Link("eth1", addresses("10.91.0.1/24")))


def test_a_macvlan_of_a_pod_or_another_without_an_address_is_left_out(host: Host) -> None:
    host.ip("link", "add", "mac0", "link", "eth0", "up", "type", "macvlan", "mode", "bridge")
    assert names(host) == ["eth0"]


def test_a_link_of_a_pod_is_left_out(host: Host) -> None:
    plug_together(host, "cali0", "inside0")
    assert names(host) == ["eth0"]


def test_addresses_that_are_not_there_yet_are_left_out(host: Host) -> None:
    host.write_settings({"net/ipv6/conf/eth0/dad_transmits": "30"})
    host.ip("addr", "add", "fd00:79::12/64", "dev", "eth0")
    host.ip("addr", "add", "169.254.7.7/16", "dev", "eth0")
    assert [str(address.ip) for address in links_of(host)[0].addresses] == ["10.79.0.11", "10.79.1.11", "fd00:79::11"]


@pytest.mark.parametrize(
    "change",
    [
        ("addr", "add", "10.79.0.77/24", "dev", "eth0"),
        ("addr", "add", "fd00:79::77/64", "dev", "eth0", "nodad"),
        ("link", "set", "eth0", "down"),
        ("link", "set", "eth0", "address", "02:00:00:00:79:99"),
        ("link", "add", "br7", "type", "bridge"),
        ("link", "del", "eth0"),
    ],
    ids=["IPv4 address", "IPv6 address", "link down", "another MAC", "a link that comes", "a link that goes"],
)
async def test_a_change_is_told(host: Host, change: tuple[str, ...]) -> None:
    changes = await listening(host)
    host.ip(*change)
    await asyncio.wait_for(anext(changes), timeout=5)


async def test_changes_that_come_together_are_told_once(host: Host) -> None:
    changes = await listening(host)
    batch(host, [f"addr add 10.92.0.{number}/24 dev eth0" for number in range(1, 200)])
    await asyncio.wait_for(anext(changes), timeout=5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(changes), timeout=0.2)


async def test_a_row_of_changes_is_told_at_a_bounded_rate(host: Host) -> None:
    changes = await listening(host)
    times: list[float] = []

    async def listen() -> None:
        async for _ in changes:
            times.append(time.monotonic())

    listener = asyncio.create_task(listen())
    for number in range(20):
        await asyncio.to_thread(host.ip, "addr", "add", f"10.92.0.{number}/24", "dev", "eth0")
    await asyncio.sleep(0.1)
    listener.cancel()
    assert times
    assert all(after - before > 0.045 for before, after in pairwise(times))


async def test_more_changes_than_the_socket_holds_are_told(host: Host) -> None:
    changes = await listening(host)
    for _ in range(5):
        batch(
            host, [f"addr {verb} 10.92.0.{number}/24 dev eth0" for number in range(1, 200) for verb in ("add", "del")]
        )
    await asyncio.wait_for(anext(changes), timeout=5)
    host.ip("addr", "add", "10.79.0.77/24", "dev", "eth0")
    await asyncio.wait_for(anext(changes), timeout=5)


async def listening(host: Host) -> AsyncIterator[None]:
    """The changes of the host from now on. The first word, which is there at once, is taken."""
    changes = link_changes()
    with host.inside():
        await anext(changes)  # it makes the socket and waits for nothing
    return changes


def plug_together(host: Host, one: str, other: str) -> None:
    host.ip("link", "add", one, "type", "veth", "peer", "name", other)
    batch(host, [f"link set {one} up", f"link set {other} up"])


def batch(host: Host, commands: list[str]) -> None:
    run(["ip", "-n", host.netns, "-batch", "-"], stdin="\n".join(commands))
