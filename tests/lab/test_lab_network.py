"""Hosts on a LAN, and each fault with its way back."""

import os
import socket

import pytest

from lab import processes
from lab.network import Host, Network
from lab.site import Site


@pytest.mark.parametrize("address", ["10.79.0.11", "fd00:79::11"])
def test_one_host_answers_for_its_address(address: str, site: Site) -> None:
    assert site.client.who_has(address) == {site.nodes[0].mac()}


@pytest.mark.parametrize("address", ["10.79.0.200", "fd00:79::200"])
def test_nobody_answers_for_a_free_address(address: str, site: Site) -> None:
    assert site.client.who_has(address) == frozenset()


@pytest.mark.parametrize("address", ["10.79.0.11", "fd00:79::11"])
def test_a_probe_is_answered_too(address: str, site: Site) -> None:
    assert site.client.who_has(address, probe=True) == {site.nodes[0].mac()}


def test_a_cut_is_silent_until_it_heals(site: Site) -> None:
    node = site.nodes[0]
    node.cut()
    assert site.client.who_has("10.79.0.11") == frozenset()
    assert carrier(node), "a silent cut leaves the carrier"
    node.heal()
    assert site.client.who_has("10.79.0.11") == {node.mac()}


def test_a_part_of_the_switch_that_has_come_off_is_a_lan_of_its_own_until_it_heals(site: Site) -> None:
    node, other, third = site.nodes
    for host in (node, other):
        host.part()
    assert site.client.who_has("10.79.0.11") == frozenset()
    assert other.who_has("10.79.0.11") == {node.mac()}
    assert site.client.who_has("10.79.0.13") == {third.mac()}
    for host in (node, other):
        host.heal()
    assert site.client.who_has("10.79.0.11") == {node.mac()}


def test_a_pulled_plug_takes_the_carrier_until_it_is_back(site: Site) -> None:
    node = site.nodes[0]
    node.unplug()
    assert not carrier(node)
    assert site.client.who_has("10.79.0.11") == frozenset()
    node.plug()
    assert carrier(node)
    assert site.client.who_has("10.79.0.11") == {node.mac()}


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_a_pulled_plug_costs_a_host_no_route(family: str, site: Site) -> None:
    node = site.nodes[0]
    before = node.ip(family, "route")
    node.unplug()
    node.plug()
    assert node.ip(family, "route") == before


def test_the_remote_client_reaches_the_lan_through_the_router(site: Site) -> None:
    server = serving(site.nodes[0])
    with site.remote.inside(), socket.create_connection(("10.79.0.11", 80), timeout=2) as connection:
        assert connection.getsockname()[0] == "10.88.0.2"
    with server:
        accepted, peer = server.accept()
        accepted.close()
    assert peer[0] == "10.88.0.2", "the router translates no address"


def test_the_remote_client_reaches_the_lan_by_ipv6_too(site: Site) -> None:
    with site.nodes[0].inside():
        server = socket.create_server(("fd00:79::11", 80), family=socket.AF_INET6)
    with server, site.remote.inside(), socket.create_connection(("fd00:79::11", 80), timeout=5) as connection:
        assert connection.getsockname()[0] == "fd00:88::2"


def test_a_forgotten_neighbour_is_asked_for_again(site: Site) -> None:
    with serving(site.nodes[0]), site.client.inside():
        socket.create_connection(("10.79.0.11", 80), timeout=2).close()
    assert "10.79.0.11" in site.client.ip("neigh")
    site.client.forget_neighbours()
    assert "lladdr" not in site.client.ip("neigh", "show", "10.79.0.11")


def test_one_neighbour_is_forgotten_and_no_other(site: Site) -> None:
    for node in site.nodes[:2]:
        with serving(node), site.client.inside():
            socket.create_connection((node.address(), 80), timeout=2).close()
    first, second = (node.address() for node in site.nodes[:2])
    site.client.forget_neighbours(first)
    assert "lladdr" not in site.client.ip("neigh", "show", first)
    assert "lladdr" in site.client.ip("neigh", "show", second)


def test_a_socket_made_inside_stays_on_its_host(site: Site) -> None:
    here = os.stat("/proc/thread-self/ns/net").st_ino
    with site.client.inside():
        assert os.stat("/proc/thread-self/ns/net").st_ino == os.stat(site.client.path).st_ino
    assert os.stat("/proc/thread-self/ns/net").st_ino == here


def test_programs_end_with_their_network() -> None:
    with Network(f"elbt{os.getpid()}x") as network:
        host = network.host("h")
        program = host.popen(["sleep", "600"])
        assert program.pid in processes.in_namespaces([host.path])
    assert program.wait(timeout=5) < 0
    assert not host.path.exists()


def test_what_a_crashed_run_left_is_cleared_by_the_next(network: Network) -> None:
    program = network.host("crashed").popen(["sleep", "600"])
    with Network(network.prefix) as following:
        assert following.names() == []
        assert program.wait(timeout=5) < 0


def carrier(host: Host) -> bool:
    return "NO-CARRIER" not in host.ip("link", "show", "eth0")


def serving(host: Host) -> socket.socket:
    with host.inside():
        return socket.create_server(("0.0.0.0", 80))
