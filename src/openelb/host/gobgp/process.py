"""gobgpd kept running, by whoever is asked to: a speaker outside pods (`--spawn`), or the container beside it.

gobgpd outlives whoever started it: its routes do not depend on us, and who comes back goes on with the one that is there. So it
writes to a file, since a pipe whose reader is gone would end it, and it is known by who listens at its socket. It is ended by
SIGKILL alone: on SIGTERM it tells its routers that it leaves, and they would keep no route through a restart (RFC 4724).
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from openelb.complaints import Complaints
from openelb.host.gobgp.owner import owner

log = logging.getLogger(__name__)

PROGRAM = "gobgpd"
COLLECT_AT = "25"
"""GOGC: garbage is collected when the heap has grown by so many per cent. It halves gobgpd's memory and costs little."""

MEMORY = "80MiB"
"""GOMEMLIMIT: above, gobgpd collects garbage all the more. It needs half of it for 10,000 routes."""

STOPPED = "shutting down"
"""What gobgpd says when BGP was stopped in it. It then does nothing any more, but does not end by itself."""

LISTEN = 0.1
"""Seconds between two looks at what it has written."""

LONGEST_LOG = 1 << 20
SHORT_LIFE = 5.0
"""Seconds. A gobgpd that ends sooner is started again after a while, the longer the more often it happens."""


class Gobgpd:
    """One gobgpd at this socket, in a directory of ours."""

    def __init__(self, socket: Path, *, program: str = PROGRAM, memory: str = MEMORY) -> None:
        self._socket = socket
        self._program = program
        self._memory = memory
        self._log = socket.with_suffix(".log")
        self._child: subprocess.Popen[bytes] | None = None
        self._complaints = Complaints()
        self.leaving = False

    async def run(self) -> None:
        """Keep it running until cancelled; it goes on then. When `leaving`, returns as soon as it has ended."""
        short = 0
        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            since = time.monotonic()
            try:
                pid = owner(str(self._socket)) or self._start()
            except OSError as error:
                self._complain(error)
            else:
                await self._until_it_ends(pid)
                if self.leaving:
                    return
                log.warning("gobgpd has ended: starting it again")
            short = short + 1 if time.monotonic() - since < SHORT_LIFE else 0
            await asyncio.sleep(min(0.02 * 3**short, SHORT_LIFE) if short else 0)

    def kill(self) -> None:
        """End it without a word to its routers. Returns when it has ended, if we have started it."""
        pid = owner(str(self._socket))
        if self._child and self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        elif pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _complain(self, error: OSError) -> None:
        missing = isinstance(error, FileNotFoundError)
        why = "it is not there: install GoBGP 4" if missing else str(error)
        if self._complaints.begins(why):
            log.warning("the program %s cannot be started: %s; trying again", self._program, why)

    def _start(self) -> int:
        """Start another one. Nobody listens at the socket: one that was left would keep it deaf."""
        self._socket.unlink(missing_ok=True)
        command = [self._program, "--api-hosts", f"unix://{self._socket}", "--pprof-disable", "--metrics-path", ""]
        environment = {**os.environ, "GOGC": COLLECT_AT, "GOMEMLIMIT": self._memory}
        with open(self._log, "ab") as out:
            self._child = subprocess.Popen(  # noqa: S603 - what we were asked to keep running
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                umask=0o177,  # its socket is for our user alone
                start_new_session=True,  # what ends us by a signal to our session does not end it
            )
        if self._complaints.ends():
            log.info("gobgpd is started again")
        return self._child.pid

    async def _until_it_ends(self, pid: int) -> None:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(handle, ended.set)
        try:
            with _following(self._log) as written:
                while not ended.is_set():
                    for message in _news(written):
                        if message.get("msg") == STOPPED:
                            signal.pidfd_send_signal(handle, signal.SIGKILL)
                        self._pass_on(message)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(ended.wait(), LISTEN)
        finally:
            loop.remove_reader(handle)
            os.close(handle)
        if self._child and self._child.pid == pid:
            self._child.wait()

    def _pass_on(self, message: dict[str, object]) -> None:
        words = [str(message.get("msg", ""))]
        words += [f"{name.lower()} {message[name]}" for name in ("Key", "Reason", "Error", "Err") if name in message]
        told = ", ".join(words)
        if message.get("level") not in ("WARN", "ERROR"):
            log.debug("gobgpd: %s", told)
        elif self._complaints.is_due(f"{message.get('Key')} {message.get('msg')}"):  # a router may have many errors
            log.warning("gobgpd: %s", told)


@contextlib.contextmanager
def _following(log: Path) -> Iterator[BinaryIO]:
    """The file, from its end on."""
    with open(log, "ab+") as written:
        yield written


def _news(written: BinaryIO) -> Iterator[dict[str, object]]:
    """What gobgpd has said since the last look. A line that is not one of its own is what a program says that breaks down."""
    lines = written.read().split(b"\n")
    if written.tell() > LONGEST_LOG:
        written.truncate(0)
    for line in lines:
        if not line:
            continue
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        yield message if isinstance(message, dict) else {"level": "WARN", "msg": line.decode(errors="replace")}


ORDER = 3
"""Looks at whether gobgpd's keeper was told to end as well."""

WAITING = 0.2
"""Seconds between two looks whether gobgpd is wanted: one that has no BGP to speak would take 20 MB of each node."""

LONGEST_LEAVE = 310.0
"""Seconds for the speaker to end BGP, when both are told to end: more than spec.drain.waitSeconds may be. The kubelet ends it
sooner, after terminationGracePeriodSeconds."""


def wanted(socket: Path) -> Path:
    """The file that says that somebody wants a gobgpd at this socket."""
    return socket.with_suffix(".wanted")


def leaving(socket: Path) -> Path:
    """The file that says that who keeps gobgpd is told to end: with the speaker's pod, and not the speaker alone."""
    return socket.with_suffix(".leaving")


async def is_leaving(socket: Path) -> bool:
    """Whether who keeps gobgpd is told to end in the same moment as who asks. Both hear it from the kubelet, in any order."""
    for _ in range(ORDER):
        if leaving(socket).exists():
            return True
        await asyncio.sleep(WAITING)
    return False


async def keep(socket: Path, *, program: str = PROGRAM) -> None:
    """Keep a gobgpd running at this socket while it is wanted, until cancelled. It goes on then."""
    await _keep(Gobgpd(socket, program=program), socket)


async def keep_until_told(socket: Path, stop: asyncio.Event) -> None:
    """The same for who has nothing else to do: until told to stop. Then gobgpd ends, as soon as the speaker has ended BGP."""
    gobgpd = Gobgpd(socket)
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    leaving(socket).unlink(missing_ok=True)
    keeping = asyncio.ensure_future(_keep(gobgpd, socket))
    await stop.wait()
    if wanted(socket).exists():
        leaving(socket).touch()
        gobgpd.leaving = True
        await asyncio.wait([keeping], timeout=LONGEST_LEAVE)
        gobgpd.kill()
    keeping.cancel()
    await asyncio.wait([keeping])


async def _keep(gobgpd: Gobgpd, socket: Path) -> None:
    """Returns as soon as it has ended when it is `leaving`."""
    while True:
        while not wanted(socket).exists():  # noqa: ASYNC110 - a file is made by another process
            await asyncio.sleep(WAITING)
        keeping = asyncio.ensure_future(gobgpd.run())
        try:
            while wanted(socket).exists() and not keeping.done():
                await asyncio.wait([keeping], timeout=WAITING)
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])
        if not keeping.cancelled():
            keeping.result()
            return
        gobgpd.kill()
