"""The routes of a host's kernel: where it sends packets for a prefix, and when that changed."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.network import Host, run
from lab.wait import require, until

_NEVER_USED = "4242"
"""A table that no rule leads to."""
_MARK = "192.0.2.255"


@dataclass(frozen=True, slots=True)
class Change:
    """Of one route."""

    at: float
    """Seconds since the epoch, by the kernel's clock of the day, to the microsecond."""
    prefix: str
    """As ip writes it: an address alone for a single one."""
    next_hops: frozenset[str]
    """From then on; empty when the route is gone, or has none."""


def next_hops(host: Host, prefix: str) -> frozenset[str]:
    """The gateways of a host's route to exactly this prefix, of either family; empty when there is none."""
    family = "-6" if ":" in prefix else "-4"
    routes = json.loads(host.ip("-j", family, "route", "show", "exact", prefix) or "[]")
    # IPv6 shows several routes where they were added one by one.
    return frozenset(
        gateway for route in routes for hop in (route, *route.get("nexthops", [])) for gateway in _gateway(hop)
    )


def ways(host: Host, address: str, flows: int = 64) -> frozenset[str]:
    """The gateways by which a host would send connections to an address, each from another port."""
    asking = f"route get {address} ipproto tcp dport 80 sport"
    asked = "\n".join(f"{asking} {port}" for port in range(40_000, 40_000 + flows))
    told = run(["ip", "-n", host.netns, "-j", "-batch", "-"], stdin=asked)
    return frozenset(re.findall(r'"gateway": *"([^"]+)"', told))


def _gateway(hop: dict[str, Any]) -> Iterator[str]:
    """That of an IPv4 route may be of IPv6 and is called otherwise then."""
    if "gateway" in hop:
        yield hop["gateway"]
    if "via" in hop:
        yield hop["via"]["host"]


@dataclass(frozen=True, slots=True)
class Changes:
    """What `watching` has seen."""

    file: Path

    def of(self, prefix: str) -> list[Change]:
        """Those of the route to a prefix, the first one first."""
        return [change for change in self.all() if change.prefix == prefix.removesuffix("/32").removesuffix("/128")]

    def all(self) -> list[Change]:
        """Those of every route, the first one first."""
        return list(self._read())

    def _read(self) -> Iterator[Change]:
        for line in self.file.read_text().splitlines():
            if found := re.match(r"\[(\S+)\] (Deleted )?(\S+) (.*)", line):
                hops = frozenset(re.findall(r"via (?:inet6 )?(\S+)", found[4]))
                at = datetime.fromisoformat(found[1]).timestamp()
                yield Change(at, found[3], frozenset() if found[2] else hops)


@contextlib.contextmanager
def watching(host: Host, file: Path) -> Iterator[Changes]:
    """Watch a host's routes while the block works; the file is written anew."""
    with open(file, "wb") as log:
        monitor = host.popen(["ip", "-oneline", "-tshort", "monitor", "route"], log=log)
    changes = Changes(file)

    def heard() -> None:
        host.ip("route", "replace", "unreachable", _MARK, "table", _NEVER_USED)
        host.ip("route", "del", "unreachable", _MARK, "table", _NEVER_USED)
        require(_MARK in file.read_text(), "it hears nothing")

    try:
        until(heard, what=f"a watch of the routes of {host.name}", timeout=20)
        yield changes
    finally:
        monitor.kill()
        monitor.wait()
