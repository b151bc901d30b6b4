"""Claims become answers on links: threads started, told and stopped, on links of the test's own."""

import logging
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from openelb.announce.layer2 import TOLD_ONE_BY_ONE, Layer2
from openelb.announce.rivals import Manners, Rival
from openelb.model.announcements import Claim
from openelb.model.layer2 import AnsweredBy, Layer2Choices, OnConflict
from openelb.model.ranges import EVERYTHING
from openelb.wire import arp, ndp
from openelb.wire.arp import Operation, Silence
from tests.fakes.ports import OURS, PATIENCE, FakePort, advertisement, answer, question, solicitation

OTHER = bytes.fromhex("02005e005302")
A, B = IPv4Address("192.0.2.10"), IPv4Address("192.0.2.11")
SIX = IPv6Address("2001:db8::10")
SIX0 = Claim(SIX, "eth0")
A0, B0, A1 = Claim(A, "eth0"), Claim(B, "eth0"), Claim(A, "eth1")


@dataclass
class World:
    """A time and links, with the announcer under test."""

    now: float = 0.0
    gone: frozenset[str] = frozenset()
    ports: dict[str, FakePort] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layer2 = Layer2(self._port, clock=lambda: self.now)

    def _port(self, link: str) -> FakePort:
        self.ports[link] = FakePort(is_there=link not in self.gone)
        return self.ports[link]

    def apply(self, *claims: Claim, valid_for: float = 1000.0, announcement_round: int = 0) -> None:
        self.layer2.apply(frozenset(claims), valid_until=self.now + valid_for, announcement_round=announcement_round)

    @property
    def eth0(self) -> FakePort:
        return self.ports["eth0"]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.layer2.stop()


def announced(address: IPv4Address = A, *, mac: bytes = OURS) -> bytes:
    return arp.announcement(address, Operation.REQUEST, mac=mac)


def test_a_claim_is_announced_and_answered(world: World) -> None:
    world.apply(A0)
    assert world.eth0.settle() == [announced()]
    assert world.eth0.deliver(question(A)) == [answer(A)]


def test_only_claimed_addresses_are_let_through(world: World) -> None:
    world.apply(A0, B0)
    world.eth0.settle()
    assert world.eth0.admitted == {A, B}


def test_an_address_that_is_claimed_later_is_let_through_too(world: World) -> None:
    world.apply(A0)
    world.eth0.settle()
    world.apply(A0, B0)
    world.eth0.settle()
    assert world.eth0.admitted == {A, B}


def test_telling_it_again_does_nothing(world: World) -> None:
    world.apply(A0)
    world.eth0.settle()
    before = world.eth0.bells
    world.apply(A0)
    assert world.eth0.bells == before
    assert world.layer2.claims == {A0}


def test_each_link_answers_for_its_own_claims(world: World) -> None:
    world.apply(B0, A1)
    world.eth0.settle()
    world.ports["eth1"].settle()
    assert world.eth0.deliver(question(A), question(B)) == [answer(B)]
    assert world.ports["eth1"].deliver(question(A), question(B)) == [answer(A)]


def test_a_dropped_claim_is_silent(world: World) -> None:
    world.apply(A0, B0)
    world.eth0.settle()
    world.apply(B0)
    world.eth0.settle()
    assert world.eth0.deliver(question(A)) == []
    assert world.layer2.claims == {B0}


def test_a_link_without_claims_is_left(world: World) -> None:
    world.apply(A0, A1)
    world.apply(A1)
    assert world.eth0.closed
    assert not any(thread.name == "layer2-eth0" for thread in threading.enumerate())
    assert world.layer2.claims == {A1}


def test_a_link_that_is_claimed_again_answers_again(world: World) -> None:
    world.apply(A0)
    world.apply()
    world.apply(A0)
    assert world.eth0.settle() == [announced()]


def test_a_claim_that_is_ending_is_answered_and_not_announced(world: World) -> None:
    world.apply(A0)
    world.eth0.settle()
    world.apply(replace(A0, ending=True))
    world.now += 3600.0
    world.apply(replace(A0, ending=True), valid_for=5000.0)
    assert world.eth0.deliver(question(A)) == [answer(A)]
    world.apply(A0)
    assert world.eth0.settle()[:1] == [announced()]


def test_a_link_that_refused_what_was_ending_knows_nothing_of_it_later(world: World) -> None:
    refused = True

    def port(link: str) -> FakePort:
        if refused:
            raise PermissionError(1, "layer2 needs the capability NET_RAW")
        return world._port(link)

    world.layer2 = Layer2(port, clock=lambda: world.now)
    with pytest.raises(PermissionError):
        world.apply(replace(A0, ending=True))
    refused = False
    world.apply(A0)
    assert announced() in world.eth0.settle()


