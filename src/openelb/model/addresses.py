"""Addresses and ranges of them, as integers inside and text at the edge. Knows nothing of pools or Services."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Self

Address = IPv4Address | IPv6Address


def order(address: Address) -> tuple[int, int]:
    """A sort key across both families: IPv4 first, then by number."""
    return address.version, int(address)


@dataclass(frozen=True, slots=True)
class AddressRange:
    """All addresses from `first` to `last`, both included, of one family."""

    first: Address
    last: Address

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one address, a CIDR (host bits are ignored) or `first-last`.

        Raises ValueError with a sentence for the user who wrote the text.
        """
        if "/" in text:
            return cls._network(text)
        first, dash, last = text.partition("-")
        if not dash:
            return cls(_address(first, text), _address(first, text))
        return cls._between(_address(first, text), _address(last, text), text)

    @classmethod
    def _network(cls, text: str) -> Self:
        # Python would read 0.0.0.255 as a mask as well, with the bits turned round.
        mask = parse_address(text.partition("/")[2])
        try:
            network = ip_network(text, strict=False) if "%" not in text else None
        except ValueError:
            network = None
        if network is None or (mask is not None and mask != network.netmask):
            raise ValueError(
                f"{_quoted(text)} is no CIDR: write a network and its prefix length, for example 192.0.2.0/24"
            )
        return cls(network[0], network[-1])

    @classmethod
    def _between(cls, first: Address, last: Address, text: str) -> Self:
        if first.version != last.version:
            raise ValueError(f"{_quoted(text)} mixes IPv4 and IPv6: write a range whose ends are of one family")
        if int(first) > int(last):
            raise ValueError(
                f"{_quoted(text)} is reversed: the first address comes before the last, write {last}-{first}"
            )
        return cls(first, last)

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.first.version

    @property
    def size(self) -> int:
        """How many addresses, network and broadcast address of a CIDR included."""
        return int(self.last) - int(self.first) + 1

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, type(self.first)):
            return False
        return int(self.first) <= int(address) <= int(self.last)

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def __iter__(self) -> Iterator[Address]:
        """All of them, lowest first, made one at a time."""
        return map(type(self.first), range(int(self.first), int(self.last) + 1))


_QUOTED = 60
_LONGEST = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")


def parse_address(text: str) -> Address | None:
    """Read an address as Kubernetes writes it, or None: who asked knows what to tell the user.

    One with a zone (`fe80::1%eth0`) is none: it would be equal to no address of a pool and yet lie in it.
    """
    # Before the cache, which keeps its texts: an annotation of anybody's may be 256 KiB long.
    return _parsed(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=1 << 15)
def _parsed(text: str) -> Address | None:
    """Cached, since every look reads what every Service shows: that was half of the time of a judgement."""
    try:
        return ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def _quoted(text: str) -> str:
    """What a user wrote, as far as it is read: whoever pasted a page knows which."""
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "…")


def _address(text: str, whole: str) -> Address:
    address = parse_address(text)
    if address is None:
        raise ValueError(
            f"{_quoted(whole)} is no address, CIDR or range: write for example 192.0.2.10, 192.0.2.0/24 "
            "or 192.0.2.10-192.0.2.20"
        )
    return address
