"""A raw Ethernet socket for ARP on one link, with the kernel's filter. Needs the capability NET_RAW and no other.

Sources: packet(7), socket(7), linux/filter.h.
"""

import contextlib
import ctypes
import errno
import math
import os
import select
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address

from openelb.wire.arp import ETHERTYPE
from openelb.wire.bpf import Instruction, kernel_filter

# The socket module has no names for these.
_SO_ATTACH_FILTER = 26
_SOL_PACKET = 263
_PACKET_IGNORE_OUTGOING = 23
_ARPHRD_ETHER = 1

_FRAME_SIZE = 2048
"""Octets; more than any ARP frame has. What is beyond is cut off."""

_NO_ROOM = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM})
"""Errors that lose one frame and say nothing about the link: a queue is full."""


class ArpPort:
    """A place on a link, as `announce.layer2.Port` describes it. The socket comes and goes, the bell stays."""

    def __init__(self, link: str) -> None:
        """Raises PermissionError without NET_RAW; whether the link exists is found out by `open`."""
        self._link = link
        self._socket = _arp_socket()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._either = _either(self._bell, self._socket)

    def open(self) -> None:
        """Open the socket, in place of the one before. Raises OSError when the link is gone, down or no Ethernet."""
        self._socket.close()
        self._socket = _arp_socket()
        self._either = _either(self._bell, self._socket)
        self._socket.bind((self._link, ETHERTYPE))
        # A link that is down lets itself be bound and says so in a pending error.
        if pending := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(pending, os.strerror(pending))

    def mac(self) -> bytes:
        """The MAC of the link as it is now. Raises OSError when the link is gone or no Ethernet."""
        _, _, _, hardware, mac = self._socket.getsockname()
        if not hardware:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        if hardware != _ARPHRD_ETHER:
            raise OSError(errno.EPROTONOSUPPORT, "it is no Ethernet link, so there is no ARP")
        return bytes(mac)

    def admit(self, addresses: frozenset[IPv4Address]) -> None:
        """Let through what may be a question for one of these addresses. The kernel swaps filters without a gap."""
        _attach(self._socket, kernel_filter(addresses))

    def wait(self, timeout: float) -> None:
        """Return when a frame is there, the bell was rung or so many seconds have passed."""
        ready = self._either.poll(None if timeout == math.inf else max(timeout, 0) * 1000)
        if any(descriptor == self._bell for descriptor, _ in ready):
            os.eventfd_read(self._bell)

    def wake(self) -> None:
        """Ring the bell, from any thread."""
        os.eventfd_write(self._bell, 1)

    def receive(self) -> bytes | None:
        """The next frame that is there, or None. Raises OSError when the link is gone or down."""
        try:
            return self._socket.recv(_FRAME_SIZE)
        except BlockingIOError:
            return None

    def send(self, frame: bytes) -> bool:
        """Send a frame; False when there was no room for it. Raises OSError when the link is gone or down."""
        try:
            self._socket.send(frame)
        except OSError as error:
            if error.errno in _NO_ROOM:
                return False
            raise
        return True

    def close(self) -> None:
        """Give back the socket and the bell."""
        self._socket.close()
        os.close(self._bell)


def _either(bell: int, frames: socket.socket) -> select.poll:
    """Waits for what comes first."""
    poll = select.poll()
    poll.register(bell, select.POLLIN)
    poll.register(frames, select.POLLIN)
    return poll


def _arp_socket() -> socket.socket:
    """A packet socket that receives nothing yet: protocol 0 until it is bound, and a filter before the first frame."""
    try:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    except PermissionError as refused:
        raise PermissionError(errno.EPERM, "layer2 needs the capability NET_RAW for its packet sockets") from refused
    _attach(made, kernel_filter(()))
    # Since Linux 4.20: saves the kernel the copy of our own frames, which the filter drops anyway.
    with contextlib.suppress(OSError):
        made.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    return made


def _attach(to: socket.socket, program: Sequence[Instruction]) -> None:
    """SO_ATTACH_FILTER takes a `struct sock_fprog`: the count of instructions and a pointer to them."""
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    to.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(instructions)))
