"""How long the manager's judgement takes, with nothing but the judgement: the first plan, and the looks that follow.

Each case is measured in a process of its own, in CPU time. No API server and no network.
"""

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import msgspec

from bench import objects, table
from bench.objects import ALIVE, JSON
from lab import setup
from openelb.manager.replica import GARBAGE
from openelb.model.snapshot import Snapshot
from openelb.plan import cluster

ROUNDS = 5
"""Of the whole; in the large cases a figure for each Service is as good after one."""
LOOKS = 20
SERVICES, POOLS = 10_000, 100
IN_USE, FEW = 65_536, 1000
MOST_SECONDS, MOST_MILLISECONDS = 0.3, 20.0


class Times(msgspec.Struct):
    """Seconds, medians of all rounds: the plan of a cluster in which all wait, the look that publishes, a restart when all is
    as it should be, the look after one change that means nothing, both looks of one more Service, and the look after one more
    of those that wait for pools which are not there.
    """

    services: int
    first: float
    publishing: float
    restart: float
    change: float
    entered: float
    published: float
    waiting: float


@dataclass(frozen=True, slots=True)
class Case:
    """A cluster in which all Services wait, by number; one more has the next number."""

    services: int
    eips: Callable[[], list[JSON]]
    service: Callable[[int], bytes]
    rounds: int = ROUNDS


def _tenants(*, named: bool) -> Case:
    """100 pools, which Services name or which are bound to their namespaces."""

    def eip(number: int) -> JSON:
        bound = {} if named else {"namespaces": [f"tenant-{number}"]}
        return objects.eip(f"eip-{number}", f"10.{number}.0.0/16", **bound)

    def service(number: int) -> bytes:
        of = number % POOLS
        return objects.service(number, f"eip-{of}" if named else "", namespace=f"tenant-{of}")

    return Case(SERVICES, lambda: [eip(number) for number in range(POOLS)], service)


def _one_pool(address: str, services: int, rounds: int, family: str = "IPv4") -> Case:
    return Case(
        services,
        lambda: [objects.eip("eip", address)],
        lambda number: objects.service(number, "eip", family=family),
        rounds,
    )


CASES = {
    "named": _tenants(named=True),
    "bound": _tenants(named=False),
    "/16": _one_pool("10.0.0.0/16", FEW, ROUNDS),
    "/8": _one_pool("10.0.0.0/8", IN_USE, 1),
    "/64": _one_pool("2001:db8::/64", IN_USE, 1, "IPv6"),
}


def rows() -> list[table.Row]:
    """All cases."""
    times = {}
    for name, case in CASES.items():
        print(f"judging {case.services} Services: {name} …", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "bench.judging", name]
        done = subprocess.run(command, cwd=setup.REPOSITORY, check=True, stdout=subprocess.PIPE)
        times[name] = msgspec.json.decode(done.stdout, type=Times)
    few = times["/16"]
    return [
        *_of_many_pools(f"{SERVICES} Services that name one of {POOLS} pools", times["named"]),
        *_of_many_pools(f"{SERVICES} Services that {POOLS} pools are bound to", times["bound"]),
        *_of_a_large_pool("/8", times["/8"], few),
        *_of_a_large_pool("/64", times["/64"], few),
    ]


def _of_many_pools(who: str, times: Times) -> Iterator[table.Row]:
    more = f"publishing {times.publishing:.3f} s, restart {times.restart:.3f} s"
    yield table.bound(f"first plan of {who}", times.first, at_most=MOST_SECONDS, unit="s", compared=more)
    change, more = (
        times.change * 1000,
        f"of {LOOKS} each; one more Service is published in {times.published * 1000:.3g} ms",
    )
    yield table.bound(f"a look after one change among {who}", change, at_most=MOST_MILLISECONDS, unit="ms")
    entered = times.entered * 1000
    yield table.bound(f"a look after one more of {who}", entered, at_most=MOST_MILLISECONDS, unit="ms", compared=more)
    waiting = times.waiting * 1000
    yield table.figure(f"a look after one more of {who}, while none of these pools is there", waiting, unit="ms")


