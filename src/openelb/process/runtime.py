"""What both processes have in common: the loop, supervision, signals, logging, health and metrics."""

import asyncio
import contextlib
import logging
import math
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from openelb.complaints import Complaints
from openelb.kube.backoff import Backoff
from openelb.kube.errors import ApiError

log = logging.getLogger(__name__)

BACKOFF = Backoff()
STEADY_SECONDS = 10.0  # a part that ran so long has not failed in a row
PULSE_SECONDS = 0.25  # between two measurements of how late the event loop is
# A loop that has made no step for so long will not make one: the kubelet is to start us anew. Longer than the longest
# step that is none of its fault: waiting for a resync, or asking an API server that takes questions and says nothing.
LIVENESS_SECONDS = 60.0


class NoPort(Exception):
    """Nothing can be served where health and metrics are to be; the text says why."""


@dataclass(slots=True)
class Progress:
    """When the main loop last made a step (monotonic seconds; None while there is nothing to do yet), and whether it may
    serve. Who waits for the API server at the start is not stuck, and no restart would help. `others` says when the slowest
    of the threads beside the loop made its last step; `inf` while there is none.
    """

    clock: Callable[[], float] = time.monotonic
    at: float | None = None
    ready: bool = False
    others: Callable[[], float] = lambda: math.inf

    def step(self) -> None:
        self.at = self.clock()

    def rest(self) -> None:
        self.at = None

    def age(self) -> float:
        """Seconds since the last step of the loop; 0 while there is nothing to do."""
        return 0.0 if self.at is None else self.clock() - self.at

    def trouble(self) -> str:
        """What makes no progress, in words; empty while all do."""
        if self.age() > LIVENESS_SECONDS:
            return "the main loop makes no progress"
        if self.clock() - self.others() > LIVENESS_SECONDS:
            return "a thread that announces makes no progress"
        return ""


class Rests:
    """How long to rest after each look: one rest on the average, so that there are no more looks than that allows in the long run,
    and none after the first `spare` looks that follow a quiet while.
    """

    def __init__(self, seconds: float, spare: int) -> None:
        self._seconds = seconds
        self._spare = spare
        self._owed = 0.0  # rests
        self._at = -math.inf

    def after(self, now: float) -> float:
        """Seconds to rest after a look that ended just now."""
        rested = (now - self._at) / self._seconds if self._seconds else math.inf
        self._at, self._owed = now, max(0.0, self._owed - rested) + 1
        return max(0.0, self._owed - self._spare) * self._seconds


async def look_again(
    look: Callable[[], Awaitable[float | None]],
    changed: Callable[[], Awaitable[None]],
    progress: Progress,
    *,
    rest: float,
    resync: float,
    spare: int = 0,
    backoff: Backoff = BACKOFF,
) -> None:
    """Look at once, and again whenever something `changed`, when the last look asked for it (a time in seconds from
    then; 0 is at once), and at the latest after `resync` seconds. Changes within `rest` seconds after a look wait for one
    look together, but for so many looks to `spare` after a quiet while. A look that fails is logged once for its cause and
    repeated, ever more slowly. Runs until cancelled.
    """
    failures, complaints, rests = 0, Complaints(), Rests(rest, spare)
    while True:
        progress.step()
        try:
            wait = await look()
            if complaints.ends():
                log.info("working again after %d failed tries", failures)
            failures = 0
        except Exception as error:  # the world's failures end here, and a bug of ours must not end the process's duties
            failures += 1
            if complaints.begins(cause(error)):
                _complain("trying again", error)
            await asyncio.sleep(backoff.after(error, failures))
            continue
        finally:
            progress.step()
        if wait == 0:
            continue
        await asyncio.sleep(rests.after(progress.clock()))
        # Not wait_for: in Python 3.11 it loses a cancellation that comes in the moment of a change.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(resync if wait is None else min(resync, wait)):
                await changed()


def _complain(consequence: str, error: Exception) -> None:
    """One line where the error is a sentence for people; a bug of ours has its traceback."""
    first = _first(error)
    expected = type(first).__module__.startswith("openelb.")
    text = str(first) if expected else f"{type(first).__name__}: {first}"
    log.warning("%s: %s", consequence, text, exc_info=None if expected else error)


def cause(error: Exception) -> str:
    """What went wrong, without what differs from one try to the next: of an error that nobody expected, its place."""
    first = _first(error)
    if isinstance(first, ApiError):
        return first.cause
    number = f" {first.errno}" if isinstance(first, OSError) else ""
    places = [f" at {place.filename}:{place.lineno}" for place in traceback.extract_tb(first.__traceback__)[-1:]]
    return f"{type(first).__name__}{number}{''.join(places)}"


def _first(error: Exception) -> Exception:
    """The error that a task group wraps, the first of several: a group says nothing itself."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


async def until(
    stop: asyncio.Event, parts: Mapping[str, Callable[[], Awaitable[None]]], *, backoff: Backoff = BACKOFF
) -> None:
    """Keep all parts of a process running until told to stop; none of them takes another with it when it fails."""
    tasks = [asyncio.create_task(_supervise(name, run, backoff), name=name) for name, run in parts.items()]
    try:
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _supervise(name: str, run: Callable[[], Awaitable[None]], backoff: Backoff) -> None:
    failures, complaints = 0, Complaints()
    while True:
        started = time.monotonic()
        try:
            await run()
            return
        except Exception as error:
            if time.monotonic() - started > STEADY_SECONDS:
                failures = 0
                complaints.ends()
            failures += 1
            if complaints.begins(cause(error)):
                _complain(f"{name} failed and is started again", error)
        await asyncio.sleep(backoff.wait(failures))


async def heartbeat(beat: Callable[[float], None], *, clock: Callable[[], float] = time.monotonic) -> None:
    """Tell `beat` four times a second how many seconds late the event loop is, until cancelled."""
    while True:
        due = clock() + PULSE_SECONDS
        await asyncio.sleep(PULSE_SECONDS)
        beat(max(0.0, clock() - due))


@contextlib.asynccontextmanager
async def health(address: str, progress: Progress, registry: CollectorRegistry) -> AsyncIterator[None]:
    """Serve /healthz, /readyz and /metrics on `host:port`; an empty address serves nothing. Raises NoPort."""
    if not address:
        yield
        return
    host, _, port = address.rpartition(":")
    runner = web.AppRunner(_pages(progress, registry), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()
        except OSError as error:
            raise NoPort(f"health and metrics cannot be served on {address}: {error.strerror}") from error
        yield
    finally:
        await runner.cleanup()


def _pages(progress: Progress, registry: CollectorRegistry) -> web.Application:
    async def alive(_: web.Request) -> web.Response:
        trouble = progress.trouble()
        return _verdict(not trouble, trouble)

    async def ready(_: web.Request) -> web.Response:
        return _verdict(progress.ready, "not everything has been read from the cluster yet")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.add_routes([web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", metrics)])
    return app


def _verdict(good: bool, otherwise: str) -> web.Response:
    return web.Response(text="ok\n") if good else web.Response(status=503, text=otherwise + "\n")
