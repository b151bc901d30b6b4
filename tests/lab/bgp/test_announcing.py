"""Addresses of Services as routers learn them: from the objects that users write to the routes in a router's kernel."""

import time
from collections.abc import Callable

import pytest

from lab import routers
from lab.peering import Path, Software
from lab.routes import watching, ways
from lab.wait import require, until
from tests.lab.bgp.cluster import (
    ASN,
    IPV4,
    IPV6,
    NODES,
    POOL,
    ROUTER,
    ROUTER_ASN,
    ROUTER_IPV6,
    Cluster,
    address,
    address_ipv6,
    thing,
)

WEB, API = "10.99.0.1", "10.99.0.2"
POOL_IPV6, SIX = "fd00:99::/120", "fd00:99::1"


def test_an_address_is_routed_to_every_node_and_away_when_its_service_goes(cluster: Cluster) -> None:
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    cluster.delete("service", "web")
    cluster.until_next_hops(WEB, [])


def test_local_traffic_goes_to_nodes_with_an_endpoint(cluster: Cluster) -> None:
    cluster.peer()
    cluster.serve("web", WEB, [1, 2], externalTrafficPolicy="Local")
    cluster.until_next_hops(WEB, [1, 2])
    cluster.endpoints("web", [3])
    cluster.until_next_hops(WEB, [3])


def test_objects_say_how_the_sessions_are(cluster: Cluster) -> None:
    cluster.peer()
    cluster.until_told("bgppeer", "router", "Established", "Established with 3 of 3 nodes")
    status = cluster.read("bgppeer", "router")["status"]["nodesPeerStatus"]
    assert {one["peerState"]["sessionState"] for one in status.values()} == {"ESTABLISHED"}
    assert status["n1"]["peerState"]["neighborAddress"] == ROUTER
    assert status["n1"]["timersState"]["negotiatedHoldTime"] == "9"
    nodes = cluster.read("bgpconf", "default")["status"]["nodesConfStatus"]
    assert nodes == {f"n{number}": {"as": ASN, "routerId": address(number)} for number in NODES}
    cluster.until_told("eip", "bgp", "Ready", "nodes tell routers that they are a way to its addresses")


def test_a_wrong_autonomous_system_is_told_with_its_nodes(cluster: Cluster) -> None:
    cluster.apply(thing("BgpPeer", "router", {"conf": {"neighborAddress": ROUTER, "peerAs": ROUTER_ASN + 1}}))
    cluster.until_told(
        "bgppeer",
        "router",
        "Established",
        "Established with 0 of 3 nodes; n1, n2, n3: there is no session: we said: bad peer AS",
    )


def test_routes_carry_what_pools_services_and_peers_say(cluster: Cluster) -> None:
    cluster.apply(
        thing("Eip", "bgp", {"address": POOL, "protocol": "bgp", "bgp": {"communities": ["64512:1"], "med": 20}})
    )
    cluster.peer(communities=["64512:3"], largeCommunities=["64512:1:2"], prepend=2)
    cluster.serve("web", WEB, annotations={"openelb.io/communities": "64512:2", "openelb.io/med": "7"})
    communities = frozenset({"64512:1", "64512:2", "64512:3", "64512:1:2"})
    cluster.until_paths(
        WEB,
        lambda paths: {(path.communities, path.med, path.asns) for path in paths} == {(communities, 7, (ASN,) * 3)},
        "with all of it",
    )


def test_a_peer_gets_the_addresses_that_are_for_it_alone(cluster: Cluster) -> None:
    cluster.peer(serviceSelector={"matchLabels": {"tier": "public"}})
    cluster.serve("web", WEB)
    cluster.serve("api", API)
    cluster.there.plane.kubectl("label", "service", "api", "tier=public")
    cluster.until_next_hops(API, NODES)
    cluster.until_next_hops(WEB, [])
    cluster.there.plane.kubectl("label", "service", "web", "tier=public")
    cluster.until_next_hops(WEB, NODES)


@pytest.mark.parametrize(
    ("method", "asks"),
    [
        (
            "GracefulShutdown",
            lambda path: {"graceful-shutdown", "65535:0"} & {each.lower() for each in path.communities},
        ),
        ("Prepend", lambda path: path.asns == (ASN,) * 4),
        ("Med", lambda path: path.med == 2**32 - 1),
    ],
)
def test_a_node_that_is_drained_asks_routers_to_prefer_others_and_withdraws(
    cluster: Cluster, method: str, asks: Callable[[Path], object]
) -> None:
    cluster.conf(drain={"method": method})
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    cluster.there.drain("n2", drained=True)
    cluster.until_paths(WEB, lambda paths: [bool(asks(path)) for path in paths].count(True) == 1, "of which one asks")
    cluster.until_next_hops(WEB, [1, 3])
    cluster.there.drain("n2", drained=False)
    cluster.until_next_hops(WEB, NODES)


def test_a_killed_speaker_changes_no_route(cluster: Cluster) -> None:
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    node = cluster.there.node("n1")
    node.kill()
    time.sleep(3)
    cluster.until_next_hops(WEB, NODES)
    node.start()
    cluster.there.all_alive()
    cluster.endpoints("web", [1, 2, 3])
    cluster.serve("api", API)
    cluster.until_next_hops(API, NODES)
    cluster.until_next_hops(WEB, NODES)


def test_an_address_that_no_endpoint_serves_any_more_is_withdrawn_after_a_while(cluster: Cluster) -> None:
    cluster.conf(lingerSeconds=1)
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    cluster.endpoints("web", [])
    cluster.until_next_hops(WEB, [])
    cluster.until_told("service", "web", "openelb.io/Announced", "no endpoint of it is ready anywhere")


