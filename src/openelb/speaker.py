"""The speaker of one node: it announces what the plan says this node announces, for as long as its own loop is alive."""

import asyncio
import contextlib
import gc
import logging
import math
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prometheus_client.metrics_core import Metric

from openelb import metrics, runtime, succession
from openelb.announce.layer2 import TOLD_ONE_BY_ONE, Layer2
from openelb.announce.protocols import Announcers
from openelb.complaints import Complaints
from openelb.host.links import link_changes, links
from openelb.host.sockets import LinkPort
from openelb.host.state_file import StateFile
from openelb.kube import reads
from openelb.kube.backoff import Backoff
from openelb.kube.client import Client
from openelb.kube.config import Access
from openelb.kube.errors import ApiError, Forbidden
from openelb.kube.lease import SpeakerLease, speaker_lease_name
from openelb.kube.lease_object import ApiLease
from openelb.kube.report import Reporter
from openelb.kube.store import Store
from openelb.model import names
from openelb.model.addresses import order
from openelb.model.announcements import Claim
from openelb.model.cluster import Link, Protocol
from openelb.model.snapshot import Snapshot
from openelb.plan import liveness, node, stopping

log = logging.getLogger(__name__)

REST = 0.1  # seconds between two looks at the least: in a burst, and where a thousand peers renew, one serves many
# Seconds until a thread that answers gets its turn while the loop computes. An answer takes about three turns, one for
# each call of the kernel, so that Python's own 5 ms would make it 15 ms late.
SWITCH = 0.0005
TICK = 1.0  # seconds between two looks at the latest; each makes what we announce valid for another TTL
HANDOVER = 1.0  # seconds in which the others take over before we fall silent; they need a few milliseconds
# An announcer that fails is tried again within so long, and a look: before what it still announces becomes invalid.
AGAIN = Backoff(first=0.1, last=1.0)
ASKING = 3.0  # seconds for the question whether a stop is for good: less than our addresses would wait for a successor

