"""Which interface an Eip means, on a real cluster: what is announced is opened from the LAN, and what is wrong is told."""

from collections.abc import Iterator

import pytest

from lab import site
from lab.cluster import Cluster
from lab.wait import require, until
from openelb.model import names
from tests.lab import installed

FOREIGN = "10.123.45.7"
"""An address of a network that no node is in."""


@pytest.mark.parametrize("interface", ["auto", "eth*", "nic7,eth0", f"can_reach:{site.LAN}.1"])
def test_a_page_is_served_on_the_interface_that_is_meant(interface: str, openelb: Cluster) -> None:
    openelb.apply(installed.eip(interface=interface))
    address = installed.serve(openelb, "web")
    assert len(installed.owners(openelb, address)) == 1
    assert "exit 0" in installed.explain(openelb, "web")


def test_an_interface_in_the_network_of_its_addresses_is_nowhere_for_those_of_another(openelb: Cluster) -> None:
    openelb.apply(installed.eip(address=FOREIGN, interface="auto"))
    told = until(lambda: ready(openelb, "False"), what="the Eip to be judged")
    assert told["reason"] == "InterfaceNotFound"
    assert f"{site.LAN}.0/24" in told["message"]


@pytest.fixture
def on_link(openelb: Cluster) -> Iterator[Cluster]:
    """A cluster whose client takes the foreign address to be on the LAN."""
    openelb.client.ip("route", "add", FOREIGN, "dev", "eth0")
    yield openelb
    openelb.client.ip("route", "del", FOREIGN, "dev", "eth0")


def test_addresses_of_a_foreign_network_are_announced_where_the_interface_is_named_with_a_warning(
    on_link: Cluster,
) -> None:
    on_link.apply(installed.eip(address=FOREIGN))
    assert installed.serve(on_link, "web") == FOREIGN
    assert "machines on that network need a route" in ready(on_link, "True")["message"]


def test_the_annotation_of_a_node_names_its_interface_where_the_eip_names_another(openelb: Cluster) -> None:
    node = openelb.node("n2")
    openelb.kubectl("annotate", "node", "n2", f"{names.NODE_ADDRESS}={node.host.address()}")
    try:
        openelb.apply(installed.eip(interface="nic7"))
        address = installed.serve(openelb, "web")
        assert installed.owners(openelb, address) == {"n2"}
        assert "n1 has no interface nic7 that is up" in installed.explain(openelb, "web")
    finally:
        openelb.kubectl("annotate", "node", "n2", f"{names.NODE_ADDRESS}-")
    until(lambda: require(not installed.owners(openelb, address), "n2 goes on"), what="n2 to be silent")


def test_an_excluded_node_hands_its_addresses_over_and_says_why(openelb: Cluster) -> None:
    openelb.apply(installed.eip())
    address = installed.serve(openelb, "web")
    (owner,) = installed.owners(openelb, address)
    openelb.kubectl("label", "node", owner, f"{names.EXCLUDED}=")
    try:
        until(lambda: require(installed.owners(openelb, address) - {owner}, "nobody else"), what="another to answer")
        until(lambda: require(owner not in installed.owners(openelb, address), f"{owner} goes on"), what="its silence")
        assert f"{owner} announces nothing: it has the label {names.EXCLUDED}" in installed.explain(openelb, "web")
        installed.opened(openelb.client, address)
    finally:
        openelb.kubectl("label", "node", owner, f"{names.EXCLUDED}-")


def ready(cluster: Cluster, status: str) -> dict[str, str]:
    """The Eip's condition Ready. Raises `NotYetError` while it has another status."""
    found: dict[str, str] = installed.condition(installed.get_eip(cluster), names.READY)
    require(found["status"] == status, f"it is {found}")
    return found
