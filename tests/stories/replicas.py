"""Replicas of the whole manager over one API server in memory, each of which may die or stand still at any of its calls.

Nothing is simulated but the server and the clock: client errors, store, watches, judgement and writes are the product's.
Whatever is written, the promises are checked at once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec

from openelb.kube import decode, decode_pools
from openelb.kube.errors import ApiError
from openelb.kube.lease import Leadership, Terms
from openelb.kube.report import Reporter
from openelb.kube.shapes import EipShape, ServiceShape
from openelb.kube.store import Store
from openelb.manager.controller import Controller, Settings
from openelb.manager.refusals import FOR_NOW
from openelb.model import names
from openelb.model.cluster import Pool, Service
from tests.fakes.clock import Clock
from tests.fakes.direct import JSON, DirectClient, Request, Storage
from tests.fakes.leases import FakeLease
from tests.stories.promises import Facts, asks, check_gift, check_move
from tests.unit.kube.objects import EIPS, LEASES, SERVICES, speaker_lease

ETH0 = '[{"name":"eth0","addresses":[]}]'
IDLE_LOOKS = 3
"""Looks that find nothing to do, more than `FOR_NOW` seconds apart: what was set aside has been tried again."""
MOST_LOOKS = 60

Fate = Callable[[int, Request], Awaitable[JSON]]
"""What becomes of a call of a replica, by its number."""


class Killed(BaseException):
    """The process is gone: nothing of it runs on."""


async def lives(number: int, request: Request) -> JSON:
    """Nothing happens to this one."""
    return request()


def dies_before(at: int) -> Fate:
    """Its call `at` is never made."""

    async def fate(number: int, request: Request) -> JSON:
        if number >= at:
            raise Killed
        return request()

    return fate


def dies_after(at: int) -> Fate:
    """Its call `at` is made, and nobody hears the answer."""

    async def fate(number: int, request: Request) -> JSON:
        if number <= at:
            answer = request()
            if number < at:
                return answer
        raise Killed

    return fate


class StandsStill:
    """From its call `at` on, decided and not yet sent, nothing moves until it is thawed."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.reached, self.thawed = asyncio.Event(), asyncio.Event()

    async def __call__(self, number: int, request: Request) -> JSON:
        if number >= self._at:
            self.reached.set()
            await self.thawed.wait()
        return request()


class MachineClock:
    """The clock of a replica's machine, which stands still while the machine is paused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paused: float | None = None

    def pause(self) -> None:
        self._paused = self._clock()

    def __call__(self) -> float:
        return self._clock() if self._paused is None else self._paused


@dataclass
class World:
    """A cluster with one live speaker, and what is true in it at this instant.

    `tampered` while somebody has edited our records, `torn` are Services whose finalizer a user took off, `late` while
    a write may arrive that was decided long ago: then some promises hold again only when a leader has looked.
    """

    clock: Clock = field(default_factory=Clock)
    lease: FakeLease = field(default_factory=FakeLease)
    facts: Facts = field(default_factory=Facts)
    tampered: bool = False
    late: bool = False
    torn: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.storage = Storage(told=self._told)
        self.storage.create(LEASES, speaker_lease("n1", "t1", ETH0))

    def create(self, *objects: JSON) -> None:
        """Users create these."""
        for what in objects:
            self.storage.create(EIPS if what["kind"] == "Eip" else SERVICES, what)

    def _told(self, collection: str, before: JSON | None, after: JSON | None) -> None:
        if collection == EIPS:
            self._told_pool(_pool(before), _pool(after))
        elif collection == SERVICES:
            self._told_service(_service(before), _service(after))
        self.facts.check()
        if not self.tampered and not self.late:
            self.facts.check_ledgers()

    def _told_pool(self, before: Pool | None, after: Pool | None) -> None:
        if after is not None:
            self.facts.pools[after.name] = after
            return
        assert before is not None
        del self.facts.pools[before.name]
        self.facts.check_pool_gone(before.name)

    def _told_service(self, before: Service | None, after: Service | None) -> None:
        if before is not None and _is_guarded(before) and not _is_guarded(after):
            self._told_let_go(before)
        if after is None:
            assert before is not None
            self.facts.services.pop(before.key, None)
            return
        self.facts.services[after.key] = after
        check_gift(before, after)
        if before is not None and asks(after):
            check_move(before, after, self.facts.pools)

    def _told_let_go(self, service: Service) -> None:
        """A leader whose answer was lost does not know what it has entered until the watch of Eips tells. It may let go of
        the Service before: the entry is then one of a Service that is not there, and goes as those do.
        """
        unheard = self.late and EIPS in self.storage.late
        if service.key.name not in self.torn and not unheard:
            self.facts.check_let_go(service)


class Replica:
    """One process of the manager, from its first list to its end."""

    def __init__(self, world: World, name: str, fate: Fate = lives) -> None:
        self.fate = fate
        self.asked: list[str] = []
        self.retired = False
        self.clock = MachineClock(world.clock)
        self._world = world
        client = DirectClient(world.storage, self._call)
        self._leadership = Leadership(world.lease, name, clock=self.clock)
        self._store = Store.for_manager(client, names.NAMESPACE)
        reporter = Reporter(client, "openelb-manager", name, clock=self.clock)
        self.controller = Controller(client, self._store, self._leadership, reporter, Settings(name), clock=self.clock)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["Replica"]:
        """Its watches run. It leads: whoever led before has been silent for as long as its Lease."""
        watching, synced = asyncio.create_task(self._store.run()), asyncio.create_task(self._store.synced())
        try:
            await self._leadership.attempt()
            self._world.clock.now += Terms().duration + 1
            await asyncio.wait([watching, synced], timeout=30, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():  # it reads BgpConfs and BgpPeers one by one, and has died of that
                raise Killed
            assert synced.done(), "it never has all that there is"
            yield self
        finally:
            watching.cancel()
            synced.cancel()
            await asyncio.wait([watching, synced])

    async def look(self) -> None:
        """One look, as the leader, at what the watches have brought. It may fail as the process's loop expects it."""
        await self._world.storage.delivered()
        await self._leadership.attempt()
        with suppress(ApiError):
            await self.controller.look()

    async def work(self) -> None:
        """Look until there is nothing left to do."""
        idle, storage = 0, self._world.storage
        for _ in range(MOST_LOOKS):
            if self.retired:
                return
            version, asked = storage.version, len(self.asked)
            await self.look()
            idle = idle + 1 if (storage.version, len(self.asked)) == (version, asked) else 0
            if idle == IDLE_LOOKS:
                return
            self._world.clock.now += FOR_NOW + 1 if idle else 0.01
        raise AssertionError(f"it never rests: {self.asked[-5:]}")

    async def _call(self, asked: str, request: Request) -> JSON:
        self.asked.append(asked)
        return await self.fate(len(self.asked) - 1, request)


def _is_guarded(service: Service | None) -> bool:
    return service is not None and names.SERVICE_FINALIZER in service.finalizers


def _pool(what: JSON | None) -> Pool | None:
    return None if what is None else decode_pools.pool(msgspec.convert(what, EipShape))


def _service(what: JSON | None) -> Service | None:
    return None if what is None else decode.service(msgspec.convert(what, ServiceShape))
