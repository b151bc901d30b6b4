"""What one link answers and announces for its claimed addresses of both families, and when. Frames and times in and out.

No socket, no clock, no thread: the caller brings each frame with the time it is now, sends what `due` returns, and calls
again at `next_due`. Times are seconds of one monotonic clock.
"""

import heapq
import math
from collections.abc import Iterable
from ipaddress import IPv6Address
from itertools import cycle
from typing import NamedTuple

from openelb.announce.rivals import DEFEND_INTERVAL, Act, Manners, Rivals
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
"""At most so many announcements a second, unless told otherwise: storm control of switches for broadcasts often begins at
about this rate, and switches that inspect ARP count each frame.
"""

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

CORRECTION = 0.3
"""Seconds after which an address is announced again that another node of ours has announced: by then one of both has it."""

_ABOVE_IPV4 = 1 << 128

_NOTHING: frozenset[Address] = frozenset()

_OF_NO_MATTER = bytes(ndp.NONCE_SIZE)
"""The nonce of a probe whose sender does not hear its own: it takes advertisements for an answer, and no probes."""

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

    `router` is what it tells of its host to IPv6 neighbours: whether it forwards. `pace` is the most announcements a second.
    Questions for what is `delegated` are answered by somebody else with the same MAC; announced it is from here. `manners` say
    how it treats other machines that have its addresses; without them, they are not judged. What is known of `rivals` may be
    another responder's.
    """

    def __init__(
        self, mac: bytes, *, router: bool = True, pace: int = FRAMES_PER_SECOND, rivals: Rivals | None = None
    ) -> None:
        self.mac = mac
        self.router = router
        # A slow pace has small batches: a switch that counts over tenths of a second is not to see bursts.
        self._batch = max(1, min(BATCH, int(pace * PAUSE)))
        self._pause = self._batch / pace
        self.delegated = _NOTHING
        self.manners: Manners | None = None
        self.rivals = rivals or Rivals()
        self._words: list[bytes] = []
        self._corrections: dict[Address, float] = {}
        self._corrected: dict[Address, float] = {}
        self._claimed = self._ending = _NOTHING
        self._valid_until = -math.inf
        self._later: list[tuple[float, _Announcement]] = []
        self._ready: list[_Announcement] = []
        self._quiet_until = -math.inf

    def claim(
        self, addresses: frozenset[Address], *, valid_until: float, now: float, ending: frozenset[Address] = _NOTHING
    ) -> None:
        """Answer for exactly these addresses from now until `valid_until`, and announce the ones that are new.

        When the time given before has run out, all are new: another node may have taken them over meanwhile. Those that are
        `ending` another one takes over: whatever is said of them unasked would call clients back from it.
        """
        before, held = self._claimed, self._claimed if now < self._valid_until else _NOTHING
        unchanged = addresses == held == before and ending == self._ending
        ended, self._ending = self._ending, ending
        self._claimed, self._valid_until = addresses, valid_until
        if unchanged:
            return
        if ended:  # what stays here after all is new: the other one may have begun
            held -= ended
        self.rivals.keep(addresses)
        self._corrected = {address: at for address, at in self._corrected.items() if address in addresses}
        if held is not before or not held <= addresses or ending:
            self._drop(before - held | (held - addresses) | ending)
        self._begin(addresses - held - ending - self.rivals.left, now)

    def _begin(self, addresses: Iterable[Address], now: float) -> None:
        self._ready += (_Announcement(0, now, _rank(address), address) for address in addresses)
        heapq.heapify(self._ready)

    def receive(self, frame: bytes, *, now: float) -> bytes | Silence:
        """The answer to a frame from the link, or why there is none."""
        said = ndp.assertion(frame) if ndp.is_ipv6(frame) else arp.assertion(frame)
        is_rival = said is not None and said.address in self._claimed and said.mac != self.mac
        if is_rival and said is not None and now < self._valid_until:
            self._hear(said.address, said.mac.hex(":"), now)
        answer = self._answer(frame, now)
        if is_rival and isinstance(answer, str):
            return ndp.Silence.RIVAL if ndp.is_ipv6(frame) else arp.Silence.RIVAL
        return answer

    def _hear(self, address: Address, mac: str, now: float) -> None:
        if self.manners is None:
            return
        if mac not in self.manners.own:
            self.rivals.heard(address, mac, now=now)
        elif now - self._corrected.get(address, -math.inf) >= DEFEND_INTERVAL:
            self._corrections.setdefault(address, now + CORRECTION)

    def _answer(self, frame: bytes, now: float) -> bytes | Silence:
        if ndp.is_ipv6(frame):
            solicitation = ndp.parse(frame)
            if isinstance(solicitation, ndp.Silence):
                return solicitation
            if solicitation.target not in self._claimed:
                return ndp.Silence.NOT_CLAIMED
            if now >= self._valid_until:
                return ndp.Silence.LAPSED
            if solicitation.target in self.rivals.left:
                return ndp.Silence.LEFT_TO_ANOTHER
            return ndp.reply(solicitation, mac=self.mac, router=self.router)
        request = arp.parse(frame)
        if isinstance(request, arp.Silence):
            return request
        if request.target not in self._claimed:
            return arp.Silence.NOT_CLAIMED
        if now >= self._valid_until:
            return arp.Silence.LAPSED
        if request.target in self.rivals.left:
            return arp.Silence.LEFT_TO_ANOTHER
        if request.target in self.delegated:
            return arp.Silence.DELEGATED
        return arp.reply(request, mac=self.mac)

    def due(self, *, now: float) -> list[bytes]:
        """The announcements to send now, at most `BATCH` of them, by their pace; each is returned once."""
        self._treat_rivals(now)
        self._correct(now)
        if now >= self._valid_until:
            # The next claim begins from the beginning; until then nothing is due.
            self._later, self._ready, self._words = [], [], []
        if now < self._quiet_until:
            return []
        while self._later and self._later[0][0] <= now:
            heapq.heappush(self._ready, heapq.heappop(self._later)[1])
        words, self._words = self._words[: self._batch], self._words[self._batch :]
        batch = [heapq.heappop(self._ready) for _ in range(min(self._batch - len(words), len(self._ready)))]
        if batch or words:
            self._quiet_until = now + self._pause
        for said in batch:
            self._plan_after(said, now)
        return [*words, *(self._announcement(said) for said in batch)]

    def next_due(self) -> float:
        """When to call `due` if no claim comes before; infinity when there is nothing to say."""
        when = -math.inf if self._ready or self._words else self._later[0][0] if self._later else math.inf
        correction = next(iter(self._corrections.values()), math.inf)  # they come in the order of their times
        return max(min(when, correction, self.rivals.next_due()), self._quiet_until)

    def _correct(self, now: float) -> None:
        """What another node of ours has announced and we still have, its neighbours are to learn again from us."""
        while self._corrections:
            address, when = next(iter(self._corrections.items()))
            if now < when:
                return
            del self._corrections[address]
            if address in self._claimed and address not in self._ending and now < self._valid_until:
                self._corrected[address] = now
                self._words.append(self._defence(address))

    def _treat_rivals(self, now: float) -> None:
        acts = [each for each in self.rivals.due(self.manners, now=now) if each[0] not in self._ending]
        if any(act is Act.LEAVE for _, act in acts):
            self._drop(self.rivals.left)
        self._words += (self._defence(address) for address, act in acts if act is Act.DEFEND)
        self._words += (self._question(address) for address, act in acts if act is Act.ASK)
        if back := [address for address, act in acts if act is Act.RETURN]:
            self._begin(back, now)

    def _drop(self, addresses: frozenset[Address]) -> None:
        """Announce these no more."""
        self._later = [later for later in self._later if later[1].address not in addresses]
        self._ready = [ready for ready in self._ready if ready.address not in addresses]
        heapq.heapify(self._later)
        heapq.heapify(self._ready)

    def _defence(self, address: Address) -> bytes:
        """One announcement beside those that are due (RFC 5227, section 2.4)."""
        if isinstance(address, IPv6Address):
            return ndp.announcement(address, mac=self.mac, router=self.router)
        return arp.announcement(address, Operation.REQUEST, mac=self.mac)

    def _question(self, address: Address) -> bytes:
        """Whether anybody has an address that was left to another. Who answers is a rival still."""
        if isinstance(address, IPv6Address):
            return ndp.probe(address, mac=self.mac, nonce=_OF_NO_MATTER)
        return arp.probe(address, mac=self.mac)

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
