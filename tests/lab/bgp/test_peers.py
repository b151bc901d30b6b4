"""Sessions of every kind that a BgpPeer and the BgpConf can ask for, and who is told what over them."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from lab.bird import BIRD_2
from lab.frr import FRR
from lab.network import Network
from lab.peering import Neighbour, Path, Peering, Software
from lab.site import FAR, LAN
from lab.wait import require, until
from tests.lab.bgp.cluster import (
    ASN,
    NODES,
    POOL,
    ROUTER,
    ROUTER_ASN,
    Cluster,
    address,
    thing,
)

WEB, API = "10.99.0.1", "10.99.0.2"
BIG, BIG_ROUTER = 4_200_000_001, 4_200_000_002
REMOTE = f"{FAR}.2"


def listening(cluster: Cluster, node: str) -> set[str]:
    """The ports on which something listens on a node."""
    told = cluster.there.node(node).host.run(["ss", "-Hlnt"])
    return {line.split()[3].rpartition(":")[2] for line in told.splitlines()}


def test_an_author_may_choose_numbers_of_four_octets_several_paths_and_not_to_listen(bare_cluster: Cluster) -> None:
    """All of them are globals of GoBGP, which ends BGP on the node for them and begins anew."""
    cluster = bare_cluster
    cluster.apply(
        thing("BgpConf", "default", {"as": BIG, "listenPort": -1, "useMultiplePaths": True, "routerId": "192.0.2.7"})
    )
    cluster.until_begun(BIG)
    nodes = tuple(Neighbour(address(number), BIG) for number in NODES)
    cluster.route_on(cluster.site.router, FRR, Peering(BIG_ROUTER, ROUTER, nodes))
    cluster.peer(conf={"peerAs": BIG_ROUTER})
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    assert {path.asns for path in cluster.router.paths(f"{WEB}/32")} == {(BIG,)}
    assert "179" not in listening(cluster, "n1")
    told = cluster.read("bgpconf", "default")["status"]["nodesConfStatus"]
    assert told == {f"n{number}": {"as": BIG, "routerId": address(number)} for number in NODES}, "no id is shared"
    assert told_globals(cluster)["use_multiple_paths"] is True


def told_globals(cluster: Cluster) -> dict[str, object]:
    node = cluster.there.node("n1")
    binaries = cluster.there.plane.binaries
    words = ["--target", f"unix://{node.state}/gobgpd/socket", "-j", "global"]
    return dict(json.loads(node.host.run([str(binaries / "gobgp"), *words])))


@pytest.mark.parametrize("software", [FRR, BIRD_2], ids=["FRR", "BIRD"])
def test_packets_from_further_away_are_thrown_away_by_both_sides(bare_cluster: Cluster, software: Software) -> None:
    cluster = bare_cluster
    cluster.build_router(software, ttl_security=True)
    cluster.peer(ttlSecurity={"enabled": True})
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    cluster.build_router(software)
    cluster.until_told("bgppeer", "router", "Established", "Established with 0 of 3 nodes")
    cluster.until_next_hops(WEB, [])


def test_a_router_several_hops_away_is_reached_where_that_is_allowed(bare_cluster: Cluster) -> None:
    cluster = bare_cluster
    nodes = tuple(Neighbour(address(number), ASN, hops=5) for number in NODES)
    router = cluster.route_on(cluster.site.remote, FRR, Peering(ROUTER_ASN, REMOTE, nodes))
    timers = {"config": {"connectRetry": "1"}}
    cluster.peer(conf={"neighborAddress": REMOTE}, timers=timers)
    cluster.serve("web", WEB)
    cluster.until_told(
        "bgppeer", "router", "Established", "Established with 0 of 3 nodes; n1, n2, n3: there is no session"
    )
    cluster.peer(conf={"neighborAddress": REMOTE}, timers=timers, ebgpMultihop={"enabled": True, "multihopTtl": 5})
    cluster.until_established()
    until(
        lambda: require({path.next_hop for path in router.paths(f"{WEB}/32")} == set(map(address, NODES)), "not yet"),
        what="paths by all nodes",
        timeout=60,
    )


@pytest.mark.parametrize(
    "conf",
    [{"transport": {"passiveMode": True}}, {"conf": {"neighborAddress": None, "neighborPrefix": f"{LAN}.0/28"}}],
    ids=["known by its address", "from anywhere in a prefix"],
)
def test_a_router_may_be_waited_for(bare_cluster: Cluster, conf: dict[str, dict[str, object]]) -> None:
    bare_cluster.build_router()
    bare_cluster.peer(**conf)
    bare_cluster.serve("web", WEB)
    bare_cluster.until_next_hops(WEB, NODES)
    bare_cluster.until_established()
    assert "179" in listening(bare_cluster, "n1")
    bare_cluster.delete("bgppeer", "router")
    bare_cluster.until_next_hops(WEB, [])


def test_labels_of_nodes_are_followed(cluster: Cluster) -> None:
    cluster.peer(nodeSelector={"matchLabels": {"test": "yes"}})
    cluster.serve("web", WEB)
    cluster.until_told("bgppeer", "router", "Established", "spec.nodeSelector matches no node with a speaker")
    for node, label, nodes in (("n1", "test=yes", [1]), ("n3", "test=yes", [1, 3]), ("n1", "test=no", [3])):
        cluster.label(node, label)
        cluster.until_next_hops(WEB, nodes)
    cluster.until_established(1)


def test_an_edit_of_one_session_ends_that_one_alone_and_an_edit_of_what_is_announced_none(
    bare_cluster: Cluster,
) -> None:
    cluster, second = bare_cluster, f"{LAN}.100"
    nodes = tuple(Neighbour(address(number), ASN) for number in NODES)
    cluster.route_on(cluster.site.router, FRR, Peering(ROUTER_ASN, ROUTER, nodes))
    other = cluster.route_on(cluster.site.client, BIRD_2, Peering(ROUTER_ASN, second, nodes))
    cluster.peer("first")
    cluster.peer("second", {"neighborAddress": second})
    cluster.serve("web", WEB)
    for router in (cluster.router, other):
        cluster.until_next_hops(WEB, NODES, router=router)
    before = lost(cluster)

    cluster.peer("first", communities=["64512:3"], prepend=1)
    cluster.there.plane.kubectl("label", "bgppeer", "first", "any=thing")
    cluster.conf(drain={"waitSeconds": 1})
    cluster.until_paths(WEB, lambda paths: {len(path.asns) for path in paths} == {2}, "of twice our system")
    assert lost(cluster) == before

    cluster.peer("first", timers={"config": {"holdTime": "6", "keepaliveInterval": "2"}})
    until(lambda: require(hold_times(cluster, "first") == ["6"] * len(NODES), "not yet"), what="the time", timeout=60)
    ended = {key: count - before.get(key, 0) for key, count in lost(cluster).items()}
    assert {key for key, count in ended.items() if count} <= {ROUTER}
    assert hold_times(cluster, "second") == ["9"] * len(NODES)


def lost(cluster: Cluster) -> Counter[str]:
    """How often a session has ended so far with each router, by what gobgpd on n1 has written."""
    log = cluster.there.node("n1").state / "gobgpd" / "socket.log"
    return Counter(line["Key"] for line in map(json.loads, log.read_text().splitlines()) if line["msg"] == "Peer Down")


def hold_times(cluster: Cluster, peer: str) -> list[str]:
    """Those that were agreed on, node by node."""
    status = cluster.read("bgppeer", peer)["status"]["nodesPeerStatus"]
    return [one["timersState"].get("negotiatedHoldTime", "") for one in status.values()]


def test_a_network_is_announced_as_a_whole_while_any_of_its_addresses_is(cluster: Cluster) -> None:
    """An address with a way of its own has that, and the rest of the pool has none."""
    cluster.apply(thing("Eip", "bgp", {"address": POOL, "protocol": "bgp", "bgp": {"announce": "Aggregate"}}))
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.serve("api", API)
    cluster.until_hops(POOL, map(address, NODES))
    cluster.until_next_hops(WEB, [])
    cluster.delete("service", "web")
    cluster.apply(thing("Eip", "other", {"address": "10.98.0.0/24", "protocol": "bgp"}))
    cluster.serve("hosts", "10.98.0.1")
    cluster.until_next_hops("10.98.0.1", NODES)
    cluster.until_hops(POOL, map(address, NODES))
    cluster.delete("service", "api")
    cluster.until_hops(POOL, [])


def test_what_annotations_of_a_service_say_reaches_a_router_of_our_own_system_and_those_they_name(
    bare_cluster: Cluster,
) -> None:
    """LOCAL_PREF is for routers of the same autonomous system alone (RFC 4271, section 5.1.5)."""
    cluster = bare_cluster
    nodes = tuple(Neighbour(address(number), ASN) for number in NODES)
    cluster.route_on(cluster.site.router, FRR, Peering(ASN, ROUTER, nodes))
    other = cluster.route_on(cluster.site.client, BIRD_2, Peering(ROUTER_ASN, f"{LAN}.100", nodes))
    cluster.peer("inside", {"peerAs": ASN})
    cluster.peer("outside", {"neighborAddress": f"{LAN}.100"})
    said = {
        "openelb.io/local-preference": "250",
        "openelb.io/med": "9",
        "openelb.io/communities": "64512:7, no-export",
        "openelb.io/large-communities": "64512:1:2",
        "openelb.io/peers": "inside",
    }
    cluster.serve("web", WEB, annotations=said)
    cluster.serve("api", API, annotations={"openelb.io/peers": "outside"})
    cluster.until_paths(WEB, lambda paths: len(paths) == len(NODES), "by all nodes")
    for path in cluster.router.paths(f"{WEB}/32"):
        assert (path.local_pref, path.med, path.asns) == (250, 9, ())
        assert {"64512:7", "64512:1:2"} < path.communities
    cluster.until_next_hops(API, NODES, router=other)
    assert (other.paths(f"{WEB}/32"), cluster.router.paths(f"{API}/32")) == (frozenset(), frozenset())
    # An annotation that is taken away says nothing any more.
    cluster.there.plane.kubectl("annotate", "service", "web", "openelb.io/peers-", "openelb.io/local-preference-")
    cluster.until_paths(WEB, lambda paths: {path.local_pref for path in paths} == {100}, "of no preference")
    until(lambda: require(other.paths(f"{WEB}/32"), "none"), what="paths at the other router", timeout=60)


# A router that is the only neighbour on a link.

ON_THE_CABLE = f"""
router id {ROUTER};

