"""The gateways of a host as we read and ask them, of a real kernel."""

import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest

from lab.network import Host, Network
from lab.wait import require, until
from openelb.host.answers import AnswerPort
from openelb.host.routes import DefaultRoutes
from openelb.wire import arp, ndp

ROUTER, SECOND = IPv4Address("10.79.0.1"), IPv4Address("10.80.0.1")
ROUTER_IPV6, HOST_IPV6 = IPv6Address("fd00:79::1"), IPv6Address("fd00:79::11")


@pytest.fixture
def router(network: Network) -> Host:
    return network.host("router")


@pytest.fixture
def host(network: Network, router: Host) -> Host:
    """A host on a LAN with a router, with a default route by it, and a further link."""
    lan, further = network.switch("lan"), network.switch("further")
    host = network.host("n1")
    host.attach(lan, "eth0", "10.79.0.11/24")
    host.attach(further, "eth1", "10.80.0.11/24")
    router.attach(lan, "eth0", f"{ROUTER}/24")
    host.route("default", via=str(ROUTER))
    return host


@pytest.fixture
def routes(host: Host) -> Iterator[DefaultRoutes]:
    with host.inside():
        made = DefaultRoutes()
    yield made
    made.close()


def gateways(host: Host, routes: DefaultRoutes) -> dict[str, list[str]]:
    with host.inside():
        return {link: list(map(str, found)) for link, found in routes.gateways().items()}


def test_the_gateway_of_the_default_route_is_found(host: Host, routes: DefaultRoutes) -> None:
    assert gateways(host, routes) == {"eth0": ["10.79.0.1"]}


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ("route del default", {}),
        ("route replace default via 10.79.0.2", {"eth0": ["10.79.0.2"]}),
        ("route add default via 10.80.0.1 metric 100", {"eth0": ["10.79.0.1"], "eth1": ["10.80.0.1"]}),
        (
            "route replace default nexthop via 10.79.0.2 nexthop via 10.80.0.1 nexthop via 10.79.0.1",
            {"eth0": ["10.79.0.1", "10.79.0.2"], "eth1": ["10.80.0.1"]},
        ),
        ("link set eth0 down", {}),
        ("addr flush dev eth0", {}),
        ("route add 10.99.0.0/16 via 10.80.0.1", {"eth0": ["10.79.0.1"]}),
        ("route add default via 10.80.0.1 table 100", {"eth0": ["10.79.0.1"]}),
        ("route replace default dev eth0", {}),
        ("-6 route add default via fe80::1 dev eth1", {"eth0": ["10.79.0.1"], "eth1": ["fe80::1"]}),
        ("-6 route add 2001:db8::/32 via fe80::1 dev eth1", {"eth0": ["10.79.0.1"]}),
    ],
)
def test_a_change_is_seen(host: Host, routes: DefaultRoutes, change: str, after: dict[str, list[str]]) -> None:
    assert gateways(host, routes)
    host.ip(*change.split())
    assert gateways(host, routes) == after


def test_a_way_by_an_object_of_its_own_is_found(host: Host, routes: DefaultRoutes) -> None:
    for change in ("route del default", "nexthop add id 7 via 10.80.0.1 dev eth1", "route add default nhid 7"):
        host.ip(*change.split())
    assert gateways(host, routes) == {"eth1": ["10.80.0.1"]}


def answers(port: AnswerPort) -> list[IPv4Address]:
    return [said.address for frame in port.receive() if (said := arp.answer(frame)) is not None]


def test_a_router_answers_our_question_and_nothing_else_is_heard(host: Host) -> None:
    with host.inside():
        port, deaf = AnswerPort("eth0", [ROUTER]), AnswerPort("eth0", [SECOND])
    mac, sender = bytes.fromhex(host.mac().replace(":", "")), IPv4Address("10.79.0.11")
    assert answers(port) == []
    assert port.send(arp.question(ROUTER, mac=mac, sender=sender))
    until(lambda: require(answers(port) == [ROUTER], "no answer"), what="the router to answer", timeout=5, every=0.01)
    host.who_has(str(ROUTER))
    time.sleep(0.1)
    assert answers(deaf) == []
    for each in (port, deaf):
        each.close()


def test_a_router_answers_our_question_by_neighbour_discovery(host: Host, router: Host) -> None:
    for each, own in ((host, HOST_IPV6), (router, ROUTER_IPV6)):
        each.ip("addr", "add", f"{own}/64", "dev", "eth0", "nodad")
    with host.inside():
        port = AnswerPort("eth0", [ROUTER_IPV6])
    mac = bytes.fromhex(host.mac().replace(":", ""))
    for to in (None, bytes.fromhex(router.mac().replace(":", ""))):
        assert port.send(ndp.question(ROUTER_IPV6, mac=mac, sender=HOST_IPV6, to=to))
        until(lambda: require(ROUTER_IPV6 in heard(port), "no answer"), what="an answer", timeout=5, every=0.01)
    port.close()


def heard(port: AnswerPort) -> list[IPv6Address]:
    return [said.address for frame in port.receive() if (said := ndp.assertion(frame)) is not None]


def test_a_link_that_is_gone_is_an_error(host: Host) -> None:
    with host.inside():
        port = AnswerPort("eth1", [SECOND])
        host.ip("link", "del", "eth1")
        with pytest.raises(OSError, match=r"."):
            list(port.receive())
        port.close()
        with pytest.raises(OSError, match="No such device"):
            AnswerPort("eth1", [SECOND])
