"""The set-ups that upstream OpenELB documents, with its objects and the routes that it promises, under the addresses of the lab.

Its pages: use OpenELB in BGP mode (one router with BIRD), configure OpenELB for multi-router clusters (two leaf routers, racks), and the label
by which a network plugin that speaks BGP itself is left alone.
"""

from collections.abc import Iterator

import pytest

from lab.bird import BIRD_2, BIRD_3
from lab.frr import FRR, FRR_8
from lab.network import Host, Switch
from lab.peering import Neighbour, Peering, Software
from lab.site import FAR
from lab.wait import require, until
from tests.lab.bgp.cluster import ASN, NODES, ROUTER, ROUTER_ASN, Cluster, address, thing

WEB = "10.99.0.1"

# One router.

SHOWN = "172.22.0.2"
BIRD = """
router id 10.79.0.1;

protocol device { }

protocol kernel {
    scan time 60;
    ipv4 { import none; export all; };
    merge paths on;
}
"""
"""As documented for BIRD 1.6, in the words of its successors: what concerns routes stands with their family."""

NEIGHBOUR = """
protocol bgp neighbor%(number)d {
    local as 50001;
    neighbor %(address)s port 17900 as 50000;
    source address 10.79.0.1;
    enable route refresh off;
    ipv4 { import all; export all; add paths on; };
}
"""

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "bgp-svc",
        "annotations": {
            "lb.kubesphere.io/v1alpha1": "openelb",
            "protocol.openelb.kubesphere.io/v1alpha1": "bgp",
            "eip.openelb.kubesphere.io/v1alpha2": "bgp-eip",
        },
    },
    "spec": {
        "selector": {"app": "bgp-openelb"},
        "type": "LoadBalancer",
        "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
        "externalTrafficPolicy": "Cluster",
    },
}


def shown(host: Host, prefix: str) -> list[str]:
    """What `ip route` shows of a route, line by line. The metric is 64 in upstream's text, and BIRD's own choice."""
    first, *hops = host.ip("-4", "route", "show", prefix).splitlines() or [""]
    return [" ".join(first.split()[:3]), *sorted(" ".join(hop.split()) for hop in hops)]


def until_shown(cluster: Cluster, prefix: str, nodes: tuple[int, ...]) -> None:
    wanted = [f"{prefix} proto bird", *(f"nexthop via {address(number)} dev eth0 weight 1" for number in nodes)]

    def equal() -> None:
        seen = shown(cluster.router.host, prefix)
        require(seen == wanted, f"{seen}")

    until(equal, what=f"a route to {prefix} as documented", timeout=60)


@pytest.mark.parametrize(
    ("software", "neighbours", "more"),
    [(BIRD_2, (1,), {"nextHops": "Nodes"}), (BIRD_3, NODES, {})],
    ids=["one session of upstream's kind", "a session with each node"],
)
def test_one_router_with_bird_and_several_paths(
    bare_cluster: Cluster, software: Software, neighbours: tuple[int, ...], more: dict[str, str]
) -> None:
    """A session with one node alone tells of all nodes, as upstream did, where the BgpConf says so; else each tells of itself."""
    cluster = bare_cluster
    cluster.apply(thing("BgpConf", "default", {"as": 50000, "listenPort": 17900, "routerId": address(1), **more}))
    cluster.until_begun(50000)
    text = BIRD + "".join(NEIGHBOUR % {"number": each, "address": address(each)} for each in neighbours)
    cluster.route_on(cluster.site.router, software, text)
    cluster.apply(
        thing("BgpPeer", "bgp-peer", {"conf": {"peerAs": 50001, "neighborAddress": ROUTER}}),
        thing("Eip", "bgp-eip", {"address": "172.22.0.2-172.22.0.10"}),
        SERVICE,
    )
    cluster.endpoints("bgp-svc", [2, 3])
    until_shown(cluster, SHOWN, NODES)
    cluster.apply({**SERVICE, "spec": {**SERVICE["spec"], "externalTrafficPolicy": "Local"}})  # type: ignore[dict-item]
    until_shown(cluster, SHOWN, (2, 3))
    service = cluster.read("service", "bgp-svc")
    assert [each["ip"] for each in service["status"]["loadBalancer"]["ingress"]] == [SHOWN]


# Two leaf routers.

RACKS = {"leaf1": 65101, "leaf2": 65102}
LEAF, SPINE = (65001, 65002), 65100
AT_THE_SPINE = (f"{FAR}.1", f"{FAR}.3")
"""The leaves' addresses there."""


