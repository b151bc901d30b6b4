"""The speaker's figures: a real speaker on one host of a LAN, asked from another, with the API server on a third.

Services appear here with their addresses published and with EndpointSlices, as the manager and kube-controller-manager would
leave them; neither runs. The speaker is the shipped image's, and each figure is taken from outside of its process.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import msgspec

from bench import table
from bench.cluster import side_by_side
from bench.place import PREFIX, Place
from bench.process import Process
from bench.table import Row
from lab import setup, site
from lab.controlplane import ControlPlane
from lab.network import Host, Network
from openelb.kube import decode, writes
from openelb.kube.client import Client
from openelb.kube.config import from_kubeconfig
from openelb.kube.errors import AlreadyExists
from openelb.kube.resources import EIPS_PATH
from openelb.kube.shapes import ServiceShape
from openelb.model import names
from openelb.model.cluster import Publication
from openelb.model.findings import Condition, Finding, Reason

NAMESPACE = "bench-speaker"
POOL, FIRST = "bench-speaker", "10.101.0.0"
NODE = "n1"
PORT = 50053

REPEATS_SECONDS = 7.0
"""The announcements of a new address are repeated for 5 seconds."""

QUIET_SECONDS = 5.0
"""What a speaker uses while nothing happens is measured for so long."""

STARTS = 3
OUTAGE_SECONDS = 20.0
ASKED_PER_SECOND = 200.0

_SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"
_SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"


@dataclass(slots=True)
class Stage:
    """A node, a client on its LAN, an API server, and at most one speaker."""

    plane: ControlPlane
    node: Host
    client: Host
    command: Sequence[str]
    log: Path
    count: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> float:
        """Start the speaker; returns when, by the wall clock."""
        started = time.time()
        with open(self.log, "ab") as out:
            self.process = self.node.popen([*self.command, "--node-name", NODE], log=out)
        return started

    def stop(self) -> None:
        """Kill the speaker, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def usage(self) -> Process:
        """What the speaker uses."""
        if self.process is None:
            raise RuntimeError("no speaker runs")
        return Process(self.process.pid)

    def ask(self, host: Host, *arguments: object) -> "subprocess.Popen[str]":
        """Start `bench.asker` on a host."""
        command = [sys.executable, "-m", "bench.asker", *map(str, arguments)]
        with host.inside():
            return subprocess.Popen(command, cwd=setup.REPOSITORY, stdout=subprocess.PIPE, text=True)

    def sweep(self, first: int, count: int, *, limit: float = 120.0) -> float:
        """When the last of so many addresses was answered, by the wall clock. Raises RuntimeError when not all are."""
        told = _told(self.ask(self.client, "sweep", "eth0", IPv4Address(FIRST) + first, count, limit))
        if told["answered"] != count:
            raise RuntimeError(f"{told['answered']} of {count} addresses were answered within {limit:g} s")
        return float(told["last"])

    def publish(self, count: int) -> None:
        """So many more Services, each with the next address published and an EndpointSlice with one endpoint."""
        numbers = range(self.count, self.count + count)
        self.count += count
        with self.plane.host.inside():
            asyncio.run(_publish(self.plane.kubeconfig, numbers))


def rows(at: Place, services: int) -> list[Row]:
    """All figures of a speaker, while the cluster grows from no Service to so many. They stay: this is the last section."""
    network, hosts = Network(PREFIX), site.hosts(PREFIX, workers=1)
    site.build_node(network, hosts.nodes[0], 1)
    kubeconfig = ("--kubeconfig", at.files.kubeconfig("speaker"))
    command = at.files.python("speaker", "-m", "openelb", "speaker", *kubeconfig)
    stage = Stage(at.plane, hosts.nodes[0], hosts.client, command, at.files.directory / "speaker.log")
    try:
        with at.plane.host.inside():
            asyncio.run(_prepare(at.plane.kubeconfig))
        return list(measure(stage, services))
    finally:
        stage.stop()
        network.remove(hosts.nodes[0].name)