# Events are for people who look at one Service. A node that gets a thousand addresses writes no thousand Events.
EVENTS = 20
EVENTS_PER_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Of a speaker. Without a `daemon_set` that starts it again, every stop is for good."""

    node: str
    holder: str
    namespace: str = names.NAMESPACE
    lb_class: str = names.LOAD_BALANCER_CLASS
    daemon_set: str = names.DAEMON_SET
    metrics_address: str = "127.0.0.1:50053"
    state_file: Path | None = None


class Speaker:
    """All its state belongs to the task that runs `look`."""

    def __init__(
        self,
        store: Store,
        lease: SpeakerLease,
        announcers: Announcers,
        state: StateFile,
        reporter: Reporter,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lease = lease
        self._announcers = announcers
        self._state = state
        self._reporter = reporter
        self._settings = settings
        self._clock = clock
        self._complaints = Complaints(clock=clock)
        self._hearing = liveness.Hearing(echoed_at=clock())
        self._looked_at = math.inf
        self._valid_until = -math.inf
        self._distrusted: str | None = None
        self._judged = node.Judgement()

    async def look(self) -> float | None:
        """Judge once and announce. Returns the seconds after which time alone may change the judgement."""
        snapshot, now = self._store.snapshot(), self._clock()
        renewals = {name: speaker.renewal for name, speaker in snapshot.speakers.items()}
        own = renewals.get(self._settings.node, "")
        self._hearing = liveness.listen(self._hearing, own, renewals, now)
        if self._slept(own, now):
            self._announce(node.NodePlan(), snapshot, now)
        else:
            self._announce(self._plan(snapshot, self._alive(now)), snapshot, now)
        loss = liveness.next_loss(self._hearing, now)
        return None if loss is None else loss - now

    async def carry_on(
        self,
        there: tuple[Link, ...],
        synced: Callable[[], Awaitable[None]],
        answered_at: Callable[[], float],
        progress: runtime.Progress,
    ) -> None:
        """Until the cluster has been read, announce what the process before this one did, if the others cannot have taken
        over yet. With the API server away they do not, so it may take as long as it likes; `answered_at` says since when
        it is not (`inf`: it is), and from then on they do, since we do not renew.
        """
        claims = succession.inherited(
            self._state.left(), frozenset(link.name for link in there), self._announcers.protocols
        )
        why = dict.fromkeys(claims, "the speaker before this one did")
        wait = 0.0  # the first time: where the cluster has been read, the plan alone rules
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await synced()
                    return
            now, wait = self._clock(), TICK
            until = succession.ends(now, answered_at())
            if claims and (self._stood_still(now) or succession.is_over(now, until)):
                claims, self._looked_at = frozenset(), math.inf  # who announces nothing may stand still
                self._announcers.stop()
            if claims:
                self._make_valid(claims, until, why)
            progress.step()

    def is_fit(self) -> bool:
        """Whether the loop and layer 2 do their work: what is announced is valid no longer than this holds."""
        now = self._clock()
        well_at = min(self._announcers.states[Protocol.LAYER2].well_at, self._announcers.stepped_at)
        return now < self._valid_until and now - well_at < liveness.TTL_SECONDS

    def _alive(self, now: float) -> frozenset[str]:
        alive = liveness.alive(self._hearing, now)
        return alive - {self._settings.node} if liveness.is_given_up(self._hearing, self._settings.node, now) else alive

    def _slept(self, own: str, now: float) -> bool:
        """After a pause in which the others may have taken over, nothing we remember counts until a renewal of our own
        has come back: with it comes what the others did meanwhile.
        """
        if self._stood_still(now):
            self._distrusted = own
        if self._distrusted is not None and own != self._distrusted:
            self._distrusted = None
        return self._distrusted is not None

    def _stood_still(self, now: float) -> bool:
        pause, self._looked_at = now - self._looked_at, now
        if pause <= liveness.TTL_SECONDS:
            return False
        if self._complaints.is_due("stood still"):
            log.warning("stood still for %.1f s: silent until the cluster has been heard again", pause)
        return True

    def _plan(self, snapshot: Snapshot, alive: frozenset[str]) -> node.NodePlan:
        self._judged = node.judge(self._judged, snapshot, self._settings.node, alive, self._settings.lb_class)
        return self._judged.plan

    def _announce(self, plan: node.NodePlan, snapshot: Snapshot, now: float) -> None:
        before, claims = self._announcers.claims, frozenset(plan.claims)
        gained, lost = claims - before, before - claims
        why: dict[Claim, str] = {}
        if len(gained) <= TOLD_ONE_BY_ONE:
            why |= {claim: str(plan.claims[claim]) for claim in gained}
        if len(lost) <= TOLD_ONE_BY_ONE:
            why |= {claim: plan.why_not(claim.address) for claim in lost}
        self._make_valid(claims, now + liveness.TTL_SECONDS, why)
        for claim in sorted(gained & self._announcers.claims, key=lambda claim: (claim.link, order(claim.address))):
            for key in plan.claims[claim].services:
                sentence = f"node {self._settings.node} answers for {claim.address} on {claim.link}"
                self._reporter.tell(snapshot.services[key], "SetBalancer", sentence, warning=False)

    def _make_valid(self, claims: frozenset[Claim], until: float, why: Mapping[Claim, str]) -> None:
        """Announce these claims for another while. After a silence in which the others may have announced them, the
        neighbours are told anew. A successor gets what is really announced, of a speaker that is fit: of another, the
        others take it over.
        """
        self._announcers.apply(claims, valid_until=until, announcement_round=self._hearing.silences, why=why)
        self._valid_until = until
        if self.is_fit():
            self._state.keep(self._announcers.claims, valid_for=until - self._clock())

    def alive(self) -> int:
        """How many speakers are held to be alive."""
        return len(liveness.alive(self._hearing, self._clock()))

    def stop(self) -> None:
        """Be silent, and keep the Lease: who starts next on this node goes on with its addresses."""
        self._announcers.stop()

    async def hand_over(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Leave: the others see it at once and answer, while we go on for a moment so that nobody is unanswered.

        Raises ApiError when the cluster cannot be told.
        """
        claims = self._announcers.claims
        log.info("leaving the cluster for good: the other nodes take over %d addresses", len(claims))
        await self._lease.leave()
        self._state.remove()
        if claims:
            self._announcers.apply(
                claims, valid_until=self._clock() + HANDOVER, announcement_round=self._hearing.silences
            )
            await sleep(HANDOVER)
        self._announcers.stop()


async def run(access: Access, settings: Settings) -> None:
    """Be the speaker of a node until told to stop; leave its addresses to its successor, or hand them over for good."""
    sys.setswitchinterval(SWITCH)
    with runtime.stop_signals() as stop:
        async with Client(access) as client, Client(access) as lease_client:
            await _Parts(client, lease_client, settings).run(stop)


