"""Why a Service has its address or none, and why that node answers for it: the same judgements, told to a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import Protocol, Publication, Service, ServiceKey, Speaker
from openelb.model.snapshot import Snapshot, Unreadable
from openelb.plan import cluster, node, ownership
from openelb.plan.allocation import wants_address
from openelb.plan.gateways import is_without
from openelb.plan.interfaces import AUTO, link_for, words
from openelb.plan.ownership import keepers
from openelb.plan.placement import candidates, winner
from openelb.plan.standing import departure, is_excluded, is_selected
from openelb.plan.terms import terms
from openelb.plan.wording import not_ours


@dataclass(frozen=True, slots=True)
class Verdict:
    """One node: whether it may announce the address, and why."""

    node: str
    may: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one Service: its address and pool (empty when it has none), the reasons, and a verdict for every node.

    `owner` is the node that answers, empty when none does. Of several addresses, owner and verdicts are the first one's, and
    sentences say who answers for the others. `served` is false when something is wrong.
    """

    service: str
    address: str
    pool: str
    owner: str
    served: bool
    sentences: tuple[str, ...]
    nodes: tuple[Verdict, ...]


def explain(
    snapshot: Snapshot,
    alive: frozenset[str],
    key: ServiceKey,
    lb_class: str = names.LOAD_BALANCER_CLASS,
    now: float = 0.0,
) -> Explanation:
    """Explain one Service of the snapshot. Raises KeyError when it is not there."""
    unreadable = snapshot.unreadable.get(f"Service {key}")
    if unreadable and key not in snapshot.services:
        return Explanation(str(key), "", "", "", False, (_unreadable(unreadable),), ())
    told = _explain(snapshot, alive, key, lb_class, now)
    pool = snapshot.services[key].pool_label  # of the one it asks for, its condition tells
    troubles = [unreadable, snapshot.unreadable.get(f"Eip {pool}")]
    sentences = (*told.sentences, *(_unreadable(trouble) for trouble in troubles if trouble))
    return replace(told, served=told.served and not unreadable, sentences=sentences)


def _unreadable(found: Unreadable) -> str:
    return f"{found} {found.sentence} (Unreadable)"


def _explain(snapshot: Snapshot, alive: frozenset[str], key: ServiceKey, lb_class: str, now: float) -> Explanation:
    service = snapshot.services[key]
    if not wants_address(service, terms(snapshot, now), lb_class) and not service.pool_label:
        return Explanation(str(key), "", "", "", False, (not_ours(service, lb_class),), ())
    carried = cluster.published(service)
    want = cluster.plan(snapshot, alive, lb_class, now).services.get(key, carried)
    sentences = tuple(f"{condition.message} ({condition.reason})" for condition in want.conditions)
    if want.ingress != carried.ingress or not sentences:
        sentences = (*sentences, _soon(service, want))
    pool = snapshot.pools.get(service.pool_label)
    found = [one for one in map(parse_address, service.ingress) if one is not None]
    if pool is None or not found:
        return Explanation(str(key), "", "", "", False, sentences, ())
    nobody = node.Answer(pool, (service,), frozenset(), frozenset())
    answers = node.answers(snapshot, alive, lb_class)
    answer, kept = answers.get(found[0], nobody), keepers(snapshot.speakers)
    owner, *owners = [_announcers(address, answers.get(address, nobody), kept.get(address, ())) for address in found]
    further = [f"{_who(other)} answers for {address}" for address, other in zip(found[1:], owners, strict=True)]
    return Explanation(
        service=str(key),
        address=", ".join(map(str, found)),
        pool=pool.name,
        owner=owner,
        served=all((owner, *owners)) and all(condition.status for condition in want.conditions),
        sentences=(*sentences, *further),
        nodes=tuple(
            Verdict(name, name in answer.nodes, _verdict(speaker, found[0], answer, snapshot, alive, owner))
            for name, speaker in sorted(snapshot.speakers.items())
        ),
    )


