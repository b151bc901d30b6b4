"""ARP for IPv4 on Ethernet: questions and assertions read; answers, announcements, probes and questions built.

Frames are whole Ethernet frames without the frame check sequence, as a raw packet socket gives and takes them. Whether an
address is ours is not known here. Sources: RFC 826 (the packet), RFC 5227 (probes and announcements), RFC 5944, section
4.6 (both gratuitous forms).
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address

ETHERTYPE = 0x0806
BROADCAST = b"\xff" * 6
NO_MAC = bytes(6)

MINIMUM = 60
"""Octets of the shortest Ethernet frame, without its frame check sequence (IEEE 802.3); shorter ones are padded."""

# destination, source, ethertype; then hardware, protocol, their lengths, operation, sender's MAC and address, target's
_FRAME = struct.Struct("!6s6sH HHBBH6s4s6s4s")
_ETHERNET_IPV4 = (1, 0x0800, 6, 4)
_NO_ADDRESS = bytes(4)
_GROUP_BIT = 0x01


class Silence(StrEnum):
    """Why a frame gets no answer. The words are labels of a metric."""

    # The frame itself is none that anybody answers.
    SHORT = "short"
    NOT_ARP = "not-arp"
    NOT_IPV4 = "not-ethernet-ipv4"
    NOT_A_REQUEST = "not-a-request"
    NO_HOST = "sender-is-no-host"
    ANNOUNCEMENT = "announcement"

    # It is a question, but not for us to answer.
    NOT_CLAIMED = "not-claimed"
    LAPSED = "lapsed"
    DELEGATED = "delegated"
    LEFT_TO_ANOTHER = "left-to-another"

    # Its sender says that it has an address of ours.
    RIVAL = "rival"


class Operation(IntEnum):
    """What an ARP packet is (RFC 826)."""

    REQUEST = 1
    REPLY = 2


_OPERATIONS = frozenset(Operation)


@dataclass(frozen=True, slots=True)
class Request:
    """The question "who has `target`?". The sender has no address when it probes (RFC 5227, section 2.1.1)."""

    sender_mac: bytes
    sender: IPv4Address
    target: IPv4Address


@dataclass(frozen=True, slots=True)
class Assertion:
    """The word that `address` is at `mac`. Questions have it as well as answers and announcements, of their sender."""

    mac: bytes
    address: IPv4Address


def assertion(frame: bytes) -> Assertion | None:
    """What a frame says of its sender (RFC 5227, section 2.4), or None. A probe says nothing. Never raises."""
    if len(frame) < _FRAME.size:
        return None
    _, _, ethertype, *kind, operation, mac, sender, _, _ = _FRAME.unpack_from(frame)
    if ethertype != ETHERTYPE or tuple(kind) != _ETHERNET_IPV4 or operation not in _OPERATIONS:
        return None
    return Assertion(mac, IPv4Address(sender)) if sender != _NO_ADDRESS and _is_host(mac) else None


def answer(frame: bytes) -> Assertion | None:
    """The same of a frame that answers a question, else None. Never raises."""
    is_reply = frame[20:22] == Operation.REPLY.to_bytes(2, "big")
    return assertion(frame) if is_reply else None


def parse(frame: bytes) -> Request | Silence:
    """Read a question out of a frame, or say why there is none to answer. Never raises, whatever the octets.

    VLAN-tagged frames are not ARP here: an answer without the tag would reach another LAN.
    """
    if len(frame) < _FRAME.size:
        return Silence.SHORT
    _, source, ethertype, *kind, operation, mac, sender, _, target = _FRAME.unpack_from(frame)
    if ethertype != ETHERTYPE:
        return Silence.NOT_ARP
    if tuple(kind) != _ETHERNET_IPV4:
        return Silence.NOT_IPV4
    if operation != Operation.REQUEST:
        return Silence.NOT_A_REQUEST
    if not _is_host(source) or not _is_host(mac):
        return Silence.NO_HOST
    if sender == target:
        # It asks nothing: it tells everybody that the address is at its MAC (RFC 5227, section 3).
        return Silence.ANNOUNCEMENT
    return Request(mac, IPv4Address(sender), IPv4Address(target))


def reply(request: Request, *, mac: bytes) -> bytes:
    """The answer "the address you asked for is at `mac`", to the asker alone."""
    return _frame(
        request.sender_mac, Operation.REPLY, mac, request.target, to_mac=request.sender_mac, to_address=request.sender
    )


def announcement(address: IPv4Address, form: Operation, *, mac: bytes) -> bytes:
    """The broadcast "`address` is at `mac`": sender and target address are the same.

    There are two forms because some hosts and switches learn from one of them only. RFC 5944, section 4.6: the reply repeats
    the MAC as its target; Linux takes a reply for gratuitous only then.
    """
    to_mac = mac if form is Operation.REPLY else NO_MAC
    return _frame(BROADCAST, form, mac, address, to_mac=to_mac, to_address=address)


def probe(address: IPv4Address, *, mac: bytes) -> bytes:
    """The question "does anybody have `address`?", by which no cache learns anything (RFC 5227, section 2.1.1)."""
    return _frame(BROADCAST, Operation.REQUEST, mac, IPv4Address(0), to_mac=NO_MAC, to_address=address)


def question(target: IPv4Address, *, mac: bytes, sender: IPv4Address, to: bytes | None = None) -> bytes:
    """The question "who has `target`?" from `sender`, whom it is to answer; to everybody, or to the MAC that had it last (RFC
    1122, section 2.3.2.1).
    """
    return _frame(to or BROADCAST, Operation.REQUEST, mac, sender, to_mac=NO_MAC, to_address=target)


def _is_host(mac: bytes) -> bool:
    """Answers go to one host: never to a group, which would spread them over the LAN."""
    return not mac[0] & _GROUP_BIT and mac != NO_MAC


def _frame(
    destination: bytes,
    operation: Operation,
    mac: bytes,
    address: IPv4Address,
    *,
    to_mac: bytes,
    to_address: IPv4Address,
) -> bytes:
    sender, target = (mac, address.packed), (to_mac, to_address.packed)
    return _FRAME.pack(destination, mac, ETHERTYPE, *_ETHERNET_IPV4, operation, *sender, *target).ljust(MINIMUM, b"\0")
