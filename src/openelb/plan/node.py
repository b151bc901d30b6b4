"""The speaker's whole judgement: which addresses this node announces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.announcements import Claim
from openelb.model.cluster import Pool, Protocol, Service, ServiceKey
from openelb.model.snapshot import Snapshot
from openelb.plan import gateways
from openelb.plan.bgp_outlook import hindrance
from openelb.plan.interfaces import link_for
from openelb.plan.ownership import apart, contenders, is_held, is_kept, is_rivalled, keepers, left_to_others
from openelb.plan.placement import Reach, candidates, reaches, winner, wins
from openelb.plan.presence import Alive
from openelb.plan.showing import read, showing, source, touched
from openelb.plan.standing import best, leaving

OTHERS_NAMED = 3
NO_ADDRESSES = frozenset[Address]()
NOBODY_ALIVE = Alive()

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
    """What this node announces, and on which grounds. `others` has the candidates for the addresses that it does not, and
    `holds` those that it does although another node comes before it.
    """

    claims: Mapping[Claim, Grounds] = field(default_factory=dict)
    others: Mapping[Address, frozenset[str]] = field(default_factory=dict)
    holds: frozenset[Address] = frozenset()

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
    alive: Alive = NOBODY_ALIVE
    shown: Mapping[str, _Shown] = field(default_factory=dict)
    plan: NodePlan = field(default_factory=NodePlan)

    def services(self, address: str) -> tuple[ServiceKey, ...]:
        """Those that show the address."""
        return self.shown[address].services if address in self.shown else ()

    def agrees_with(self, snapshot: Snapshot, alive: Alive) -> bool:
        """Whether all that concerns every address is as it was, so that each can be judged on its own."""
        return (
            self.alive == alive
            and self.snapshot.pools == snapshot.pools
            and self.snapshot.nodes == snapshot.nodes
            and _told(self.snapshot) == _told(snapshot)
            and _held(self.snapshot) == _held(snapshot)
        )

    def is_of_same_speakers(self, other: "Judgement") -> bool:
        """Whether the same speakers were alive in both, on the same links, whatever their gateways and the nodes' taints."""
        one, another = (_equipped(judged.snapshot) for judged in (self, other))
        return self.alive == other.alive and one == another


def plan(snapshot: Snapshot, me: str, alive: frozenset[str], lb_class: str = names.LOAD_BALANCER_CLASS) -> NodePlan:
    """What node `me` announces while the nodes in `alive` are.

    A node whose own Lease is not in the cluster announces nothing: its peers could not know of it.
    """
    return judge(Judgement(), snapshot, me, Alive(alive), lb_class).plan


def judge(
    before: Judgement,
    snapshot: Snapshot,
    me: str,
    alive: Alive,
    lb_class: str,
    inherited: frozenset[Address] = NO_ADDRESSES,
) -> Judgement:
    """The same plan, made from the one `before` of the same node: only what Services show that have changed is judged anew.
    What the process before this one announced is `inherited`.

    A thousand Services that come to ten thousand would otherwise cost a minute of processor time.
    """
    if me not in alive.nodes or me not in snapshot.speakers:
        return Judgement()
    earlier = before.plan
    if not before.agrees_with(snapshot, alive):
        before = Judgement()
    concerned = touched(before.snapshot, snapshot)
    if not concerned:
        return replace(before, snapshot=snapshot, alive=alive)
    links, own = snapshot.speakers[me].links, snapshot.nodes[me].address if me in snapshot.nodes else ""
    here = inherited.union(claim.address for claim in earlier.claims)
    there, known = len(alive.nodes & snapshot.speakers.keys()), frozenset(snapshot.speakers)
    kept = keepers(snapshot.speakers, but=me)
    shown, claims, others = dict(before.shown), dict(before.plan.claims), dict(before.plan.others)
    holds = set(before.plan.holds)
    found = showing(before.snapshot, before.services, snapshot, concerned, lb_class)
    for text in found:
        if (former := shown.pop(text, None)) and former.claim:
            del claims[former.claim]
            holds.discard(former.claim.address)
        elif former:
            del others[read(text)]
    for text, answer in _answers(snapshot, alive, found).items():
        address, claim = read(text), None
        was_held = address in earlier.holds or _was_elsewhere(me, address, earlier)
        keeping = kept.get(address, ())
        rivalled = is_rivalled(answer.nodes - alive.deaf, keeping, was_here=address in here)
        if rivalled or is_kept(me, address, answer.rather, was_here=address in here, was_held=was_held):
            keeping = (*keeping, me)
        among = contenders(answer.pool, answer.nodes, answer.rather, keeping)
        if alive.without_us:
            theirs, taker = left_to_others(me, address, answer.pool, answer.nodes, answer.rather, kept.get(address, ()))
            among = theirs if taker in alive.without_us else among
        ours = answer.pool.protocol is not Protocol.BGP and me in among and wins(me, address, among)
        if ours and (link := link_for(answer.pool.interface, links, address, own)) is not None:
            claim = Claim(address, link.name, answer.pool.protocol, answer.pool.layer2)
            claims[claim] = _grounds(me, answer, among, there)
            if rivalled or is_held(me, address, answer.able, known, was_held=was_held):
                holds.add(address)
        else:
            others[address] = among
        shown[text] = _Shown(found[text], claim)
    return Judgement(snapshot, alive, shown, NodePlan(claims, others, frozenset(holds)))


