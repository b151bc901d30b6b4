"""Sets of addresses as few disjoint ranges: what they cost depends on the number of ranges, never on that of addresses."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import TypeVar

from openelb.model.addresses import Address, AddressRange, order

_ADDRESSES = (IPv4Address, IPv6Address)
Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Ranges:
    """The addresses of `parts`: disjoint, in order, IPv4 first. Made by `of`."""

    parts: tuple[AddressRange, ...] = ()

    @classmethod
    def of(cls, parts: Iterable[AddressRange]) -> "Ranges":
        """The addresses of all these, which may touch, overlap and come in any order."""
        merged: list[AddressRange] = []
        for part in sorted(parts, key=lambda part: order(part.first)):
            last = merged[-1] if merged else None
            if last is None or last.version != part.version or int(part.first) > int(last.last) + 1:
                merged.append(part)
            elif int(part.last) > int(last.last):
                merged[-1] = AddressRange(last.first, part.last)
        return cls(tuple(merged))

    def without(self, others: "Ranges") -> "Ranges":
        """These but not those."""
        left: list[AddressRange] = []
        for part in self.parts:
            first = int(part.first)
            for other in others._touching(part):
                if int(other.first) > first:
                    left.append(AddressRange(_like(part, first), _like(part, int(other.first) - 1)))
                first = int(other.last) + 1
            if first <= int(part.last):
                left.append(AddressRange(_like(part, first), part.last))
        return Ranges(tuple(left))

    def common(self, others: "Ranges") -> AddressRange | None:
        """The first range that is in both, or None."""
        if len(self.parts) > len(others.parts):  # the same, found sooner
            return others.common(self)
        for part in self.parts:
            for other in others._touching(part):
                first, last = max(part.first, other.first, key=int), min(part.last, other.last, key=int)
                return AddressRange(first, last)
        return None

    def _touching(self, part: AddressRange) -> Iterator[AddressRange]:
        """Those of ours that have an address in common with the part, in order."""
        start = max(0, bisect_right(self._firsts, order(part.first)) - 1)
        for index in range(start, len(self.parts)):
            ours = self.parts[index]
            if order(ours.first) > order(part.last):
                return
            if ours.version == part.version and int(ours.last) >= int(part.first):
                yield ours

    @cached_property
    def _firsts(self) -> list[tuple[int, int]]:
        return [order(part.first) for part in self.parts]

    @cached_property
    def _lasts(self) -> list[tuple[int, int]]:
        return [order(part.last) for part in self.parts]

    @cached_property
    def size(self) -> int:
        """How many addresses."""
        return sum(part.size for part in self.parts)

    @cached_property
    def versions(self) -> frozenset[int]:
        """The families among them: 4, 6."""
        return frozenset(part.version for part in self.parts)

    def among(self, entries: Iterable[tuple[Address, Entry]]) -> Iterator[Entry]:
        """What belongs to those of many addresses that are in it, in half the time that asking for each of them takes."""
        four, six = (_bounds(self.parts, version) for version in (4, 6))
        for address, entry in entries:
            firsts, lasts = four if type(address) is IPv4Address else six
            number = int(address)
            index = bisect_right(firsts, number)
            if index and number <= lasts[index - 1]:
                yield entry

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, _ADDRESSES):
            return False
        rank = order(address)
        index = bisect_right(self._firsts, rank) - 1
        return index >= 0 and rank <= self._lasts[index]

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __iter__(self) -> Iterator[Address]:
        """All of them, lowest first, made one at a time."""
        for part in self.parts:
            yield from part

    def of_family(self, version: int, *, since: Address | None = None) -> Iterator[Address]:
        """Those of one family, lowest first, made one at a time; not those below `since`, which is of that family."""
        start = max(0, bisect_right(self._firsts, order(since)) - 1) if since else 0
        for index in range(start, len(self.parts)):
            part = self.parts[index]
            if part.version == version and (since is None or int(part.last) >= int(since)):
                first = part.first if since is None or int(part.first) >= int(since) else since
                yield from AddressRange(first, part.last)


EVERYTHING = Ranges.of(
    AddressRange(network[0], network[-1]) for network in (ip_network("0.0.0.0/0"), ip_network("::/0"))
)


def _bounds(parts: Iterable[AddressRange], version: int) -> tuple[list[int], list[int]]:
    own = [part for part in parts if part.version == version]
    return [int(part.first) for part in own], [int(part.last) for part in own]


def _like(part: AddressRange, number: int) -> Address:
    return type(part.first)(number)


_UNUSABLE = tuple(
    (AddressRange(network[0], network[-1]), why)
    for network, why in (
        (ip_network("0.0.0.0/8"), "0.0.0.0/8 means this network (RFC 1122): leave that out"),
        (ip_network("127.0.0.0/8"), "127.0.0.0/8 is loopback, which no other machine reaches: leave that out"),
        (ip_network("169.254.0.0/16"), "169.254.0.0/16 is link-local, which no router passes on: leave that out"),
        (ip_network("224.0.0.0/4"), "224.0.0.0/4 is multicast: leave that out"),
        (ip_network("255.255.255.255/32"), "255.255.255.255 is the broadcast address: leave that out"),
        (ip_network("::/128"), ":: is the unspecified address: leave that out"),
        (ip_network("::1/128"), "::1 is loopback, which no other machine reaches: leave that out"),
        (ip_network("::ffff:0:0/96"), "::ffff:0:0/96 is IPv4 in the form of IPv6: write the IPv4 address"),
        (ip_network("fe80::/10"), "fe80::/10 is link-local, which no router passes on: leave that out"),
        (ip_network("ff00::/8"), "ff00::/8 is multicast: leave that out"),
    )
)


def unusable(part: AddressRange) -> str:
    """Why no Service can have some address of the range, as a sentence; nothing where all can be used."""
    for network, why in _UNUSABLE:
        if network.version == part.version and part.first <= network.last and network.first <= part.last:  # type: ignore[operator]
            return f"{part} cannot be given out, since {why}"
    return ""


def read(text: str, exclude: tuple[str, ...] = (), *, skip_ends: bool = False) -> tuple[Ranges, Ranges]:
    """What `spec.address` has, and of it what is given out: all but `exclude` and, where they are skipped, the network and
    broadcast address of each CIDR.

    One address, a CIDR, `first-last`, or several of these with commas between. Raises ValueError with a sentence for the
    author. It is remembered, since an Eip is read again after each change of its status; of long texts only a few.
    """
    is_short = len(text) + sum(map(len, exclude)) <= 4000
    return (_short if is_short else _long)(text, exclude, skip_ends)


def _read(text: str, exclude: tuple[str, ...], skip_ends: bool) -> tuple[Ranges, Ranges]:
    words = [word.strip(" \t\r\n") for word in text.split(",")]
    if words == [""]:
        raise ValueError("it is empty: write one address, a CIDR, a range first-last, or several with commas between")
    parts = [_part(word) for word in words]
    out = [_excluded(word) for word in exclude]
    if skip_ends:
        out += [AddressRange(end, end) for word, part in zip(words, parts, strict=True) for end in _ends(word, part)]
    ranges = Ranges.of(parts)
    return ranges, ranges.without(Ranges.of(out))


_short, _long = lru_cache(maxsize=1024)(_read), lru_cache(maxsize=8)(_read)


def _excluded(word: str) -> AddressRange:
    try:
        return AddressRange.parse(word.strip(" \t\r\n"))
    except ValueError as error:
        raise ValueError(f"spec.exclude: {error}") from None


def _part(word: str) -> AddressRange:
    part = AddressRange.parse(word)
    if why := unusable(part):
        raise ValueError(why)
    return part


def _ends(word: str, part: AddressRange) -> tuple[Address, ...]:
    """The addresses of a CIDR that are no host's: RFC 919 and 3021 for IPv4; RFC 4291, section 2.6.1 for IPv6."""
    if "/" not in word or part.size <= 2:
        return ()
    return (part.first, part.last) if part.version == 4 else (part.first,)
