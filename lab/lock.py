"""One lock for each lab: two runs with one prefix wait for each other. The kernel frees a dead holder's lock."""

import contextlib
import fcntl
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from lab.wait import NotYetError, WaitError, until

DIRECTORY = Path("/run/lock")


class LockedError(Exception):
    """Another process holds the lab; the sentence says which one and what to do."""


def path(prefix: str) -> Path:
    """The lock's file: namespaces are one set for the whole machine, and so are the locks."""
    return DIRECTORY / f"openelb-lab-{prefix}.lock"


@contextlib.contextmanager
def hold(prefix: str, *, wait: float = 600.0, say: Callable[[str], None] = print) -> Iterator[None]:
    """Hold the lab's lock. Says whom it waits for, and raises `LockedError` when that took longer than `wait` seconds."""
    with open(path(prefix), "a+") as file:
        if not _taken(file):
            say(f"The lab {prefix!r} is held by {_holder(file)}: waiting up to {wait:g} s until it is free.")
            _wait_for(file, prefix, wait)
        file.truncate(0)
        file.write(f"process {os.getpid()} ({shlex.join(sys.orig_argv)}) since {time.strftime('%H:%M:%S')}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _wait_for(file: IO[str], prefix: str, wait: float) -> None:
    def look() -> None:
        if not _taken(file):
            raise NotYetError(_holder(file))

    try:
        until(look, what=f"the lock of the lab {prefix!r}", timeout=wait, every=0.2)
    except WaitError:
        raise LockedError(
            f"The lab {prefix!r} is held by {_holder(file)}. End that first, or use another lab with OPENELB_LAB=<name>."
        ) from None


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "a process that has not said who it is"
