"""Failover as clients see it: nodes that run nothing but a speaker, the one that answers is lost, and another one answers.

Each fault happens many times. A client sends datagrams and opens connections to the address, and asks by ARP who has it, a
hundred times a second; its own kernel's neighbour cache decides where the traffic goes.
"""

import gc
import sys
from collections.abc import Iterator, Sequence

from bench import planned, table
from bench.place import PREFIX, Place
from bench.table import Row
from bench.trial import FLAPS, LOSSES, RESTART, Fault, Seen, see
from lab.clients import Watch, watch
from lab.network import Network
from lab.speakers import POOL, RANGE, Program, Speakers, speakers

ADDRESS = RANGE.replace("160/27", "170")
KILL, CROWD = "kill", "thousand"
CHANGES = {
    "drain": ("is drained and undrained", planned.drain),
    "leave": ("leaves for good and returns", planned.leave),
}
FAULTS = (*LOSSES, *FLAPS, KILL, *CHANGES, CROWD)
BOUNDS = {"Default": (0.6, 1.0), "Fast": (0.25, 0.4)}
"""By profile: what a loss may take for the median and for all but one of a hundred, in seconds."""

_DISPUTED, _SILENT, _SPREAD = 0.5, 3.0, 1.2
_LONG = 10.0
"""Seconds. A flap that lasts longer is repeated ten times less often, as are many addresses at once."""


def rows(at: Place, *, nodes: int, repeat: int, profile: str, faults: Sequence[str]) -> list[Row]:
    """The rows of these faults, each repeated so often on so many nodes."""
    directory = at.files.root / "opt" / "nodes"
    directory.mkdir()
    ours = {
        account: Program(tuple(at.files.python(account, "-m", "openelb")), directory, "/opt/nodes")
        for account in ("manager", "speaker")
    }
    with speakers(Network(PREFIX), at.plane, ours["manager"], ours["speaker"], count=nodes) as there:
        there.pool(POOL, RANGE, profile=profile)
        there.serve([ADDRESS])
        on = f"{nodes} nodes, profile {profile}"
        found = [_told(row) for row in _one_address(there, repeat, profile, faults, on)]
        few = max(1, repeat // 10)
        if changes := [name for name in CHANGES if name in faults]:
            addresses = planned.warm(there, profile)
            for name in changes:
                said, change = CHANGES[name]
                found += _moved(said, [planned.warm_through(change, there, addresses) for _ in _said(name, few)], on)
        if CROWD in faults:
            crowd = planned.crowd(there, profile)
            found += _lost([planned.lose(there, crowd) for _ in _said(CROWD, few)], on)
        return found


def _one_address(there: Speakers, repeat: int, profile: str, faults: Sequence[str], on: str) -> Iterator[Row]:
    with watch(there, ADDRESS) as watched:
        for name in faults:
            if name in LOSSES:
                yield from loss(name, _repeated(watched, name, LOSSES[name], repeat), BOUNDS[profile], on)
            if name in FLAPS:
                times = repeat if (FLAPS[name].lasts or 0.0) < _LONG else max(1, repeat // 10)
                yield _flap(FLAPS[name], _repeated(watched, name, FLAPS[name], times), on)
            if name == KILL:
                yield from restart(_repeated(watched, name, RESTART, repeat), on)


def _told(row: Row) -> Row:
    """Say it at once: the table comes hours later, where each fault happens hundreds of times, or never."""
    print(f"  {row.what}: {row.ours} ({row.compared})", file=sys.stderr)
    return row


def _repeated(watched: Watch, name: str, fault: Fault, times: int) -> list[Seen]:
    return [see(watched, fault) for _ in _said(name, times)]


def _said(name: str, times: int) -> Iterator[int]:
    for number in range(times):
        print(f"\r{name}: {number + 1} of {times} …", end="", file=sys.stderr, flush=True)
        # What was seen so far stays. Collections that go through all of it would hold up whoever measures.
        gc.collect()
        gc.freeze()
        yield number
    print(file=sys.stderr)


def loss(name: str, seen: Sequence[Seen], bounds: tuple[float, float], on: str) -> Iterator[Row]:
    fault, times = LOSSES[name], f"{len(seen)} times, {on}"
    arp, udp, tcp = ([getattr(each, way) for each in seen] for way in ("arp", "udp", "tcp"))
    # The kernel of a frozen node goes on forwarding: what is gone is the answer to who asks.
    gaps, told = (arp, "without an answer to ARP") if name == "freeze" else (udp, "gap of a warm flow")
    others = f"ARP {_spread(arp)}; UDP {_spread(udp)}; TCP {_spread(tcp)}"
    for percent, bound in zip((50, 99), bounds, strict=True):
        what = f"{fault.said}, {times}: {told}, p{percent}"
        yield table.bound(what, _percentile(gaps, percent), at_most=bound, unit="s", compared=others)
    yield _dispute(f"{fault.said}, {times}", seen)


def _flap(fault: Fault, seen: Sequence[Seen], on: str) -> Row:
    return _dispute(f"{fault.said}, {len(seen)} times, {on}", seen)


def _dispute(what: str, seen: Sequence[Seen]) -> Row:
    moved, gap = sum(each.moved for each in seen), max(each.udp for each in seen)
    return table.bound(
        f"{what}: two nodes answer after its end, longest",
        max(each.disputed for each in seen),
        at_most=_DISPUTED,
        unit="s",
        compared=f"moved for good {moved} times; gap of a warm flow at most {gap:.2f} s",
    )


def restart(seen: Sequence[Seen], on: str) -> Iterator[Row]:
    what = f"{RESTART.said}, {len(seen)} times, {on}"
    silent = [each.arp for each in seen]
    yield table.bound(
        f"{what}: nobody answers ARP, longest", max(silent), at_most=_SILENT, unit="s", compared=_spread(silent)
    )
    lost, failed = sum(each.lost for each in seen), sum(each.failed for each in seen)
    moved = sum(each.moved for each in seen)
    told = f"{failed} of the connections; moved {moved} times"
    yield table.bound(f"{what}: datagrams of a warm flow that were lost", lost, at_most=0, compared=told)


def _moved(said: str, moves: Sequence[planned.Moved], on: str) -> list[Row]:
    sent, count = sum(each.sent for each in moves), [each.addresses for each in moves]
    what = f"a node with {min(count)} to {max(count)} addresses {said}, {len(moves)} times, {on}"
    lost = sum(each.lost for each in moves)
    return [table.bound(f"{what}: datagrams of a warm flow that were lost", lost, at_most=0, compared=f"{sent} sent")]


def _lost(spans: Sequence[tuple[float, float]], on: str) -> list[Row]:
    first, spread = zip(*spans, strict=True)
    what = f"a node with {planned.LOST} addresses is cut off silently, {len(spans)} times, {on}"
    told = f"the first after {_spread(first)}"
    return [
        table.bound(
            f"{what}: the last is announced after the first, longest",
            max(spread),
            at_most=_SPREAD,
            unit="s",
            compared=told,
        )
    ]


def _spread(seconds: Sequence[float]) -> str:
    return f"p50 {_percentile(seconds, 50):.2f}, p99 {_percentile(seconds, 99):.2f}, at most {max(seconds):.2f} s"


def _percentile(seconds: Sequence[float], percent: float) -> float:
    return table.percentile(seconds, percent) if len(seconds) > 1 else seconds[0]
