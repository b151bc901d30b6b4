"""An API server in memory, over real HTTP on loopback, that breaks on request.

Lists in pages, watches with history and bookmarks, JSON patches, optimistic locking: as kube-apiserver 1.36 answers,
which tests/contract asks the real one about. Objects are plain JSON. Faults are attributes that a test sets.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from openelb.kube.config import Access
from openelb.kube.credentials import FixedToken
from tests.fakes import jsonpatch

JSON = dict[str, Any]


@dataclass
class Refusal:
    """An answer instead of what was asked for. Without `details` it explains nothing."""

    status: int
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    details: JSON = field(default_factory=dict)
    message: str = "as asked"

    def response(self) -> web.Response:
        content = {"kind": "Status", "code": self.status, "reason": self.reason, "message": self.message}
        return web.json_response({**content, "details": self.details}, status=self.status, headers=self.headers)


@dataclass
class Faults:
    """What goes wrong from here on."""

    refusals: deque[Refusal] = field(default_factory=deque)
    """The next requests are refused like this, one after the other."""
    watch_refusals: deque[Refusal] = field(default_factory=deque)
    refused_paths: dict[str, Refusal] = field(default_factory=dict)
    """Every request for the path is refused like this."""
    end_watches_at_once: bool = False
    refused: Refusal | None = None
    """Every request is refused like this."""
    tokens: set[str] | None = None
    """Whoever shows none of these bearer tokens is 401."""
    lost_answers: int = 0
    """So many writes from here on are made, and the connection ends before their answers."""
    silent: bool = False
    """Requests are taken and never answered."""
    piece: int = 0
    """Watches send so many bytes at a time; 0: a line at a time."""
    gone_inside: bool = True
    """A watch that is too late learns it from an event; otherwise from the HTTP status."""
    page_size: int = 0
    """Pages are at most so long, whatever the limit asked for."""


class FakeApiServer:
    """Use `running()`, then `put` and `remove` objects and set `faults`."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.requests: list[str] = []
        self.times: list[float] = []
        """For each request when it came, by the clock of the event loop."""
        self.selectors: set[str] = set()
        self.connections: list[int] = []
        """For each request the client's port: the same port is the same connection."""
        self.watches_open = 0
        self.version = 100
        self.watched = 0
        """The last version that a watch was sent."""
        self._objects: dict[str, dict[tuple[str, str], JSON]] = {}
        self._history: dict[str, list[tuple[int, bytes]]] = {}
        self._forgotten = 0
        self._stale_tokens: set[str] = set()
        self._news = asyncio.Condition()
        self._port = 0
        self._never = asyncio.Event()
        self._watch_generation = 0
        self._activity = asyncio.Event()

    @property
    def access(self) -> Access:
        return Access(f"http://127.0.0.1:{self._port}", None, FixedToken("token"))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakeApiServer"]:
        app = web.Application(client_max_size=4 << 20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    # What a test does to the cluster.

    async def put(self, collection: str, what: JSON) -> JSON:
        """Add or change an object; `collection` is the path of all namespaces."""
        key = _key(what)
        there = self._objects.setdefault(collection, {})
        kind = "MODIFIED" if key in there else "ADDED"
        before = there.get(key, {"metadata": {}})["metadata"]
        self.version += 1
        uid = what["metadata"].get("uid") or before.get("uid") or f"uid-{self.version}"
        metadata = {**what["metadata"], "uid": uid, "resourceVersion": str(self.version)}
        metadata["generation"] = _generation(there.get(key, {}), what)
        there[key] = {**what, "metadata": metadata}
        await self._tell(collection, kind, there[key])
        return there[key]

    async def remove(self, collection: str, name: str, namespace: str = "") -> None:
        gone = self._objects[collection].pop((namespace, name))
        self.version += 1
        await self._tell(collection, "DELETED", _at(gone, self.version))

    async def bookmark(self, collection: str) -> None:
        self.version += 1
        await self._tell(collection, "BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}})

    async def say(self, collection: str, line: bytes) -> None:
        """Put raw bytes into the watches, as a line."""
        self.version += 1
        async with self._news:
            self._history.setdefault(collection, []).append((self.version, line + b"\n"))
            self._news.notify_all()

    async def forget(self) -> None:
        """As after a compaction: what happened until here cannot be watched any more, nor old pages be read on."""
        self.version += 1
        self._forgotten = self.version
        self._history.clear()
        self._stale_tokens.add("all")
        await self.end_watches()

    def only(self, collection: str) -> JSON:
        """The one object of a collection."""
        (what,) = self._objects[collection].values()
        return what

    def set_floor(self, version: int) -> None:
        """What happened before that version cannot be watched any more."""
        self._forgotten = version

    async def end_watches(self) -> None:
        """End all watches that are open."""
        async with self._news:
            self._watch_generation += 1
            self._news.notify_all()

    def stored(self, collection: str, name: str, namespace: str = "") -> JSON:
        return self._objects[collection][(namespace, name)]

    async def _tell(self, collection: str, kind: str, what: JSON) -> None:
        line = json.dumps({"type": kind, "object": what}, ensure_ascii=False).encode() + b"\n"
        async with self._news:
            self._history.setdefault(collection, []).append((self.version, line))
            self._news.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when something holds that requests and open watches make true."""
        async with asyncio.timeout(5):
            while not holds():
                self._activity.clear()
                await self._activity.wait()

    # What it answers.

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        watching = request.query.get("watch") == "true"
        self.requests.append(f"{'WATCH' if watching else request.method} {request.path}")
        self.times.append(asyncio.get_running_loop().time())
        self.connections.append(_port(request))
        self.selectors.add(request.query.get("labelSelector", ""))
        self._activity.set()
        if self.faults.silent:
            await self._never.wait()
        if self.faults.tokens is not None and _token(request) not in self.faults.tokens:
            return Refusal(401, "Unauthorized").response()
        if self.faults.refused:
            return self.faults.refused.response()
        if request.path in self.faults.refused_paths:
            return self.faults.refused_paths[request.path].response()
        refusals = self.faults.watch_refusals if watching else self.faults.refusals
        if refusals:
            return refusals.popleft().response()
        if watching:
            return await self._watch(request)
        answer = await self._object(request)
        if request.method != "GET" and self.faults.lost_answers:
            self.faults.lost_answers -= 1
            _transport(request).abort()
        return answer

    async def _object(self, request: web.Request) -> web.Response:
        collection, namespace, name = _split(request.path)
        match request.method:
            case "GET" if not name:
                return self._list(request, collection)
            case "POST":
                body = await request.json()
                self._name(body["metadata"], namespace)
                if collection.endswith("/services"):
                    body.setdefault("status", {"loadBalancer": {}})
                if _key(body) in self._objects.get(collection, {}):
                    return Refusal(409, "AlreadyExists").response()
                return web.json_response(await self.put(collection, body), status=201)
        there = self._objects.get(collection, {}).get((namespace, name))
        if there is None:
            return Refusal(404, "NotFound", details={"name": name}).response()
        match request.method:
            case "GET":
                return web.json_response(there)
            case "PATCH":
                if request.content_type == "application/merge-patch+json":
                    return await self._replace(collection, there, _merged(there, await request.json()))
                return await self._patch(collection, there, await request.json())
            case "PUT":
                return await self._replace(collection, there, await request.json())
            case _:
                await self.remove(collection, name, namespace)
                return web.json_response({"kind": "Status", "status": "Success"})

    def _name(self, metadata: JSON, namespace: str) -> None:
        metadata.setdefault("namespace", namespace)
        if "generateName" in metadata:
            metadata["name"] = metadata.pop("generateName") + str(self.version)

    async def _patch(self, collection: str, there: JSON, patch: list[JSON]) -> web.Response:
        try:
            return await self._replace(collection, there, jsonpatch.apply(patch, there))
        except jsonpatch.DoesNotApply:
            return Refusal(422, "Invalid").response()

    async def _replace(self, collection: str, there: JSON, body: JSON) -> web.Response:
        if body["metadata"].get("resourceVersion") != there["metadata"]["resourceVersion"]:
            return Refusal(409, "Conflict").response()
        body["metadata"].setdefault("namespace", there["metadata"].get("namespace", ""))
        return web.json_response(await self.put(collection, body))

    def _list(self, request: web.Request, collection: str) -> web.Response:
        items = [what for _, what in sorted(self._objects.get(collection, {}).items()) if _is_selected(request, what)]
        start = request.query.get("continue", "0")
        if start != "0" and self._stale_tokens:
            self._stale_tokens.clear()
            return Refusal(410, "Expired").response()
        size = self.faults.page_size or int(request.query.get("limit", "500"))
        first, last = int(start), int(start) + size
        metadata: JSON = {"resourceVersion": str(self.version)}
        if last < len(items):
            metadata["continue"] = str(last)
        page = items[first:last] if _whole(request) else list(map(_partial, items[first:last]))
        return web.json_response({"metadata": metadata, "items": page})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        collection, _, _ = _split(request.path)
        sent = int(request.query["resourceVersion"])
        late = sent < self._forgotten
        if late and not self.faults.gone_inside:
            return Refusal(410, "Expired").response()
        response = web.StreamResponse()
        await response.prepare(request)
        if late:
            status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
            await self._write(response, json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
        elif not self.faults.end_watches_at_once:
            self.watches_open += 1
            self._activity.set()
            try:
                await self._stream(request, response, collection, sent)
            finally:
                self.watches_open -= 1
        return response

    async def _stream(self, request: web.Request, response: web.StreamResponse, collection: str, sent: int) -> None:
        generation, whole = self._watch_generation, _whole(request)
        while self._watch_generation == generation:
            news = [(version, line) for version, line in self._history.get(collection, ()) if version > sent]
            for version, line in news:
                line = _as_selected(request, line)
                await self._write(response, line if whole else _partial_line(line))
                sent = self.watched = version
                self._activity.set()
            if not news:
                async with self._news:
                    await self._news.wait()

    async def _write(self, response: web.StreamResponse, line: bytes) -> None:
        piece = self.faults.piece or len(line)
        for start in range(0, len(line), piece):
            await response.write(line[start : start + piece])
            await asyncio.sleep(0)


def _transport(request: web.Request) -> asyncio.Transport:
    assert request.transport is not None
    return request.transport


def _port(request: web.Request) -> int:
    port: int = _transport(request).get_extra_info("peername")[1]
    return port


def _token(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _generation(before: JSON, what: JSON) -> int:
    """As of a custom resource with a subresource for its status: it counts the changes of everything else but metadata."""
    if not before:
        return 1
    rest, former = (
        {name: part for name, part in each.items() if name not in ("metadata", "status")} for each in (what, before)
    )
    counted: int = before["metadata"]["generation"]
    return counted + (rest != former)


def _merged(there: JSON, patch: JSON) -> JSON:
    """RFC 7386."""
    parts = {
        name: _merged(there.get(name) or {}, part) if isinstance(part, dict) else part for name, part in patch.items()
    }
    return {name: part for name, part in {**there, **parts}.items() if part is not None}


def _is_selected(request: web.Request, what: JSON) -> bool:
    """Of field selectors, those that are asked for: which nodes are cordoned, and the one object of a name."""
    selector = request.query.get("fieldSelector")
    if selector is not None and selector.startswith("metadata.name="):
        return bool(what["metadata"]["name"] == selector.removeprefix("metadata.name="))
    assert selector in (None, "spec.unschedulable=true")
    return selector is None or bool(what.get("spec", {}).get("unschedulable"))


def _as_selected(request: web.Request, line: bytes) -> bytes:
    """What is not selected any more is deleted, to who asked for what is; and so is here what never was."""
    if "fieldSelector" not in request.query:
        return line
    event = json.loads(line)
    if event["type"] not in ("ADDED", "MODIFIED") or _is_selected(request, event["object"]):
        return line
    return json.dumps(event | {"type": "DELETED"}, ensure_ascii=False).encode() + b"\n"


def _whole(request: web.Request) -> bool:
    return "as=PartialObjectMetadata" not in request.headers.get("Accept", "")


def _partial(what: JSON) -> JSON:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": what["metadata"]}


def _partial_line(line: bytes) -> bytes:
    event = json.loads(line)
    return json.dumps(event | {"object": _partial(event["object"])}, ensure_ascii=False).encode() + b"\n"


def _key(what: JSON) -> tuple[str, str]:
    return what["metadata"].get("namespace", ""), what["metadata"]["name"]


def _at(what: JSON, version: int) -> JSON:
    return {**what, "metadata": {**what["metadata"], "resourceVersion": str(version)}}


def _split(path: str) -> tuple[str, str, str]:
    """The collection of all namespaces, the namespace and the name that a path is about; a subresource is as the object."""
    parts = path.strip("/").split("/")
    start = 2 if parts[0] == "api" else 3
    rest, namespace = parts[start:], ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    return "/" + "/".join([*parts[:start], rest[0]]), namespace, rest[1] if len(rest) > 1 else ""
