"""What a speaker asks on its links about addresses that may be given out, and what it tells of that."""

from collections import deque
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_interface

import pytest

from openelb.model.addresses import Address, AddressRange
from openelb.model.cluster import Link
from openelb.model.layer2 import Layer2Choices, Probing
from openelb.model.probes import Found, Question
from openelb.model.ranges import Ranges
from openelb.model.snapshot import Snapshot
from openelb.speaker.prober import Prober
from openelb.wire import arp
from tests.unit.builders import pool, snapshot, speaker

OURS, STRANGER = bytes.fromhex("02005e005301"), bytes.fromhex("02005e005309")
FIRST = IPv4Address("192.168.1.0")


@dataclass
class Lan:
    """A link in memory, where some machines have addresses."""

    theirs: dict[IPv4Address, bytes] = field(default_factory=dict)
    is_up: bool = True
    frames: deque[bytes] = field(default_factory=deque)
    asked: list[IPv4Address] = field(default_factory=list)
    admitted: frozenset[Address] = frozenset()
    closed: int = 0

    def open(self) -> None:
        if not self.is_up:
            raise OSError(100, "Network is down")

    def mac(self) -> bytes:
        return OURS

    def admit(self, addresses: frozenset[Address], others: frozenset[Address]) -> None:
        self.admitted = addresses

    def receive(self) -> bytes | None:
        return self.frames.popleft() if self.frames else None

    def send(self, frame: bytes) -> bool:
        if not self.is_up:
            raise OSError(100, "Network is down")
        asked = arp.parse(frame)
        assert isinstance(asked, arp.Request)
        self.asked.append(asked.target)
        if asked.target in self.theirs:
            self.frames.append(arp.reply(asked, mac=self.theirs[asked.target]))
        return True

    def close(self, *, kept: bool = False) -> None:
        self.closed += 1


@dataclass
class World:
    lan: Lan = field(default_factory=Lan)
    now: float = 0.0
    told: list[Found] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.prober = Prober(
            "n1", self._port, self.told.append, self._record, nonce=bytes(6), draw=lambda: 0.0, clock=lambda: self.now
        )

    def _port(self, link: str) -> Lan:
        self.opened.append(link)
        return self.lan

    async def _record(self, *_: object) -> None:
        return

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += self.prober.step()

    def ask(self, count: int = 4, **others: object) -> None:
        self.prober.look(asking(count, **others), frozenset({"n1"}))


def asking(count: int, *, addresses: tuple[str, ...] = ()) -> Snapshot:
    link = Link("eth0", tuple(map(ip_interface, addresses)), OURS.hex(":"))
    facts = snapshot(pool(layer2=Layer2Choices(probe=Probing.FAST)), replace(speaker("n1"), links=(link,)))
    return replace(facts, questions={"eip": (Question(upto(count), 0.0),)})


def upto(count: int) -> Ranges:
    return Ranges.of([AddressRange(FIRST, FIRST + count - 1)])


def test_what_nobody_answers_for_is_told_to_be_free() -> None:
    world = World()
    world.ask()
    world.run(2.0)
    assert world.told[-1] == Found(upto(4))
    assert sorted(world.lan.asked) == sorted([FIRST + number for number in range(4)] * 3)
    assert len(world.told) <= 3


def test_who_answers_is_told_with_the_mac() -> None:
    world = World(Lan({FIRST: STRANGER}))
    world.ask(2)
    world.run(2.0)
    assert world.told[-1] == Found(Ranges.of([AddressRange(FIRST + 1, FIRST + 1)]), {FIRST: STRANGER.hex(":")})


def test_an_address_of_a_node_itself_is_taken_and_nobody_is_asked() -> None:
    world = World()
    world.ask(1, addresses=("192.168.1.0/24",))
    world.run(2.0)
    assert world.told[-1].taken == {FIRST: OURS.hex(":")}
    assert world.lan.asked == []


def test_only_what_is_asked_about_is_let_in() -> None:
    world = World()
    world.ask(2)
    world.run(0.1)
    assert world.lan.admitted == {FIRST, FIRST + 1}


def test_a_link_that_goes_down_takes_its_answers_along_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.ask()
    world.run(2.0)
    world.lan.is_up = False
    world.run(300.0)
    assert world.told[-1] == Found()
    assert "cannot ask on eth0 whether addresses are free: Network is down" in caplog.text
    world.lan.is_up = True
    world.run(3.0)
    assert world.told[-1] == Found(upto(4))


def test_a_link_that_cannot_be_opened_is_given_back_each_time() -> None:
    world = World(Lan(is_up=False))
    world.ask()
    world.run(5.0)
    assert len(world.opened) == world.lan.closed > 1


def test_who_is_to_ask_no_more_gives_its_sockets_back() -> None:
    world = World()
    world.ask()
    world.run(1.0)
    world.prober.look(snapshot(pool(), speaker("n1")), frozenset({"n1"}))
    world.run(1.0)
    assert world.lan.closed == 1
    assert world.told[-1] == Found()


def test_a_thousand_are_told_in_a_few_words() -> None:
    world = World()
    world.prober.look(replace(asking(1), questions={"eip": (Question(upto(256), 0.0),)}), frozenset({"n1"}))
    world.run(5.0)
    assert world.told[-1].free == upto(256)
    assert len(world.told) <= 10
