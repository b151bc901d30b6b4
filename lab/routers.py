"""Routers: hosts of the lab that run FRR or BIRD, as `started`. What they are told and say is in ``peering``."""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import peering, processes
from lab.bird import BIRD_2, BIRD_3
from lab.cache import remove
from lab.frr import FRR, FRR_8
from lab.network import CommandError, Host, run
from lab.peering import Peering, Software
from lab.setup import RouterRoots
from lab.wait import require, until

KINDS: tuple[Software, ...] = (FRR, FRR_8, BIRD_2, BIRD_3)
"""All that can be run."""

_ENTER = Path(__file__).with_name("router.sh")
_BY_FLOW = {"net/ipv4/fib_multipath_hash_policy": "1", "net/ipv6/fib_multipath_hash_policy": "1"}


@dataclass(frozen=True, slots=True)
class Router:
    """Software that runs on a host, and the kernel's routes there."""

    host: Host
    software: Software
    directory: Path
    """Below ``upper`` is what it has written, by its own paths; its messages are in ``log``."""
    process: "subprocess.Popen[bytes]"
    """Leads a group, of which all its daemons are."""

    @property
    def log(self) -> Path:
        """What its daemons tell."""
        return self.directory / "log"

    def ask(self, *words: str) -> str:
        """What its own shell answers: vtysh, which takes several commands, or birdc."""
        namespaces = ["nsenter", "--target", str(self.process.pid), "--mount", "--net", "--root", "--wd"]
        return run([*namespaces, *self.software.shell(words)])

    def sessions(self) -> Mapping[str, str]:
        """The state of the session with each neighbour, such as `peering.ESTABLISHED`, by its address."""
        return self.software.sessions(self.ask)

    def established(self) -> frozenset[str]:
        """The neighbours with which a session is up."""
        return frozenset(each for each, state in self.sessions().items() if state == peering.ESTABLISHED)

    def paths(self, prefix: str) -> frozenset[peering.Path]:
        """All that it has been told of the ways to a prefix."""
        return self.software.paths(self.ask, prefix)

    def bfd(self) -> Mapping[str, bool]:
        """Whether each neighbour that it asks for signs of life by BFD gives them."""
        return self.software.bfd(self.ask)

    def kill(self) -> None:
        """SIGKILL it: neighbours see their sessions end, and the kernel keeps its routes."""
        processes.end(self._group, f"{self.software.name} on {self.host.name}")
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, and return when it has. It takes its routes with it."""
        processes.send(self._group(), signal.SIGTERM)
        until(lambda: require(not self._group(), "daemons are left"), what=f"the end of {self.software.name}")
        self.process.wait()

    def _group(self) -> frozenset[int]:
        there = processes.in_namespaces([self.host.path])
        return frozenset(pid for pid in there if _group_of(pid) == self.process.pid)

    def _require_ready(self) -> None:
        if self.process.poll() is not None:
            said = self.log.read_text(errors="replace")
            raise CommandError([self.software.name, self.host.name], self.process.returncode, said)
        require((self.directory / "upper" / self.software.ready.lstrip("/")).exists(), "it reads its settings")


def start(host: Host, software: Software, told: Peering | str, roots: RouterRoots, directory: Path) -> Router:
    """Make a router of a host and return it when it has read its settings, which are values or the text of its own file.

    The directory is of the host alone; what an earlier router has left in it is removed. Raises CommandError, with what the
    daemons said, when the settings are wrong.
    """
    remove(directory)
    for name in ("upper", "work", "root"):
        (directory / name).mkdir(parents=True)
    config = directory / "upper" / software.config.lstrip("/")
    config.parent.mkdir(parents=True)
    config.write_text(told if isinstance(told, str) else software.text(told))
    host.forward()
    host.write_settings(_BY_FLOW)
    root = roots.older if software.older else roots.current
    # `ip netns exec`, which starts it, gives it a mount namespace of its own.
    with open(directory / "log", "wb") as log:
        process = host.popen(["sh", str(_ENTER), str(root), str(directory), *software.command], log=log)
    router = Router(host, software, directory, process)
    try:
        until(router._require_ready, what=f"{software.name} on {host.name}", timeout=60, every=0.02)
    except BaseException:
        router.kill()
        raise
    return router


def _group_of(pid: int) -> int | None:
    """None for a process that is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
