"""How the manager's own work grows with the number of Services: reading, judging, the ledger, and what is to be written.

No API server and no network: each size is measured in a process of its own, in CPU time, from the bytes that a server
would send to the bytes that it would be sent.
"""

import gc
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import objects, table
from bench.objects import value
from lab import setup
from openelb.kube import encode
from openelb.kube.client import JsonPatch
from openelb.kube.reader import Reader
from openelb.kube.resources import ALLOCATIONS, EIPS, SERVICES
from openelb.manager.replica import GARBAGE
from openelb.model.snapshot import Snapshot
from openelb.plan import cluster

SIZES = (1000, 2000, 5000, 10_000, 20_000)
ROUNDS = 5
NOW = datetime(2026, 1, 1, tzinfo=UTC)
POOL = "pool"


class Figure(msgspec.Struct):
    """For each of `size` Services: microseconds of CPU time, and bytes of memory."""

    size: int
    burst: float
    settled: float
    memory: float


def rows() -> list[table.Row]:
    """Every size over the smallest."""
    figures = []
    for size in SIZES:
        print(f"judging {size} Services …", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "bench.growth", str(size)]
        done = subprocess.run(command, cwd=setup.REPOSITORY, check=True, stdout=subprocess.PIPE)
        figures.append(msgspec.json.decode(done.stdout, type=Figure))
    return [
        *_grown("CPU time of the ledger and plan of a burst", "µs", figures, lambda figure: figure.burst),
        *_grown("CPU time of a look after one change", "µs", figures, lambda figure: figure.settled),
        *_grown("memory", "bytes", figures, lambda figure: figure.memory),
    ]


def _grown(what: str, unit: str, figures: list[Figure], pick: Callable[[Figure], float]) -> Iterable[table.Row]:
    first, *more = figures
    for figure in more:
        what_of = f"{what}, for each of {figure.size} Services"
        yield table.ratio(what_of, pick(figure), pick(first), at_most=1.2, unit=unit, named=f"of {first.size}")


def measure(size: int) -> Figure:
    """Of one size, in this process."""
    gc.set_threshold(*GARBAGE)  # as the manager does
    _burst(
        [objects.service(number, POOL) for number in range(100)]
    )  # what is imported and allocated once is of no size
    services = [objects.service(number, POOL) for number in range(size)]
    before = _resident()
    settled, _ = _burst(services)
    memory = (_resident() - before) / size
    bursts, looks = [], []
    for _ in range(ROUNDS):
        del settled
        started = time.process_time()
        settled, planner = _burst(services)
        bursts.append(time.process_time() - started)
        planner.plan(settled, frozenset())  # the look that finds everything as it should be
        key, service = next(iter(settled.services.items()))
        changed = replace(settled, services={**settled.services, key: replace(service, version="changed")})
        started = time.process_time()
        assert planner.plan(changed, frozenset()) == cluster.ClusterPlan()
        looks.append(time.process_time() - started)
    return Figure(size, statistics.median(bursts) / size * 1e6, statistics.median(looks) / size * 1e6, memory)


def _burst(contents: list[bytes]) -> tuple[Snapshot, cluster.Planner]:
    """Read what waits, plan, write the ledger, read the answer, plan, write each Service, read each answer."""
    planner = cluster.Planner()
    readers = Reader(EIPS, "Eips"), Reader(SERVICES, "Services"), Reader(ALLOCATIONS, "EipAllocations")
    eip = msgspec.json.encode(objects.eip(POOL, "10.0.0.0/15"))
    pools = {POOL: value(readers[0], eip)}
    services = {service.key: service for service in (value(readers[1], content) for content in contents)}
    sent = dict(zip(services, contents, strict=True))
    plan = planner.plan(Snapshot(pools, services), frozenset())
    pages = {
        name: value(readers[2], _created(encode.page_object(page, pools[page.pool])))
        for name, page in plan.pages.items()
    }
    for name, status in plan.pools.items():
        pools = {name: value(readers[0], _written(eip, encode.pool_status_patch(pools[name], status, NOW)))}
    plan = planner.plan(Snapshot(pools, services, pages=pages), frozenset())
    answers = dict(services)
    for key, publication in plan.services.items():
        patch = encode.service_patch(services[key], publication, NOW)
        answers[key] = value(readers[1], _written(sent[key], patch))
    return Snapshot(pools, answers, pages=pages), planner


def _created(body: dict[str, object]) -> bytes:
    """What a server answers to a creation."""
    meta = body["metadata"]
    assert isinstance(meta, dict)
    return msgspec.json.encode({**body, "metadata": {**meta, "uid": meta["name"], "resourceVersion": "1"}})


def _written(content: bytes, patch: JsonPatch) -> bytes:
    """What a server makes of the patch and answers: RFC 6902, as far as we use it here."""
    made = msgspec.json.decode(content)
    for operation in msgspec.json.decode(msgspec.json.encode(patch)):
        if operation["op"] in ("add", "replace"):
            *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
            target = made
            for part in way:
                target = target.setdefault(part, {})
            target[last] = operation["value"]
    return msgspec.json.encode(made)


def _resident() -> int:
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure(int(sys.argv[1]))))
