"""Two speakers that hear each other: of each, a renewal reaches both while it is fit, as its Lease is renewed."""

from dataclasses import dataclass, field

from tests.unit.node import ME, OTHER, World

STEP = 0.1
"""Seconds between two looks: the rest that a speaker keeps."""

RENEWED_EVERY = 10
"""Steps from one renewal to the next: a second."""


@dataclass
class Pair:
    """The one that wins the address, and the other."""

    winner: World = field(default_factory=lambda: World(ME))
    peer: World = field(default_factory=lambda: World(OTHER))
    steps: int = 0

    async def step(self) -> tuple[bool, bool]:
        """A tenth of a second for both. Returns whether the winner answers, and whether the peer does."""
        for world in (self.winner, self.peer):
            world.now += STEP
        if self.steps % RENEWED_EVERY == 0:
            self.renew(*(world.me for world in (self.winner, self.peer) if world.speaker.is_fit()))
        self.steps += 1
        for world in (self.winner, self.peer):
            await world.look()
        return self.winner.answers(), self.peer.answers()

    def renew(self, *nodes: str) -> None:
        """These renew, and both hear of it, and of what each holds."""
        holds = {world.me: world.speaker.holds for world in (self.winner, self.peer)}
        for world in (self.winner, self.peer):
            world.renew(*nodes, holds=holds)

    async def run(self, seconds: float) -> list[tuple[bool, bool]]:
        """What `step` returned, step by step."""
        return [await self.step() for _ in range(round(seconds / STEP))]

    def end(self) -> None:
        for world in (self.winner, self.peer):
            world.layer2.stop()
