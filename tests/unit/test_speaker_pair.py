"""Two speakers that judge each other: who answers when one of them cannot."""

from collections.abc import Iterator

import pytest

from openelb.plan.liveness import TTL_SECONDS
from tests.unit.pair import STEP, Pair


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.end()


async def test_of_two_that_are_well_the_winner_answers_all_the_time(pair: Pair) -> None:
    assert await pair.run(20.0) == [(True, False)] * 200


async def test_who_cannot_announce_leaves_the_address_to_the_other_until_it_can(pair: Pair) -> None:
    await pair.run(5.0)
    pair.winner.layer2.stop()
    pair.winner.refused = True
    await pair.run(2 * TTL_SECONDS)
    assert set(await pair.run(60.0)) == {(False, True)}
    pair.winner.refused = False
    await pair.run(TTL_SECONDS)
    assert set(await pair.run(10.0)) == {(True, False)}


async def test_who_never_could_announce_leaves_the_address_to_the_other(pair: Pair) -> None:
    pair.winner.refused = True
    await pair.run(TTL_SECONDS)
    assert set(await pair.run(60.0)) == {(False, True)}
    pair.winner.refused = False
    back = await pair.run(10.0)
    assert back[-1] == (True, False)
    assert sum(not (winner or peer) for winner, peer in back) * STEP < 1.0
