"""A speaker that starts where another has been just before: it goes on with what that one announced."""

import logging
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from openelb.host.state_file import Left
from openelb.kube.errors import Unreachable
from openelb.model.announcements import Claim
from openelb.model.cluster import Link, Protocol
from openelb.plan.liveness import TTL_SECONDS
from openelb.process.runtime import Progress
from openelb.wire import arp
from openelb.wire.arp import Operation
from tests.fakes.ports import OURS
from tests.unit.builders import pool
from tests.unit.node import ADDRESS, World


@dataclass
class Start:
    """The first seconds of a speaker, with the cluster away until the test says."""

    world: World
    links: tuple[Link, ...] = (Link("eth0", ()), Link("eth1", ()))

    def __post_init__(self) -> None:
        self.progress = Progress(self.world.clock)
        self.answered: list[bool] = []
        self.answered_at = math.inf

    async def wait(self, *gaps: float) -> None:
        """Begin, with the cluster away for these times, one after the other. Whether it answers is noted before each of them
        and at the end.
        """
        passing = iter((0.0, *gaps) if gaps else ())
        began = False

        async def synced() -> None:
            nonlocal began
            if began:
                self.answered.append(self.world.answers())
            began = True
            gap = next(passing, None)
            if gap is None:
                return
            self.world.now += gap
            raise TimeoutError  # as when the time is over for which it is waited

        inheritance = self.world.inheritance(self.links)
        await self.world.speaker.carry_on(inheritance, synced, lambda: self.answered_at, self.progress)


@asynccontextmanager
async def successor(directory: Path, *, after: float) -> AsyncIterator[Start]:
    """A speaker that starts so long after the last look of one that won the address."""
    before = World(file=directory / "state")
    await before.look()
    before.speaker.stop()
    world = World(file=before.file, now=before.now + after)
    try:
        yield Start(world)
    finally:
        world.layer2.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A speaker that keeps what it announces in a file."""
    world = World(file=tmp_path / "state")
    yield world
    world.layer2.stop()


async def test_a_successor_in_time_answers_at_once_and_until_the_cluster_has_been_read(tmp_path: Path) -> None:
    async with successor(tmp_path, after=TTL_SECONDS - 0.5) as start:
        await start.wait(*[1.0] * 60)
        assert start.answered == [True] * 61
        await start.world.look()
        assert start.world.answers()


async def test_while_it_waits_for_the_cluster_its_loop_makes_steps(tmp_path: Path) -> None:
    async with successor(tmp_path, after=60.0) as start:
        await start.wait(*[1.0] * 60)
        assert start.progress.at == start.world.now


async def test_what_it_goes_on_with_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with successor(tmp_path, after=1.0) as start:
        with caplog.at_level(logging.INFO):
            await start.wait(*[1.0] * 60)
            await start.world.look()
    assert caplog.messages == [
        "going on with 1 of 1 addresses of the speaker before this one",
        f"answering for {ADDRESS} on eth0: the speaker before this one did",
    ]


async def test_its_own_file_is_good_for_a_third(tmp_path: Path) -> None:
    async with successor(tmp_path, after=1.0) as start:
        await start.wait(*[1.0] * 60)
        start.world.layer2.stop()
        third = Start(World(file=start.world.file, now=start.world.now + 1.0))
        await third.wait(1.0)
        assert third.answered == [True, True]
        third.world.layer2.stop()


async def test_a_successor_that_is_late_is_silent_until_the_cluster_has_been_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with successor(tmp_path, after=TTL_SECONDS + 3.5) as start:
        with caplog.at_level(logging.INFO):
            await start.wait(*[1.0] * 10)
        assert start.answered == [False] * 11
        assert caplog.messages == [
            "the speaker before this one was there 7.5 s ago, so others may have taken over: silent until the cluster "
            "has been read"
        ]
        await start.world.look()
        assert start.world.answers()


async def test_where_the_cluster_is_there_at_once_the_plan_alone_rules(tmp_path: Path) -> None:
    async with successor(tmp_path, after=1.0) as start:
        start.world.see(pool())
        await start.wait()
        await start.world.look()
        assert not start.world.ports


async def test_the_plan_takes_away_what_the_file_said(tmp_path: Path) -> None:
    async with successor(tmp_path, after=1.0) as start:
        await start.wait(1.0)
        assert start.world.answers()
        start.world.see(pool())
        await start.world.look()
        assert not start.world.answers()


async def test_what_it_goes_on_with_is_silent_when_its_loop_hangs(tmp_path: Path) -> None:
    async with successor(tmp_path, after=1.0) as start:
        await start.wait(1.0)
        assert start.world.answers(after=TTL_SECONDS - 0.5)
        assert not start.world.answers(after=0.5)


async def test_after_a_pause_it_does_not_go_on_with_what_it_found(tmp_path: Path) -> None:
    async with successor(tmp_path, after=1.0) as start:
        await start.wait(1.0, TTL_SECONDS + 1.0, 1.0, 1.0)
        assert start.answered == [True, True, False, False, False]


async def test_the_neighbours_are_told_anew_when_the_cluster_is_back(tmp_path: Path) -> None:
    async with successor(tmp_path, after=1.0) as start:
        await start.wait(*[1.0] * 10)
        start.world.ports["eth0"].settle()
        await start.world.look()
        assert arp.announcement(ADDRESS, Operation.REQUEST, mac=OURS) in start.world.ports["eth0"].settle()


async def test_a_link_that_is_not_there_any_more_is_left_out(tmp_path: Path) -> None:
    async with successor(tmp_path, after=1.0) as start:
        start.links = (Link("eth1", ()),)
        await start.wait(1.0)
        assert not start.world.ports


async def test_what_no_announcer_here_can_announce_is_left_out(world: World) -> None:
    world.state.keep(frozenset({Claim(ADDRESS, "eth0", Protocol.VIP)}), valid_for=4.0)
    await Start(world).wait(1.0)
    assert not world.ports


async def test_a_file_from_the_future_is_of_no_use(world: World) -> None:
    world.state.keep(frozenset({Claim(ADDRESS, "eth0")}), valid_for=3600.0)
    await Start(world).wait(1.0)
    assert not world.ports


async def test_who_hands_over_leaves_nothing_to_a_successor(world: World) -> None:
    await world.look()
    found = []

    async def sleep(seconds: float) -> None:
        found.append(world.state.left())

    await world.speaker.hand_over(sleep)
    assert [*found, world.state.left()] == [None, None]


async def test_who_cannot_tell_the_cluster_that_it_leaves_leaves_its_addresses_to_a_successor(world: World) -> None:
    await world.look()
    world.stored.away = True
    with pytest.raises(Unreachable):
        await world.speaker.hand_over()
    assert world.state.left() == Left(frozenset({Claim(ADDRESS, "eth0")}), valid_for=TTL_SECONDS)


async def test_who_is_silent_after_a_pause_leaves_nothing_to_go_on_with(world: World) -> None:
    await world.look()
    await world.look(after=TTL_SECONDS + 1)
    assert world.state.left() == Left(frozenset(), valid_for=TTL_SECONDS)
