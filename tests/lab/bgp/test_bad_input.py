"""What users and routers can get wrong about a session: each is a sentence in the condition of the BgpPeer, with node and remedy."""

import socket
from collections.abc import Mapping
from typing import Any

from lab.wait import require, until
from tests.lab.bgp.cluster import ASN, NODES, ROUTER, ROUTER_ASN, Cluster

WEB, OTHER_PORT = "10.99.0.1", 17900

MISTAKES: Mapping[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "as-of-the-router": (
        {"peerAs": ROUTER_ASN + 1},
        {},
        "n1, n2, n3: there is no session: we said: bad peer AS; the router's autonomous system is not the one in spec.conf.peerAs",
    ),
    "our-as": ({"localAs": ASN + 1}, {}, "have it know this node as a neighbour"),
    "password": ({"authPassword": "s3cret"}, {}, f"no answer from {ROUTER} port 179"),
    "address": ({"neighborAddress": "10.79.0.99"}, {}, "no way to 10.79.0.99 port 179"),
    "family": (
        {},
        {"afiSafis": [{"config": {"family": {"afi": "AFI_IP", "safi": "SAFI_MPLS_LABEL"}, "enabled": True}}]},
        "it cannot be used: spec.afiSafis[0].config.family is AFI_IP, SAFI_MPLS_LABEL",
    ),
    "secret": (
        {},
        {"authPasswordSecretRef": {"name": "openelb-bgp", "key": "x"}},
        "n1, n2, n3: there is no key x in a Secret openelb-bgp",
    ),
}
"""What is wrong in spec.conf and in the rest of spec, and what is said of it."""


def test_each_mistake_about_a_router_is_told_with_what_to_do(cluster: Cluster) -> None:
    for name, (conf, spec, told) in MISTAKES.items():
        cluster.peer(name, conf, **spec)
        cluster.until_told("bgppeer", name, "Established", told)
        cluster.delete("bgppeer", name)
    cluster.peer()
    cluster.until_established()
    cluster.end_routers()
    cluster.until_told("bgppeer", "router", "Established", f"connection refused: nothing listens at {ROUTER} port 179")


def _is_ready(cluster: Cluster) -> bool:
    conditions = cluster.read("bgpconf", "default")["status"]["conditions"]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def test_settings_that_end_sessions_are_taken_over_one_node_after_the_other_and_not_where_one_fails(
    cluster: Cluster,
) -> None:
    """A port that another program has on the first node keeps all others from it, and nothing is lost but there."""
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    first = cluster.there.node("n1").host
    with first.inside(), socket.create_server(("", OTHER_PORT)):
        cluster.conf(listenPort=OTHER_PORT)
        cluster.until_told("bgpconf", "default", "Ready", "begins anew here")
        cluster.until_told(
            "bgpconf", "default", "Ready", f"listen tcp4 0.0.0.0:{OTHER_PORT}: bind: address already in use"
        )
        cluster.until_told("bgpconf", "default", "Ready", "n2, n3: other settings are wanted")
        cluster.until_next_hops(WEB, NODES[1:])
    cluster.until_told(
        "bgpconf", "default", "Ready", "BGP runs on 3 of 3 nodes; n"
    )  # n1 does again, others wait for it
    until(
        lambda: require(_is_ready(cluster), "not yet"),
        what="all nodes to have begun anew, one after the other",
        timeout=180,
    )
    cluster.until_next_hops(WEB, NODES)
    cluster.conf(listenPort=OTHER_PORT, routerId="none")
    cluster.until_told("bgpconf", "default", "Ready", "spec.routerId 'none' is no router id")
    cluster.until_next_hops(WEB, NODES)
