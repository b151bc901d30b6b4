"""Services that are deleted: how soon they are gone and their addresses free, beside a bare client that makes the same writes.

Run on the API server's host.
"""

import asyncio
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench import table
from bench.cluster import NAMESPACE, delete_services, in_use
from bench.measure import AT_ONCE, Bench, bench, say
from bench.side import Side, running

EVERY = 0.02
"""Seconds between two questions whether all addresses are free."""


@dataclass(slots=True)
class Leave:
    """Seconds from the first request for a deletion until the last Service was seen to be gone and the ledger is empty; the
    writes that this took, and the seconds of processor time of the side.
    """

    seconds: float
    writes: int
    cpu_seconds: float


async def measure(at: Bench, count: int, blocks: int) -> list[table.Row]:
    """Both sides in turn, each with Services that it has given addresses."""
    taken: dict[Side, list[Leave]] = defaultdict(list)
    for block in range(blocks):
        for side in AT_ONCE:
            say(f"turn {block + 1} of {blocks}: {side}: {count} Services that are deleted …")
            taken[side].append(await _leave(at, side, count))
    ours, hears = ([leave.seconds for leave in taken[side]] for side in (Side.OURS, Side.HEARS))
    each = [", ".join(f"{seconds:.2f}" for seconds in side) for side in (ours, hears)]
    writes = [taken[side][0].writes / count for side in (Side.OURS, Side.HEARS)]
    cpu = [
        statistics.median(leave.cpu_seconds for leave in taken[side]) / count * 1000 for side in (Side.OURS, Side.HEARS)
    ]
    return [
        table.ratio(
            f"{count} Services are deleted → all gone, their addresses free (of {blocks}: {each[0]}; {each[1]})",
            statistics.median(ours),
            statistics.median(hears),
            at_most=1.3,
            unit="s",
            named=Side.HEARS.value,
        ),
        table.figure("writes for each of them", writes[0], compared=f"{writes[1]:.2f} {Side.HEARS.value}"),
        table.figure(
            "processor time for each of them", cpu[0], unit="ms", compared=f"{cpu[1]:.2f} ms {Side.HEARS.value}"
        ),
    ]


async def _leave(at: Bench, side: Side, count: int) -> Leave:
    async with running(side, at.files, at.client) as server:
        services, pools = await at.burst(server, (count, 1))
        await asyncio.sleep(1.0)  # what is counted is written a little later
        at.audit.forget()
        cpu, started = server.usage.cpu_seconds(), time.monotonic()
        await delete_services(at.client, services)
        await at.watcher.until_gone(services)
        while await in_use(at.client, pools[0]):  # noqa: ASYNC110  (nobody in this process could tell it)
            await asyncio.sleep(EVERY)
        seconds = time.monotonic() - started
        cpu = server.usage.cpu_seconds() - cpu
        await asyncio.sleep(0.5)  # the answer to the last write comes as the watcher sees it
        writes = at.audit.writes()
        await at.remove([], pools)
    ledger = writes["", "eips"] + writes["", "eipallocations"]
    return Leave(seconds, writes[NAMESPACE, "services"] + ledger, cpu)


async def main(directory: Path, count: int, blocks: int) -> None:
    """Measure, and write the rows to standard output."""
    async with bench(directory) as at:
        sys.stdout.buffer.write(table.encode(await measure(at, count, blocks)))


if __name__ == "__main__":
    directory, count, blocks = sys.argv[1:]
    asyncio.run(main(Path(directory), int(count), int(blocks)))
