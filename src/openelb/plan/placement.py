"""Which nodes may announce an address in layer2 mode, and which one does. Every node computes the same."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from openelb.model import names
from openelb.model.addresses import Address, AddressRange, parse_address
from openelb.model.cluster import Link, Pool, Protocol, Service, ServiceKey, Speaker
from openelb.model.findings import Finding, Reason
from openelb.model.ranges import Ranges, read

CAN_REACH = "can_reach:"
LABEL_LENGTH = 63  # of the value of a label; names of objects may be longer
MISNAMED = (
    f"its name is longer than the {LABEL_LENGTH} characters that the label {names.POOL_LABEL} of a Service may have: "
    "create it under a shorter name"
)
NOBODY = frozenset[str]()
INTERFACES_NAMED = 8  # a sentence that lists more is not read


def winner(address: Address, nodes: Iterable[str]) -> str | None:
    """The one of `nodes` that announces `address`: highest random weight, so that a lost node's share alone moves.

    The weight is upstream's (the smallest SHA-256 of `node#address`), so both agree while a cluster is taken over.
    """
    text = str(address)
    return min(nodes, key=lambda node: _weight(node, text), default=None)


def wins(me: str, address: Address, nodes: Iterable[str]) -> bool:
    """Whether `me`, one of `nodes`, is the winner. Cheaper than asking who is: most often the first few nodes already say no."""
    text = str(address)
    mine = _weight(me, text)
    return all(node == me or _weight(node, text) >= mine for node in nodes)


def _weight(node: str, address: str) -> bytes:
    return sha256(f"{node}#{address}".encode()).digest()


def link_for(interface: str, links: Iterable[Link]) -> Link | None:
    """The link that an Eip's `interface` means on a node: by name, or the one whose subnet holds `can_reach:<address>`."""
    if not interface.startswith(CAN_REACH):
        return next((link for link in links if link.name == interface), None)
    target = parse_address(interface.removeprefix(CAN_REACH))
    if target is None or target.is_link_local:  # which every link has
        return None
    return next((link for link in links if any(target in address.network for address in link.addresses)), None)


def age(pool: Pool) -> tuple[str, str, str]:
    """The older a pool, the lower: what several have belongs to the oldest."""
    return pool.created, pool.uid, pool.name


def trusted(pool: Pool) -> Ranges:
    """The addresses that are announced for a pool: its own, or those it had before its address was spoilt."""
    if pool.ranges or not pool.problem:
        return pool.ranges
    return former(pool.status.address, pool.status.first, pool.status.last)


@lru_cache(maxsize=256)
def former(text: str, first: str, last: str) -> Ranges:
    """What a pool had by its status: an older manager wrote the ends alone."""
    try:
        return read(text)[0]
    except ValueError:
        ends = parse_address(first), parse_address(last)
    if ends[0] is None or ends[1] is None or ends[0].version != ends[1].version:
        return Ranges()
    return Ranges.of([AddressRange(ends[0], ends[1])])


@dataclass(frozen=True, slots=True)
class Reach:
    """The nodes that can announce the addresses of a pool, and why there are none where that is so (else reason Ready).

    `ipv6_nodes` are those of `nodes` where the kernel hears IPv6 on the interface: it is off on others.
    """

    nodes: frozenset[str]
    ipv6_nodes: frozenset[str]
    finding: Finding

    def of(self, address: Address) -> frozenset[str]:
        """The nodes that can announce that address."""
        return self.nodes if address.version == 4 else self.ipv6_nodes


def reaches(pools: Mapping[str, Pool], speakers: Mapping[str, Speaker]) -> dict[str, Reach]:
    """The reach of every pool; `speakers` are those alive, by node. Computed once, since a cluster has many Services."""
    there = {
        interface: {node: link for node, speaker in speakers.items() if (link := link_for(interface, speaker.links))}
        for interface in {pool.interface for pool in pools.values()}
    }
    return {name: _reach(pool, speakers, there[pool.interface]) for name, pool in pools.items()}


def _reach(pool: Pool, speakers: Mapping[str, Speaker], links: Mapping[str, Link]) -> Reach:
    """The reach of one pool; `links` are those that its interface means, by node."""
    nodes, versions = frozenset(links), trusted(pool).versions
    ipv6_nodes = frozenset(node for node, link in links.items() if link.hears_ipv6) if 6 in versions else NOBODY
    finding = _announcement_outlook(pool, speakers, ipv6_nodes if versions == {6} else nodes)
    return Reach(nodes, ipv6_nodes, finding) if finding.reason is Reason.READY else Reach(NOBODY, NOBODY, finding)


def candidates(
    nodes: frozenset[str], services: Iterable[Service], endpoints: Mapping[ServiceKey, frozenset[str]]
) -> frozenset[str]:
    """Those of `nodes` that may announce an address for all of `services`."""
    for service in services:
        if service.local_traffic_only:
            nodes &= endpoints.get(service.key, frozenset())
    return nodes


