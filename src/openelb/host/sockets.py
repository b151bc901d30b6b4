"""Raw Ethernet sockets on one link, for ARP and for neighbour discovery, each with a filter of the kernel's. They need the
capability NET_RAW and no other.

Two sockets, since one for both would be a tap on all traffic of the link, its own included. That for IPv6 is there while
there are IPv6 addresses: others pay nothing for it. Sources: packet(7), socket(7), linux/filter.h.
"""

import contextlib
import ctypes
import errno
import math
import os
import select
import socket
import struct
from collections import deque
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from openelb.announce.delegation import Graces
from openelb.host.groups import Groups
from openelb.host.kernel import PINS, KernelAnswers, Refused
from openelb.model.addresses import Address
from openelb.wire import arp, ndp
from openelb.wire.bpf import Instruction, kernel_filter, kernel_filter_ipv6

# The socket module has no names for these.
_SO_ATTACH_FILTER = 26
_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_IGNORE_OUTGOING = 23
_PACKET_MR_ALLMULTI = 2
_ARPHRD_ETHER = 1

FRAME_SIZE = 2048
"""Octets; more than any question has. What is beyond is cut off."""

NO_ROOM = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM})
"""Errors that lose one frame and say nothing about the link: a queue is full."""


class LinkPort:
    """A place on a link, as `announce.port.Port` describes it. The sockets come and go, the bell stays."""

    def __init__(self, link: str, *, pins: Path = PINS) -> None:
        """`pins` is where answers of the kernel are kept beside the process. Raises PermissionError without NET_RAW; whether the link exists is found out by `open`."""
        self._link = link
        self._arp = packet_socket()
        self._ndp: socket.socket | None = None
        self._groups = Groups(link)
        self._kernel = KernelAnswers(link, pins=pins)
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._listen()

    def open(self) -> None:
        """Open them, in place of those before. Raises OSError when the link is gone, down or no Ethernet."""
        self._close_ipv6()
        self._arp.close()
        self._arp = packet_socket()
        self._listen()
        bind(self._arp, self._link, arp.ETHERTYPE)

    def mac(self) -> bytes:
        """The MAC of the link as it is now. Raises OSError when the link is gone or no Ethernet."""
        _, _, _, hardware, mac = self._arp.getsockname()
        if not hardware:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        if hardware != _ARPHRD_ETHER:
            raise OSError(errno.EPROTONOSUPPORT, "it is no Ethernet link, so there is no ARP")
        return bytes(mac)

    def forwards(self) -> bool:
        """Whether the host is a router of IPv6 on the link, as it is now; asked for where there are IPv6 addresses."""
        if self._ndp is None:
            return False
        try:
            return Path("/proc/sys/net/ipv6/conf", self._link, "forwarding").read_text().strip() != "0"
        except OSError:
            return False

    def admit(self, addresses: frozenset[Address], others: frozenset[Address]) -> None:
        """Let through what may be a question for one of these addresses or be said in its name, of IPv4 addresses also the latter
        of `others`. The kernel swaps filters without a gap.
        """
        six = [address for address in addresses if isinstance(address, IPv6Address)]
        four, named = ([one for one in each if isinstance(one, IPv4Address)] for each in (addresses, others))
        attach(self._arp, kernel_filter(four, named))
        if not six:
            self._close_ipv6()
            return
        if self._ndp is None:
            self._ndp = packet_socket()
            self._listen()
            bind(self._ndp, self._link, ndp.ETHERTYPE)
        if not self._groups.follow(frozenset(map(ndp.solicited_node_group, six))):
            # What reaches the link is let in, at least; a switch that snoops may pass nothing on.
            _let_in_all_groups(self._ndp)
        attach(self._ndp, kernel_filter_ipv6(six))

    def delegate(self, graces: Graces, valid_until: float) -> str:
        """Have the kernel answer for these IPv4 addresses. Raises OSError when the link is gone."""
        try:
            self._kernel.follow(graces, self.mac(), valid_until)
        except Refused as refused:
            return str(refused)
        return ""

    @property
    def delegated_answers(self) -> int:
        """How many questions the kernel has answered."""
        return self._kernel.count

    def wait(self, timeout: float) -> None:
        """Return when a frame is there, the bell was rung or so many seconds have passed."""
        ready = self._any.poll(None if timeout == math.inf else max(timeout, 0) * 1000)
        if any(descriptor == self._bell for descriptor, _ in ready):
            os.eventfd_read(self._bell)

    def wake(self) -> None:
        """Ring the bell, from any thread."""
        os.eventfd_write(self._bell, 1)

    def receive(self) -> bytes | None:
        """The next frame that is there, of each protocol in turn, or None. Raises OSError when the link is gone or down."""
        for _ in range(len(self._ears)):
            self._ears.rotate()
            with contextlib.suppress(BlockingIOError):
                return self._ears[0].recv(FRAME_SIZE)
        return None

    def send(self, frame: bytes) -> bool:
        """Send a frame; False when there was no room for it. Raises OSError when the link is gone or down."""
        voice = self._ndp if self._ndp and ndp.is_ipv6(frame) else self._arp
        try:
            voice.send(frame)
        except OSError as error:
            if error.errno in NO_ROOM:
                return False
            raise
        return True

    def close(self, *, kept: bool = False) -> None:
        """Give back the sockets and the bell; what the kernel answers goes on for its graces when it is `kept`."""
        if kept:
            self._kernel.close()
        else:
            self._kernel.forget()
        self._close_ipv6()
        self._arp.close()
        os.close(self._bell)

    def _close_ipv6(self) -> None:
        self._groups.close()
        if self._ndp is not None:
            self._ndp.close()
            self._ndp = None
            self._listen()

    def _listen(self) -> None:
        """Wait for the sockets that there are."""
        self._ears = deque(each for each in (self._arp, self._ndp) if each is not None)
        self._any = _any([self._bell, *(each.fileno() for each in self._ears)])


def _any(descriptors: Iterable[int]) -> select.poll:
    """Waits for what comes first."""
    poll = select.poll()
    for each in descriptors:
        poll.register(each, select.POLLIN)
    return poll


def packet_socket() -> socket.socket:
    """A packet socket that receives nothing yet: protocol 0 until it is bound, and a filter before the first frame."""
    try:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    except PermissionError as refused:
        raise PermissionError(errno.EPERM, "layer2 needs the capability NET_RAW for its packet sockets") from refused
    attach(made, kernel_filter(()))
    # Since Linux 4.20: saves the kernel the copy of our own frames, which the filter drops anyway.
    with contextlib.suppress(OSError):
        made.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    return made


def bind(packets: socket.socket, link: str, ethertype: int) -> None:
    packets.bind((link, ethertype))
    # A link that is down lets itself be bound and says so in a pending error.
    if pending := packets.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(pending, os.strerror(pending))


def _let_in_all_groups(packets: socket.socket) -> None:
    """PACKET_ADD_MEMBERSHIP takes a `struct packet_mreq`; it lasts as long as the socket."""
    index = socket.if_nametoindex(packets.getsockname()[0])
    packets.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, struct.pack("@iHH8x", index, _PACKET_MR_ALLMULTI, 0))


def attach(to: socket.socket, program: Sequence[Instruction]) -> None:
    """SO_ATTACH_FILTER takes a `struct sock_fprog`: the count of instructions and a pointer to them."""
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    to.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(instructions)))
