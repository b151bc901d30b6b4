"""Talking to the kernel by rtnetlink: a question with its whole answer, and sockets that hear of changes.

What the octets mean is in `wire.rtnetlink`. Nothing here writes to the kernel or needs a capability.
"""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator

from openelb.wire.rtnetlink import Part, read

BUFFER = 1 << 16

_TIMEOUT = 5.0
_ATTEMPTS = 5
"""An answer that changes interrupted so often is taken as it is: each change is told, and leads to another look."""


def asked(question: bytes) -> list[Part]:
    """The whole answer to a question, as it was at one moment if that can be had. Raises OSError when the kernel does not answer."""
    with contextlib.closing(_socket()) as kernel:
        kernel.settimeout(_TIMEOUT)
        for _ in range(_ATTEMPTS):
            kernel.send(question)
            parts = [read(kernel.recv(BUFFER))]
            while not parts[-1].last:
                parts.append(read(kernel.recv(BUFFER)))
            if error := parts[-1].error:
                raise OSError(error, f"rtnetlink: {os.strerror(error)}")
            if not any(part.interrupted for part in parts):
                break
        return parts


def listening(groups: int) -> socket.socket:
    """A socket that hears of changes of these groups (RTMGRP_…) and waits for nothing."""
    made = _socket()
    made.setblocking(False)
    made.bind((0, groups))
    return made


def waiting(news: socket.socket) -> Iterator[bytes]:
    """All that it has heard and nobody has read yet; empty octets for what it had no room for."""
    while True:
        word = b""
        try:
            with overflow_is_a_word():
                word = news.recv(BUFFER)
        except BlockingIOError:
            return
        yield word


@contextlib.contextmanager
def overflow_is_a_word() -> Iterator[None]:
    """When there were more changes than the socket holds, the kernel says so in an error, and goes on."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise


def _socket() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
