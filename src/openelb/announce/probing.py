"""Whether anybody on a link has addresses that are to be given out: asked as RFC 5227, section 2.1 and RFC 4862, section 5.4
have it, before any of them is used. Frames and times in, frames and verdicts out.

No socket, no clock, no thread. Not known here: which addresses, and what follows from a verdict. Times are seconds of one
monotonic clock.
"""

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from openelb.model.addresses import Address, order
from openelb.model.layer2 import Probing
from openelb.wire import arp, ndp


@dataclass(frozen=True, slots=True)
class Timing:
    """Of the probes for one address, in seconds: a random time of at most `wait`, then `number` probes at random distances,
    then `patience` for the last answer.
    """

    wait: float
    number: int
    least: float
    most: float
    patience: float


TIMINGS = {
    Probing.FAST: Timing(wait=0.0, number=3, least=0.2, most=0.2, patience=0.2),
    # PROBE_WAIT, PROBE_NUM, PROBE_MIN, PROBE_MAX, ANNOUNCE_WAIT (RFC 5227, section 1.1).
    Probing.RFC5227: Timing(wait=1.0, number=3, least=1.0, most=2.0, patience=2.0),
}

FRAMES_PER_SECOND = 750
"""At most so many probes a second, of all addresses of a link: a thousand addresses are asked for within four seconds."""

BATCH = 15
PAUSE = BATCH / FRAMES_PER_SECOND

GOOD = 300.0
"""Seconds for which it counts that nobody answered."""

AGAIN = 240.0
"""Seconds after which it is asked again, so that the answer is there before the one before counts no more."""

TAKEN_AGAIN = 60.0
"""Seconds after which it is asked again for an address that somebody has (RFC 5227, section 1.1: RATE_LIMIT_INTERVAL)."""

_NOBODY: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Asked:
    """One address: what was sent in this round, when the next thing is due, and what is known from the round before."""

    timing: Timing
    sent: int = 0
    due: float = math.inf
    free_until: float = -math.inf
    mac: str = ""


class Probes:
    """On one link with the MAC `mac`. `draw` gives random numbers from 0 to 1; the `nonce` is of this process alone."""

    def __init__(self, mac: bytes, nonce: bytes, draw: Callable[[], float]) -> None:
        self._mac = mac
        self._nonce = nonce
        self._draw = draw
        self._own = _NOBODY
        self._asked: dict[Address, _Asked] = {}
        self._times: list[tuple[float, tuple[int, int], Address]] = []
        self._quiet_until = -math.inf

    def ask(self, addresses: Mapping[Address, Probing], own: frozenset[str], *, now: float) -> None:
        """Ask for exactly these from now on, again and again. `own` are the MACs of our nodes: what these have is ours."""
        self._own = own
        for address in self._asked.keys() - addresses.keys():
            del self._asked[address]
        for address in sorted(addresses.keys() - self._asked.keys(), key=order):
            timing = TIMINGS[addresses[address]]
            self._asked[address] = _Asked(timing)
            self._look_at(address, self._asked[address], now + timing.wait * self._draw())
        if len(self._times) > 4 * len(self._asked) + 64:
            self._times = [(asked.due, order(address), address) for address, asked in self._asked.items()]
            heapq.heapify(self._times)

    def receive(self, frame: bytes, *, now: float) -> None:
        """A frame from the link: somebody may have an address that is asked for, or be about to take it."""
        for address, mac in _told(frame, self._nonce):
            asked = self._asked.get(address)
            if asked is not None and mac != self._mac and (text := mac.hex(":")) not in self._own:
                asked.mac, asked.free_until, asked.sent = text, -math.inf, 0
                self._look_at(address, asked, now + TAKEN_AGAIN)

    def due(self, *, now: float) -> list[bytes]:
        """The probes to send now, a few at most."""
        frames: list[bytes] = []
        while self._times and self._times[0][0] <= now and (now >= self._quiet_until) and len(frames) < BATCH:
            when, _, address = heapq.heappop(self._times)
            asked = self._asked.get(address)
            if asked is None or asked.due != when:
                continue
            if asked.sent < asked.timing.number:
                frames.append(self._probe(address))
                asked.sent += 1
                last = asked.sent == asked.timing.number
                self._look_at(address, asked, now + (asked.timing.patience if last else self._distance(asked.timing)))
            else:
                # Nobody answered: an address that somebody had is free again.
                asked.mac, asked.free_until, asked.sent = "", now + GOOD, 0
                self._look_at(address, asked, now + AGAIN)
        if frames:
            self._quiet_until = now + PAUSE
        return frames

    def next_due(self) -> float:
        """When to call `due` if nothing comes before; infinity when nothing is asked for."""
        return max(self._times[0][0], self._quiet_until) if self._times else math.inf

    def free(self, *, now: float) -> frozenset[Address]:
        """Those that nobody answered for, as far as that counts."""
        return frozenset(address for address, asked in self._asked.items() if now < asked.free_until)

    def taken(self) -> dict[Address, str]:
        """Those that somebody has, with its MAC."""
        return {address: asked.mac for address, asked in self._asked.items() if asked.mac}

    def _distance(self, timing: Timing) -> float:
        return timing.least + (timing.most - timing.least) * self._draw()

    def _probe(self, address: Address) -> bytes:
        if isinstance(address, IPv6Address):
            return ndp.probe(address, mac=self._mac, nonce=self._nonce)
        return arp.probe(address, mac=self._mac)

    def _look_at(self, address: Address, asked: _Asked, when: float) -> None:
        asked.due = when
        heapq.heappush(self._times, (when, order(address), address))


def _told(frame: bytes, nonce: bytes) -> list[tuple[Address, bytes]]:
    """Who has which address by this frame, or is about to take it; of our own probes that come back, nothing."""
    if ndp.is_ipv6(frame):
        found: list[tuple[Address, bytes]] = []
        if said := ndp.assertion(frame):
            found.append((said.address, said.mac))
        # RFC 7527, section 4.2: with our own nonce it is ours.
        if (probe := ndp.read_probe(frame)) and probe.nonce != nonce:
            found.append((probe.target, probe.sender_mac))
        return found
    found = []
    if of := arp.assertion(frame):
        found.append((of.address, of.mac))
    asked = arp.parse(frame)
    if isinstance(asked, arp.Request) and int(asked.sender) == 0:
        found.append((asked.target, asked.sender_mac))
    return found
