"""A machine that is busy, and a network that loses: nobody takes that for a lost node."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from lab.clients import Watch
from lab.speakers import Speakers
from tests.lab.layer2.verbs import nothing_changes

PORT = 50055
SECONDS = float(os.environ.get("OPENELB_NOISE_SECONDS", "20"))
"""How long it is looked at; ten minutes were, by hand: docs/performance.md."""

LOOPS = 6


@contextlib.contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that compute and do nothing else."""
    with contextlib.ExitStack() as stack:
        for _ in range(loops):
            loop = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(loop.kill)
        yield


@contextlib.contextmanager
def lossy(three: Speakers) -> Iterator[None]:
    """A fifth of all heartbeats vanish on each node."""
    rule = f"INPUT -p udp --dport {PORT} -m statistic --mode random --probability 0.2 -j DROP".split()
    with contextlib.ExitStack() as stack:
        for node in three.nodes:
            node.host.run(["iptables", "-w", "-I", *rule])
            stack.callback(node.host.run, ["iptables", "-w", "-D", *rule])
        yield


def test_six_busy_loops_and_a_fifth_of_all_heartbeats_lost_change_nothing(three: Speakers, watched: Watch) -> None:
    owner = watched.well()
    with lossy(three), busy(LOOPS):
        nothing_changes(watched, owner, seconds=SECONDS)
