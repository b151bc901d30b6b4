"""What comes to a node for an address that routers know, and that no Service serves there: it is rejected, and goes round no more."""

import socket
from collections.abc import Sequence

from lab.network import Host
from lab.wait import require, until
from tests.lab.bgp.cluster import (
    IPV4,
    IPV6,
    NODES,
    POOL,
    ROUTER_ASN,
    ROUTER_IPV6,
    Cluster,
    address,
    address_ipv6,
    thing,
)
from tests.lab.packets import counted, refused

WEB, SIX, NOBODYS = "10.99.0.1", "fd00:99::1", "10.99.0.77"
ROUNDS = 20
"""Fewer than any packet makes whose TTL ends nothing sooner: it begins with 64."""


def on_the_wire(cluster: Cluster, target: str) -> int:
    """How often the router sees a datagram for an address that is sent once from behind it."""
    with counted(cluster.router.host, target) as frames:
        refused(cluster.site.remote, target, socket.SOCK_DGRAM)
    return len(frames)


def until_rejected(nodes: Sequence[Host], text: str, *, is_there: bool = True) -> None:
    def look() -> None:
        without = [
            each.name
            for each in nodes
            if (f" {text}" in each.run(["nft", "list", "table", "inet", "openelb"])) != is_there
        ]
        require(not without, f"not on {without}")

    until(look, what=f"rules for {text} there: {is_there}", timeout=30)


def test_a_packet_for_nobody_goes_once_to_a_node_and_is_rejected_there(bare_cluster: Cluster) -> None:
    """The route of a node to the address leads to the router, and that of the router to a node."""
    cluster, nodes = bare_cluster, [bare_cluster.there.node(f"n{number}").host for number in NODES]
    cluster.build_router(over_ipv6=True)
    cluster.peer(
        conf={"neighborAddress": ROUTER_IPV6, "peerAs": ROUTER_ASN},
        afiSafis=[{"config": {"family": family, "enabled": True}} for family in (IPV4, IPV6)],
    )
    cluster.apply(thing("Eip", "bgp6", {"address": "fd00:99::/120", "protocol": "bgp"}))
    cluster.serve("web", WEB)
    cluster.serve("six", SIX, ipFamilies=["IPv6"], ipFamilyPolicy="SingleStack")
    for target, length in ((WEB, 32), (SIX, 128)):
        cluster.until_hops(f"{target}/{length}", map(address_ipv6, NODES))
        until_rejected(nodes, target)
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            assert refused(cluster.site.remote, target, kind) < 1
        assert on_the_wire(cluster, target) == 1
        cluster.site.remote.run(["ping", "-n", "-c", "1", "-W", "2", target])

    for node in nodes:
        node.run(["nft", "delete", "table", "inet", "openelb"])  # put back within half a minute
    assert on_the_wire(cluster, WEB) > ROUNDS


def test_where_a_network_is_announced_as_a_whole_nothing_for_the_rest_of_it_goes_round(cluster: Cluster) -> None:
    nodes = [cluster.there.node(f"n{number}").host for number in NODES]
    cluster.apply(thing("Eip", "bgp", {"address": POOL, "protocol": "bgp", "bgp": {"announce": "Aggregate"}}))
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_hops(POOL, map(address, NODES))
    cluster.until_next_hops(WEB, [])
    until_rejected(nodes, POOL)
    for target in (WEB, NOBODYS):
        assert refused(cluster.site.remote, target, socket.SOCK_STREAM) < 1
        assert on_the_wire(cluster, target) == 1
    cluster.delete("service", "web")
    cluster.until_hops(POOL, [])
    until_rejected(nodes, POOL, is_there=False)
