"""The manager: while it leads, it makes the ledgers, the Services and the Eips as the plan says. It decides nothing itself."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from openelb.kube import news, writes
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists, Conflict, Invalid, NotFound, Unavailable
from openelb.kube.lease import Leadership
from openelb.kube.report import Reporter
from openelb.kube.store import Store
from openelb.manager.refusals import BRIEFLY, Refusals, Written, in_words
from openelb.model import names
from openelb.model.cluster import BgpObject, Page, Pool, PoolStatus, Publication, Reservation, Service, ServiceKey
from openelb.model.probes import Questions
from openelb.model.snapshot import Snapshot, Unreadable
from openelb.plan import cluster, liveness
from openelb.plan.admission import Facts
from openelb.plan.ledger import ROOM
from openelb.plan.services import is_reworded

log = logging.getLogger(__name__)

AT_ONCE = 16  # Service writes in flight; more only queue up in the API server
PER_LOOK = 256  # Service writes between two looks at the least: in a burst a newcomer waits a moment, not for all
# And for so many times as long as judging took: it takes at most a ninth of a burst, however many Services there are.
WRITING_TO_JUDGING = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the manager. `identity` names this replica in the leader's Lease; `room` is for entries in one page of a ledger."""

    identity: str
    namespace: str = names.NAMESPACE
    lb_class: str = names.LOAD_BALANCER_CLASS
    metrics_address: str = ":50052"
    room: int = ROOM


OF_ONE_OBJECT = (AlreadyExists, Conflict, NotFound, Invalid, Unavailable)
REWORDING = 1.0  # seconds in which a Service is not told the same in other words: there may be yet others, as while pools are made
COUNTING = 1.0  # seconds between two writes to an Eip that only count what is in use: its ledger is elsewhere then


class Lost(Exception):
    """We do not lead any more; what was not written is the next leader's."""


