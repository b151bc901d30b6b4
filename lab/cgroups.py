"""One control group for each node, in version 1 or 2 of the kernel's: what a node's processes are found, frozen and ended by.
A pod's processes are in no other list: they have network namespaces of their own."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.wait import require, until

ROOT = Path("/sys/fs/cgroup")
DAEMONS = "init"
"""The group within a node's own that its daemons are in. Version 2 wants it: with controllers, a group has either processes
or groups below it (cgroup-v2, "No Internal Process Constraint"). Version 1 does not mind."""

CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
"""What kubelet and runc cannot do without, in either version."""

SHARES, STEP = 1024, 1.25
"""What a process of niceness 0 weighs, and by how much one of the next niceness weighs less (sched(7), "The nice value")."""

_ORDINARY = frozenset({"rw", "ro", "relatime", "nosuid", "nodev", "noexec", "xattr", "clone_children"})


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount a node makes to see its own group as the root of a hierarchy: mount(8)'s type, place and options."""

    kind: str
    directory: Path
    options: str


class Tree(Protocol):
    """The control groups of a machine, as far as the versions differ."""

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What a node mounts, in this order."""

    @property
    def hierarchies(self) -> tuple[Path, ...]:
        """The directories in each of which a node has a group."""

    @property
    def pids(self) -> Path:
        """That of `hierarchies` in which a node's containers have groups for certain."""

    def controllers(self) -> frozenset[str]:
        """The controllers that a group made here would have."""

    def make(self, group: Path) -> None:
        """Make this directory a group that processes can join; nothing happens when it is one. It weighs what its maker does:
        between groups the kernel does not look at the niceness of the processes in them.
        """

    def order_frozen(self, name: str, frozen: bool) -> None:
        """Ask the kernel to stop or to continue the processes of a group. Raises `OSError` when there is no such group."""

    def is_frozen(self, name: str) -> bool:
        """Whether all have stopped."""


@dataclass(frozen=True, slots=True)
class V1:
    """Version 1: a hierarchy for each controller, mounted below a directory."""

    root: Path
    mounts: tuple[Mount, ...]

    @property
    def hierarchies(self) -> tuple[Path, ...]:
        return tuple(mount.directory for mount in self.mounts if mount.kind == "cgroup")

    @property
    def pids(self) -> Path:
        return self.root / "pids"

    def controllers(self) -> frozenset[str]:
        return frozenset(each for mount in self.mounts if mount.kind == "cgroup" for each in mount.options.split(","))

    def make(self, group: Path) -> None:
        group.mkdir(exist_ok=True)
        if (group / "cpuset.cpus").exists():
            # A new cpuset is empty and refuses processes, and so would those that the node makes in it.
            for name in ("cpuset.cpus", "cpuset.mems"):
                (group / name).write_text((group.parent / name).read_text())
            (group / "cgroup.clone_children").write_text("1")
        if (group / "cpu.shares").exists():
            (group / "cpu.shares").write_text(str(round(SHARES / STEP ** os.nice(0))))

    def order_frozen(self, name: str, frozen: bool) -> None:
        self._freezer(name).write_text("FROZEN" if frozen else "THAWED")

    def is_frozen(self, name: str) -> bool:
        return self._freezer(name).read_text().strip() == "FROZEN"

    def _freezer(self, name: str) -> Path:
        return self.root / "freezer" / name / "freezer.state"


@dataclass(frozen=True, slots=True)
class V2:
    """Version 2: one hierarchy for all controllers."""

    root: Path

    @property
    def mounts(self) -> tuple[Mount, ...]:
        return (Mount("cgroup2", self.root, "rw"),)

    @property
    def hierarchies(self) -> tuple[Path, ...]:
        return (self.root,)

    @property
    def pids(self) -> Path:
        return self.root

    def controllers(self) -> frozenset[str]:
        # Only the machine's own root may have processes beside groups with controllers; it alone has no cgroup.events.
        crowded = (self.root / "cgroup.events").exists() and (self.root / "cgroup.procs").read_text()
        return _words(self.root / ("cgroup.subtree_control" if crowded else "cgroup.controllers"))

    def make(self, group: Path) -> None:
        control = group.parent / "cgroup.subtree_control"
        # systemd takes none of them away as long as a group below passes them on, as kubelet's does.
        if missing := self.controllers().intersection(CONTROLLERS) - _words(control):
            control.write_text(" ".join(f"+{each}" for each in sorted(missing)))
        group.mkdir(exist_ok=True)
        if (group / "cpu.weight.nice").exists():
            (group / "cpu.weight.nice").write_text(str(os.nice(0)))

    def order_frozen(self, name: str, frozen: bool) -> None:
        (self.root / name / "cgroup.freeze").write_text(str(int(frozen)))

    def is_frozen(self, name: str) -> bool:
        return "frozen 1" in (self.root / name / "cgroup.events").read_text().splitlines()


