"""The speaker's whole judgement: which addresses this node announces."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar, cast

from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.announcements import Claim
from openelb.model.cluster import Pool, Service, ServiceKey
from openelb.model.snapshot import Snapshot
from openelb.plan.placement import age, candidates, link_for, reaches, trusted, winner, wins

OTHERS_NAMED = 3

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a node announces an address: for which Services, and a sentence on why it is this node."""

    services: tuple[ServiceKey, ...]
    sentence: str

    def __str__(self) -> str:
        return f"for {', '.join(map(str, self.services))}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What this node announces, and on which grounds. `others` has the candidates for the addresses that it does not."""

    claims: Mapping[Claim, Grounds] = field(default_factory=dict)
    others: Mapping[Address, frozenset[str]] = field(default_factory=dict)

    def why_not(self, address: Address) -> str:
        """Why this node does not announce the address."""
        owner = winner(address, self.others.get(address, ()))
        return f"{owner} does" if owner else "no Service that this node may announce shows it"


class _Shown(NamedTuple):
    """An address: the Services that show it, and our claim to it where we have one."""

    services: tuple[ServiceKey, ...]
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A plan with what it was made from, so that the next one need not be made from nothing.

    Addresses are texts here, and there is one for each: hashing an address takes ten times as long.
    """

    snapshot: Snapshot = field(default_factory=Snapshot)
    alive: frozenset[str] = frozenset()
    shown: Mapping[str, _Shown] = field(default_factory=dict)
    plan: NodePlan = field(default_factory=NodePlan)

    def services(self, address: str) -> tuple[ServiceKey, ...]:
        """Those that show the address."""
        return self.shown[address].services if address in self.shown else ()

    def agrees_with(self, snapshot: Snapshot, alive: frozenset[str]) -> bool:
        """Whether all that concerns every address is as it was, so that each can be judged on its own."""
        links, before = snapshot.speakers.items(), self.snapshot.speakers.items()
        return (
            self.alive == alive
            and self.snapshot.pools == snapshot.pools
            and {node: speaker.links for node, speaker in before} == {node: speaker.links for node, speaker in links}
        )


def plan(snapshot: Snapshot, me: str, alive: frozenset[str], lb_class: str = names.LOAD_BALANCER_CLASS) -> NodePlan:
    """What node `me` announces while the nodes in `alive` are.

    A node whose own Lease is not in the cluster announces nothing: its peers could not know of it.
    """
    return judge(Judgement(), snapshot, me, alive, lb_class).plan


def judge(before: Judgement, snapshot: Snapshot, me: str, alive: frozenset[str], lb_class: str) -> Judgement:
    """The same plan, made from the one `before` of the same node: only what Services show that have changed is judged anew.

    A thousand Services that come to ten thousand would otherwise cost a minute of processor time.
    """
    if me not in alive or me not in snapshot.speakers:
        return Judgement()
    if not before.agrees_with(snapshot, alive):
        before = Judgement()
    touched = _touched(before.snapshot, snapshot)
    if not touched:
        return replace(before, snapshot=snapshot, alive=alive)
    links = {pool.interface: link_for(pool.interface, snapshot.speakers[me].links) for pool in snapshot.pools.values()}
    here = len(alive & snapshot.speakers.keys())
    shown, claims, others = dict(before.shown), dict(before.plan.claims), dict(before.plan.others)
    showing = _showing(before, snapshot, touched, lb_class)
    for text in showing:
        if (former := shown.pop(text, None)) and former.claim:
            del claims[former.claim]
        elif former:
            del others[_address(text)]
    for text, answer in _answers(snapshot, alive, showing).items():
        address, link, claim = _address(text), links[answer.pool.interface], None
        if link is not None and me in answer.nodes and wins(me, address, answer.nodes):
            claim = Claim(address, link.name, answer.pool.protocol)
            claims[claim] = _grounds(me, answer, here)
        else:
            others[address] = answer.nodes
        shown[text] = _Shown(showing[text], claim)
    return Judgement(snapshot, alive, shown, NodePlan(claims, others))


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one address: its pool, the Services that show it, and the nodes that may answer for it."""

    pool: Pool
    services: tuple[Service, ...]
    nodes: frozenset[str]