def test_when_it_has_stopped_nothing_is_sent(world: World) -> None:
    world.apply(A0, A1)
    world.layer2.stop()
    assert all(port.closed for port in world.ports.values())
    assert not any(thread.name.startswith("layer2-") for thread in threading.enumerate())


def test_claims_that_are_not_renewed_are_silent_until_they_are(world: World) -> None:
    world.apply(A0, valid_for=4)
    world.eth0.settle()
    world.now = 4.0
    assert world.eth0.deliver(question(A)) == []
    world.apply(A0, valid_for=4)
    assert announced() in world.eth0.settle()
    assert world.eth0.deliver(question(A)) == [answer(A)]


def test_a_link_with_another_mac_is_announced_with_it(world: World) -> None:
    world.apply(A0, valid_for=4)
    world.eth0.settle()
    world.eth0.address = OTHER
    world.now = 1.0
    world.apply(A0, valid_for=4)
    assert world.eth0.settle() == [announced(mac=OTHER)]
    assert world.eth0.deliver(question(A)) == [answer(A, mac=OTHER)]


def test_another_round_announces_again_what_was_held_all_the_time(world: World) -> None:
    world.apply(A0)
    world.ports["eth0"].settle()
    world.now += 10.0
    world.apply(A0)
    world.ports["eth0"].settle()
    world.apply(A0, announcement_round=1)
    assert announced() in world.ports["eth0"].settle()


def test_what_is_done_is_counted(world: World) -> None:
    world.apply(A0)
    world.eth0.settle()
    world.eth0.deliver(question(A), question(B), b"")
    counts = world.layer2.counts["eth0"].arp
    assert (counts.received, counts.answered, counts.announced) == (3, 1, 1)
    assert {why: number for why, number in counts.dropped.items() if number} == {
        Silence.NOT_CLAIMED: 1,
        Silence.SHORT: 1,
    }


def test_both_families_are_answered_and_counted_on_one_link(world: World) -> None:
    world.apply(A0, SIX0)
    assert world.eth0.settle() == [announced(), ndp.announcement(SIX, mac=OURS, router=True)]
    assert world.eth0.admitted == {A, SIX}
    assert world.eth0.deliver(solicitation(SIX), question(A), solicitation(SIX)[:-1]) == [advertisement(SIX), answer(A)]
    counts = world.layer2.counts["eth0"]
    assert (counts.arp.received, counts.arp.answered, counts.arp.announced) == (1, 1, 1)
    assert (counts.ndp.received, counts.ndp.answered, counts.ndp.announced) == (2, 1, 1)
    assert {why: number for why, number in counts.ndp.dropped.items() if number} == {ndp.Silence.SHORT: 1}


def test_a_host_that_ceases_to_forward_says_so_with_the_next_renewal(world: World) -> None:
    world.apply(SIX0, valid_for=4)
    world.eth0.settle()
    world.eth0.router = False
    world.now = 0.5
    world.apply(SIX0, valid_for=4)
    world.eth0.settle()
    assert world.eth0.deliver(solicitation(SIX)) == [advertisement(SIX, router=False)]


