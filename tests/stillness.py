"""Whether this machine stood still: on each processor a thread that wakes a hundred times a second and notes when it was late.

A virtual machine whose host is busy may get no time for half a second, which is as long as a node is silent before others take
its addresses. What a test sees then is right, and not what it looks for.
"""

import os
import threading
import time

EVERY = 0.01
LATE = 0.25
"""Seconds: longer than a machine with thirty processes for each processor lets one wait."""


class Stillness:
    """Watches from when it is made until the process ends."""

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []
        for processor in os.sched_getaffinity(0):
            threading.Thread(target=self._watch, args=(processor,), name=f"stillness {processor}", daemon=True).start()

    def longest(self, since: float) -> float:
        """The longest time for which a processor stood still since that moment (monotonic seconds)."""
        return max((late for moment, late in self._late if moment >= since), default=0.0)

    def _watch(self, processor: int) -> None:
        os.sched_setaffinity(0, {processor})  # of this thread alone
        while True:
            due = time.monotonic() + EVERY
            time.sleep(EVERY)
            now = time.monotonic()
            if now - due >= LATE:
                self._late.append((now, now - due))