def _of_a_large_pool(size: str, times: Times, few: Times) -> Iterator[table.Row]:
    pool, other = f"a {size} pool with {times.services} in use", f"a /16 pool with {few.services}"
    each, each_of_few = (one.first / one.services * 1e6 for one in (times, few))
    yield table.figure(f"first plan for {pool}, each", each, unit="µs", compared=f"{each_of_few:.3g} µs, {other}")
    one, one_of_few = times.entered * 1000, few.entered * 1000
    yield table.figure(f"one more address of {pool}", one, unit="ms", compared=f"{one_of_few:.3g} ms, {other}")


def measure(case: Case) -> Times:
    """Of one case, in this process."""
    gc.set_threshold(*GARBAGE)  # as the manager does
    waiting = objects.snapshot(case.eips(), [case.service(number) for number in range(case.services)])
    rounds = [_round(case, waiting) for _ in range(case.rounds)]
    return Times(case.services, *(statistics.median(column) for column in zip(*rounds, strict=True)))


def _round(case: Case, waiting: Snapshot) -> tuple[float, ...]:
    planner = cluster.Planner()

    def look(at: Snapshot) -> tuple[float, cluster.ClusterPlan]:
        started = time.process_time()
        plan = planner.plan(at, ALIVE)
        return time.process_time() - started, plan

    first, plan = look(waiting)
    entered = objects.written(waiting, plan)
    publishing, plan = look(entered)
    settled = objects.written(entered, plan)
    assert len(plan.services) == case.services
    assert look(settled)[1] == cluster.ClusterPlan()
    changes = []
    for number, key in enumerate(list(settled.services)[:LOOKS]):
        touched = replace(settled.services[key], version=f"touched {number}")
        settled = replace(settled, services={**settled.services, key: touched})
        took, plan = look(settled)
        assert plan == cluster.ClusterPlan()
        changes.append(took)
    more = []
    for number in range(case.services, case.services + LOOKS):
        settled, both = _one_more(settled, case.service(number), look)
        more.append(both)
    planner = cluster.Planner()
    restart, plan = look(settled)
    assert plan == cluster.ClusterPlan()
    planner = cluster.Planner()
    longing = _among_those_that_wait(replace(waiting, pools={}), case, look)
    entering, publishing_one = zip(*more, strict=True)
    return (
        first,
        publishing,
        restart,
        statistics.median(changes),
        statistics.median(entering),
        statistics.median(publishing_one),
        longing,
    )


def _among_those_that_wait(
    longing: Snapshot, case: Case, look: Callable[[Snapshot], tuple[float, cluster.ClusterPlan]]
) -> float:
    """Seconds of a look after one more."""
    longing = objects.written(longing, look(longing)[1])
    assert look(longing)[1] == cluster.ClusterPlan()
    times = []
    for number in range(case.services, case.services + LOOKS):
        (service,) = objects.snapshot([], [case.service(number)]).services.values()
        longing = replace(longing, services={**longing.services, service.key: service})
        took, plan = look(longing)
        times.append(took)
        longing = objects.written(longing, plan)
    return statistics.median(times)


def _one_more(
    settled: Snapshot, content: bytes, look: Callable[[Snapshot], tuple[float, cluster.ClusterPlan]]
) -> tuple[Snapshot, tuple[float, float]]:
    """The cluster when it has its address, and the seconds of both looks that this takes."""
    (service,) = objects.snapshot([], [content]).services.values()
    settled = replace(settled, services={**settled.services, service.key: service})
    entering, plan = look(settled)
    settled = objects.written(settled, plan)
    publishing, plan = look(settled)
    settled = objects.written(settled, plan)
    assert settled.services[service.key].ingress
    look(settled)
    return settled, (entering, publishing)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure(CASES[sys.argv[1]])))
