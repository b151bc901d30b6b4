"""The kernel's words about interfaces, their addresses and the gateways of default routes: questions out, values in. No socket.

Only what layer 2 needs of three kinds of message. Sources: netlink(7), rtnetlink(7), linux/rtnetlink.h, linux/if_link.h,
linux/if_addr.h. All numbers are in the machine's byte order.
"""

import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface

_MESSAGE = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, sender
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg: family, hardware, index, flags, change
_ADDRESS = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
_ROUTE = struct.Struct(
    "=BBBBBBBBI"
)  # struct rtmsg: family, lengths of destination and source, …, table, …, type, flags
_HOP = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, weight, index
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr: length, type


class _Type(IntEnum):
    """Types of messages."""

    ERROR = 2
    DONE = 3
    NEW_LINK = 16
    GET_LINK = 18
    NEW_ADDRESS = 20
    GET_ADDRESS = 22
    NEW_ROUTE = 24
    DELETED_ROUTE = 25
    GET_ROUTE = 26


_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_INTERRUPTED = 0x10  # NLM_F_DUMP_INTR

_MAC, _NAME, _LINK_INFO = 1, 3, 18  # IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINKINFO
_KIND, _PORT_KIND = 1, 4  # IFLA_INFO_KIND, IFLA_INFO_SLAVE_KIND
_PEER_ADDRESS, _OWN_ADDRESS, _ADDRESS_FLAGS = 1, 2, 8  # IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS
_OUT_BY, _GATEWAY, _HOPS = 4, 5, 9  # RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH
_ATTRIBUTE_TYPE = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

_ETHERNET = 1  # ARPHRD_ETHER
_UP, _LOOPBACK, _CARRIER = 0x1, 0x8, 0x10000  # IFF_UP, IFF_LOOPBACK, IFF_LOWER_UP
_FAMILIES: Mapping[int, int] = {4: 2, 6: 10}  # AF_INET, AF_INET6
_INTERNET = frozenset(bytes([family]) for family in _FAMILIES.values())
_MAIN_TABLE, _UNICAST = bytes([254]), bytes([1])  # RT_TABLE_MAIN, RTN_UNICAST
# IFA_F_TEMPORARY, IFA_F_DADFAILED, IFA_F_TENTATIVE. For IPv4 the first one's bit says "second of its network", no harm.
_UNSTEADY = {4: 0, 6: 0x01 | 0x08 | 0x40}


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface, whatever its state.

    `running` is up and with a carrier, and no loopback. `kind` is empty for hardware, else for example `veth` or `bond`.
    `port_of` is the kind of what it is a port of, for example `bridge`, or empty.
    """

    index: int
    name: str
    mac: bytes = b""
    ethernet: bool = True
    running: bool = True
    kind: str = ""
    port_of: str = ""


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address of an interface. `steady` ones are there to stay: neither temporary nor still being probed."""

    index: int
    address: IPv4Interface | IPv6Interface
    steady: bool = True


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway of a default route by an interface. A route may have several."""

    index: int
    address: IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Part:
    """One datagram of an answer. After the `last` there are no more; `interrupted` says that the kernel's list changed
    while it was read; `error` is an errno, or 0."""

    interfaces: tuple[Interface, ...] = ()
    addresses: tuple[InterfaceAddress, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    last: bool = False
    interrupted: bool = False
    error: int = 0


def interfaces_question() -> bytes:
    """Ask for all interfaces."""
    return _question(_Type.GET_LINK, _LINK.pack(0, 0, 0, 0, 0))


def addresses_question() -> bytes:
    """Ask for the addresses of all interfaces, of both families."""
    return _question(_Type.GET_ADDRESS, _ADDRESS.pack(0, 0, 0, 0, 0))


def routes_question(version: int) -> bytes:
    """Ask for all routes of IPv4 or IPv6."""
    return _question(_Type.GET_ROUTE, _ROUTE.pack(_FAMILIES[version], 0, 0, 0, 0, 0, 0, 0, 0))


def may_change_gateways(datagram: bytes) -> bool:
    """Whether what the kernel says of its own accord may change the gateways: it is about an interface or its addresses, with
    which routes come and go untold, or about a default route. Of other routes there may be thousands.
    """
    return any(
        type_ not in (_Type.NEW_ROUTE, _Type.DELETED_ROUTE) or _is_default(body)
        for type_, _, body in _messages(datagram)
    )


def read(datagram: bytes) -> Part:
    """Read a datagram of the kernel's. Messages of other types are passed over."""
    messages = list(_messages(datagram))
    errors = (
        -int.from_bytes(body[:4], sys.byteorder, signed=True) for type_, _, body in messages if type_ == _Type.ERROR
    )
    return Part(
        interfaces=tuple(_interface(body) for type_, _, body in messages if type_ == _Type.NEW_LINK),
        addresses=tuple(_address(body) for type_, _, body in messages if type_ == _Type.NEW_ADDRESS),
        gateways=tuple(
            gateway
            for type_, _, body in messages
            if type_ == _Type.NEW_ROUTE and _is_default(body)
            for gateway in _gateways(body)
        ),
        last=any(type_ in (_Type.DONE, _Type.ERROR) for type_, _, _ in messages),
        interrupted=any(flags & _INTERRUPTED for _, flags, _ in messages),
        error=next(errors, 0),
    )


