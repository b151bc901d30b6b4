"""How fast addresses are given out: ours and the bare client take turns on the same API server.

Run on the API server's host. A speaker's Lease is renewed here, as if a node had one. This process creates the Services, watches, and holds the clock for all sides.
"""

import asyncio
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import table
from bench.audit import Audit
from bench.cluster import (
    NAMESPACE,
    Watcher,
    create_pool,
    post_service,
    prepare,
    remove_pool,
    remove_services,
    side_by_side,
)
from bench.place import Files
from bench.side import Server, Side, running
from openelb.kube.client import Client
from openelb.kube.config import from_kubeconfig
from openelb.kube.lease import SpeakerLease, speaker_lease_name
from openelb.kube.lease_object import ApiLease
from openelb.model import names
from openelb.model.cluster import Link

AT_A_TIME = (Side.TOLD, Side.HEARS, Side.OURS)
AT_ONCE = (Side.HEARS, Side.OURS)
EVENTS_PAUSE = 2.0  # seconds without an Event after which none is taken to wait: 20 are written in a second


@dataclass(slots=True)
class Burst:
    """One burst of `count` Services: seconds, what it made the server write, and what the process needed for it."""

    count: int
    seconds: float
    writes: Counter[tuple[str, str]]
    cpu_seconds: float
    megabytes: float
    peak: float


@dataclass(slots=True)
class Figures:
    """Of one side. `each` are seconds from the answer to a POST to the address at a watcher."""

    each: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0  # of the process, while those came
    bursts: list[Burst] = field(default_factory=list)
    empty: float = math.nan  # MB before anything came
    events: float = math.nan  # for each Service of the last burst, once all are written
    events_per_second: float = math.nan

    def median(self, count: int) -> float:
        """Seconds of the bursts of so many."""
        return table.percentile([burst.seconds for burst in self.bursts if burst.count == count] * 2, 50)


@dataclass(slots=True)
class Bench:
    """One run."""

    client: Client
    watcher: Watcher
    files: Files
    audit: Audit
    figures: dict[Side, Figures] = field(default_factory=lambda: {side: Figures() for side in Side})
    _number: int = 0

    async def turn(self, side: Side, each: int, bursts: Sequence[int], *, last: bool) -> None:
        """One side's turn."""
        async with running(side, self.files, self.client) as server:
            figures = self.figures[side]
            if math.isnan(figures.empty):
                figures.empty = server.usage.resident()
            if each:
                say(f"{side}: {each} Services one at a time …")
                await self._one_at_a_time(server, each)
            for count in bursts if side in AT_ONCE else ():
                say(f"{side}: {count} Services that wait for a pool …")
                await self._burst(server, count, follow=last and side is Side.OURS and count == bursts[0])

    async def _one_at_a_time(self, server: Server, count: int) -> None:
        pool, made = await self._pool(server), []
        await asyncio.sleep(0.5)  # an Eip gets its finalizer before it gives out addresses
        figures, cpu = self.figures[server.side], server.usage.cpu_seconds()
        for number in range(count):
            service = await post_service(self.client, f"{pool}-{number}", pool)
            created = time.monotonic()
            made.append(f"{pool}-{number}")
            await server.tell(service)
            figures.each.append(await self.watcher.until_addressed(made[-1:]) - created)
        figures.cpu_seconds += server.usage.cpu_seconds() - cpu
        await self._remove(made, pool)

    async def _burst(self, server: Server, count: int, *, follow: bool) -> None:
        pool = self._next_pool()
        wanted = [f"{pool}-{number}" for number in range(count)]
        await side_by_side(post_service(self.client, name, pool) for name in wanted)
        await self.watcher.until_told(wanted)
        if follow:
            await self._events()  # those of the wait
        self.audit.forget()
        cpu, started = server.usage.cpu_seconds(), time.monotonic()
        await self._pool(server, pool)
        seconds = await self.watcher.until_addressed(wanted) - started
        await asyncio.sleep(0.5)  # the answer to the last write comes as the watcher sees it
        cpu, writes = server.usage.cpu_seconds() - cpu, self.audit.writes()
        figures = self.figures[server.side]
        figures.bursts.append(Burst(count, seconds, writes, cpu, server.usage.resident(), server.usage.peak()))
        if follow:
            more, lasted = await self._events()
            figures.events = (writes[NAMESPACE, "events"] + more) / count
            figures.events_per_second = more / lasted
        await self._remove(wanted, pool)

    async def _events(self) -> tuple[int, float]:
        """Wait until no more Events are written. How many that were, in how many seconds."""
        started, total = time.monotonic(), 0
        while True:
            await asyncio.sleep(EVENTS_PAUSE)
            new = self.audit.writes()[NAMESPACE, "events"]
            if not new:
                return total, time.monotonic() - started - EVENTS_PAUSE
            total += new

    async def _remove(self, services: list[str], pool: str) -> None:
        await remove_services(self.client, services)
        await remove_pool(self.client, pool)

    async def _pool(self, server: Server, name: str = "") -> str:
        name = name or self._next_pool()
        number = int(name.removeprefix("pool-"))
        await server.tell(await create_pool(self.client, name, f"10.{100 + number}.0.0/16"))
        return name

    def _next_pool(self) -> str:
        self._number += 1
        return f"pool-{self._number}"