protocol device {{ }}

protocol kernel {{ ipv4 {{ import none; export all; }}; }}

protocol radv {{
    interface "eth2" {{ min ra interval 3; max ra interval 4; }};
}}

protocol bgp {{
    local as {ROUTER_ASN};
    interface "eth2";
    neighbor range fe80::/10 as {ASN};
    dynamic name "node";
    ipv4 {{ import all; export none; extended next hop yes; }};
    ipv6 {{ import all; export none; }};
}}
"""


@pytest.fixture
def beside(bare_cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with a cable between the router and n1, on which both have no address but that of the link itself."""
    network, node = Network(bare_cluster.site.router.prefix), bare_cluster.there.node("n1").host
    cable = network.switch("cable")
    bare_cluster.site.router.attach(cable, "eth2")
    node.attach(cable, "eth1")
    yield bare_cluster
    bare_cluster.end_routers()
    bare_cluster.site.router.ip("link", "del", "eth2")
    node.ip("link", "del", "eth1")
    network.remove(cable.name)


def test_a_router_on_a_link_of_its_own_is_known_by_the_interface(beside: Cluster) -> None:
    """It says by router advertisements that it is there, and gobgpd takes its address from the kernel's neighbours."""
    beside.route_on(beside.site.router, BIRD_2, ON_THE_CABLE)
    beside.label("n1", "test=yes")
    beside.peer(
        conf={"neighborAddress": None, "neighborInterface": "eth1"}, nodeSelector={"matchLabels": {"test": "yes"}}
    )
    beside.serve("web", WEB)
    (link_local,) = (
        each["local"]
        for link in json.loads(
            beside.there.node("n1").host.ip("-j", "-6", "addr", "show", "dev", "eth1", "scope", "link")
        )
        for each in link["addr_info"]
    )
    beside.until_hops(f"{WEB}/32", [link_local])
    beside.until_established(1)


