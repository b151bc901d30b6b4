"""What of sessions is seen on the router's link: signatures of segments, and the words by which a node leaves."""

from ipaddress import ip_address

from lab.wait import require, until
from tests.lab.bgp.cluster import NODES, Cluster, address
from tests.lab.packets import MD5, Segment, Update, segments, updates

WEB = "10.99.0.1"
LEAVING = "65535:0"
"""GRACEFUL_SHUTDOWN (RFC 8326, section 5)."""
PREFIX = bytes([32]) + ip_address(WEB).packed
SECONDS = 3


def test_every_segment_of_a_session_with_a_password_is_signed(bare_cluster: Cluster) -> None:
    cluster = bare_cluster
    for password in ("", "s3cret"):
        cluster.build_router(password=password)
        with segments(cluster.router.host) as heard:
            cluster.peer(conf={"authPassword": password})
            cluster.until_established()
            cluster.serve("web", WEB)
            cluster.until_next_hops(WEB, NODES)
            cluster.delete("service", "web")
            cluster.until_next_hops(WEB, [])
        told = [segment for segment in heard if updates([segment], segment.source)]
        assert {segment.source for segment in told} == set(map(address, NODES))
        assert {MD5 in segment.options for segment in told} == {bool(password)}
        cluster.delete("bgppeer", "router")


def test_a_node_asks_to_be_left_before_it_withdraws(cluster: Cluster) -> None:
    cluster.conf(drain={"waitSeconds": SECONDS})
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)
    with segments(cluster.router.host) as heard:
        cluster.there.drain("n2", drained=True)
        until(lambda: require(any(map(withdraws, said(heard))), "not yet"), what="the withdrawal", timeout=60)
        cluster.until_next_hops(WEB, [1, 3])
    words = said(heard)
    (asked,) = (each for each in words if PREFIX in each.announced)
    withdrawn = next(each for each in words if withdraws(each))
    assert LEAVING in asked.communities
    assert withdrawn.at - asked.at > SECONDS - 1
    assert {source for source in map(address, NODES) if updates(heard, source)} == {address(2)}, "others say nothing"

    with segments(cluster.router.host) as heard:
        cluster.there.drain("n2", drained=False)
        cluster.until_next_hops(WEB, NODES)
    assert LEAVING not in said(heard)[-1].communities


def said(heard: list[Segment]) -> list[Update]:
    """By n2."""
    return updates(heard, address(2))


def withdraws(update: Update) -> bool:
    return PREFIX in update.withdrawn
