"""What a client behind a router sees when a node is lost or leaves, or when parts of it are started anew.

The client sends to many addresses, so that whatever way a router takes for one of them, some are reached by every node. Nodes send
back what they get; the router's kernel alone decides which one gets it.
"""

import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bench import table
from bench.bgp_lasting import Lasting, answering, lasting
from bench.bgp_many import publish
from bench.bgp_stage import ADDRESSES, Stage
from bench.table import Row
from lab.bird import BIRD_3
from lab.frr import FRR
from lab.peering import Bfd, Software
from lab.routers import Router
from lab.traffic import LATE, Flow, echo, flow
from lab.wait import require, until

COUNT = 32
"""Addresses. That none of them is reached by one of three nodes happens once in 400,000 times."""

SETTLED, AFTER = 2.0, 5.0
"""Seconds for which all is well before something happens, and for which is looked on after it: longer than any of the hold times
that are measured.
"""

RESTART = 60
"""Seconds for which a router keeps the routes of a gobgpd that is gone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """By the client: the longest time in which an address was not reached, datagrams sent and lost, connections that lasted and
    those of them that were reset.
    """

    gap: float
    sent: int
    lost: int
    connections: int
    reset: int


@dataclass(frozen=True, slots=True)
class Loss:
    """How a router finds out that a node is gone, and within how many seconds for the median or for 99 of a hundred."""

    said: str
    bfd: Bfd | None
    hold: int
    at_most: float


LOSSES = (
    Loss("BFD 100 ms × 3", Bfd(100, 3), 9, 0.5),
    Loss("BFD 300 ms × 3 (default)", Bfd(300, 3), 9, 1.2),
    Loss("hold time 3 s", None, 3, 3.2),
)


def rows(stage: Stage, times: int, software: Sequence[Software] = (BIRD_3, FRR)) -> Iterator[Row]:
    """The rows of each software, where each thing happens so many times."""
    addresses = [str(ADDRESSES[1 + number]) for number in range(COUNT)]
    publish(stage, COUNT)
    hosts = [node.host for node in stage.there.nodes]
    with echo(hosts), answering(hosts):
        for kind in software:
            for loss in LOSSES:
                with stage.router(kind, bfd=loss.bfd, hold=loss.hold) as router:
                    stage.peer(bfd=loss.bfd, hold=loss.hold, strict=kind is FRR)
                    yield _lost(loss, kind, [_see(stage, router, addresses, _cut) for _ in _said(loss.said, times)])
            with stage.router(kind) as router:
                stage.peer(restart=RESTART)
                for said, change in CHANGES.items():
                    yield _kept(
                        f"{said}, {kind.name}",
                        [_see(stage, router, addresses, change) for _ in _said(said, max(1, times // 5))],
                        routes_stay=change is not _drain,
                    )


def _lost(loss: Loss, kind: Software, seen: Sequence[Seen]) -> Row:
    gaps = [each.gap for each in seen]
    p99 = table.percentile(gaps, 99) if len(gaps) > 1 else gaps[0]
    return table.bound(
        f"a node is cut off, {loss.said}, {kind.name}, {len(seen)} times: longest gap of a warm flow, p99",
        p99,
        at_most=loss.at_most,
        unit="s",
        compared=f"p50 {sorted(gaps)[len(gaps) // 2]:.2f}, at most {max(gaps):.2f} s",
    )


def _kept(what: str, seen: Sequence[Seen], *, routes_stay: bool) -> Row:
    """Where next hops change, routers send the packets of connections to other nodes: what becomes of these is told alone."""
    lost, sent = sum(each.lost for each in seen), sum(each.sent for each in seen)
    reset, lasted = sum(each.reset for each in seen), sum(each.connections for each in seen)
    told = f"of {sent} datagrams {lost} lost; of {lasted} connections {reset} reset"
    return table.bound(
        f"{what}, {len(seen)} times: datagrams lost" + (" and connections reset" if routes_stay else ""),
        lost + (reset if routes_stay else 0),
        at_most=0,
        compared=told,
    )


def _see(
    stage: Stage, router: Router, addresses: Sequence[str], happen: Callable[[Stage, Router, str], Callable[[], None]]
) -> Seen:
    """Have something happen to a node, at any moment, and take it back."""
    name = random.choice(stage.there.nodes).name
    _well(stage, router, addresses)
    with flow(stage.remote, addresses, at_once=len(addresses)) as datagrams, lasting(stage.remote, addresses) as open_:
        time.sleep(SETTLED + random.uniform(0.0, 0.5))
        began = time.monotonic()
        undo = happen(stage, router, name)
        time.sleep(AFTER + LATE)
        ended = time.monotonic()
        seen = Seen(
            _gap(datagrams, len(addresses), began, ended - LATE),
            sum(at >= began for at in datagrams.sent),
            datagrams.lost(began),
            *_connections(open_),
        )
        undo()
    return seen


def _connections(open_: Lasting) -> tuple[int, int]:
    return open_.begun, open_.reset


def _gap(seen: Flow, count: int, moment: float, end: float) -> float:
    """The longest time in which one of the addresses, which were asked in turn, did not answer."""
    echoes: dict[int, list[float]] = {number: [moment] for number in range(count)}
    for number, at in sorted(seen.back.items()):
        if moment <= at <= end:
            echoes[number % count].append(at)
    spans = (
        later - earlier for times in echoes.values() for earlier, later in itertools.pairwise([*sorted(times), end])
    )
    return max(0.0, max(spans) - seen.every)


def _well(stage: Stage, router: Router, addresses: Sequence[str]) -> None:
    stage.there.all_alive()
    stage.established(router)
    for address in addresses:
        stage.leads_to(address)
    neighbours = {node.host.address() for node in stage.there.nodes}
    until(lambda: _require_bfd(router, neighbours), what="BFD with all nodes", timeout=60, every=0.2)


def _require_bfd(router: Router, neighbours: set[str]) -> None:
    up = {address for address, is_up in router.bfd().items() if is_up}
    known = set(router.bfd())
    require(not known or neighbours <= up, f"BFD is up with {sorted(up)}")


def _said(name: str, times: int) -> Iterator[int]:
    for number in range(times):
        print(f"{name}: {number + 1} of {times} …", file=sys.stderr)
        yield number


def _cut(stage: Stage, _router: Router, name: str) -> Callable[[], None]:
    host = stage.there.node(name).host
    host.cut()
    return host.heal


def _restart(stage: Stage, _router: Router, name: str) -> Callable[[], None]:
    """Asked to end as by kubelet, and started again."""
    node = stage.there.node(name)
    node.stop()
    node.start()
    stage.there.all_alive()
    return _nothing


def _kill(stage: Stage, _router: Router, name: str) -> Callable[[], None]:
    node = stage.there.node(name)
    node.kill()
    time.sleep(1.0)
    node.start()
    stage.there.all_alive()
    return _nothing


def _kill_gobgpd(stage: Stage, router: Router, name: str) -> Callable[[], None]:
    stage.end_gobgpd(name)
    address = stage.there.node(name).host.address()
    gone = partial(_require_session, router, address, there=False)
    until(gone, what="the end of the session", timeout=30, every=0.02)
    until(partial(_require_session, router, address, there=True), what="the session", timeout=60, every=0.05)
    return _nothing


def _require_session(router: Router, address: str, *, there: bool) -> None:
    require((address in router.established()) is there, "not yet")


def _drain(stage: Stage, _router: Router, name: str) -> Callable[[], None]:
    """Until the routers lead to it no more, and back."""
    others = [node.name for node in stage.there.nodes if node.name != name]
    stage.there.drain(name, drained=True)
    stage.leads_to(str(ADDRESSES[1]), others)
    time.sleep(SETTLED)
    stage.there.drain(name, drained=False)
    stage.leads_to(str(ADDRESSES[1]))
    return _nothing


def _nothing() -> None: ...


CHANGES = {
    "a speaker is stopped and started": _restart,
    "a speaker is killed, and started after 1 s": _kill,
    "gobgpd is killed, with graceful restart and without BFD": _kill_gobgpd,
    "a node is drained and undrained": _drain,
}
"""By what is said of them."""