@pytest.fixture
def leaves(bare_cluster: Cluster) -> Iterator[Cluster]:
    """A cluster below two leaf routers and their spine."""
    first, second, spine = bare_cluster.site.router, bare_cluster.site.client, bare_cluster.site.remote
    second.attach(Switch(second.prefix, "far"), "eth1", f"{AT_THE_SPINE[1]}/24")
    nodes = tuple(Neighbour(address(number)) for number in NODES)
    up = Neighbour(spine.address(), SPINE)
    bare_cluster.route_on(first, FRR, Peering(LEAF[0], ROUTER, (*nodes, up)))
    bare_cluster.route_on(second, FRR_8, Peering(LEAF[1], second.address(), (*nodes, up)))
    down = tuple(Neighbour(each, asn) for each, asn in zip(AT_THE_SPINE, LEAF, strict=True))
    bare_cluster.route_on(spine, FRR, Peering(SPINE, spine.address(), down))
    yield bare_cluster
    bare_cluster.end_routers()
    second.ip("link", "del", "eth1")


def test_two_leaf_routers_each_know_the_nodes_of_their_rack_and_a_node_may_move(leaves: Cluster) -> None:
    first, second, spine = (
        leaves.running[host.name] for host in (leaves.site.router, leaves.site.client, leaves.site.remote)
    )
    for node, rack in (("n1", "leaf1"), ("n2", "leaf1"), ("n3", "leaf2")):
        leaves.label(node, f"openelb.kubesphere.io/rack={rack}")
    leaves.conf(asPerRack=RACKS)
    for number, router in enumerate((first, second)):
        rack = {"matchLabels": {"openelb.kubesphere.io/rack": f"leaf{number + 1}"}}
        conf = {"neighborAddress": router.host.address(), "peerAs": LEAF[number]}
        leaves.peer(f"leaf{number + 1}", conf, nodeSelector=rack)
    leaves.serve("web", WEB)
    leaves.until_next_hops(WEB, [1, 2], router=first)
    leaves.until_next_hops(WEB, [3], router=second)
    leaves.until_hops(f"{WEB}/32", AT_THE_SPINE, router=spine)
    until(
        lambda: require({path.asns for path in second.paths(f"{WEB}/32")} >= {(RACKS["leaf2"],)}, "not yet"),
        what="paths of the rack's own system",
        timeout=120,
    )

    leaves.conf(asPerRack=RACKS, nextHops="Nodes")
    leaves.until_next_hops(WEB, [1, 2], router=first)
    leaves.until_next_hops(WEB, [3], router=second)

    leaves.label("n2", "openelb.kubesphere.io/rack=leaf2")
    leaves.until_next_hops(WEB, [1], router=first)
    leaves.until_next_hops(WEB, [2, 3], router=second)
    told = {"as": RACKS["leaf2"], "routerId": address(2)}
    until(
        lambda: require(leaves.read("bgpconf", "default")["status"]["nodesConfStatus"]["n2"] == told, "not yet"),
        what="n2 to say what it is",
        timeout=60,
    )


# A network plugin that speaks BGP itself.

LABEL = "openelb.kubesphere.io/cni"
PLUGIN = f"""
router id {address(1)};

protocol device {{ }}

protocol static {{
    ipv4;
    route {WEB}/32 blackhole;
}}

protocol bgp {{
    local as {ASN};
    neighbor {ROUTER} as {ROUTER_ASN};
    ipv4 {{ import none; export all; }};
}}
"""
"""As Calico's BIRD on n1 would announce the address of a Service."""


def test_a_network_plugin_announces_and_openelb_stands_aside(cluster: Cluster) -> None:
    plugin = cluster.there.node("n1").host
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    for kind, name in (("eip", "bgp"), ("bgppeer", "router"), ("bgpconf", "default")):
        cluster.there.plane.kubectl("label", kind, name, f"{LABEL}=calico")
        cluster.until_next_hops(WEB, [])
    for kind, name, condition in (("bgppeer", "router", "Established"), ("eip", "bgp", "Ready")):
        cluster.until_told(kind, name, condition, f"the label {LABEL} leaves")
    cluster.until_told("bgpconf", "default", "Ready", f"the label {LABEL} leaves it to the network plugin")
    assert ":179" not in plugin.run(["ss", "-Hlnt"]), "the port is the plugin's"
    assert cluster.read("service", "web")["status"]["loadBalancer"]["ingress"][0]["ip"] == WEB

    cluster.route_on(plugin, BIRD_2, PLUGIN)
    cluster.until_next_hops(WEB, [1])
    assert shown(cluster.router.host, WEB)[0].startswith(f"{WEB} ")

    cluster.end_router(plugin)
    for kind, name in (("eip", "bgp"), ("bgppeer", "router"), ("bgpconf", "default")):
        cluster.there.plane.kubectl("label", kind, name, f"{LABEL}-")
    cluster.until_next_hops(WEB, NODES)
