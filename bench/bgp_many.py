"""Ten thousand addresses by BGP: how long until a router has all, what that takes, and what a speaker that is killed changes."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from bench import table
from bench.bgp_stage import ADDRESSES, Stage
from bench.bgp_told import SERVICES_PATH, SLICES_PATH, endpoints, name_of, service
from bench.cluster import side_by_side
from bench.process import Process
from bench.table import Row
from lab.bird import BIRD_3
from lab.routes import watching
from lab.wait import require, until
from openelb.kube.client import Client
from openelb.kube.config import from_kubeconfig

STARTS = 3
SETTLING, STEADY = 10.0, 20.0
"""Seconds until nothing is left to do, and in which is seen what doing nothing takes."""


def rows(stage: Stage, count: int) -> Iterator[Row]:
    """The rows of so many addresses on one node."""
    (node,) = stage.there.nodes
    with stage.router(BIRD_3) as router:
        stage.peer()
        stage.established(router)
        print(f"{count} Services …", file=sys.stderr)
        publish(stage, count)
        until(lambda: _require(stage, count), what=f"{count} routes", timeout=600, every=0.5)
        took = [_start_anew(stage, count) for _ in range(STARTS)]
        each = ", ".join(f"{seconds:.2f}" for seconds in took)
        what = f"start of speaker and gobgpd → {count:,} addresses in the router's kernel, BIRD 3, longest of {STARTS}"
        yield table.bound(what, max(took), at_most=3, unit="s", compared=each)
        stage.established(router)
        time.sleep(SETTLING)
        gobgpd, speaker = (stage.running(node.name, program) for program in ("gobgpd", "speaker"))
        compared = f"at most {gobgpd.peak():.0f} MB so far"
        what = f"gobgpd with {count:,} addresses: memory (RSS)"
        yield table.bound(what, gobgpd.resident(), at_most=60, unit="MB", compared=compared)
        what = f"the same in {STEADY:g} s in which nothing happens: processor time"
        used = _used([gobgpd, speaker])
        yield table.bound(
            what, 100 * used[0], at_most=1, unit="% of a core", compared=f"the speaker {100 * used[1]:.1f} %"
        )
        yield _kill(stage, count)


def publish(stage: Stage, count: int, nodes: Sequence[str] = ()) -> None:
    """So many Services with the first addresses of the pool, and an endpoint on each node."""
    names = list(nodes) or [node.name for node in stage.there.nodes]
    addresses = [str(ADDRESSES[1 + number]) for number in range(count)]
    with stage.plane.host.inside():
        asyncio.run(_publish(stage.plane.kubeconfig, addresses, names))


async def _publish(kubeconfig: Path, addresses: Sequence[str], nodes: Sequence[str]) -> None:
    async with Client(from_kubeconfig([kubeconfig])) as client:

        async def one(address: str) -> None:
            await client.create(SLICES_PATH, endpoints(name_of(address), nodes), msgspec.Raw)
            await client.create(SERVICES_PATH, service(address), msgspec.Raw)

        await side_by_side(map(one, addresses))


def route_count(stage: Stage) -> int:
    """How many addresses of the pool the router's kernel knows a way to."""
    return sum(line.startswith("10.101.") for line in stage.host.ip("-4", "route", "show").splitlines())


def _require(stage: Stage, count: int) -> None:
    found = route_count(stage)
    require(found == count, f"{found} of {count} routes")


def _start_anew(stage: Stage, count: int) -> float:
    """Seconds from the start of a speaker that finds nothing on its node to the last route."""
    (node,) = stage.there.nodes
    node.kill()
    stage.end_gobgpd(node.name)
    until(lambda: _require(stage, 0), what="no route", timeout=60)
    time.sleep(2.0)
    began = time.time()
    file = stage.directory / "routes"
    with watching(stage.host, file) as changes:
        began = time.time()
        node.start()
        until(lambda: _require(stage, count), what=f"{count} routes", timeout=120, every=0.2)
        time.sleep(0.5)
        there = [change.at for change in changes.all() if change.next_hops and change.prefix.startswith("10.101.")]
    return max(there) - began


def _used(running: Sequence[Process]) -> list[float]:
    before, began = [each.cpu_seconds() for each in running], time.monotonic()
    time.sleep(STEADY)
    return [
        (each.cpu_seconds() - then) / (time.monotonic() - began) for each, then in zip(running, before, strict=True)
    ]


def _kill(stage: Stage, count: int) -> Row:
    (node,) = stage.there.nodes
    with watching(stage.host, stage.directory / "routes") as changes:
        node.kill()
        time.sleep(1.0)
        node.start()
        node_is_back = _is_back(stage)
        until(node_is_back, what="the speaker to be back", timeout=60)
        time.sleep(SETTLING)
        gone = [change for change in changes.all() if change.prefix.startswith("10.101.")]
    _require(stage, count)
    what = f"speaker killed and back after 1 s, {count:,} addresses: changes of the router's routes"
    return table.bound(what, len(gone), at_most=0)


def _is_back(stage: Stage) -> Callable[[], None]:
    (node,) = stage.there.nodes
    return lambda: node.require_all_alive(1)
