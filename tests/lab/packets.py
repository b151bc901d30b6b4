"""Packets as a host sees them: those for an address, and what speakers of BGP say to each other on its link."""

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from lab.network import Host

BGP = 179
MD5 = 19
"""The option of TCP in which a signature is (RFC 2385)."""

_OUTGOING = 4  # packet(7): PACKET_OUTGOING
_UPDATE = 2
_COMMUNITIES = 8


@contextlib.contextmanager
def counted(host: Host, address: str) -> Iterator[list[bytes]]:
    """What the host sends or receives for the address while this lasts, frame by frame."""
    version, place = (0x86DD, slice(38, 54)) if ":" in address else (0x0800, slice(30, 34))
    with host.inside():
        ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        ears.bind(("eth0", 0x0003))
    frames: list[bytes] = []
    with ears:
        yield frames
        while select.select([ears], [], [], 0.2)[0]:
            frame = ears.recv(2048)
            if frame[12:14] == version.to_bytes(2) and frame[place] == ip_address(address).packed:
                frames.append(frame)


def refused(host: Host, address: str, kind: socket.SocketKind, port: int = 8080) -> float:
    """Seconds until the host is told that nobody listens there; more than a second is none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with host.inside():
        asking = socket.socket(family, kind)
    with asking:
        asking.settimeout(2)
        began = time.monotonic()
        try:
            asking.connect((address, port))
            asking.send(b"anybody?")
            asking.recv(1)
        except OSError:
            return time.monotonic() - began
    raise AssertionError("somebody answered")


@dataclass(frozen=True, slots=True)
class Segment:
    """Of TCP, over IPv4."""

    source: str
    at: float
    """Seconds since the epoch."""
    sequence: int
    options: frozenset[int]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Update:
    """What a speaker said of routes (RFC 4271, section 4.3), of whose prefixes only the octets are known."""

    at: float
    withdrawn: bytes
    communities: frozenset[str]
    announced: bytes


@contextlib.contextmanager
def segments(host: Host) -> Iterator[list[Segment]]:
    """Those of BGP that the host receives while this lasts."""
    with host.inside():
        ears = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        ears.bind(("eth0", 0x0800))
    found: list[Segment] = []
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            if select.select([ears], [], [], 0.1)[0]:
                packet, about = ears.recvfrom(65535)
                if about[2] != _OUTGOING and (segment := _segment(packet)):
                    found.append(segment)

    listening = threading.Thread(target=listen)
    listening.start()
    try:
        yield found
    finally:
        over.set()
        listening.join()
        ears.close()


def _segment(packet: bytes) -> Segment | None:
    """None for what is none of BGP."""
    begin, end = (packet[0] & 15) * 4, int.from_bytes(packet[2:4])
    if packet[9] != socket.IPPROTO_TCP or end < begin + 20:
        return None
    source, target, sequence, _, offset = struct.unpack_from("!HHIIB", packet, begin)
    if BGP not in (source, target):
        return None
    payload = begin + (offset >> 4) * 4
    return Segment(
        socket.inet_ntoa(packet[12:16]),
        time.time(),
        sequence,
        frozenset(_options(packet[begin + 20 : payload])),
        packet[payload:end],
    )


def _options(octets: bytes) -> Iterator[int]:
    while octets and octets[0]:
        yield octets[0]
        octets = octets[1:] if octets[0] == 1 else octets[max(octets[1], 2) :]


def updates(heard: list[Segment], source: str) -> list[Update]:
    """What a speaker said of routes, in the order of its words."""
    seen: dict[int, Segment] = {}
    for segment in heard:
        if segment.source == source and segment.payload:
            seen.setdefault(segment.sequence, segment)
    return [update for segment in seen.values() for update in _updates(segment)]


def _updates(segment: Segment) -> Iterator[Update]:
    """A message that is spread over segments is left out: those of these tests are short."""
    octets = segment.payload
    while len(octets) >= 19 and octets[:16] == b"\xff" * 16:
        length = int.from_bytes(octets[16:18])
        if octets[18] == _UPDATE:
            yield _update(segment.at, octets[19:length])
        octets = octets[length:]


def _update(at: float, octets: bytes) -> Update:
    end = 2 + int.from_bytes(octets[:2])
    last = end + 2 + int.from_bytes(octets[end : end + 2])
    return Update(at, octets[2:end], frozenset(_communities(octets[end + 2 : last])), octets[last:])


def _communities(attributes: bytes) -> Iterator[str]:
    """Of path attributes (section 4.3): flags, type, and a length of two octets where the flags say so."""
    while len(attributes) > 3:
        wide = 1 + bool(attributes[0] & 0x10)
        begin = 2 + wide
        end = begin + int.from_bytes(attributes[2:begin])
        if attributes[1] == _COMMUNITIES:
            for high, low in struct.iter_unpack("!HH", attributes[begin:end]):
                yield f"{high}:{low}"
        attributes = attributes[end:]
