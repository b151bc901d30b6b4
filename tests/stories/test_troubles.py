"""Whole replicas die, stand still and are refused at random while users change things and watches lag: the promises hold.

What happens is drawn by chance, the same for a seed every time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from enum import Enum, auto
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
STEPS = 40

SERVICE_NAMES = ("a", "b", "c", "d", "e")
# Two small pools, so that they run full and addresses are fought for; "eip-o" overlaps with "eip-x".
POOLS = {"eip-x": "192.0.2.1-192.0.2.3", "eip-y": "192.0.2.11-192.0.2.12", "eip-o": "192.0.2.3-192.0.2.4"}
WISHES = {
    names.OPT_IN: ("openelb", "openelb", ""),
    names.REQUESTED_POOL: ("", "", *POOLS, "eip-none"),
    names.REQUESTED_ADDRESS: ("", "", "192.0.2.1", "192.0.2.3", "192.0.2.3", "192.0.2.12", "192.0.2.99", "nonsense"),
}
TYPES = ("LoadBalancer", "LoadBalancer", "ClusterIP")


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
UNHEARD = DONE - {Trouble.NONE}
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

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.told: list[str] = []
        self.open = AsyncExitStack()
        self.world = World()
        self.leaders = 0
        self.leader: Replica | None = None
        self.standing: tuple[StandsStill, asyncio.Task[list[str]]] | None = None
        self.unheard = False
        for name in POOLS:
            self._apply_a_pool(name)
        self.steps: dict[Callable[[], Awaitable[object]], int] = {
            self.a_user_applies_a_service: 5,
            self.a_user_deletes_a_service: 1,
            self.a_namesake_is_created_anew: 1,
            self.a_user_applies_a_pool: 1,
            self.a_user_deletes_a_pool: 1,
            self.watches_lag: 2,
            self.the_leader_looks: 8,
            self.the_leader_dies_in_a_look: 2,
            self.the_leader_stands_still_in_a_look: 1,
            self.who_stood_still_goes_on: 1,
        }

    async def go_on(self) -> None:
        (step,) = self.chance.choices([*self.steps], [*self.steps.values()])
        self.told.append(step.__name__)
        self.told[-1] += f" {await step()}"

    async def end(self) -> None:
        """A leader to which nothing happens finishes everything."""
        await self.who_stood_still_goes_on()
        self.world.storage.late = frozenset()
        leader = await self._leading()
        leader.fate = lives
        await leader.work()
        self.world.facts.check_ledgers()
        self.world.facts.check_rest()

    # What users do.

    async def a_user_applies_a_service(self) -> object:
        """A new one wishes for nothing special, and then one thing at a time: with many wishes hardly any can be met."""
        name = self.chance.choice(SERVICE_NAMES)
        if key(name) not in self.world.facts.services:
            return self._create(name)
        wish, values = self.chance.choice([*WISHES.items(), ("type", TYPES)])
        value = self.chance.choice(values)

        def change(what: JSON) -> None:
            if wish == "type":
                what["spec"]["type"] = value
            else:
                what["metadata"]["annotations"][wish] = value

        self.world.storage.edit(SERVICES, key(name), change)
        return name, wish, value

    def _create(self, name: str) -> str:
        self.world.create(service(name, annotations={names.OPT_IN: "openelb"}))
        return name

    async def a_user_deletes_a_service(self) -> str:
        name = self.chance.choice(SERVICE_NAMES)
        if key(name) in self.world.facts.services:
            self.world.storage.delete(SERVICES, key(name))
        return name

    async def a_namesake_is_created_anew(self) -> str:
        """Somebody has torn the finalizer off and deleted the Service."""
        name = self.chance.choice(SERVICE_NAMES)
        if key(name) in self.world.facts.services:
            self.world.torn.add(name)
            self.world.storage.delete(SERVICES, key(name))
            if key(name) in self.world.facts.services:
                self.world.storage.edit(SERVICES, key(name), lambda what: what["metadata"].update(finalizers=[]))
            self._create(name)
        return name

    async def a_user_applies_a_pool(self) -> object:
        return self._apply_a_pool(self.chance.choice([*POOLS]))

    def _apply_a_pool(self, name: str) -> object:
        spec = {
            "protocol": "layer2",
            "interface": "eth0",
            "layer2": {"probe": "Off"},
            "disable": self.chance.random() < 0.2,
        }
        annotations = {names.DEFAULT_POOL: str(self.chance.random() < 0.6).lower()}
        if name not in self.world.facts.pools:
            self.world.create(eip(name, POOLS[name], spec=spec, annotations=annotations))
            return name, annotations

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

    # What happens to the leaders.

    async def watches_lag(self) -> object:
        self.world.storage.late = frozenset(one for one in (EIPS, SERVICES) if self.chance.random() < 0.3)
        return self.world.storage.late

    def _troubles(self) -> list[Trouble]:
        """Those of the first calls of a look, most of which have none."""
        return [self.chance.choice((*[Trouble.NONE] * 8, *Trouble)) for _ in range(8)]

    async def the_leader_looks(self) -> object:
        troubles = self._troubles()
        return troubles, await self._look(troubled(troubles, lives), troubles)

    async def the_leader_dies_in_a_look(self) -> object:
        troubles, at = self._troubles(), self.chance.randint(0, 6)
        dies = self.chance.choice((dies_before, dies_after))
        try:
            await self._look(troubled(troubles, dies(at)), troubles)
        except Killed:
            self.leader = None
        return troubles, dies.__name__, at

    async def the_leader_stands_still_in_a_look(self) -> object:
        if self.standing is not None:
            return None
        still = StandsStill(self.chance.randint(0, 6))
        looking = asyncio.create_task(self._look(still, []))
        reached = asyncio.create_task(still.reached.wait())
        await asyncio.wait([looking, reached], return_when=asyncio.FIRST_COMPLETED)
        if looking.done():
            reached.cancel()
            return await looking
        if self.leader is not None and self.chance.random() < 0.5:
            self.leader.clock.pause()
        self.world.late = True
        self.standing, self.leader = (still, looking), None
        return "and is replaced"

    async def who_stood_still_goes_on(self) -> None:
        """What it had decided to send arrives; then it finds that it does not lead any more."""
        if self.standing is not None:
            (still, looking), self.standing = self.standing, None
            still.thawed.set()
            await looking

    async def _look(self, fate: Fate, troubles: list[Trouble]) -> list[str]:
        """What it asks for. Where the answer to a ledger write is lost and the watch of Eips lags, a namesake may be given
        what the ledger had for the one before; who shows it is entered again when the ledger has been seen.
        """
        leader = await self._leading()
        if EIPS not in self.world.storage.late:
            self.unheard = False
        elif self.unheard:
            self.world.late = True
        leader.asked.clear()
        leader.fate = fate
        await leader.look()
        calls = zip(leader.asked, troubles, strict=False)
        self.unheard |= any(call.startswith("patch eips/status") and trouble in UNHEARD for call, trouble in calls)
        self.world.clock.now += 0.5
        return leader.asked

    async def _leading(self) -> Replica:
        """The leader, or one that begins with a list of everything."""
        if self.leader is None:
            self.leaders += 1
            self.unheard = False
            self.leader = Replica(self.world, f"replica-{self.leaders}")
            await self.open.enter_async_context(self.leader.reading())
        return self.leader


@pytest.mark.parametrize("seed", range(STORIES))
async def test_promises_hold_whatever_happens_to_the_calls_of_the_leaders(seed: int) -> None:
    story = Story(seed)
    async with story.open:
        try:
            for _ in range(STEPS):
                await story.go_on()
            await story.end()
        except BaseException as error:
            error.add_note("\n".join(story.told[-20:]))
            raise
