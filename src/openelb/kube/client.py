"""Requests to the Kubernetes API: one function per verb, JSON decoded straight into the shape that was asked for.

Reads are tried again when the way or the server fails; a write is tried again only when the server said that it did
nothing (429, and 401 where there is a newer credential). Whoever writes decides anew from what is there by then. A PUT or
DELETE on a kept connection that turns out to be closed is sent once more by aiohttp: let them name the version they are for.
Watches start here, what they mean is in `watch`.
"""

import asyncio
import io
import math
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
import msgspec

from openelb import __version__
from openelb.kube import answers
from openelb.kube.backoff import Backoff
from openelb.kube.config import Access
from openelb.kube.credentials import Credential
from openelb.kube.errors import ApiError, Busy, Refused, Unavailable, Unreachable

Shape = TypeVar("Shape")

# What JSON can say. `object` inside: bodies are written by us and only ever encoded.
Body = Mapping[str, object]
JsonPatch = list[dict[str, object]]

PAGE = 500
"""Objects per page: peak memory of a list is that of what is kept (measured with 10,000 Services)."""

JSON = "application/json"

_LARGE = 1 << 20  # bytes; aiohttp's own limit, and the ledger of 20,000 addresses

_SILENT_SECONDS, _PROBE_SECONDS, _PROBES = 5, 2, 3
"""A connection on which nothing comes for 5 s is probed by the kernel, and given up 6 s later when its peer is away. A watch
says nothing for minutes, and whoever waits on a dead one is late when the server is back."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for the API server. `request` and `connect` are seconds, `attempts` counts tries of a read."""

    request: float = 10.0
    connect: float = 2.0
    attempts: int = 4
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, but for what shows who we are. `what` is the same in words."""

    what: str
    method: str
    path: str
    timeout: aiohttp.ClientTimeout
    headers: Mapping[str, str]
    query: Mapping[str, str] | None = None
    content: bytes | None = None


class Client:
    """A client of one API server, used as an async context manager. Every method raises ApiError.

    `answered_at` is when the server first answered anything, a refusal included (monotonic seconds; `inf` before), and
    `last_answered_at` when it last did (`-inf` before). Its own trouble, 5xx, is no answer: others get none either.
    """

    def __init__(self, access: Access, patience: Patience | None = None) -> None:
        self.access = access
        self._patience = patience or Patience()
        self._session: aiohttp.ClientSession | None = None
        self.answered_at = math.inf
        self.last_answered_at = -math.inf

    async def __aenter__(self) -> Self:
        self._session = self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        former, self._session = self._session, None
        if former is not None:
            await former.close()

    async def reconnect(self) -> None:
        """Close all connections, so that the next request opens its own: one that hangs is of no use to it."""
        former, self._session = self._session, self._open()
        if former is not None:
            await former.close()

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            # No limit: the callers bound how much they do at once, and a watch holds its connection for minutes.
            connector=aiohttp.TCPConnector(limit=0, socket_factory=_probed_socket),
            headers={
                "User-Agent": f"openelb/{__version__}",
                # Lists travel over the cluster's own network: packing them costs both sides more than it saves.
                "Accept-Encoding": "identity",
            },
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def get(self, path: str, shape: type[Shape]) -> Shape:
        """Read one object."""
        what = describe("get", path)
        content = await self._insist(lambda: self._send(what, "GET", path), Unreachable, Busy, Unavailable)
        return answers.read(content, shape, what)

    async def page(self, path: str, query: Mapping[str, str], accept: str = JSON) -> bytes:
        """Read one page of a list, as it came; `accept` is the media type to ask for.

        Raises Gone when the continue token of `query` has expired.
        """
        what = describe("list", path)
        return await self._insist(
            lambda: self._send(what, "GET", path, query=query, accept=accept), Unreachable, Busy, Unavailable
        )

    async def create(self, path: str, body: Body, shape: type[Shape]) -> Shape:
        """Create an object in the collection `path`. Raises AlreadyExists."""
        return await self._write("create", "POST", path, body, shape, JSON)

    async def put(self, path: str, body: Body, shape: type[Shape]) -> Shape:
        """Replace an object. Raises Conflict when it is not at the resourceVersion in `body` any more."""
        return await self._write("update", "PUT", path, body, shape, JSON)

    async def patch(self, path: str, patch: JsonPatch, shape: type[Shape]) -> Shape:
        """Apply a JSON patch (RFC 6902). Raises Conflict when a `test` in it fails."""
        return await self._write("patch", "PATCH", path, patch, shape, "application/json-patch+json")

    async def merge(self, path: str, patch: Body, shape: type[Shape]) -> Shape:
        """Apply a merge patch (RFC 7386): lists are replaced, null removes."""
        return await self._write("patch", "PATCH", path, patch, shape, "application/merge-patch+json")

    async def delete(self, path: str, *, uid: str = "", version: str = "") -> None:
        """Delete the object of that `uid` at that `version`, else Conflict; without them, whatever has the name by then."""
        conditions = {name: text for name, text in (("uid", uid), ("resourceVersion", version)) if text}
        body = {"preconditions": conditions} if conditions else {}
        await self._write("delete", "DELETE", path, body, msgspec.Raw, JSON)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, silence: float, accept: str = JSON
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a watch and give its bytes as they come. It ends when the server ends it, or sends nothing for `silence`
        seconds: whoever asks again learns whether the way is broken or there was nothing to say.
        """
        what = describe("watch", path)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._patience.connect, sock_read=silence)
        response = await self._ask(_Request(what, "GET", path, timeout, {"Accept": accept}, query))
        try:
            if response.status >= 400:
                with _blaming(what):
                    raise _refused(what, response, await response.read())
            yield _chunks(response, what)
        finally:
            response.close()

    async def _write(self, verb: str, method: str, path: str, body: object, shape: type[Shape], kind: str) -> Shape:
        what, content = describe(verb, path), msgspec.json.encode(body)
        answer = await self._insist(lambda: self._send(what, method, path, content=content, kind=kind), Busy)
        return answers.read(answer, shape, what)

    async def _insist(self, send: Callable[[], Awaitable[bytes]], *passing: type[ApiError]) -> bytes:
        """Send it again after failures that pass."""
        failures = 0
        while True:
            try:
                return await send()
            except passing as error:
                failures += 1
                if failures >= self._patience.attempts:
                    raise
                await asyncio.sleep(self._patience.backoff.after(error, failures))

    async def _send(
        self,
        what: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        kind: str = "",
        accept: str = JSON,
    ) -> bytes:
        """One request. Returns the body of the answer."""
        timeout = aiohttp.ClientTimeout(total=self._patience.request, sock_connect=self._patience.connect)
        headers = {"Accept": accept, **({"Content-Type": kind} if kind else {})}
        response = await self._ask(_Request(what, method, path, timeout, headers, query, content))
        with _blaming(what):
            async with response:
                body = await response.read()
        if response.status >= 300:
            raise _refused(what, response, body)
        return body

    async def _ask(self, request: _Request) -> aiohttp.ClientResponse:
        """The answer to a request, its body not read. When the server does not take our credentials, it has done nothing:
        the request is made once more where there are newer ones.
        """
        credential = await self.access.login.credential()
        response = await self._ask_as(credential, request)
        if response.status != HTTPStatus.UNAUTHORIZED:
            return response
        self.access.login.refused(credential)
        newer = await self.access.login.credential()
        if newer == credential:
            return response
        response.close()
        return await self._ask_as(newer, request)

    async def _ask_as(self, credential: Credential, request: _Request) -> aiohttp.ClientResponse:
        shown = {"Authorization": f"Bearer {credential.token}"} if credential.token else {}
        with _blaming(request.what):
            async with asyncio.timeout(self._patience.request):
                response = await self._live().request(
                    request.method,
                    self.access.server + request.path,
                    params=request.query,
                    data=_in_pieces(request.content),
                    headers={**request.headers, **shown},
                    timeout=request.timeout,
                    # With another client certificate it is another connection, too.
                    ssl=credential.tls or self.access.tls or True,
                    server_hostname=self.access.server_name,
                    allow_redirects=False,
                )
        if response.status < 500:
            self.last_answered_at = time.monotonic()
            self.answered_at = min(self.answered_at, self.last_answered_at)
        return response

    def _live(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is closed: use it inside `async with`")
        return self._session


def _refused(what: str, response: aiohttp.ClientResponse, body: bytes) -> Refused:
    return answers.refused(what, response.status, body, response.headers.get("Retry-After", ""))


def _in_pieces(content: bytes | None) -> bytes | io.BytesIO | None:
    """A large body is sent in pieces, and other work goes on between them; aiohttp warns of sending it whole."""
    return io.BytesIO(content) if content is not None and len(content) > _LARGE else content


def _probed_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    return made


async def _chunks(response: aiohttp.ClientResponse, what: str) -> AsyncIterator[bytes]:
    with _blaming(what), suppress(aiohttp.SocketTimeoutError):
        async for chunk in response.content.iter_any():
            yield chunk


@contextmanager
def _blaming(what: str) -> Iterator[None]:
    """Turns what the network does into Unreachable."""
    try:
        yield
    except TimeoutError as error:
        raise Unreachable(f"no answer in time to {what}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"cannot {what}: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    """What the network did; aiohttp's own words name objects of Python."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {error.host}:{error.port} is not good: {error.certificate_error}"
        case aiohttp.ClientConnectorError():
            why = error.os_error.strerror or str(error.os_error)
            return f"no connection to {error.host}:{error.port}: {why}"
        case aiohttp.ClientPayloadError():
            return "the answer was cut short"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before the answer"
        case _:
            return str(error) or type(error).__name__


def describe(verb: str, path: str) -> str:
    """A request in words, with the resource as RBAC names it: `patch services/status default/web`."""
    parts = path.strip("/").split("/")
    # /api/v1/… or /apis/<group>/<version>/…
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource, name, *subresource = [*rest, "", ""][: max(2, len(rest))]
    about = "/".join(part for part in (namespace, name) if part)
    return f"{verb} {'/'.join([resource, *subresource])}{' ' if about else ''}{about}"
