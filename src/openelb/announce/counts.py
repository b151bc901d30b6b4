"""What was done on a link, in figures."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from openelb.announce.responder import Silence
from openelb.wire import arp, ndp


@dataclass(slots=True)
class Counts:
    """Frames of one protocol, since the process began; `dropped` by why there was no answer."""

    dropped: dict[Silence, int]
    received: int = 0
    answered: int = 0
    announced: int = 0
    send_errors: int = 0


def _of(why: Iterable[Silence]) -> Counts:
    return Counts(dict.fromkeys(why, 0))


@dataclass(slots=True)
class LinkCounts:
    """What a link's thread has done. Written by that thread while it lives, read by any."""

    arp: Counts = field(default_factory=lambda: _of(arp.Silence))
    ndp: Counts = field(default_factory=lambda: _of(ndp.Silence))
    reopened: int = 0

    def of(self, frame: bytes) -> Counts:
        """Those of the protocol that a frame is of."""
        return self.ndp if ndp.is_ipv6(frame) else self.arp
