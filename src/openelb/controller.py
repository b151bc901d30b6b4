"""The manager: while it leads, it makes the ledgers, the Services and the Eips as the plan says. It decides nothing itself."""

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from prometheus_client.metrics_core import Metric

from openelb import metrics, runtime
from openelb.complaints import Complaints
from openelb.kube import news, writes
from openelb.kube.client import Client, Patience
from openelb.kube.config import Access
from openelb.kube.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from openelb.kube.lease import Leadership
from openelb.kube.lease_object import ApiLease, LeaseObject
from openelb.kube.report import Reporter
from openelb.kube.store import Store
from openelb.model import names
from openelb.model.cluster import Pool, PoolStatus, Publication, Service, ServiceKey
from openelb.model.snapshot import Snapshot, Unreadable
from openelb.plan import cluster, liveness
from openelb.plan.memory import Memory

log = logging.getLogger(__name__)

AT_ONCE = 16  # Service writes in flight; more only queue up in the API server
PER_LOOK = 256  # Service writes between two looks at the least: in a burst a newcomer waits a moment, not for all
# And for so many times as long as judging took: it takes at most a ninth of a burst, however many Services there are.
WRITING_TO_JUDGING = 8
REST = 0.005  # seconds between two looks at the least: an address takes two
# When Python looks for cycles (gc.set_threshold). It reads all objects for that, and ours have none: with its own numbers
# a look at 20,000 Services took three times as long for each of them as one at 1,000.
GARBAGE = (50_000, 20, 50)
RESYNC = 30.0  # seconds; every look judges everything, this one is for what no event told


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the manager. `identity` names this replica in the leader's Lease."""

    identity: str
    namespace: str = names.NAMESPACE
    lb_class: str = names.LOAD_BALANCER_CLASS
    metrics_address: str = ":50052"