def rows(figures: dict[Side, Figures], bursts: Sequence[int]) -> list[table.Row]:
    """What was measured, as the table says it."""
    ours, hears = figures[Side.OURS], figures[Side.HEARS]
    made = _one_at_a_time(figures)
    for count in bursts:
        what = f"{count} waiting Services, the pool appears → all have addresses"
        named = Side.HEARS.value
        made.append(table.ratio(what, ours.median(count), hears.median(count), at_most=1.3, unit="s", named=named))
    for burst in _first_of_each(ours.bursts):
        each_one = (burst.writes[NAMESPACE, "services"] + burst.writes["", "eips"]) / burst.count
        made.append(table.bound(f"writes for each Service of a burst of {burst.count}", each_one, at_most=1.1))
    if not math.isnan(ours.events):
        rate = f"{ours.events_per_second:.0f} a second"
        made.append(table.bound(f"Events for each of {bursts[0]}, later", ours.events, at_most=1, compared=rate))
    made.append(table.figure("memory of the manager with no Service (RSS)", ours.empty, unit="MB"))
    for burst in _first_of_each(ours.bursts):
        what, peak = f"memory of the manager with {burst.count} Services (RSS)", f"peak {burst.peak:.0f} MB"
        made.append(table.bound(what, burst.megabytes, at_most=150, unit="MB", compared=peak))
    return [*made, *_growth(ours.bursts)]


def _one_at_a_time(figures: dict[Side, Figures]) -> list[table.Row]:
    ours, hears = figures[Side.OURS], figures[Side.HEARS]
    if not ours.each:  # not asked for
        return []
    what = "answer to the POST → address seen by a watcher"
    rows = [
        table.ratio(
            f"{what}, p{percent} of {len(ours.each)}",
            table.percentile(ours.each, percent) * 1000,
            table.percentile(figures[side].each, percent) * 1000,
            at_most=1.5,
            unit="ms",
            named=side.value,
        )
        for percent in (50, 99)
        for side in (Side.TOLD, Side.HEARS)
    ]
    cpu = [side.cpu_seconds / len(side.each) * 1000 for side in (ours, hears)]
    compared = f"{cpu[1]:.2f} ms {Side.HEARS.value}"
    return [*rows, table.figure("the manager's CPU time for each of them", cpu[0], unit="ms", compared=compared)]


def _growth(bursts: list[Burst]) -> list[table.Row]:
    """End to end: what a Service costs the manager in the largest burst, over what it costs in the smallest."""
    sizes = _first_of_each(bursts)
    if len(sizes) < 2:
        return []
    small, large = min(sizes, key=lambda burst: burst.count), max(sizes, key=lambda burst: burst.count)
    what = f"the manager's CPU time for each Service of a burst of {large.count}"
    named = f"of {small.count}"
    times = [burst.cpu_seconds / burst.count * 1000 for burst in (large, small)]
    return [table.ratio(what, *times, at_most=1.2, unit="ms", named=named)]


def _first_of_each(bursts: list[Burst]) -> list[Burst]:
    return list({burst.count: burst for burst in reversed(bursts)}.values())[::-1]


def say(sentence: str) -> None:
    """Show the person who waits how far it is."""
    print(sentence, file=sys.stderr, flush=True)


async def main(directory: Path, each: int, bursts: Sequence[int], blocks: int) -> None:
    """Measure, and write the rows to standard output."""
    files = Files(directory)
    access = from_kubeconfig([files.admin])
    async with Client(access) as client, Client(access) as lease_client:
        await prepare(client)
        watcher = Watcher(client)
        lease = SpeakerLease(ApiLease(lease_client, names.NAMESPACE, speaker_lease_name("node")), "node", "speaker")
        lease.tell((Link("eth0"),))
        background = [asyncio.create_task(watcher.run()), asyncio.create_task(lease.run())]
        bench = Bench(client, watcher, files, Audit(files.audit_log))
        for block in range(blocks):
            for side in AT_A_TIME:
                say(f"turn {block + 1} of {blocks}:")
                await bench.turn(side, each // blocks, bursts, last=block + 1 == blocks)
        for task in background:
            task.cancel()
        sys.stdout.buffer.write(table.encode(rows(bench.figures, bursts)))


if __name__ == "__main__":
    directory, each, blocks, *bursts = sys.argv[1:]
    asyncio.run(main(Path(directory), int(each), [int(count) for count in bursts], int(blocks)))