# Routes of a gobgpd that is away.


@pytest.mark.parametrize("long", [True, False], ids=["for long", "for a while"])
def test_a_router_keeps_the_routes_of_a_node_whose_gobgpd_is_away_as_a_last_resort(
    bare_cluster: Cluster, long: bool
) -> None:
    """It has said that it knows graceful restart, and its long-lived kind (RFC 9494), which marks what it keeps."""
    cluster, node = bare_cluster, bare_cluster.there.node("n1")
    cluster.build_router(BIRD_2)
    cluster.peer(gracefulRestart={"enabled": True, "restartTime": RESTART, "longlivedEnabled": long})
    cluster.serve("web", WEB, [1], externalTrafficPolicy="Local")
    cluster.until_next_hops(WEB, [1])
    node.kill()
    cluster.kill_gobgpd("n1")
    if long:
        cluster.until_paths(WEB, lambda paths: stale(paths) == {True}, "that are kept for long")
        cluster.until_next_hops(WEB, [1])
    else:
        cluster.until_next_hops(WEB, [])
    node.start()
    cluster.until_paths(WEB, lambda paths: stale(paths) == {False}, "that are told anew")
    cluster.until_next_hops(WEB, [1])
    cluster.there.all_alive()


RESTART = 4
"""Seconds that a router waits for a gobgpd that is away."""


def stale(paths: frozenset[Path]) -> set[bool]:
    """Whether paths have the community LLGR_STALE, as BIRD writes it."""
    return {bool({"65535:6", "llgr_stale"} & {each.lower() for each in path.communities}) for path in paths}