def tree(mounts: str | None = None) -> Tree:
    """The control groups in the text of /proc/mounts, by default this machine's.

    A machine that has mounted both versions (systemd's "hybrid") has its controllers in the first.
    """
    lines = (Path("/proc/mounts").read_text() if mounts is None else mounts).splitlines()
    mounted = [(Path(directory), kind, options) for _, directory, kind, options, *_ in map(str.split, lines)]
    if any(directory == ROOT and kind == "cgroup2" for directory, kind, _ in mounted):
        return V2(ROOT)
    hierarchies = (
        Mount(kind, directory, _options(options))
        for directory, kind, options in mounted
        if kind == "cgroup" and ROOT in directory.parents
    )
    return V1(ROOT, (Mount("tmpfs", ROOT, "mode=755"), *hierarchies))


def group(name: str) -> "Group":
    """The group of this name on this machine, there or not."""
    return Group(name, tree())


def named(stem: str) -> list["Group"]:
    """The groups on this machine whose names begin so."""
    here = tree()
    return [Group(path.name, here) for path in sorted(here.pids.glob(f"{stem}*")) if path.is_dir()]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of this name in every hierarchy. The value may name one that is not there."""

    name: str
    tree: Tree

    def create(self) -> list[Path]:
        """Make the group, with the one for daemons in it, and return its directory in each hierarchy."""
        directories = self._directories()
        for directory in directories:
            self.tree.make(directory)
            (directory / DAEMONS).mkdir(exist_ok=True)
        return directories

    def join(self) -> None:
        """Be one of its daemons, with all that this process starts from now on."""
        for directory in self._directories():
            (directory / DAEMONS / "cgroup.procs").write_text("0")

    def processes(self, path: str = "") -> frozenset[int]:
        """The process ids in the group and below it, or below the group `path` in it."""
        top = self._top / path.lstrip("/")
        found = set[int]()
        for file in [top / "cgroup.procs", *top.rglob("cgroup.procs")]:
            with contextlib.suppress(OSError):  # a container's group is gone with its container
                found.update(map(int, file.read_text().split()))
        return frozenset(found)

    def daemons(self) -> frozenset[int]:
        """The process ids of a node's daemons, not of its containers."""
        return self.processes(DAEMONS)

    def freeze(self) -> None:
        """Stop every process of the group at once; returns when the kernel says that all have stopped."""
        self._set_frozen(True)

    def thaw(self) -> None:
        """Undo `freeze`; nothing happens when the group is not there."""
        if self._top.exists():
            self._set_frozen(False)

    def remove(self) -> None:
        """Remove the group, which has no processes any more, from every hierarchy; nothing happens when it is not there."""
        until(self._remove_all, what=f"the end of the control group {self.name}", timeout=20)

    def _remove_all(self) -> None:
        for top in self._directories():
            for directory in [*sorted(top.rglob("*"), reverse=True), top]:
                if directory.is_dir():
                    directory.rmdir()

    def _set_frozen(self, frozen: bool) -> None:
        wanted = "frozen" if frozen else "thawed"
        self.tree.order_frozen(self.name, frozen)
        until(
            lambda: require(self.tree.is_frozen(self.name) == frozen, f"not all of it is {wanted}"),
            what=f"{self.name} to be {wanted}",
            timeout=10,
            every=0.01,
        )

    @property
    def _top(self) -> Path:
        return self.tree.pids / self.name

    def _directories(self) -> list[Path]:
        return [hierarchy / self.name for hierarchy in self.tree.hierarchies]


def _words(file: Path) -> frozenset[str]:
    return frozenset(file.read_text().split())


def _options(all_options: str) -> str:
    options = [
        each for each in all_options.split(",") if each not in _ORDINARY and not each.startswith("release_agent=")
    ]
    # A hierarchy without a controller has a name only.
    named = any(each.startswith("name=") for each in options)
    return ",".join(["none", *options] if named else options)
