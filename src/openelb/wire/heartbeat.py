"""What speakers say to each other in UDP datagrams: that they live, what they hold, and whom they have lost.

Each datagram is authenticated (HMAC-SHA-256, cut to 16 octets: RFC 2104, section 5) under every key that its sender has, so
that one key can follow another without a moment in which two nodes share none. No clock is in it: a process is told by a
random number, its order of speaking by a counter, and that it hears us by the echo of ours. Whether a message is to be
believed is not known here.

    version 1 | kind 1 | number of seals 1 | seals, each: key id 4, tag 16 | content

The content begins with the sender: nonce 8, counter 8, node and pod as length and text. Numbers are big-endian.
"""

import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType

from openelb.model.addresses import Address
from openelb.model.layer2 import Profile

VERSION = 1
LONGEST = 1400
"""Octets of a datagram at most: with its headers it fits into one Ethernet frame, over a tunnel too."""

SHORTEST_KEY = 16
"""Octets. A shorter key is none: it could be guessed."""

LONGEST_NAME = 253
PIECE = 1000
"""Octets of what is told that go into one datagram."""

MOST_PIECES = 512

_TAG = 16
_PREFIX = struct.Struct("!BBB")
_SEAL = struct.Struct("!4s16s")
_NUMBERS = struct.Struct("!QQ")
_BEAT = struct.Struct("!BQQI")
_STATE = struct.Struct("!IHH")
_VERDICT = struct.Struct("!QB")
_LOST = MappingProxyType({Profile.DEFAULT: 1, Profile.FAST: 2})  # the bits of the last octet of a verdict
_COUNT = struct.Struct("!I")
_SHORTEST = _PREFIX.size + _SEAL.size + _NUMBERS.size + 2


class Refusal(StrEnum):
    """Why a datagram is not heeded. The words are labels of a metric."""

    SHORT = "short"
    VERSION = "version"
    UNKNOWN_KEY = "unknown-key"
    FORGED = "forged"
    UNREADABLE = "unreadable"
    UNKNOWN_SENDER = "unknown-sender"
    FLOOD = "flood"
    REPLAYED = "replayed"


class Flag(IntFlag):
    """What a beat says of its sender, and asks of its receiver."""

    CANDIDATE = 1
    """It has read the cluster and can answer for addresses."""

    LEAVING = 2
    """It goes, for good: others begin now."""

    ANSWER = 4
    """Say at once that you live."""

    TELL = 8
    """Tell me what you hold."""

    LOST = 16
    """You were lost to me, and have not told me since what you hold: others may have what was yours."""

    CALL = 32
    """This is for everybody on the link, so it says nothing of who is lost to the sender."""


_FLAGS = sum(Flag)
_NO_FLAGS = Flag(0)


class _Kind(IntEnum):
    BEAT = 1
    STATE = 2
    VERDICT = 3


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks: the node, its pod's uid, a number that this process alone has, and how often it has spoken."""

    node: str
    pod: str
    nonce: int
    counter: int


@dataclass(frozen=True, slots=True)
class Beat:
    """I live. `echo` is the nonce and counter of the last that was heard of the receiver, and `version` the one of the state
    that the sender would tell.
    """

    sender: Sender
    flags: Flag = _NO_FLAGS
    echo: tuple[int, int] = (0, 0)
    version: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """One piece of what the sender holds and of its links, as `told` makes it."""

    sender: Sender
    version: int
    index: int
    total: int
    piece: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """The process of that nonce on the node `subject` is lost to the sender by these profiles; by none: it is not any more."""

    sender: Sender
    subject: str
    nonce: int
    lost: frozenset[Profile]


