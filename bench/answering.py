"""Answers to ARP: how soon they come when the main thread is busy, by the sockets and by the kernel, and what a flood costs.

A process with a thousand addresses on one host of a LAN, asked from another; no API server. The kernel stamps the answers.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

from bench import table
from bench.place import PREFIX
from bench.process import Process
from bench.table import Row
from lab import setup
from lab.network import Host, Network

FIRST, COUNT = "10.101.0.0", 1000
OTHERS = "10.102.0.0"
SECONDS, RATE = 20.0, 200.0
FLOOD_SECONDS, FLOOD = 20.0, 100_000.0
SETTLE_SECONDS = 8.0
"""The announcements of an address are repeated for 5 seconds."""


def rows() -> list[Row]:
    """All figures."""
    with Network(f"{PREFIX}arp") as network:  # beside a section of somebody else that runs
        switch = network.switch("lan")
        node, client = network.host("n1"), network.host("client")
        node.attach(switch, "eth0", "10.79.0.11/24")
        client.attach(switch, "eth0", "10.79.0.100/24")
        return [*_answers(node, client), *_flood(node, client)]


def _answers(node: Host, client: Host) -> Iterator[Row]:
    for by in ("socket", "kernel"):
        for state in ("idle", "busy"):
            with answerer(node, by, state):
                told = _told(_ask(client, "pace", FIRST, SECONDS, RATE))
            took = told["took"]
            p50, p99 = (1000 * table.percentile(took, percent) for percent in (50, 99))
            what = f"answers to ARP by the {by}, main thread {'busy for 100 ms at a time' if state == 'busy' else state}, p99"
            compared = (
                f"p50 {p50:.3f}, at most {1000 * max(took):.2f} ms, {told['unanswered']} of {len(took)} unanswered"
            )
            yield table.bound(what, p99, at_most=5, unit="ms", compared=compared)


def _flood(node: Host, client: Host) -> Iterator[Row]:
    for by in ("socket", "kernel"):
        with answerer(node, by, "idle") as process:
            before, began = process.cpu_seconds(), time.monotonic()
            time.sleep(FLOOD_SECONDS)
            idle = (process.cpu_seconds() - before) / (time.monotonic() - began)
            flooding = _ask(client, "flood", OTHERS, FLOOD_SECONDS + 2, FLOOD)
            time.sleep(1)  # until it has begun
            before, began = process.cpu_seconds(), time.monotonic()
            took = _told(_ask(client, "pace", FIRST, FLOOD_SECONDS - 3, RATE / 10))["took"]
            used = (process.cpu_seconds() - before) / (time.monotonic() - began)
            told = _told(flooding)
        rate = told["sent"] / told["seconds"]
        what = f"flood of {rate:,.0f} requests a second for others, answers by the {by}: processor time"
        asked = f"p99 of answers meanwhile {1000 * table.percentile(took, 99):.2f} ms"
        yield table.bound(
            what, 100 * used, at_most=2, unit="% of a core", compared=f"{100 * idle:.1f} % without it; {asked}"
        )


@contextlib.contextmanager
def answerer(node: Host, by: str, state: str) -> Iterator[Process]:
    """A process on the node that answers for all addresses."""
    command = [sys.executable, "-m", "bench.answerer", by, state, "eth0", FIRST, str(COUNT)]
    with node.inside():
        running = subprocess.Popen(command, cwd=setup.REPOSITORY, stdout=subprocess.DEVNULL)
    try:
        time.sleep(SETTLE_SECONDS)
        yield Process(running.pid)
    finally:
        running.kill()
        running.wait()


def _ask(host: Host, what: str, first: str, seconds: float, rate: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.asker", what, "eth0", str(IPv4Address(first)), COUNT, seconds, rate]
    with host.inside():
        return subprocess.Popen(list(map(str, command)), cwd=setup.REPOSITORY, stdout=subprocess.PIPE, text=True)


def _told(asker: "subprocess.Popen[str]") -> dict[str, Any]:
    out, _ = asker.communicate()
    if asker.returncode:
        raise RuntimeError(f"bench.asker ended with {asker.returncode}")
    return dict(json.loads(out))