def test_counts_outlive_the_claims(world: World) -> None:
    world.apply(A0)
    world.eth0.settle()
    world.apply()
    world.apply(A0)
    world.eth0.settle()
    assert world.layer2.counts["eth0"].arp.announced == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_has_ended_is_followed_by_another(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.apply(A0)
    first = world.eth0
    first.settle()
    (thread,) = (each for each in threading.enumerate() if each.name == "layer2-eth0")
    first.fatal = SystemExit()
    first.wake()
    thread.join(PATIENCE)
    world.apply(A0)
    assert world.eth0 is not first
    assert world.eth0.settle() == [announced()]
    assert world.eth0.deliver(question(A)) == [answer(A)]
    assert caplog.messages == ["the thread that answers on eth0 has ended: another one is started"]
    assert world.layer2.counts["eth0"].reopened == 1


def test_a_thread_makes_a_step_whenever_it_is_told_something(world: World) -> None:
    assert world.layer2.stepped_at == math.inf
    world.apply(A0)
    world.eth0.settle()
    world.now += 10.0
    world.apply(A0)
    world.eth0.settle()
    assert world.layer2.stepped_at == world.now


def test_steps_can_be_asked_for_while_links_come_and_go(world: World) -> None:
    """The thread of heartbeats asks; what it is told may come a little late."""

    class Gone:
        @property
        def stepped_at(self) -> float:
            stations.clear()
            return 7.0

    stations = world.layer2._stations
    stations.update(eth0=Gone(), eth1=Gone())
    assert world.layer2.stepped_at == 7.0


def test_a_flood_of_questions_does_not_hold_announcements_up(world: World) -> None:
    world.apply(A0)
    world.eth0.settle()
    world.now = 0.1
    said = world.eth0.deliver(*[question(A)] * 1000)
    second_form = arp.announcement(A, Operation.REPLY, mac=OURS)
    assert said.count(answer(A)) == 1000
    assert said.index(second_form) < 100


# What the log says.


def test_the_log_says_what_changed_and_why(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        world.layer2.apply(frozenset({A0, B0}), valid_until=9, why={A0: "won over n2, n3"})
        world.layer2.apply(frozenset({A0, B0}), valid_until=10)
        world.layer2.apply(frozenset({B0}), valid_until=11, why={A0: "n2 wins"})
    assert caplog.messages == [
        "answering for 192.0.2.10 on eth0: won over n2, n3",
        "answering for 192.0.2.11 on eth0",
        "no longer answering for 192.0.2.10 on eth0: n2 wins",
    ]


def test_the_log_has_both_families_in_order(world: World, caplog: pytest.LogCaptureFixture) -> None:
    same = Claim(IPv6Address(int(A)), "eth0")
    crowd = [Claim(IPv6Address(int(SIX) + number), "eth0") for number in range(1, TOLD_ONE_BY_ONE)]
    with caplog.at_level(logging.INFO):
        world.apply(SIX0, same, B0, A0)
        world.apply(*crowd, SIX0, same, B0, A0)
        world.apply()
    assert caplog.messages[:4] == [
        "answering for 192.0.2.10 on eth0",
        "answering for 192.0.2.11 on eth0",
        f"answering for {same.address} on eth0",
        "answering for 2001:db8::10 on eth0",
    ]
    assert caplog.messages[-1] == "no longer answering for 23 addresses on eth0, 192.0.2.10 the first"


def test_the_log_says_in_one_line_what_came_or_went_with_many_others(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    many = frozenset(Claim(IPv4Address(int(A) + number), "eth0") for number in range(TOLD_ONE_BY_ONE + 1))
    with caplog.at_level(logging.INFO):
        world.layer2.apply(many, valid_until=9)
        world.layer2.apply(frozenset(), valid_until=9)
    assert caplog.messages == [
        f"answering for 21 addresses on eth0, {A} the first",
        f"no longer answering for 21 addresses on eth0, {A} the first",
    ]


def test_the_log_says_how_long_nothing_was_answered(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.apply(A0, valid_for=4)
    world.now = 7.25
    world.apply(A0, valid_for=4)
    assert caplog.messages == ["nothing was answered on eth0 for 3.2 s: the speaker was held up that long"]


def test_a_link_that_is_gone_is_told_once_and_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    world = World(gone=frozenset({"eth0"}))
    world.apply(A0, A1)
    assert world.eth0.tried.wait(PATIENCE)
    assert world.ports["eth1"].settle() == [announced()]
    assert (world.layer2.claims, world.layer2.troubled) == ({A0, A1}, {"eth0"})
    world.layer2.stop()
    assert caplog.messages == ["cannot answer on eth0: No such device; trying again every 1 s"]


# Other machines.


def test_a_thread_says_which_other_machine_has_an_address_of_ours(world: World) -> None:
    world.layer2.manners = Manners(frozenset({OURS.hex(":")}))
    world.apply(A0)
    world.eth0.settle()
    world.eth0.deliver(announced(mac=OTHER))
    assert world.layer2.counts["eth0"].arp.dropped[Silence.RIVAL] == 1
    world.now += 0.6
    world.eth0.deliver(announced(mac=OTHER))
    assert world.layer2.rivals == {"eth0": {A: Rival(OTHER.hex(":"), OnConflict.DEFEND)}}


def test_what_is_known_of_others_outlives_a_link_that_is_begun_with_again(world: World) -> None:
    world.layer2.manners = Manners(frozenset({OURS.hex(":")}), ((EVERYTHING, OnConflict.YIELD),))
    world.apply(A0)
    world.eth0.settle()
    world.eth0.deliver(announced(mac=OTHER))
    world.now += 0.6
    world.eth0.deliver(announced(mac=OTHER))
    world.apply(A0, announcement_round=1)
    world.eth0.settle()
    assert world.eth0.deliver(question(A)) == []


def test_what_the_kernel_answers_for_is_heard_of_and_left_as_well(world: World) -> None:
    by_kernel = Claim(A, "eth0", choices=Layer2Choices(answer=AnsweredBy.KERNEL))
    world.layer2.manners = Manners(frozenset({OURS.hex(":")}), ((EVERYTHING, OnConflict.YIELD),))
    world.apply(by_kernel)
    world.eth0.settle()
    assert (world.eth0.admitted, world.eth0.named) == (frozenset(), {A})
    world.eth0.deliver(announced(mac=OTHER))
    world.now += 0.6
    world.eth0.deliver(announced(mac=OTHER))
    assert world.eth0.delegated == {}
