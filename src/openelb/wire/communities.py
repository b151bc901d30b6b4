"""Communities of BGP as people write them, and as numbers.

`65000:100`, a number, or a name of a well-known community (RFC 1997 and others); large ones (RFC 8092) as `65000:1:2`. Extended
ones are not known here.
"""

from types import MappingProxyType

WELL_KNOWN = MappingProxyType(
    {
        "internet": 0,
        "graceful-shutdown": 0xFFFF0000,  # RFC 8326
        "planned-shut": 0xFFFF0000,
        "accept-own": 0xFFFF0001,  # RFC 7611
        "route-filter-translated-v4": 0xFFFF0002,
        "route-filter-v4": 0xFFFF0003,
        "route-filter-translated-v6": 0xFFFF0004,
        "route-filter-v6": 0xFFFF0005,
        "llgr-stale": 0xFFFF0006,  # RFC 9494
        "no-llgr": 0xFFFF0007,
        "blackhole": 0xFFFF029A,  # RFC 7999
        "no-export": 0xFFFFFF01,  # RFC 1997
        "no-advertise": 0xFFFFFF02,
        "no-export-subconfed": 0xFFFFFF03,
        "no-peer": 0xFFFFFF04,  # RFC 3765
    }
)
"""GoBGP's names (WellKnownCommunityNameMap), and that of RFC 8326."""

Large = tuple[int, int, int]


def number(text: str) -> int:
    """A community as the number that it is on the wire. Raises ValueError with a sentence."""
    word = text.strip().lower()
    if word in WELL_KNOWN:
        return WELL_KNOWN[word]
    parts = word.split(":")
    if all(part.isdecimal() for part in parts):
        numbers = [int(part) for part in parts]
        if len(numbers) == 2 and max(numbers) <= 0xFFFF:
            return numbers[0] << 16 | numbers[1]
        if len(numbers) == 1 and numbers[0] <= 0xFFFFFFFF:
            return numbers[0]
    raise ValueError(f"{text!r} is no community: write it like 65000:100, or a name like no-export")


def text(number: int) -> str:
    """A community as people write it, without names."""
    return f"{number >> 16}:{number & 0xFFFF}"


def large(text: str) -> Large:
    """The three numbers of a large community. Raises ValueError with a sentence."""
    parts = text.strip().split(":")
    if len(parts) == 3 and all(part.isdecimal() and int(part) <= 0xFFFFFFFF for part in parts):
        return int(parts[0]), int(parts[1]), int(parts[2])
    raise ValueError(f"{text!r} is no large community: write it like 65000:1:2")


def large_text(numbers: Large) -> str:
    """A large community as people write it."""
    return ":".join(map(str, numbers))
