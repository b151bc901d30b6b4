"""A machine that is busy, and a network that loses: nobody takes that for a lost node."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from lab.clients import Watch
from lab.dropping import INPUT, dropping
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


def test_six_busy_loops_and_a_fifth_of_all_heartbeats_lost_change_nothing(three: Speakers, watched: Watch) -> None:
    owner = watched.well()
    a_fifth = f"udp dport {PORT} numgen random mod 5 == 0"
    with dropping([node.host for node in three.nodes], INPUT, a_fifth), busy(LOOPS):
        nothing_changes(watched, owner, seconds=SECONDS)
