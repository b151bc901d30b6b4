"""`openelb drain` and `openelb undrain`: a node hands its addresses to the others, and may have some again.

What a node answers for is not asked of it: it is judged as every speaker judges it, of the same facts, and a moment is added
in which all have heard of them.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from openelb.cli import views
from openelb.kube import writes
from openelb.kube.client import Client
from openelb.kube.config import Access
from openelb.kube.errors import ApiError, Forbidden
from openelb.kube.store import Store
from openelb.model import names
from openelb.model.routers import CONF
from openelb.model.snapshot import Snapshot
from openelb.plan.moves import Move, moves, routes_left, tells_routers, with_drained

SETTLING = 6.0
"""Seconds after which the old owner has been silent for long, and the new one has told its neighbours for the last time."""


WITHDRAWING = 2.0
"""Seconds after which a speaker has looked again, and its routers have heard that the routes are gone."""


class MayNotWrite(ApiError):
    """Whoever asks has not the right to change nodes."""


@dataclass(frozen=True, slots=True)
class Draining:
    """What draining a node, or ending that, comes to. `done` says that it is drained and answers for nothing, or has ended."""

    node: str
    drained: bool
    dry_run: bool
    done: bool
    alive: bool
    moved: tuple[Move, ...]
    left: tuple[Move, ...]

    def text(self) -> str:
        """The same for a person."""
        lines = [self._told()]
        if self.moved:
            rows = [
                (one.address, ", ".join(one.services), one.before or "nobody", one.after or "nobody")
                for one in self.moved
            ]
            lines += ["", *views.table(("ADDRESS", "SERVICES", "FROM", "TO"), rows)]
        if self.left:
            lines += [
                "",
                f"no other node can answer for these, so {self.node} {'would go' if self.dry_run else 'goes'} on:",
            ]
            lines += [f"  {one.address} of {', '.join(one.services)}" for one in self.left]
            lines += [f"what keeps the other nodes from it: openelb explain service {self.left[0].services[0]}"]
        return "\n".join(lines)

    def _told(self) -> str:
        if not self.drained:
            takes = "would take" if self.dry_run else "takes" if self.done else "does not take"
            return f"node {self.node} {takes} part again; addresses that come to it: {len(self.moved)}"
        if not self.alive:
            return f"no speaker is alive on node {self.node}: it answers for nothing"
        if self.dry_run:
            return f"node {self.node} would give so many addresses to others: {len(self.moved)}"
        if self.done:
            return f"node {self.node} is drained and answers for nothing; openelb undrain {self.node} ends that"
        return f"node {self.node} is not drained yet"


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: that node `drained` or not; within `timeout` seconds of waiting. With `dry_run` nothing is written."""

    node: str
    drained: bool
    dry_run: bool = False
    timeout: float = 60.0
    lb_class: str = names.LOAD_BALANCER_CLASS


async def carry_out(
    access: Access,
    namespace: str,
    wish: Wish,
    tell: Callable[[str], None],
    *,
    listen: float = views.LISTEN_SECONDS,
    settling: float = SETTLING,
) -> Draining | None:
    """Do it, telling the progress; None where there is no such node. Raises ApiError."""
    async with views.reading(access, namespace) as (client, store):
        if wish.node not in store.snapshot().nodes:  # a manager's account may list nodes, and not read one
            return None
        snapshot, alive, _ = await views.heard(store, listen)
        # As it was before, also when somebody else has written it already.
        before = with_drained(snapshot, wish.node, drained=not wish.drained)
        after = with_drained(snapshot, wish.node, drained=wish.drained)
        if wish.dry_run:
            return _found(wish, before, after, alive, done=True)
        await _write(client, snapshot, wish)
        until = time.monotonic() + wish.timeout
        seen = await _wait(store, wish, alive, until, tell)
        found = _found(wish, before, seen, alive, done=_is_written(seen, wish))
        if wish.drained and found.done and found.moved and found.alive:
            tell(f"waiting {settling:g} s for node {wish.node} to fall silent and its neighbours to hear of the others")
            await asyncio.sleep(settling)
        if wish.drained and found.done and found.alive and tells_routers(before, wish.node, wish.lb_class):
            pause = seen.confs[CONF].drain.wait_seconds + WITHDRAWING if CONF in seen.confs else 0.0
            tell(f"waiting {pause:g} s for routers to prefer other nodes")
            await asyncio.sleep(pause)
        return found


async def _write(client: Client, snapshot: Snapshot, wish: Wish) -> None:
    if _is_written(snapshot, wish):
        return
    try:
        await writes.write_drained(client, wish.node, drained=wish.drained)
    except Forbidden as refusal:
        sign = f"{names.DRAINED}=true --overwrite" if wish.drained else f"{names.DRAINED}-"
        raise MayNotWrite(
            f"{refusal}; whoever may change nodes can write the same: kubectl annotate node {wish.node} {sign}"
        ) from refusal


async def _wait(store: Store, wish: Wish, alive: frozenset[str], until: float, tell: Callable[[str], None]) -> Snapshot:
    """Return when it is as wished, or the time is over; a first look is always taken."""
    told = -1
    while True:
        seen = store.snapshot()
        left = len(_held(wish, seen, alive)) if _is_written(seen, wish) and wish.drained else 0
        if left != told and wish.drained and _is_written(seen, wish):
            told = left
            tell(f"node {wish.node} answers for {left} address{'' if left == 1 else 'es'}")
        if (_is_written(seen, wish) and not left) or time.monotonic() >= until:
            return seen
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await store.changed()


def _is_written(seen: Snapshot, wish: Wish) -> bool:
    return wish.node in seen.nodes and seen.nodes[wish.node].drained == wish.drained


def _held(wish: Wish, seen: Snapshot, alive: frozenset[str]) -> tuple[Move, ...]:
    return tuple(move for move in moves(seen, seen, alive, wish.lb_class) if move.after == wish.node)


def _found(wish: Wish, before: Snapshot, after: Snapshot, alive: frozenset[str], *, done: bool) -> Draining:
    found = moves(before, after, alive, wish.lb_class)
    moved = tuple(move for move in found if move.before != move.after and wish.node in (move.before, move.after))
    left = tuple(move for move in found if move.after == wish.node) if wish.drained else ()
    if wish.drained and tells_routers(before, wish.node, wish.lb_class):
        left += routes_left(after, wish.node, alive, wish.lb_class)
    is_alive = wish.node in alive
    return Draining(wish.node, wish.drained, wish.dry_run, done and not left, is_alive, moved, left)
