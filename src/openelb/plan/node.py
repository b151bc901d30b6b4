"""The speaker's whole judgement: which addresses this node announces."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from openelb.model import names
from openelb.model.addresses import parse_address
from openelb.model.announcements import Claim
from openelb.model.cluster import Pool, Service, ServiceKey, Speaker
from openelb.model.snapshot import Snapshot
from openelb.plan.placement import candidates, link_for, trusted, winner

OTHERS_NAMED = 3


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a node announces an address: for which Services, and a sentence on why it is this node."""

    services: tuple[ServiceKey, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What this node announces, and on which grounds. `elsewhere` names the node that announces the other addresses."""

    claims: Mapping[Claim, Grounds] = field(default_factory=dict)
    elsewhere: Mapping[IPv4Address, str] = field(default_factory=dict)


def plan(snapshot: Snapshot, me: str, alive: frozenset[str], lb_class: str = names.LOAD_BALANCER_CLASS) -> NodePlan:
    """What node `me` announces while the nodes in `alive` are.

    A node whose own Lease is not in the cluster announces nothing: its peers could not know of it.
    """
    speakers = {node: speaker for node, speaker in snapshot.speakers.items() if node in alive}
    if me not in speakers:
        return NodePlan()
    claims: dict[Claim, Grounds] = {}
    elsewhere: dict[IPv4Address, str] = {}
    for address, (pool, services) in _published(snapshot, lb_class).items():
        nodes = candidates(pool, services, snapshot.endpoints, speakers)
        owner = winner(address, nodes)
        link = link_for(pool.interface, speakers[me].links)
        if owner == me and link is not None:
            claims[Claim(address, link.name)] = _grounds(me, nodes, services, speakers)
        elif owner is not None:
            elsewhere[address] = owner
    return NodePlan(claims, elsewhere)


def _published(snapshot: Snapshot, lb_class: str) -> dict[IPv4Address, tuple[Pool, list[Service]]]:
    """The IPv4 addresses that Services show, each with its pool and all the Services that show it."""
    found: dict[IPv4Address, tuple[Pool, list[Service]]] = {}
    sharers: dict[IPv4Address, list[Service]] = defaultdict(list)
    for service in snapshot.services.values():
        pool = snapshot.pools.get(service.pool_label)
        if pool is None or not _is_ours(service, lb_class):
            continue
        for address in _shown(service, pool):
            sharers[address].append(service)
            found[address] = (pool, sharers[address])
    return found


def _is_ours(service: Service, lb_class: str) -> bool:
    return service.load_balancer and service.load_balancer_class in ("", lb_class)


def _shown(service: Service, pool: Pool) -> Iterator[IPv4Address]:
    """A speaker trusts an ingress address only where it lies in the pool that the Service's label names."""
    ranges = trusted(pool)
    for text in service.ingress:
        address = parse_address(text)
        if isinstance(address, IPv4Address) and any(address in addresses for addresses in ranges):
            yield address


def _grounds(me: str, nodes: frozenset[str], services: list[Service], speakers: Mapping[str, Speaker]) -> Grounds:
    others = sorted(nodes - {me})
    if others:
        sentence = f"won over {', '.join(others[:OTHERS_NAMED])}"
        if len(others) > OTHERS_NAMED:
            sentence += f" and {len(others) - OTHERS_NAMED} more"
    elif len(speakers) > 1:
        sentence = "no other node can"
    else:
        sentence = "no other speaker is alive"
    return Grounds(tuple(sorted(service.key for service in services)), sentence)