BRIEFLY = 1.0  # seconds; a conflict is mostly over when the watch has brought the later version
FOR_NOW = 5.0  # seconds; somebody's admission webhook that is down for one object may be back
OF_ONE_OBJECT = (Conflict, NotFound, Invalid, Unavailable)


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
    ) -> None:
        self._client = client
        self._store = store
        self._leadership = leadership
        self._reporter = reporter
        self._settings = settings
        self._clock = clock
        self._hearing = liveness.Hearing()
        self._judged = Snapshot(), frozenset[str]()
        self._last = cluster.ClusterPlan({}, {}, {}, frozenset())
        self._memory = Memory(settings.lb_class)
        self._aside: dict[ServiceKey, tuple[str, float]] = {}
        self._complaints = Complaints(clock=clock)
        self._asked: dict[ServiceKey, float] = {}
        self._at_once = False
        self._unreadable: Mapping[str, Unreadable] = {}
        self.seen: Snapshot | None = None

    async def look(self) -> float | None:
        """Judge the cluster once and write what differs. Returns the seconds after which time alone may change the judgement."""
        snapshot, now = self._store.snapshot(), self._clock()
        self.seen = snapshot
        renewals = {node: speaker.renewal for node, speaker in snapshot.speakers.items()}
        self._hearing = liveness.listen(self._hearing, snapshot.leader_renewal, renewals, now)
        if not self._leadership.held(now):
            return None
        news.tell_unreadable(self._reporter, self._unreadable, snapshot.unreadable)
        self._unreadable = snapshot.unreadable
        alive = liveness.alive(self._hearing, now)
        self._at_once = False
        self._forget_who_was_set_aside(now)
        try:
            plan = self._plan(snapshot, alive)
            judging = self._clock() - now
            await self._carry_out(plan, snapshot, until=now + judging * (1 + WRITING_TO_JUDGING))
        except Lost:
            return None
        return 0.0 if self._at_once else self._next_look(now)

    def _next_look(self, now: float) -> float | None:
        """Seconds until a speaker could turn out to be lost, or something set aside is due again."""
        times = [until for _, until in self._aside.values() if until > now]
        loss = liveness.next_loss(self._hearing, now)
        if self._last.unknown:
            times.append(now + BRIEFLY)
        return min((time - now for time in [*times, *([] if loss is None else [loss])]), default=None)

    def _plan(self, snapshot: Snapshot, alive: frozenset[str]) -> cluster.ClusterPlan:
        """The plan, made anew only when something it is made from has changed: Leases are renewed every second."""
        before, alive_before = self._judged
        if alive != alive_before or not snapshot.amounts_to(before):
            self._last = cluster.plan(snapshot, alive, self._settings.lb_class, self._memory)
        self._judged = snapshot, alive
        return self._last

    async def _carry_out(self, plan: cluster.ClusterPlan, snapshot: Snapshot, *, until: float) -> None:
        """Do all of it, but of the Services' writes only `PER_LOOK` and those begun before `until`; a failure is raised when
        the rest has been tried.
        """
        pools = [(snapshot.pools[name], status) for name, status in plan.pools.items()]
        guards = [(snapshot.pools[name], on) for name, on in plan.pool_finalizers.items()]
        services = [(snapshot.services[key], publication) for key, publication in plan.services.items()]
        services = [(service, publication) for service, publication in services if self._is_due(service)]
        # Who was refused comes after all others, the one that has waited longest first: nobody stands behind them for ever.
        services.sort(key=lambda pair: (self._refused_until(pair[0]), not pair[1].ingress))

        def enough(begun: int) -> bool:
            over = begun >= PER_LOOK and self._clock() >= until
            self._at_once = self._at_once or over  # others have yet to be written
            return over

        failures = [
            *await self._all(partial(self._ask_for, key) for key in self._to_ask_for(plan.unknown)),
            *await self._all(partial(self._write_pool, pool, status) for pool, status in pools if self._is_due(pool)),
            *await self._all(partial(self._guard, pool, on) for pool, on in guards if self._is_due(pool)),
            *await self._all(
                (partial(self._write_service, service, want) for service, want in services), enough=enough
            ),
        ]
        for failure in sorted(failures, key=lambda failure: isinstance(failure, Lost)):
            raise failure

    def _is_due(self, about: Pool | Service) -> bool:
        """Not one whose write was just refused as it stands, nor one that cannot be read at the version it has: neither may
        hold up the others.
        """
        if self._unreadable and _in_words(about) in self._unreadable:
            return False
        return self._clock() >= self._refused_until(about)

    def _refused_until(self, about: Pool | Service) -> float:
        """The moment of the clock until which it is left as it stands; 0 when it was not refused at the version it has."""
        version, until = self._aside.get(_key(about), ("", 0.0))
        return until if about.version == version else 0.0

    def _forget_who_was_set_aside(self, now: float) -> None:
        """Those that were due long ago: they are written or gone."""
        self._aside = {key: entry for key, entry in self._aside.items() if entry[1] > now - RESYNC}

    def _set_aside(self, about: Pool | Service, refusal: Refused) -> None:
        """A conflict is over when the watch brings the later version, which is due at once; other refusals may stay."""
        now, key = self._clock(), _key(about)
        seconds = (
            BRIEFLY if isinstance(refusal, Conflict | NotFound) else RESYNC if isinstance(refusal, Invalid) else FOR_NOW
        )
        # Of many objects that are refused alike, as by a webhook that is down, the first is named. Not by the server's
        # words: they mostly name the object.
        is_new = self._aside.get(key, ("", 0.0))[0] != about.version
        if seconds > BRIEFLY and is_new and self._complaints.is_due(refusal.cause):
            log.warning("%s is left for %g s: %s", _in_words(about), seconds, refusal)
        self._aside[key] = about.version, now + seconds

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

    async def _write_pool(self, pool: Pool, status: PoolStatus) -> None:
        self._still_leading()
        try:
            written = await writes.write_pool_status(self._client, pool, status)
        except OF_ONE_OBJECT as refusal:
            self._set_aside(pool, refusal)
            return
        self._store.absorb(written)
        self._at_once = True  # what the ledger holds may be published
        news.tell_pool(self._reporter, pool, written, status)

    async def _guard(self, pool: Pool, on: bool) -> None:
        self._still_leading()
        try:
            self._store.absorb(await writes.write_pool_finalizer(self._client, pool, present=on))
        except OF_ONE_OBJECT as refusal:
            self._set_aside(pool, refusal)

    async def _write_service(self, service: Service, publication: Publication) -> None:
        self._still_leading()
        try:
            written = await writes.write_service(self._client, service, publication)
        except OF_ONE_OBJECT as refusal:
            self._set_aside(service, refusal)
            return
        if written is service:  # nothing to write after all, and so nothing to look at again
            return
        self._store.absorb(written)
        news.tell_service(self._reporter, service, written, publication)


