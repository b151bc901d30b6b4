"""The sessions of a node as they were last heard of, what of them is news, and which of them come and go."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from openelb.complaints import Complaints
from openelb.model.bgp import Session

log = logging.getLogger(__name__)

OFTEN = 4
WINDOW = 600.0
"""A session flaps that was lost so often within so many seconds, until it was not for as long."""


class Reasons(Protocol):
    """Why sessions ended last, by their keys: gobgpd does not tell who asks."""

    def __call__(self) -> Mapping[str, str]: ...
    def forget(self, peer: str) -> None:
        """What was until now counts no more."""


class Sessions:
    """The sessions of one node; `now` has them by their keys."""

    def __init__(self, reasons: Reasons | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reasons = reasons
        self._clock = clock
        self._complaints = Complaints(clock=clock)
        self._lost: dict[str, tuple[float, ...]] = {}
        self.losses: Counter[str] = Counter()
        """How often each was lost since this process began."""
        self.now: Mapping[str, Session] = MappingProxyType({})

    def hear(self, sessions: Iterable[Session]) -> bool:
        """They are so. Whether that is news: counters are none."""
        why = self._reasons() if self._reasons else {}
        before, told = self.now, {each.key: replace(each, reason=why.get(each.key, "")) for each in sessions}
        self.now = MappingProxyType({key: self._marked(before.get(key), each) for key, each in told.items()})
        for key, session in self.now.items():
            self._tell_of(before.get(key), session)
        for key in self.losses.keys() - told.keys():
            del self.losses[key]
        return _states(before) != _states(self.now)

    def begin(self, key: str) -> None:
        """It is another one from now on, with other settings: what became of the one before says nothing of it."""
        self._lost.pop(key, None)
        if self._reasons:
            self._reasons.forget(key)

    def forget(self) -> None:
        """Nothing is known of them any more. How often they were lost stays."""
        self.now = MappingProxyType({})

    def _marked(self, before: Session | None, session: Session) -> Session:
        key, now = session.key, self._clock()
        if before and before.is_established and (not session.is_established or session.since != before.since):
            self.losses[key] += 1
            self._lost[key] = (*self._lost.get(key, ()), now)[-OFTEN:]
        lost = self._lost.get(key, ())
        if lost and now - lost[-1] >= WINDOW:
            del self._lost[key]
        often = len(lost) == OFTEN and (now - lost[0] < WINDOW or bool(before and before.flaps))
        return replace(session, flaps=often and now - lost[-1] < WINDOW)

    def _tell_of(self, before: Session | None, session: Session) -> None:
        """In the log: of one that comes and goes, once a minute."""
        was = before is not None and before.is_established
        peer = f"{session.key} (AS {session.peer_asn})"
        if session.is_established and not was and self._complaints.is_due(f"{session.key} up"):
            log.info("BGP session with %s is established", peer)
        elif was and not session.is_established and self._complaints.is_due(f"{session.key} down"):
            log.info("BGP session with %s is lost%s", peer, f": {session.reason}" if session.reason else "")
        if session.flaps and not (before and before.flaps):
            log.warning("BGP session with %s comes and goes: it is told of once a minute", peer)
        if session.over_limit and not (before and before.over_limit) and self._complaints.is_due(f"{session.key} shut"):
            log.warning("BGP session with %s was shut: it sent more prefixes than maxPrefixes allows", session.key)


def _states(sessions: Mapping[str, Session]) -> dict[str, object]:
    return {
        key: (
            each.state,
            each.over_limit,
            each.bfd_up,
            each.restarts,
            each.reason,
            each.received.notification > 0,
            each.unshared,
            each.flaps,
        )
        for key, each in sessions.items()
    }
