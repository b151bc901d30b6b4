"""Which address would change its node if a node were drained or undrained: by the same judgement that speakers make."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from openelb.model.addresses import Address, order
from openelb.model.cluster import Node, Protocol
from openelb.model.routers import CONF
from openelb.model.snapshot import Snapshot
from openelb.plan import node, routes
from openelb.plan.ownership import keepers, owner


@dataclass(frozen=True, slots=True)
class Move:
    """An address that Services show, the node that answers for it `before` and the one `after`; empty: none does."""

    address: str
    services: tuple[str, ...]
    before: str
    after: str


def with_drained(snapshot: Snapshot, name: str, *, drained: bool) -> Snapshot:
    """The same cluster with that node drained, or not."""
    seen = snapshot.nodes.get(name) or Node(name)
    return replace(snapshot, nodes={**snapshot.nodes, name: replace(seen, drained=drained)})


def moves(earlier: Snapshot, later: Snapshot, alive: frozenset[str], lb_class: str) -> tuple[Move, ...]:
    """Every address that is announced, with its node in both, in order."""
    first, second = _owners(earlier, alive, lb_class), _owners(later, alive, lb_class)
    return tuple(
        Move(str(address), tuple(sorted(map(str, keys))), first.get(address, ((), ""))[1], after)
        for address, (keys, after) in sorted(second.items(), key=lambda entry: order(entry[0]))
    )


def routes_left(snapshot: Snapshot, name: str, alive: frozenset[str], lb_class: str) -> tuple[Move, ...]:
    """The addresses that a node tells routers of also when it leaves: no other node can serve them."""
    gone = routes.heirs(snapshot, name, alive)
    told = routes.judge(routes.Routing(), snapshot, name, lb_class, 0.0, gone).routes.values()
    return tuple(
        Move(str(route.address), tuple(sorted(str(key) for key, _ in route.services)), name, name)
        for route in sorted(told, key=lambda route: order(route.address))
    )


def tells_routers(snapshot: Snapshot, name: str, lb_class: str) -> bool:
    """Whether a node that stays has any routes."""
    return CONF in snapshot.confs and bool(routes.judge(routes.Routing(), snapshot, name, lb_class, 0.0).routes)


def _owners(
    snapshot: Snapshot, alive: frozenset[str], lb_class: str
) -> Mapping[Address, tuple[tuple[object, ...], str]]:
    """For each address the Services that show it, and the node that answers. What BGP announces is nobody's: routers choose."""
    kept = keepers(snapshot.speakers)
    return {
        address: (
            tuple(service.key for service in answer.services),
            owner(address, answer.pool, answer.nodes, answer.rather, kept.get(address, ())) or "",
        )
        for address, answer in node.answers(snapshot, alive, lb_class).items()
        if answer.pool.protocol is not Protocol.BGP
    }
