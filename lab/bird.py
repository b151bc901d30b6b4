"""BIRD: how it is told what a router does, and what its shell answers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.peering import Ask, Neighbour, Path, Peering


@dataclass(frozen=True, slots=True)
class Bird:
    """BIRD of some release."""

    name: str
    place: str
    """The directory of its programs."""
    older: bool = False
    config: str = "/etc/bird.conf"
    ready: str = "/run/bird.ctl"

    @property
    def command(self) -> Sequence[str]:
        return (f"{self.place}/bird", "-f", "-c", self.config, "-s", self.ready)

    def text(self, peering: Peering) -> str:
        return "\n".join(_lines(peering)) + "\n"

    def shell(self, words: Sequence[str]) -> list[str]:
        return [f"{self.place}/birdc", "-s", self.ready, *words]

    def sessions(self, ask: Ask) -> Mapping[str, str]:
        found = _SESSION.finditer(ask("show protocols all"))
        return {session["address"]: session["state"] for session in found}

    def paths(self, ask: Ask, prefix: str) -> frozenset[Path]:
        _, *told = re.split(r"^.*\bunicast \[.*$", ask(f"show route all where net = {prefix}"), flags=re.MULTILINE)
        return frozenset(map(_path, told))

    def bfd(self, ask: Ask) -> Mapping[str, bool]:
        rows = (line.split() for line in ask("show bfd sessions").splitlines())
        return {row[0]: row[2] == "Up" for row in rows if len(row) > 2 and re.fullmatch(r"[0-9a-f.:]+", row[0])}


BIRD_2 = Bird("BIRD 2", "/usr/sbin")
BIRD_3 = Bird("BIRD 3", "/opt/bird3/usr/sbin")

_SESSION = re.compile(r"^ +BGP state: +(?P<state>\S+)\n +Neighbor address: +(?P<address>[^\s%]+)", re.MULTILINE)


def _path(text: str) -> Path:
    """BIRD 2 writes ``BGP.next_hop`` and ``BGP.as_path``, BIRD 3 ``bgp_next_hop`` and ``bgp_path``."""
    found = {name.lower(): value.strip() for name, value in re.findall(r"^\s*BGP[._](\w+):(.*)$", text, re.M | re.I)}
    lists = (re.findall(r"\(([^)]*)\)", found.get(kind, "")) for kind in ("community", "large_community"))
    return Path(
        next_hop=found["next_hop"].split()[0],
        asns=tuple(map(int, found.get("as_path", found.get("path", "")).split())),
        communities=frozenset(re.sub(", *", ":", each) for several in lists for each in several),
        med=int(found.get("med", "0")),
        local_pref=int(found.get("local_pref", "100")),
    )


SCAN = 1
"""Seconds between two looks of BIRD at the kernel's routes. Of thousands that come at once, BIRD 3.1 leaves some to the next, which
is up to a minute later by default.
"""


def _lines(peering: Peering) -> Iterator[str]:
    yield from ("log stderr all;", f"router id {peering.router_id};", "debug protocols { states };")
    yield from ("protocol device { }", "protocol bfd { }")
    for family in ("ipv4", "ipv6"):
        routes = f"{family} {{ import none; export where source = RTS_BGP; }};"
        yield f"protocol kernel {{ {routes} merge paths yes limit {peering.max_paths}; scan time {SCAN}; }}"
    for number, each in enumerate(peering.neighbours):
        yield f"protocol bgp peer{number} {{"
        yield from _neighbour(each, number, peering)
        yield "}"


def _neighbour(neighbour: Neighbour, number: int, peering: Peering) -> Iterator[str]:
    where = f"range {neighbour.address}" if neighbour.is_range else neighbour.address
    yield f"local as {peering.asn};"
    yield f"neighbor {where} {f'as {neighbour.asn}' if neighbour.asn else 'external'};"
    if neighbour.is_range:
        yield f'dynamic name "peer{number}_";'
    yield f"hold time {peering.hold}; keepalive time {peering.keepalive};"
    yield "connect retry time 1; connect delay time 1; error wait time 1, 2;"
    yield f"multihop {neighbour.hops};" * (neighbour.hops > 1) + "ttl security on;" * neighbour.ttl_security
    if neighbour.password:
        yield f'password "{neighbour.password}";'
    if neighbour.bfd:
        yield f"bfd {{ interval {neighbour.bfd.interval} ms; multiplier {neighbour.bfd.multiplier}; }};"
    yield f"graceful restart {'aware' if neighbour.helper else 'off'};"
    options = "add paths yes; " * neighbour.add_path
    for family in ("ipv4", "ipv6"):
        # Over IPv6 an IPv4 prefix has no other next hop.
        next_hop = "extended next hop yes; " * (neighbour.is_ipv6 and family == "ipv4")
        yield f"{family} {{ import all; export where source = RTS_BGP; {options}{next_hop}}};"
