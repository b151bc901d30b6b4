"""What one link answers and announces for its claimed addresses of both families, and when. Frames and times in and out.

No socket, no clock, no thread: the caller brings each frame with the time it is now, sends what `due` returns, and calls
again at `next_due`. Times are seconds of one monotonic clock.
"""

import heapq
import math
from ipaddress import IPv6Address
from itertools import cycle
from typing import NamedTuple

from openelb.model.addresses import Address
from openelb.wire import arp, ndp
from openelb.wire.arp import Operation

REPEATS = (0.2, 0.3, 0.5, 1.0, 1.0, 2.0)
"""Seconds between the announcements of a new IPv4 claim: after 0, 0.2, 0.5, 1, 2, 3 and 5 s.

One announcement that is lost leaves clients without the address until their caches expire. The first repetitions are close
together for a queue that overflows in a burst; the last come when a switch port, a bond or a spanning tree has settled.
"""

REPEATS_IPV6 = (1.0, 1.0)
"""The same of an IPv6 claim: three in all, a second apart (RFC 4861, section 7.2.6: MAX_NEIGHBOR_ADVERTISEMENT, RetransTimer).

Who misses all of them finds out by itself: neighbours of IPv6 are asked again when they do not answer (section 7.3).
"""

REFRESH = 60.0
"""Seconds between announcements for as long as a claim lasts.

Switches forget a MAC after 300 s and many routers an address after 4 h; who missed the beginning is right within a minute.
"""

FRAMES_PER_SECOND = 1000
"""At most so many announcements a second: storm control of switches for broadcasts often begins at about this rate."""

BATCH = 20
"""At most so many announcements at once, so that questions never wait long for an answer."""

PAUSE = BATCH / FRAMES_PER_SECOND
"""Seconds between two batches, however small: to wake up costs more than to send a frame."""

# What is said of each IPv4 claim, turn by turn, and how long after the turn before; the last two go on for ever. Neighbours
# heed one form or the other, so a new claim is said in both; repetitions, which cost the most, take turns.
_FORMS = (Operation.REQUEST, Operation.REPLY)
_IN_BOTH = ((0.0, Operation.REQUEST), (0.0, Operation.REPLY))
_IN_TURN = tuple(zip(REPEATS, cycle(_FORMS), strict=False))
_TURNS = (*_IN_BOTH, *_IN_TURN, (REFRESH, Operation.REQUEST), (0.0, Operation.REPLY))
_REFRESH_TURN = len(_TURNS) - len(_FORMS)

_GAPS_IPV6 = (0.0, *REPEATS_IPV6, REFRESH)
"""Seconds before each turn of an IPv6 claim, of which there is one form; the last goes on for ever."""

_ABOVE_IPV4 = 1 << 128

_NOTHING: frozenset[Address] = frozenset()

Silence = arp.Silence | ndp.Silence
"""Why a frame gets no answer."""


class _Announcement(NamedTuple):
    """What is to be said. The first words of new claims come before repetitions, whatever is overdue.

    `rank` is the address as a number, another one in each family: a heap of thousands compares numbers ten times as fast.
    """

    turn: int
    when: float
    rank: int
    address: Address


class Responder:
    """The voice of one MAC on one link. It says nothing until it has a claim, and nothing once that is no longer valid.

    `router` is what it tells of its host to IPv6 neighbours: whether it forwards.
    """

    def __init__(self, mac: bytes, *, router: bool = True) -> None:
        self.mac = mac
        self.router = router
        self._claimed = _NOTHING
        self._valid_until = -math.inf
        self._later: list[tuple[float, _Announcement]] = []
        self._ready: list[_Announcement] = []
        self._quiet_until = -math.inf

    def claim(self, addresses: frozenset[Address], *, valid_until: float, now: float) -> None:
        """Answer for exactly these addresses from now until `valid_until`, and announce the ones that are new.

        When the time given before has run out, all are new: another node may have taken them over meanwhile.
        """
        before, held = self._claimed, self._claimed if now < self._valid_until else _NOTHING
        unchanged = addresses == held == before
        self._claimed, self._valid_until = addresses, valid_until
        if unchanged:
            return
        if held is not before or not held <= addresses:
            kept = addresses & held
            self._later = [later for later in self._later if later[1].address in kept]
            self._ready = [ready for ready in self._ready if ready.address in kept]
            heapq.heapify(self._later)
        self._ready += (_Announcement(0, now, _rank(address), address) for address in addresses - held)
        heapq.heapify(self._ready)

    def receive(self, frame: bytes, *, now: float) -> bytes | Silence:
        """The answer to a frame from the link, or why there is none."""
        if ndp.is_ipv6(frame):
            solicitation = ndp.parse(frame)
            if isinstance(solicitation, ndp.Silence):
                return solicitation
            if solicitation.target not in self._claimed:
                return ndp.Silence.NOT_CLAIMED
            if now >= self._valid_until:
                return ndp.Silence.LAPSED
            return ndp.reply(solicitation, mac=self.mac, router=self.router)
        request = arp.parse(frame)
        if isinstance(request, arp.Silence):
            return request
        if request.target not in self._claimed:
            return arp.Silence.NOT_CLAIMED
        if now >= self._valid_until:
            return arp.Silence.LAPSED
        return arp.reply(request, mac=self.mac)

    def due(self, *, now: float) -> list[bytes]:
        """The announcements to send now, at most `BATCH` of them; each is returned once."""
        if now >= self._valid_until:
            # The next claim begins from the beginning; until then nothing is due.
            self._later, self._ready = [], []
        if now < self._quiet_until:
            return []
        while self._later and self._later[0][0] <= now:
            heapq.heappush(self._ready, heapq.heappop(self._later)[1])
        batch = [heapq.heappop(self._ready) for _ in range(min(BATCH, len(self._ready)))]
        if batch:
            self._quiet_until = now + PAUSE
        for said in batch:
            self._plan_after(said, now)
        return [self._announcement(said) for said in batch]

    def next_due(self) -> float:
        """When to call `due` if no claim comes before; infinity when there is nothing to say."""
        when = -math.inf if self._ready else self._later[0][0] if self._later else math.inf
        return max(when, self._quiet_until)

    def _plan_after(self, said: _Announcement, now: float) -> None:
        """Gaps count from what was really said: a responder that comes late falls behind, and never makes up in a burst."""
        if isinstance(said.address, IPv6Address):
            turn = min(said.turn + 1, len(_GAPS_IPV6) - 1)
            when = now + _GAPS_IPV6[turn]
        else:
            turn = said.turn + 1 if said.turn + 1 < len(_TURNS) else _REFRESH_TURN
            when = now + _TURNS[turn][0]
        heapq.heappush(self._later, (when, _Announcement(turn, when, said.rank, said.address)))

    def _announcement(self, said: _Announcement) -> bytes:
        if isinstance(said.address, IPv6Address):
            return ndp.announcement(said.address, mac=self.mac, router=self.router)
        return arp.announcement(said.address, _TURNS[said.turn][1], mac=self.mac)


def _rank(address: Address) -> int:
    return int(address) if address.version == 4 else int(address) + _ABOVE_IPV4
