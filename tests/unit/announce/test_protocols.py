"""Protocols side by side: one that fails is told and tried again, and the others go on."""

import logging
import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

import pytest

from openelb.announce.layer2 import Layer2
from openelb.announce.protocols import Announcers
from openelb.model.announcements import Claim
from openelb.model.cluster import Protocol
from tests.fakes.clock import Clock
from tests.fakes.ports import PATIENCE, FakePort, answer, question

RETRY = 1.5
A = IPv4Address("192.0.2.10")
BY_BGP, BY_VIP = Claim(A, "eth0", Protocol.BGP), Claim(A, "eth0", Protocol.VIP)
BOTH = frozenset({BY_BGP, BY_VIP})


@dataclass
class FakeAnnouncer:
    """Does what it is told, or fails as the test says."""

    claims: frozenset[Claim] = frozenset()
    trouble: Exception | None = None
    stepped_at: float = math.inf
    tried: int = 0
    valid_until: float = 0.0
    why: Mapping[Claim, str] = field(default_factory=dict)

    def apply(
        self, claims: frozenset[Claim], *, valid_until: float, announcement_round: int, why: Mapping[Claim, str]
    ) -> None:
        self.tried += 1
        if self.trouble:
            raise self.trouble
        self.claims, self.valid_until, self.why = claims, valid_until, why

    def stop(self, *, kept: bool = False) -> None:
        if self.trouble:
            raise self.trouble
        self.claims = frozenset()


@dataclass
class World:
    """Two protocols, at a time that goes on when told."""

    clock: Clock = field(default_factory=Clock)
    bgp: FakeAnnouncer = field(default_factory=FakeAnnouncer)
    vip: FakeAnnouncer = field(default_factory=FakeAnnouncer)

    def __post_init__(self) -> None:
        self.announcers = Announcers(
            {Protocol.BGP: self.bgp, Protocol.VIP: self.vip}, lambda failures: RETRY * failures, clock=self.clock
        )

    def apply(self, *, after: float = 0.0) -> None:
        self.clock.now += after
        self.announcers.apply(BOTH, valid_until=self.clock.now + 4)


@pytest.fixture
def world() -> World:
    return World()


def test_each_announces_the_claims_of_its_protocol(world: World) -> None:
    world.apply()
    assert (world.bgp.claims, world.vip.claims) == ({BY_BGP}, {BY_VIP})
    assert world.announcers.claims == BOTH


def test_one_that_fails_stops_no_other(world: World) -> None:
    world.bgp.trouble = OSError(111, "Connection refused")
    world.apply()
    assert world.announcers.claims == {BY_VIP}


def test_a_bug_in_one_stops_no_other(world: World) -> None:
    world.bgp.trouble = KeyError("peer")
    world.apply()
    assert world.announcers.claims == {BY_VIP}


def test_one_that_fails_is_tried_again_ever_more_slowly_and_the_others_are_not_held_up(world: World) -> None:
    world.bgp.trouble = OSError(111, "Connection refused")
    for _ in range(10):
        world.apply(after=1.0)
    assert (world.bgp.tried, world.vip.tried) == (3, 10)  # again after 1.5 and after 3 s, when a look comes
    assert world.vip.valid_until == world.clock.now + 4


def test_one_that_failed_lets_go_at_once_of_what_is_announced_elsewhere(world: World) -> None:
    world.apply()
    world.bgp.trouble = OSError(111, "Connection refused")
    world.apply()
    world.bgp.trouble = None
    world.announcers.apply(frozenset({BY_VIP}), valid_until=world.clock.now + 4)
    assert world.announcers.claims == {BY_VIP}


def test_one_that_works_again_is_told_what_is_so_now(world: World) -> None:
    world.bgp.trouble = OSError(111, "Connection refused")
    world.apply()
    world.bgp.trouble = None
    world.apply(after=RETRY)
    assert world.bgp.claims == {BY_BGP}
    assert world.announcers.states[Protocol.BGP].in_a_row == 0


