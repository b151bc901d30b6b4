"""A few paths that are for other peers than before, beside many that stay as they are.

Where policies change, gobgpd can do no less than to send a peer everything anew. A path that changes is told by itself, though, and
withdrawn from a peer that policies keep it from now: so these paths have a mark for a moment, with which they are kept from the peers
concerned, and told to all others without it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_network

from openelb.model.bgp import Path, Peer
from openelb.model.policy import (
    OURS,
    Actions,
    Assignment,
    Change,
    CommunityChange,
    Conditions,
    DefinedSet,
    Policies,
    Policy,
    SetKind,
    SetMatch,
    Statement,
    Verdict,
)

MARK = "4294967295:0:1"
"""A large community of an autonomous system that nobody has (RFC 7300)."""

MOVING = f"{OURS}moving"


@dataclass(frozen=True, slots=True)
class Moved:
    """Prefixes, as texts, of which some of these peers may be told and could not before, or the other way round."""

    prefixes: frozenset[str] = frozenset()
    peers: tuple[Peer, ...] = ()

    def is_cheap(self, staying: int, everybody: int) -> bool:
        """Whether it takes fewer messages to tell them alone, twice and to all peers, than to send all that stays to those concerned."""
        return 2 * len(self.prefixes) * everybody < staying * len(self.peers)


def marking(policies: Policies, peers: Iterable[Peer]) -> Policies:
    """These policies, but that the peers are not told of a path with the mark."""
    addresses = sorted({str(ip_network(peer.address.partition("%")[0])) for peer in peers})
    marked, whom = SetMatch(MOVING), SetMatch(MOVING)
    statements = (
        Statement(MOVING, Conditions(neighbors=whom, large_communities=marked), Actions(Verdict.REJECT)),
        Statement(f"{MOVING}-others", Conditions(large_communities=marked), Actions(large_communities=_UNMARK)),
    )
    return Policies(
        (
            *policies.sets,
            DefinedSet(SetKind.NEIGHBOR, MOVING, tuple(addresses)),
            DefinedSet(SetKind.LARGE_COMMUNITY, MOVING, (MARK,)),
        ),
        (Policy(MOVING, statements), *policies.definitions),
        policies.imports,
        Assignment((MOVING, *policies.exports.policies), policies.exports.default),
    )


_UNMARK = CommunityChange(Change.REMOVE, (MARK,))


def marked(path: Path) -> Path:
    """The path with the mark."""
    return replace(path, large_communities=path.large_communities | {MARK})
