"""Finds out why there is no session where gobgpd does not tell: now and then it connects to the router itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from openelb.model.bgp import Peer, Reach

LOOK = 2.0
"""Seconds between two looks at which sessions there are not."""

AFTER = 6.0
"""Seconds without a session after which its router is tried. gobgpd's own first try comes within five."""

EVERY = 60.0
"""Seconds between two tries of a router: of a thousand nodes it gets 17 in a second."""

AT_ONCE = 10


class Dial(Protocol):
    """Connects to a router and lets go of it: `host.dialling.dial`."""

    def __call__(self, peer: Peer, *, inner: bool) -> Awaitable[Reach]: ...


class Dialling:
    """What became of the last try of each router that `missing` has, by the peer's key: peers without a session, each with whether
    it is of our own autonomous system.
    """

    def __init__(
        self,
        dial: Dial,
        missing: Callable[[], Iterable[tuple[Peer, bool]]],
        changed: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dial = dial
        self._missing = missing
        self._changed = changed
        self._clock = clock
        self._due: dict[str, float] = {}
        self._reached: dict[str, Reach] = {}

    @property
    def reached(self) -> Mapping[str, Reach]:
        """By key; of those that have a session by now, nothing."""
        return MappingProxyType(self._reached)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK)

    async def _look(self) -> None:
        now = self._clock()
        missing = {peer.key: (peer, inner) for peer, inner in self._missing()}
        self._due = {key: self._due.get(key, now + AFTER) for key in missing}
        self._reached = {key: reach for key, reach in self._reached.items() if key in missing}
        due = [key for key in missing if self._due[key] <= now][:AT_ONCE]
        found = await asyncio.gather(*(self._dial(peer, inner=inner) for peer, inner in map(missing.__getitem__, due)))
        before = dict(self._reached)
        for key, reach in zip(due, found, strict=True):
            self._due[key], self._reached[key] = now + EVERY, reach
        if before != self._reached:
            self._changed()
