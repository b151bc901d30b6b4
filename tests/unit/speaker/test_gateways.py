"""A speaker asks the gateways of its links, and tells what has changed."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_interface

import pytest

from openelb.announce.gateways import LOST_AFTER
from openelb.model.addresses import Address
from openelb.model.cluster import Link
from openelb.speaker.gateways import ANSWERS_WITHIN, EVERY, GatewayWatch
from openelb.wire import arp, ndp
from openelb.wire.arp import Request
from openelb.wire.ndp import Solicitation

ROUTER, MAC = IPv4Address("192.0.2.1"), bytes.fromhex("02005e005308")
ETH0 = Link("eth0", (ip_interface("10.0.0.11/8"), ip_interface("192.0.2.11/24")), "02:00:5e:00:53:01")
ETH1 = Link("eth1", (ip_interface("fd00::11/64"),), "02:00:5e:00:53:02")


@dataclass
class Wire:
    """A link with a router that answers, or does not."""

    asked: list[Request | Solicitation] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    router: bool = True
    room: bool = True
    broken: bool = False
    closed: bool = False

    def send(self, frame: bytes) -> bool:
        if self.broken:
            raise OSError(100, "Network is down")
        if not self.room:
            return False
        question = ndp.parse(frame) if ndp.is_ipv6(frame) else arp.parse(frame)
        assert isinstance(question, Request | Solicitation)
        self.asked.append(question)
        if self.router and isinstance(question, Request):
            self.answers.append(arp.reply(question, mac=MAC))
        if self.router and isinstance(question, Solicitation):
            self.answers.append(ndp.reply(question, mac=MAC, router=True))
        return True

    def receive(self) -> Iterable[bytes]:
        if self.broken:
            raise OSError(100, "Network is down")
        while self.answers:
            yield self.answers.pop(0)

    def close(self) -> None:
        self.closed = True


@dataclass
class World:
    """A host with a default route by eth0."""

    links: tuple[Link, ...] = (ETH0, ETH1)
    used: frozenset[str] = frozenset({"eth0", "eth1"})
    routes: dict[str, tuple[Address, ...]] = field(default_factory=lambda: {"eth0": (ROUTER,)})
    wires: list[Wire] = field(default_factory=list)
    make: Callable[[], Wire] = Wire
    changes: int = 0
    now: float = 0.0

    def __post_init__(self) -> None:
        self.watch = GatewayWatch(
            self, self.port, lambda: self.links, lambda: self.used, self.change, clock=lambda: self.now
        )

    def gateways(self) -> dict[str, tuple[Address, ...]]:
        return self.routes

    def port(self, link: str, gateways: Iterable[Address]) -> Wire:
        self.wires.append(self.make())
        return self.wires[-1]

    def change(self) -> None:
        self.changes += 1

    def rounds(self, count: int = 1) -> None:
        for _ in range(count):
            self.now += EVERY
            self.watch.ask()
            self.watch.judge()

    def dead(self, *, dead: bool = True) -> None:
        self.wires[-1].router = not dead


def test_a_gateway_is_lost_and_back_and_its_link_says_so(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.rounds(2)
    assert (world.watch.up, world.changes) == ({"eth0": True}, 0)
    world.dead()
    world.rounds(LOST_AFTER)
    assert (world.watch.up, world.changes) == ({"eth0": False}, 1)
    assert [link.gateway_lost for link in world.watch.mark(world.links)] == [True, False]
    assert "the gateway 192.0.2.1 on eth0 has left 3 questions unanswered" in caplog.text
    world.dead(dead=False)
    with caplog.at_level(logging.INFO):
        world.rounds()
    assert (world.watch.up, world.changes) == ({"eth0": True}, 2)
    assert "the gateway on eth0 answers again" in caplog.messages


def test_it_is_asked_by_the_address_of_its_own_network() -> None:
    world = World()
    world.rounds(3)
    assert world.wires[0].asked == [Request(bytes.fromhex("02005e005301"), IPv4Address("192.0.2.11"), ROUTER)] * 3


@pytest.mark.parametrize(
    "facts",
    [
        {"used": frozenset({"eth1"})},
        {"links": (ETH1,)},
        {"routes": {}},
        {"routes": {"eth1": (ROUTER,)}},
    ],
    ids=["nothing to announce there", "the link is away", "no route", "no IPv4 address"],
)
def test_where_there_is_nothing_to_ask_nothing_is_asked(facts: dict[str, object]) -> None:
    world = World(**facts)
    world.rounds(5)
    assert (world.wires, world.watch.up, world.watch.lost) == ([], {}, frozenset())


def test_where_there_is_no_ipv4_the_gateway_of_ipv6_counts_and_is_asked_by_the_address_of_its_network(
    caplog: pytest.LogCaptureFixture,
) -> None:
    six = IPv6Address("fe80::1")
    eth0 = Link("eth0", (ip_interface("fd00::11/64"), ip_interface("fe80::11/64")), "02:00:5e:00:53:01")
    world = World(links=(eth0,), routes={"eth0": (six,)})
    world.rounds()
    assert world.wires[0].asked == [Solicitation(bytes.fromhex("02005e005301"), IPv6Address("fe80::11"), six)]
    assert world.watch.up == {"eth0": True}
    world.dead()
    world.rounds(LOST_AFTER)
    assert world.watch.lost == {"eth0"}
    assert "the gateway fe80::1 on eth0 has left 3 questions unanswered" in caplog.text


def test_a_link_that_has_lost_one_of_two_families_has_lost_its_gateway() -> None:
    six = IPv6Address("fd00::1")
    both = Link("eth0", (*ETH0.addresses, ip_interface("fd00::11/64")), ETH0.mac)
    world = World(links=(both,), routes={"eth0": (ROUTER, six)})
    world.rounds()
    assert len(world.wires) == 2
    world.dead()
    world.rounds(LOST_AFTER)
    assert (world.watch.lost, world.watch.up) == ({"eth0"}, {"eth0": False})


def test_another_gateway_has_a_socket_of_its_own() -> None:
    world = World()
    world.rounds()
    world.routes = {"eth0": (IPv4Address("192.0.2.254"),)}
    world.rounds()
    assert [wire.closed for wire in world.wires] == [True, False]


def test_a_link_that_breaks_is_begun_with_again_and_loses_no_gateway_by_it() -> None:
    world = World()
    world.rounds()
    world.wires[0].broken = True
    world.rounds(2)
    assert [wire.closed for wire in world.wires] == [True, False]
    assert world.watch.up == {"eth0": True}


def test_a_question_for_which_there_is_no_room_does_not_count() -> None:
    world = World()
    world.rounds()
    world.dead()
    world.wires[0].room = False
    world.rounds(2 * LOST_AFTER)
    assert world.watch.lost == frozenset()


def test_a_socket_that_cannot_be_had_is_tried_again() -> None:
    def refuse() -> Wire:
        raise PermissionError(1, "layer2 needs the capability NET_RAW")

    world = World(make=refuse)
    world.rounds()
    world.make = Wire
    world.rounds()
    assert world.watch.up == {"eth0": True}


def test_a_gateway_that_comes_and_goes_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            world.rounds()
            world.dead()
            world.rounds(LOST_AFTER)
            world.dead(dead=False)
    assert len(caplog.messages) == 2


async def test_it_asks_once_a_second_and_looks_for_answers_soon() -> None:
    slept: list[float] = []

    class Enough(Exception):
        pass

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 4:
            raise Enough

    world = World()
    with pytest.raises(Enough):
        await world.watch.run(sleep)
    assert slept == [ANSWERS_WITHIN, EVERY - ANSWERS_WITHIN] * 2
    assert len(world.wires[0].asked) == 2
    assert world.wires[0].closed
