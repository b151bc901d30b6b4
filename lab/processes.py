"""Processes of the machine, found by where they run and ended for certain. No names are matched, no pid files kept."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lab.wait import require, until


def in_namespaces(namespaces: Iterable[Path]) -> frozenset[int]:
    """The process ids of everything that runs in these network namespaces, but for the calling process."""
    wanted = {(found.st_dev, found.st_ino) for found in map(os.stat, namespaces)}
    return frozenset(pid for pid in _all() if pid != os.getpid() and _namespace(pid) in wanted)


def executable(pid: int) -> str | None:
    """The path of the program that a process runs; None when the process is gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def ids(pid: int) -> tuple[int, ...]:
    """The ids of a process in each PID namespace it is in, the machine's first; empty when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ()
    (line,) = (line for line in status.splitlines() if line.startswith("NSpid:"))
    return tuple(map(int, line.split()[1:]))


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each of the processes that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end(pids: Callable[[], frozenset[int]], what: str) -> None:
    """SIGKILL what `pids()` finds until it finds nothing and all that was found is gone. Raises `WaitError` after 20 s."""
    ending = set[int]()

    def gone() -> None:
        found = pids()
        send(found, signal.SIGKILL)
        ending.update(found)
        left = {pid for pid in ending if _holds_something(pid)}
        require(not found and not left, f"processes {sorted(left)} are still there")

    until(gone, what=f"the end of {what}", timeout=20, every=0.01)


def _holds_something(pid: int) -> bool:
    """Whether a process still has sockets and files: all but a zombie has, and a zombie whose threads are not all gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "State:\tZ" not in status or "Threads:\t1\n" not in status


def unwind_when_told() -> None:
    """Make SIGTERM and SIGHUP end this process as Ctrl-C does: by an exception, so that what was put up is taken down."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Keep Ctrl-C and SIGTERM waiting while something is taken down; they are seen after the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _all() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def _namespace(pid: int) -> tuple[int, int] | None:
    """None for a process that is gone or a zombie: it is in no namespace."""
    try:
        found = os.stat(f"/proc/{pid}/ns/net")
    except OSError:
        return None
    return found.st_dev, found.st_ino
