"""The whole suite as two runs of pytest beside each other, each with its own lab: one for an installed OpenELB, which mostly
waits, and one for everything else.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial

import click

from lab.setup import REPOSITORY

INSTALLED, ALL_ELSE = "--installation=only", "--installation=without"
BEHIND = 5
"""How far the second run stands back for the first, which has seconds to watch (nice(2))."""


def run(pytest: Sequence[str]) -> int:
    """Run all tests. What the second run prints comes when both have ended. Returns 0 when all have passed."""
    with tempfile.TemporaryFile("w+") as printed:
        click.echo("All tests but those of an installed OpenELB run beside these; what they print follows at the end.")
        second = subprocess.Popen(
            [*pytest, ALL_ELSE],
            cwd=REPOSITORY,
            stdout=printed,
            stderr=subprocess.STDOUT,
            preexec_fn=partial(os.nice, BEHIND),
        )
        try:
            first = subprocess.run([*pytest, INSTALLED], cwd=REPOSITORY).returncode
            second.wait()
        finally:
            if second.poll() is None:
                second.terminate()  # it takes down what it has put up
                second.wait()
            printed.seek(0)
            click.echo("\nThe tests beside those of an installed OpenELB:")
            shutil.copyfileobj(printed, sys.stdout)
    return first or second.returncode
