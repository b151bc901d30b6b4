"""A replica of the manager: one leads, and works as the controller says; the others stand by and read nothing."""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from prometheus_client.metrics_core import Metric

from openelb.kube import news
from openelb.kube.client import Client, Patience
from openelb.kube.config import Access
from openelb.kube.lease import Leadership
from openelb.kube.lease_object import ApiLease, LeaseObject
from openelb.kube.report import Reporter
from openelb.kube.review import Review
from openelb.kube.store import Store
from openelb.manager.admission import Admission, Door, judged
from openelb.manager.controller import Controller, Settings
from openelb.manager.peer_report import PeerReport
from openelb.manager.refusals import RESYNC
from openelb.model import names
from openelb.model.snapshot import Snapshot
from openelb.plan.admission import Verdict
from openelb.process import keyring, metrics, runtime
from openelb.process.signals import stop_signals

REST = 0.005  # seconds between two looks at the least: an address takes two
REMINDING = 60.0  # seconds between two looks for Services that still wait for an address
# When Python looks for cycles (gc.set_threshold). It reads all objects for that, and ours have none: with its own numbers
# a look at 20,000 Services took three times as long for each of them as one at 1,000.
GARBAGE = (50_000, 20, 50)


class Replica:
    """Leads when it can, each time from a list of everything made anew: a watch that stood by may lag behind what the
    leader before has written, and an address must not be given out from an old view.
    """

    def __init__(
        self,
        client: Client,
        lease: LeaseObject,
        reporter: Reporter,
        settings: Settings,
        progress: runtime.Progress,
        door: Door | None = None,
    ) -> None:
        self._client = client
        self._leadership = Leadership(lease, settings.identity, on_change=self._note)
        self._reporter = reporter
        self._settings = settings
        self._progress = progress
        self._gained, self._lost = asyncio.Event(), asyncio.Event()
        self._controller: Controller | None = None
        self._door = door
        self._admission: Admission | None = None
        self._reviews = Counter[str]()
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
        if self._door is not None:
            yield from metrics.webhook(self._reviews, self._admission.shown.ends if self._admission else 0.0)
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
            parts: dict[str, Callable[[], Awaitable[None]]] = {
                "watching": store.run,
                "working": partial(self._work, store),
                "reminding": partial(self._remind, store),
                "keeping keys": partial(keyring.keep, self._client, self._settings.namespace),
                "summing up peers": PeerReport(self._client, self._seen).run,
            }
            if self._door is not None:
                self._admission = Admission(
                    self._client, self._settings.namespace, self._door, self._judge, self._reviews
                )
                parts |= {"certifying": self._admission.certify, "admitting": partial(self._admit, store)}
            try:
                await runtime.until(self._lost, parts)
            finally:
                self._controller = self._admission = None
                self._progress.rest()

    async def _work(self, store: Store) -> None:
        await store.synced()
        self._progress.ready = True
        if self._controller is not None:
            await runtime.look_again(self._controller.look, store.changed, self._progress, rest=REST, resync=RESYNC)

    async def _remind(self, store: Store) -> None:
        await store.synced()
        while True:
            await asyncio.sleep(REMINDING)
            if self._controller is not None and self._controller.seen is not None:
                news.repeat_refusals(self._reporter, self._controller.seen.services.values())

    async def _admit(self, store: Store) -> None:
        await store.synced()
        if self._admission is not None:
            await self._admission.serve()

    def _seen(self) -> Snapshot | None:
        """What was looked at last."""
        return self._controller.seen if self._controller else None

    def _judge(self, review: Review) -> Verdict:
        """What nobody who leads has looked at yet is not refused."""
        if self._controller is None or self._controller.seen is None:
            return Verdict()
        return judged(review, self._controller.facts())


async def run(access: Access, settings: Settings, door: Door | None = None) -> None:
    """Be a replica of the manager until told to stop. Without a door it serves no webhook."""
    gc.set_threshold(*GARBAGE)
    with stop_signals() as stop:
        # Nothing is tried again behind the loop's back: the lead may be lost by then, and the next look decides anew.
        async with Client(access, Patience(attempts=1)) as client, Client(access) as lease_client:
            lease = ApiLease(lease_client, settings.namespace, names.LEADER_LEASE)
            reporter = Reporter(client, "openelb-manager", settings.identity)
            progress = runtime.Progress()
            replica = Replica(client, lease, reporter, settings, progress, door)
            async with runtime.health(settings.metrics_address, progress, metrics.registry(replica.facts)):
                await replica.run(stop)