Message = Beat | State | Verdict


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that all speakers share, and what it is called on the wire (4 octets)."""

    name: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> "Key":
        """Raises ValueError when the secret is too short."""
        if len(secret) < SHORTEST_KEY:
            raise ValueError(f"a heartbeat key of {len(secret)} octets is too short: {SHORTEST_KEY} is the least")
        return cls(sha256(b"openelb heartbeat key\0" + secret).digest()[:4], secret)


def seal(message: Message, keys: Sequence[Key]) -> bytes:
    """The message as a datagram, under each of the keys (one or two)."""
    kind, content = _content(message)
    head = _PREFIX.pack(VERSION, kind, len(keys))
    seals = b"".join(_SEAL.pack(key.name, _tag(key, kind, content)) for key in keys)
    return head + seals + content


def unseal(datagram: bytes, keys: Sequence[Key]) -> Message | Refusal:
    """Read a datagram, or say why it is not heeded. Never raises, whatever the octets."""
    if not _SHORTEST <= len(datagram) <= LONGEST:
        return Refusal.SHORT if len(datagram) < _SHORTEST else Refusal.UNREADABLE
    version, kind, count = _PREFIX.unpack_from(datagram)
    if version != VERSION:
        return Refusal.VERSION
    start = _PREFIX.size + count * _SEAL.size
    if not 1 <= count <= 2 or start > len(datagram):
        return Refusal.UNREADABLE
    content = datagram[start:]
    refusal = Refusal.UNKNOWN_KEY
    for index in range(count):
        name, tag = _SEAL.unpack_from(datagram, _PREFIX.size + index * _SEAL.size)
        for key in keys:
            if key.name == name:
                if hmac.compare_digest(tag, _tag(key, kind, content)):
                    return _message(kind, content)
                refusal = Refusal.FORGED
    return refusal


def nonce_of(datagram: bytes) -> int:
    """The number that it says its sender has, whoever wrote it; 0 where there is none."""
    start = _PREFIX.size + datagram[2] * _SEAL.size if len(datagram) >= _SHORTEST else 0
    return _NUMBERS.unpack_from(datagram, start)[0] if start and len(datagram) >= start + _NUMBERS.size else 0


def told(holds: frozenset[Address], links: Sequence[str]) -> tuple[bytes, ...]:
    """What a node holds and which of its links work, in pieces for `State`. Raises ValueError when it is too much to tell."""
    names = b"".join(_text(link) for link in links)
    packed = b"".join(sorted(bytes([address.version]) + address.packed for address in holds))
    whole = _COUNT.pack(len(links)) + names + _COUNT.pack(len(holds)) + packed
    pieces = tuple(whole[start : start + PIECE] for start in range(0, len(whole), PIECE))
    if len(pieces) > MOST_PIECES:
        raise ValueError(f"{len(holds)} addresses are more than a node can tell others that it holds")
    return pieces


def understood(pieces: Sequence[bytes]) -> tuple[frozenset[Address], tuple[str, ...]] | None:
    """The reverse of `told`; None when it cannot be read."""
    reader = _Reader(b"".join(pieces))
    try:
        links = tuple(reader.text() for _ in range(reader.count()))
        holds = frozenset(reader.address() for _ in range(reader.count()))
    except (ValueError, struct.error):
        return None
    return (holds, links) if reader.at_end else None


def _tag(key: Key, kind: int, content: bytes) -> bytes:
    return hmac.digest(key.secret, bytes((VERSION, kind)) + content, "sha256")[:_TAG]


def _content(message: Message) -> tuple[_Kind, bytes]:
    sender = message.sender
    head = _NUMBERS.pack(sender.nonce, sender.counter) + _text(sender.node) + _text(sender.pod)
    if isinstance(message, Beat):
        return _Kind.BEAT, head + _BEAT.pack(message.flags, *message.echo, message.version)
    if isinstance(message, State):
        return _Kind.STATE, head + _STATE.pack(message.version, message.index, message.total) + message.piece
    return _Kind.VERDICT, head + _text(message.subject) + _VERDICT.pack(
        message.nonce, sum(bit for profile, bit in _LOST.items() if profile in message.lost)
    )


def _message(kind: int, content: bytes) -> Message | Refusal:
    reader = _Reader(content)
    try:
        nonce, counter = reader.numbers(_NUMBERS)
        sender = Sender(reader.text(), reader.text(), nonce, counter)
        message = _body(kind, sender, reader)
    except (ValueError, struct.error):
        return Refusal.UNREADABLE
    return message if reader.at_end else Refusal.UNREADABLE


def _body(kind: int, sender: Sender, reader: "_Reader") -> Message:
    if kind == _Kind.BEAT:
        flags, nonce, counter, version = reader.numbers(_BEAT)
        return Beat(sender, Flag(flags & _FLAGS), (nonce, counter), version)
    if kind == _Kind.STATE:
        version, index, total = reader.numbers(_STATE)
        if not index < total <= MOST_PIECES:
            raise ValueError
        return State(sender, version, index, total, reader.rest())
    if kind == _Kind.VERDICT:
        subject = reader.text()
        nonce, lost = reader.numbers(_VERDICT)
        return Verdict(sender, subject, nonce, frozenset(profile for profile, bit in _LOST.items() if lost & bit))
    raise ValueError


def _text(text: str) -> bytes:
    encoded = text.encode()[:LONGEST_NAME]
    return bytes([len(encoded)]) + encoded


class _Reader:
    """Octets, from the first to the last. Every method raises ValueError or struct.error where there are too few."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._octets)

    def numbers(self, layout: struct.Struct) -> tuple[int, ...]:
        found = layout.unpack_from(self._octets, self._at)
        self._at += layout.size
        return found

    def count(self) -> int:
        (count,) = self.numbers(_COUNT)
        if count > len(self._octets):
            raise ValueError
        return count

    def text(self) -> str:
        return self._take(self._take(1)[0]).decode()

    def address(self) -> Address:
        return IPv4Address(self._take(4)) if self._take(1) == b"\x04" else IPv6Address(self._take(16))

    def rest(self) -> bytes:
        return self._take(len(self._octets) - self._at)

    def _take(self, size: int) -> bytes:
        if self._at + size > len(self._octets):
            raise ValueError
        self._at += size
        return self._octets[self._at - size : self._at]
