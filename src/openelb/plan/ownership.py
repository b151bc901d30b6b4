"""Which of its candidates an address is at: where it is already, else where its weight puts it.

A node that takes an address from another holds it, and says so: when the other is back, the address stays, and no client has
to learn another MAC. Of several that have one, as after a partition, the first by weight goes on, and holds it as well for as long
as another does. All nodes compute the same.
"""

from collections.abc import Iterable, Mapping, Sequence

from openelb.model.addresses import Address
from openelb.model.cluster import Pool, Speaker
from openelb.plan.placement import winner, wins

Keepers = Mapping[Address, tuple[str, ...]]
"""The nodes that hold an address; most addresses are not held, but where their weight puts them."""


def keepers(speakers: Mapping[str, Speaker], but: str = "") -> Keepers:
    """Those of all speakers but one, by what they say."""
    found: dict[Address, tuple[str, ...]] = {}
    for node, speaker in sorted(speakers.items()):
        if node != but:
            for address in speaker.holds:
                found[address] = (*found.get(address, ()), node)
    return found


def owner(
    address: Address, pool: Pool, nodes: frozenset[str], rather: frozenset[str], kept: Sequence[str]
) -> str | None:
    """The one of the candidates `nodes` that the address is at: one of those that hold it, which are `kept`, or that have it
    `rather`.
    """
    return winner(address, contenders(pool, nodes, rather, kept))


def contenders(pool: Pool, nodes: frozenset[str], rather: frozenset[str], kept: Sequence[str]) -> frozenset[str]:
    """The candidates among whom weight decides."""
    staying = () if pool.layer2.failback else nodes.intersection(kept)
    return frozenset(staying) if staying else rather


def left_to_others(
    me: str, address: Address, pool: Pool, nodes: frozenset[str], rather: frozenset[str], kept: Sequence[str]
) -> tuple[frozenset[str], str | None]:
    """The contenders, and the one the address is at, by who judges as if `me` were not there."""
    there = nodes - {me}
    among = contenders(pool, there, rather - {me} or there, kept)
    return among, winner(address, among)


def apart(earlier: Iterable[tuple[Address, frozenset[str]]]) -> frozenset[str]:
    """The nodes at which weight puts the `earlier` addresses of a Service, each with the nodes that could have it, there or not: a
    later one is rather at another. Who is lost changes nothing of it, so that it moves no address that is not its own.
    """
    taken = frozenset[str]()
    for address, able in earlier:
        taken |= frozenset(filter(None, [winner(address, able - taken or able)]))
    return taken


def is_kept(me: str, address: Address, nodes: frozenset[str], *, was_here: bool, was_held: bool) -> bool:
    """Whether `me` holds an address that `was_here`: it did before, or another candidate comes before it."""
    return was_here and (was_held or not wins(me, address, nodes))


def is_rivalled(nodes: frozenset[str], kept: Sequence[str], *, was_here: bool) -> bool:
    """Whether a candidate that hears this node holds an address that `was_here`: it took that over while this one went on."""
    return was_here and not nodes.isdisjoint(kept)


def is_held(me: str, address: Address, able: frozenset[str], known: frozenset[str], *, was_held: bool) -> bool:
    """Whether the others have to know that `me` holds what it has: one that could have it, were it there, comes before it. It
    holds what it held as long as any node does that is `known`, able or not.
    """
    return (was_held or not wins(me, address, able)) and not wins(me, address, known)
