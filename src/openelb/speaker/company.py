"""What a speaker hears of the others, and lets them know of itself: by Leases, and by heartbeats where there is a key for them.

Decided is nothing here: what is heard is folded into a `Presence`, and what was judged is told on.
"""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from openelb.announce.ring import neighbours
from openelb.announce.standings import Orders, View
from openelb.complaints import Complaints
from openelb.kube.lease import SpeakerLease
from openelb.model.addresses import Address
from openelb.model.cluster import Link, Pool
from openelb.model.layer2 import GRACE_SECONDS, Layer2Choices, Profile
from openelb.model.snapshot import Snapshot
from openelb.plan import gateways, liveness
from openelb.plan.heard import Way
from openelb.plan.presence import (
    Alive,
    Heard,
    Presence,
    all_heard,
    deaf_to_us,
    nobody_hears_us,
    presence,
    silent_links,
    unheard,
)
from openelb.plan.ways import ways
from openelb.wire.heartbeat import told

log = logging.getLogger(__name__)


UNHEARD_SECONDS = 1.0
"""After a cut, all are told anew what we hold within a fraction of that."""

PORT_OPEN = "do the nodes let each other's UDP datagrams to the port OPENELB_HEARTBEAT_PORT (50055) through?"


class Watch(Protocol):
    """Heartbeats, as `announce.heartbeats.Heartbeats` has them."""

    @property
    def view(self) -> View | None:
        """None while there are none."""

    def follow(self, orders: Orders) -> None: ...


class Alone:
    """No heartbeats: Leases alone count."""

    view: View | None = None

    def follow(self, orders: Orders) -> None:
        """Nobody is told."""


