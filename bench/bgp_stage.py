"""Where the figures of BGP are taken: an API server, a manager, nodes with a speaker and gobgpd, and a router at a time."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

from bench.place import PREFIX, Place
from bench.process import Process
from lab import processes, routers, setup, site
from lab.cache import Cache
from lab.controlplane import ControlPlane
from lab.network import Host, Network
from lab.peering import Bfd, Neighbour, Peering, Software
from lab.progress import Progress
from lab.routers import Router
from lab.routes import next_hops
from lab.setup import RouterRoots
from lab.speakers import Program, Speakers, speakers
from lab.wait import require, until

ASN, ROUTER_ASN, ROUTER = 64512, 65000, site.GATEWAY
POOL, ADDRESSES = "bench-bgp", IPv4Network("10.101.0.0/17")
PEER = "router"
HOLD = 9
"""Seconds."""

_MOUNTED = 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec "$@"'
"""What gobgpd and a state file need: in a namespace that `ip netns exec` makes, so that nothing is left mounted."""

_GROUP = "network.kubesphere.io/v1alpha2"
_FAMILY = {"afi": "AFI_IP", "safi": "SAFI_UNICAST"}


@dataclass(frozen=True, slots=True)
class Stage:
    """Nodes that announce by BGP what Services have, and the router that hears of it."""

    there: Speakers
    host: Host
    remote: Host
    roots: RouterRoots
    directory: Path

    @property
    def plane(self) -> ControlPlane:
        return self.there.plane

    @contextlib.contextmanager
    def router(self, software: Software, *, bfd: Bfd | None = None, hold: int = HOLD) -> Iterator[Router]:
        """A router with a session to each node while the block runs, where the BgpPeer is there."""
        neighbours = tuple(Neighbour(node.host.address(), ASN, bfd=bfd) for node in self.there.nodes)
        told = Peering(ROUTER_ASN, ROUTER, neighbours, hold, max(1, hold // 3))
        running = routers.start(self.host, software, told, self.roots, self.directory / "router")
        try:
            yield running
        finally:
            running.stop()  # which takes its routes with it

    def peer(self, *, bfd: Bfd | None = None, hold: int = HOLD, restart: int = 0, strict: bool = False) -> None:
        """Have the BgpPeer of the router as it is told here and no other way; `restart`: with graceful restart of so many seconds;
        `strict`: the router wants BFD to be up before it speaks BGP.
        """
        self.plane.kubectl("delete", "bgppeer", PEER, "--ignore-not-found")
        spec: dict[str, object] = {
            "conf": {"neighborAddress": ROUTER, "peerAs": ROUTER_ASN},
            "timers": {"config": {"holdTime": str(hold), "keepaliveInterval": str(max(1, hold // 3))}},
        }
        if bfd:
            both = {f"min{way}IntervalMilliseconds": bfd.interval for way in ("Transmit", "Receive")}
            arm = "Always" if strict else "Established"
            spec["bfd"] = {**both, "detectMultiplier": bfd.multiplier, "arm": arm}
        if restart:
            kept = {"config": {"family": _FAMILY, "enabled": True}, "mpGracefulRestart": {"config": {"enabled": True}}}
            spec |= {"gracefulRestart": {"enabled": True, "restartTime": restart}, "afiSafis": [kept]}
        self.apply(thing("BgpPeer", PEER, spec))

    def established(self, router: Router, nodes: Sequence[str] = ()) -> None:
        """Return when the router has a session with all nodes, or with these."""
        wanted = {node.host.address() for node in self.there.nodes if not nodes or node.name in nodes}

        def look() -> None:
            missing = wanted - router.established()
            require(not missing, f"no session with {sorted(missing)}")

        until(look, what="sessions with all nodes", timeout=90, every=0.1)

    def leads_to(self, address: str, nodes: Sequence[str] | None = None) -> None:
        """Return when the router's kernel leads to an address by all nodes, or by these."""
        wanted = {node.host.address() for node in self.there.nodes if nodes is None or node.name in nodes}

        def look() -> None:
            found = next_hops(self.host, f"{address}/32")
            require(found == wanted, f"{address} is reached by {sorted(found)}")

        until(look, what=f"the next hops of {address}", timeout=60, every=0.05)

    def apply(self, *objects: Mapping[str, object]) -> None:
        """Make objects what they are told to be."""
        told = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.plane.kubectl("apply", "-f", "-", stdin=told, timeout=300)

    def end_gobgpd(self, name: str) -> None:
        """SIGKILL a node's gobgpd, and return when it is gone."""
        pid = self.pid(name, "gobgpd")
        processes.end(
            lambda: frozenset({pid}) if Path(f"/proc/{pid}/exe").exists() else frozenset(), f"gobgpd on {name}"
        )

    def running(self, name: str, program: str) -> Process:
        """The `speaker` or the `gobgpd` of a node."""
        return Process(self.pid(name, program))

    def pid(self, name: str, program: str) -> int:
        """The number of that process. Raises NotYetError while there is none."""
        there = processes.in_namespaces([self.there.node(name).host.path])
        found = [pid for pid in there if _runs(pid, program)]
        require(found, f"no {program} runs on {name}")
        return max(found)


@contextlib.contextmanager
def stage(at: Place, *, nodes: int) -> Iterator[Stage]:
    """Put up so many nodes and everything that BGP needs but for a router and its BgpPeer."""
    roots = setup.ready_routers(Progress(Cache.of_user().log))
    directory = at.files.root / "opt" / "nodes"
    directory.mkdir()
    mounted = ("sh", "-euc", _MOUNTED, str(at.files.root))
    ours = {
        account: Program((*mounted, *at.files.python(account, "-m", "openelb")), directory, "/opt/nodes")
        for account in ("manager", "speaker")
    }
    found = site.hosts(PREFIX)
    network = Network(PREFIX)
    with speakers(network, at.plane, ours["manager"], ours["speaker"], count=nodes, options=("--spawn",)) as there:
        made = Stage(there, found.router, found.remote, roots, at.files.directory)
        for node in there.nodes:
            own = {"status": {"addresses": [{"type": "InternalIP", "address": node.host.address()}]}}
            at.plane.kubectl("patch", "node", node.name, "--subresource=status", "-p", json.dumps(own))
        made.apply(
            thing("BgpConf", "default", {"as": ASN, "listenPort": 179}),
            thing("Eip", POOL, {"address": str(ADDRESSES), "protocol": "bgp"}),
        )
        until(partial(_require_all_run, made), what="gobgpd on every node", timeout=60)
        yield made


def thing(kind: str, name: str, spec: Mapping[str, object]) -> dict[str, object]:
    """An object of ours."""
    return {"apiVersion": _GROUP, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def _require_all_run(made: Stage) -> None:
    for node in made.there.nodes:
        made.pid(node.name, "gobgpd")


def _runs(pid: int, program: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    return Path(words[0]).name == program or (program == "speaker" and "openelb" in words and "speaker" in words)
