"""All protocols of a node side by side: each has an announcer of its own, and one that fails stops no other.

Not known here: what an announcer does. Layer 2 is one; BGP and VIP each become another entry of the same mapping.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol as Interface

from openelb.complaints import Complaints
from openelb.model.announcements import NO_REASONS, Claim
from openelb.model.cluster import Protocol

log = logging.getLogger(__name__)


class Announcer(Interface):
    """One protocol, made so. Its calls return soon: what has to wait for a link or a peer has a thread or task of its own.

    Any of them may raise: the world's failures are told as sentences by OSError.
    """

    @property
    def claims(self) -> frozenset[Claim]:
        """What it announces."""

    @property
    def stepped_at(self) -> float:
        """When the slowest of its threads last made a step (monotonic seconds); `inf` without any."""

    def apply(
        self, claims: frozenset[Claim], *, valid_until: float, announcement_round: int, why: Mapping[Claim, str]
    ) -> None:
        """Announce these claims and no others until `valid_until`, or until told again; in another round, all anew.

        After a failure it returns only when what failed works again, be it asked for still or not. Who returned as soon as
        nothing is asked for would be held fit to announce, be asked again, and fail again.
        """

    def stop(self, *, kept: bool = False) -> None:
        """Announce nothing any more when this returns. What is `kept` for a successor is what goes on without this process."""


@dataclass(slots=True)
class State:
    """How one announcer does: its failures so far, those in a row, when it last did as it was told, and when it is tried
    again. Times are monotonic seconds.
    """

    failures: int = 0
    in_a_row: int = 0
    well_at: float = -math.inf
    again_at: float = -math.inf
    complaints: Complaints = field(default_factory=Complaints)

    @property
    def is_well(self) -> bool:
        """Whether it did as it was told the last time; not before it was told anything."""
        return self.well_at > -math.inf and not self.in_a_row


class Announcers:
    """The announcers of a node. After so many failures in a row, `retry` says for how many seconds one is left alone.

    That has to be less than the claims are valid: of an announcer that fails in part, the rest goes on.
    """

    def __init__(
        self,
        announcers: Mapping[Protocol, Announcer],
        retry: Callable[[int], float],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._announcers = announcers
        self._retry = retry
        self._clock = clock
        self._states = {protocol: State(complaints=Complaints(clock=clock)) for protocol in announcers}

    @property
    def protocols(self) -> frozenset[Protocol]:
        """Those that can be announced here."""
        return frozenset(self._announcers)

    @property
    def claims(self) -> frozenset[Claim]:
        """What is announced."""
        return frozenset[Claim]().union(*(announcer.claims for announcer in self._announcers.values()))

    @property
    def stepped_at(self) -> float:
        """When the slowest thread of all last made a step (monotonic seconds); `inf` without any."""
        return min((announcer.stepped_at for announcer in self._announcers.values()), default=math.inf)

    @property
    def states(self) -> Mapping[Protocol, State]:
        """How each does."""
        return MappingProxyType(self._states)

    def apply(
        self,
        claims: frozenset[Claim],
        *,
        valid_until: float,
        announcement_round: int = 0,
        why: Mapping[Claim, str] = NO_REASONS,
    ) -> None:
        """Have each announcer announce the claims of its protocol. Never raises: one that fails is told and tried again."""
        for protocol, announcer in self._announcers.items():
            state = self._states[protocol]
            own = claims.difference([claim for claim in claims if claim.protocol is not protocol])
            if self._clock() < state.again_at and announcer.claims <= own:  # what is to be let go cannot wait
                continue
            try:
                announcer.apply(own, valid_until=valid_until, announcement_round=announcement_round, why=why)
            except Exception as error:  # also a bug of one announcer is no reason for the others to fall silent
                self._note(protocol, state, error)
            else:
                state.in_a_row, state.well_at = 0, self._clock()
                if state.complaints.ends():
                    log.info("announcing by %s again", protocol.value)

    def _note(self, protocol: Protocol, state: State, error: Exception) -> None:
        state.failures += 1
        state.in_a_row += 1
        state.again_at = self._clock() + self._retry(state.in_a_row)
        if state.complaints.begins(type(error).__name__):
            expected = isinstance(error, OSError)
            told = error.strerror or error if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            log.warning(
                "cannot announce by %s: %s; trying again", protocol.value, told, exc_info=None if expected else error
            )

    def stop(self, *, kept: bool = False) -> None:
        """Be silent in every protocol, but for what is `kept` for a successor. One that cannot be stopped is told, and keeps no other from it."""
        for protocol, announcer in self._announcers.items():
            try:
                announcer.stop(kept=kept)
            except Exception:
                log.exception("announcing by %s cannot be stopped", protocol.value)