def test_a_trouble_is_told_once_and_so_is_its_end(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.bgp.trouble = OSError(111, "Connection refused")
    with caplog.at_level(logging.INFO):
        for _ in range(10):
            world.apply(after=10.0)
        world.bgp.trouble = None
        for _ in range(10):
            world.apply(after=20.0)
    assert caplog.messages == [
        "cannot announce by bgp: Connection refused; trying again",
        "announcing by bgp again",
    ]


def test_a_bug_is_told_with_its_place(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.vip.trouble = KeyError("group")
    world.apply()
    assert caplog.messages == ["cannot announce by vip: KeyError: 'group'; trying again"]
    assert caplog.records[0].exc_info


def test_failures_are_counted(world: World) -> None:
    world.bgp.trouble = OSError(111, "Connection refused")
    world.apply()
    world.apply(after=RETRY)
    states = world.announcers.states
    assert (states[Protocol.BGP].failures, states[Protocol.BGP].in_a_row, states[Protocol.VIP].failures) == (2, 2, 0)


def test_when_each_last_did_as_it_was_told_is_known(world: World) -> None:
    world.apply()
    well = world.clock.now
    world.bgp.trouble = OSError(111, "Connection refused")
    world.apply(after=1.0)
    states = world.announcers.states
    assert (states[Protocol.BGP].well_at, states[Protocol.VIP].well_at) == (well, well + 1.0)


def test_the_slowest_thread_counts(world: World) -> None:
    assert world.announcers.stepped_at == math.inf
    world.vip.stepped_at = 7.0
    assert world.announcers.stepped_at == 7.0


def test_one_that_cannot_be_stopped_keeps_no_other_from_it(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.apply()
    world.bgp.trouble = RuntimeError("hangs")
    world.announcers.stop()
    assert world.vip.claims == frozenset()
    assert caplog.messages == ["announcing by bgp cannot be stopped"]


# With the real one of layer 2.


@dataclass
class Links:
    """Links in memory, some of which cannot be begun with."""

    refused: set[str] = field(default_factory=set)
    ports: dict[str, FakePort] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.layer2 = Layer2(self.port, clock=self.clock)
        self.announcers = Announcers({Protocol.LAYER2: self.layer2}, lambda failures: RETRY, clock=self.clock)

    def port(self, link: str) -> FakePort:
        if link in self.refused:
            raise PermissionError(1, "layer2 needs the capability NET_RAW")
        self.ports[link] = FakePort()
        return self.ports[link]

    def apply(self, *names: str) -> None:
        self.announcers.apply(frozenset(Claim(A, link) for link in names), valid_until=self.clock.now + 4)

    def end_thread(self, link: str) -> None:
        """The thread of a link ends as no thread should."""
        self.ports[link].settle()
        (thread,) = (each for each in threading.enumerate() if each.name == f"layer2-{link}")
        self.ports[link].fatal = SystemExit()
        self.ports[link].wake()
        thread.join(PATIENCE)


@pytest.fixture
def links() -> Iterator[Links]:
    links = Links()
    yield links
    links.announcers.stop()


def test_links_go_on_while_another_cannot_be_begun_with(links: Links, caplog: pytest.LogCaptureFixture) -> None:
    links.apply("eth1")
    links.refused = {"eth0"}
    for _ in range(5):
        links.clock.now += 2.0
        links.apply("eth0", "eth1")
    links.ports["eth1"].settle()
    assert links.ports["eth1"].deliver(question(A)) == [answer(A)]
    assert links.announcers.claims == {Claim(A, "eth1")}
    assert caplog.messages == ["cannot announce by layer2: layer2 needs the capability NET_RAW; trying again"]
    links.refused = set()
    links.clock.now += 2.0
    links.apply("eth0", "eth1")
    links.ports["eth0"].settle()
    assert links.ports["eth0"].deliver(question(A)) == [answer(A)]


def test_a_link_that_cannot_be_begun_with_keeps_no_other_from_it(links: Links) -> None:
    links.refused = {"eth0", "eth2"}
    links.apply("eth0", "eth1", "eth2", "eth3")
    assert links.announcers.claims == {Claim(A, "eth1"), Claim(A, "eth3")}
    links.ports["eth3"].settle()
    assert links.ports["eth3"].deliver(question(A)) == [answer(A)]


def test_an_address_that_moves_is_let_go_at_once_while_another_link_cannot_be_begun_with(links: Links) -> None:
    links.apply("eth1")
    links.refused = {"eth0"}
    links.apply("eth0", "eth1")
    links.apply("eth0")
    assert links.announcers.claims == frozenset()
    assert links.ports["eth1"].closed


def test_to_announce_nothing_is_no_proof_that_a_link_works_again(links: Links) -> None:
    links.refused = {"eth0"}
    links.apply("eth0")
    state = links.announcers.states[Protocol.LAYER2]
    for failures in range(2, 5):
        links.clock.now += RETRY
        links.apply()
        assert (state.failures, state.well_at) == (failures, -math.inf)
    links.refused = set()
    links.clock.now += RETRY
    links.apply()
    assert (state.in_a_row, state.well_at) == (0, links.clock.now)
    assert links.ports["eth0"].closed


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_link_whose_thread_has_ended_and_that_cannot_be_begun_with_again_is_not_announced(links: Links) -> None:
    links.apply("eth0", "eth1")
    links.end_thread("eth0")
    links.refused = {"eth0"}
    links.apply("eth0", "eth1")
    assert links.announcers.claims == {Claim(A, "eth1")}
    links.refused = set()
    links.clock.now += RETRY
    links.apply("eth0", "eth1")
    assert links.announcers.claims == {Claim(A, "eth0"), Claim(A, "eth1")}
    links.ports["eth0"].settle()
    assert links.ports["eth0"].deliver(question(A)) == [answer(A)]