def test_without_a_bgp_conf_nothing_is_announced(cluster: Cluster) -> None:
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    cluster.delete("bgpconf", "default")
    cluster.until_next_hops(WEB, [])
    cluster.until_told("eip", "bgp", "Ready", "bgp needs a BgpConf default")
    cluster.apply(thing("BgpConf", "default", {"as": ASN, "listenPort": 179}))
    cluster.until_next_hops(WEB, NODES)


def test_a_password_is_in_a_secret_and_a_wrong_one_makes_no_session(cluster: Cluster) -> None:
    cluster.build_router(password="s3cret")
    cluster.peer(authPasswordSecretRef={"name": "openelb-bgp", "key": "router"})
    cluster.serve("web", WEB)
    cluster.until_told("bgppeer", "router", "Established", "there is no key router in a Secret openelb-bgp")
    for password, nodes in (("another", 0), ("s3cret", 3)):
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "openelb-bgp", "namespace": "openelb-system"},
        }
        cluster.apply({**secret, "stringData": {"router": password}})
        cluster.until_told("bgppeer", "router", "Established", f"Established with {nodes} of 3 nodes")
    cluster.until_next_hops(WEB, NODES)


def test_a_policy_of_the_user_counts_and_a_mistaken_one_leaves_it_in_force(cluster: Cluster) -> None:
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.serve("api", API)
    cluster.until_next_hops(WEB, NODES)
    cluster.apply(
        policy(NOT_THE_FIRST), thing("BgpConf", "default", {"as": ASN, "listenPort": 179, "policy": "policy"})
    )
    cluster.until_next_hops(WEB, [])
    cluster.until_next_hops(API, NODES)
    cluster.apply(policy(NOT_THE_FIRST.replace("prefix-set-name", "prefix-set-nam")))
    until(
        lambda: require("line 2" in str(cluster.read("bgpconf", "default")["status"]), "nothing is told of it"),
        what="the mistake to be told with its line",
        timeout=60,
    )
    cluster.until_next_hops(WEB, [])
    cluster.apply(thing("BgpConf", "default", {"as": ASN, "listenPort": 179, "policy": ""}))
    cluster.until_next_hops(WEB, NODES)


@pytest.mark.parametrize("software", routers.KINDS, ids=lambda kind: kind.name.replace(" ", ""))
def test_every_kind_of_router_spreads_connections_over_the_nodes_that_are_a_way(
    bare_cluster: Cluster, software: Software
) -> None:
    cluster = bare_cluster
    cluster.build_router(software)
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    assert ways(cluster.router.host, WEB) == set(map(address, NODES))
    cluster.serve("web", WEB, [1, 2], externalTrafficPolicy="Local")
    cluster.until_next_hops(WEB, [1, 2])
    cluster.endpoints("web", [3])
    cluster.until_next_hops(WEB, [3])


def test_a_gobgpd_that_was_killed_is_back_with_everything(cluster: Cluster) -> None:
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    cluster.kill_gobgpd("n1")
    cluster.until_next_hops(WEB, [2, 3])
    cluster.until_next_hops(WEB, NODES)


def test_routers_that_agreed_to_graceful_restart_keep_the_routes_of_a_gobgpd_that_was_killed(cluster: Cluster) -> None:
    restart = {"config": {"family": IPV4, "enabled": True}, "mpGracefulRestart": {"config": {"enabled": True}}}
    cluster.peer(gracefulRestart={"enabled": True, "restartTime": 60}, afiSafis=[restart])
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    with watching(cluster.router.host, cluster.directory / "routes") as changes:
        cluster.kill_gobgpd("n1")
        until(
            lambda: require("n1" not in cluster.established(), "still there"), what="the end of the session", timeout=30
        )
        until(lambda: require("n1" in cluster.established(), "not yet"), what="its return", timeout=90)
        assert [change for change in changes.of(f"{WEB}/32") if len(change.next_hops) < len(NODES)] == []


@pytest.mark.parametrize("over", [ROUTER, ROUTER_IPV6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("software", routers.KINDS, ids=lambda kind: kind.name.replace(" ", ""))
def test_addresses_of_both_families_are_routed_over_one_session_of_either(
    bare_cluster: Cluster, software: Software, over: str
) -> None:
    """Over IPv6 also an IPv4 address has a next hop of IPv6 (RFC 8950)."""
    cluster, four = bare_cluster, address if over == ROUTER else address_ipv6
    cluster.build_router(software, over_ipv6=over != ROUTER)
    families = [{"config": {"family": family, "enabled": True}} for family in (IPV4, IPV6)]
    cluster.peer(conf={"neighborAddress": over}, afiSafis=families)
    cluster.apply(thing("Eip", "bgp6", {"address": POOL_IPV6, "protocol": "bgp"}))
    cluster.serve("web", WEB)
    cluster.serve("six", SIX, ipFamilies=["IPv6"], ipFamilyPolicy="SingleStack")
    cluster.until_hops(f"{WEB}/32", map(four, NODES))
    cluster.until_hops(f"{SIX}/128", map(address_ipv6, NODES))


NOT_THE_FIRST = f"""
[[defined-sets.prefix-sets]]
prefix-set-name = "first"
[[defined-sets.prefix-sets.prefix-list]]
ip-prefix = "{WEB}/32"

[[policy-definitions]]
name = "not-the-first"
[[policy-definitions.statements]]
name = "first"
[policy-definitions.statements.conditions.match-prefix-set]
prefix-set = "first"
[policy-definitions.statements.actions]
route-disposition = "reject-route"

[global.apply-policy.config]
export-policy-list = ["not-the-first"]
"""


def policy(text: str) -> dict[str, object]:
    named = {"name": "policy", "namespace": "openelb-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": {"gobgp.conf": text}}
