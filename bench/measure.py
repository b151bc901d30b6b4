"""How fast addresses are given out: ours and the bare client take turns on the same API server.

Run on the API server's host. A speaker's Lease is renewed here, as if a node had one. This process creates the Services, watches, and holds the clock for all sides.
"""

import asyncio
import math
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from bench import table
from bench.audit import Audit
from bench.cluster import (
    NAMESPACE,
    Watcher,
    create_pool,
    parts,
    post_service,
    prepare,
    remove_pools,
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
Size = tuple[int, int]
"""So many Services over so many pools."""

Made = tuple[list[str], list[str]]
"""Services and their pools, by name."""

EVENTS_PAUSE = 2.0  # seconds without an Event after which none is taken to wait: 20 are written in a second


@dataclass(slots=True)
class Burst:
    """One burst of `count` Services that ask for as many `pools`, in turn: seconds, what it made the server write, and what
    the process needed for it.
    """

    count: int
    pools: int
    seconds: float
    writes: Counter[tuple[str, str]]
    cpu_seconds: float
    megabytes: float
    peak: float

    @property
    def size(self) -> "Size":
        """Bursts of one size are compared."""
        return self.count, self.pools

    @property
    def writes_each(self) -> float:
        """To Services and to ledgers, for each Service."""
        ledger = self.writes["", "eips"] + self.writes["", "eipallocations"]
        return (self.writes[NAMESPACE, "services"] + ledger) / self.count


@dataclass(slots=True)
class Figures:
    """Of one side. `each` are seconds from the answer to a POST to the address at a watcher."""

    each: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0  # of the process, while those came
    bursts: list[Burst] = field(default_factory=list)
    empty: float = math.nan  # MB before anything came
    events: float = math.nan  # for each Service of the last burst, once all are written
    events_per_second: float = math.nan

    def median(self, size: Size) -> float:
        """Seconds of the bursts of that size."""
        return statistics.median(burst.seconds for burst in self.bursts if burst.size == size)


@dataclass(slots=True)
class Bench:
    """One run."""

    client: Client
    watcher: Watcher
    files: Files
    audit: Audit
    figures: dict[Side, Figures] = field(default_factory=lambda: {side: Figures() for side in Side})
    _number: int = 0

    async def turn(self, side: Side, each: int, bursts: Sequence[Size], *, last: bool) -> None:
        """One side's turn."""
        async with running(side, self.files, self.client) as server:
            figures = self.figures[side]
            if math.isnan(figures.empty):
                figures.empty = server.usage.resident()
            if each:
                say(f"{side}: {each} Services one at a time …")
                await self.remove(*await self.one_at_a_time(server, each))
            for size in bursts if side in AT_ONCE else ():
                say(f"{side}: {in_words(size)} …")
                is_last = last and side is Side.OURS
                made = await self.burst(server, size, follow=is_last and size == bursts[0])
                if not (is_last and size == bursts[-1]):  # what is left goes with the API server
                    await self.remove(*made)

    async def one_at_a_time(self, server: Server, count: int) -> Made:
        """So many, each when the one before has its address."""
        pool, made = self.next_pool(), list[str]()
        await server.tell(await create_pool(self.client, pool, str(_network(pool))))
        await asyncio.sleep(0.5)  # an Eip gets its finalizer before it gives out addresses
        figures, cpu = self.figures[server.side], server.usage.cpu_seconds()
        for number in range(count):
            service = await post_service(self.client, f"{pool}-{number}", pool)
            created = time.monotonic()
            made.append(f"{pool}-{number}")
            await server.tell(service)
            figures.each.append(await self.watcher.until_addressed(made[-1:]) - created)
        figures.cpu_seconds += server.usage.cpu_seconds() - cpu
        return made, [pool]

    async def burst(self, server: Server, size: Size, *, follow: bool = False) -> Made:
        """So many that wait, until their pools are there."""
        count, of = size
        name = self.next_pool()
        pools = [name] if of == 1 else [f"{name}-of-{number}" for number in range(of)]
        wanted = {f"{name}-{number}": pools[number % of] for number in range(count)}
        await side_by_side(post_service(self.client, service, pool) for service, pool in wanted.items())
        await self.watcher.until_told(wanted)
        if follow:
            await self._events()  # those of the wait
        self.audit.forget()
        cpu, started = server.usage.cpu_seconds(), time.monotonic()
        for pool, address in zip(pools, parts(_network(name), of), strict=True):
            await server.tell(await create_pool(self.client, pool, address))
        seconds = await self.watcher.until_addressed(wanted) - started
        await asyncio.sleep(0.5)  # the answer to the last write comes as the watcher sees it
        cpu, writes = server.usage.cpu_seconds() - cpu, self.audit.writes()
        figures = self.figures[server.side]
        figures.bursts.append(Burst(count, of, seconds, writes, cpu, server.usage.resident(), server.usage.peak()))
        if follow:
            more, lasted = await self._events()
            figures.events = (writes[NAMESPACE, "events"] + more) / count
            figures.events_per_second = more / lasted
        return list(wanted), pools

    async def _events(self) -> tuple[int, float]:
        """Wait until no more Events are written. How many that were, in how many seconds."""
        started, total = time.monotonic(), 0
        while True:
            await asyncio.sleep(EVENTS_PAUSE)
            new = self.audit.writes()[NAMESPACE, "events"]
            if not new:
                return total, time.monotonic() - started - EVENTS_PAUSE
            total += new

    async def remove(self, services: Iterable[str], pools: Collection[str]) -> None:
        """Take them away, whatever guards them."""
        await remove_services(self.client, services)
        await remove_pools(self.client, pools)

    def next_pool(self) -> str:
        """A name that was not used."""
        self._number += 1
        return f"pool-{self._number}"


def _network(pool: str) -> IPv4Network:
    """What a pool has: no two have the same."""
    return IPv4Network(f"10.{100 + int(pool.removeprefix('pool-'))}.0.0/16")


def in_words(size: Size) -> str:
    """How many Services wait for what."""
    count, pools = size
    return f"{count} Services that wait for {'a pool' if pools == 1 else f'{pools} pools'}"


def rows(figures: dict[Side, Figures], bursts: Sequence[Size]) -> list[table.Row]:
    """What was measured, as the table says it."""
    ours, hears = figures[Side.OURS], figures[Side.HEARS]
    made = _one_at_a_time(figures)
    for size in bursts:
        what = f"{in_words(size)}, which appear{'s' if size[1] == 1 else ''} → all have addresses"
        named = Side.HEARS.value
        made.append(table.ratio(what, ours.median(size), hears.median(size), at_most=1.3, unit="s", named=named))
    for burst in _first_of_each(ours.bursts):
        what = f"writes for each of {in_words(burst.size)}"
        made.append(table.bound(what, burst.writes_each, at_most=1.1))
    if not math.isnan(ours.events):
        rate = f"{ours.events_per_second:.0f} a second"
        made.append(table.bound(f"Events for each of {bursts[0][0]}, later", ours.events, at_most=1, compared=rate))
    made.append(table.figure("memory of the manager with no Service (RSS)", ours.empty, unit="MB"))
    for burst in _first_of_each(ours.bursts):
        what, peak = f"memory of the manager after {in_words(burst.size)} (RSS)", f"peak {burst.peak:.0f} MB"
        made.append(table.bound(what, burst.megabytes, at_most=150, unit="MB", compared=peak))
    return [*made, *_growth(ours, bursts)]


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


def _growth(figures: Figures, bursts: Iterable[Size]) -> Iterable[table.Row]:
    """End to end: what a Service costs in the largest burst over as many pools, over what it costs in the smallest."""
    firsts = {burst.size: burst for burst in _first_of_each(figures.bursts)}
    for pools in dict.fromkeys(pools for _, pools in bursts):
        sizes = sorted(size for size in firsts if size[1] == pools)
        if len(sizes) < 2:
            continue
        small, large = sizes[0], sizes[-1]
        named = f"of {small[0]}"
        cpu = [firsts[size].cpu_seconds / size[0] * 1000 for size in (large, small)]
        what = f"the manager's CPU time for each of {in_words(large)}"
        yield table.ratio(what, *cpu, at_most=1.2, unit="ms", named=named)
        seconds = [figures.median(size) / size[0] * 1000 for size in (large, small)]
        yield table.ratio(f"time for each of {in_words(large)}", *seconds, at_most=1.2, unit="ms", named=named)


def _first_of_each(bursts: list[Burst]) -> list[Burst]:
    return list({burst.size: burst for burst in reversed(bursts)}.values())[::-1]


def say(sentence: str) -> None:
    """Show the person who waits how far it is."""
    print(sentence, file=sys.stderr, flush=True)


@asynccontextmanager
async def bench(directory: Path) -> AsyncIterator[Bench]:
    """Ready to measure: somebody watches, and a node has a speaker."""
    files = Files(directory)
    access = from_kubeconfig([files.admin])
    async with Client(access) as client, Client(access) as lease_client:
        await prepare(client)
        watcher = Watcher(client)
        lease = SpeakerLease(ApiLease(lease_client, names.NAMESPACE, speaker_lease_name("node")), "node", "speaker")
        lease.tell((Link("eth0"),))
        background = [asyncio.create_task(watcher.run()), asyncio.create_task(lease.run())]
        yield Bench(client, watcher, files, Audit(files.audit_log))
        for task in background:
            task.cancel()


async def main(directory: Path, each: int, bursts: Sequence[Size], blocks: int) -> None:
    """Measure, and write the rows to standard output."""
    async with bench(directory) as at:
        for block in range(blocks):
            for side in AT_A_TIME:
                say(f"turn {block + 1} of {blocks}:")
                await at.turn(side, each // blocks, bursts, last=block + 1 == blocks)
        sys.stdout.buffer.write(table.encode(rows(at.figures, bursts)))


if __name__ == "__main__":
    directory, each, blocks, *bursts = sys.argv[1:]
    sizes = [(int(count), int(pools)) for count, _, pools in (size.partition("/") for size in bursts)]
    asyncio.run(main(Path(directory), int(each), sizes, int(blocks)))
