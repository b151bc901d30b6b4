"""What `openelb peers` and `openelb routes` show."""

import json
from dataclasses import replace

from openelb.cli.bgp import announced, sessions
from openelb.cli.ending import GOOD, WRONG
from openelb.kube.resources import BGP_PATHS
from openelb.model import names
from openelb.model.cluster import Protocol
from openelb.model.routers import Announce, BgpChoices, SecretKey, ServiceRouting
from openelb.model.selectors import Selector
from openelb.plan.peers import Told, Word
from tests.unit.builders import conf, key, node, pool, router, service, snapshot, speaker
from tests.unit.cli.conftest import Cluster, called

EIP = pool(text="10.99.0.0/24", protocol=Protocol.BGP, interface="")
WEB = service(shows="10.99.0.1")
READY = {key("web"): frozenset({"a"})}
NODES = (node("a"), node("b"), speaker("a"), speaker("b"))
UP = Word("ESTABLISHED", "", "2026-01-01T00:00:00Z")


def shown(*facts, **others):
    seen = snapshot(*(facts or (EIP, WEB)), conf(), router(), *NODES, endpoints=READY, **others)
    return [(line.node, line.prefix, line.peers) for line in announced(seen, names.LOAD_BALANCER_CLASS).routes]


def test_each_node_s_routes_are_shown_with_the_peers_that_may_have_them():
    assert shown() == [("a", "10.99.0.1/32", ("leaf",)), ("b", "10.99.0.1/32", ("leaf",))]


def test_a_node_without_an_endpoint_has_no_route_for_local_traffic():
    assert shown(EIP, replace(WEB, local_traffic_only=True)) == [("a", "10.99.0.1/32", ("leaf",))]


def test_a_route_that_is_kept_from_a_peer_does_not_name_it():
    choosy = replace(WEB, routing=ServiceRouting(peers=frozenset({"spine"})))
    assert shown(EIP, choosy, router("spine", "192.0.2.2"))[0] == ("a", "10.99.0.1/32", ("spine",))


def test_an_aggregate_is_one_line_with_all_its_services():
    eip = replace(EIP, bgp=BgpChoices(Announce.AGGREGATE))
    seen = snapshot(
        *(eip, WEB, service("api", shows="10.99.0.2"), conf(), router(), *NODES),
        endpoints={**READY, key("api"): frozenset({"b"})},
    )
    first, *_ = announced(seen, names.LOAD_BALANCER_CLASS).routes
    assert (first.prefix, first.services) == ("10.99.0.0/24", ("default/api", "default/web"))


def test_a_peer_whose_password_nobody_here_may_read_counts():
    assert shown(EIP, WEB, router("spine", "192.0.2.2", secret=SecretKey("bgp", "spine")))[0][2] == ("leaf", "spine")


def test_a_drained_node_has_what_no_other_can_serve():
    seen = snapshot(
        *(EIP, WEB, conf(), router(), node("a", drained=True), node("b"), speaker("a"), speaker("b")), endpoints=READY
    )
    assert {line.node for line in announced(seen, names.LOAD_BALANCER_CLASS).routes} == {"b"}


def test_without_a_bgp_conf_the_reason_is_shown():
    told = announced(snapshot(EIP, WEB, *NODES), names.LOAD_BALANCER_CLASS)
    assert told.text() == "bgp needs a BgpConf default: create one with the autonomous system of the cluster (spec.as)"


def test_each_node_has_a_line_for_each_peer_also_who_said_nothing():
    told = sessions(snapshot(conf(), router(), *NODES), {"leaf": Told({"a": UP})})
    assert [line.cells() for line in told.peers] == [
        ("leaf", "192.0.2.1", "a", "ESTABLISHED", "2026-01-01T00:00:00Z", ""),
        ("leaf", "192.0.2.1", "b", "", "", "its speaker has said nothing of it yet"),
    ]
    assert not told.is_good()
    assert sessions(snapshot(conf(), router(), *NODES), {"leaf": Told({"a": UP, "b": UP})}).is_good()


def test_a_peer_for_no_node_has_one_line():
    nowhere = router(node_selector=Selector((("leaf", "one"),)))
    (line,) = sessions(snapshot(conf(), nowhere, *NODES), {"leaf": Told()}).peers
    assert (line.node, line.problem) == (
        "",
        "spec.nodeSelector matches no node with a speaker, so nobody has a session with it",
    )


PEER = {
    "kind": "BgpPeer",
    "metadata": {"name": "leaf"},
    "spec": {"conf": {"neighborAddress": "192.0.2.1", "peerAs": 65000}},
    "status": {
        "nodesPeerStatus": {
            "n1": {"peerState": {"sessionState": "ESTABLISHED"}, "timersState": {"uptime": "2026-01-01T00:00:00Z"}},
            "n2": {"peerState": {"sessionState": "ACTIVE"}, "problem": "connection refused"},
        }
    },
}


def test_both_are_commands(cluster: Cluster) -> None:
    cluster.store(BGP_PATHS["BgpConf"], {"metadata": {"name": "default"}, "spec": {"as": 65001}})
    cluster.store(BGP_PATHS["BgpPeer"], PEER)
    said = called("peers", "--kubeconfig", cluster.kubeconfig)
    assert said.exit_code == WRONG
    assert [line.split() for line in said.output.splitlines()] == [
        ["PEER", "ADDRESS", "NODE", "STATE", "SINCE", "PROBLEM"],
        ["leaf", "192.0.2.1", "n1", "ESTABLISHED", "2026-01-01T00:00:00Z"],
        ["leaf", "192.0.2.1", "n2", "ACTIVE", "connection", "refused"],
    ]
    said = called("routes", "--kubeconfig", cluster.kubeconfig, "-o", "json")
    assert said.exit_code == GOOD
    assert json.loads(said.output) == {"routes": [], "problem": ""}