def measure(stage: Stage, count: int) -> Iterator[Row]:
    """The rows, as they are found."""
    stage.start()
    time.sleep(QUIET_SECONDS)
    yield _memory(stage, "with no Service")
    few = min(1000, count // 2)
    yield from _come(stage, few)
    yield _memory(stage, f"when {stage.count} Services have come")
    stage.publish(count - few - stage.count)
    yield from _come(stage, few)
    yield _memory(stage, f"when {stage.count} Services have come", at_most=80)
    yield from _start_anew(stage)
    yield from _list_anew(stage)


def _memory(stage: Stage, when: str, *, at_most: float | None = None) -> Row:
    now, what = stage.usage.resident(), f"speaker: memory (RSS) {when}"
    compared = f"at most {stage.usage.peak():.0f} MB so far"
    if at_most is None:
        return table.figure(what, now, unit="MB", compared=compared)
    return table.bound(what, now, at_most=at_most, unit="MB", compared=compared)


def _come(stage: Stage, count: int) -> Iterator[Row]:
    """What it costs the speaker that Services come, their announcements included. What it uses anyway is taken off."""
    held = stage.count
    time.sleep(REPEATS_SECONDS)
    before, began = stage.usage.cpu_seconds(), time.monotonic()
    time.sleep(QUIET_SECONDS)
    idle = (stage.usage.cpu_seconds() - before) / (time.monotonic() - began)
    before, began = stage.usage.cpu_seconds(), time.monotonic()
    stage.publish(count)
    stage.sweep(held, count)
    time.sleep(REPEATS_SECONDS)
    took = time.monotonic() - began
    used = (stage.usage.cpu_seconds() - before - idle * took) / count * 1000
    what = f"speaker: processor time for each 1000 Services that come to {held}"
    yield table.bound(what, used, at_most=0.5, unit="s", compared=f"{idle * 100:.1f} % of a core before")


def _start_anew(stage: Stage) -> Iterator[Row]:
    """From the start of the process to the last of all addresses answered."""
    took = []
    for _ in range(STARTS):
        stage.stop()
        time.sleep(QUIET_SECONDS)
        started = stage.start()
        took.append(stage.sweep(0, stage.count) - started)
    each = ", ".join(f"{seconds:.2f}" for seconds in took)
    what = f"speaker: start of the process to {stage.count} addresses answered"
    yield table.bound(what, statistics.median(took), at_most=2, unit="s", compared=f"median of {each}")
    time.sleep(QUIET_SECONDS)
    yield _memory(stage, f"after a start with {stage.count} Services", at_most=80)


def _list_anew(stage: Stage) -> Iterator[Row]:
    """The API server is killed and started again: what it told before is too old for it, so everything is listed anew."""
    time.sleep(REPEATS_SECONDS)
    said_before = stage.log.stat().st_size
    arp = stage.ask(stage.client, "pace", "eth0", FIRST, stage.count, OUTAGE_SECONDS, ASKED_PER_SECOND)
    loop = stage.ask(stage.node, "pages", PORT, OUTAGE_SECONDS, ASKED_PER_SECOND)
    time.sleep(1.0)
    stage.plane.end_program("kube-apiserver")
    stage.plane.start_program("kube-apiserver")
    answers, late = _told(arp), _told(loop)["took"]
    _require_lists(stage.log.read_bytes()[said_before:].decode())
    took, lost = answers["took"], answers["unanswered"]
    while_listing = f"while {stage.count} Services are listed anew"
    yield table.bound(
        f"speaker: lag of the loop {while_listing}, p99.9",
        _percentile(late, 99.9),
        at_most=100,
        unit="ms",
        compared=f"p50 {_percentile(late, 50):.1f}, at most {max(late) * 1000:.0f} ms",
    )
    yield table.bound(
        f"speaker: answers to ARP {while_listing}, p99",
        _percentile(took, 99),
        at_most=5,
        unit="ms",
        compared=f"p50 {_percentile(took, 50):.2f}, at most {max(took) * 1000:.0f} ms, {lost} of {len(took)} unanswered",
    )


def _require_lists(said: str) -> None:
    """Raises RuntimeError unless the speaker has said that it lists both again: otherwise something else was measured."""
    for kind in ("services", "endpointslices"):
        if f"watch {kind}: the server has forgotten where we were; listing again" not in said:
            raise RuntimeError(f"no list of {kind} within {OUTAGE_SECONDS:g} s; the speaker said: {said[-2000:]}")


def _percentile(seconds: list[float], percent: float) -> float:
    """In milliseconds."""
    return table.percentile(seconds, percent) * 1000


def _told(asker: "subprocess.Popen[str]") -> dict[str, Any]:
    out, _ = asker.communicate()
    if asker.returncode:
        raise RuntimeError(f"bench.asker ended with {asker.returncode}")
    return dict(json.loads(out))


async def _prepare(kubeconfig: Path) -> None:
    spec = {"address": f"{FIRST}/16", "protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}}
    body = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": "Eip", "metadata": {"name": POOL}, "spec": spec}
    async with Client(from_kubeconfig([kubeconfig])) as client:
        with contextlib.suppress(AlreadyExists):
            await client.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}}, msgspec.Raw)
        await client.create(EIPS_PATH, body, msgspec.Raw)


async def _publish(kubeconfig: Path, numbers: range) -> None:
    async with Client(from_kubeconfig([kubeconfig])) as client:
        await side_by_side(_publish_one(client, number) for number in numbers)


async def _publish_one(client: Client, number: int) -> None:
    address, name = str(IPv4Address(FIRST) + number), f"web-{number}"
    service = decode.service(await client.create(_SERVICES, _service(name), ServiceShape))
    await client.create(_SLICES, _slice(name), msgspec.Raw)
    allocated = Finding(Reason.ALLOCATED, f"{address} from Eip {POOL}")
    announced = Finding(Reason.ANNOUNCED, "a node with interface eth0 answers for it (layer2)")
    conditions = (
        Condition.of(names.ADDRESS_ALLOCATED, allocated, status=True),
        Condition.of(names.ANNOUNCED, announced, status=True),
    )
    # Without our finalizer: no manager runs that would take it away.
    await writes.write_service(client, service, Publication((address,), POOL, False, conditions))


def _service(name: str) -> dict[str, object]:
    return {
        "metadata": {"name": name, "annotations": {names.REQUESTED_POOL: POOL, names.OPT_IN: names.OPT_IN_VALUE}},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": name},
            "ports": [{"port": 80}],
            "allocateLoadBalancerNodePorts": False,  # there are fewer ports than Services
        },
    }


def _slice(service: str) -> dict[str, object]:
    """As kube-controller-manager makes them (discovery.k8s.io/v1)."""
    pod = {"kind": "Pod", "namespace": NAMESPACE, "name": f"{service}-5d8f7c9b4-x7k2p"}
    return {
        "metadata": {
            "name": f"{service}-x7k2p",
            "labels": {
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                "kubernetes.io/service-name": service,
            },
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": ["10.244.1.7"],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": NODE,
                "targetRef": pod,
            }
        ],
        "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
    }
