"""The parts of a speaker, wired together: what it reads, what it hears, what it announces, and how it leaves."""

import asyncio
import gc
import logging
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from prometheus_client.metrics_core import Metric

from openelb.announce.bgp import Bgp
from openelb.announce.gobgpd import Gobgpd
from openelb.announce.protocols import Announcers
from openelb.announce.unserved import Unserved
from openelb.host import checks, nft
from openelb.host.answers import AnswerPort
from openelb.host.dialling import dial
from openelb.host.gobgp.process import is_leaving, keep, wanted
from openelb.host.gobgp.reasons import Reasons
from openelb.host.links import link_changes, links
from openelb.host.routes import DefaultRoutes
from openelb.host.sockets import LinkPort
from openelb.kube import conflicts, reads
from openelb.kube.backoff import Backoff
from openelb.kube.client import Client
from openelb.kube.config import Access
from openelb.kube.errors import ApiError, Forbidden
from openelb.kube.lease import SpeakerLease, speaker_lease_name
from openelb.kube.lease_object import ApiLease
from openelb.kube.report import Reporter
from openelb.kube.resources import own_node
from openelb.kube.shelf import Shelf
from openelb.kube.store import Store
from openelb.kube.views import TaintView
from openelb.kube.watch import Reflector
from openelb.model.cluster import Protocol
from openelb.model.layer2 import GRACE_SECONDS
from openelb.plan import hosting, stopping
from openelb.process import keyring, metrics, runtime
from openelb.process.signals import stop_signals
from openelb.speaker.company import Company
from openelb.speaker.gateways import GatewayWatch
from openelb.speaker.peering import Peering
from openelb.speaker.prober import Prober
from openelb.speaker.resumption import Resumption
from openelb.speaker.sentry import Sentry
from openelb.speaker.speaker import TICK, Settings, Speaker
from openelb.speaker.surroundings import Surroundings
from openelb.wire.ndp import NONCE_SIZE

log = logging.getLogger(__name__)

REST = 0.1  # seconds between two looks on the average: in a burst, and where a thousand peers renew, one serves many
SPARE = 4
"""Looks that need not rest after a quiet while. A Service comes in three pieces, within a few milliseconds: its endpoints, the label
that says whose address it has, and the address."""

# Seconds until a thread that answers gets its turn while the loop computes. An answer takes about three turns, one for
# each call of the kernel, so that Python's own 5 ms would make it 15 ms late.
SWITCH = 0.0005
# An announcer that fails is tried again within so long, and a look: before what it still announces becomes invalid.
AGAIN = Backoff(first=0.1, last=1.0)
ASKING = 3.0  # seconds for the question whether a stop is for good: less than our addresses would wait for a successor
STALLED = 1.0  # seconds without a step of the main loop after which this speaker does not say any more that it lives

# Events are for people who look at one Service. A node that gets a thousand addresses writes no thousand Events.
EVENTS = 20
EVENTS_PER_SECOND = 1.0


async def run(access: Access, settings: Settings, resumption: Resumption) -> None:
    """Be the speaker of a node until told to stop; leave its addresses to its successor, or hand them over for good. What
    `resumption` has begun goes on.
    """
    sys.setswitchinterval(SWITCH)
    with stop_signals() as stop:
        async with Client(access) as client, Client(access) as lease_client:
            await _Parts(client, lease_client, settings, resumption).run(stop)