class Company:
    """The others, to one speaker. All its state belongs to the task that looks."""

    def __init__(
        self,
        me: str,
        watch: Watch,
        lease: SpeakerLease,
        own_links: Callable[[], tuple[Link, ...] | None],
        *,
        clock: Callable[[], float],
        answered_at: Callable[[], float] = lambda: -math.inf,
    ) -> None:
        self._me = me
        self._watch = watch
        self._lease = lease
        self._own_links = own_links
        self._clock = clock
        self._answered_at = answered_at
        self._hearing = liveness.Hearing(echoed_at=clock())
        self._since = math.inf
        self._orders = Orders()
        self._state: tuple[frozenset[Address], tuple[str, ...]] | None = None
        self._pools: Mapping[str, Pool] = {}
        self._gateways: gateways.Word | None = None
        self._choices = frozenset[Layer2Choices]()
        self._ways_from: tuple[object, ...] = ()
        self._met: Mapping[str, tuple[Way, ...]] = {}
        self._view = View()
        self._lost = frozenset[str]()
        self._lost_since = -math.inf
        self._silent_links = frozenset[tuple[str, str]]()
        self._deaf_since: Mapping[str, float] = {}
        self._complaints = Complaints(clock=clock)
        self.present = Presence(Alive(), {})
        self.used_links: frozenset[str] = frozenset()
        """The names of our links by which there may be something to announce."""

    @property
    def is_watched(self) -> bool:
        """Whether there are heartbeats."""
        return self._watch.view is not None

    @property
    def has_joined(self) -> bool:
        """Whether it is known what the others hold; without heartbeats their Leases tell."""
        view = self._watch.view
        return view is None or view.joined

    @property
    def lapses(self) -> int:
        """How often the others may have taken us for lost, by heartbeats."""
        return (self._watch.view or self._view).lapses

    @property
    def round(self) -> int:
        """Another number than before when others may have announced what is ours."""
        return self._hearing.silences + self._view.lapses + self._view.returns

    def hear(self, snapshot: Snapshot, now: float) -> Presence:
        """Who is there."""
        self._gateways = gateways.listen(self._gateways, snapshot.speakers, now)
        speakers = self._gateways.heeded(snapshot.speakers)
        renewals = {name: speaker.renewal for name, speaker in speakers.items()}
        ttls = liveness.ttls(speakers)
        own_ttl = ttls.get(self._me, liveness.TTL_SECONDS)
        self._hearing = liveness.listen(self._hearing, renewals.get(self._me, ""), renewals, now, ttls, own_ttl)
        view = self._watch.view
        if view is None:
            self._since = math.inf
        else:
            before, self._view, self._since = self._view, view, min(self._since, now)
            self._tell_of_losses(view)
            self._tell_of_silence(snapshot)
            if view.lapses > before.lapses and self._complaints.is_due("lapse"):
                log.warning("others may have taken this speaker for lost: asking what they answer for")
        if self._me not in speakers:
            self._lease.relax(relaxed=False)  # somebody deleted our Lease: it is made anew at once
        if snapshot.pools is not self._pools:
            self._pools, self._choices = snapshot.pools, frozenset(pool.layer2 for pool in snapshot.pools.values())
        deaf = self._deaf(view, now) if view else frozenset[str]()
        near = neighbours(self._me, self._orders.peers) if deaf else deaf
        heard = Heard(view.standings if view else {}, self._since, deaf, near)
        self.present = presence(self._me, speakers, heard, self._hearing, self._choices, now, self._own_links())
        given_up = liveness.is_given_up(self._hearing, self._me, now) if view is None else self._is_unheard(view, deaf)
        if given_up:
            self.present = self.present.without(self._me)
        return self.present

    def next_change(self, now: float) -> float | None:
        """The seconds after which time alone may change who is there."""
        loss = liveness.next_loss(self._hearing, now)
        settled = self._gateways.due() if self._gateways else None
        moments = [each - now for each in (loss, settled) if each is not None]
        return min([*moments, *([] if self.present.again is None else [self.present.again])], default=None)

    def heard_own(self) -> str:
        """Our own renewal that came back last."""
        return self._hearing.own

    def watch_over(self, snapshot: Snapshot) -> None:
        """Beat for those who are there, and say nothing of ourselves yet but that we begin."""
        self._meet(self._ways(snapshot))
        self._watch.follow(self._orders)

    def resume(self, peers: Mapping[str, tuple[Way, ...]], *, announcing: bool) -> None:
        """Before the cluster was read: watch those whom the process before us watched, and go on in its place."""
        self._orders = replace(self._orders, peers=peers, candidate=announcing, answered_at=self._answered_at())
        self._watch.follow(self._orders)

    def tell(self, snapshot: Snapshot, holds: frozenset[Address]) -> None:
        """What was judged: these addresses are held here, and we answer for whatever is ours."""
        self._meet(self._ways(snapshot))
        links = tuple(link.name for link in self._own_links() or ())
        if (holds, links) != self._state:
            self._state = holds, links
            self._orders = replace(self._orders, version=self._orders.version + 1, pieces=self._pieces(holds, links))
        self._orders = replace(self._orders, candidate=True, knows=frozenset(snapshot.speakers))
        self._watch.follow(self._orders)
        lost = snapshot.speakers.keys() - self.present.alive.nodes - {self._me} if self.is_watched else frozenset()
        self._lease.hold(holds, frozenset(lost))
        self._lease.relax(relaxed=self.is_watched and self.has_joined and self._hears_all(snapshot))

    def leave(self) -> None:
        """Say that we go."""
        self._orders = replace(self._orders, leaving=True)
        self._watch.follow(self._orders)

    @property
    def peers(self) -> Mapping[str, tuple[Way, ...]]:
        """Whom we watch, and by which ways: a successor may need to know before it can read it."""
        return self._orders.peers

    def _hears_all(self, snapshot: Snapshot) -> bool:
        return all_heard(self._me, snapshot.speakers, self._view.standings)

    def _ways(self, snapshot: Snapshot) -> Mapping[str, tuple[Way, ...]]:
        own = self._own_links() or ()
        follows_from = (
            own,
            {node: speaker.links for node, speaker in snapshot.speakers.items()},
            snapshot.pools,
            snapshot.nodes,
        )
        if follows_from != self._ways_from:
            self._ways_from = follows_from
            said = snapshot.nodes[self._me].address if self._me in snapshot.nodes else ""
            self.used_links = gateways.used(snapshot.pools.values(), own, said)
            self._met = ways(self._me, snapshot.speakers, snapshot.pools.values(), own, snapshot.nodes)
        return self._met

    def _meet(self, peers: Mapping[str, tuple[Way, ...]]) -> None:
        fast = any(each.profile is Profile.FAST for each in self._choices)
        grace = float(min((each.restart_grace for each in self._choices), default=GRACE_SECONDS))
        self._orders = replace(
            self._orders, peers=peers, settled=True, fast=fast, grace=grace, answered_at=self._answered_at()
        )

    def _pieces(self, holds: frozenset[Address], links: Iterable[str]) -> tuple[bytes, ...]:
        try:
            return told(holds, tuple(links))
        except ValueError as error:
            if self._complaints.is_due("holds"):
                log.warning("the other speakers are not told what this one holds: %s", error)
            return told(frozenset(), tuple(links))

    def _deaf(self, view: View, now: float) -> frozenset[str]:
        """Those to which we have been lost for a while, though they are heard. Who has not joined has told nobody yet that it
        is there.
        """
        before = self._deaf_since if view.joined else {}
        self._deaf_since = {node: before.get(node, now) for node in deaf_to_us(view.standings)}
        return frozenset(node for node, since in self._deaf_since.items() if now - since >= UNHEARD_SECONDS)

    def _is_unheard(self, view: View, deaf: frozenset[str]) -> bool:
        """Whether what we send has not arrived for a while, though we hear the others: they answer for what is ours."""
        unheard = nobody_hears_us(view.standings, deaf)
        if unheard and self._complaints.is_due("unheard"):
            log.warning("the other speakers are heard and hear nothing from here, so this one is silent: %s", PORT_OPEN)
        for node in () if unheard else sorted(deaf):
            if self._complaints.is_due(f"deaf {node}"):
                log.warning(
                    "node %s is heard and hears nothing from here, so what it takes is left to it: %s", node, PORT_OPEN
                )
        return unheard

    def _tell_of_silence(self, snapshot: Snapshot) -> None:
        """Some node is lost that renews its Lease: it may be the firewall."""
        for node in self._lost & snapshot.speakers.keys():
            heard = self._hearing.peers.get(node)
            if (
                heard
                and heard.renewed
                and heard.at - self._lost_since > liveness.TTL_SECONDS
                and self._complaints.is_due(node)
            ):
                log.warning("node %s is not heard, and renews its Lease all the same: %s", node, PORT_OPEN)

    def _tell_of_losses(self, view: View) -> None:
        lost = unheard(view.standings)
        if lost != self._lost:
            self._lost_since = self._clock()
        for node in sorted(lost - self._lost):
            log.warning("node %s is not heard any more: its addresses go to others", node)
        for node in sorted(self._lost - lost & view.standings.keys()):
            log.info("node %s is heard again", node)
        self._lost = lost
        silent = silent_links(view.standings)
        for node, link in sorted(silent - self._silent_links):
            log.warning("node %s is not heard any more on its link %s: its addresses there go to others", node, link)
        for node, link in sorted(self._silent_links - silent):
            if node in view.standings and node not in lost:
                log.info("node %s is heard again on its link %s", node, link)
        self._silent_links = silent
