"""Leaders are killed and frozen while thousands of Services come and go; a witness holds every version to the promises.

The replicas run outside pods (tests/lab/fire.py says why) with identities that stay when they are started again, as those
of pods do: a killed leader that is started again goes on at once, since its Lease bears its own name.
"""

import asyncio
import random
import signal
import time

from lab.controlplane import ControlPlane
from tests.lab.fire import Fire, at, fire, side_by_side

BATCH = 500
FROZEN, FEW = 30.0, 200
"""Seconds that a leader stands still, and Services that it has begun to serve by then."""
MINUTE, TURN = 60.0, 2.0
"""Seconds that the kills go on, and between two of them; more on a machine so busy that a start takes longer."""
COMING, STAYING = 2000, 400
"""Services that come within the minute; from the 401st on, one goes for each that comes."""


async def test_a_leader_killed_in_the_middle_of_a_batch_of_500_leaves_nothing_undone(
    beside_control_plane: ControlPlane,
) -> None:
    async with fire(beside_control_plane) as burning:
        await begin_a_batch(burning, BATCH)
        burning.replicas.kill("a")
        assert burning.witness.served() < BATCH
        await finished(burning, BATCH)
        assert await burning.leader() == "b"


async def test_a_leader_frozen_for_30_seconds_does_no_harm_when_it_goes_on(beside_control_plane: ControlPlane) -> None:
    async with fire(beside_control_plane) as burning:
        await begin_a_batch(burning, FEW)
        burning.replicas.send("a", signal.SIGSTOP)
        thaw = time.monotonic() + FROZEN
        await side_by_side(burning.users.delete(f"s{number}") for number in range(0, FEW, 2))
        await finished(burning, FEW // 2)
        await at(thaw)
        coming = asyncio.create_task(come(burning, "t", FEW))
        burning.replicas.send("a", signal.SIGCONT)
        await coming
        await finished(burning, FEW // 2 + FEW)
        told = [line.partition(" INFO ")[2] for line in burning.replicas.said("a")]
        assert [line for line in told if " lead" in line and "Lease" not in line][-2:] == [
            "a does not lead any more",
            "b leads; waiting",
        ]
        assert await burning.leader() == "b"


async def test_both_replicas_killed_in_turn_for_a_minute_break_no_promise(beside_control_plane: ControlPlane) -> None:
    async with fire(beside_control_plane) as burning:
        begun, witness, turn = time.monotonic(), burning.witness, max(TURN, burning.start)
        await burning.users.create_pool("left", "10.80.0.0/22")
        await burning.users.create_pool("right", "10.81.0.0/22")
        moving = asyncio.create_task(come_and_go(burning, begun))
        await at(begun + turn)
        given = witness.given()
        for number in range(1, int(MINUTE / turn)):
            name = "ab"[number % 2]
            burning.replicas.kill(name)
            burning.replicas.start(name)
            await at(begun + turn * (number + 1))
            print(f"{time.monotonic() - begun:.0f} s, {number} kills: {witness.state()}", flush=True)
        await moving
        assert witness.given() > given, (
            f"nobody led long enough to give out one address; a start took {burning.start:g} s"
        )
        await finished(burning, STAYING)


async def begin_a_batch(burning: Fire, count: int) -> None:
    """So many Services have been told that they wait, then their pool comes; returns when a tenth of them is served."""
    witness = burning.witness
    await come(burning, "s", count)
    await witness.sees(lambda: sum(bool(s.conditions) for s in witness.of_users()) == count, "Services that wait")
    await burning.users.create_pool("left", "10.80.0.0/22")
    await witness.sees(lambda: witness.served() >= count // 10, "the first addresses")


async def finished(burning: Fire, count: int) -> None:
    """So many Services are there, each has an address, and the ledgers say the same and no more."""
    witness = burning.witness
    await witness.sees(lambda: len(witness.of_users()) == count and witness.at_rest(), "all addresses")


async def come(burning: Fire, prefix: str, count: int) -> None:
    """So many Services."""
    await side_by_side(burning.users.create(f"{prefix}{number}", "left") for number in range(count))


async def come_and_go(burning: Fire, begun: float) -> None:
    """2,000 Services come within the minute; all but the last 400 go again, and now and then one moves to another pool."""
    chance, alive = random.Random(4), list[str]()
    for number in range(COMING):
        await at(begun + number * MINUTE / COMING)
        name = f"s{number}"
        await burning.users.create(name, "left")
        alive.append(name)
        if number % 10 == 0:
            await burning.users.move(chance.choice(alive), chance.choice(("left", "right")))
        if len(alive) > STAYING:
            await burning.users.delete(alive.pop(chance.randrange(len(alive))))
