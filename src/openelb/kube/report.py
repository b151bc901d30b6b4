"""Tells people what happened to their Services and Eips: Events, as `kubectl describe` shows them.

Telling is never in the way: Events wait in a queue and are written at a bounded rate; what does not fit is dropped and
counted, and the conditions of the object still say it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from openelb.complaints import Complaints
from openelb.kube.backoff import Backoff
from openelb.kube.client import Client
from openelb.kube.errors import ApiError
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
        self._told: dict[Event, float] = {}  # in the order of its times
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
            self._queue.append(event)
            self._told[event] = now
            self._something_waits.set()
            return
        if self._complaints.is_due("no room"):
            log.info("more than %d Events wait to be written: those that do not fit are dropped", self._room)
        self.dropped += 1

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
        """Write one Event. Raises ApiError."""
        # Events about objects without a namespace live in `default`, where kubectl looks for them.
        namespace = event.namespace or "default"
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        await self._client.create(path, self._body(event, namespace), msgspec.Raw)

    def _forget(self, now: float) -> None:
        while self._told and now - self._told[oldest := next(iter(self._told))] >= QUIET_SECONDS:
            del self._told[oldest]

    def _body(self, event: Event, namespace: str) -> dict[str, object]:
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": namespace, "generateName": f"{event.name}-"},
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
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