class Controller:
    """One replica of the manager. All its state belongs to the task that runs `look`."""

    def __init__(
        self,
        client: Client,
        store: Store,
        leadership: Leadership,
        reporter: Reporter,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._store = store
        self._leadership = leadership
        self._reporter = reporter
        self._settings = settings
        self._clock = clock
        self._wall = wall
        self._hearing = liveness.Hearing()
        self._judged = Snapshot(), frozenset[str]()
        self._last = cluster.ClusterPlan()
        self._planner = cluster.Planner(settings.lb_class, settings.room)
        self._counted: dict[str, float] = {}
        self._reworded: dict[ServiceKey, float] = {}
        self._refusals = Refusals(clock)
        self._asked: dict[ServiceKey, float] = {}
        self._at_once = False
        self._unreadable: Mapping[str, Unreadable] = {}
        self.seen: Snapshot | None = None

    async def look(self) -> float | None:
        """Judge the cluster once and write what differs. Returns the seconds after which time alone may change the judgement."""
        snapshot, now = self._store.snapshot(), self._clock()
        self.seen = snapshot
        renewals = {node: speaker.renewal for node, speaker in snapshot.speakers.items()}
        ttls = liveness.ttls(snapshot.speakers)
        self._hearing = liveness.listen(self._hearing, snapshot.leader_renewal, renewals, now, ttls)
        if not self._leadership.held(now):
            return None
        news.tell_unreadable(self._reporter, self._unreadable, snapshot.unreadable)
        self._unreadable = snapshot.unreadable
        alive = liveness.alive(self._hearing, now)
        self._at_once = False
        self._refusals.forget()
        try:
            plan = self._plan(snapshot, alive)
            judging = self._clock() - now
            await self._carry_out(plan, snapshot, until=now + judging * (1 + WRITING_TO_JUDGING))
        except Lost:
            return None
        return 0.0 if self._at_once else self._next_look(now)

    def facts(self) -> Facts:
        """What changes are judged by that are yet to be made, from the last look."""
        return self._planner.facts(self.seen or Snapshot(), self._wall())

    def _next_look(self, now: float) -> float | None:
        """Seconds until a speaker could turn out to be lost, or something set aside is due again."""
        times = self._refusals.times()
        loss = liveness.next_loss(self._hearing, now)
        if self._last.unknown:
            times.append(now + BRIEFLY)
        if self._last.due is not None:
            times.append(now + max(0.0, self._last.due - self._wall()))
        times += [at + REWORDING for at in self._reworded.values() if at + REWORDING > now]
        times += [at + COUNTING for at in self._counted.values() if at + COUNTING > now]
        return min((time - now for time in [*times, *([] if loss is None else [loss])]), default=None)

    def _plan(self, snapshot: Snapshot, alive: frozenset[str]) -> cluster.ClusterPlan:
        """The plan, made anew only when something it is made from has changed: Leases are renewed every second."""
        (before, alive_before), due = self._judged, self._last.due
        if (due is not None and self._wall() >= due) or alive != alive_before or not snapshot.amounts_to(before):
            self._last = self._planner.plan(snapshot, alive, self._wall())
        self._judged = snapshot, alive
        return self._last

    async def _carry_out(self, plan: cluster.ClusterPlan, snapshot: Snapshot, *, until: float) -> None:
        """Do all of it, but of the Services' writes only `PER_LOOK` and those begun before `until`; a failure is raised when
        the rest has been tried.
        """
        pools = [(pool, to) for name, to in plan.pools.items() if self._is_worth_it(pool := snapshot.pools[name], to)]
        reserved = [(snapshot.reservations[name], wanted) for name, wanted in plan.reservations.items()]
        guards = [(snapshot.pools[name], on) for name, on in plan.pool_finalizers.items()]
        services = [(snapshot.services[key], publication) for key, publication in plan.services.items()]
        self._reworded = {key: at for key, at in self._reworded.items() if key in plan.services}
        services = [(each, to) for each, to in services if self._is_due(each) and self._is_worth_telling(each, to)]
        # Who was refused comes after all others, the one that has waited longest first: nobody stands behind them for ever.
        services.sort(key=lambda pair: (self._refusals.until(pair[0]), not pair[1].ingress))

        def enough(begun: int) -> bool:
            over = begun >= PER_LOOK and self._clock() >= until
            self._at_once = self._at_once or over  # others have yet to be written
            return over

        failures = [
            *await self._all(
                [partial(self._write_questions, plan.questions)] if plan.questions != snapshot.questions else []
            ),
            *await self._all(partial(self._ask_for, key) for key in self._to_ask_for(plan.unknown)),
            *await self._all(partial(self._write_pool, pool, status) for pool, status in pools if self._is_due(pool)),
            *await self._all(
                partial(self._write_page, snapshot.pools[page.pool], snapshot.pages.get(name), page)
                for name, page in plan.pages.items()
                if self._is_due(page)
            ),
            *await self._all(
                partial(self._write_reservation, seen, wanted) for seen, wanted in reserved if self._is_due(seen)
            ),
            *await self._all(partial(self._release, one) for one in plan.left if self._is_due(one)),
            *await self._all(partial(self._guard, pool, on) for pool, on in guards if self._is_due(pool)),
            *await self._all(
                (partial(self._write_service, service, want) for service, want in services), enough=enough
            ),
        ]
        for failure in sorted(failures, key=lambda failure: isinstance(failure, Lost)):
            raise failure

    def _is_due(self, about: Written) -> bool:
        """Not one whose write was just refused as it stands, nor one that cannot be read at the version it has: neither may
        hold up the others.
        """
        return in_words(about) not in self._unreadable and self._refusals.is_due(about)

    async def _all(
        self, work: Iterable[Callable[[], Awaitable[None]]], *, enough: Callable[[int], bool] = lambda _: False
    ) -> list[Exception]:
        """Do it side by side until it is `enough`, by how many were begun. What fails does not keep the rest from being
        tried; the failures are given back.
        """
        todo = list(work)
        failures: list[Exception] = []
        turns = enumerate(todo)

        async def one_by_one() -> None:
            for number, each in turns:
                if enough(number):
                    return
                try:
                    await each()
                except Exception as failure:
                    failures.append(failure)

        await asyncio.gather(*(one_by_one() for _ in todo[:AT_ONCE]))
        return failures

    def _still_leading(self) -> None:
        if not self._leadership.held(self._clock()):
            raise Lost

    def _to_ask_for(self, unknown: frozenset[ServiceKey]) -> list[ServiceKey]:
        """Those not asked for just now: one that is there arrives by the watch in its own time."""
        now = self._clock()
        self._asked = {key: at for key, at in self._asked.items() if now - at < BRIEFLY}
        due = sorted(unknown - self._asked.keys())[:PER_LOOK]
        self._asked.update((key, now) for key in due)
        return due

    async def _ask_for(self, key: ServiceKey) -> None:
        """A holder that the store does not know has either not arrived or is gone: only the server can tell."""
        self._still_leading()
        try:
            self._store.absorb(await writes.read_service(self._client, key))
        except NotFound:
            self._store.note_gone(key)

    def _is_worth_it(self, pool: Pool, status: PoolStatus) -> bool:
        """Whether more than counts differ, or they have stood for a while."""
        now = self._clock()
        counts = replace(status, usage=pool.status.usage, free=pool.status.free)
        if counts == pool.status and now - self._counted.get(pool.name, -COUNTING) < COUNTING:
            return False
        self._counted = {name: at for name, at in self._counted.items() if now - at < COUNTING} | {pool.name: now}
        return True

    def _is_worth_telling(self, service: Service, publication: Publication) -> bool:
        """Whether more than words differ, or they have for a while."""
        if not is_reworded(service, publication):
            return True
        now = self._clock()
        return now - self._reworded.setdefault(service.key, now) >= REWORDING

    async def _write_page(self, pool: Pool, seen: Page | None, page: Page) -> None:
        self._still_leading()
        try:
            if page.used or page.released:
                self._store.absorb(await writes.write_page(self._client, pool, seen, page))
            elif seen is not None:
                await writes.remove_page(self._client, seen)
        except OF_ONE_OBJECT as refusal:
            self._refusals.note(page, refusal)
            return
        self._at_once = True
        news.tell_repair(self._reporter, pool, self._last.repairs)

    async def _write_reservation(self, seen: Reservation, wanted: Reservation) -> None:
        self._still_leading()
        try:
            self._store.absorb(await writes.write_reservation(self._client, seen, wanted))
        except OF_ONE_OBJECT as refusal:
            self._refusals.note(seen, refusal)

    async def _write_questions(self, questions: Questions) -> None:
        """What speakers are to ask about on their LANs."""
        self._still_leading()
        await writes.write_questions(self._client, self._settings.namespace, questions)
        self._store.note_questions(questions)

    async def _write_pool(self, pool: Pool, status: PoolStatus) -> None:
        self._still_leading()
        try:
            written = await writes.write_pool_status(self._client, pool, status)
        except OF_ONE_OBJECT as refusal:
            self._refusals.note(pool, refusal)
            return
        self._store.absorb(written)
        self._at_once = True  # what the ledger holds may be published
        news.tell_pool(self._reporter, pool, written, status)
        news.tell_repair(self._reporter, pool, self._last.repairs)

    async def _guard(self, pool: Pool, on: bool) -> None:
        self._still_leading()
        try:
            self._store.absorb(await writes.write_pool_finalizer(self._client, pool, present=on))
        except OF_ONE_OBJECT as refusal:
            self._refusals.note(pool, refusal)

    async def _release(self, of: BgpObject) -> None:
        self._still_leading()
        try:
            self._store.absorb(await writes.release(self._client, of))
        except OF_ONE_OBJECT as refusal:
            self._refusals.note(of, refusal)

    async def _write_service(self, service: Service, publication: Publication) -> None:
        self._still_leading()
        try:
            written = await writes.write_service(self._client, service, publication)
        except OF_ONE_OBJECT as refusal:
            self._refusals.note(service, refusal)
            return
        self._reworded.pop(service.key, None)
        if written is service:  # nothing to write after all, and so nothing to look at again
            return
        self._store.absorb(written)
        news.tell_service(self._reporter, service, written, publication)
