"""How soon routers know: from what is written in the cluster to UPDATEs on the wire and to routes in the router's kernel."""

import asyncio
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench import table
from bench.bgp_stage import ADDRESSES, PEER, POOL, ROUTER, ROUTER_ASN, Stage, thing
from bench.bgp_wire import listening
from bench.cluster import Sink
from bench.table import Row
from lab.bird import BIRD_2, BIRD_3
from lab.frr import FRR, FRR_8
from lab.peering import Software
from lab.routes import Change, watching
from lab.wait import require, until
from openelb.kube.client import Client
from openelb.kube.config import from_kubeconfig
from openelb.kube.resources import SERVICES, SLICES
from openelb.kube.watch import Reflector
from openelb.model import names
from openelb.model.cluster import Service

NAMESPACE = "default"
SERVICES_PATH = f"/api/v1/namespaces/{NAMESPACE}/services"
SLICES_PATH = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
KINDS: tuple[Software, ...] = (BIRD_3, BIRD_2, FRR, FRR_8)

_BETWEEN = (0.3, 0.6)
"""Seconds between two changes: no two of them are dealt with in one go."""


@dataclass(slots=True)
class Moments:
    """By address, all by the clock of the day: when something was asked for, and when a watcher saw it in the cluster."""

    asked: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)


