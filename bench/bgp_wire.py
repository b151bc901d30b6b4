"""When prefixes were told to a router, and told no more: the UPDATEs on its link, with the kernel's times of their frames."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from bench.bgp_stage import ROUTER
from lab.asking import again_and_again
from lab.network import Host

_ALL, _TIMES = 3, 35
"""ETH_P_ALL (packet(7)); SO_TIMESTAMPNS_OLD (socket(7))."""
_TIME = struct.Struct("ll")
_MARKER, _UPDATE, _HEADER = b"\xff" * 16, 2, 19
_LONG, _MP_REACH, _MP_UNREACH, _IPV4 = 0x10, 14, 15, b"\0\1\1"
_BGP = 179


@dataclass(frozen=True, slots=True)
class Told:
    """A prefix of a single IPv4 address that its sender told of, or withdrew; by the kernel's clock of the day."""

    at: float
    sender: str
    address: str
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A segment of a session, unless it is a lone KEEPALIVE; its size in octets."""

    at: float
    sender: str
    receiver: str
    size: int


@dataclass(frozen=True, slots=True)
class Wire:
    """All that was told and sent so far."""

    told: list[Told] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)

    def first(self, address: str, after: float, *, withdrawn: bool = False) -> float:
        """When an address was told, or withdrawn, for the first time after a moment, by any node. Raises LookupError."""
        nodes = (each for each in self.told if each.sender != ROUTER)
        times = (each.at for each in nodes if (each.address, each.withdrawn) == (address, withdrawn))
        found = min((at for at in times if at >= after), default=None)
        if found is None:
            raise LookupError(f"no UPDATE was seen {'without' if withdrawn else 'with'} {address}")
        return found


@contextlib.contextmanager
def listening(router: Host, interface: str = "eth0") -> Iterator[Wire]:
    """Listen on a router's link while the block runs."""
    wire = Wire()
    with router.inside():
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 25)
    link.setsockopt(socket.SOL_SOCKET, _TIMES, 1)
    link.bind((interface, _ALL))
    link.settimeout(0.2)

    def step() -> None:
        with contextlib.suppress(TimeoutError):
            frame, extras, _, _ = link.recvmsg(1 << 16, 128)
            seconds, nanoseconds = _TIME.unpack(extras[0][2][: _TIME.size])
            at = seconds + nanoseconds / 1e9
            wire.told.extend(read(frame, at))
            if (found := _segment(frame)) and len(found[2]) > _HEADER:
                wire.sent.append(Sent(at, found[0], found[1], len(found[2])))

    with link, again_and_again(step):
        yield wire


def read(frame: bytes, at: float) -> Iterator[Told]:
    """What a frame tells. An UPDATE that is spread over several frames is not read: a single prefix has room in one."""
    found = _segment(frame)
    if found is None:
        return
    sender, _, content = found
    while content[:16] == _MARKER and len(content) >= _HEADER:
        length, kind = int.from_bytes(content[16:18]), content[18]
        if kind == _UPDATE and len(content) >= length:
            yield from _update(content[_HEADER:length], sender, at)
        content = content[length:]


def _segment(frame: bytes) -> tuple[str, str, bytes] | None:
    """Whose it is, to whom, and what is in it."""
    if frame[12:14] != b"\x08\x00" or len(frame) < 54 or frame[23] != socket.IPPROTO_TCP:
        return None
    packet = frame[14 : 14 + int.from_bytes(frame[16:18])]
    segment = packet[(packet[0] & 15) * 4 :]
    if _BGP not in struct.unpack_from("!HH", segment):
        return None
    content = segment[(segment[12] >> 4) * 4 :]
    return str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20])), content


def _update(content: bytes, sender: str, at: float) -> Iterator[Told]:
    """RFC 4271, section 4.3; and RFC 4760, sections 3 and 4, since some routers agree to that for IPv4 too."""
    withdrawn = int.from_bytes(content[:2])
    end = 4 + withdrawn + int.from_bytes(content[2 + withdrawn : 4 + withdrawn])
    gone, there = [content[2 : 2 + withdrawn]], [content[end:]]
    attributes = content[4 + withdrawn : end]
    while attributes:
        head = 4 if attributes[0] & _LONG else 3
        size = int.from_bytes(attributes[2:head])
        value, kind = attributes[head : head + size], attributes[1]
        if kind == _MP_REACH and value[:3] == _IPV4:
            there.append(value[5 + value[3] :])
        if kind == _MP_UNREACH and value[:3] == _IPV4:
            gone.append(value[3:])
        attributes = attributes[head + size :]
    for parts, is_gone in ((gone, True), (there, False)):
        for part in parts:
            for address in _addresses(part):
                yield Told(at, sender, address, is_gone)


def _addresses(content: bytes) -> Iterator[str]:
    """Those of single ones. Before each prefix there may be a number of its path (RFC 7911), which is small; and nobody here tells
    of a default route, whose length would begin like it.
    """
    while content:
        if content[:3] == bytes(3):
            content = content[4:]
        size = (content[0] + 7) // 8
        if content[0] == 32:
            yield str(IPv4Address(content[1:5]))
        content = content[1 + size :]
