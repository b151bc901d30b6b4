"""What the authors of the BgpConf and of BgpPeers are told of the nodes, and which nodes' words are to be struck out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from openelb.model import names
from openelb.model.bgp import SessionState
from openelb.model.cluster import Node, Speaker
from openelb.model.findings import Condition, Finding, Reason
from openelb.model.routers import BgpPeer
from openelb.plan.bgp_outlook import LEFT_TO_CNI

NODES_NAMED = 5


@dataclass(frozen=True, slots=True)
class Word:
    """What a node says of a BgpPeer: the state of its session, and since when (RFC 3339); or of the BgpConf, without these, whether
    BGP runs. `problem` is a sentence.
    """

    state: str = ""
    problem: str = ""
    since: str = ""
    runs: bool = False

    @property
    def is_established(self) -> bool:
        """Whether the peer is told of routes."""
        return self.state == SessionState.ESTABLISHED.value


@dataclass(frozen=True, slots=True)
class Told:
    """What nodes say of an object, and what its author was told of that."""

    words: Mapping[str, Word] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()


def meant(peer: BgpPeer, speakers: Mapping[str, Speaker], nodes: Mapping[str, Node]) -> frozenset[str]:
    """The nodes with a speaker that are to have a session with the peer."""
    selector = peer.node_selector
    if selector is None:
        return frozenset(speakers)
    return frozenset(name for name in speakers if name in nodes and selector.matches(nodes[name].labels))


def stale(told: Told, among: frozenset[str]) -> frozenset[str]:
    """The nodes whose words are to be struck out: they have no speaker any more, or nothing to speak of."""
    return frozenset(told.words) - among


def established(peer: BgpPeer, told: Told, among: frozenset[str], hindered: Finding | None = None) -> Condition:
    """The condition that says with how many nodes there is a session, and what is wrong with the others. `hindered` says why no
    node speaks BGP, where that is so.
    """
    return Condition.of(
        names.ESTABLISHED, finding := _finding(peer, told, among, hindered), status=finding.reason is Reason.ESTABLISHED
    )


def _finding(peer: BgpPeer, told: Told, among: frozenset[str], hindered: Finding | None) -> Finding:
    if peer.left_to_cni:
        return LEFT_TO_CNI
    if peer.problem:
        return Finding(Reason.BGP_PEER_INVALID, f"it cannot be used: {peer.problem}")
    if hindered is not None:
        return hindered
    if not among:
        what = "no speaker runs" if peer.node_selector is None else "spec.nodeSelector matches no node with a speaker"
        return Finding(Reason.NOT_ESTABLISHED, f"{what}, so nobody has a session with it")
    return _count(
        "Established with", told, among, lambda word: word.is_established, Reason.ESTABLISHED, Reason.NOT_ESTABLISHED
    )


def ready(told: Told, among: frozenset[str], hindered: Finding | None = None) -> Condition:
    """The condition that says on how many of the nodes with a speaker BGP runs, and what is wrong on the others."""
    if hindered is None and not among:
        hindered = Finding(Reason.NOT_RUNNING, "no speaker runs, so nobody speaks BGP")
    finding = hindered or _count("BGP runs on", told, among, lambda word: word.runs, Reason.READY, Reason.NOT_RUNNING)
    if finding.reason is Reason.READY and any(told.words[node].problem for node in among):
        finding = replace(finding, reason=Reason.NOT_RUNNING)  # not as its author wants it
    return Condition.of(names.READY, finding, status=finding.reason is Reason.READY)


def _count(
    words: str, told: Told, among: frozenset[str], is_well: Callable[[Word], bool], good: Reason, bad: Reason
) -> Finding:
    well = sorted(node for node in among if node in told.words and is_well(told.words[node]))
    others = sorted(among.difference(well))
    troubled = [*others, *(node for node in well if told.words[node].problem)]
    alike: dict[str, list[str]] = {}
    for node in troubled[:NODES_NAMED]:
        alike.setdefault(why(told.words.get(node)), []).append(node)
    shown = [f"{', '.join(nodes)}: {sentence}" for sentence, nodes in alike.items()]
    if len(troubled) > NODES_NAMED:
        shown.append(f"and {len(troubled) - NODES_NAMED} more")
    count = f"{words} {len(well)} of {len(among)} nodes"
    return Finding(bad if others else good, "; ".join((count, *shown)))


def why(word: Word | None) -> str:
    """What is wrong with a session, as a sentence; empty where it is established as it was asked for."""
    if word is None:
        return "its speaker has said nothing of it yet"
    if word.is_established:
        return word.problem
    return word.problem or "there is no session yet"