class Replica:
    """Leads when it can, each time from a list of everything made anew: a watch that stood by may lag behind what the
    leader before has written, and an address must not be given out from an old view.
    """

    def __init__(
        self, client: Client, lease: LeaseObject, reporter: Reporter, settings: Settings, progress: runtime.Progress
    ) -> None:
        self._client = client
        self._leadership = Leadership(lease, settings.identity, on_change=self._note)
        self._reporter = reporter
        self._settings = settings
        self._progress = progress
        self._gained, self._lost = asyncio.Event(), asyncio.Event()
        self._controller: Controller | None = None
        self._pulse = metrics.Pulse()

    async def run(self, stop: asyncio.Event) -> None:
        """Lead or stand by until told to stop; then give the lead up, so that another has it at once."""
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "leading": self._leadership.run,
            "telling": self._reporter.run,
            "working": self._reign_on_reign,
            "measuring": partial(runtime.heartbeat, self._pulse.beat),
        }
        await runtime.until(stop, parts)
        await self._leadership.release()

    def facts(self) -> Iterable[Metric]:
        """For Prometheus. A replica that stands by reads nothing, and so it knows of no pools."""
        leads = self._leadership.held(time.monotonic())
        seen = self._controller.seen if self._controller else None
        yield from metrics.manager(leads=leads, snapshot=seen)
        yield from metrics.loop(self._pulse, self._progress.age())

    def _note(self) -> None:
        now, then = (
            (self._gained, self._lost) if self._leadership.held(time.monotonic()) else (self._lost, self._gained)
        )
        then.clear()
        now.set()

    async def _reign_on_reign(self) -> None:
        while True:
            self._progress.ready = True
            await self._gained.wait()
            self._progress.ready = False
            # Of the time before: what hangs unnoticed would cost the list that everybody waits for a request's patience.
            await self._client.reconnect()
            store = Store.for_manager(self._client, self._settings.namespace)
            self._controller = Controller(self._client, store, self._leadership, self._reporter, self._settings)
            try:
                await runtime.until(self._lost, {"watching": store.run, "working": partial(self._work, store)})
            finally:
                self._controller = None
                self._progress.rest()

    async def _work(self, store: Store) -> None:
        await store.synced()
        self._progress.ready = True
        if self._controller is not None:
            await runtime.look_again(self._controller.look, store.changed, self._progress, rest=REST, resync=RESYNC)


async def run(access: Access, settings: Settings) -> None:
    """Be a replica of the manager until told to stop."""
    gc.set_threshold(*GARBAGE)
    with runtime.stop_signals() as stop:
        # Nothing is tried again behind the loop's back: the lead may be lost by then, and the next look decides anew.
        async with Client(access, Patience(attempts=1)) as client, Client(access) as lease_client:
            lease = ApiLease(lease_client, settings.namespace, names.LEADER_LEASE)
            reporter = Reporter(client, "openelb-manager", settings.identity)
            progress = runtime.Progress()
            replica = Replica(client, lease, reporter, settings, progress)
            async with runtime.health(settings.metrics_address, progress, metrics.registry(replica.facts)):
                await replica.run(stop)


def _key(about: Pool | Service) -> ServiceKey:
    return ServiceKey("", about.name) if isinstance(about, Pool) else about.key


def _in_words(about: Pool | Service) -> str:
    return f"Eip {about.name}" if isinstance(about, Pool) else f"Service {about.key}"
