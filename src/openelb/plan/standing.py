"""What the cluster says of its nodes, by label, annotation and cordon: which may announce, and which only where no other can.

A node of which nothing is known may: whoever must not list nodes goes on without.
"""

from collections.abc import Mapping

from openelb.model import names
from openelb.model.cluster import Node, Speaker
from openelb.model.routers import BgpPeer
from openelb.model.selectors import Selector


def is_excluded(node: Node | None) -> bool:
    """Whether it announces nothing at all."""
    return node is not None and names.EXCLUDED in node.labels


def is_selected(selector: Selector | None, node: Node | None) -> bool:
    """Whether the author of a pool with that `nodeSelector` wants it announced there."""
    return selector is None or node is None or selector.matches(node.labels)


def has_session(peer: BgpPeer, node: Node | None) -> bool:
    """Whether the author of a BgpPeer wants the session there. A node of which nothing is known has those of all nodes alone: a
    session is more than an address that another node may announce as well.
    """
    return peer.node_selector is None or (node is not None and peer.node_selector.matches(node.labels))


def is_leaving(node: Node | None, speaker: Speaker | None) -> bool:
    """Whether it announces only what nobody else can: it is drained, or it is cordoned or tainted and its speaker was told to
    leave then.
    """
    return bool(departure(node, speaker))


def departure(node: Node | None, speaker: Speaker | None) -> str:
    """Why it does, in a few words; empty where it does not."""
    if node is not None and node.drained:
        return "drained"
    if node is not None and node.cordoned and speaker is not None and speaker.leaves_when_cordoned:
        return "cordoned"
    return f"tainted with {speaker.tainted}" if speaker is not None and speaker.tainted else ""


def leaving(nodes: Mapping[str, Node], speakers: Mapping[str, Speaker]) -> frozenset[str]:
    """All such nodes."""
    told = {name for name, node in nodes.items() if is_leaving(node, speakers.get(name))}
    return frozenset(told | {name for name, speaker in speakers.items() if speaker.tainted})


def best(nodes: frozenset[str], leaving: frozenset[str]) -> frozenset[str]:
    """Those of the candidates that answer: of nodes that are leaving, none but where there is no other. Silence is worse."""
    return (nodes - leaving or nodes) if leaving else nodes