def rows(stage: Stage, each: int) -> Iterator[Row]:
    """The rows of each software, with so many Services each."""
    for number, software in enumerate(KINDS):
        print(f"{software.name}: {each} Services …", file=sys.stderr)
        addresses = [str(ADDRESSES[1 + number * each + one]) for one in range(each)]
        with stage.router(software) as router:
            stage.peer()
            stage.established(router)
            yield from _come(stage, software, addresses)
            yield from _lose_endpoint(stage, software, addresses[0], each)
    yield from _peers(stage, max(5, each // 10))


def _come(stage: Stage, software: Software, addresses: Sequence[str]) -> Iterator[Row]:
    with listening(stage.host) as wire, watching(stage.host, stage.directory / "routes") as changes:
        with stage.plane.host.inside():
            moments = asyncio.run(_one_by_one(stage.plane.kubeconfig, addresses, _nodes(stage)))
        stage.leads_to(addresses[-1])
        time.sleep(1.0)
        routes = changes.all()
    told = [wire.first(one, moments.asked[one]) for one in addresses]
    there = [_first(routes, one, lambda hops: bool(hops)) for one in addresses]
    everywhere = len(stage.there.nodes)
    complete = [_first(routes, one, lambda hops: len(hops) == everywhere) for one in addresses]
    asked, seen = ([of[one] for one in addresses] for of in (moments.asked, moments.seen))
    on = f"{software.name}, {len(addresses)} Services"
    yield from _held(f"status published → UPDATE on the wire, {on}", _spans(seen, told), {50: 15.0})
    bounds = {50: 60.0, 99: 250.0}
    yield from _held(f"Service created → route in the router's kernel, {on}", _spans(asked, there), bounds)
    yield _told(f"the same, by all {everywhere} nodes, {on}", _spans(asked, complete))
    yield _told(f"of which from the UPDATE to the kernel, {on}", _spans(told, there))


def _lose_endpoint(stage: Stage, software: Software, address: str, times: int) -> Iterator[Row]:
    name, nodes = name_of(address), _nodes(stage)
    stage.plane.kubectl("patch", "service", name, "-p", '{"spec":{"externalTrafficPolicy":"Local"}}')
    took, wired = list[float](), list[float]()
    for _ in range(times):
        stage.leads_to(address)
        time.sleep(random.uniform(*_BETWEEN))
        lost = random.choice(nodes)
        left = [node for node in nodes if node != lost]
        with listening(stage.host) as wire, watching(stage.host, stage.directory / "routes") as changes:
            with stage.plane.host.inside():
                moments = asyncio.run(_lose(stage.plane.kubeconfig, name, left))
            stage.leads_to(address, left)
            routes = changes.all()
        gone = stage.there.node(lost).host.address()
        at = next(change.at for change in routes if change.prefix == address and gone not in change.next_hops)
        took.append((at - moments.seen[name]) * 1000)
        wired.append((wire.first(address, moments.asked[name], withdrawn=True) - moments.seen[name]) * 1000)
        with stage.plane.host.inside():
            asyncio.run(_lose(stage.plane.kubeconfig, name, nodes))
    what = f"endpoint gone (Local), from the event → next hop gone in the kernel, {software.name}, {times} times"
    spread = f"{_spread(took)}; to the UPDATE {_spread(wired)}"
    yield table.bound(f"{what}, p50", table.percentile(took, 50), at_most=30, unit="ms", compared=spread)


def _peers(stage: Stage, times: int) -> Iterator[Row]:
    """BgpPeers that are created while the router waits for them."""
    took = list[float]()
    with stage.router(BIRD_3) as router:
        for _ in range(times):
            stage.plane.kubectl("delete", "bgppeer", PEER, "--ignore-not-found")
            until(lambda: require(not router.established(), "still there"), what="the end of all sessions", timeout=60)
            time.sleep(random.uniform(1.0, 2.0))
            began = time.monotonic()
            stage.apply(thing("BgpPeer", PEER, {"conf": {"neighborAddress": ROUTER, "peerAs": ROUTER_ASN}}))
            stage.established(router)
            took.append(time.monotonic() - began)
    what = f"BgpPeer applied → sessions with all {len(stage.there.nodes)} nodes, BIRD 3, {times} times: longest"
    spread = f"p50 {table.percentile(took, 50):.2f} s; kubectl is in it"
    yield table.bound(what, max(took), at_most=2.5, unit="s", compared=spread)


def _held(what: str, spans: Sequence[float], bounds: dict[int, float]) -> Iterator[Row]:
    for percent, bound in bounds.items():
        value = table.percentile(spans, percent)
        yield table.bound(f"{what}, p{percent}", value, at_most=bound, unit="ms", compared=_spread(spans))


def _told(what: str, spans: Sequence[float]) -> Row:
    return table.figure(f"{what}, p50", table.percentile(spans, 50), unit="ms", compared=_spread(spans))


def _spread(milliseconds: Sequence[float]) -> str:
    p50, p99 = (table.percentile(milliseconds, percent) for percent in (50, 99))
    return f"p50 {p50:.1f}, p99 {p99:.1f}, at most {max(milliseconds):.0f} ms"


def _spans(first: Sequence[float], then: Sequence[float]) -> list[float]:
    return [(later - earlier) * 1000 for earlier, later in zip(first, then, strict=True)]


def _first(routes: Sequence[Change], address: str, wanted: Callable[[frozenset[str]], bool]) -> float:
    return next(change.at for change in routes if change.prefix == address and wanted(change.next_hops))


async def _one_by_one(kubeconfig: Path, addresses: Sequence[str], nodes: Sequence[str]) -> Moments:
    moments = Moments()
    async with Client(from_kubeconfig([kubeconfig])) as client:

        def hear(service: Service) -> None:
            for address in service.ingress:
                moments.seen.setdefault(address, time.time())

        watching = asyncio.create_task(Reflector(client, SERVICES, Sink(hear)).run())
        await asyncio.sleep(0.5)
        for address in addresses:
            await client.create(SLICES_PATH, endpoints(name_of(address), nodes), msgspec.Raw)
            await asyncio.sleep(random.uniform(*_BETWEEN))
            moments.asked[address] = time.time()
            await client.create(SERVICES_PATH, service(address), msgspec.Raw)
            await _until(partial(moments.seen.__contains__, address))
        watching.cancel()
    return moments


async def _lose(kubeconfig: Path, name: str, nodes: Sequence[str]) -> Moments:
    """Have a Service endpoints on these nodes alone."""
    moments = Moments()
    async with Client(from_kubeconfig([kubeconfig])) as client:
        heard = list[float]()
        watching = asyncio.create_task(Reflector(client, SLICES, Sink[Any](lambda _: heard.append(time.time()))).run())
        await _until(lambda: bool(heard))
        await asyncio.sleep(0.05)
        heard.clear()
        moments.asked[name] = time.time()
        await client.merge(f"{SLICES_PATH}/{name}", {"endpoints": endpoints(name, nodes)["endpoints"]}, msgspec.Raw)
        await _until(lambda: bool(heard))
        moments.seen[name] = heard[0]
        watching.cancel()
    return moments


async def _until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not so():  # noqa: ASYNC110 - an event would be heard no sooner
            await asyncio.sleep(0.001)


def _nodes(stage: Stage) -> list[str]:
    return [node.name for node in stage.there.nodes]


def name_of(address: str) -> str:
    """What the Service with an address is called, and its EndpointSlice."""
    return f"web-{address.replace('.', '-')}"


def service(address: str, **annotations: str) -> dict[str, object]:
    """A Service that asks for an address of the pool."""
    wishes = {names.OPT_IN: names.OPT_IN_VALUE, names.REQUESTED_POOL: POOL, "openelb.io/addresses": address}
    spec = {"type": "LoadBalancer", "ports": [{"port": 80}], "allocateLoadBalancerNodePorts": False}
    return {"metadata": {"name": name_of(address), "annotations": wishes | annotations}, "spec": spec}


def endpoints(name: str, nodes: Sequence[str]) -> dict[str, Any]:
    """An EndpointSlice of a Service with a ready endpoint on each of these nodes."""
    ready = [
        {"addresses": [f"10.244.{number}.5"], "nodeName": node, "conditions": {"ready": True}}
        for number, node in enumerate(nodes)
    ]
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"port": 80}],
        "endpoints": ready,
    }
