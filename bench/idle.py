"""What speakers need while nothing happens, with 10,000 addresses on few nodes; whether heartbeats are on time while all is
listed anew; and what forged ones cost.
"""

import contextlib
import socket
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Network

from bench import table
from bench.place import PREFIX, Place
from bench.process import Process
from bench.table import Row
from lab import processes
from lab.network import Network
from lab.speakers import Program, SpeakerNode, Speakers, speakers
from openelb.wire.heartbeat import Beat, Flag, Key, Sender, seal

SECONDS = 20.0
PORT = 50055
FORGED_A_SECOND = 16_700
"""A million a minute."""

_ADDRESSES = IPv4Network("10.101.0.0/17")
_SETTLING = 90.0
"""Seconds after which new addresses are announced for the last time for a while."""


def rows(at: Place, *, nodes: int, addresses: int) -> list[Row]:
    """The rows of so many nodes and addresses."""
    directory = at.files.root / "opt" / "idle"
    directory.mkdir()
    ours = {
        account: Program(tuple(at.files.python(account, "-m", "openelb")), directory, "/opt/idle")
        for account in ("manager", "speaker")
    }
    with speakers(Network(PREFIX), at.plane, ours["manager"], ours["speaker"], count=nodes) as there:
        empty = _used(there, SECONDS)
        there.pool("many", str(_ADDRESSES))
        print(f"serving {addresses} addresses …", file=sys.stderr)
        there.serve([str(_ADDRESSES[number]) for number in range(1, addresses + 1)], "many")
        time.sleep(_SETTLING)
        full, on = _used(there, SECONDS), f"{nodes} nodes"
        return [
            table.bound(
                f"{on}, heartbeats and no address, idle: processor time of a speaker",
                100 * empty,
                at_most=1,
                unit="% of a core",
            ),
            table.bound(f"{on}, {addresses:,} addresses, idle: the same", 100 * full, at_most=1, unit="% of a core"),
            _relisted(at, there, f"{addresses:,} Services are listed anew"),
            *_forged(there, on),
        ]


def _process(node: SpeakerNode) -> Process:
    """The speaker itself, and not what it was started with."""
    return Process(max(processes.in_namespaces([node.host.path])))


def _used(there: Speakers, seconds: float) -> float:
    """The share of a core that a speaker uses: the most of all."""
    running = [_process(node) for node in there.nodes]
    before, began = [each.cpu_seconds() for each in running], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return max((each.cpu_seconds() - then) / passed for each, then in zip(running, before, strict=True))


def _relisted(at: Place, there: Speakers, what: str) -> Row:
    node = there.nodes[0]
    node.latest()
    at.plane.kubectl("get", "--raw", "/readyz")
    at.plane.stop()
    at.plane.start(controllers=False)
    late: list[float] = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        late.append(node.latest())
        time.sleep(0.1)
    return table.bound(
        f"{what}: lateness of heartbeats, p99.9",
        1000 * table.percentile(late, 99.9),
        at_most=20,
        unit="ms",
        compared=f"the latest of each tenth of a second; at most {1000 * max(late):.1f} ms",
    )


def _forged(there: Speakers, on: str) -> list[Row]:
    victim, other = there.nodes[:2]
    key = Key.of(b"x" * 32)
    beat = seal(Beat(Sender(other.name, "forged", 7, 1), Flag.CANDIDATE, (1, 1)), [key])
    found = []
    for host, said in ((there.client, "by a stranger"), (other.host, "from a node's address")):
        before, began = _process(victim).cpu_seconds(), time.monotonic()
        with host.inside():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with contextlib.closing(sender):
            _flood(lambda: sender.sendto(beat, (victim.host.address(), PORT)), FORGED_A_SECOND, 10.0)  # noqa: B023
        used = (_process(victim).cpu_seconds() - before) / (time.monotonic() - began)
        found.append(
            table.figure(
                f"{on}, {FORGED_A_SECOND:,} forged heartbeats a second {said}: processor time",
                100 * used,
                unit="% of a core",
            )
        )
    there.all_alive()
    return found


def _flood(send: Callable[[], object], rate: float, seconds: float) -> None:
    began, sent = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        while sent < now * rate:
            send()
            sent += 1
        time.sleep(0.001)
