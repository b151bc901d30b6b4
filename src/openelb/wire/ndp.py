"""Neighbour discovery for IPv6 on Ethernet: solicitations and advertisements read, both built.

Frames are whole Ethernet frames without the frame check sequence, as a raw packet socket gives and takes them. Whether an
address is ours is not known here. Sources: RFC 4861 (the messages and what makes them valid), RFC 4862 (probes), RFC 4291
(solicited-node groups), RFC 2464 (IPv6 on Ethernet), RFC 7527 (nonces, which tell an own probe that comes back).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address
from typing import NamedTuple

from openelb.wire.arp import NO_MAC

ETHERTYPE = 0x86DD
_ETHERTYPE = ETHERTYPE.to_bytes(2, "big")
ICMPV6 = 58
HOP_LIMIT = 255
"""Of every message of neighbour discovery: no router passes one on without lowering it (RFC 4861, section 3.1)."""
SOLICITATION, ADVERTISEMENT = 135, 136

ALL_NODES = IPv6Address("ff02::1").packed
ALL_NODES_MAC = b"\x33\x33" + ALL_NODES[12:]
"""Frames to a group have the last four octets of its address in their MAC (RFC 2464, section 7)."""

_UNSPECIFIED = bytes(16)
_MULTICAST = 0xFF  # the first octet of a group's address (RFC 4291, section 2.7)
_GROUP_BIT = 0x01
_SOLICITED_NODE = IPv6Address("ff02::1:ff00:0").packed[:13]

# destination, source, ethertype; version, class and flow label; length of what follows, what follows, hop limit; addresses
_HEADERS = struct.Struct("!6s6sH IHBB16s16s")
_MESSAGE = struct.Struct("!BBHI16s")  # type, code, checksum, flags, target (RFC 4861, sections 4.3 and 4.4)
_VERSION_6 = 0x6000_0000

_ROUTER, _SOLICITED, _OVERRIDE = 0x8000_0000, 0x4000_0000, 0x2000_0000
_SOURCE_MAC, _TARGET_MAC, _NONCE = 1, 2, 14
_OPTION = struct.Struct(
    "!BB6s"
)  # type, length in units of 8 octets; a MAC (RFC 2464, section 6) or a nonce of that length
NONCE_SIZE = 6
"""Octets of the shortest nonce (RFC 3971, section 5.3.2)."""


class Silence(StrEnum):
    """Why a frame gets no answer. The words are labels of a metric."""

    # The frame itself is none that anybody answers.
    SHORT = "short"
    NOT_IPV6 = "not-ipv6"
    NOT_ICMPV6 = "not-icmpv6"
    NOT_A_SOLICITATION = "not-a-solicitation"
    FROM_AFAR = "from-afar"
    BAD_CHECKSUM = "bad-checksum"
    BAD_OPTIONS = "bad-options"
    BAD_PROBE = "bad-probe"
    NO_HOST = "sender-is-no-host"
    OF_ITSELF = "asks-for-itself"

    # It is a question, but not for us to answer.
    NOT_CLAIMED = "not-claimed"
    LAPSED = "lapsed"
    LEFT_TO_ANOTHER = "left-to-another"

    # Its sender says that it has an address of ours.
    RIVAL = "rival"


@dataclass(frozen=True, slots=True)
class Solicitation:
    """The question "who has `target`?". The sender has no address when it probes, before it takes `target` for its own."""

    sender_mac: bytes
    sender: IPv6Address
    target: IPv6Address


def is_ipv6(frame: bytes) -> bool:
    """Whether an Ethernet frame holds IPv6."""
    return frame[12:14] == _ETHERTYPE


@dataclass(frozen=True, slots=True)
class Assertion:
    """The word that `address` is at `mac`."""

    mac: bytes
    address: IPv6Address


@dataclass(frozen=True, slots=True)
class Probe:
    """Somebody is about to take `target` and asks whether anybody has it (RFC 4862, section 5.4). `nonce` may be empty."""

    sender_mac: bytes
    target: IPv6Address
    nonce: bytes


class _Message(NamedTuple):
    """A message of neighbour discovery whose checksum is right."""

    kind: int
    source_mac: bytes
    sender: bytes
    destination: bytes
    flags: int
    target: bytes
    options: Mapping[int, bytes]


def parse(frame: bytes) -> Solicitation | Silence:
    """Read a question out of a frame, or say why there is none to answer. Never raises, whatever the octets.

    What RFC 4861, section 7.1.1 has discarded is discarded. VLAN-tagged frames are not IPv6 here: an answer without the tag
    would reach another LAN. Nor are messages behind extension headers solicitations: nobody sends such, and a fragment may
    not be one (RFC 6980, section 5).
    """
    found = _message(frame)
    if isinstance(found, Silence):
        return found
    if found.kind != SOLICITATION:
        return Silence.NOT_A_SOLICITATION
    told_mac = found.options.get(_SOURCE_MAC, b"")
    if told_mac and len(told_mac) != 6:
        return Silence.BAD_OPTIONS
    if found.sender == _UNSPECIFIED and (told_mac or not found.destination.startswith(_SOLICITED_NODE)):
        return Silence.BAD_PROBE
    mac = told_mac or found.source_mac  # who asks one host alone need not say its own (RFC 4861, section 4.3)
    if not (_is_host(found.source_mac) and _is_host(mac)) or _MULTICAST in (found.sender[0], found.target[0]):
        return Silence.NO_HOST
    if found.sender == found.target:
        return Silence.OF_ITSELF
    return Solicitation(mac, IPv6Address(found.sender), IPv6Address(found.target))


def assertion(frame: bytes) -> Assertion | None:
    """What an advertisement says, or None. What RFC 4861, section 7.1.2 has discarded is discarded. Never raises."""
    found = _message(frame)
    if isinstance(found, Silence) or found.kind != ADVERTISEMENT or _MULTICAST in (found.sender[0], found.target[0]):
        return None
    if found.destination[0] == _MULTICAST and found.flags & _SOLICITED:
        return None
    mac = found.options.get(_TARGET_MAC) or found.source_mac
    return Assertion(mac, IPv6Address(found.target)) if len(mac) == 6 and _is_host(mac) else None


def read_probe(frame: bytes) -> Probe | None:
    """The probe in a frame, or None. Never raises."""
    asked = parse(frame)
    if isinstance(asked, Silence) or int(asked.sender) != 0:
        return None
    found = _message(frame)
    return None if isinstance(found, Silence) else Probe(asked.sender_mac, asked.target, found.options.get(_NONCE, b""))


def _message(frame: bytes) -> _Message | Silence:
    """What both kinds have in common."""
    if len(frame) < _HEADERS.size:
        return Silence.SHORT
    _, source_mac, ethertype, version, length, follows, hops, sender, destination = _HEADERS.unpack_from(frame)
    if ethertype != ETHERTYPE or version >> 28 != 6:
        return Silence.NOT_IPV6
    if follows != ICMPV6:
        return Silence.NOT_ICMPV6
    body = frame[_HEADERS.size : _HEADERS.size + length]  # what is beyond is padding
    if len(body) < length or length < _MESSAGE.size:
        return Silence.SHORT
    kind, code, _, flags, target = _MESSAGE.unpack_from(body)
    if kind not in (SOLICITATION, ADVERTISEMENT) or code:
        return Silence.NOT_A_SOLICITATION
    if hops != HOP_LIMIT:
        return Silence.FROM_AFAR
    if _checksum(sender, destination, body):
        return Silence.BAD_CHECKSUM
    options = _options(body[_MESSAGE.size :])
    if options is None:
        return Silence.BAD_OPTIONS
    return _Message(kind, source_mac, sender, destination, flags, target, options)


def reply(question: Solicitation, *, mac: bytes, router: bool) -> bytes:
    """The answer "the address you asked for is at `mac`": to the asker, or to all when it has no address of its own yet.

    RFC 4861, section 7.2.4: the flag *solicited* says that the asker is answered itself. `router` is to be true of a host
    that forwards (section 4.4). A nonce of the question (RFC 7527) is for its sender to know, and no answer repeats it.
    """
    if int(question.sender) == 0:
        return _advertisement(question.target, ALL_NODES, ALL_NODES_MAC, 0, mac=mac, router=router)
    return _advertisement(
        question.target, question.sender.packed, question.sender_mac, _SOLICITED, mac=mac, router=router
    )


def announcement(address: IPv6Address, *, mac: bytes, router: bool) -> bytes:
    """The word to all hosts "`address` is at `mac`", which corrects what they know (RFC 4861, section 7.2.6)."""
    return _advertisement(address, ALL_NODES, ALL_NODES_MAC, 0, mac=mac, router=router)


def question(address: IPv6Address, *, mac: bytes, sender: IPv6Address, to: bytes | None = None) -> bytes:
    """The question "who has `address`?" of who has `sender`: to the group of the address, or to the MAC `to` alone, to see
    whether that is still there (RFC 4861, sections 4.3 and 7.3.3).
    """
    group = solicited_node_group(address).packed
    option = _OPTION.pack(_SOURCE_MAC, 1, mac)
    to_mac, destination = (ALL_NODES_MAC[:2] + group[12:], group) if to is None else (to, address.packed)
    return _packet(to_mac, mac, sender.packed, destination, SOLICITATION, 0, address.packed, option)


def probe(address: IPv6Address, *, mac: bytes, nonce: bytes) -> bytes:
    """The question "does anybody have `address`?" of who has no address yet (RFC 4862, section 5.4.2). It is told by its
    `nonce` of `NONCE_SIZE` octets when it comes back (RFC 7527, section 4.2).
    """
    group = solicited_node_group(address).packed
    option = _OPTION.pack(_NONCE, 1, nonce)
    to_mac = ALL_NODES_MAC[:2] + group[12:]
    return _packet(to_mac, mac, _UNSPECIFIED, group, SOLICITATION, 0, address.packed, option)


def solicited_node_group(address: IPv6Address) -> IPv6Address:
    """The group that questions for this address are sent to; many addresses have the same (RFC 4291, section 2.7.1)."""
    return IPv6Address(_SOLICITED_NODE + address.packed[13:])


def _advertisement(address: IPv6Address, to: bytes, to_mac: bytes, flags: int, *, mac: bytes, router: bool) -> bytes:
    """Sent by the address itself, and always to override what is known: it is nobody else's (RFC 4861, section 7.2.4)."""
    flags |= _OVERRIDE | (_ROUTER if router else 0)
    option = _OPTION.pack(_TARGET_MAC, 1, mac)
    return _packet(to_mac, mac, address.packed, to, ADVERTISEMENT, flags, address.packed, option)


