"""What one speaker finds out about addresses that are to be given out: whether anybody else on the LAN has them.

It asks where it is the one to ask (`plan.probing`), tells the manager by its Lease, and keeps an EipConflict for each address
that somebody has.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from openelb.announce.probing import PAUSE, Probes
from openelb.complaints import Complaints
from openelb.kube.conflicts import Taken
from openelb.kube.errors import ApiError
from openelb.model.addresses import Address, AddressRange
from openelb.model.cluster import Link, Pool
from openelb.model.layer2 import Probing
from openelb.model.probes import Found
from openelb.model.ranges import Ranges
from openelb.model.snapshot import Snapshot
from openelb.plan.probing import Duties, duties

log = logging.getLogger(__name__)

TELLING = 0.2  # seconds between two words to the manager: in a burst, one says much
RECORDING = 60.0  # seconds between two looks at the EipConflicts there are
FRAMES_AT_ONCE = 64
IDLE = 1.0  # seconds between two looks while nothing is due


class Port(Protocol):
    """A link, as `announce.port.Port`."""

    def open(self) -> None: ...
    def mac(self) -> bytes: ...
    def admit(self, addresses: frozenset[Address], others: frozenset[Address]) -> None: ...
    def receive(self) -> bytes | None: ...
    def send(self, frame: bytes) -> bool: ...
    def close(self, *, kept: bool = False) -> None: ...


Record = Callable[[Mapping[Address, Taken], frozenset[Address], frozenset[Address]], Awaitable[None]]
"""Have EipConflicts say what is taken, and none say so of what is free, or is not asked about by this node any more."""


class _Place:
    """One link where questions are asked."""

    def __init__(self, port: Port, nonce: bytes, draw: Callable[[], float]) -> None:
        self.port = port
        port.open()
        self.probes = Probes(port.mac(), nonce, draw)
        self.asked: Mapping[Address, Probing] = {}

    def follow(self, asked: Mapping[Address, Probing], own: frozenset[str], now: float) -> None:
        if asked.keys() != self.asked.keys():
            self.port.admit(frozenset(asked), frozenset())
        self.asked = asked
        self.probes.ask(asked, own, now=now)

    def step(self, now: float) -> None:
        for _ in range(FRAMES_AT_ONCE):
            if (frame := self.port.receive()) is None:
                break
            self.probes.receive(frame, now=now)
        for frame in self.probes.due(now=now):
            self.port.send(frame)


class Prober:
    """Of one speaker. All its state belongs to the process's one loop."""

    def __init__(
        self,
        node: str,
        port: Callable[[str], Port],
        tell: Callable[[Found], None],
        record: Record,
        *,
        nonce: bytes,
        draw: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._node = node
        self._port = port
        self._tell = tell
        self._record = record
        self._nonce = nonce
        self._draw = draw
        self._clock = clock
        self._complaints = Complaints(clock=clock)
        self._grounds: tuple[object, ...] = ()
        self._duties: Duties = {}
        self._own = frozenset[str]()
        self._pools: Mapping[str, Pool] = {}
        self._of_nodes: Mapping[Address, str] = {}
        self._places: dict[str, _Place] = {}
        self._told: Found | None = None
        self._looked_at = -math.inf
        self._wake = asyncio.Event()

    def look(self, snapshot: Snapshot, alive: frozenset[str], _claims: object = None) -> None:
        """Ask from now on about what this node is to, by this snapshot, while the nodes in `alive` are."""
        links = {name: speaker.links for name, speaker in snapshot.speakers.items()}
        grounds = snapshot.questions, snapshot.pools, snapshot.nodes, links, alive
        if grounds == self._grounds:
            return
        self._grounds = grounds
        found = duties(snapshot, self._node, alive)
        self._own = frozenset(link.mac for there in links.values() for link in there if link.mac)
        self._of_nodes, self._pools = _of_nodes(links), snapshot.pools
        if found != self._duties:
            self._duties = found
            self._wake.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            self._wake.clear()
            wait = self.step()
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def step(self) -> float:
        """Hear and ask what is due. Returns the seconds until the next step."""
        now = self._clock()
        for link in [*(self._places.keys() - self._duties.keys())]:
            self._places.pop(link).port.close(kept=True)
        for link, asked in self._duties.items():
            try:
                place = self._places.get(link) or self._begin(link)
                how = {one: probing for one, (_, probing) in asked.items() if one not in self._of_nodes}
                place.follow(how, self._own, now)
                place.step(now)
            except OSError as trouble:
                self._end(link, trouble)
        if looks := now - self._looked_at >= TELLING:
            self._looked_at = now
            if (found := self._found(now)) != self._told:
                self._told = found
                self._tell(found)
        due = min((place.probes.next_due() for place in self._places.values()), default=math.inf)
        return min(max(due - now, PAUSE), IDLE if looks and due - now >= IDLE else TELLING)

    def _begin(self, link: str) -> _Place:
        port = self._port(link)
        try:
            self._places[link] = _Place(port, self._nonce, self._draw)
        except OSError:
            port.close(kept=True)
            raise
        return self._places[link]

    def _end(self, link: str, trouble: OSError) -> None:
        """What was found on a link that is gone is worth nothing on the one that comes."""
        if place := self._places.pop(link, None):
            place.port.close(kept=True)
        if self._complaints.is_due(link):
            told = trouble.strerror or trouble
            log.warning("cannot ask on %s whether addresses are free: %s; trying again", link, told)

    def _found(self, now: float) -> Found:
        free = Ranges.of(
            AddressRange(one, one) for place in self._places.values() for one in place.probes.free(now=now)
        )
        return Found(free, {one: taken.mac for one, taken in self._taken().items()})

    def _taken(self) -> dict[Address, Taken]:
        found: dict[Address, Taken] = {}
        for link, asked in self._duties.items():
            place = self._places.get(link)
            macs = {**(place.probes.taken() if place else {}), **self._of_nodes}
            found |= {
                one: Taken(pool, self._pools[pool].uid, macs[one])
                for one, (pool, _) in asked.items()
                if one in macs and pool in self._pools
            }
        return found

    async def keep_records(self) -> None:
        """Have EipConflicts say what is known, until cancelled."""
        recorded: dict[Address, Taken] | None = None
        recorded_at = -math.inf
        while True:
            taken, now = self._taken(), self._clock()
            if taken != recorded or now - recorded_at >= RECORDING:
                asked, free = self._asked(), self._told.free if self._told else Ranges()
                try:
                    if self._duties or recorded:
                        await self._record(taken, frozenset(one for one in asked if one in free), asked)
                    recorded, recorded_at = taken, now
                    self._complaints.ends()
                except ApiError as error:
                    if self._complaints.begins(error.cause):
                        log.warning("EipConflicts cannot be written: %s", error)
            await asyncio.sleep(IDLE)

    def _asked(self) -> frozenset[Address]:
        return frozenset(one for asked in self._duties.values() for one in asked)

    def close(self) -> None:
        """Give back the sockets."""
        for place in self._places.values():
            place.port.close(kept=True)
        self._places = {}


def _of_nodes(links: Mapping[str, tuple[Link, ...]]) -> dict[Address, str]:
    """Addresses of the nodes themselves: nobody would answer the node that has one."""
    return {each.ip: link.mac for there in links.values() for link in there for each in link.addresses if link.mac}
