"""What one link answers and announces for its claimed addresses, and when. Frames and times in, frames and times out.

No socket, no clock, no thread: the caller brings each frame with the time it is now, sends what `due` returns, and calls
again at `next_due`. Times are seconds of one monotonic clock.
"""

import heapq
import math
from ipaddress import IPv4Address
from itertools import cycle
from typing import NamedTuple

from openelb.wire import arp
from openelb.wire.arp import Operation, Silence

REPEATS = (0.2, 0.3, 0.5, 1.0, 1.0, 2.0)
"""Seconds between the announcements of a new claim: after 0, 0.2, 0.5, 1, 2, 3 and 5 s.

One announcement that is lost leaves clients without the address until their caches expire. The first repetitions are close
together for a queue that overflows in a burst; the last come when a switch port, a bond or a spanning tree has settled.
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

# What is said of each claim, turn by turn, and how long after the turn before; the last two go on for ever. Neighbours
# heed one form or the other, so a new claim is said in both; repetitions, which cost the most, take turns.
_FORMS = (Operation.REQUEST, Operation.REPLY)
_IN_BOTH = ((0.0, Operation.REQUEST), (0.0, Operation.REPLY))
_IN_TURN = tuple(zip(REPEATS, cycle(_FORMS), strict=False))
_TURNS = (*_IN_BOTH, *_IN_TURN, (REFRESH, Operation.REQUEST), (0.0, Operation.REPLY))
_REFRESH_TURN = len(_TURNS) - len(_FORMS)

_NOTHING: frozenset[IPv4Address] = frozenset()


class _Announcement(NamedTuple):
    """What is to be said. The first words of new claims come before repetitions, whatever is overdue.

    `rank` is the address as a number: a heap of thousands compares numbers ten times as fast.
    """

    turn: int
    when: float
    rank: int
    address: IPv4Address


class Responder:
    """The voice of one MAC on one link. It says nothing until it has a claim, and nothing once that is no longer valid."""

    def __init__(self, mac: bytes) -> None:
        self.mac = mac
        self._claimed = _NOTHING
        self._valid_until = -math.inf
        self._later: list[tuple[float, _Announcement]] = []
        self._ready: list[_Announcement] = []
        self._quiet_until = -math.inf

    def claim(self, addresses: frozenset[IPv4Address], *, valid_until: float, now: float) -> None:
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
        self._ready += (_Announcement(0, now, int(address), address) for address in addresses - held)
        heapq.heapify(self._ready)

    def receive(self, frame: bytes, *, now: float) -> bytes | Silence:
        """The answer to a frame from the link, or why there is none."""
        request = arp.parse(frame)
        if isinstance(request, Silence):
            return request
        if request.target not in self._claimed:
            return Silence.NOT_CLAIMED
        if now >= self._valid_until:
            return Silence.LAPSED
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
        return [arp.announcement(said.address, _TURNS[said.turn][1], mac=self.mac) for said in batch]

    def next_due(self) -> float:
        """When to call `due` if no claim comes before; infinity when there is nothing to say."""
        when = -math.inf if self._ready else self._later[0][0] if self._later else math.inf
        return max(when, self._quiet_until)

    def _plan_after(self, said: _Announcement, now: float) -> None:
        """Gaps count from what was really said: a responder that comes late falls behind, and never makes up in a burst."""
        turn = said.turn + 1 if said.turn + 1 < len(_TURNS) else _REFRESH_TURN
        when = now + _TURNS[turn][0]
        heapq.heappush(self._later, (when, _Announcement(turn, when, said.rank, said.address)))