def misnamed(pool: Pool) -> str:
    """A sentence for the author of a pool whose name cannot be written on its Services, or nothing."""
    return "" if len(pool.name) <= LABEL_LENGTH else MISNAMED


def pool_outlook(pool: Pool, reach: Reach) -> Finding:
    """Whether the pool can be used and its addresses announced (reason Ready), or why not."""
    flaw = misnamed(pool)
    if flaw:
        return Finding(Reason.POOL_INVALID, flaw)
    if pool.problem:
        return Finding(Reason.POOL_INVALID, f"its spec cannot be used: {pool.problem}")
    return reach.finding


def _announcement_outlook(pool: Pool, speakers: Mapping[str, Speaker], nodes: frozenset[str]) -> Finding:
    if pool.left_to_cni:
        return Finding(Reason.LEFT_TO_CNI, f"the label {names.CNI_LABEL} leaves the announcement to the network plugin")
    return unserved(pool) or _layer2_outlook(pool, speakers, nodes)


def unserved(pool: Pool) -> Finding | None:
    """Why no speaker of this version announces what the pool has, or None where one does."""
    if pool.protocol is not Protocol.LAYER2:
        return Finding(
            Reason.PROTOCOL_NOT_SERVED,
            f"no speaker announces {pool.protocol.value} in this version: set spec.protocol to layer2 and spec.interface",
        )
    return None


def _layer2_outlook(pool: Pool, speakers: Mapping[str, Speaker], nodes: frozenset[str]) -> Finding:
    if not pool.interface:
        return Finding(
            Reason.INTERFACE_MISSING,
            "layer2 needs spec.interface: name the network interface of the nodes, for example eth0",
        )
    if not speakers:
        return Finding(
            Reason.NO_SPEAKER,
            "no speaker is alive: look at the pods of DaemonSet openelb-speaker (kubectl -n openelb-system get pods)",
        )
    if not nodes:
        return Finding(Reason.INTERFACE_NOT_FOUND, _interface_not_found(pool.interface, speakers.values()))
    return Finding(Reason.READY, f"nodes with interface {pool.interface} announce its addresses")


def _interface_not_found(interface: str, speakers: Collection[Speaker]) -> str:
    if any(link_for(interface, speaker.links) for speaker in speakers):
        return _no_ipv6(interface)
    seen = sorted({link.name for speaker in speakers for link in speaker.links})
    names = ", ".join(seen[:INTERFACES_NAMED]) or "none"
    wanted = (
        f"no node has an interface whose network holds {interface.removeprefix(CAN_REACH)}"
        if interface.startswith(CAN_REACH)
        else f"no node has an interface {interface} that is up"
    )
    return f"{wanted}: correct spec.interface of the Eip; interfaces seen on the nodes: {names}"


def _no_ipv6(interface: str) -> str:
    return (
        f"no node has an IPv6 address on interface {interface}, so none hears IPv6 there: switch IPv6 on there, "
        "or take the IPv6 addresses out of spec.address"
    )


def service_outlook(
    pool: Pool,
    reach: Reach,
    address: Address,
    services: Collection[Service],
    endpoints: Mapping[ServiceKey, frozenset[str]],
) -> Finding:
    """Whether a node announces the `address` of that pool for all `services` that hold it (reason Announced), or why none does.

    The sentence names no node, so that a failover writes to no Service.
    """
    if reach.finding.reason is not Reason.READY:
        return Finding(reach.finding.reason, f"Eip {pool.name}: {reach.finding.sentence}")
    if address not in trusted(pool):
        return Finding(
            Reason.ADDRESS_OUTSIDE_POOL,
            f"Eip {pool.name} ({pool.address}) does not hold {address} any more, so no node answers for it: "
            "put the address back into spec.address, or ask for another one",
        )
    if not reach.of(address):
        return Finding(Reason.INTERFACE_NOT_FOUND, f"Eip {pool.name}: {_no_ipv6(pool.interface)}")
    if not candidates(reach.of(address), services, endpoints):
        return Finding(Reason.NO_LOCAL_ENDPOINT, _no_local_endpoint(services))
    return Finding(Reason.ANNOUNCED, f"a node with interface {pool.interface} answers for it (layer2)")


def _no_local_endpoint(services: Collection[Service]) -> str:
    if len(services) == 1:
        return (
            "externalTrafficPolicy is Local and no node that could announce the address has a ready endpoint: "
            "look at the Service's pods, or set externalTrafficPolicy to Cluster"
        )
    sharers = ", ".join(sorted(str(service.key) for service in services if service.local_traffic_only))
    return (
        f"no node that could announce the address has a ready endpoint of each of {sharers}, which share it with "
        "externalTrafficPolicy Local: give them addresses of their own, or set externalTrafficPolicy to Cluster"
    )
