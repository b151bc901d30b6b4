"""The speaker of one node: it announces what the plan says this node announces, for as long as its own loop is alive."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol as Interface

from openelb.announce.layer2 import TOLD_ONE_BY_ONE
from openelb.announce.protocols import Announcers
from openelb.complaints import Complaints
from openelb.host.state_file import StateFile
from openelb.kube.lease import SpeakerLease
from openelb.kube.report import Reporter
from openelb.kube.store import Store
from openelb.model import names
from openelb.model.addresses import Address, order
from openelb.model.announcements import NO_REASONS, Claim, beyond
from openelb.model.cluster import Protocol
from openelb.model.snapshot import Snapshot
from openelb.plan import handover, liveness, node
from openelb.plan.node import NO_ADDRESSES
from openelb.plan.presence import Alive
from openelb.process import runtime
from openelb.speaker import succession
from openelb.speaker.company import Company
from openelb.speaker.resumption import WHY
from openelb.speaker.succession import Inheritance
from openelb.wire.nft import NOTHING, Wish

log = logging.getLogger(__name__)

TICK = 1.0  # seconds between two looks at the latest; each makes what we announce valid for another TTL
HANDOVER = 1.0  # seconds in which the others take over before we fall silent; they need a few milliseconds
CARRYING = 0.2  # seconds between two looks while the cluster has not been read


GOBGPD_SOCKET = Path("/run/openelb/gobgpd/socket")
"""Where gobgpd listens for us alone."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Of a speaker. Without a `daemon_set` that starts it again, every stop is for good. Without `heartbeat_keys`, a directory,
    the keys of heartbeats are read from the cluster alone. `gobgpd` is its socket; who `spawns_gobgpd` runs it as a child.
    """

    node: str
    holder: str
    namespace: str = names.NAMESPACE
    lb_class: str = names.LOAD_BALANCER_CLASS
    daemon_set: str = names.DAEMON_SET
    metrics_address: str = "127.0.0.1:50053"
    heartbeat_keys: Path | None = None
    unserved: Wish = NOTHING
    leaves_when_cordoned: bool = False
    leaves_when_tainted: frozenset[str] = frozenset()
    gobgpd: Path = GOBGPD_SOCKET
    spawns_gobgpd: bool = False


class Onlooker(Interface):
    """Who is shown each snapshot, who is alive, and what this node announces."""

    def look(self, snapshot: Snapshot, alive: frozenset[str], claims: Mapping[Claim, node.Grounds]) -> None: ...


class Speaker:
    """All its state belongs to the task that runs `look`."""

    def __init__(
        self,
        store: Store,
        lease: SpeakerLease,
        company: Company,
        announcers: Announcers,
        state: StateFile,
        reporter: Reporter,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        onlookers: Sequence[Onlooker] = (),
    ) -> None:
        self._store = store
        self._onlookers = onlookers
        self._lease = lease
        self._company = company
        self._announcers = announcers
        self._state = state
        self._reporter = reporter
        self._settings = settings
        self._clock = clock
        self._complaints = Complaints(clock=clock)
        self._inherited = NO_ADDRESSES
        self._lapses = 0
        self._looked_at = math.inf
        self._valid_until = -math.inf
        self._distrusted: str | None = None
        self._judged = node.Judgement()
        self._handover = handover.NOTHING_KEPT

    async def look(self) -> float | None:
        """Judge once and announce. Returns the seconds after which time alone may change the judgement."""
        snapshot, now = self._store.snapshot(), self._clock()
        present = self._company.hear(snapshot, now)
        for each in self._onlookers:
            each.look(snapshot, present.alive.nodes, self._judged.plan.claims)
        snapshot = replace(snapshot, speakers=present.speakers)
        if self._company.lapses != self._lapses:
            self._lapses, self._judged, self._inherited = self._company.lapses, node.Judgement(), NO_ADDRESSES
        if self._company.is_watched:
            self._looked_at, silent = now, not self._company.has_joined
        else:
            silent = self._slept(self._company.heard_own(), now)
        if silent and self._inherited:  # what the process before this one announced waits for it, and for nobody else
            self._make_valid(self._announcers.claims, now + liveness.TTL_SECONDS, NO_REASONS)
        elif silent:
            self._announce(node.NodePlan(), snapshot, now)
        else:
            self._announce(self._plan(snapshot, present.alive), snapshot, now)
        if silent:
            self._company.watch_over(snapshot)
        else:
            self._company.tell(snapshot, self.holds)
        over, change = self._handover.due(), self._company.next_change(now)
        return min((after for after in (over and over - now, change) if after is not None), default=None)

    async def carry_on(
        self,
        inheritance: Inheritance,
        synced: Callable[[], Awaitable[None]],
        answered_at: Callable[[], float],
        progress: runtime.Progress,
    ) -> None:
        """Until the cluster has been read, announce what the process before this one did, if the others cannot have taken
        over yet. With the API server away they do not, so it may take as long as it likes; `answered_at` says since when
        it is not (`inf`: it is), and from then on they do, since we do not renew.
        """
        claims = inheritance.claims
        self._inherited = frozenset(claim.address for claim in claims)
        self._company.resume(inheritance.peers, announcing=bool(claims))
        why = dict.fromkeys(claims, WHY)
        wait = 0.0  # the first time: where the cluster has been read, the plan alone rules
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await synced()
                    return
            now, wait = self._clock(), CARRYING
            until = succession.ends(now, answered_at())
            lapsed, self._lapses = self._company.lapses > self._lapses, self._company.lapses
            if claims and (lapsed or self._stood_still(now) or succession.is_over(now, until)):
                claims, self._looked_at = frozenset(), math.inf  # who announces nothing may stand still
                self._inherited = NO_ADDRESSES
                self._announcers.stop()
                self._company.resume(self._company.peers, announcing=False)
            if claims:
                self._make_valid(claims, until, why)
            progress.step()

    def is_fit(self) -> bool:
        """Whether the loop and layer 2 do their work: what is announced is valid no longer than this holds."""
        now = self._clock()
        well_at = min(self._announcers.states[Protocol.LAYER2].well_at, self._announcers.stepped_at)
        return now < self._valid_until and now - well_at < liveness.TTL_SECONDS

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

    def _plan(self, snapshot: Snapshot, alive: Alive) -> node.NodePlan:
        settings, before = self._settings, self._judged
        self._judged = node.judge(before, snapshot, settings.node, alive, settings.lb_class, self._inherited)
        self._inherited = NO_ADDRESSES
        self._handover = handover.follow(self._handover, before, self._judged, self._clock())
        return self._handover.plan(self._judged.plan)

    def _announce(self, plan: node.NodePlan, snapshot: Snapshot, now: float) -> None:
        before, claims = self._announcers.claims, frozenset(plan.claims)
        gained, lost = beyond(claims, before), beyond(before, claims)
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
        self._announcers.apply(claims, valid_until=until, announcement_round=self._company.round, why=why)
        self._valid_until = until
        if self.is_fit():
            self._state.keep(self._announcers.claims, self._company.peers, valid_for=until - self._clock())

    @property
    def holds(self) -> frozenset[Address]:
        """What is answered here though another node comes before this one."""
        return self._judged.plan.holds

    def alive(self) -> int:
        """How many speakers are held to be alive."""
        return len(self._company.present.alive.nodes)

    def stop(self) -> None:
        """Be silent, and keep the Lease: who starts next on this node goes on with its addresses."""
        self._announcers.stop(kept=True)

    async def hand_over(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Leave: the others see it at once and answer, while we go on for a moment so that nobody is unanswered.

        Raises ApiError when the cluster cannot be told.
        """
        claims = frozenset(replace(claim, ending=True) for claim in self._announcers.claims)
        log.info("leaving the cluster for good: the other nodes take over %d addresses", len(claims))
        self._company.leave()
        await self._lease.leave()
        self._state.remove()
        if claims:
            self._announcers.apply(claims, valid_until=self._clock() + HANDOVER, announcement_round=self._company.round)
            await sleep(HANDOVER)
        self._announcers.stop()