class _Parts:
    """The parts of a speaker, wired together."""

    def __init__(self, client: Client, lease_client: Client, settings: Settings, resumption: Resumption) -> None:
        self._client = client
        self._settings = settings
        self._lease = SpeakerLease(
            ApiLease(
                lease_client,
                settings.namespace,
                speaker_lease_name(settings.node),
                owner=partial(_owner, lease_client, settings.node),
            ),
            settings.node,
            settings.holder,
            leaves_when_cordoned=settings.leaves_when_cordoned,
            fit=lambda: self._speaker.is_fit(),
        )
        self._store = Store.for_speaker(client, settings.namespace)
        taints = TaintView(settings.leaves_when_tainted, self._lease.taint)
        self._taints = Reflector(client, own_node(settings.node), Shelf(taints, lambda: None))
        self._reporter = Reporter(client, "openelb-speaker", settings.node, queue=EVENTS, per_second=EVENTS_PER_SECOND)
        self._layer2, self._heartbeats = resumption.layer2, resumption.heartbeats
        self._inheritance = resumption.inheritance
        self._announcers = Announcers({Protocol.LAYER2: self._layer2}, AGAIN.wait)
        self._links = links()
        self._turned_at = time.monotonic()
        self._company = Company(
            settings.node,
            self._heartbeats,
            self._lease,
            lambda: self._links,
            clock=time.monotonic,
            answered_at=lambda: lease_client.last_answered_at,  # asked at once when somebody is lost
        )
        self._prober = Prober(
            settings.node,
            LinkPort,
            self._lease.find,
            partial(conflicts.record, client, settings.node),
            nonce=secrets.token_bytes(NONCE_SIZE),
            draw=random.random,
        )
        self._socket = settings.gobgpd
        self._bgp = Bgp(
            self._connect,
            changed=lambda: self._peering.heard(),
            release=lambda: wanted(self._socket).unlink(missing_ok=True),
            reasons=Reasons(self._socket.with_suffix(".log")),
        )
        self._peering = Peering(
            client,
            settings.node,
            settings.namespace,
            settings.lb_class,
            self._bgp,
            dial,
            self._lease.begin_bgp,
            has_run=wanted(self._socket).exists(),
        )
        self._speaker = Speaker(
            self._store,
            self._lease,
            self._company,
            self._announcers,
            resumption.state,
            self._reporter,
            settings,
            onlookers=(Sentry(self._layer2, settings.node, self._reporter), self._prober, self._peering),
        )
        self._gateways = GatewayWatch(
            DefaultRoutes(),
            AnswerPort,
            lambda: self._links,
            lambda: self._company.used_links,
            self._tell_links,
        )
        self._loop = asyncio.get_running_loop()
        self._progress = runtime.Progress(others=lambda: self._announcers.stepped_at)
        self._pulse = metrics.Pulse()
        taken = checks.taken(hosting.WATCHED_PORTS)
        self._surroundings = Surroundings(
            lambda links: checks.read(links, taken),
            lambda: [link.name for link in self._links],
            lambda: {claim.link for claim in self._announcers.claims},
        )
        self._unserved = Unserved(
            nft,
            settings.unserved,
            lambda: self._announcers.claims,
            lambda: self._progress.ready,
            routed=lambda: self._peering.routed,
        )
        resumption.is_well, resumption.changed = self._is_well, self._poke

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, and while it is asked whether that is for good; then leave."""
        decided, for_good = asyncio.Event(), False

        async def decide() -> None:
            nonlocal for_good
            await stop.wait()
            for_good = await _is_for_good(self._client, self._settings)
            # Where this process alone ends, gobgpd goes on, and who starts next here finds it.
            if self._peering.is_on and (for_good or await is_leaving(self._socket)):
                await self._peering.leave(for_good=for_good)
            decided.set()

        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "watching": self._store.run,
            "renewing": self._renew,
            "following links": self._follow_links,
            "asking gateways": self._gateways.run,
            "telling": self._reporter.run,
            "working": self._work,
            "keeping rules": self._unserved.run,
            "peering": self._peering.run,
            "looking round": self._surroundings.run,
            "probing": self._prober.run,
            "recording conflicts": self._prober.keep_records,
            "measuring": partial(runtime.heartbeat, self._turn),
            "reading keys": partial(
                keyring.follow,
                self._client,
                self._settings.namespace,
                self._settings.heartbeat_keys,
                self._heartbeats.use,
            ),
            "stopping": decide,
        }
        if self._settings.spawns_gobgpd:
            parts["keeping gobgpd"] = partial(keep, self._socket)
        if self._settings.leaves_when_tainted:
            parts["following taints"] = self._taints.run
        registry = metrics.registry(self._facts)
        async with runtime.health(self._settings.metrics_address, self._progress, registry):
            await runtime.until(decided, parts)
            await _leave(self._speaker, for_good=for_good)
            self._heartbeats.stop()
            if for_good:
                await self._unserved.remove()

    def _connect(self) -> Gobgpd:
        """Ask who keeps gobgpd to have it run, and talk to it. What that takes is read where there is a BgpConf alone."""
        from openelb.host.gobgp.client import Client as GobgpClient

        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted(self._socket).touch()
        return GobgpClient(str(self._socket))

    def _turn(self, late: float) -> None:
        """The main loop has made a step."""
        self._pulse.beat(late)
        self._turned_at = time.monotonic()

    def _is_well(self) -> bool:
        """Whether others may count on this speaker. Asked by the thread of heartbeats."""
        return time.monotonic() - self._turned_at < STALLED and self._speaker.is_fit()

    def _poke(self) -> None:
        """Look again. Called by the thread of heartbeats."""
        self._loop.call_soon_threadsafe(self._store.poke)

    async def _renew(self) -> None:
        await self._store.synced()  # who has not read the cluster is no candidate
        self._tell_links()
        await self._lease.run()

    async def _follow_links(self) -> None:
        async for _ in link_changes():
            self._links = links()
            self._tell_links()

    def _tell_links(self) -> None:
        """Have the others know of our links as they are."""
        self._lease.tell(self._gateways.mark(self._links))
        self._store.poke()

    async def _work(self) -> None:
        await self._speaker.carry_on(
            self._inheritance, self._store.synced, lambda: self._client.answered_at, self._progress
        )
        self._progress.ready = True
        gc.freeze()  # most of what was read stays: no collection need go through all of it
        await runtime.look_again(
            self._speaker.look, self._store.changed, self._progress, rest=REST, resync=TICK, spare=SPARE
        )

    def _facts(self) -> Iterable[Metric]:
        """For Prometheus."""
        troubled = self._layer2.troubled
        by_link = Counter(claim.link for claim in self._layer2.claims if claim.link not in troubled)
        yield from metrics.speaker(self._layer2.counts, by_link, self._speaker.alive())
        yield from metrics.rivals(self._layer2.rivals)
        yield from metrics.announcers(self._announcers.states)
        view = self._heartbeats.view
        heard = sum(each.known and not each.silent for each in view.standings.values()) if view else 0
        yield from metrics.heartbeats(self._heartbeats.counts, heard)
        bgp = self._bgp
        yield from metrics.bgp(
            metrics.BgpFacts(
                self._settings.node, self._peering.is_on, not bgp.trouble, bgp.sessions, bgp.losses, bgp.paths
            )
        )
        yield metrics.gateways(self._gateways.up)
        yield metrics.host(self._surroundings.troubles)
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
    log.info("stopping; the addresses stay with this node if a speaker is back within %g s", GRACE_SECONDS)
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
