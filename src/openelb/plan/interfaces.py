"""Which network interface of a node `spec.interface` of an Eip means, and for which addresses.

One name, `can_reach:<address>`, `auto`, shell patterns, or several of these with commas between.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import chain
from typing import NamedTuple

from openelb.model.addresses import Address, AddressRange, parse_address
from openelb.model.cluster import Link
from openelb.model.ranges import Ranges

AUTO = "auto"
CAN_REACH = "can_reach:"
NOBODY = frozenset[str]()
NOTHING = Ranges()
_PATTERN = frozenset("*?[")
_BITS = {4: 32, 6: 128}


class Subnet(NamedTuple):
    """A network that a link is in: its `length` first bits are `number`."""

    version: int
    length: int
    number: int

    def holds(self, address: Address) -> bool:
        """Whether the address is in it."""
        return address.version == self.version and self == subnet_of(address, self.length)

    def __str__(self) -> str:
        return str(_network(self))


def subnet_of(address: Address, length: int) -> Subnet:
    """The network of that length which has the address."""
    return Subnet(address.version, length, int(address) >> (_BITS[address.version] - length))


def _network(subnet: Subnet) -> IPv4Network | IPv6Network:
    width = _BITS[subnet.version]
    start = IPv4Address if subnet.version == 4 else IPv6Address
    return ip_network((start(subnet.number << (width - subnet.length)), subnet.length))


@lru_cache(maxsize=4096)
def _span(subnet: Subnet) -> AddressRange:
    network = _network(subnet)
    return AddressRange(network[0], network[-1])


@lru_cache(maxsize=64)
def _spans(networks: frozenset[Subnet]) -> Ranges:
    return Ranges.of(map(_span, networks))


@lru_cache(maxsize=4096)
def subnets(link: Link) -> tuple[Subnet, ...]:
    """The networks in which a link has neighbours: none of the link alone, which every link has, and none of one address."""
    found = [
        subnet_of(address.ip, address.network.prefixlen)
        for address in link.addresses
        if not address.is_link_local and address.network.prefixlen < address.max_prefixlen
    ]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1024)
def words(interface: str) -> tuple[str, ...]:
    """What `spec.interface` names."""
    return tuple(word for part in interface.split(",") if (word := part.strip()))


def is_one(interface: str) -> bool:
    """Whether it means one link of a node at most, whatever the address."""
    named = words(interface)
    return len(named) < 2 and not any(word == AUTO or _PATTERN & set(word) for word in named)


def flaw(interface: str) -> str:
    """What is wrong with it whatever the nodes have, for its author; nothing where all is well."""
    if interface and not words(interface):
        return f"spec.interface {interface!r} names no interface: write for example eth0"
    for word in words(interface):
        target = word.removeprefix(CAN_REACH)
        if target != word and parse_address(target) is None:
            return f"invalid can_reach address {target}: write one of that network, for example {CAN_REACH}192.0.2.1"
    return ""


def link_for(interface: str, links: Iterable[Link], address: Address, own: str = "") -> Link | None:
    """The link of a node to announce the address on, or None where the node has none.

    Of several it is the one whose network holds the address; else the first as named that hears the address's family. `own`
    is what the node's annotation says, an address or a CIDR: the link with it counts first among equals, and where the
    author of the pool has named no other.
    """
    links = tuple(links)
    meant, preferred = _meant(interface, links), link_with(own, links)
    if is_one(interface):
        return next(iter(meant), preferred if interface else None)
    anywhere = AUTO in words(interface)
    considered = (*meant, *(link for link in links if anywhere and link not in meant))
    if preferred is not None and preferred in considered:
        considered = tuple(dict.fromkeys((preferred, *considered)))
        meant = (preferred, *meant)
    near = max(considered, key=lambda link: _nearness(link, address), default=None)
    if near is not None and _nearness(near, address):
        return near
    further = (*meant, *filter(None, [preferred]))
    return next((link for link in further if _hears(link, address)), next(iter(further), None))


def _meant(interface: str, links: Iterable[Link]) -> tuple[Link, ...]:
    """Those that are named, in the order in which they are."""
    return tuple(dict.fromkeys(link for word in words(interface) for link in _named(word, links)))


def _named(word: str, links: Iterable[Link]) -> Iterable[Link]:
    if word.startswith(CAN_REACH):
        target = parse_address(word.removeprefix(CAN_REACH))
        near = max(links, key=lambda link: _nearness(link, target), default=None) if target else None
        return [near] if near is not None and target is not None and _nearness(near, target) else []
    return [link for link in links if link.name == word or (_PATTERN & set(word) and fnmatchcase(link.name, word))]


def _nearness(link: Link, address: Address | None) -> int:
    """The length of the longest prefix of the link that holds the address; 0: none does."""
    return max((subnet.length for subnet in subnets(link) if address and subnet.holds(address)), default=0)


def _hears(link: Link, address: Address) -> bool:
    return address.version == 4 or link.hears_ipv6


def link_with(own: str, links: Iterable[Link]) -> Link | None:
    """The link that has the address, or an address in the CIDR, that a node's annotation names."""
    bounds = _bounds(own)
    if bounds is None:
        return None
    return next((link for link in links if any(address.ip in bounds for address in link.addresses)), None)


