"""Whole replicas die, stand still and are refused at random while users change things and watches lag: the promises hold."""

import asyncio
from contextlib import AsyncExitStack
from enum import Enum, auto

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from openelb.kube.errors import ApiError, Busy, Conflict, Unavailable, Unreachable
from openelb.model import names
from openelb.model.cluster import ServiceKey
from tests.fakes.direct import JSON, Request
from tests.stories.replicas import Fate, Killed, Replica, StandsStill, World, dies_after, dies_before, lives
from tests.unit.builders import key
from tests.unit.kube.objects import EIPS, SERVICES, eip, service

SERVICE_NAMES = ("a", "b", "c", "d")
# Two small pools, so that they run full and addresses are fought for; "eip-o" overlaps with "eip-x".
POOLS = {"eip-x": "192.0.2.1-192.0.2.3", "eip-y": "192.0.2.11-192.0.2.12", "eip-o": "192.0.2.3-192.0.2.4"}


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


wishes = st.fixed_dictionaries(
    {
        "pool": st.sampled_from(("", "", *POOLS, "eip-none")),
        "address": st.sampled_from(("", "", "", "192.0.2.1", "192.0.2.3", "192.0.2.12", "192.0.2.99", "nonsense")),
        "opt_in": st.sampled_from(("openelb", "openelb", "openelb", "")),
        "type": st.sampled_from(("LoadBalancer", "LoadBalancer", "LoadBalancer", "ClusterIP")),
    }
)
some_troubles = st.lists(st.sampled_from((Trouble.NONE, Trouble.NONE, *Trouble)), max_size=8)


class Troubles(RuleBasedStateMachine):
    """Users, leaders that follow one another, and everything that may happen to their calls."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.open = AsyncExitStack()
        self.world = World()
        self.leaders = 0
        self.leader: Replica | None = None
        self.standing: list[tuple[StandsStill, asyncio.Task[None]]] = []

    @rule(name=st.sampled_from(SERVICE_NAMES), wish=wishes)
    def a_user_applies_a_service(self, name: str, wish: dict[str, str]) -> None:
        annotations = {
            names.OPT_IN: wish["opt_in"],
            names.REQUESTED_POOL: wish["pool"],
            names.REQUESTED_ADDRESS: wish["address"],
        }
        if key(name) not in self.world.facts.services:
            self.world.create(service(name, annotations=annotations, spec={"type": wish["type"]}))
            return

        def change(what: JSON) -> None:
            what["metadata"]["annotations"] = annotations
            what["spec"]["type"] = wish["type"]

        self.world.storage.edit(SERVICES, key(name), change)

    @rule(name=st.sampled_from(SERVICE_NAMES))
    def a_user_deletes_a_service(self, name: str) -> None:
        if key(name) in self.world.facts.services:
            self.world.storage.delete(SERVICES, key(name))

    @rule(name=st.sampled_from(SERVICE_NAMES), wish=wishes)
    def a_namesake_is_created_anew(self, name: str, wish: dict[str, str]) -> None:
        """Somebody has torn the finalizer off and deleted the Service."""
        if key(name) in self.world.facts.services:
            self.world.torn.add(name)
            self.world.storage.delete(SERVICES, key(name))
            if key(name) in self.world.facts.services:
                self.world.storage.edit(SERVICES, key(name), lambda what: what["metadata"].update(finalizers=[]))
            self.a_user_applies_a_service(name, wish)

    @rule(name=st.sampled_from(tuple(POOLS)), disabled=st.booleans(), default=st.booleans())
    def a_user_applies_a_pool(self, name: str, *, disabled: bool, default: bool) -> None:
        spec = {"protocol": "layer2", "interface": "eth0", "disable": disabled}
        annotations = {names.DEFAULT_POOL: str(default).lower()}
        if name not in self.world.facts.pools:
            self.world.create(eip(name, POOLS[name], spec=spec, annotations=annotations))
            return

        def change(what: JSON) -> None:
            what["metadata"]["annotations"] = annotations
            what["spec"].update(spec)

        self.world.storage.edit(EIPS, ServiceKey("", name), change)

    @rule(name=st.sampled_from(tuple(POOLS)))
    def a_user_deletes_a_pool(self, name: str) -> None:
        if name in self.world.facts.pools:
            self.world.storage.delete(EIPS, ServiceKey("", name))

    @rule(late=st.sets(st.sampled_from((EIPS, SERVICES))))
    def watches_lag(self, late: set[str]) -> None:
        self.world.storage.late = frozenset(late)

    @rule(troubles=some_troubles)
    def the_leader_looks(self, troubles: list[Trouble]) -> None:
        self._do(self._look(troubled(troubles, lives)))

    @rule(troubles=some_troubles, at=st.integers(0, 6), dies=st.sampled_from((dies_before, dies_after)))
    def the_leader_dies_in_a_look(self, troubles: list[Trouble], at: int, dies) -> None:
        async def look() -> None:
            try:
                await self._look(troubled(troubles, dies(at)))
            except Killed:
                self.leader = None

        self._do(look())

    @precondition(lambda self: not self.standing)
    @rule(at=st.integers(0, 6), with_its_clock=st.booleans())
    def the_leader_stands_still_in_a_look(self, at: int, *, with_its_clock: bool) -> None:
        async def look() -> None:
            still = StandsStill(at)
            looking = asyncio.create_task(self._look(still))
            reached = asyncio.create_task(still.reached.wait())
            await asyncio.wait([looking, reached], return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                reached.cancel()
                await looking
                return
            if self.leader is not None and with_its_clock:
                self.leader.clock.pause()
            self.world.late = True
            self.standing.append((still, looking))
            self.leader = None

        self._do(look())

    @precondition(lambda self: self.standing)
    @rule()
    def who_stood_still_goes_on(self) -> None:
        self._do(self._thaw())

    def teardown(self) -> None:
        self._do(self._end())
        self.loop.close()

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
            await self.open.enter_async_context(self.leader.reading())
        return self.leader

    async def _thaw(self) -> None:
        """What it had decided to send arrives; then it finds that it does not lead any more."""
        ((still, looking),) = self.standing
        self.standing.clear()
        still.thawed.set()
        await looking

    async def _end(self) -> None:
        try:
            if self.standing:
                await self._thaw()
            self.world.storage.late = frozenset()
            leader = await self._leading()
            leader.fate = lives
            await leader.work()
            self.world.facts.check_ledgers()
            self.world.facts.check_rest()
        finally:
            await self.open.aclose()

    def _do(self, what) -> None:
        self.loop.run_until_complete(what)


test_promises_hold_whatever_happens_to_the_calls_of_the_leaders = Troubles.TestCase
test_promises_hold_whatever_happens_to_the_calls_of_the_leaders.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, derandomize=True
)
