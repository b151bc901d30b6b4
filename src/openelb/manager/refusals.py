"""Objects whose last write the API server refused: each is left alone for a while as it stands, and holds up no other."""

import logging
from collections.abc import Callable

from openelb.complaints import Complaints
from openelb.kube.errors import AlreadyExists, Conflict, Invalid, NotFound, Refused
from openelb.model.cluster import BgpObject, Page, Pool, Reservation, Service

log = logging.getLogger(__name__)

BRIEFLY = 1.0  # seconds; a conflict is mostly over when the watch has brought the later version
FOR_NOW = 5.0  # seconds; somebody's admission webhook that is down for one object may be back
RESYNC = 30.0  # seconds; for what the server finds invalid, and for what no event tells

Written = Pool | Service | Page | Reservation | BgpObject


class Refusals:
    """What was refused at which version, and until when it is left alone. Moments are of the clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._aside: dict[str, tuple[str, float]] = {}
        self._complaints = Complaints(clock=clock)

    def is_due(self, about: Written) -> bool:
        """Whether it was not just refused as it stands."""
        return self._clock() >= self.until(about)

    def until(self, about: Written) -> float:
        """The moment until which it is left as it stands; 0 when it was not refused at the version it has."""
        version, until = self._aside.get(in_words(about), ("", 0.0))
        return until if about.version == version else 0.0

    def times(self) -> list[float]:
        """The moments at which something is due again."""
        now = self._clock()
        return [until for _, until in self._aside.values() if until > now]

    def forget(self) -> None:
        """Forget those that were due long ago: they are written or gone."""
        now = self._clock()
        self._aside = {name: entry for name, entry in self._aside.items() if entry[1] > now - RESYNC}

    def note(self, about: Written, refusal: Refused) -> None:
        """A conflict is over when the watch brings the later version, which is due at once; other refusals may stay."""
        now, name = self._clock(), in_words(about)
        brief = isinstance(refusal, Conflict | NotFound | AlreadyExists)
        seconds = BRIEFLY if brief else RESYNC if isinstance(refusal, Invalid) else FOR_NOW
        # Of many objects that are refused alike, as by a webhook that is down, the first is named. Not by the server's
        # words: they mostly name the object.
        is_new = self._aside.get(name, ("", 0.0))[0] != about.version
        if seconds > BRIEFLY and is_new and self._complaints.is_due(refusal.cause):
            log.warning("%s is left for %g s: %s", name, seconds, refusal)
        self._aside[name] = about.version, now + seconds


def in_words(about: Written) -> str:
    """As users name it."""
    match about:
        case Service():
            return f"Service {about.key}"
        case Pool():
            return f"Eip {about.name}"
        case Page():
            return f"EipAllocation {about.name}"
        case Reservation():
            return f"EipReservation {about.name}"
        case BgpObject():
            return f"{about.kind} {about.name}"
