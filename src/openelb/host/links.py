"""The network interfaces of this machine and their addresses, read from the kernel, and word that they changed.

Own rtnetlink on the standard library: three kinds of message are all we need. Nothing here writes to the kernel or needs a
capability. Sources: netlink(7), rtnetlink(7), linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h.
"""

import asyncio
import contextlib
import errno
import os
import socket
import struct
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface

from openelb.model.addresses import order
from openelb.model.cluster import Link

_NEW_LINK, _GET_LINK, _NEW_ADDRESS, _GET_ADDRESS = 16, 18, 20, 22
_ERROR, _DONE = 2, 3
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_INTERRUPTED = 0x10  # NLM_F_DUMP_INTR: the kernel's list changed while it was read

_MESSAGE = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, sender
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg: family, hardware, index, flags, change
_ADDRESS = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr: length, type

_MAC, _NAME, _LINK_INFO = 1, 3, 18  # IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINKINFO
_KIND, _SLAVE_KIND = 1, 4  # IFLA_INFO_KIND, IFLA_INFO_SLAVE_KIND
_PEER_ADDRESS, _OWN_ADDRESS, _ADDRESS_FLAGS = 1, 2, 8  # IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

_ETHERNET = 1  # ARPHRD_ETHER
_UP, _LOOPBACK, _CARRIER = 0x1, 0x8, 0x10000  # IFF_UP, IFF_LOOPBACK, IFF_LOWER_UP
_UNSTEADY = 0x01 | 0x08 | 0x40  # IFA_F_TEMPORARY, IFA_F_DADFAILED, IFA_F_TENTATIVE: gone again or not there yet

_PORTS = frozenset({"bridge", "bond", "team", "openvswitch"})
"""A port of one of these has no voice of its own: the bridge or bond answers."""

_NICS = frozenset({"", "bond", "team", "vlan"})
"""Kinds that are kept without an address: hardware (which has no kind) and what is put together from it.

A layer2 network may need no address of its own on the node. Anything else without one, above all the hundreds of veths
that lead into pods, is a part of the node's inside.
"""

_GROUPS = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
_SETTLE = 0.05
"""Seconds to wait after a change for the others that come with it: a link that comes up sends about ten."""

_BUFFER = 1 << 16
_TIMEOUT = 5.0
_ATTEMPTS = 5
"""An answer that was interrupted so often by changes is taken as it is: each change is told, and leads to another look."""


@dataclass(frozen=True, slots=True)
class _Interface:
    index: int
    name: str
    mac: bytes
    kind: str
    serves: bool
    """Whether a host on its link could be answered: Ethernet, up, with carrier, no loopback, no port of a bridge or bond."""


def links() -> tuple[Link, ...]:
    """The Ethernet interfaces that are up and have a carrier, with their global addresses, both in order.

    Left out are loopback, ports of bridges and bonds, and what has no global address unless it is a NIC.
    Raises OSError when the kernel does not answer.
    """
    addresses = _addresses()
    found = (
        Link(interface.name, tuple(sorted(addresses[interface.index], key=_order)))
        for interface in _interfaces()
        if interface.serves and (addresses[interface.index] or interface.kind in _NICS)
    )
    return tuple(sorted(found, key=lambda link: link.name))


def mac_of(name: str) -> bytes | None:
    """The MAC of an interface, whatever its state; None when there is no such interface."""
    return next((interface.mac for interface in _interfaces() if interface.name == name), None)


async def link_changes() -> AsyncIterator[None]:
    """Say "look again" once at the start, then after changes of interfaces or addresses; changes that come together are one."""
    with contextlib.closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)) as news:
        news.setblocking(False)
        news.bind((0, _GROUPS))
        while True:
            yield
            await _word(news)
            await asyncio.sleep(_SETTLE)
            _drain(news)


async def _word(news: socket.socket) -> None:
    """Return when the kernel has something to say, or has lost count of what it had (ENOBUFS)."""
    try:
        await asyncio.get_running_loop().sock_recv(news, _BUFFER)
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise


