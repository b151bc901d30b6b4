"""The validating webhook as a server: HTTPS, questions in, verdicts out. What is right or wrong it does not know: a judge says.

Whatever somebody sends who is not an API server is answered with a sentence, and costs a bounded amount of time and memory.
It never stands in anybody's way: what cannot be judged is allowed, with a warning.
"""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from openelb.complaints import Complaints
from openelb.kube import review
from openelb.kube.review import NoReview, Review
from openelb.plan.admission import Verdict
from openelb.process.metrics import ALLOWED, FAILED, REFUSED, UNREADABLE
from openelb.process.runtime import NoPort, cause

log = logging.getLogger(__name__)

Judge = Callable[[Review], Verdict]

PATHS = {
    "/validate-network-kubesphere-io-v1alpha2-eip": "Eip",
    "/validate-network-kubesphere-io-v1alpha2-eipreservation": "EipReservation",
    "/validate-network-kubesphere-io-v1alpha2-bgpconf": "BgpConf",
    "/validate-network-kubesphere-io-v1alpha2-bgppeer": "BgpPeer",
}
"""Where each of our kinds is judged. Upstream has the first."""

LARGEST = 4 << 20
"""Bytes of a question. It has an object twice, and etcd takes none above 1.5 MiB."""
MOST_HELD = 16 << 20
"""Bytes of all questions that are being read: a manager has 256 MiB."""
MOST_CONNECTIONS = 100
"""An API server needs one, and a few more at times."""
SECONDS = 2.0
"""For one question to arrive, and for a TLS handshake: the API server itself waits no longer (timeoutSeconds)."""
PAUSE = 0.1
"""Seconds, where no connection can be taken."""
IDLE_SECONDS = 30.0
"""A connection on which nothing is asked is closed."""


class Webhook:
    """Asks the judge, and counts how questions end."""

    def __init__(self, judge: Judge, counts: Counter[str], *, seconds: float = SECONDS) -> None:
        self._judge = judge
        self._counts = counts
        self._seconds = seconds
        self._held = 0
        self._complaints = Complaints()

    @asynccontextmanager
    async def serving(self, host: str, port: int, context: Callable[[], ssl.SSLContext]) -> AsyncIterator[int]:
        """Serve there, with the context that there is at the moment of each handshake; gives the port. An empty host is all of
        this machine's addresses. Raises NoPort.
        """
        try:
            listening = _listening(host, port)
        except OSError as error:
            raise NoPort(f"the webhook cannot be served on {host}:{port}: {error.strerror}") from error
        server = web.Server(
            self._answer,
            access_log=None,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=self._seconds,
            auto_decompress=False,  # nobody who asks packs
        )
        accepting = asyncio.create_task(_accept(listening, server, context, self._seconds))
        try:
            yield listening.getsockname()[1]
        finally:
            accepting.cancel()
            await asyncio.wait([accepting])
            listening.close()
            server.pre_shutdown()  # those on which nothing is asked end at once
            await server.shutdown(self._seconds)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        """Whatever happens, an answer: a library's page about an error would help nobody."""
        try:
            kind = _kind(request)
            asked = review.read(await self._body(request), kind)
        except (_No, NoReview) as no:
            self._counts[UNREADABLE] += 1
            return web.Response(status=no.status if isinstance(no, _No) else 400, text=f"{no}\n")
        return web.Response(body=self._judged(asked), content_type="application/json")

    def _judged(self, asked: Review) -> bytes:
        if asked.unclear:
            self._counts[FAILED] += 1
            return review.answer(asked.uid, warnings=(f"OpenELB cannot read this object: {asked.unclear}",))
        try:
            verdict = self._judge(asked)
        except Exception as error:  # a bug of ours must not stand in anybody's way
            self._counts[FAILED] += 1
            if self._complaints.is_due(cause(error)):
                log.exception("a change was allowed that could not be judged: %s", asked.change)
            return review.answer(asked.uid, warnings=(f"OpenELB could not check this: {type(error).__name__}",))
        self._counts[REFUSED if verdict.refusal else ALLOWED] += 1
        return review.answer(asked.uid, refusal=verdict.refusal, warnings=verdict.warnings)

    async def _body(self, request: web.BaseRequest) -> bytes:
        """All of it, as long as it comes in time and there is room."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                async for piece in request.content.iter_any():
                    body += piece
                    self._held += len(piece)
                    if len(body) > LARGEST:
                        raise _No(413, f"the body has more than {LARGEST} bytes")
                    if self._held > MOST_HELD:
                        raise _No(503, "too much is being asked at once")
        except TimeoutError as error:
            raise _No(408, f"the body did not arrive within {self._seconds:g} seconds") from error
        except (web.RequestPayloadError, ConnectionError) as error:
            raise _No(400, "the body was cut short") from error
        finally:
            self._held -= len(body)
        return bytes(body)


def _kind(request: web.BaseRequest) -> str:
    kind = PATHS.get(request.path)
    if kind is None:
        raise _No(404, f"nothing is here; questions go to {', '.join(PATHS)}")
    if request.method != "POST":
        raise _No(405, "questions are sent by POST")
    if request.content_type != "application/json":
        raise _No(415, "questions are application/json")
    return kind


class _No(Exception):
    """What was sent is no question; the text says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def _listening(host: str, port: int) -> socket.socket:
    if host:
        made = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    elif socket.has_dualstack_ipv6():
        made = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    else:
        made = socket.create_server(("", port))
    made.setblocking(False)
    return made


async def _accept(
    listening: socket.socket, server: web.Server, context: Callable[[], ssl.SSLContext], seconds: float
) -> None:
    """Take connections until cancelled. Not asyncio's own server: one that has not greeted yet counts as well."""
    loop = asyncio.get_running_loop()
    greeting: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:  # gone already, or we have too many files open
                await asyncio.sleep(PAUSE)
                continue
            if len(greeting) + len(server.connections) >= MOST_CONNECTIONS:
                connection.close()
                continue
            task = asyncio.create_task(_greet(connection, server, context(), seconds))
            greeting.add(task)
            task.add_done_callback(greeting.discard)
    finally:
        for task in greeting:
            task.cancel()


async def _greet(connection: socket.socket, server: web.Server, context: ssl.SSLContext, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):  # who speaks no TLS, or does not trust us, is let go
        await loop.connect_accepted_socket(server, connection, ssl=context, ssl_handshake_timeout=seconds)
