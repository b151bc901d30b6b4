"""FRR: how it is told what a router does, and what its shell answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.peering import Ask, Neighbour, Path, Peering

# A daemon that does not find zebra looks again after ten seconds, and has forgotten by then what it was told about BFD.
_RUN = """
install -d -o frr -g frr /run/frr /var/lib/frr /var/tmp/frr
chown -R frr:frr /etc/frr
for daemon in $*; do
  /usr/lib/frr/$daemon -F traditional -A 127.0.0.1 &
  until [ -S /run/frr/$daemon.vty ]; do sleep 0.02; done
done
for client in static bfd bgp; do
  until vtysh -c "show zebra client summary" | grep -q "^$client "; do sleep 0.02; done
done
vtysh -b
touch /run/frr/ready
wait
"""


@dataclass(frozen=True, slots=True)
class Frr:
    """FRR of some release."""

    name: str
    daemons: tuple[str, ...]
    older: bool = False
    config: str = "/etc/frr/frr.conf"
    ready: str = "/run/frr/ready"

    @property
    def command(self) -> Sequence[str]:
        return ("sh", "-euc", _RUN, "frr", *self.daemons)

    def text(self, peering: Peering) -> str:
        return "\n".join(_lines(peering)) + "\n"

    def shell(self, words: Sequence[str]) -> list[str]:
        """Several words are said one after the other: ``configure terminal``, ``router bgp 65000``, …"""
        return ["vtysh", *(part for word in words for part in ("-c", word))]

    def sessions(self, ask: Ask) -> Mapping[str, str]:
        families = json.loads(ask("show bgp summary json")).values()
        return {address: peer["state"] for family in families for address, peer in family.get("peers", {}).items()}

    def paths(self, ask: Ask, prefix: str) -> frozenset[Path]:
        family = "ipv6" if ":" in prefix else "ipv4"
        return frozenset(map(_path, json.loads(ask(f"show bgp {family} unicast {prefix} json")).get("paths", [])))

    def bfd(self, ask: Ask) -> Mapping[str, bool]:
        return {peer["peer"]: peer["status"] == "up" for peer in json.loads(ask("show bfd peers json"))}


_DAEMONS = ("zebra", "staticd", "bfdd", "bgpd")
FRR = Frr("FRR 10", ("mgmtd", *_DAEMONS))
FRR_8 = Frr("FRR 8", _DAEMONS, older=True)


def _path(path: Mapping[str, Any]) -> Path:
    lists = (path.get(kind, {}).get("string", "") for kind in ("community", "largeCommunity"))
    return Path(
        next_hop=next(hop["ip"] for hop in path["nexthops"] if hop.get("used", True)),
        asns=tuple(map(int, path["aspath"]["string"].split())) if path["aspath"]["length"] else (),
        communities=frozenset(word for words in lists for word in words.split()),
        med=path.get("metric", 0),
        local_pref=path.get("locPrf", 100),
    )


def _lines(peering: Peering) -> Iterator[str]:
    yield from ("frr defaults traditional", "service integrated-vtysh-config", "log stdout informational")
    for number, each in enumerate(peering.neighbours):
        if each.bfd:
            timers = (f"{name}-interval {each.bfd.interval}" for name in ("transmit", "receive"))
            yield from ("bfd", f"profile bfd{number}", *timers, f"detect-multiplier {each.bfd.multiplier}")
            yield from ("exit", "exit")
    yield f"router bgp {peering.asn}"
    yield f"bgp router-id {peering.router_id}"
    # The peers may announce what they like, and paths by different systems are equal when they are equally long.
    yield from ("no bgp ebgp-requires-policy", "bgp bestpath as-path multipath-relax")
    yield f"timers bgp {peering.keepalive} {peering.hold}"
    for number, each in enumerate(peering.neighbours):
        yield from _neighbour(each, number)
    for family in ("ipv4", "ipv6"):
        yield from (f"address-family {family} unicast", f"maximum-paths {peering.max_paths}")
        yield f"maximum-paths ibgp {peering.max_paths}"
        for number, each in enumerate(peering.neighbours):
            yield f"neighbor {_name(each, number)} activate"
            if each.add_path:
                yield f"neighbor {_name(each, number)} addpath-tx-all-paths"
        yield "exit-address-family"
    yield "exit"


def _name(neighbour: Neighbour, number: int) -> str:
    return f"RANGE{number}" if neighbour.is_range else neighbour.address


def _neighbour(neighbour: Neighbour, number: int) -> Iterator[str]:
    name = _name(neighbour, number)
    if neighbour.is_range:
        yield f"neighbor {name} peer-group"
    yield f"neighbor {name} remote-as {neighbour.asn or 'external'}"
    # The test waits, so neither a dial nor a route does: once a second, and at once.
    yield from (f"neighbor {name} timers connect 1", f"neighbor {name} advertisement-interval 0")
    if neighbour.is_ipv6:
        yield f"neighbor {name} capability extended-nexthop"
    if neighbour.ttl_security:
        yield f"neighbor {name} ttl-security hops {neighbour.hops}"
    elif neighbour.hops > 1:
        yield f"neighbor {name} ebgp-multihop {neighbour.hops}"
    if neighbour.password:
        yield f"neighbor {name} password {neighbour.password}"
    if neighbour.bfd:
        yield from (f"neighbor {name} bfd", f"neighbor {name} bfd profile bfd{number}")
    yield f"neighbor {name} graceful-restart-{'helper' if neighbour.helper else 'disable'}"
    if neighbour.is_range:
        yield f"bgp listen range {neighbour.address} peer-group {name}"
