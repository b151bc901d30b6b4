"""What tests of BGP ask of a cluster: an API server, a manager, three nodes that run nothing but a speaker, and routers."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import peering, processes, routers
from lab import site as sites
from lab.cache import remove
from lab.frr import FRR
from lab.network import Host
from lab.peering import Neighbour, Peering, Software
from lab.routers import Router
from lab.routes import next_hops
from lab.setup import Prepared, RouterRoots
from lab.site import Site
from lab.speakers import POOL as POOL_OF_SPEAKERS
from lab.speakers import Speakers
from lab.wait import require, until
from tests.lab import outside

ASN, ROUTER_ASN = 64512, 65000
ROUTER, ROUTER_IPV6 = sites.GATEWAY, sites.ipv6_address(sites.GATEWAY)
POOL = "10.99.0.0/24"
GROUP = "network.kubesphere.io/v1alpha2"
NODES = (1, 2, 3)
IPV4 = {"afi": "AFI_IP", "safi": "SAFI_UNICAST"}
IPV6 = {**IPV4, "afi": "AFI_IP6"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """All of it. Tests leave objects behind, which `clear` takes away, and routers, which `end_routers` does."""

    there: Speakers
    site: Site
    roots: RouterRoots
    directory: Path
    running: dict[str, Router]
    """By the names of their hosts."""

    @property
    def router(self) -> Router:
        return self.running[self.site.router.name]

    # Routers.

    def build_router(
        self, software: Software = FRR, *, over_ipv6: bool = False, hold: int = 9, **neighbour: Any
    ) -> Router:
        """Put this one in the place of the one before; all neighbours are alike."""
        there = address_ipv6 if over_ipv6 else address
        neighbours = tuple(Neighbour(there(number), ASN, **neighbour) for number in NODES)
        return self.route_on(self.site.router, software, Peering(ROUTER_ASN, ROUTER, neighbours, hold, hold // 3))

    def route_on(self, host: Host, software: Software, told: Peering | str) -> Router:
        """Make a router of a host, in the place of what it was before."""
        self.end_router(host)
        router = routers.start(host, software, told, self.roots, self._place(host))
        self.running[host.name] = router
        return router

    def end_router(self, host: Host) -> None:
        """It is one no more, and has no route left that it was told of."""
        if router := self.running.pop(host.name, None):
            router.stop()
            remove(self._place(host))

    def _place(self, host: Host) -> Path:
        return self.directory / f"routing-{host.name}"

    def end_routers(self) -> None:
        for router in tuple(self.running.values()):
            self.end_router(router.host)

    def established(self) -> frozenset[str]:
        """The nodes that the router has a session with."""
        return frozenset(f"n{number}" for number in NODES if address(number) in self.router.established())

    # Nodes.

    def kill_gobgpd(self, node: str) -> None:
        os.kill(self.gobgpd(node), signal.SIGKILL)

    def gobgpd(self, node: str) -> int:
        """The process on a node."""
        (pid,) = (
            pid
            for pid in processes.in_namespaces([self.there.node(node).host.path])
            if Path(f"/proc/{pid}/comm").read_text().strip() == "gobgpd"
        )
        return pid

    def label(self, node: str, *labels: str) -> None:
        """Give a node labels, as kubectl writes them: `key=value`, or `key-` to take one away."""
        self.there.plane.kubectl("label", "--overwrite", "node", node, *labels)

    # Objects.

    def apply(self, *objects: Mapping[str, object]) -> None:
        told = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.there.plane.kubectl("apply", "-f", "-", stdin=told)

    def delete(self, kind: str, name: str) -> None:
        self.there.plane.kubectl("delete", kind, name, "--wait=false")

    def read(self, kind: str, name: str) -> dict[str, Any]:
        return dict(json.loads(self.there.plane.kubectl("get", kind, name, "-o", "json")))

    def conf(self, **spec: object) -> None:
        self.apply(thing("BgpConf", "default", {"as": ASN, "listenPort": 179, **spec}))

    def peer(self, name: str = "router", conf: Mapping[str, object] | None = None, **spec: object) -> None:
        who = {"neighborAddress": ROUTER, "peerAs": ROUTER_ASN, **(conf or {})}
        told = {key: value for key, value in who.items() if value is not None}
        self.apply(thing("BgpPeer", name, {"conf": told, **spec}))

    def serve(self, name: str, ip: str, nodes: Sequence[int] = NODES, **more: Any) -> None:
        annotations = {
            "lb.kubesphere.io/v1alpha1": "openelb",
            "openelb.io/addresses": ip,
            **more.pop("annotations", {}),
        }
        spec = {
            "type": "LoadBalancer",
            "ports": [{"port": 80}],
            "allocateLoadBalancerNodePorts": False,
            **more,
        }
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "annotations": annotations},
            "spec": spec,
        }
        self.apply(service)
        self.endpoints(name, nodes)

    def endpoints(self, name: str, nodes: Sequence[int]) -> None:
        ready = [
            {"addresses": [f"10.244.{number}.5"], "nodeName": f"n{number}", "conditions": {"ready": True}}
            for number in nodes
        ]
        self.apply(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
                "addressType": "IPv4",
                "ports": [{"port": 80}],
                "endpoints": ready,
            }
        )

    def clear(self) -> None:
        """Have only the objects that are there from the beginning, as they were then."""
        kubectl = self.there.plane.kubectl
        kubectl("delete", "services,endpointslices,bgppeers", "--all", "--wait=false")
        there = json.loads(kubectl("get", "eips,bgpconfs", "-o", "json"))["items"]
        found = {(one["kind"], one["metadata"]["name"]): one for one in there}
        if others := [name for kind, name in found if kind == "Eip" and name not in OURS]:
            kubectl("delete", "eips", *others, "--wait=false")
        self.apply(*(_restored(kind, name, spec, found.get((kind, name), {})) for kind, name, spec in OBJECTS))
        kubectl("label", "nodes", "--all", "openelb.kubesphere.io/rack-", "test-")
        self.until_begun()

    # What is to come.

    def until_next_hops(self, ip: str, nodes: Sequence[int], *, router: Router | None = None) -> None:
        self.until_hops(f"{ip}/32", map(address, nodes), router=router)

    def until_hops(self, prefix: str, wanted: Iterator[str] | Sequence[str], *, router: Router | None = None) -> None:
        """The kernel of a router is the judge."""
        there, hops = router or self.router, frozenset(wanted)

        def equal() -> None:
            seen = next_hops(there.host, prefix)
            require(seen == hops, f"{sorted(seen)}")

        until(equal, what=f"the next hops of {prefix} to be {sorted(hops)}", timeout=60)

    def until_paths(self, ip: str, wanted: Callable[[frozenset[peering.Path]], bool], what: str) -> None:
        def look() -> None:
            seen = self.router.paths(f"{ip}/32")
            require(wanted(seen), f"{seen}")

        until(look, what=f"paths to {ip} {what}", timeout=60)

    def until_told(self, kind: str, name: str, type_: str, words: str) -> None:
        def look() -> None:
            told = [
                one["message"]
                for one in self.read(kind, name).get("status", {}).get("conditions", ())
                if one["type"] == type_
            ]
            require(any(words in each for each in told), f"{told}")

        until(look, what=f"{kind} {name} to say {words!r}", timeout=60)

    def until_begun(self, asn: int = ASN) -> None:
        """Other settings of the BgpConf are taken over by one node after the other."""

        def look() -> None:
            told = self.read("bgpconf", "default").get("status", {}).get("nodesConfStatus", {})
            others = {name: one for name, one in told.items() if one.get("as") != asn or "problem" in one}
            require(not others, f"{others}")

        until(look, what=f"every node to be AS {asn}", timeout=180)

    def until_established(self, nodes: int = len(NODES), peer: str = "router") -> None:
        """As the BgpPeer tells."""
        self.until_told("bgppeer", peer, "Established", f"Established with {nodes} of ")


OBJECTS: tuple[tuple[str, str, Mapping[str, object]], ...] = (
    ("BgpConf", "default", {"as": ASN, "listenPort": 179}),
    ("Eip", "bgp", {"address": POOL, "protocol": "bgp"}),
)
"""That are there from the beginning."""
OURS = frozenset(("bgp", POOL_OF_SPEAKERS))
"""The Eips that stay."""


def _restored(kind: str, name: str, spec: Mapping[str, object], found: Mapping[str, Any]) -> dict[str, object]:
    """The object as it was in the beginning: what was added to it is null."""
    gone = dict.fromkeys(found.get("spec", {}).keys() - spec.keys())
    labels = dict.fromkeys(found.get("metadata", {}).get("labels", {}))
    return {**thing(kind, name, {**spec, **gone}), "metadata": {"name": name, "labels": labels}}


def address(number: int) -> str:
    """Of node n1, n2, …"""
    return sites.node_address(number)


def address_ipv6(number: int) -> str:
    """Of node n1, n2, …"""
    return sites.ipv6_address(address(number))


def thing(kind: str, name: str, spec: Mapping[str, object]) -> dict[str, object]:
    """One of our kinds."""
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


@contextmanager
def put_up(prefix: str, directory: Path, prepared: Prepared, roots: RouterRoots) -> Iterator[Cluster]:
    """A cluster without a router."""
    with (
        outside.put_up(prefix, directory, prepared, count=len(NODES), options=("--spawn",)) as (there, site),
        ExitStack() as stack,
    ):
        for number in NODES:
            both = [{"type": "InternalIP", "address": one} for one in (address(number), address_ipv6(number))]
            status = {"status": {"addresses": both}}
            there.plane.kubectl("patch", "node", f"n{number}", "--subresource=status", "-p", json.dumps(status))
        cluster = Cluster(there, site, roots, directory, {})
        stack.callback(cluster.end_routers)
        cluster.apply(*(thing(*each) for each in OBJECTS))
        yield cluster
