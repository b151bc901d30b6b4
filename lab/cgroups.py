"""One control group for each node, in every cgroup v1 hierarchy of the machine: what a node's processes are found, frozen
and ended by. A pod's processes are in no other list: they have network namespaces of their own."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from lab.wait import require, until

ROOT = Path("/sys/fs/cgroup")
_ORDINARY = frozenset({"rw", "ro", "relatime", "nosuid", "nodev", "noexec", "xattr", "clone_children"})


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted hierarchy; with `options` it can be mounted once more."""

    directory: Path
    options: str


def hierarchies(mounts: str) -> tuple[Hierarchy, ...]:
    """The cgroup v1 hierarchies in the text of /proc/mounts."""
    fields = (line.split() for line in mounts.splitlines())
    return tuple(
        Hierarchy(Path(directory), _options(options))
        for _, directory, kind, options, *_ in fields
        if kind == "cgroup" and ROOT in Path(directory).parents
    )


def mounted() -> tuple[Hierarchy, ...]:
    """The cgroup v1 hierarchies of this machine."""
    return hierarchies(Path("/proc/mounts").read_text())


def named(stem: str) -> list["Group"]:
    """The groups on this machine whose names begin so."""
    return [Group(path.name) for path in sorted((ROOT / "pids").glob(f"{stem}*")) if path.is_dir()]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of this name in every hierarchy. The value may name one that is not there."""

    name: str

    def create(self) -> list[Path]:
        """Make the group and return its directory in each hierarchy."""
        directories = self._directories()
        for directory in directories:
            directory.mkdir(exist_ok=True)
            if (directory / "cpuset.cpus").exists():
                # A new cpuset is empty and refuses processes, and so would those that the node makes in it.
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (directory / name).write_text((directory.parent / name).read_text())
                (directory / "cgroup.clone_children").write_text("1")
        return directories

    def processes(self, path: str = "") -> frozenset[int]:
        """The process ids in the group and below it, or below the group `path` in it."""
        top = self._in("pids") / path.lstrip("/")
        found = set[int]()
        for file in [top / "cgroup.procs", *top.rglob("cgroup.procs")]:
            with contextlib.suppress(OSError):  # a container's group is gone with its container
                found.update(map(int, file.read_text().split()))
        return frozenset(found)

    def own_processes(self) -> frozenset[int]:
        """The process ids in the group itself: a node's daemons, not its containers."""
        try:
            return frozenset(map(int, (self._in("pids") / "cgroup.procs").read_text().split()))
        except OSError:
            return frozenset()

    def freeze(self) -> None:
        """Stop every process of the group at once; returns when the kernel says that all have stopped."""
        self._set_freezer("FROZEN")

    def thaw(self) -> None:
        """Undo `freeze`; nothing happens when the group is not there."""
        if self._in("freezer").exists():
            self._set_freezer("THAWED")

    def remove(self) -> None:
        """Remove the group, which has no processes any more, from every hierarchy; nothing happens when it is not there."""
        until(self._remove_all, what=f"the end of the control group {self.name}", timeout=20)

    def _remove_all(self) -> None:
        for top in self._directories():
            for directory in [*sorted(top.rglob("*"), reverse=True), top]:
                if directory.is_dir():
                    directory.rmdir()

    def _set_freezer(self, state: str) -> None:
        file = self._in("freezer") / "freezer.state"
        file.write_text(state)
        until(
            lambda: require(file.read_text().strip() == state, file.read_text().strip()),
            what=f"{self.name} to be {state}",
            timeout=10,
            every=0.01,
        )

    def _in(self, controller: str) -> Path:
        return ROOT / controller / self.name

    def _directories(self) -> list[Path]:
        return [hierarchy.directory / self.name for hierarchy in mounted()]


def _options(all_options: str) -> str:
    options = [
        each for each in all_options.split(",") if each not in _ORDINARY and not each.startswith("release_agent=")
    ]
    # A hierarchy without a controller has a name only.
    named = any(each.startswith("name=") for each in options)
    return ",".join(["none", *options] if named else options)
