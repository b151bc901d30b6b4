"""Whether the gateways of links answer ARP or neighbour discovery: round by round whom to ask, what was heard, and which links have lost theirs.

No sockets and no clock: whoever has it begins a round each second, and reads `lost` when answers have had their time. A gateway
that has never answered proves nothing by its silence: some answer no such question at all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from openelb.model.addresses import Address
from openelb.wire import arp, ndp

LOST_AFTER = 3
"""Questions in a row without an answer. Routers answer few questions a second when they are busy, so one is no sign."""

Side = tuple[str, int]
"""A link and an IP version: the gateways of one family stand in for each other, and not for those of the other one."""

Asked = tuple[Side, Address]
"""A side and a gateway by it."""


@dataclass(slots=True)
class _Gateway:
    """The MAC in its last answer, if it ever gave one; and how many questions in a row it has left unanswered."""

    mac: bytes | None = None
    unanswered: int = 0


class Gateways:
    """Those of one host."""

    def __init__(self) -> None:
        self._known: dict[Asked, _Gateway] = {}
        self._asked: frozenset[Asked] = frozenset()

    def follow(self, wanted: Mapping[Side, Iterable[Address]]) -> None:
        """These are to be asked, by side. Of one that is away for a while it stays known that its gateway did answer: a switch
        may pass nothing on for half a minute after it is back.
        """
        before, self._asked = (
            self._asked,
            frozenset((side, gateway) for side, gateways in wanted.items() for gateway in gateways),
        )
        self._known = {
            each: found for each, found in self._known.items() if each in self._asked or each[0] not in wanted
        }
        for each in self._asked - before:
            self._known.setdefault(each, _Gateway()).unanswered = 0

    def whom_to_ask(self) -> tuple[tuple[Side, Address, bytes | None], ...]:
        """In this round: side, gateway, and the MAC to ask (RFC 1122, section 2.3.2.1); None asks everybody, since the last
        question had no answer and another machine may have the address.
        """
        return tuple(
            (side, gateway, None if found.unanswered else found.mac)
            for side, gateway in sorted(self._asked)
            for found in [self._known[side, gateway]]
        )

    def asked(self, side: Side, gateway: Address) -> None:
        """The question was sent."""
        self._known[side, gateway].unanswered += 1

    def hear(self, side: Side, frame: bytes) -> None:
        """A frame came by the link."""
        said = ndp.assertion(frame) if ndp.is_ipv6(frame) else arp.answer(frame)
        if said is not None and (side, said.address) in self._asked:
            self._known[side, said.address] = _Gateway(said.mac)

    @property
    def answered(self) -> frozenset[Side]:
        """The sides of which some gateway has ever answered."""
        return frozenset(side for side, gateway in self._asked if self._known[side, gateway].mac is not None)

    @property
    def lost(self) -> frozenset[Side]:
        """The sides of which no gateway is left: each has answered once and does not any more."""
        there = frozenset(side for side, gateway in self._asked if not self._is_lost((side, gateway)))
        return frozenset(side for side, _ in self._asked) - there

    def _is_lost(self, each: Asked) -> bool:
        found = self._known[each]
        return found.mac is not None and found.unanswered >= LOST_AFTER
