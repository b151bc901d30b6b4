"""Which speakers watch each other: all of a few, and of many each its neighbours on a ring. All nodes compute the same ring."""

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256

from openelb.plan.heard import Standing

NEIGHBOURS = 8
"""What a node sends and receives grows with the cluster up to so many others, and no further."""

QUORUM = 2
"""So many neighbours have to have lost a node that is not ours; one may itself be what is cut off."""


def neighbours(me: str, nodes: Iterable[str]) -> frozenset[str]:
    """Those of the nodes that `me` watches: all of a few, else half of `NEIGHBOURS` on either side of a ring. Who watches is
    watched.
    """
    others = {node for node in nodes if node != me}
    if len(others) <= NEIGHBOURS:
        return frozenset(others)
    ring = sorted([me, *others], key=lambda node: sha256(node.encode()).digest())
    at, half = ring.index(me), NEIGHBOURS // 2
    return frozenset(ring[(at + step) % len(ring)] for step in range(-half, half + 1) if step)


def unaware(node: str, nodes: Collection[str]) -> frozenset[str]:
    """Those of the nodes that do not watch it, and have to be told. On a small ring its neighbours have them for neighbours, too."""
    return frozenset(nodes) - neighbours(node, nodes) - {node}


def quorum(node: str, nodes: Collection[str], standings: Mapping[str, Standing]) -> int:
    """How many of those that watch a node have to have lost it: one is enough where no other is there."""
    found = [standings.get(each) for each in neighbours(node, nodes)]
    return max(1, min(QUORUM, sum(each is not None and each.known and not each.silent for each in found)))
