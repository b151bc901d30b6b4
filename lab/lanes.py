"""The whole suite in two lanes beside each other, by runs of pytest that have a lab each. One lane has the tests that watch the
clock: of failover, and after them of an installed OpenELB, which mostly wait. The other one has everything else, which stands back.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import click

from lab import cgroups
from lab.setup import REPOSITORY
from lab.wait import WaitError

ON_TIME, ALL_ELSE = ("--part=failover", "--part=installed"), "--part=rest"
BEHIND = 10
"""How far the second lane stands back for the first, which has seconds to watch (nice(2))."""

GROUP = "openelb-behind-"


def run(pytest: Sequence[str]) -> int:
    """Run all tests. What the second lane prints comes when both have ended. Returns 0 when all have passed."""
    for killed in cgroups.named(GROUP):
        if not killed.processes():
            killed.remove()
    group = cgroups.group(f"{GROUP}{os.getpid()}")

    def stand_back() -> None:
        os.nice(BEHIND)
        # A kernel that makes a group of every session (CONFIG_SCHED_AUTOGROUP) has niceness count within it alone.
        group.create()
        group.join()

    with tempfile.TemporaryFile("w+") as printed:
        click.echo("Tests that watch no clock run beside these; what they print follows at the end.")
        second = subprocess.Popen(
            [*pytest, ALL_ELSE],
            cwd=REPOSITORY,
            stdout=printed,
            stderr=subprocess.STDOUT,
            preexec_fn=stand_back,
        )
        try:
            first = [subprocess.run([*pytest, part], cwd=REPOSITORY).returncode for part in ON_TIME]
            second.wait()
        finally:
            if second.poll() is None:
                second.terminate()  # it takes down what it has put up
                second.wait()
            with contextlib.suppress(WaitError):  # what a test has left is still in it
                group.remove()
            printed.seek(0)
            click.echo("\nThe tests beside those:")
            shutil.copyfileobj(printed, sys.stdout)
    return next((code for code in (*first, second.returncode) if code), 0)
