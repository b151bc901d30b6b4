"""Who answers for an address on a link: raw ARP questions, put and read by the lab itself.

It shares no code with what it judges. The kernel's neighbour cache, which hides a dead announcer, has no part in it.
"""

import ipaddress
import struct

from lab import questions

ETHERTYPE = 0x0806
BROADCAST = b"\xff" * 6
_HEADER = struct.Struct("!6s6sH")
_PACKET = struct.Struct("!HHBBH6s4s6s4s")  # RFC 826: hardware, protocol, their lengths, operation, sender, target
_ETHERNET_IPV4 = (1, 0x0800, 6, 4)
_REQUEST, _REPLY = 1, 2


def question(address: str, *, sender_mac: bytes, sender: str = "0.0.0.0") -> bytes:
    """The broadcast frame "who has `address`"; with the default sender it is a probe that no cache learns from."""
    target, source = ipaddress.IPv4Address(address).packed, ipaddress.IPv4Address(sender).packed
    arp = _PACKET.pack(*_ETHERNET_IPV4, _REQUEST, sender_mac, source, bytes(6), target)
    return _HEADER.pack(BROADCAST, sender_mac, ETHERTYPE) + arp


def answering_mac(frame: bytes, address: str) -> str | None:
    """The MAC that the frame claims for the address, written `02:00:5e:00:53:01`; None for any other frame."""
    if len(frame) < _HEADER.size + _PACKET.size:
        return None
    _, _, ethertype = _HEADER.unpack_from(frame)
    *kind, operation, mac, sender, _, _ = _PACKET.unpack_from(frame, _HEADER.size)
    claimed = ipaddress.IPv4Address(address).packed
    if (ethertype, tuple(kind), operation, sender) != (ETHERTYPE, _ETHERNET_IPV4, _REPLY, claimed):
        return None
    return bytes(mac).hex(":")


def ask(interface: str, address: str, *, sender: str, within: float) -> frozenset[str]:
    """Every MAC that answers the question on the interface of the caller's network namespace within so many seconds."""
    return questions.put(
        interface,
        ETHERTYPE,
        lambda mac: question(address, sender_mac=mac, sender=sender),
        lambda frame: answering_mac(frame, address),
        within=within,
    )
