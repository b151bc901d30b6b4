"""UDP sockets for heartbeats, of both families on one port, that also hear when a peer's kernel says that nobody listens there.

They need no capability. Sources: ip(7), ipv6(7) (IP_RECVERR), udp(7).
"""

import contextlib
import errno
import os
import select
import socket
import struct
from pathlib import Path

# The socket module has no names for these.
_IP_RECVERR = 11
_IPV6_RECVERR = 25
_IP_PKTINFO = 8
_IPV6_ADDR_PREFERENCES = 72
_PREFER_PUBLIC = 2
"""linux/in6.h: IPV6_PREFER_SRC_PUBLIC. Peers expect what they were told of, and temporary addresses (RFC 8981) nobody is told."""

_BY = struct.Struct("@i8x")  # ip(7): struct in_pktinfo; the kernel chooses the address
_BY_IPV6 = struct.Struct("@16sI")  # ipv6(7): struct in6_pktinfo

_ADDRESSES = Path("/proc/thread-self/net/if_inet6")
"""proc_net(5): an address, the number of its link, its prefix length, its scope and its flags, in hexadecimal, and the link."""
_GLOBAL = 0
_PASSING = 0x01 | 0x08 | 0x20 | 0x40
"""linux/if_addr.h: IFA_F_TEMPORARY, _DADFAILED, _DEPRECATED and _TENTATIVE."""

_ERROR = struct.Struct("@IBBBBII")  # linux/errqueue.h: struct sock_extended_err
_LONGEST = 2048
_CONTROL = 512
_INTERNETWORK_CONTROL = 0xC0
"""DSCP CS6 (RFC 4594, section 3.1): where a network tells classes apart, this is that of its own control."""

_BROKEN = frozenset({errno.EBADF, errno.ENOTSOCK})
"""Any other error loses one datagram and says nothing about the socket: a queue is full, a link is down, a firewall forbids it,
or a router, or who passes for one, said something of an earlier one.
"""


class DatagramPort:
    """As `announce.heartbeats.Port` describes it."""

    def __init__(self, port: int) -> None:
        self._number = port
        self._sockets: dict[int, socket.socket] = {}
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._any = select.poll()
        self._said: dict[int, int] = {}  # by descriptor, what poll said when it was waited last, until it is read

    def open(self) -> None:
        """Raises OSError when the port is taken. A host without IPv6 has IPv4 alone."""
        self._close_sockets()
        self._sockets[socket.AF_INET] = self._bound(socket.AF_INET, "")
        with contextlib.suppress(OSError):
            self._sockets[socket.AF_INET6] = self._bound(socket.AF_INET6, "::")
        self._any = select.poll()
        for each in (self._bell, *(one.fileno() for one in self._sockets.values())):
            self._any.register(each, select.POLLIN)

    def receive(self) -> tuple[bytes, str] | None:
        for each in self._ready(select.POLLIN):
            try:
                datagram, source = each.recvfrom(_LONGEST)
            except BlockingIOError:
                self._said[each.fileno()] &= ~select.POLLIN
                continue
            except OSError as error:
                if error.errno in _BROKEN:
                    raise
                continue
            return datagram, source[0]
        return None

    def refused(self) -> str | None:
        for each in self._ready(select.POLLERR):
            try:
                _, control, _, source = each.recvmsg(1, _CONTROL, socket.MSG_ERRQUEUE)
            except BlockingIOError:
                self._said[each.fileno()] &= ~select.POLLERR
                continue
            if any(_ERROR.unpack_from(data)[0] == errno.ECONNREFUSED for _, _, data in control):
                return str(source[0])
            return ""  # another trouble of one datagram: there may be more behind it
        return None

    def send(self, address: str, datagram: bytes) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if family not in self._sockets:
            return
        address, _, link = address.partition("%")
        for _ in range(2):  # the first attempt may only bring word of what went wrong with another datagram
            try:
                self._sockets[family].sendmsg([datagram], _by(family, link), 0, (address, self._number))
            except OSError as error:
                if error.errno in _BROKEN:
                    raise
            else:
                return

    def wait(self, timeout: float) -> None:
        self._said = dict(self._any.poll(timeout * 1000))
        if self._bell in self._said:
            os.eventfd_read(self._bell)

    def _ready(self, what: int) -> list[socket.socket]:
        """The sockets of which that was said: to try all of them each time would cost more than all else."""
        return [each for each in self._sockets.values() if self._said.get(each.fileno(), 0) & what]

    def wake(self) -> None:
        os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        self._close_sockets()
        os.close(self._bell)

    def _close_sockets(self) -> None:
        for each in self._sockets.values():
            each.close()
        self._sockets = {}

    def _bound(self, family: int, wildcard: str) -> socket.socket:
        made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _INTERNETWORK_CONTROL)
                made.setsockopt(socket.IPPROTO_IPV6, _IPV6_ADDR_PREFERENCES, _PREFER_PUBLIC)
            else:
                made.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
                made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _INTERNETWORK_CONTROL)
            made.bind((wildcard, self._number))
        except OSError as error:
            made.close()
            if error.errno == errno.EADDRINUSE:
                taken = f"UDP port {self._number} is in use by another program of this host: choose another one for all speakers"
                raise OSError(errno.EADDRINUSE, f"{taken} by OPENELB_HEARTBEAT_PORT") from error
            raise
        return made


def _by(family: int, link: str) -> list[tuple[int, int, bytes]]:
    """By which link to send to a group of it. From an address of the link alone, as the kernel would choose for a group of IPv6,
    peers expect nothing.
    """
    if not link:
        return []
    index = socket.if_nametoindex(link)
    if family == socket.AF_INET:
        return [(socket.IPPROTO_IP, _IP_PKTINFO, _BY.pack(index))]
    return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _BY_IPV6.pack(_lasting(index), index))]


def _lasting(index: int) -> bytes:
    """The first address of the link that peers may have been told of; where there is none, the kernel chooses."""
    for line in _ADDRESSES.read_text().splitlines():
        address, number, _, scope, flags, _ = line.split()
        if int(number, 16) == index and int(scope, 16) == _GLOBAL and not int(flags, 16) & _PASSING:
            return bytes.fromhex(address)
    return bytes(16)
