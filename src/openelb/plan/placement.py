"""Which nodes may announce an address in layer2 mode, and which one does. Every node computes the same."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType

from openelb.model import names
from openelb.model.addresses import Address, AddressRange, parse_address
from openelb.model.cluster import Node, Pool, Protocol, Service, ServiceKey, Speaker
from openelb.model.findings import Finding, Reason
from openelb.model.ranges import Ranges, read
from openelb.plan.bgp_outlook import NO_ENDPOINT, bgp_outlook, is_empty
from openelb.plan.interfaces import AUTO, NOBODY, Near, Ways, ways, words
from openelb.plan.outlook import layer2_outlook, told, unheard
from openelb.plan.standing import is_excluded, is_selected

LABEL_LENGTH = 63  # of the value of a label; names of objects may be longer
MISNAMED = (
    f"its name is longer than the {LABEL_LENGTH} characters that the label {names.POOL_LABEL} of a Service may have: "
    "create it under a shorter name"
)
NO_NODES: Mapping[str, Node] = MappingProxyType({})
NOWHERE = Near()


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

    `ipv6_nodes` are those of `nodes` where the kernel hears IPv6 on the interface: it is off on others. `near` has, of a
    pool with the interface `auto`, the nodes that are in a network with some of its addresses: they can announce these.
    """

    nodes: frozenset[str]
    ipv6_nodes: frozenset[str]
    finding: Finding
    near: Near = NOWHERE

    def of(self, address: Address) -> frozenset[str]:
        """The nodes that can announce that address."""
        anyway = self.nodes if address.version == 4 else self.ipv6_nodes
        return anyway | self.near.holding(address) if self.near.nodes else anyway


def reaches(
    pools: Mapping[str, Pool],
    speakers: Mapping[str, Speaker],
    nodes: Mapping[str, Node] = NO_NODES,
    hindered: Finding | None = None,
) -> dict[str, Reach]:
    """The reach of every pool; `speakers` are those alive, by node, and `hindered` says why BGP announces nothing where that is so.
    Computed once, since a cluster has many Services.
    """
    links = {name: speaker.links for name, speaker in speakers.items() if not is_excluded(nodes.get(name))}
    own = {name: nodes[name].address for name in links if name in nodes and nodes[name].address}
    meant = {interface: ways(interface, links, own) for interface in {pool.interface for pool in pools.values()}}
    finders = [pool for pool in pools.values() if _finds(pool)]
    near = Near.of(links, Ranges.of(part for pool in finders for part in trusted(pool).parts)) if finders else NOWHERE
    chosen = {
        selector: frozenset(name for name in links if is_selected(selector, nodes.get(name)))
        for selector in {pool.node_selector for pool in pools.values()}
    }
    return {
        name: _routed(pool, speakers, chosen[pool.node_selector], hindered)
        if pool.protocol is Protocol.BGP
        else _reach(pool, speakers, chosen[pool.node_selector], meant[pool.interface], near)
        for name, pool in pools.items()
    }


def _routed(pool: Pool, speakers: Mapping[str, Speaker], chosen: frozenset[str], hindered: Finding | None) -> Reach:
    """The reach of a pool that BGP announces: routers find the way, whatever the interfaces."""
    finding = _left_to_cni(pool) or bgp_outlook(pool, speakers, chosen, hindered)
    return Reach(chosen, chosen, finding) if finding.reason is Reason.READY else Reach(NOBODY, NOBODY, finding)


def _finds(pool: Pool) -> bool:
    """Whether each of its addresses finds a link of its own."""
    return AUTO in words(pool.interface)


def _reach(pool: Pool, speakers: Mapping[str, Speaker], chosen: frozenset[str], meant: Ways, near: Near) -> Reach:
    """The reach of one pool; `chosen` are the nodes that may announce it."""
    ranges = trusted(pool)
    near = near.within(ranges, chosen) if _finds(pool) else NOWHERE
    nodes, ipv6_nodes = meant.nodes & chosen, meant.ipv6_nodes & chosen if 6 in ranges.versions else NOBODY
    able = NOBODY.union(
        *(
            anyway | near.of_family(version)
            for version, anyway in ((4, nodes), (6, ipv6_nodes))
            if version in ranges.versions
        )
    )
    finding = _announcement_outlook(pool, speakers, chosen, able, meant.networks)
    return Reach(nodes, ipv6_nodes, finding, near) if finding.reason is Reason.READY else Reach(NOBODY, NOBODY, finding)


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


def _announcement_outlook(
    pool: Pool, speakers: Mapping[str, Speaker], chosen: frozenset[str], able: frozenset[str], met: Ranges
) -> Finding:
    return _left_to_cni(pool) or unserved(pool) or layer2_outlook(pool, trusted(pool), speakers, chosen, able, met)


def _left_to_cni(pool: Pool) -> Finding | None:
    if not pool.left_to_cni:
        return None
    return Finding(Reason.LEFT_TO_CNI, f"the label {names.CNI_LABEL} leaves the announcement to the network plugin")


def unserved(pool: Pool) -> Finding | None:
    """Why no speaker of this version announces what the pool has, or None where one does."""
    if pool.protocol is Protocol.VIP:
        return Finding(
            Reason.PROTOCOL_NOT_SERVED,
            f"no speaker announces {pool.protocol.value} in this version: set spec.protocol to layer2 and spec.interface, or to bgp",
        )
    return None


def _without(services: Collection[Service]) -> str:
    """What routers are not told since nobody understands it, as the end of a sentence."""
    problems = sorted({service.routing.problem for service in services} - {""})
    return f", without the attributes that annotations ask for: {'; '.join(problems)}" if problems else ""


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
    if pool.protocol is Protocol.BGP and is_empty(services, endpoints):
        return Finding(Reason.NO_ENDPOINT, NO_ENDPOINT)
    if not reach.of(address):
        return Finding(Reason.INTERFACE_NOT_FOUND, f"Eip {pool.name}: {unheard(pool, address)}")
    if not candidates(reach.of(address), services, endpoints):
        return Finding(Reason.NO_LOCAL_ENDPOINT, _no_local_endpoint(services))
    if pool.protocol is Protocol.BGP:
        return Finding(Reason.ANNOUNCED, f"nodes tell routers that they are a way to it (bgp){_without(services)}")
    return Finding(Reason.ANNOUNCED, f"a node with {told(pool.interface)} answers for it (layer2)")


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
