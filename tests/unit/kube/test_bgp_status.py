"""What a node says of its BGP in the statuses of BgpConf and BgpPeers."""

from openelb.kube.bgp_status import conf_entry, peer_entry, status_patch
from openelb.model.bgp import Instance, Messages, Session, SessionState


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return value


ESTABLISHED = Session(
    "192.0.2.1",
    state=SessionState.ESTABLISHED,
    peer_asn=64513,
    local_asn=64512,
    router_id="192.0.2.1",
    since=1735689600.0,
    hold_time=90,
    keepalive_interval=30,
    received=Messages(1, 1, keepalive=12, total=14),
    sent=Messages(1, 2, keepalive=12, total=15),
)


def test_a_session_is_told_as_upstream_does():
    assert without_nulls(peer_entry(ESTABLISHED, "192.0.2.1", "")) == {
        "peerState": {
            "neighborAddress": "192.0.2.1",
            "peerAs": 64513,
            "localAs": 64512,
            "peerType": 1,
            "routerId": "192.0.2.1",
            "sessionState": "ESTABLISHED",
            "queues": {},
            "messages": {
                "received": {"keepalive": "12", "open": "1", "total": "14", "update": "1"},
                "sent": {"keepalive": "12", "open": "1", "total": "15", "update": "2"},
            },
        },
        "timersState": {"keepaliveInterval": "30", "negotiatedHoldTime": "90", "uptime": "2025-01-01T00:00:00Z"},
    }


def test_what_is_no_longer_so_is_taken_out_by_name():
    down = peer_entry(Session("192.0.2.1", since=1735689600.0), "192.0.2.1", "refused")
    assert down["timersState"]["uptime"] is None
    assert (down["timersState"]["downtime"], down["problem"]) == ("2025-01-01T00:00:00Z", "refused")
    none = peer_entry(None, "192.0.2.1", "")
    assert none["peerState"].keys() == peer_entry(ESTABLISHED, "", "")["peerState"].keys()
    assert none["timersState"].keys() == down["timersState"].keys()


def test_a_patch_touches_the_entry_of_its_node_alone():
    entry = conf_entry(Instance(65001, "192.0.2.11"), "")
    assert status_patch("BgpConf", "a", entry) == {
        "status": {"nodesConfStatus": {"a": {"as": 65001, "routerId": "192.0.2.11", "problem": None}}}
    }
    assert status_patch("BgpPeer", "a", None) == {"status": {"nodesPeerStatus": {"a": None}}}


def test_a_node_without_bgp_says_why():
    assert conf_entry(None, "spec.as is missing") == {"as": 0, "routerId": "", "problem": "spec.as is missing"}
