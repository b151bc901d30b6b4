"""Other machines that say they have an address of ours, on one link: who does, and what is done about it. Times in and out.

A node that has just taken an address over announces it before all others have heard of that, so a stranger is judged only
after a moment in which word of a new node arrives. No socket, no clock, no thread.
"""

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from openelb.model.addresses import Address, order
from openelb.model.layer2 import OnConflict
from openelb.model.ranges import Ranges

SETTLING = 0.5
"""Seconds until a stranger is judged. Word of a node that is new on the link takes a few milliseconds, in a bad case a look."""

DEFEND_INTERVAL = 10.0
"""Seconds between two defences of an address: two machines that both defended themselves at once would never stop (RFC 5227,
section 2.4)."""

SILENCE = 60.0
"""Seconds after which a rival that was not heard of again is gone; then it is asked for before an address is taken back."""

PATIENCE = 1.0
"""Seconds in which an answer to that question comes (RFC 5227, section 1.1: ANNOUNCE_WAIT is twice that)."""

MAC = str
"""Written `02:00:5e:00:53:01`."""

NO_MACS: frozenset[MAC] = frozenset()


@dataclass(frozen=True, slots=True)
class Manners:
    """How a link's thread is to treat others: the MACs of our own nodes, and what is done about strangers, by the first of
    these pools that has the address.
    """

    own: frozenset[MAC] = NO_MACS
    policies: tuple[tuple[Ranges, OnConflict], ...] = ()

    def about(self, address: Address) -> OnConflict:
        """What is done when a stranger has the address."""
        return next((policy for ranges, policy in self.policies if address in ranges), OnConflict.DEFEND)


@dataclass(frozen=True, slots=True)
class Rival:
    """A machine that has an address of ours, and what is done about it."""

    mac: MAC
    policy: OnConflict


class Act(Enum):
    """What is to be done about an address."""

    DEFEND = auto()
    """Announce it again."""
    LEAVE = auto()
    """Neither answer for it nor announce it."""
    ASK = auto()
    """Ask whether anybody still has it."""
    RETURN = auto()
    """Answer for it again, and announce it."""


class _Stage(Enum):
    HEARD = auto()
    """Just now: it may be a new node of ours."""
    KNOWN = auto()
    LEFT = auto()
    ASKED = auto()


@dataclass(slots=True)
class _Known:
    mac: MAC
    heard_at: float
    stage: _Stage = _Stage.HEARD
    policy: OnConflict = OnConflict.REPORT
    defended_at: float = -math.inf
    due: float = math.inf
    """When it is to be looked at; of several times in the heap, the one that counts."""


class Rivals:
    """Those on one link. At most one for each address: who claims many costs no more than the addresses there are."""

    def __init__(self) -> None:
        self.rivals: Mapping[Address, Rival] = {}
        """Those that have been judged to be strangers: another mapping after each change."""
        self.left: frozenset[Address] = frozenset()
        """The addresses that are left to others."""
        self._known: dict[Address, _Known] = {}
        self._times: list[tuple[float, tuple[int, int], Address]] = []
        self._changed = False

    def heard(self, address: Address, mac: MAC, *, now: float) -> None:
        """Somebody else than this link says that an address of ours is at its MAC."""
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = _Known(mac, now)
            self._look_at(address, known, now + SETTLING)
            return
        known.mac, known.heard_at = mac, now
        if known.stage is _Stage.ASKED:
            known.stage = _Stage.LEFT
            self._look_at(address, known, now + SILENCE)
        elif known.stage is _Stage.KNOWN and known.policy is OnConflict.DEFEND:
            self._look_at(address, known, max(now, known.defended_at + DEFEND_INTERVAL))

    def keep(self, addresses: frozenset[Address]) -> None:
        """Forget those that have addresses which are not ours any more."""
        if self._known and not self._known.keys() <= addresses:
            self._known = {address: known for address, known in self._known.items() if address in addresses}
            self._changed = True
            self._publish()

    def due(self, manners: Manners | None, *, now: float) -> list[tuple[Address, Act]]:
        """What is to be done now. Without manners nobody is judged: it is not known who our own nodes are."""
        acts: list[tuple[Address, Act]] = []
        while self._times and self._times[0][0] <= now:
            when, _, address = heapq.heappop(self._times)
            known = self._known.get(address)
            if known is not None and known.due == when:
                known.due = math.inf
                act = self._judge(address, known, manners, now)
                acts += [(address, act)] if act else []
        self._publish()
        return acts

    def next_due(self) -> float:
        """When to ask `due` if nothing is heard before; infinity when there is nothing."""
        return self._times[0][0] if self._times else math.inf

    def _judge(self, address: Address, known: _Known, manners: Manners | None, now: float) -> Act | None:
        self._changed = True
        if known.stage is _Stage.HEARD:
            return self._judge_newcomer(address, known, manners, now)
        if known.stage is _Stage.ASKED:
            del self._known[address]
            return Act.RETURN
        if known.stage is _Stage.LEFT:
            return self._ask_when_silent(address, known, now)
        if now >= known.heard_at + SILENCE:
            del self._known[address]
        elif known.policy is OnConflict.DEFEND and known.heard_at > known.defended_at:
            return self._defend(address, known, now)
        else:
            self._look_at(address, known, known.heard_at + SILENCE)
        return None

    def _judge_newcomer(self, address: Address, known: _Known, manners: Manners | None, now: float) -> Act | None:
        if manners is None or known.mac in manners.own:
            del self._known[address]
            return None
        known.policy = manners.about(address)
        if known.policy is OnConflict.YIELD:
            known.stage = _Stage.LEFT
            self._look_at(address, known, known.heard_at + SILENCE)
            return Act.LEAVE
        known.stage = _Stage.KNOWN
        if known.policy is OnConflict.DEFEND:
            return self._defend(address, known, now)
        self._look_at(address, known, known.heard_at + SILENCE)
        return None

    def _defend(self, address: Address, known: _Known, now: float) -> Act:
        known.defended_at = now
        self._look_at(address, known, known.heard_at + SILENCE)
        return Act.DEFEND

    def _ask_when_silent(self, address: Address, known: _Known, now: float) -> Act | None:
        if now < known.heard_at + SILENCE:
            self._look_at(address, known, known.heard_at + SILENCE)
            return None
        known.stage = _Stage.ASKED
        self._look_at(address, known, now + PATIENCE)
        return Act.ASK

    def _look_at(self, address: Address, known: _Known, when: float) -> None:
        if known.due != when:
            known.due = when
            heapq.heappush(self._times, (when, order(address), address))

    def _publish(self) -> None:
        if not self._changed:
            return
        self._changed = False
        judged = {address: known for address, known in self._known.items() if known.stage is not _Stage.HEARD}
        self.rivals = {address: Rival(known.mac, known.policy) for address, known in judged.items()}
        self.left = frozenset(
            address for address, known in judged.items() if known.stage in (_Stage.LEFT, _Stage.ASKED)
        )