def answers(snapshot: Snapshot, alive: frozenset[str], lb_class: str) -> Mapping[Address, Answer]:
    """The addresses that Services show, each with who may answer for it while the nodes in `alive` are."""
    showing = _showing(Judgement(), snapshot, snapshot.services.keys(), lb_class)
    return {_address(text): answer for text, answer in _answers(snapshot, alive, showing).items()}


def _answers(
    snapshot: Snapshot, alive: frozenset[str], showing: Mapping[str, tuple[ServiceKey, ...]]
) -> dict[str, Answer]:
    """Where the labels of its Services disagree, the first pool by name counts: every node has to judge alike."""
    reach = reaches(snapshot.pools, {node: speaker for node, speaker in snapshot.speakers.items() if node in alive})
    found = {}
    for address, keys in showing.items():
        if keys:
            services = tuple([snapshot.services[key] for key in keys])
            number = _address(address)
            sources = [_source(number, service.pool_label, snapshot.pools) for service in services]
            pool = min([source for source in sources if source is not None], key=lambda pool: pool.name)
            nodes = reach[pool.name].of(number)
            found[address] = Answer(pool, services, candidates(nodes, services, snapshot.endpoints))
    return found


def _touched(before: Snapshot, snapshot: Snapshot) -> Set[ServiceKey]:
    """The Services that may be judged otherwise than before, but for what concerns all of them."""
    services = _changed(before.services, snapshot.services)
    if before.endpoints is snapshot.endpoints:
        return services
    local = [key for key, service in snapshot.services.items() if service.local_traffic_only]
    return services.union(key for key in local if before.endpoints.get(key) is not snapshot.endpoints.get(key))


def _changed(before: Mapping[ServiceKey, Value], now: Mapping[ServiceKey, Value]) -> set[ServiceKey]:
    """Told by identity, since the store replaces what has changed and nothing else. To take too much for changed is no harm."""
    if before is now:
        return set()
    changed = {key for key, value in now.items() if before.get(key) is not value}
    new = sum(key not in before for key in changed)
    return changed if len(before) + new == len(now) else changed | (before.keys() - now.keys())


def _showing(
    before: Judgement, snapshot: Snapshot, touched: Set[ServiceKey], lb_class: str
) -> dict[str, tuple[ServiceKey, ...]]:
    """All addresses that the touched Services show or have shown, each with every Service that shows it, maybe none."""
    showing: dict[str, tuple[ServiceKey, ...]] = {}
    for key in touched & before.snapshot.services.keys():
        for address in _shown(before.snapshot.services[key], before.snapshot.pools, lb_class):
            keys = showing.get(address, before.services(address))
            showing[address] = tuple(other for other in keys if other != key)
    for key in touched & snapshot.services.keys():
        for address in _shown(snapshot.services[key], snapshot.pools, lb_class):
            showing[address] = (*showing.get(address, before.services(address)), key)
    return showing


def _is_ours(service: Service, lb_class: str) -> bool:
    return service.load_balancer and service.load_balancer_class in ("", lb_class)


def _shown(service: Service, pools: Mapping[str, Pool], lb_class: str) -> Iterable[str]:
    """The addresses of a Service of ours that are to be believed: those of a pool, where its label names one that is there.

    Each as one text, whoever wrote it: `2001:DB8::1` is `2001:db8::1`.
    """
    found: dict[str, None] = {}
    if service.pool_label not in pools or not service.ingress or not _is_ours(service, lb_class):
        return found
    for text in service.ingress:
        address = parse_address(text)
        if address is not None and _source(address, service.pool_label, pools):
            found[text if address.version == 4 else str(address)] = None
    return found


def _source(address: Address, label: str, pools: Mapping[str, Pool]) -> Pool | None:
    """The pool by whose word an address is announced: the labelled one, or where that does not have it, the oldest that does.

    The label has room for one name, and a Service may have addresses of several pools.
    """
    labelled = pools[label]
    if address in trusted(labelled):
        return labelled
    return min((pool for pool in pools.values() if address in trusted(pool)), key=age, default=None)


def _address(text: str) -> Address:
    """What `_shown` has read already."""
    return cast("Address", parse_address(text))


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
    return Grounds(tuple(sorted([service.key for service in answer.services])), sentence)
