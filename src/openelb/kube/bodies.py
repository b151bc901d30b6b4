"""Objects for speakers: followed by their metadata, and read again only when their author has changed them.

An Eip's status has every address in use and changes with each, that of a BgpPeer has every node's session: a watch would send
all of it to every node each time. It is read here along with the spec, so nothing may rest on a field of it that changes
without the spec.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import msgspec

from openelb.complaints import Complaints
from openelb.kube.backoff import Backoff
from openelb.kube.client import Client, describe
from openelb.kube.errors import ApiError, Nonsense
from openelb.kube.reader import Reader
from openelb.kube.resources import Bodied
from openelb.kube.shelf import View
from openelb.model.cluster import ServiceKey

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Requests in flight: after a start or an outage every node reads every object."""


class Known(Protocol):
    """What was read: which object it was."""

    @property
    def uid(self) -> str: ...


class Outlined(Known, Protocol):
    """What the metadata told: the `edition` changes with what the author wrote, and not with the status."""

    @property
    def edition(self) -> int: ...


Value = TypeVar("Value", bound=Known)
Outline = TypeVar("Outline", bound=Outlined)


@dataclass(frozen=True, slots=True)
class Body(Generic[Value]):
    """An object as it was read for an outline of that `uid` and `edition`; without a `value` when it could not be understood."""

    uid: str
    edition: int
    value: Value | None


class Bodies(Generic[Value, Outline]):
    """The view of outlines: reads the object of each while `run` runs, and shows its value to `view`.

    A value is shown as it was until it has been read again, but what the metadata tells is shown at once. `on_change` is
    called after each reading.
    """

    def __init__(
        self,
        client: Client,
        kind: Bodied[Value, Outline],
        view: View[Value],
        on_change: Callable[[], None],
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._kind = kind
        self._view = view
        self._on_change = on_change
        self._backoff = backoff or Backoff()
        self._what = describe("get", kind.resource.path)
        self._reader = Reader(kind.resource, self._what)
        self._outlines: dict[ServiceKey, Outline] = {}
        self._bodies: dict[ServiceKey, Body[Value]] = {}
        self._wanted: dict[ServiceKey, int] = {}  # with how often in a row its reading has failed
        self._queue: asyncio.Queue[ServiceKey] = asyncio.Queue()  # those of them whose turn it is
        self._complaints = Complaints()

    @property
    def complete(self) -> bool:
        """Whether all that is there has been read."""
        return not any(key in self._outlines for key in self._wanted)

    def put(self, key: ServiceKey, value: Outline) -> None:
        # Most events change a status alone, and tell nothing here: the values shown stay the same objects.
        if self._outlines.get(key) == value:
            return
        self._outlines[key] = value
        if self._lacks(key, value) and key not in self._wanted:
            self._wanted[key] = 0
            self._queue.put_nowait(key)
        self._show(key, value)

    def remove(self, key: ServiceKey) -> None:
        self._outlines.pop(key, None)
        self._bodies.pop(key, None)
        self._view.remove(key)

    async def run(self) -> None:
        """Read what is wanted until cancelled, first what an earlier run has left. Failures are logged once each, and tried
        again ever more slowly.
        """
        self._queue = asyncio.Queue()
        for key in self._wanted:
            self._queue.put_nowait(key)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._read_on())

    async def _read_on(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._read(key)
            except ApiError as error:
                self._put_off(key, error)
            else:
                self._settle(key)

    async def _read(self, key: ServiceKey) -> None:
        """Read one object until it is there as its outline tells, or that is gone. Raises ApiError."""
        while (outline := self._outlines.get(key)) and self._lacks(key, outline):
            self._keep(key, outline, await self._client.get(f"{self._kind.resource.path}/{key.name}", msgspec.Raw))

    def _put_off(self, key: ServiceKey, error: ApiError) -> None:
        """It waits beside the queue, where it keeps none of the others from being read.

        That there is no such object is no end either: one made anew, or a server that is behind, says so too. The end of its
        outline is.
        """
        self._wanted[key] += 1
        if self._complaints.begins(error.cause):
            log.warning("%s; trying again", error)
        pause = self._backoff.after(error, self._wanted[key])
        asyncio.get_running_loop().call_later(pause, self._queue.put_nowait, key)

    def _settle(self, key: ServiceKey) -> None:
        del self._wanted[key]
        if self.complete and self._complaints.ends():
            log.info("%s: going on", self._what)
        self._on_change()

    def _lacks(self, key: ServiceKey, outline: Outline) -> bool:
        body = self._bodies.get(key)
        return body is None or (body.uid, body.edition) != (outline.uid, outline.edition)

    def _keep(self, key: ServiceKey, outline: Outline, content: msgspec.Raw) -> None:
        """Take what was read for an outline, which has perhaps been followed by another one meanwhile.

        Raises Nonsense when the answer is no object.
        """
        latest = self._outlines.get(key)
        if latest is None:
            return
        seen, former = self._reader.object(content), self._bodies.get(key)
        if seen is None:
            raise Nonsense(f"the answer to {self._what} {key.name} is no object")
        value = seen.value or (former.value if former else None)
        self._bodies[key] = Body(outline.uid, outline.edition, value)
        self._show(key, latest)

    def _show(self, key: ServiceKey, outline: Outline) -> None:
        body = self._bodies.get(key)
        value = body.value if body else None
        if value is None or value.uid != outline.uid:  # not known yet, or of a namesake
            self._view.remove(key)
        else:
            self._view.put(key, self._kind.shown(value, outline))
