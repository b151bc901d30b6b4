"""UPDATEs as they are read from a router's link."""

import struct

import pytest

from bench.bgp_wire import Told, read

ATTRIBUTES = bytes.fromhex("40010100 4002 06 0201 0000fc00".replace(" ", ""))
PREFIX = bytes([32, 10, 101, 0, 1])


def frame(*messages: bytes, port: int = 179) -> bytes:
    """A frame from 10.79.0.11 with these UPDATEs."""
    content = b"".join(b"\xff" * 16 + struct.pack("!HB", 19 + len(each), 2) + each for each in messages)
    tcp = struct.pack("!HHIIBBHHH", 40000, port, 0, 0, 5 << 4, 0, 0, 0, 0)
    addresses = bytes([10, 79, 0, 11, 10, 79, 0, 1])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(content), 0, 0, 64, 6, 0) + addresses
    return bytes(12) + b"\x08\x00" + ip + tcp + content + bytes(4)


def update(withdrawn: bytes = b"", attributes: bytes = b"", prefixes: bytes = b"") -> bytes:
    return struct.pack("!H", len(withdrawn)) + withdrawn + struct.pack("!H", len(attributes)) + attributes + prefixes


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!BBH", 0x90, kind, len(value)) + value


THERE = Told(1.5, "10.79.0.11", "10.101.0.1")
GONE = Told(1.5, "10.79.0.11", "10.101.0.1", withdrawn=True)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (update(attributes=ATTRIBUTES, prefixes=PREFIX), [THERE]),
        (update(withdrawn=PREFIX), [GONE]),
        (update(attributes=ATTRIBUTES, prefixes=b"\0\0\0\1" + PREFIX + b"\0\0\0\2" + PREFIX), [THERE, THERE]),
        (update(attributes=attribute(14, b"\0\1\1\4\12\117\0\13\0" + PREFIX)), [THERE]),
        (update(attributes=attribute(15, b"\0\1\1" + PREFIX)), [GONE]),
        (update(attributes=attribute(15, b"\0\2\1" + PREFIX)), []),
        (update(attributes=ATTRIBUTES, prefixes=bytes([16, 10, 101])), []),
        (update(), []),
    ],
)
def test_an_update_tells_of_single_addresses(message: bytes, told: list[Told]) -> None:
    assert list(read(frame(message), 1.5)) == told


def test_a_frame_may_have_several_messages_and_the_beginning_of_another_one() -> None:
    both = frame(update(withdrawn=PREFIX), update(attributes=ATTRIBUTES, prefixes=PREFIX))
    assert list(read(both[:-9], 1.5)) == [GONE]


def test_what_is_not_bgp_is_not_read() -> None:
    assert list(read(frame(update(withdrawn=PREFIX), port=80), 1.5)) == []