def _was_elsewhere(me: str, address: Address, before: NodePlan) -> bool:
    return winner(address, before.others.get(address, ())) not in (None, me)


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one address: its pool, the Services that show it, the nodes that may answer for it, those of them that do so `rather`,
    since the others have other addresses of the same Service, and those that might if they were alive.
    """

    pool: Pool
    services: tuple[Service, ...]
    nodes: frozenset[str]
    rather: frozenset[str]
    able: frozenset[str] = frozenset()


def answers(snapshot: Snapshot, alive: frozenset[str], lb_class: str) -> Mapping[Address, Answer]:
    """The addresses that Services show, each with who may answer for it while the nodes in `alive` are."""
    found = showing(Snapshot(), lambda address: (), snapshot, snapshot.services.keys(), lb_class)
    return {read(text): answer for text, answer in _answers(snapshot, Alive(alive), found).items()}


def _reach(snapshot: Snapshot, alive: Alive) -> dict[str, Reach]:
    """The reach of every pool, by the nodes that are alive to it."""
    found: dict[str, Reach] = {}
    for nodes in {alive.nodes, *alive.sooner.values()}:
        pools = {name: pool for name, pool in snapshot.pools.items() if alive.of(pool.layer2) == nodes}
        speakers = {node: speaker for node, speaker in snapshot.speakers.items() if node in nodes}
        found |= reaches(pools, speakers, snapshot.nodes, hindrance(snapshot))
    return found


def _answers(snapshot: Snapshot, alive: Alive, showing: Mapping[str, tuple[ServiceKey, ...]]) -> dict[str, Answer]:
    """Where the labels of its Services disagree, the first pool by name counts: every node has to judge alike."""
    unwilling = leaving(snapshot.nodes, snapshot.speakers)
    cut_off = gateways.without(snapshot.speakers, snapshot.nodes)
    reach = _reach(snapshot, alive)
    everybody = Alive(frozenset(snapshot.speakers))
    able = reach if alive == everybody else _reach(snapshot, everybody)
    found = {}
    for address, keys in showing.items():
        if keys:
            services = tuple([snapshot.services[key] for key in keys])
            number = read(address)
            sources = [source(number, service.pool_label, snapshot.pools) for service in services]
            pool = min([source for source in sources if source is not None], key=lambda pool: pool.name)
            nodes = candidates(reach[pool.name].of(number), services, snapshot.endpoints)
            nodes = best(best(nodes, unwilling), cut_off(pool, number))
            could = candidates(able[pool.name].of(number), services, snapshot.endpoints)
            first = min(services, key=lambda service: service.key)
            others = apart(_earlier(number, first, able, snapshot.pools))
            found[address] = Answer(pool, services, nodes, nodes - others or nodes, could - others or could)
    return found


def _earlier(
    address: Address, service: Service, able: Mapping[str, Reach], pools: Mapping[str, Pool]
) -> Iterator[tuple[Address, frozenset[str]]]:
    """The Service's addresses before that one, each with the nodes that can announce it."""
    for text in service.ingress:
        one = parse_address(text)
        if one is None or one == address:
            return
        if pool := source(one, service.pool_label, pools):
            yield one, able[pool.name].of(one)


def _told(snapshot: Snapshot) -> Mapping[str, tuple[object, ...]]:
    """What speakers say of their nodes, as far as it matters here."""
    return {node: (one.links, one.leaves_when_cordoned, one.tainted) for node, one in snapshot.speakers.items()}


def _equipped(snapshot: Snapshot) -> Mapping[str, tuple[object, ...]]:
    """The same, but for what may change while a node is as able to announce as before: gateways and taints."""
    speakers = gateways.without_losses(snapshot.speakers)
    return {node: (one.links, one.leaves_when_cordoned) for node, one in speakers.items()}


def _held(snapshot: Snapshot) -> Mapping[str, frozenset[Address]]:
    return {node: speaker.holds for node, speaker in snapshot.speakers.items()}


def _grounds(me: str, answer: Answer, among: frozenset[str], alive: int) -> Grounds:
    others = sorted(among - {me})
    if among != answer.rather and not others:
        sentence = "it is here already, and stays"
    elif among != answer.nodes and not others:
        sentence = "the other nodes have other addresses of its Service"
    elif others:
        sentence = f"won over {', '.join(others[:OTHERS_NAMED])}"
        if len(others) > OTHERS_NAMED:
            sentence += f" and {len(others) - OTHERS_NAMED} more"
    elif alive > 1:
        sentence = "no other node can"
    else:
        sentence = "no other speaker is alive"
    return Grounds(tuple(sorted([service.key for service in answer.services])), sentence)
