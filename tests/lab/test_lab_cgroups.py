"""A node's control group on the real kernel, in each version that this machine has mounted."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import cgroups, processes
from lab.cgroups import ROOT, V2, Group, Tree


def trees() -> list[Tree]:
    """This machine's tree, and the one of version 2 that systemd puts beside version 1: it can freeze, if not limit."""
    beside = ROOT / "unified"
    return [cgroups.tree(), *([V2(beside)] if (beside / "cgroup.procs").exists() else [])]


@pytest.fixture(params=trees(), ids=lambda tree: f"{type(tree).__name__}:{tree.pids}")
def group(machine: None, request: pytest.FixtureRequest) -> Iterator[Group]:
    group = Group(f"elbt{os.getpid()}g-n1", request.param)
    group.create()
    yield group
    group.thaw()
    processes.end(group.processes, group.name)
    group.remove()


@pytest.fixture
def clock(group: Group, tmp_path: Path) -> Iterator[Path]:
    """A file that a daemon of the group writes to all the time."""
    ticks = tmp_path / "ticks"
    joined = "".join(f"echo 0 > {directory}/init/cgroup.procs; " for directory in group.create())
    with subprocess.Popen(["sh", "-c", f"{joined} while :; do echo; sleep 0.01; done > {ticks}"]) as shell:
        yield ticks
        group.thaw()
        processes.end(group.processes, group.name)
        shell.wait(timeout=5)


def test_daemons_are_found_and_are_no_containers(group: Group, clock: Path) -> None:
    sees(clock, moving=True)
    assert group.daemons()
    assert group.processes("/kubepods/pod1") == frozenset()


def test_a_frozen_group_stands_still_until_it_is_thawed(group: Group, clock: Path) -> None:
    sees(clock, moving=True)
    group.freeze()
    sees(clock, moving=False)
    group.thaw()
    sees(clock, moving=True)


def test_a_group_is_removed_with_the_groups_that_containers_had_in_it(group: Group) -> None:
    for directory in group.create():
        (directory / "kubepods" / "pod1").mkdir(parents=True)
    group.remove()
    assert not any(directory.exists() for directory in (hierarchy / group.name for hierarchy in group.tree.hierarchies))
    group.remove()
    group.thaw()


def test_groups_are_found_by_the_stem_of_their_names(machine: None) -> None:
    group = cgroups.group(f"elbt{os.getpid()}h-n1")
    group.create()
    try:
        assert cgroups.named(f"elbt{os.getpid()}h-") == [group]
    finally:
        group.remove()
    assert cgroups.named(f"elbt{os.getpid()}h-") == []


def test_a_group_weighs_what_its_maker_does(machine: None) -> None:
    group = cgroups.group(f"elbt{os.getpid()}b")
    before = os.nice(0)  # of this thread alone
    os.nice(10 - before)
    try:
        directories = group.create()
        files = [directory / name for directory in directories for name in ("cpu.shares", "cpu.weight.nice")]
        assert [int(each.read_text()) for each in files if each.exists()] in ([110], [10])
    finally:
        os.nice(before - 10)
        group.remove()


def test_who_joins_a_group_is_in_it_with_all_it_starts(machine: None) -> None:
    group = cgroups.group(f"elbt{os.getpid()}b")
    group.create()
    try:
        with subprocess.Popen(["sleep", "60"], preexec_fn=group.join) as inside:
            assert group.daemons() == {inside.pid}
            inside.kill()
    finally:
        group.remove()


def sees(ticks: Path, *, moving: bool) -> None:
    """Assert that the file grows within two seconds, or that it does not for a third of one."""
    size = ticks.stat().st_size if ticks.exists() else 0
    end = time.monotonic() + (2 if moving else 0.3)
    while (grown := ticks.exists() and ticks.stat().st_size > size) is False and time.monotonic() < end:
        time.sleep(0.02)
    assert grown == moving
