"""Two speakers that judge each other: who answers when one of them cannot."""

import math
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from openelb.plan.liveness import TTL_SECONDS
from openelb.process.runtime import Progress
from tests.unit.node import ME, OTHER, World
from tests.unit.pair import STEP, Pair


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.end()


async def test_of_two_that_are_well_the_winner_answers_all_the_time(pair: Pair) -> None:
    assert await pair.run(20.0) == [(True, False)] * 200


async def test_who_cannot_announce_leaves_the_address_to_the_other_where_it_stays(pair: Pair) -> None:
    await pair.run(5.0)
    pair.winner.layer2.stop()
    pair.winner.refused = True
    await pair.run(2 * TTL_SECONDS)
    assert set(await pair.run(60.0)) == {(False, True)}
    pair.winner.refused = False
    await pair.run(TTL_SECONDS)
    assert set(await pair.run(10.0)) == {(False, True)}


async def test_who_never_could_announce_leaves_the_address_to_the_other(pair: Pair) -> None:
    pair.winner.refused = True
    await pair.run(TTL_SECONDS)
    assert set(await pair.run(60.0)) == {(False, True)}
    pair.winner.refused = False
    back = await pair.run(10.0)
    assert back[-1] == (False, True)
    assert sum(not (winner or peer) for winner, peer in back) * STEP < 1.0


# A successor that cannot read the cluster.


async def succeed(
    pair: Pair, seconds: int, *, renewed: bool, answered_at: Callable[[], float]
) -> list[tuple[bool, bool]]:
    """The winner is followed by another process at once, which reads nothing for so long. Whether each answers then, step by
    step; `renewed` says whether the renewals of the peer arrive.
    """
    pair.winner.speaker.stop()
    before = pair.winner
    pair.winner = World(ME, file=before.file, now=before.now)
    who: list[tuple[bool, bool]] = []

    async def synced() -> None:
        if len(who) * STEP >= seconds:
            return
        for step in range(10 if who else 1):
            pair.winner.now += STEP
            pair.peer.now += STEP
            if renewed and step == 0:
                pair.peer.renew(OTHER)
            await pair.peer.look()
            who.append((pair.winner.answers(), pair.peer.answers()))
        raise TimeoutError  # as when the time is over for which it is waited

    await pair.winner.speaker.carry_on(pair.winner.inheritance(), synced, answered_at, Progress(pair.winner.clock))
    return who


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Pair]:
    """Of these, the winner keeps what it announces in a file."""
    pair = Pair(World(ME, file=tmp_path / "state"))
    await pair.run(5.0)
    yield pair
    pair.end()


async def test_where_the_server_answers_a_successor_that_never_reads_it_all_ends_when_others_have_taken_over(
    kept: Pair,
) -> None:
    who = await succeed(kept, 60, renewed=True, answered_at=lambda: 1005.0)
    assert who.count((True, True)) * STEP <= TTL_SECONDS
    assert set(who[round(2 * TTL_SECONDS / STEP) :]) == {(False, True)}


async def test_where_the_server_is_silent_a_successor_goes_on_alone(kept: Pair) -> None:
    who = await succeed(kept, 60, renewed=False, answered_at=lambda: math.inf)
    assert set(who[1:]) == {(True, False)}


async def test_a_server_that_comes_back_ends_what_a_successor_goes_on_with(
    kept: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    who = await succeed(kept, 60, renewed=False, answered_at=lambda: 1035.0)
    answered = sum(winner for winner, _ in who) * STEP
    assert answered == pytest.approx(30 + TTL_SECONDS, abs=0.3)
    assert caplog.messages == [
        "the API server answers, and the cluster could not be read within 4 s: silent until it has been, since others "
        "take over"
    ]


# What is left to a successor.


async def test_who_cannot_announce_keeps_nothing_for_a_successor(tmp_path: Path) -> None:
    world = World(ME, file=tmp_path / "state", refused=True)
    await world.look()
    assert world.state.left() is None


async def test_who_lost_fitness_lets_what_it_kept_grow_old(kept: Pair) -> None:
    kept.winner.layer2.stop()
    kept.winner.refused = True
    await kept.run(2 * TTL_SECONDS)
    left = kept.winner.state.left()
    assert left is not None
    assert left.valid_for < 0
