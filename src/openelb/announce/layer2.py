"""Layer 2 made so: on each link with claims, one thread that answers ARP and neighbour discovery, and announces.

A thread of its own because an answer must not wait for the main loop, and because the loop may hang: every claim carries the
time until which it is valid, and a thread whose claims are no longer renewed is silent. Not known here: who should answer,
and why.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from openelb.announce.counts import LinkCounts
from openelb.announce.delegation import NONE, Delegation, Graces, delegated, without
from openelb.announce.port import Port
from openelb.announce.responder import FRAMES_PER_SECOND, Responder
from openelb.announce.rivals import Manners, Rival, Rivals
from openelb.complaints import Complaints
from openelb.model.addresses import Address, order
from openelb.model.announcements import NO_REASONS, Claim, beyond

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds between attempts to open a link that is gone or down."""

TOLD_ONE_BY_ONE = 20
"""So many addresses that come or go at once have a line each in the log. When a speaker starts, it may be ten thousand."""

FRAMES_AT_ONCE = 64
"""After so many frames from the link, announcements and other orders have their turn: a flood must not hold them up."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a link's thread is to answer for, and until when (seconds of the monotonic clock).

    With another `round`, everything is announced again. The kernel is to answer for what is `delegated`, if it does. `manners`
    are for other machines that have the addresses. What is `ending` goes to another node.
    """

    addresses: frozenset[Address] = frozenset()
    valid_until: float = -math.inf
    round: int = 0
    delegated: Graces = field(default_factory=lambda: NONE)
    manners: Manners | None = None
    ending: frozenset[Address] = frozenset()


