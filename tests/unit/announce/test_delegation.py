"""Which addresses the kernel is to answer for, and what a link's thread does about those."""

import logging
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from openelb.announce.delegation import delegated
from openelb.host.state_file import StateFile
from openelb.model.announcements import Claim, beyond
from openelb.model.layer2 import AnsweredBy, Layer2Choices
from openelb.wire.arp import Silence
from tests.fakes.ports import answer, question
from tests.unit.announce.test_layer2 import A, B, World, announced
from tests.unit.node import World as Node

KERNEL, AUTO = (Layer2Choices(answer=by) for by in (AnsweredBy.KERNEL, AnsweredBy.AUTO))
PATIENT = Layer2Choices(answer=AnsweredBy.KERNEL, restart_grace=10)
PLAIN = Claim(A, "eth0")


def claim(address: IPv4Address | IPv6Address = A, choices: Layer2Choices = KERNEL, *, link: str = "eth0") -> Claim:
    return Claim(address, link, choices=choices)


# Which.


def test_the_kernel_has_the_addresses_whose_pools_say_so() -> None:
    gained = [claim(A), claim(B, PATIENT), claim(A, AUTO, link="eth1"), Claim(B, "eth1")]
    assert delegated({}, gained, []) == {"eth0": {A: 3, B: 10}, "eth1": {A: 3}}


def test_ipv6_stays_with_the_process() -> None:
    assert delegated({}, [claim(IPv6Address("2001:db8::10"))], []) == {}


def test_what_goes_is_no_longer_the_kernels() -> None:
    before = delegated({}, [claim(A), claim(B)], [])
    assert delegated(before, [], [claim(A)]) == {"eth0": {B: 3}}
    assert delegated(before, [], [claim(A), claim(B)]) == {}
    assert delegated(before, [PLAIN], [claim(A)]) == {"eth0": {B: 3}}
    assert delegated(before, [claim(A, PATIENT)], [claim(A)]) == {"eth0": {A: 10, B: 3}}


def test_where_nothing_changes_the_graces_are_the_very_same() -> None:
    before = delegated({}, [claim(A), claim(A, link="eth1")], [])
    assert delegated(before, [PLAIN], [])["eth0"] is before["eth0"]
    assert delegated(before, [claim(B, link="eth1")], [])["eth0"] is before["eth0"]


def test_another_choice_is_no_other_place() -> None:
    assert beyond(frozenset({claim(A), claim(B)}), frozenset({PLAIN})) == {claim(B)}
    assert beyond(frozenset({claim(A)}), frozenset({Claim(A, "eth1")})) == {claim(A)}


# On a link.


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.layer2.stop()


def test_what_the_kernel_answers_is_announced_and_not_answered_here(world: World) -> None:
    world.apply(claim(A), Claim(B, "eth0"))
    assert announced(A) in world.eth0.settle()
    assert world.eth0.delegated == {A: 3}
    assert world.eth0.admitted == {B}, "questions for it do not even wake the process"
    assert world.eth0.deliver(question(A), question(B)) == [answer(B)]
    assert world.layer2.counts["eth0"].arp.dropped[Silence.DELEGATED] == 1


def test_with_each_renewal_the_kernel_is_told(world: World) -> None:
    world.apply(claim(A))
    world.eth0.settle()
    world.eth0.delegated, world.eth0.delegated_answers = {}, 7
    world.apply(claim(A), valid_for=2000)
    world.eth0.settle()
    assert world.eth0.delegated == {A: 3}
    assert world.layer2.counts["eth0"].by_kernel == 7


def test_where_the_kernel_refuses_the_process_answers(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.apply(Claim(B, "eth0"))
    world.eth0.settle()
    world.eth0.refusal = "it may not"
    for valid_for in range(1000, 1010):
        world.apply(claim(A), valid_for=valid_for)
        world.eth0.settle()
    assert world.eth0.deliver(question(A)) == [answer(A)]
    assert world.eth0.admitted == {A}
    told = [message for message in caplog.messages if "kernel" in message]
    assert told == ["the kernel does not answer on eth0, so this process does: it may not"]
    world.eth0.refusal = ""
    world.apply(claim(A))
    world.eth0.settle()
    assert world.eth0.deliver(question(A)) == []
    assert caplog.messages[-1] == "the kernel answers on eth0"


def test_another_choice_of_the_pool_is_followed_without_a_word(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.apply(PLAIN)
    world.eth0.settle()
    caplog.set_level(logging.INFO)
    world.apply(claim(A))
    assert world.eth0.settle() == [], "it is announced already"
    assert world.eth0.delegated == {A: 3}
    world.apply(PLAIN)
    world.eth0.settle()
    assert world.eth0.delegated == {}
    assert world.eth0.deliver(question(A)) == [answer(A)]
    assert caplog.messages == []


def test_a_loop_that_hangs_is_not_waited_for_by_the_kernel(world: World) -> None:
    world.apply(claim(A, PATIENT), valid_for=4)
    world.eth0.settle()
    world.now += 5
    world.eth0.wake()
    world.eth0.settle()
    assert world.eth0.delegated == {}
    world.apply(claim(A, PATIENT), valid_for=4)
    world.eth0.settle()
    assert world.eth0.delegated == {A: 10}


@pytest.mark.parametrize("kept", [False, True])
def test_who_stops_leaves_to_the_kernel_what_it_is_told_to(world: World, kept: bool) -> None:
    world.apply(claim(A))
    world.eth0.settle()
    world.layer2.stop(kept=kept)
    assert world.eth0.kept is kept


def test_a_link_that_is_left_is_left_by_the_kernel_too(world: World) -> None:
    world.apply(claim(A), claim(A, link="eth1"))
    world.apply(claim(A, link="eth1"))
    assert world.eth0.closed
    assert not world.eth0.kept


# A whole speaker.


async def test_a_restart_leaves_answers_to_the_kernel_and_a_departure_does_not() -> None:
    for leaves in (False, True):
        node = Node()
        await node.look()
        if leaves:
            await node.speaker.hand_over(sleep=at_once)
        else:
            node.speaker.stop()
        assert node.ports["eth0"].kept is not leaves


async def at_once(_seconds: float) -> None:
    """Sleep for no time."""


def test_a_successor_knows_what_the_kernel_answers(tmp_path: Path) -> None:
    kept = frozenset({claim(A, PATIENT), Claim(B, "eth0")})
    StateFile(tmp_path / "state").keep(kept, valid_for=4)
    left = StateFile(tmp_path / "state").left()
    assert left is not None
    assert left.claims == kept
