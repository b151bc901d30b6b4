"""Tells the cluster what one node is to BGP routers, and of its sessions: its own entries in the statuses, and nobody else's.

What has changed of a session is told at once, counters alone seldom.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from openelb.complaints import Complaints
from openelb.kube import bgp_status
from openelb.kube.bgp_status import Entry
from openelb.kube.client import Client
from openelb.kube.errors import ApiError, NotFound
from openelb.kube.resources import bgp_path
from openelb.kube.shapes import ObjectShape
from openelb.model.bgp import SessionState

log = logging.getLogger(__name__)

COUNTERS_EVERY = 300.0
"""Seconds between two reports of counters alone; also where nothing changed, which puts back what somebody took away."""

LOOK = 30.0
"""Seconds between two looks while nothing was heard: counters go on without a word, and what could not be written is tried again."""

AT_ONCE = 1.0
"""Seconds between two reports of one object at the least."""

BURST = 6
ANOTHER = 30.0
"""So many reports of one object come one after the other; then one in so many seconds, which are what each gives back. A session
that flaps on a thousand nodes is written 33 times in a second."""


class About(NamedTuple):
    """An object. One that is made anew under its name is another one, which has nothing of what was told the first."""

    kind: str
    name: str
    uid: str = ""


Entries = Mapping[About, Entry]


@dataclass(frozen=True, slots=True)
class _Written:
    """What the cluster was told last, and when (monotonic seconds); how much of its burst the object had left then."""

    entry: Entry = field(default_factory=dict)
    at: float = float("-inf")
    left: float = BURST

    def allowed(self, now: float) -> float:
        """How many reports may come at once."""
        return min(self.left + (now - self.at) / ANOTHER, BURST)


class NodeReport:
    """The words of `node`, whatever `entries` has at the time."""

    def __init__(
        self, client: Client, node: str, entries: Callable[[], Entries], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._node = node
        self._entries = entries
        self._clock = clock
        self._written: dict[About, _Written] = {}
        self._news = asyncio.Event()
        self._waits = False  # something new, until its object may be written again
        self._complaints = Complaints(clock=clock)

    def heard(self) -> None:
        """The entries may be others now."""
        self._news.set()

    async def run(self) -> None:
        """Write what is new until cancelled. Failures are logged once each, and tried again."""
        while True:
            self._news.clear()
            await self._write_all()
            await asyncio.sleep(AT_ONCE)
            with suppress(TimeoutError):
                async with asyncio.timeout(AT_ONCE if self._waits else LOOK):
                    await self._news.wait()

    async def _write_all(self) -> None:
        entries = self._entries()
        there = {(about.kind, about.name) for about in entries}
        for about in [one for one in self._written if one not in entries and (one.kind, one.name) in there]:
            del self._written[about]
        self._waits = False
        wanted = {about: entry for about, entry in entries.items() if self._is_due(about, entry)}
        gone = dict.fromkeys(self._written.keys() - entries.keys())
        failed = False
        for about, entry in (wanted | gone).items():
            failed |= not await self._write(about, entry)
        if not failed and self._complaints.ends():
            log.info("the cluster can be told of this node's BGP again")

    def _is_due(self, about: About, entry: Entry) -> bool:
        before, now = self._written.get(about, _Written()), self._clock()
        if _gist(entry) == _gist(before.entry):
            return now - before.at >= COUNTERS_EVERY
        self._waits |= before.allowed(now) < 1
        return before.allowed(now) >= 1

    async def _write(self, about: About, entry: Entry | None) -> bool:
        """False when it could not be written."""
        patch = bgp_status.status_patch(about.kind, self._node, entry)
        try:
            await self._client.merge(f"{bgp_path(about.kind, about.name)}/status", patch, ObjectShape)
        except NotFound:
            entry = None  # with the object, all that was said of it is gone
        except ApiError as error:
            if self._complaints.begins(error.cause):
                log.warning("%s cannot be told of this node: %s", about.kind, error)
            return False
        if entry is None:
            self._written.pop(about, None)
        else:
            now = self._clock()
            self._written[about] = _Written(entry, now, self._written.get(about, _Written()).allowed(now) - 1)
        return True


def _gist(entry: Entry) -> object:
    """What of an entry is told at once: all but counters and how long it is so."""
    state = entry.get("peerState")
    if not isinstance(state, Mapping):
        return dict(entry)
    up = state.get("sessionState") == SessionState.ESTABLISHED.value
    # One that does not come about goes through all other states again and again.
    told = {name: value for name, value in state.items() if up or name in _LASTING} | {"messages": None}
    return up, told, entry.get("problem")


_LASTING = ("adminState", "neighborAddress", "localAs")
"""What of a session is news also where it is not established."""