def _question(type_: _Type, body: bytes) -> bytes:
    return _MESSAGE.pack(_MESSAGE.size + len(body), type_, _REQUEST_DUMP, 0, 0) + body


def _messages(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and body of each message."""
    while len(datagram) >= _MESSAGE.size:
        length, type_, flags, _, _ = _MESSAGE.unpack_from(datagram)
        yield type_, flags, datagram[_MESSAGE.size : length]
        datagram = datagram[_aligned(length) :]


def _interface(body: bytes) -> Interface:
    _, hardware, index, flags, _ = _LINK.unpack_from(body)
    attributes = _attributes(body[_LINK.size :])
    info = _attributes(attributes.get(_LINK_INFO, b""))
    return Interface(
        index=index,
        name=_text(attributes[_NAME]),
        mac=attributes.get(_MAC, b""),
        ethernet=hardware == _ETHERNET,
        running=flags & (_UP | _LOOPBACK | _CARRIER) == _UP | _CARRIER,
        kind=_text(info.get(_KIND, b"")),
        port_of=_text(info.get(_PORT_KIND, b"")),
    )


def _address(body: bytes) -> InterfaceAddress:
    _, prefix_length, few_flags, _, index = _ADDRESS.unpack_from(body)
    attributes = _attributes(body[_ADDRESS.size :])
    flags = int.from_bytes(attributes.get(_ADDRESS_FLAGS, bytes([few_flags])), sys.byteorder)
    # On a point-to-point link, IFA_ADDRESS is the other end's.
    own = ip_address(attributes.get(_OWN_ADDRESS) or attributes[_PEER_ADDRESS])
    return InterfaceAddress(index, ip_interface((own, prefix_length)), steady=not flags & _UNSTEADY[own.version])


def _is_default(body: bytes) -> bool:
    """Whether it is a default route of the main table. Asked of every route, so it looks at nothing else."""
    return body[1:2] == b"\0" and body[4:5] == _MAIN_TABLE and body[7:8] == _UNICAST and body[:1] in _INTERNET


def _gateways(body: bytes) -> Iterator[Gateway]:
    """That of a route by one way, or those of one by several. One whose gateway is of the other family (RTA_VIA) has none here."""
    attributes = _attributes(body[_ROUTE.size :])
    if {_OUT_BY, _GATEWAY} <= attributes.keys():
        index = int.from_bytes(attributes[_OUT_BY], sys.byteorder)
        yield Gateway(index, ip_address(attributes[_GATEWAY]))
    hops = attributes.get(_HOPS, b"")
    while len(hops) >= _HOP.size:
        length, _, _, index = _HOP.unpack_from(hops)
        by = _attributes(hops[_HOP.size : length])
        if _GATEWAY in by:
            yield Gateway(index, ip_address(by[_GATEWAY]))
        hops = hops[_aligned(length) :]


def _attributes(octets: bytes) -> dict[int, bytes]:
    found = {}
    while len(octets) >= _ATTRIBUTE.size:
        length, type_ = _ATTRIBUTE.unpack_from(octets)
        found[type_ & _ATTRIBUTE_TYPE] = octets[_ATTRIBUTE.size : length]
        octets = octets[_aligned(length) :]
    return found


def _aligned(length: int) -> int:
    """Messages and attributes begin at multiples of 4. A length of 0, which the kernel never sends, would not advance."""
    return max(4, (length + 3) & ~3)


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode(errors="replace")