def _announcers(address: Address, answer: node.Answer, kept: Sequence[str]) -> str:
    """The one node that answers; or all that routers may send to."""
    if answer.pool.protocol is Protocol.BGP:
        return ", ".join(sorted(answer.nodes))
    return ownership.owner(address, answer.pool, answer.nodes, answer.rather, kept) or ""


def _verdict(
    speaker: Speaker, address: Address, answer: node.Answer, snapshot: Snapshot, alive: frozenset[str], owner: str
) -> str:
    name, pool = speaker.node, answer.pool
    if pool.protocol is Protocol.BGP and name in answer.nodes:
        return "tells its routers that it is a way to the address"
    if name == owner:
        if name == winner(address, answer.rather):
            return "answers: it has the highest weight for this address among the nodes that may"
        return "answers: the address is here already, and stays while another node before it could take it"
    if name not in alive:
        return "is lost: its speaker does not renew its Lease"
    if name in answer.nodes:
        return "stands by: would answer if the nodes before it were lost"
    facts = snapshot.nodes.get(name)
    if is_excluded(facts):
        return f"announces nothing: it has the label {names.EXCLUDED}"
    if not is_selected(pool.node_selector, facts):
        return f"is not one of the nodes that spec.nodeSelector of Eip {pool.name} selects"
    if pool.protocol is Protocol.VIP:
        return f"does not announce {pool.protocol.value} in this version"
    if pool.protocol is Protocol.BGP:
        return _no_way(speaker, answer, snapshot)
    link = link_for(pool.interface, speaker.links, address, facts.address if facts else "")
    if link is None and words(pool.interface) == (AUTO,):
        return f"has no interface in a network that holds {address}; it has {_links(speaker)}"
    if link is None:
        return f"has no interface {pool.interface} that is up; it has {_links(speaker)}"
    if not link.hears_ipv6 and address.version == 6:
        return f"has no IPv6 address on interface {link.name}, so it does not hear IPv6 there"
    if name not in candidates(frozenset({name}), answer.services, snapshot.endpoints):
        return NO_ENDPOINT_HERE
    if why := departure(facts, speaker):
        return f"is {why}: would answer if no other node could"
    if is_without(pool, address, speaker.links, facts.address if facts else ""):
        return f"has lost its gateway on interface {link.name}: would answer if no other node could"
    return "does not announce this address, as said above"


def _no_way(speaker: Speaker, answer: node.Answer, snapshot: Snapshot) -> str:
    name = speaker.node
    if name not in candidates(frozenset({name}), answer.services, snapshot.endpoints):
        return NO_ENDPOINT_HERE
    if answer.nodes and (why := departure(snapshot.nodes.get(name), speaker)):
        return f"is {why}: would tell its routers of the address if no other node could"
    return "does not announce this address, as said above"


NO_ENDPOINT_HERE = "has no ready endpoint, and externalTrafficPolicy is Local"


def _who(owner: str) -> str:
    return f"node {owner}" if owner else "no node"


def _links(speaker: Speaker) -> str:
    return ", ".join(link.name for link in speaker.links) or "none"


def _soon(service: Service, want: Publication) -> str:
    if service.pool_label and not want.ingress:
        return "its address is being released"
    chosen = next(iter(want.ingress), "an address")
    return f"{chosen} is chosen and about to be published by the manager; is openelb-manager running?"


def unserved(
    snapshot: Snapshot, alive: frozenset[str], lb_class: str = names.LOAD_BALANCER_CLASS, now: float = 0.0
) -> Mapping[str, str]:
    """Every Service of ours with something wrong, and what: for an overview."""
    planned = cluster.plan(snapshot, alive, lb_class, now).services
    wrong = {}
    for key, service in snapshot.services.items():
        want = planned.get(key, cluster.published(service))
        told = [condition.message for condition in want.conditions if not condition.status]
        if not told and not service.ingress and wants_address(service, terms(snapshot, now), lb_class):
            told = [_soon(service, want)]
        if told:
            wrong[str(key)] = told[0]
    return wrong
