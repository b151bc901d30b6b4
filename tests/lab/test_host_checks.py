"""Settings of a host as we read them, on hosts whose settings the test makes."""

import socket
from contextlib import closing

import pytest

from lab.network import Host, Network
from lab.site import Site
from openelb.host import checks
from openelb.plan.hosting import GOSSIP, Trouble, troubles


@pytest.fixture
def host(network: Network) -> Host:
    """A host with two interfaces; the default route goes by the first."""
    first, second = network.switch("lan"), network.switch("other")
    host = network.host("n1")
    host.attach(first, "eth0", "10.79.0.11/24")
    host.attach(second, "eth1", "10.80.0.11/24")
    host.route("default", "10.79.0.1")
    for name in ("all", "eth0", "eth1"):
        host.write_settings({f"net/ipv4/conf/{name}/rp_filter": "0", f"net/ipv4/conf/{name}/arp_ignore": "0"})
    return host


def found(host: Host) -> list[tuple[Trouble, str]]:
    with host.inside():
        settings = checks.read(["eth0", "eth1"], checks.taken([GOSSIP]))
    return list(troubles(settings, ["eth0", "eth1"], ["eth0", "eth1"]))


def test_a_host_as_most_are_has_no_trouble(host: Host) -> None:
    assert found(host) == []


def test_with_ipvs_the_kernel_must_be_told_not_to_answer(host: Host) -> None:
    host.ip("link", "add", "kube-ipvs0", "type", "bridge")  # kube-proxy makes a dummy
    assert found(host) == [(Trouble.STRICT_ARP, "")]
    host.write_settings({"net/ipv4/conf/all/arp_ignore": "1"})
    assert found(host) == []


def test_the_kernel_really_answers_for_addresses_of_kube_ipvs0_until_it_is_told_not_to(site: Site) -> None:
    node = site.nodes[0]
    node.ip("link", "add", "kube-ipvs0", "type", "bridge")  # kube-proxy makes a dummy
    node.ip("addr", "add", "10.79.0.200/32", "dev", "kube-ipvs0")  # and stays down, as kube-proxy has it
    assert site.client.who_has("10.79.0.200") == {node.mac()}
    node.write_settings({"net/ipv4/conf/all/arp_ignore": "1"})
    assert site.client.who_has("10.79.0.200") == frozenset()


@pytest.mark.parametrize("name", ["all", "eth1"])
def test_strict_reverse_paths_count_where_the_default_route_goes_elsewhere(name: str, host: Host) -> None:
    host.write_settings({f"net/ipv4/conf/{name}/rp_filter": "1"})
    assert found(host) == [(Trouble.REVERSE_PATH, "eth1")]
    host.write_settings({"net/ipv4/conf/eth1/rp_filter": "2"})
    assert found(host) == []


def test_a_port_that_another_load_balancer_has_is_seen_and_left_alone(host: Host) -> None:
    with host.inside():
        other = socket.create_server(("", GOSSIP))
    with closing(other):
        assert found(host) == [(Trouble.ANOTHER, "")]
    assert found(host) == []


def test_a_link_that_is_not_there_any_more_is_left_out(host: Host) -> None:
    with host.inside():
        assert checks.read(["eth7"]).arp_ignore == {}