def _drain(news: socket.socket) -> None:
    while True:
        try:
            news.recv(_BUFFER)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise


def _order(address: IPv4Interface | IPv6Interface) -> tuple[tuple[int, int], int]:
    return order(address.ip), address.network.prefixlen


def _interfaces() -> list[_Interface]:
    return [_interface(body) for body in _dump(_GET_LINK, _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0), _NEW_LINK)]


def _interface(body: bytes) -> _Interface:
    _, hardware, index, flags, _ = _LINK.unpack_from(body)
    attributes = _attributes(body[_LINK.size :])
    info = _attributes(attributes.get(_LINK_INFO, b""))
    serves = hardware == _ETHERNET and flags & (_UP | _LOOPBACK | _CARRIER) == _UP | _CARRIER
    return _Interface(
        index=index,
        name=_text(attributes[_NAME]),
        mac=attributes.get(_MAC, b""),
        kind=_text(info.get(_KIND, b"")),
        serves=serves and _text(info.get(_SLAVE_KIND, b"")) not in _PORTS,
    )


def _addresses() -> dict[int, list[IPv4Interface | IPv6Interface]]:
    """The global addresses by the index of their interface."""
    found: dict[int, list[IPv4Interface | IPv6Interface]] = defaultdict(list)
    for body in _dump(_GET_ADDRESS, _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0), _NEW_ADDRESS):
        _, length, few_flags, _, index = _ADDRESS.unpack_from(body)
        attributes = _attributes(body[_ADDRESS.size :])
        flags = int.from_bytes(attributes.get(_ADDRESS_FLAGS, bytes([few_flags])), sys.byteorder)
        # On a point-to-point link, IFA_ADDRESS is the other end's.
        address = ip_address(attributes.get(_OWN_ADDRESS) or attributes[_PEER_ADDRESS])
        if not (address.is_link_local or flags & _UNSTEADY):
            found[index].append(ip_interface((address, length)))
    return found


def _dump(question: int, body: bytes, answer: int) -> list[bytes]:
    """Ask for all of a kind; the bodies of the kernel's answers, as they were at one moment if it can be had."""
    with contextlib.closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)) as kernel:
        kernel.settimeout(_TIMEOUT)
        for _ in range(_ATTEMPTS):
            kernel.send(_MESSAGE.pack(_MESSAGE.size + len(body), question, _REQUEST_DUMP, 0, 0) + body)
            bodies, interrupted = _answers(kernel, answer)
            if not interrupted:
                break
    return bodies


def _answers(kernel: socket.socket, answer: int) -> tuple[list[bytes], bool]:
    bodies: list[bytes] = []
    interrupted = False
    while True:
        for kind, flags, body in _messages(kernel.recv(_BUFFER)):
            interrupted |= bool(flags & _INTERRUPTED)
            if kind == answer:
                bodies.append(body)
            elif kind == _DONE:
                return bodies, interrupted
            elif kind == _ERROR:
                code = -int.from_bytes(body[:4], sys.byteorder, signed=True)
                raise OSError(code, f"rtnetlink: {os.strerror(code)}")


def _messages(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and body of each message."""
    while len(datagram) >= _MESSAGE.size:
        length, kind, flags, _, _ = _MESSAGE.unpack_from(datagram)
        yield kind, flags, datagram[_MESSAGE.size : length]
        datagram = datagram[_aligned(length) :]


def _attributes(octets: bytes) -> dict[int, bytes]:
    found = {}
    while len(octets) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(octets)
        found[kind & _TYPE_MASK] = octets[_ATTRIBUTE.size : length]
        octets = octets[_aligned(length) :]
    return found


def _aligned(length: int) -> int:
    """Messages and attributes begin at multiples of 4; a length of 0, which the kernel never sends, would not advance."""
    return max(4, (length + 3) & ~3)


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode(errors="replace")