def _packet(
    to_mac: bytes, mac: bytes, sender: bytes, to: bytes, kind: int, flags: int, target: bytes, option: bytes
) -> bytes:
    length = _MESSAGE.size + len(option)
    headers = _HEADERS.pack(to_mac, mac, ETHERTYPE, _VERSION_6, length, ICMPV6, HOP_LIMIT, sender, to)
    checksum = _checksum(sender, to, _MESSAGE.pack(kind, 0, 0, flags, target) + option)
    return headers + _MESSAGE.pack(kind, 0, checksum, flags, target) + option


def _checksum(sender: bytes, destination: bytes, body: bytes) -> int:
    """What makes the checksum right; 0 when it is (RFC 4443, section 2.3; the pseudo-header of RFC 8200, section 8.1).

    The ones' complement sum of 16-bit words is the number they form, modulo 2^16 - 1. An odd octet at the end only multiplies
    it by 256, and 0 stays 0; what we send has none.
    """
    pseudo = struct.pack("!16s16sII", sender, destination, len(body), ICMPV6)
    return -int.from_bytes(pseudo + body) % 0xFFFF


def _options(options: bytes) -> dict[int, bytes] | None:
    """By type what each holds, of several alike the first; None when these can be no options.

    A length of 0 makes the whole message void (RFC 4861, section 4.6).
    """
    found: dict[int, bytes] = {}
    while options:
        size = 8 * options[1] if len(options) > 1 else 0
        if not 0 < size <= len(options):
            return None
        found.setdefault(options[0], options[2:size])
        options = options[size:]
    return found


def _is_host(mac: bytes) -> bool:
    """Answers go to one host: never to a group, which would spread them over the LAN."""
    return not mac[0] & _GROUP_BIT and mac != NO_MAC
