"""This node's turn to begin BGP anew with other settings, and what it goes on with until then."""

import math
from collections.abc import Callable, Mapping

from openelb.model.bgp import Instance, Session
from openelb.plan.turns import NOTICE, RETURN, notice


class Turns:
    """`tell` lets the other nodes know by its mark with which settings BGP has begun here."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._instance: Instance | None = None
        self._mark = ""
        self._since = math.inf  # other settings are wanted
        self._begun = math.inf
        self._missed: frozenset[str] = frozenset()
        self.waits = ""
        """What is to be told of it while it waits."""

    def look(self, wanted: str, before: str, now: float) -> None:
        """The mark of the settings that are wanted, and the node that has its turn before."""
        if self._mark in ("", wanted):
            self._since, self.waits = math.inf, ""
            return
        self._since = min(self._since, now)
        self.waits = notice(before) if before or now - self._since < NOTICE else ""

    def instance(
        self, wanted: Instance | None, mark: str, sessions: Mapping[str, Session], now: float
    ) -> Instance | None:
        """What BGP is to be here: as is `wanted`, or as it was."""
        if wanted is not None and self._instance is not None and self.waits:
            return self._instance
        if wanted is None:
            mark = ""
        if mark != self._mark:
            self._mark, self._begun = mark, now
            self._missed = frozenset(key for key, one in sessions.items() if one.is_established)
        self._instance = wanted
        return wanted

    def settle(self, sessions: Mapping[str, Session], now: float, *, is_done: bool) -> None:
        """Let the next node have its turn when all is well here."""
        if not self._mark:
            self._tell("")
        elif self._begun < math.inf and is_done:
            back = all(key in sessions and sessions[key].is_established for key in self._missed)
            if back or now - self._begun >= RETURN:
                self._begun = math.inf
                self._tell(self._mark)
