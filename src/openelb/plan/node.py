"""The speaker's whole judgement: which addresses this node announces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from openelb.model import names
from openelb.model.addresses import parse_address
from openelb.model.announcements import Claim
from openelb.model.cluster import Pool, Service, ServiceKey
from openelb.model.snapshot import Snapshot
from openelb.plan.placement import candidates, link_for, reaches, trusted, wins

OTHERS_NAMED = 3


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a node announces an address: for which Services, and a sentence on why it is this node."""

    services: tuple[ServiceKey, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What this node announces, and on which grounds. `others` has the candidates for the addresses that it does not."""

    claims: Mapping[Claim, Grounds] = field(default_factory=dict)
    others: Mapping[IPv4Address, frozenset[str]] = field(default_factory=dict)


def plan(snapshot: Snapshot, me: str, alive: frozenset[str], lb_class: str = names.LOAD_BALANCER_CLASS) -> NodePlan:
    """What node `me` announces while the nodes in `alive` are.

    A node whose own Lease is not in the cluster announces nothing: its peers could not know of it.
    """
    if me not in alive or me not in snapshot.speakers:
        return NodePlan()
    links = {pool.interface: link_for(pool.interface, snapshot.speakers[me].links) for pool in snapshot.pools.values()}
    claims: dict[Claim, Grounds] = {}
    others: dict[IPv4Address, frozenset[str]] = {}
    for address, answer in answers(snapshot, alive, lb_class).items():
        link = links[answer.pool.interface]
        if link is not None and me in answer.nodes and wins(me, address, answer.nodes):
            claims[Claim(address, link.name)] = _grounds(me, answer, len(alive & snapshot.speakers.keys()))
        else:
            others[address] = answer.nodes
    return NodePlan(claims, others)


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one address: its pool, the Services that show it, and the nodes that may answer for it."""

    pool: Pool
    services: tuple[Service, ...]
    nodes: frozenset[str]


def answers(snapshot: Snapshot, alive: frozenset[str], lb_class: str) -> Mapping[IPv4Address, Answer]:
    """The IPv4 addresses that Services show, each with who may answer for it while the nodes in `alive` are."""
    speakers = {node: speaker for node, speaker in snapshot.speakers.items() if node in alive}
    reach = reaches(snapshot.pools, speakers)
    return {
        address: Answer(pool, tuple(services), candidates(reach[pool.name].nodes, services, snapshot.endpoints))
        for address, (pool, services) in _published(snapshot, lb_class).items()
    }


def _published(snapshot: Snapshot, lb_class: str) -> dict[IPv4Address, tuple[Pool, list[Service]]]:
    """The IPv4 addresses that Services show, each with its pool and all the Services that show it.

    Where the labels of its Services disagree, the first pool by name counts: every node has to judge alike.
    """
    found: dict[IPv4Address, tuple[Pool, list[Service]]] = {}
    for service in snapshot.services.values():
        pool = snapshot.pools.get(service.pool_label)
        if pool is None or not _is_ours(service, lb_class):
            continue
        for address in _shown(service, pool):
            first, services = found.get(address, (pool, []))
            services.append(service)
            found[address] = (min(first, pool, key=lambda pool: pool.name), services)
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


def _grounds(me: str, answer: Answer, alive: int) -> Grounds:
    others = sorted(answer.nodes - {me})
    if others:
        sentence = f"won over {', '.join(others[:OTHERS_NAMED])}"
        if len(others) > OTHERS_NAMED:
            sentence += f" and {len(others) - OTHERS_NAMED} more"
    elif alive > 1:
        sentence = "no other node can"
    else:
        sentence = "no other speaker is alive"
    return Grounds(tuple(sorted(service.key for service in answer.services)), sentence)
