"""How kube-proxy works in a cluster that asks for nothing, and in one that asks."""

from pathlib import Path

import pytest

from lab.cluster import Cluster
from lab.setup import Prepared


def cluster(kubernetes: str, asked: str = "") -> Cluster:
    place = Path("/nowhere")
    prepared = Prepared(place, place, place, images=(), pause="pause", kubernetes=kubernetes)
    return Cluster("lab", place, prepared, proxy_mode=asked)


@pytest.mark.parametrize(
    ("kubernetes", "asked", "mode"),
    [
        ("v1.36.3", "", "nftables"),
        ("v1.31.14", "", "nftables"),
        ("v1.30.14", "", "iptables"),  # nftables is behind a feature gate
        ("v1.36.3", "iptables", "iptables"),
    ],
)
def test_kube_proxy_uses_nftables_where_every_cluster_can(kubernetes: str, asked: str, mode: str) -> None:
    assert {node.proxy_mode for node in cluster(kubernetes, asked).nodes} == {mode}


def test_a_cluster_is_the_same_for_another_process() -> None:
    wanted = cluster("v1.30.14", "iptables")
    assert Cluster.recorded(wanted.record()) == wanted
