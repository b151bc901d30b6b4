"""Nothing of a lab is ever in the machine's own network namespace or its settings, and nothing is left at the end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import cgroups, processes
from lab.cache import Cache
from lab.cluster import Cluster
from lab.network import Network
from lab.setup import Prepared
from lab.site import build

# What kubelet would set for the whole machine, and forwarding, which every node and router of a lab turns on.
SETTINGS = [
    "vm/overcommit_memory",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/rp_filter",
]

SMALL_CLUSTER = """
import sys, time
from lab import processes
from lab.cluster import Cluster
processes.unwind_when_told()
with Cluster.recorded(sys.stdin.buffer.read()):
    print("up", flush=True)
    time.sleep(600)
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine's own namespace has, as text that does not change by itself."""

    links: str
    addresses: str
    routes: str
    rules: str
    settings: tuple[str, ...]


def machine() -> Machine:
    return Machine(
        links=ip("-brief", "link"),
        addresses=ip("-brief", "address"),
        routes=ip("route", "show", "table", "all") + ip("-6", "route", "show", "table", "all"),
        rules=ip("rule") + ip("-6", "rule"),
        settings=tuple(Path("/proc/sys", name).read_text() for name in SETTINGS),
    )


def ip(*args: str) -> str:
    return subprocess.run(["ip", *args], capture_output=True, text=True, check=True).stdout


def test_a_site_leaves_the_machine_as_it_was(network: Network) -> None:
    before = machine()
    site = build(network)
    server = site.nodes[0].popen([sys.executable, "-m", "http.server", "80"])
    assert machine() == before
    network.remove()
    assert machine() == before
    assert server.wait(timeout=5) < 0


def test_no_process_of_a_cluster_is_in_the_machines_network(cluster: Cluster) -> None:
    ours = os.stat("/proc/self/ns/net").st_ino
    pids = {pid for node in cluster.nodes for pid in node.group.processes()}
    pids |= processes.in_namespaces(host.path for host in cluster.site.hosts())
    assert len(pids) > 20
    assert [pid for pid in pids if network_of(pid) == ours] == []


@pytest.fixture
def small(prepared: Prepared) -> Iterator[Cluster]:
    """A cluster of one worker that is not up; whatever a test leaves of it is cleared."""
    prefix = f"elbt{os.getpid()}s"
    cluster = Cluster(prefix, Cache.of_user().path("run", prefix), prepared, workers=1)
    yield cluster
    cluster.down()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_end_takes_its_cluster_down(end: signal.Signals, small: Cluster) -> None:
    before = machine()
    with running(small) as program:
        assert machine() == before
        program.send_signal(end)
        assert program.wait(timeout=60) != 0
    assert left_of(small) == []
    assert machine() == before


def test_the_next_run_clears_what_a_killed_one_left(small: Cluster) -> None:
    with running(small) as program:
        program.kill()
        program.wait()
    assert left_of(small)
    small.down()
    assert left_of(small) == []


@contextmanager
def running(cluster: Cluster) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has put the cluster up and keeps it."""
    command = [sys.executable, "-c", SMALL_CLUSTER]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as program:
        try:
            assert program.stdin
            program.stdin.write(cluster.record())
            program.stdin.close()
            assert program.stdout
            assert program.stdout.readline() == b"up\n"
            yield program
        finally:
            program.kill()


def left_of(cluster: Cluster) -> list[str]:
    """Whatever there is of a cluster: hosts, groups, files, processes that use its files."""
    groups = [group.name for group in cgroups.named(f"{cluster.prefix}-")]
    files = [str(cluster.directory)] if cluster.directory.exists() else []
    return [*cluster.network.names(), *groups, *files, *map(str, processes_with(str(cluster.directory)))]


def processes_with(argument: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:  # it ended while we looked
            continue
    return found


def network_of(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return None
