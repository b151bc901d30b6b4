"""Who answers for an IPv6 address on a link: raw neighbour solicitations, put and read by the lab itself.

It shares no code with what it judges. The kernel's neighbour cache, which hides a dead announcer, has no part in it.
"""

import ipaddress
import json
import struct
import subprocess

from lab import questions

ETHERTYPE = 0x86DD
_ICMPV6, _SOLICITATION, _ADVERTISEMENT = 58, 135, 136
_SOURCE_MAC, _TARGET_MAC = 1, 2


def question(address: str, *, sender_mac: bytes, sender: str = "::") -> bytes:
    """The frame "who has `address`" to its group; with the default sender it is the probe of a host that wants the address
    (RFC 4861, section 4.3; RFC 4862, section 5.4.2).
    """
    target, source = ipaddress.IPv6Address(address).packed, ipaddress.IPv6Address(sender).packed
    group = ipaddress.IPv6Address("ff02::1:ff00:0").packed[:13] + target[13:]
    option = b"" if sender == "::" else bytes([_SOURCE_MAC, 1]) + sender_mac
    message = bytes([_SOLICITATION, 0, 0, 0]) + bytes(4) + target + option
    message = message[:2] + struct.pack("!H", checksum(source, group, message)) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), _ICMPV6, 255) + source + group
    return b"\x33\x33" + group[12:] + sender_mac + struct.pack("!H", ETHERTYPE) + header + message


def answering_mac(frame: bytes, address: str) -> str | None:
    """The MAC that the frame claims for the address, written `02:00:5e:00:53:01`; None for any other frame."""
    target = ipaddress.IPv6Address(address).packed
    if len(frame) < 86 or frame[12:14] != struct.pack("!H", ETHERTYPE) or frame[20] != _ICMPV6:
        return None
    message = frame[54:86]
    claims = message[0] == _ADVERTISEMENT and message[8:24] == target and message[24:26] == bytes([_TARGET_MAC, 1])
    # It sums up to nothing with its checksum in place, or is none.
    if not claims or frame[21] != 255 or checksum(frame[22:38], frame[38:54], message):
        return None
    return message[26:32].hex(":")


def ask(interface: str, address: str, *, sender: str | None, within: float) -> frozenset[str]:
    """Every MAC that answers the question on the interface of the caller's network namespace within so many seconds.

    Without a sender, the first address of the interface is.
    """
    source = sender or address_of(interface)
    return questions.put(
        interface,
        ETHERTYPE,
        lambda mac: question(address, sender_mac=mac, sender=source),
        lambda frame: answering_mac(frame, address),
        within=within,
    )


def address_of(interface: str) -> str:
    """The first IPv6 address of the interface, in the caller's network namespace. Raises `LookupError`."""
    told = subprocess.run(
        ["ip", "-j", "-6", "addr", "show", "dev", interface], capture_output=True, text=True, check=True
    )
    for link in json.loads(told.stdout):
        for address in link.get("addr_info", []):
            return str(address["local"])
    raise LookupError(f"there is no IPv6 address on {interface}")


def checksum(source: bytes, destination: bytes, message: bytes) -> int:
    """RFC 1071 over the pseudo-header of RFC 8200, section 8.1, and the message."""
    octets = source + destination + struct.pack("!II", len(message), _ICMPV6) + message
    total: int = sum(word for (word,) in struct.iter_unpack("!H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
