"""The whole suite as two runs of pytest beside each other: one on the cluster that most lab tests share, which is mostly
waiting, and one with everything else.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import click

from lab.setup import REPOSITORY

ON_THE_CLUSTER, ELSEWHERE = "--shared-cluster=only", "--shared-cluster=without"
BEHIND = 5
"""How far the second run stands back for the first, which has seconds to watch (nice(2))."""


def run(pytest: Sequence[str]) -> int:
    """Run all tests. What the second run prints comes when both have ended. Returns 0 when all have passed."""
    with tempfile.TemporaryFile("w+") as printed:
        click.echo(
            "Tests that need no cluster, or one of their own, run beside these; what they print follows at the end."
        )
        second = subprocess.Popen(
            [*pytest, ELSEWHERE],
            cwd=REPOSITORY,
            stdout=printed,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.nice(BEHIND) and None,
        )
        try:
            first = subprocess.run([*pytest, ON_THE_CLUSTER], cwd=REPOSITORY).returncode
            second.wait()
        finally:
            if second.poll() is None:
                second.terminate()  # it takes down what it has put up
                second.wait()
            printed.seek(0)
            click.echo("\nThe tests without the shared cluster:")
            shutil.copyfileobj(printed, sys.stdout)
    return first or second.returncode
