"""The whole suite in two lanes beside each other, by runs of pytest that have a lab each. One lane has the tests that watch the
clock: of failover, and after them of an installed OpenELB, which mostly wait. The other one has everything else, which stands back.

Real daemons and real seconds on two processors: what fails beside other tests is run once more when nothing else runs, and told.
What is broken fails again.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from lab import cgroups
from lab.setup import REPOSITORY
from lab.wait import WaitError

ON_TIME, ALL_ELSE = ("failover", "installed"), "rest"
BEHIND = 10
"""How far the second lane stands back for the first, which has seconds to watch (nice(2))."""

FEW = 8
"""Where more tests of a part fail, it is not for want of time."""

GROUP = "openelb-behind-"

_TESTS_FAILED = 1
"""What pytest exits with then; there are other codes for whatever else goes wrong."""


def run(pytest: Sequence[str]) -> int:
    """Run all tests. What the second lane prints comes when both have ended. Returns 0 when all have passed."""
    with tempfile.TemporaryDirectory(prefix="openelb-lanes-") as kept:
        caches = {part: Path(kept, part) for part in (*ON_TIME, ALL_ELSE)}
        commands = {part: [*pytest, f"--part={part}", "-o", f"cache_dir={at}"] for part, at in caches.items()}
        codes = _beside_each_other(commands)
        for part, code in codes.items():
            if code == _TESTS_FAILED:
                codes[part] = _once_more(commands[part], failed(caches[part]))
        return next((code for code in codes.values() if code), 0)


def _beside_each_other(commands: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The exit code of each part."""
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
            commands[ALL_ELSE],
            cwd=REPOSITORY,
            stdout=printed,
            stderr=subprocess.STDOUT,
            preexec_fn=stand_back,
        )
        try:
            codes = {part: subprocess.run(commands[part], cwd=REPOSITORY).returncode for part in ON_TIME}
            codes[ALL_ELSE] = second.wait()
        finally:
            if second.poll() is None:
                second.terminate()  # it takes down what it has put up
                second.wait()
            with contextlib.suppress(WaitError):  # what a test has left is still in it
                group.remove()
            printed.seek(0)
            click.echo("\nThe tests beside those:")
            shutil.copyfileobj(printed, sys.stdout)
    return codes


def failed(cache: Path) -> list[str]:
    """The tests that failed, by what pytest keeps in its cache."""
    try:
        return sorted(json.loads((cache / "v" / "cache" / "lastfailed").read_text()))
    except FileNotFoundError:
        return []


def _once_more(command: Sequence[str], tests: Sequence[str]) -> int:
    if not 0 < len(tests) <= FEW:
        return _TESTS_FAILED
    click.echo("\nThese failed beside other tests, and run once more with nothing beside them:")
    click.echo("".join(f"  {test}\n" for test in tests))
    return subprocess.run([*command, "--last-failed"], cwd=REPOSITORY).returncode
