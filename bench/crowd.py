"""A cluster that has many Services already: one more of them, and a manager that is started again.

Run on the API server's host.
"""

import asyncio
import http.client
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from bench import table
from bench.measure import Bench, bench, say
from bench.side import Side, running

STARTS = 3
PORT = 50152
EVERY = 0.02
"""Seconds between two questions whether it is ready."""

AFTER_SECONDS = 10.0
"""A manager that is ready is left alone for so long, with who counts its writes."""

_KNOWS = b"openelb_services_waiting "
"""In its metrics from its first look on: one that stands by knows of no Services."""


async def measure(at: Bench, count: int, each: int) -> list[table.Row]:
    """Fill the cluster; what it costs to be the next; then start again. Nothing is removed."""
    say(f"{each} Services one at a time, in an empty cluster …")
    async with running(Side.OURS, at.files, at.client) as server:
        await at.remove(*await at.one_at_a_time(server, each))
        few = _taken(at)
        say(f"{count} Services …")
        await at.burst(server, (count, 1))
        say(f"{each} Services one at a time, beside {count} …")
        await at.one_at_a_time(server, each)
        many = _taken(at)
    rows = [
        table.ratio(
            f"one more Service beside {count}: answer to the POST → address seen, p50 of {each}",
            statistics.median(many),
            statistics.median(few),
            at_most=2,
            unit="ms",
            named="in an empty cluster",
        ),
        table.figure(
            "the same, p99", table.percentile(many, 99), unit="ms", compared=f"{table.percentile(few, 99):.3g} ms"
        ),
    ]
    return [*rows, *await _restarts(at, count)]


def _taken(at: Bench) -> list[float]:
    """Milliseconds, and none of them any more."""
    each = at.figures[Side.OURS].each
    took = [seconds * 1000 for seconds in each]
    each.clear()
    return took


async def _restarts(at: Bench, count: int) -> list[table.Row]:
    took, writes = [], Counter[str]()
    for number in range(STARTS):
        say(f"start {number + 1} of {STARTS} of the manager beside {count} …")
        await asyncio.sleep(1.0)
        at.audit.forget()
        took.append(await _start(at, f"bench-{number}"))
        for (_, resource), written in at.audit.writes().items():
            writes[resource] += written
    if not writes.pop("leases", 0):
        raise RuntimeError("not even Leases were written: nobody was at work")
    each = ", ".join(f"{seconds:.2f}" for seconds in took)
    told = ", ".join(f"{written} to {resource}" for resource, written in sorted(writes.items()))
    return [
        table.bound(
            f"start of a manager beside {count} Services → it leads and has looked",
            statistics.median(took),
            at_most=5,
            unit="s",
            compared=f"median of {each}",
        ),
        table.bound(
            f"writes in the {AFTER_SECONDS:g} s after each of them, besides Leases",
            writes.total(),
            at_most=0,
            compared=told,
        ),
    ]


async def _start(at: Bench, identity: str) -> float:
    """Seconds from the start of the process until it is ready, leads and has looked; then it is left alone and ended."""
    kubeconfig = ("--kubeconfig", at.files.kubeconfig("manager"))
    options = ("--metrics-addr", f"127.0.0.1:{PORT}", "--log-level", "error", "--identity", identity)
    command = at.files.python("manager", "-m", "openelb", "controller", *kubeconfig, *options)
    started = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command)
    try:
        while not await asyncio.to_thread(_is_ready):  # noqa: ASYNC110  (nobody in this process could tell it)
            await asyncio.sleep(EVERY)
        took = time.monotonic() - started
        await asyncio.sleep(AFTER_SECONDS)
    finally:
        process.terminate()
        await process.wait()
    return took


def _is_ready() -> bool:
    try:
        return _page("/metrics").find(_KNOWS) >= 0 and _page("/readyz") == b"ok\n"
    except OSError:  # it does not listen yet
        return False


def _page(path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


async def main(directory: Path, count: int, each: int) -> None:
    """Measure, and write the rows to standard output."""
    async with bench(directory) as at:
        sys.stdout.buffer.write(table.encode(await measure(at, count, each)))


if __name__ == "__main__":
    directory, count, each = sys.argv[1:]
    asyncio.run(main(Path(directory), int(count), int(each)))
