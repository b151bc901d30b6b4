"""Tells people what happened to their Services and Eips: Events, as `kubectl describe` shows them.

Telling is never in the way: Events wait in a queue and are written at a bounded rate; what does not fit is dropped and
counted, and the conditions of the object still say it.
"""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from openelb.complaints import Complaints
from openelb.kube.backoff import Backoff
from openelb.kube.client import Client
from openelb.kube.errors import ApiError, NotFound
from openelb.model import names
from openelb.model.cluster import Pool, Service
from openelb.model.snapshot import Unreadable

log = logging.getLogger(__name__)

QUEUE = 10_000
"""Events that may wait: one for each Service of the largest cluster this is made for."""

PER_SECOND = 20.0
"""Few beside hundreds of addresses a second: an Event costs the API server as much as an address does."""

QUIET_SECONDS = 600.0
"""The same sentence about the same object is not told again for so long."""

SERIES_SECONDS = 1800.0
"""What is still so is told again after so long: the API server forgets an Event after an hour."""

SERIES_QUEUED = 600
"""Nothing is told again while so many Events wait: what is new must not wait for long."""

_LONGEST_NOTE = 1024  # bytes; events.k8s.io/v1: "should be less than 1kB"


@dataclass(frozen=True, slots=True)
class Event:
    """What is told about one object."""

    kind: str
    namespace: str
    name: str
    uid: str
    reason: str
    sentence: str
    warning: bool


class _Series:
    """How often an Event was written, and when it was told last. Its `name` is that of the object in the API."""

    __slots__ = ("at", "count", "name")

    def __init__(self, at: float) -> None:
        self.at = at
        self.begin()

    def begin(self) -> None:
        """Nothing was written under this name yet."""
        self.name, self.count = uuid.uuid4().hex[:16], 0


class Reporter:
    """Writes Events while `run` runs. `component` says which program tells, `instance` which process of it.

    At most `queue` Events wait, and `per_second` are written: what does not fit is dropped.
    """

    def __init__(
        self,
        client: Client,
        component: str,
        instance: str,
        *,
        queue: int = QUEUE,
        per_second: float = PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._component = component
        self._instance = instance
        self._room = queue
        self._pause = 1 / per_second
        self._clock = clock
        self._queue: deque[Event] = deque()
        self._something_waits = asyncio.Event()
        self._told: dict[Event, _Series] = {}  # in the order of its times
        self._repeated: dict[Event, _Series] = {}
        self._complaints = Complaints(clock=clock)
        self.dropped = 0

    def tell(self, about: Pool | Service | Unreadable, reason: str, sentence: str, *, warning: bool) -> None:
        """Tell it once; again after ten minutes at the earliest."""
        event = _event(about, reason, sentence, warning=warning)
        now = self._clock()
        self._forget(now)
        if event in self._told:
            return
        if self.waiting < self._room:
            series = self._repeated.get(event) or _Series(now)
            series.at = now
            self._told[event] = series
            self._write_soon(event)
            return
        if self._complaints.is_due("no room"):
            log.info("more than %d Events wait to be written: those that do not fit are dropped", self._room)
        self.dropped += 1

    def repeat(self, lasting: Iterable[tuple[Pool | Service, str, str]]) -> None:
        """Tell again, as one more of its series, what was told half an hour ago and is still so. Called again and again with
        all that lasts: an object, a reason and a sentence each. Of what somebody else told, half an hour begins here.
        """
        now, before, self._repeated = self._clock(), self._repeated, {}
        self._forget(now)
        for about, reason, sentence in lasting:
            event = _event(about, reason, sentence, warning=True)
            series = before.get(event) or self._told.get(event) or _Series(now)
            self._repeated[event] = series
            if now - series.at >= SERIES_SECONDS and self.waiting < min(self._room, SERIES_QUEUED):
                series.at = now
                self._write_soon(event)

    def _write_soon(self, event: Event) -> None:
        self._queue.append(event)
        self._something_waits.set()

    @property
    def waiting(self) -> int:
        """How many Events wait to be written."""
        return len(self._queue)

    def next(self) -> Event:
        """Take out the Event to write next. Raises IndexError when none waits."""
        return self._queue.popleft()

    async def run(self) -> None:
        """Write what is told, until cancelled. An Event that cannot be written is dropped: it says nothing new later."""
        while True:
            await self._something_waits.wait()
            pause = self._pause
            try:
                await self.write(self.next())
                self._complaints.ends()
            except ApiError as error:
                self.dropped += 1
                if self._complaints.begins(error.cause):
                    log.warning("an Event is dropped: %s", error)
                pause = max(pause, Backoff().after(error, 1))
            if not self.waiting:
                self._something_waits.clear()
            await asyncio.sleep(pause)

    async def write(self, event: Event) -> None:
        """Write one Event, or that it is so again. Raises ApiError."""
        # Events about objects without a namespace live in `default`, where kubectl looks for them.
        namespace = event.namespace or "default"
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        series = self._repeated.get(event) or self._told.get(event) or _Series(0.0)
        if series.count:
            try:
                again = {"count": series.count + 1, "lastObservedTime": _now()}
                told = f"{path}/{_name(event, series)}"
                await self._client.patch(told, [{"op": "add", "path": "/series", "value": again}], msgspec.Raw)
                series.count += 1
                return
            except NotFound:  # the API server has forgotten it
                series.begin()
        await self._client.create(path, self._body(event, namespace, _name(event, series)), msgspec.Raw)
        series.count = 1

    def _forget(self, now: float) -> None:
        while self._told and now - self._told[oldest := next(iter(self._told))].at >= QUIET_SECONDS:
            del self._told[oldest]

    def _body(self, event: Event, namespace: str, name: str) -> dict[str, object]:
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": namespace, "name": name},
            "eventTime": _now(),
            "type": "Warning" if event.warning else "Normal",
            "reason": event.reason,
            "action": event.reason,
            "note": event.sentence,
            "reportingController": self._component,
            "reportingInstance": self._instance,
            "regarding": {
                "apiVersion": "v1" if event.kind == "Service" else f"{names.GROUP}/{names.VERSION}",
                "kind": event.kind,
                "namespace": event.namespace,
                "name": event.name,
                "uid": event.uid,
            },
        }


def _name(event: Event, series: _Series) -> str:
    """Of the object in the API; a name has 253 characters at most."""
    return f"{event.name[:200]}.{series.name}"


def _now() -> str:
    """As meta/v1 MicroTime has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _event(about: Pool | Service | Unreadable, reason: str, sentence: str, *, warning: bool) -> Event:
    # Cut before it waits: what people write is quoted in it, and 10,000 long ones would fill the memory.
    note = sentence[:_LONGEST_NOTE].encode(errors="replace")[:_LONGEST_NOTE].decode(errors="ignore")
    match about:
        case Pool(name=name, uid=uid):
            return Event("Eip", "", name, uid, reason, note, warning)
        case Service(key=key, uid=uid):
            return Event("Service", key.namespace, key.name, uid, reason, note, warning)
        case Unreadable(kind=kind, key=key, uid=uid):
            return Event(kind, key.namespace, key.name, uid, reason, note, warning)