class _Parts:
    """The parts of a speaker, wired together."""

    def __init__(self, client: Client, lease_client: Client, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._lease_object = ApiLease(lease_client, settings.namespace, speaker_lease_name(settings.node))
        self._lease = SpeakerLease(
            self._lease_object, settings.node, settings.holder, fit=lambda: self._speaker.is_fit()
        )
        self._store = Store.for_speaker(client, settings.namespace)
        self._reporter = Reporter(client, "openelb-speaker", settings.node, queue=EVENTS, per_second=EVENTS_PER_SECOND)
        self._layer2 = Layer2(LinkPort)
        self._announcers = Announcers({Protocol.LAYER2: self._layer2}, AGAIN.wait)
        state = StateFile(settings.state_file)
        self._speaker = Speaker(self._store, self._lease, self._announcers, state, self._reporter, settings)
        self._progress = runtime.Progress(others=lambda: self._announcers.stepped_at)
        self._pulse = metrics.Pulse()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, and while it is asked whether that is for good; then leave."""
        decided, for_good = asyncio.Event(), False

        async def decide() -> None:
            nonlocal for_good
            await stop.wait()
            for_good = await _is_for_good(self._client, self._settings)
            decided.set()

        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "watching": self._store.run,
            "renewing": self._renew,
            "following links": self._follow_links,
            "telling": self._reporter.run,
            "working": self._work,
            "measuring": partial(runtime.heartbeat, self._pulse.beat),
            "stopping": decide,
        }
        registry = metrics.registry(self._facts)
        async with runtime.health(self._settings.metrics_address, self._progress, registry):
            await runtime.until(decided, parts)
            await _leave(self._speaker, for_good=for_good)

    async def _renew(self) -> None:
        await self._store.synced()  # who has not read the cluster is no candidate
        self._lease_object.owner = await _owner(self._client, self._settings.node)
        self._lease.tell(links())
        await self._lease.run()

    async def _follow_links(self) -> None:
        async for _ in link_changes():
            self._lease.tell(links())

    async def _work(self) -> None:
        await self._speaker.carry_on(links(), self._store.synced, lambda: self._client.answered_at, self._progress)
        self._progress.ready = True
        gc.freeze()  # most of what was read stays: no collection need go through all of it
        await runtime.look_again(self._speaker.look, self._store.changed, self._progress, rest=REST, resync=TICK)

    def _facts(self) -> Iterable[Metric]:
        """For Prometheus."""
        troubled = self._layer2.troubled
        by_link = Counter(claim.link for claim in self._layer2.claims if claim.link not in troubled)
        yield from metrics.speaker(self._layer2.counts, by_link, self._speaker.alive())
        yield from metrics.announcers(self._announcers.states)
        yield from metrics.loop(self._pulse, self._progress.age())


async def _owner(client: Client, name: str) -> dict[str, str] | None:
    """The reference to our Node, or None where there is none of that name, and where we may not read it: the Lease then
    outlives its node, which is no reason not to announce. Raises ApiError for what may pass.
    """
    try:
        here = await reads.node(client, name)
    except Forbidden as refusal:
        log.warning("when node %s is deleted, its Lease will stay: %s", name, refusal)
        return None
    return {"apiVersion": "v1", "kind": "Node", "name": name, "uid": here.uid} if here else None


async def _leave(speaker: Speaker, *, for_good: bool) -> None:
    try:
        if for_good:
            await speaker.hand_over()
            return
    except ApiError as error:
        log.warning("the cluster cannot be told, so this is taken for a restart: %s", error)
    log.info("stopping; the addresses stay with this node if a speaker is back within %g s", liveness.TTL_SECONDS)
    speaker.stop()


async def _is_for_good(client: Client, settings: Settings) -> bool:
    """Whether no speaker will follow on this node; not, where nobody can be asked."""
    if not settings.daemon_set:
        return True
    try:
        async with asyncio.timeout(ASKING):
            selector = await reads.node_selector(client, settings.namespace, settings.daemon_set)
            here = await reads.node(client, settings.node)
            return here is None or stopping.is_for_good(selector, here.labels, cordoned=here.cordoned)
    except (ApiError, TimeoutError) as error:
        told = error if isinstance(error, ApiError) else f"no answer within {ASKING:g} s"
        log.warning("the cluster cannot be asked, so this is taken for a restart: %s", told)
        return False
