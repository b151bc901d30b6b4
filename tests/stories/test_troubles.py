"""Whole replicas die, stand still and are refused at random while users change things and watches lag: the promises hold.

What happens is drawn by chance, the same for a seed every time; test_interleaving.py says why not by Hypothesis.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from enum import Enum, auto
from functools import reduce
from operator import getitem
from random import Random

import pytest

from openelb.kube.errors import ApiError, Busy, Conflict, Unavailable, Unreachable
from openelb.model import names
from openelb.model.cluster import ServiceKey
from tests.fakes.direct import JSON, Request
from tests.stories.replicas import Fate, Killed, Replica, StandsStill, World, dies_after, dies_before, lives
from tests.unit.builders import key
from tests.unit.kube.objects import EIPS, SERVICES, eip, service

STORIES = 150
STEPS = 50

SERVICE_NAMES = ("a", "b", "c", "d", "e")
# Two small pools, so that they run full and addresses are fought for; "eip-o" overlaps with "eip-x".
POOLS = {"eip-x": "192.0.2.1-192.0.2.3", "eip-y": "192.0.2.11-192.0.2.12", "eip-o": "192.0.2.3-192.0.2.4"}
WISHES = {
    names.REQUESTED_POOL: ("", "", *POOLS, "eip-none"),
    names.REQUESTED_ADDRESS: ("", "", "192.0.2.1", "192.0.2.3", "192.0.2.3", "192.0.2.12", "192.0.2.99", "nonsense"),
    names.OPT_IN: ("openelb", "openelb", ""),
    "type": ("LoadBalancer", "LoadBalancer", "ClusterIP"),
}


class Trouble(Enum):
    """What happens to one call."""

    NONE = auto()
    CONFLICT = auto()
    BUSY = auto()
    FAILED = auto()
    FAILED_AND_DONE = auto()
    REQUEST_LOST = auto()
    ANSWER_LOST = auto()


DONE = frozenset({Trouble.NONE, Trouble.FAILED_AND_DONE, Trouble.ANSWER_LOST})
ERRORS: dict[Trouble, ApiError] = {
    Trouble.CONFLICT: Conflict("patch", 409, "Conflict"),
    Trouble.BUSY: Busy("patch", 429, "TooManyRequests"),
    Trouble.FAILED: Unavailable("patch", 500, "InternalError"),
    Trouble.FAILED_AND_DONE: Unavailable("patch", 504, "Timeout"),
    Trouble.REQUEST_LOST: Unreachable("the connection is cut"),
    Trouble.ANSWER_LOST: Unreachable("the connection is cut"),
}


def troubled(troubles: list[Trouble], then: Fate) -> Fate:
    """Its first calls have these troubles, and then what `then` says happens to all of them."""

    async def fate(number: int, request: Request) -> JSON:
        trouble = troubles[number] if number < len(troubles) else Trouble.NONE

        def answer() -> JSON:
            done = request() if trouble in DONE else {}
            if trouble in ERRORS:
                raise ERRORS[trouble]
            return done

        return await then(number, answer)

    return fate


class Story:
    """Users, leaders that follow one another, and everything that may happen to their calls."""

    def __init__(self, seed: int, until_the_end: AsyncExitStack) -> None:
        self.chance = Random(seed)
        self.world = World()
        self.leaders = 0
        self.leader: Replica | None = None
        self.standing: list[tuple[StandsStill, asyncio.Task[None]]] = []
        self.told: list[str] = []
        self._until_the_end = until_the_end
        for name in POOLS:
            self.apply_a_pool(name)
        self.steps: dict[Callable[[], Awaitable[object]], int] = {
            self.a_user_applies_a_service: 8,
            self.a_user_deletes_a_service: 2,
            self.a_namesake_is_created_anew: 1,
            self.a_user_applies_a_pool: 1,
            self.a_user_deletes_a_pool: 1,
            self.watches_lag: 1,
            self.the_leader_looks: 8,
            self.the_leader_dies_in_a_look: 4,
            self.the_leader_stands_still_in_a_look: 2,
            self.who_stood_still_goes_on: 2,
        }

    async def go_on(self) -> None:
        (step,) = self.chance.choices([*self.steps], [*self.steps.values()])
        self.told.append(f"{step.__name__}: {await step()}")

    async def end(self) -> None:
        await self.who_stood_still_goes_on()
        self.world.storage.late = frozenset()
        leader = await self._leading()
        leader.fate = lives
        await leader.work()
        self.world.facts.check_ledgers()
        self.world.facts.check_rest()

    async def a_user_applies_a_service(self) -> object:
        """A new one wishes for nothing special, and then one thing at a time: with many wishes hardly any can be met."""
        name = self.chance.choice(SERVICE_NAMES)
        if key(name) not in self.world.facts.services:
            self.world.create(service(name, annotations={names.OPT_IN: "openelb"}))
            return name
        wish, values = self.chance.choice([*WISHES.items()])
        value = self.chance.choice(values)
        where = ("spec",) if wish == "type" else ("metadata", "annotations")
        self._edit(name, lambda what: reduce(getitem, where, what).update({wish: value}))
        return name, wish, value

    async def a_user_deletes_a_service(self) -> str:
        name = self.chance.choice(SERVICE_NAMES)
        if key(name) in self.world.facts.services:
            self.world.storage.delete(SERVICES, key(name))
        return name

    async def a_namesake_is_created_anew(self) -> str:
        """Somebody tears the finalizer off, deletes the Service and creates another of that name."""
        name = self.chance.choice(SERVICE_NAMES)
        if key(name) in self.world.facts.services:
            self.world.torn.add(name)
            self._edit(name, lambda what: what["metadata"].update(finalizers=[]))
            if key(name) in self.world.facts.services:
                self.world.storage.delete(SERVICES, key(name))
            self.world.create(service(name, annotations={names.OPT_IN: "openelb"}))
        return name

    async def a_user_applies_a_pool(self) -> object:
        return self.apply_a_pool(self.chance.choice([*POOLS]))

    def apply_a_pool(self, name: str) -> object:
        spec = {"protocol": "layer2", "interface": "eth0", "disable": self.chance.random() < 0.2}
        annotations = {names.DEFAULT_POOL: str(self.chance.random() < 0.6).lower()}
        if name not in self.world.facts.pools:
            self.world.create(eip(name, POOLS[name], spec=spec, annotations=annotations))
            return name, spec, annotations

        def change(what: JSON) -> None:
            what["metadata"]["annotations"] = annotations
            what["spec"].update(spec)

        self.world.storage.edit(EIPS, ServiceKey("", name), change)
        return name, spec, annotations

    async def a_user_deletes_a_pool(self) -> str:
        name = self.chance.choice([*POOLS])
        if name in self.world.facts.pools:
            self.world.storage.delete(EIPS, ServiceKey("", name))
        return name

    async def watches_lag(self) -> frozenset[str]:
        """Those of some kinds, or none any more."""
        self.world.storage.late = frozenset(kind for kind in (EIPS, SERVICES) if self.chance.random() < 0.3)
        return self.world.storage.late

    async def the_leader_looks(self) -> object:
        troubles = self._troubles()
        await self._look(troubled(troubles, lives))
        return troubles

    async def the_leader_dies_in_a_look(self) -> object:
        troubles, dies, number = self._troubles(), self.chance.choice((dies_before, dies_after)), self._number()
        try:
            await self._look(troubled(troubles, dies(number)))
        except Killed:
            self.leader = None
        return troubles, dies.__name__, number

    async def the_leader_stands_still_in_a_look(self) -> object:
        """The process alone, or its machine with its clock."""
        number, with_its_clock = self._number(), self.chance.random() < 0.5
        if self.standing:
            return "not another one"
        leader, still = await self._leading(), StandsStill(number)
        looking = asyncio.create_task(self._look(still))
        reached = asyncio.create_task(still.reached.wait())
        await asyncio.wait([looking, reached], return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        if looking.done():
            return await looking
        if with_its_clock:
            leader.clock.pause()
        self.world.late = True
        self.standing.append((still, looking))
        self.leader = None
        return number, with_its_clock

    async def who_stood_still_goes_on(self) -> None:
        """What it had decided to send arrives, and it looks no more."""
        for still, looking in self.standing:
            still.thawed.set()
            await looking
        self.standing.clear()

    def _troubles(self) -> list[Trouble]:
        return [
            trouble if self.chance.random() < 0.4 else Trouble.NONE for trouble in self.chance.choices([*Trouble], k=8)
        ]

    def _number(self) -> int:
        """Of the call that it comes to."""
        return self.chance.randint(0, 4)

    def _edit(self, name: str, change: Callable[[JSON], None]) -> None:
        self.world.storage.edit(SERVICES, key(name), change)

    async def _look(self, fate: Fate) -> None:
        leader = await self._leading()
        leader.asked.clear()
        leader.fate = fate
        await leader.look()
        self.world.clock.now += 0.5

    async def _leading(self) -> Replica:
        """The leader, or one that begins with a list of everything."""
        if self.leader is None:
            self.leaders += 1
            self.leader = Replica(self.world, f"replica-{self.leaders}")
            await self._until_the_end.enter_async_context(self.leader.reading())
        return self.leader


@pytest.mark.parametrize("seed", range(STORIES))
async def test_promises_hold_whatever_happens_to_the_calls_of_the_leaders(seed: int) -> None:
    async with AsyncExitStack() as until_the_end:
        story = Story(seed, until_the_end)
        try:
            for _ in range(STEPS):
                await story.go_on()
            await story.end()
        except AssertionError as error:
            error.add_note("\n".join(story.told[-20:]))
            raise
