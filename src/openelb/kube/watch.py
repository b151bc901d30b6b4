"""Follows one kind: lists it, watches it from there, and tells a sink what is there. It never gives up.

The sink hears the truth in order: a complete list first, then single changes; a complete list again whenever the server
has forgotten where we were, so that what was deleted meanwhile is found missing.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from openelb.complaints import Complaints
from openelb.kube.answers import UNREADABLE, refused_by_status
from openelb.kube.backoff import Backoff
from openelb.kube.client import PAGE, Client, describe
from openelb.kube.errors import ApiError, Busy, Forbidden, Gone, Refused
from openelb.kube.reader import Reader, Seen
from openelb.kube.resources import Resource
from openelb.kube.shapes import ObjectShape, WatchLine

log = logging.getLogger(__name__)

Shape = TypeVar("Shape", bound=ObjectShape)
Value = TypeVar("Value")

# The server ends a watch after so many seconds; spread, so that not all nodes come back in the same moment.
_LASTS_AT_LEAST, _LASTS_AT_MOST = 300, 600

# A watch that went on for so many seconds was a good one, and what ends it is no further failure in a row. It is less
# than the silence after which a watch of Leases is opened anew, so that a quiet one is opened again at once.
_GOOD_WHILE = 4.0

# So many refusals in a row, of whatever kind, and the place to go on from is given up: after a restore of etcd the
# server is behind it.
_REFUSALS_BEFORE_LISTING_AGAIN = 3


class Sink(Protocol[Value]):
    """Who wants to know."""

    def listing(self) -> None:
        """A list begins."""

    def known(self, seen: Seen[Value]) -> Seen[Value]:
        """The same, if possible in a copy that is there already."""

    def listed(self, seen: list[Seen[Value]]) -> None:
        """This is all there is."""

    def put(self, seen: Seen[Value]) -> None:
        """This was added or changed."""

    def drop(self, seen: Seen[Value]) -> None:
        """This was deleted, or is not selected any more."""


class Reflector(Generic[Shape, Value]):
    """Keeps one sink up to date with one kind. `do_without` is called when that may not be read and need not be."""

    def __init__(
        self,
        client: Client,
        resource: Resource[Shape, Value],
        sink: Sink[Value],
        backoff: Backoff | None = None,
        do_without: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._resource = resource
        self._sink = sink
        self._backoff = backoff or Backoff()
        self._do_without = do_without
        self._what = describe("watch", resource.path)
        self._reader = Reader(resource, self._what)
        self._version = ""
        self._complaints = Complaints()

    async def run(self) -> None:
        """List and watch until cancelled. Failures are logged once each, and tried again ever more slowly."""
        failures = 0
        while True:
            started, trouble = time.monotonic(), None
            try:
                await self._follow()
            except ApiError as error:
                trouble = error
                self._complain(error)
                if isinstance(error, Forbidden) and self._resource.without:
                    self._do_without()
                if self._is_lost(error, failures):
                    self._version = ""
            failures = 1 if time.monotonic() - started > _GOOD_WHILE else failures + 1
            await asyncio.sleep(self._backoff.after(trouble, failures))

    async def _follow(self) -> None:
        if not self._version:
            await self._list()
        await self._watch()

    def _is_lost(self, error: ApiError, failures: int) -> bool:
        """Whether the server does not know the place to go on from, so that only a list helps."""
        if isinstance(error, Gone):
            return True
        return isinstance(error, Refused) and not isinstance(error, Busy) and failures >= _REFUSALS_BEFORE_LISTING_AGAIN

    def _complain(self, error: ApiError) -> None:
        if isinstance(error, Gone):
            if self._complaints.is_due(error.cause):
                log.info("%s: the server has forgotten where we were; listing again", self._what)
        elif self._complaints.begins(error.cause):
            log.warning("%s: %s; %s", self._what, error, self._resource.without or "trying again")

    def _recovered(self) -> None:
        if self._complaints.ends():
            log.info("%s: going on", self._what)

    async def _list(self) -> None:
        self._sink.listing()
        seen: list[Seen[Value]] = []
        query = {**self._resource.query, "limit": str(PAGE)}
        while True:
            page = self._reader.page(await self._client.page(self._resource.path, query, self._resource.form.list))
            seen += map(self._sink.known, page.seen)
            if not page.next:
                break
            query["continue"] = page.next
        self._recovered()
        self._sink.listed(seen)
        self._version = page.version

    async def _watch(self) -> None:
        query = {
            **self._resource.query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(random.randint(_LASTS_AT_LEAST, _LASTS_AT_MOST)),  # noqa: S311
        }
        path, silence, form = self._resource.path, self._resource.silence, self._resource.form.watch
        async with self._client.stream(path, query, silence=silence, accept=form) as chunks:
            self._recovered()
            rest = b""
            async for chunk in chunks:
                # At LF only: JSON from Go has U+0085 unescaped, which str.splitlines() takes for the end of a line.
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._take(line)

    def _take(self, content: bytes) -> None:
        """One line of the stream: an event."""
        try:
            line = msgspec.json.decode(content, type=WatchLine)
            if line.type == "BOOKMARK":
                self._version = msgspec.json.decode(line.object, type=ObjectShape).metadata.resource_version
        except UNREADABLE as error:
            if self._complaints.is_due("an event that cannot be read"):
                log.warning("%s: skipping an event that cannot be read: %s", self._what, error)
            return
        if line.type == "ERROR":
            raise refused_by_status(self._what, line.object)
        if line.type in ("ADDED", "MODIFIED", "DELETED"):
            self._tell(line)

    def _tell(self, line: WatchLine) -> None:
        seen = self._reader.object(line.object)
        if seen is None:
            return
        if line.type == "DELETED":
            self._sink.drop(seen)
        else:
            self._sink.put(seen)
        self._version = str(seen.version)
