"""What was done on a link, in figures."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from openelb.announce.responder import Silence
from openelb.wire import arp, ndp
from openelb.wire.heartbeat import Refusal


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
    """What a link's thread has done. Written by that thread while it lives, read by any.

    `by_kernel` are questions that the kernel has answered for it.
    """

    arp: Counts = field(default_factory=lambda: _of(arp.Silence))
    ndp: Counts = field(default_factory=lambda: _of(ndp.Silence))
    reopened: int = 0
    by_kernel: int = 0

    def of(self, frame: bytes) -> Counts:
        """Those of the protocol that a frame is of."""
        return self.ndp if ndp.is_ipv6(frame) else self.arp


@dataclass(slots=True)
class HeartbeatCounts:
    """What the watch over other speakers has done, since the process began. Written by its thread, read by any; `late` is by how
    many seconds a beat was late at most, since somebody asked.
    """

    sent: int = 0
    received: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter)
    late: float = 0.0

    def worst(self) -> float:
        """The latest beat, in seconds; asked anew, of the time since."""
        late, self.late = self.late, 0.0
        return late
