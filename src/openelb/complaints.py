"""What was complained of and when, so that a log says each cause once: a trouble that lasts is told when it begins and when it
is over, and one that comes and goes at most once a minute. It judges only; whoever has it writes the line.
"""

import time
from collections.abc import Callable

QUIET_SECONDS = 60.0
"""No cause is told again before."""


class Complaints:
    """Of one piece of work that is tried again and again. A cause is a short text without what changes from try to try."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}  # in the order of its times
        self._lasting: set[str] = set()

    def is_due(self, cause: str) -> bool:
        """Whether to tell of something that happened: not when the same was told within the last minute."""
        now = self._clock()
        while self._told and now - self._told[oldest := next(iter(self._told))] >= QUIET_SECONDS:
            del self._told[oldest]
        if cause in self._told:
            return False
        self._told[cause] = now
        return True

    def begins(self, cause: str) -> bool:
        """Whether to tell of a trouble: once while it lasts. One that began unheard is told when its minute is over."""
        if cause in self._lasting or not self.is_due(cause):
            return False
        self._lasting.add(cause)
        return True

    def ends(self) -> bool:
        """The work went well. Whether to say so: when a trouble was told since it last did."""
        told, self._lasting = bool(self._lasting), set()
        return told
