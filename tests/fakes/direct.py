"""The API server without a wire: what a client asks is done, or refused, in one step, so that every run is the same and a
test can stop a process between any two requests. tests/contract/test_kube_manners.py asks it and the real one the same.

Versions, uids, JSON patches, finalizers, the status subresource, watches: as kube-apiserver has them. No pages.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from openelb.kube.client import describe
from openelb.kube.errors import AlreadyExists, Conflict, Forbidden, NotFound
from openelb.kube.resources import SERVICES_PATH
from openelb.model.cluster import ServiceKey
from tests.fakes import jsonpatch

JSON = dict[str, Any]
Shape = TypeVar("Shape")
Request = Callable[[], JSON]
Meddler = Callable[[str, Request], Awaitable[JSON]]
"""Is given each request in words and what the server would do, and answers in its place: at once, later, or not at all."""


@dataclass(eq=False)
class _Stream:
    """One watch that is open; `sent` is the version of the last event that it was given."""

    collection: str
    sent: int
    idle: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Storage:
    """What the server stores. `told` is called with the collection and the object before and after each change of one."""

    told: Callable[[str, JSON | None, JSON | None], None] = lambda collection, before, after: None
    version: int = 100
    late: frozenset[str] = frozenset()
    """Collections whose watches bring nothing for the time being."""
    _objects: dict[str, dict[ServiceKey, JSON]] = field(default_factory=dict)
    _history: dict[str, list[tuple[int, str, JSON]]] = field(default_factory=dict)
    _streams: list[_Stream] = field(default_factory=list)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    # What users do.

    def create(self, collection: str, what: JSON) -> JSON:
        """Raises AlreadyExists. A namesake of what was there before gets a uid of its own."""
        key = _key(what)
        if key in self._objects.get(collection, {}):
            raise AlreadyExists(f"create {key}", 409, "AlreadyExists")
        born = {"uid": f"uid-{self.version}", "creationTimestamp": f"2026-01-01T00:{self.version % 60:02}:00Z"}
        return self._store(collection, {**what, "metadata": {**what["metadata"], **born}})

    def edit(self, collection: str, key: ServiceKey, change: Callable[[JSON], None]) -> JSON:
        """Change an object in place as a person does, with whatever version it has."""
        what = deepcopy(self._find(collection, key))
        change(what)
        return self._store(collection, what)

    def delete(self, collection: str, key: ServiceKey) -> None:
        """Ask for its deletion: it goes at once, or with its last finalizer."""
        self.edit(collection, key, lambda what: what["metadata"].update(deletionTimestamp="2026-01-01T01:00:00Z"))

    def all(self, collection: str) -> dict[ServiceKey, JSON]:
        """What there is of a kind."""
        return dict(self._objects.get(collection, {}))

    # What clients do.

    def patch(self, collection: str, key: ServiceKey, patch: list[JSON], subresource: str) -> JSON:
        before = self._find(collection, key)
        try:
            after = jsonpatch.apply(patch, before)
        except jsonpatch.DoesNotApply as error:
            raise Conflict(f"patch {key}", 422, message=str(error)) from error
        if after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]:
            raise Conflict(f"patch {key}", 409, "Conflict")
        kept = "spec" if subresource else "status"
        after = {**{field: value for field, value in after.items() if field != kept}, kept: before.get(kept, {})}
        return before if after == before else self._store(collection, after)

    def _find(self, collection: str, key: ServiceKey) -> JSON:
        try:
            return self._objects[collection][key]
        except KeyError:
            raise NotFound(f"find {key}", 404, "NotFound") from None

    def _store(self, collection: str, what: JSON) -> JSON:
        key, there = _key(what), self._objects.setdefault(collection, {})
        before = there.get(key)
        if collection == SERVICES_PATH:
            what = _with_address_only_by_type(what)
        self.version += 1
        stored = {**what, "metadata": {**what["metadata"], "resourceVersion": str(self.version)}}
        gone = "deletionTimestamp" in stored["metadata"] and not stored["metadata"].get("finalizers")
        if gone:
            there.pop(key, None)
        else:
            there[key] = stored
        kind = "DELETED" if gone else "MODIFIED" if before else "ADDED"
        self._history.setdefault(collection, []).append((self.version, kind, stored))
        self._wake()
        self.told(collection, before, None if gone else stored)
        return stored

    # What watches bring.

    async def stream(self, collection: str, version: int) -> AsyncIterator[bytes]:
        stream = _Stream(collection, version)
        self._streams.append(stream)
        try:
            while True:
                stream.news.clear()
                for at, kind, what in self._unsent(stream):
                    stream.sent = at
                    yield json.dumps({"type": kind, "object": what}).encode() + b"\n"
                stream.idle = True
                self._moved.set()
                await stream.news.wait()
                stream.idle = False
        finally:
            self._streams.remove(stream)

    async def delivered(self) -> None:
        """Return when every watch has brought what it is to bring, and its reader has taken it in."""
        self._wake()
        while any(stream.news.is_set() or not stream.idle for stream in self._streams):
            self._moved.clear()
            await self._moved.wait()

    def _unsent(self, stream: _Stream) -> list[tuple[int, str, JSON]]:
        if stream.collection in self.late:
            return []
        return [entry for entry in self._history.get(stream.collection, ()) if entry[0] > stream.sent]

    def _wake(self) -> None:
        for stream in self._streams:
            stream.news.set()


async def _at_once(asked: str, request: Request) -> JSON:
    return request()


@dataclass
class DirectClient:
    """The verbs of `openelb.kube.client.Client`, straight into the storage."""

    storage: Storage
    meddler: Meddler = _at_once
    """Between the client and the server, for all but lists and watches."""
    unlisted: frozenset[str] = frozenset()
    """What may not be listed, as the last word of its path."""

    async def get(self, path: str, shape: type[Shape]) -> Shape:
        collection, key, _ = _split(path)
        return await self._ask("get", path, lambda: self.storage._find(collection, key), shape)

    async def create(self, path: str, body: JSON, shape: type[Shape]) -> Shape:
        collection, key, _ = _split(path)
        what = {**body, "metadata": {"namespace": key.namespace, **body["metadata"]}}
        return await self._ask("create", path, lambda: self.storage.create(collection, what), shape)

    async def merge(self, path: str, patch: JSON, shape: type[Shape]) -> Shape:
        collection, key, _ = _split(path)
        return await self._ask(
            "patch", path, lambda: self.storage.edit(collection, key, lambda what: _merge(what, patch)), shape
        )

    async def delete(self, path: str, *, uid: str = "", version: str = "") -> None:
        collection, key, _ = _split(path)
        self.storage.delete(collection, key)

    async def patch(self, path: str, patch: list[JSON], shape: type[Shape]) -> Shape:
        collection, key, subresource = _split(path)
        body = json.loads(msgspec.json.encode(patch))
        return await self._ask("patch", path, lambda: self.storage.patch(collection, key, body, subresource), shape)

    async def page(self, path: str, query: Mapping[str, str], accept: str = "") -> bytes:
        if path.rpartition("/")[2] in self.unlisted:
            raise Forbidden(describe("list", path), 403)
        items = list(self.storage.all(_split(path)[0]).values())
        return json.dumps({"metadata": {"resourceVersion": str(self.storage.version)}, "items": items}).encode()

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, silence: float, accept: str = ""
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        yield self.storage.stream(_split(path)[0], int(query["resourceVersion"]))

    async def _ask(self, verb: str, path: str, request: Request, shape: type[Shape]) -> Shape:
        answer = await self.meddler(describe(verb, path), request)
        return msgspec.json.decode(json.dumps(answer), type=shape)


def _with_address_only_by_type(what: JSON) -> JSON:
    """A Service that is, or has become, of another type shows no address."""
    status = what.get("status", {})
    shown = status.get("loadBalancer", {}) if what["spec"]["type"] == "LoadBalancer" else {}
    return {**what, "status": {**status, "loadBalancer": shown}}


def _merge(what: JSON, patch: JSON) -> None:
    """RFC 7386, in place."""
    for name, value in patch.items():
        if value is None:
            what.pop(name, None)
        elif isinstance(value, dict):
            _merge(what.setdefault(name, {}), value)
        else:
            what[name] = value


def _key(what: JSON) -> ServiceKey:
    return ServiceKey(what["metadata"].get("namespace", ""), what["metadata"]["name"])


def _split(path: str) -> tuple[str, ServiceKey, str]:
    """The collection of all namespaces, whose object, and which subresource a path is about."""
    parts = path.strip("/").split("/")
    start = 2 if parts[0] == "api" else 3
    rest, namespace = parts[start:], ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource = [*rest, "", ""][:3]
    return "/" + "/".join([*parts[:start], resource]), ServiceKey(namespace, name), subresource
