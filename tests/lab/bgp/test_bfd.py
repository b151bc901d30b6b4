"""BFD with each kind of router: what it costs to turn it on, that it ends a session once and never again, and what is refused."""

import json
import time
from collections.abc import Mapping

import pytest

from lab import routers
from lab.bird import BIRD_2, BIRD_3
from lab.frr import FRR, FRR_8
from lab.network import CommandError
from lab.peering import Bfd, Software
from lab.wait import require, until
from tests.lab.bgp.cluster import NODES, ROUTER_ASN, Cluster, address

WEB = "10.99.0.1"
HOLD = 180
"""Seconds, far longer than any wait of these tests: what is noticed sooner is noticed by BFD."""
QUIET = 8
"""Seconds in which a loop of BFD and BGP would have come round: the two take three at most."""

of_every_kind = pytest.mark.parametrize("software", routers.KINDS, ids=lambda kind: kind.name.replace(" ", ""))


def lost(cluster: Cluster) -> list[int]:
    """How often each node has lost its session so far, by what its gobgpd has written."""
    logs = (cluster.there.node(f"n{number}").state / "gobgpd" / "socket.log" for number in NODES)
    return [log.read_text(errors="replace").count('"msg":"Peer Down"') for log in logs]


def until_watched(cluster: Cluster) -> None:
    def look() -> None:
        seen = {each: up for each, up in cluster.router.bfd().items() if up}
        require(set(seen) == set(map(address, NODES)), f"{seen}")

    until(look, what="BFD with every node", timeout=60)


def turn_on_at_the_router(cluster: Cluster, software: Software) -> None:
    """BIRD has it from the beginning: a session without BFD is as good for it."""
    if software in (FRR, FRR_8):
        lines = (f"neighbor {address(number)} bfd" for number in NODES)
        cluster.router.ask("configure terminal", f"router bgp {ROUTER_ASN}", *lines)


@of_every_kind
def test_bfd_that_is_turned_on_ends_a_session_once_at_most_and_a_node_that_is_cut_off_is_noticed_by_it(
    bare_cluster: Cluster, software: Software
) -> None:
    """When BGP and BFD end together, GoBGP 4.8 would end the next session for the sake of BFD, and so on without end. FRR 10
    wants BFD before BGP.
    """
    cluster = bare_cluster
    cluster.build_router(software, hold=HOLD, bfd=Bfd() if software in (BIRD_2, BIRD_3) else None)
    cluster.peer()
    cluster.serve("web", WEB)
    cluster.until_next_hops(WEB, NODES)

    before = lost(cluster)
    turn_on_at_the_router(cluster, software)
    cluster.peer(bfd={"arm": "Always"} if software is FRR else {})
    until_watched(cluster)
    cluster.until_next_hops(WEB, NODES)
    assert all(now - then <= 1 for now, then in zip(lost(cluster), before, strict=True))

    node = cluster.there.node("n1").host
    node.cut()
    cluster.until_next_hops(WEB, [2, 3])
    node.heal()
    until_watched(cluster)
    cluster.until_next_hops(WEB, NODES)
    before = lost(cluster)
    time.sleep(QUIET)
    assert lost(cluster) == before
    cluster.until_next_hops(WEB, NODES)


def test_a_router_that_wants_bfd_first_has_it_where_it_always_runs(bare_cluster: Cluster) -> None:
    bare_cluster.build_router(FRR, hold=HOLD, bfd=Bfd())
    bare_cluster.peer(bfd={"arm": "Always"})
    bare_cluster.until_established()
    until_watched(bare_cluster)


def test_other_timers_wait_for_the_end_of_the_session_and_its_author_is_told(bare_cluster: Cluster) -> None:
    cluster = bare_cluster
    cluster.build_router(FRR_8, hold=HOLD, bfd=Bfd())
    cluster.peer(bfd={})
    cluster.serve("web", WEB)
    until_watched(cluster)
    before = lost(cluster)

    cluster.peer(bfd={"minTransmitIntervalMilliseconds": 450})
    cluster.until_told(
        "bgppeer", "router", "Established", "3 of 3 nodes; n1, n2, n3: spec.bfd has changed: BFD goes on as it was"
    )
    assert (set(transmits(cluster).values()), lost(cluster)) == ({300}, before)

    cluster.kill_gobgpd("n1")
    until(lambda: require(transmits(cluster).get(address(1)) == 450, "not yet"), what="other timers on n1", timeout=60)
    cluster.until_told("bgppeer", "router", "Established", "3 of 3 nodes; n2, n3: spec.bfd has changed")
    cluster.until_next_hops(WEB, NODES)


def transmits(cluster: Cluster) -> Mapping[str, int]:
    """Milliseconds between the packets of each node, as it has told the router."""
    told = json.loads(cluster.router.ask("show bfd peers json"))
    return {each["peer"]: each["remote-transmit-interval"] for each in told if each["status"] == "up"}


def test_bfd_is_refused_for_peers_that_it_cannot_watch(bare_cluster: Cluster) -> None:
    with pytest.raises(CommandError, match=r"spec\.bfd is for peers on the next link"):
        bare_cluster.peer(bfd={}, ebgpMultihop={"enabled": True})
    bare_cluster.peer(bfd={}, conf={"neighborAddress": None, "neighborPrefix": "10.79.0.0/24"})
    bare_cluster.until_told("bgppeer", "router", "Established", "spec.bfd needs a peer that is known")