class Layer2:
    """Answers for exactly what it was last told, on as many links as the claims name."""

    def __init__(
        self,
        port: Callable[[str], Port],
        *,
        pace: int = FRAMES_PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """On each link, at most `pace` announcements a second leave."""
        self._port = port
        self._pace = pace
        self._clock = clock
        self._stations: dict[str, _Station] = {}
        # Kept beside the threads' orders, since it takes long to gather them from there: every look asks.
        self._claims = frozenset[Claim]()
        self._by_link: dict[str, frozenset[Address]] = {}
        self._ending: dict[str, frozenset[Address]] = {}
        self._delegated: Mapping[str, Graces] = {}
        self._counts: dict[str, LinkCounts] = {}
        self._troubles: dict[str, Complaints] = {}
        self._lapses = Complaints(clock=clock)
        self._refused = frozenset[str]()
        self.manners: Manners | None = None
        """How other machines are treated from the next `apply` on that have addresses of ours; without, they are not judged."""

    def apply(
        self,
        claims: frozenset[Claim],
        *,
        valid_until: float,
        announcement_round: int = 0,
        why: Mapping[Claim, str] = NO_REASONS,
    ) -> None:
        """Answer for these claims and no others until `valid_until`, or until told again.

        Another `announcement_round` than before has all of them announced again: the neighbours may have heard others meanwhile.
        `why` has reasons for the log: why this node answers, or why it no longer does.

        Raises OSError when a link cannot be begun with; the others go on. So it does until it could be begun with, whether or
        not it is asked for still: who was refused and is told to announce nothing has not become fit to announce.
        """
        held = self._claims
        gained, lost = claims - held, held - claims
        wanted = _moved(self._by_link, _by_link(gained), _by_link(lost))
        begun, over = (frozenset(claim for claim in each if claim.ending) for each in (gained, lost))
        self._ending = _moved(self._ending, _by_link(begun), _by_link(over))
        self._delegated = delegated(self._delegated, gained, lost)
        self._bury_the_dead()
        for link, station in list(self._stations.items()):
            self._tell_of_a_lapse(link, station.orders)
            station.follow(self._orders(link, wanted, valid_until, announcement_round))
            if link not in wanted:
                self._stations.pop(link).stop()
        _tell("no longer answering", beyond(held, claims), why)
        missing = sorted(wanted.keys() - self._stations.keys())
        troubles = self._begin(missing, wanted, valid_until, announcement_round) + self._try(
            self._refused - wanted.keys()
        )
        self._refused = frozenset(link for link, _ in troubles)
        self._claims = (
            claims.difference(claim for claim in claims if claim.link in self._refused) if troubles else claims
        )
        self._by_link = {link: addresses for link, addresses in wanted.items() if link not in self._refused}
        if troubles:
            self._delegated = {link: each for link, each in self._delegated.items() if link not in self._refused}
            self._ending = {link: each for link, each in self._ending.items() if link not in self._refused}
        _tell("answering", beyond(self._claims, held), why)
        for _, trouble in troubles:
            raise trouble

    @property
    def claims(self) -> frozenset[Claim]:
        """What is answered for."""
        return self._claims

    @property
    def troubled(self) -> frozenset[str]:
        """The links where at present nothing can be answered, whatever is claimed on them."""
        return frozenset(link for link, station in self._stations.items() if station.in_trouble)

    @property
    def rivals(self) -> Mapping[str, Mapping[Address, Rival]]:
        """By link, other machines that have addresses of ours."""
        return {link: station.rivals.rivals for link, station in self._stations.items()}

    @property
    def counts(self) -> Mapping[str, LinkCounts]:
        """What was done on each link that ever had a claim."""
        return MappingProxyType(self._counts)

    @property
    def stepped_at(self) -> float:
        """When the slowest thread last made a step (seconds of the clock): each is woken by whatever it is told.

        `inf` without any. Also asked by the thread of heartbeats, while links come and go.
        """
        return min((station.stepped_at for station in tuple(self._stations.values())), default=math.inf)

    def stop(self, *, kept: bool = False) -> None:
        """Be silent on every link: when this returns, nothing more is sent. What is `kept` is what the kernel answers."""
        self._claims, self._by_link, self._ending, self._delegated = frozenset(), {}, {}, {}
        for link in list(self._stations):
            self._stations.pop(link).stop(kept=kept)

    def _orders(self, link: str, wanted: Mapping[str, frozenset[Address]], valid_until: float, turn: int) -> Orders:
        addresses, ending = wanted.get(link, frozenset[Address]()), self._ending.get(link, frozenset[Address]())
        return Orders(addresses, valid_until, turn, self._delegated.get(link, NONE), self.manners, ending)

    def _station(self, link: str) -> "_Station":
        counts = self._counts.setdefault(link, LinkCounts())
        troubles = self._troubles.setdefault(link, Complaints(clock=self._clock))
        return _Station(link, self._port(link), counts, troubles, self._pace, self._clock)

    def _begin(
        self,
        links: Sequence[str],
        wanted: Mapping[str, frozenset[Address]],
        valid_until: float,
        announcement_round: int,
    ) -> list[tuple[str, Exception]]:
        """Have a thread answer on each of these links. Returns those where that cannot be, with the reasons."""
        troubles: list[tuple[str, Exception]] = []
        for link in links:
            try:
                self._stations[link] = self._station(link)
            except Exception as trouble:  # raised by `apply` when all have had their turn
                troubles.append((link, trouble))
            else:
                self._stations[link].follow(self._orders(link, wanted, valid_until, announcement_round))
        return troubles

    def _try(self, links: frozenset[str]) -> list[tuple[str, Exception]]:
        """Those of the links that still cannot be begun with, with the reasons. Nothing is announced on any."""
        troubles: list[tuple[str, Exception]] = []
        for link in sorted(links):
            try:
                self._port(link).close()
            except Exception as trouble:
                troubles.append((link, trouble))
        return troubles

    def _bury_the_dead(self) -> None:
        """A thread that has ended unasked is followed by another, which announces all anew."""
        for link in [link for link, station in self._stations.items() if not station.is_alive()]:
            self._stations.pop(link).stop(kept=True)
            self._counts[link].reopened += 1
            if self._lapses.is_due(f"thread of {link}"):
                log.error("the thread that answers on %s has ended: another one is started", link)

    def _tell_of_a_lapse(self, link: str, orders: Orders) -> None:
        silent = self._clock() - orders.valid_until
        if orders.addresses and silent > 0 and self._lapses.is_due(link):
            log.warning("nothing was answered on %s for %.1f s: the speaker was held up that long", link, silent)


def _by_link(claims: frozenset[Claim]) -> dict[str, frozenset[Address]]:
    links = {claim.link for claim in claims}
    return {link: frozenset(claim.address for claim in claims if claim.link == link) for link in links}


def _moved(
    before: Mapping[str, frozenset[Address]],
    gained: Mapping[str, frozenset[Address]],
    lost: Mapping[str, frozenset[Address]],
) -> dict[str, frozenset[Address]]:
    """What each link with addresses has after a change: hashing an address takes long, and most stay where they are."""
    none = frozenset[Address]()
    after = {
        link: (before.get(link, none) - lost.get(link, none)) | gained.get(link, none)
        for link in before.keys() | gained.keys()
    }
    return {link: addresses for link, addresses in after.items() if addresses}


def _tell(what: str, claims: frozenset[Claim], why: Mapping[Claim, str]) -> None:
    if len(claims) > TOLD_ONE_BY_ONE:
        for link, addresses in sorted(_by_link(claims).items()):
            log.info("%s for %d addresses on %s, %s the first", what, len(addresses), link, min(addresses, key=order))
        return
    for claim in sorted(claims, key=lambda claim: (claim.link, order(claim.address))):
        reason = f": {why[claim]}" if claim in why else ""
        log.info("%s for %s on %s%s", what, claim.address, claim.link, reason)


class _Station:
    """The thread of one link. Others replace `orders`, one immutable value, and ring the bell: no lock is held at work."""

    def __init__(
        self,
        link: str,
        port: Port,
        counts: LinkCounts,
        troubles: Complaints,
        pace: int,
        clock: Callable[[], float],
    ) -> None:
        self.orders = Orders()
        self.stepped_at = clock()
        self._link = link
        self._port = port
        self._counts = counts
        self._troubles = troubles
        self._pace = pace
        self._clock = clock
        self.in_trouble = False
        self._kernel = Delegation(link, port, counts, clock)
        self.rivals = Rivals()
        self._stopping = threading.Event()
        # A daemon: a process that ends without `stop` does not wait for it.
        self._thread = threading.Thread(target=self._work, name=f"layer2-{link}", daemon=True)
        self._thread.start()

    def follow(self, orders: Orders) -> None:
        if orders != self.orders:
            self.orders = orders
            self._port.wake()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self, *, kept: bool = False) -> None:
        self._stopping.set()
        self._port.wake()
        self._thread.join()  # at work it waits for nothing but the bell, so this takes no time to speak of
        self._port.close(kept=kept)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self.stepped_at = self._clock()
            try:
                self._serve()
            except OSError as trouble:
                if self._troubles.begins(type(trouble).__name__):
                    told = trouble.strerror or trouble
                    log.warning("cannot answer on %s: %s; trying again every %g s", self._link, told, RETRY)
            except Exception as bug:
                if self._troubles.begins(type(bug).__name__):
                    log.exception("cannot answer on %s: trying again every %g s", self._link, RETRY)
            else:
                return
            self.in_trouble = True
            self._stopping.wait(RETRY)

    def _serve(self) -> None:
        """Answer and announce until told to stop. Raises OSError when the link is gone or down."""
        self._port.open()
        responder = Responder(self._port.mac(), pace=self._pace, rivals=self.rivals)
        followed, left = Orders(), self.rivals.left
        if self.in_trouble:
            self._counts.reopened += 1
            self.in_trouble = False
        if self._troubles.ends():
            log.info("answering on %s again", self._link)
        while not self._stopping.is_set():
            self.stepped_at = self._clock()
            if (orders := self.orders) is not followed or left is not self.rivals.left:
                left = self.rivals.left
                responder = self._updated(responder, orders, followed)
                followed = orders
            self._answer(responder, followed)
            for frame in responder.due(now=self._clock()):
                self._counts.of(frame).announced += self._sent(frame)
            self._kernel.end(now=self._clock())
            if left is self.rivals.left:
                self._port.wait(min(responder.next_due(), self._kernel.due()) - self._clock())

    def _updated(self, responder: Responder, orders: Orders, before: Orders) -> Responder:
        """The responder with these orders: another one when all is to be announced again, as with another MAC of the link."""
        others = self._kernel.follow(without(orders.delegated, self.rivals.left), orders.valid_until)
        if orders.addresses != before.addresses or others != responder.delegated:
            self._port.admit(orders.addresses - others, others)
        mac = self._port.mac()
        if mac != responder.mac or orders.round != before.round:
            responder = Responder(mac, pace=self._pace, rivals=self.rivals)
        responder.router, responder.delegated, responder.manners = self._port.forwards(), others, orders.manners
        responder.claim(orders.addresses, valid_until=orders.valid_until, now=self._clock(), ending=orders.ending)
        return responder

    def _answer(self, responder: Responder, followed: Orders) -> None:
        """Answer what is there: not for ever in a flood, and no further when there are other orders."""
        for _ in range(FRAMES_AT_ONCE):
            if self.orders is not followed or (frame := self._port.receive()) is None:
                return
            counts = self._counts.of(frame)
            counts.received += 1
            answer = responder.receive(frame, now=self._clock())
            if isinstance(answer, str):
                counts.dropped[answer] += 1
            else:
                counts.answered += self._sent(answer)

    def _sent(self, frame: bytes) -> bool:
        sent = self._port.send(frame)
        self._counts.of(frame).send_errors += not sent
        return sent