@lru_cache(maxsize=2048)
def _bounds(own: str) -> AddressRange | None:
    try:
        network = ip_network(own.strip(), strict=False)
        return AddressRange(network[0], network[-1])
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Near:
    """Nodes by the networks they are in, for pools of which each address finds its own link."""

    nodes: Mapping[Subnet, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, links: Mapping[str, tuple[Link, ...]], ranges: Ranges) -> "Near":
        """Of these nodes, by name; only networks that have some address of the `ranges`."""
        found: dict[Subnet, set[str]] = {}
        for node, own in links.items():
            for subnet in _networks(own):
                found.setdefault(subnet, set()).add(node)
        return cls({subnet: frozenset(nodes) for subnet, nodes in found.items()}).within(ranges)

    def within(self, ranges: Ranges, among: frozenset[str] | None = None) -> "Near":
        """Those networks that have some address of the ranges, with those nodes that are `among` them."""
        kept = {
            subnet: nodes if among is None else nodes & among
            for subnet, nodes in self.nodes.items()
            if ranges.common(Ranges((_span(subnet),)))
        }
        return Near({subnet: nodes for subnet, nodes in kept.items() if nodes})

    def holding(self, address: Address) -> frozenset[str]:
        """The nodes that are in a network with the address."""
        found = [nodes for subnet, nodes in self.nodes.items() if subnet.holds(address)]
        return found[0] if len(found) == 1 else NOBODY.union(*found)

    def of_family(self, version: int) -> frozenset[str]:
        """The nodes that are in some network of that family."""
        return NOBODY.union(*(nodes for subnet, nodes in self.nodes.items() if subnet.version == version))


@dataclass(frozen=True, slots=True)
class Ways:
    """What an `interface` means on each node: the nodes that have a link for whatever address, and for IPv6 addresses.

    `networks` are the addresses of the networks that those links are in.
    """

    nodes: frozenset[str] = NOBODY
    ipv6_nodes: frozenset[str] = NOBODY
    networks: Ranges = NOTHING


def ways(interface: str, links: Mapping[str, tuple[Link, ...]], own: Mapping[str, str]) -> Ways:
    """By node the links, and what its annotation says, of those nodes that have one."""
    nodes, ipv6_nodes, met = set(), set(), set[tuple[Subnet, ...]]()
    for node, there in links.items():
        way = _way(interface, there, own.get(node, ""))
        if way is not None:
            nodes.add(node)
            met.add(way.subnets)
            if way.hears_ipv6:
                ipv6_nodes.add(node)
    return Ways(frozenset(nodes), frozenset(ipv6_nodes), _spans(frozenset(chain.from_iterable(met))))


class _Way(NamedTuple):
    """Of one node: whether some link of those that are meant hears IPv6, and the networks that they are in."""

    hears_ipv6: bool
    subnets: tuple[Subnet, ...]


@lru_cache(maxsize=1 << 13)
def _way(interface: str, links: tuple[Link, ...], own: str) -> _Way | None:
    """None where nothing is meant. Cached: there are many nodes, and their links hardly ever change."""
    found = _meant(interface, links)
    preferred = link_with(own, links) if interface else None
    if preferred is not None and not (found and is_one(interface)):
        found = (*found, preferred)
    if not found:
        return None
    return _Way(any(link.hears_ipv6 for link in found), tuple(chain.from_iterable(map(subnets, found))))


@lru_cache(maxsize=1 << 12)
def _networks(links: tuple[Link, ...]) -> tuple[Subnet, ...]:
    """Those of all links of a node."""
    return tuple(dict.fromkeys(chain.from_iterable(map(subnets, links))))
