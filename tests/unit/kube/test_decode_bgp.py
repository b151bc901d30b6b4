"""What we read in BgpConfs, BgpPeers, and in what Eips and Services say about routes."""

import json
from typing import Any

import msgspec
import pytest

from openelb.kube import decode_bgp, decode_pools
from openelb.kube.bgp_shapes import BgpConfShape, BgpPeerShape
from openelb.kube.fields import routing
from openelb.kube.shapes import EipShape
from openelb.model import names
from openelb.model.bgp import Arm, Bfd, Family, GracefulRestart, Peer, PeerFamily, RemovePrivate
from openelb.model.routers import (
    AS_THE_POOL,
    BY_HOSTS,
    Announce,
    Attributes,
    BgpChoices,
    BgpConf,
    BgpPeer,
    Drain,
    DrainMethod,
    NextHops,
    SecretKey,
    ServiceRouting,
)
from openelb.model.selectors import Selector

META = {"name": "leaf", "uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}
CONF = {"neighborAddress": "192.0.2.1", "peerAs": 65000}
USUAL = (PeerFamily(Family.IPV4, send_max=10, max_prefixes=100_000),)


def conf(spec: dict[str, Any]) -> BgpConf:
    shape = msgspec.json.decode(json.dumps({"metadata": META, "spec": spec}), type=BgpConfShape)
    return decode_bgp.bgp_conf(shape)


def peer(spec: dict[str, Any]) -> BgpPeer:
    shape = msgspec.json.decode(json.dumps({"metadata": META, "spec": spec}), type=BgpPeerShape)
    return decode_bgp.bgp_peer(shape)


def test_a_bgp_conf_as_upstream_documents_it() -> None:
    found = conf({"as": 50000, "listenPort": 17900, "routerId": "192.168.0.2"})
    assert (found.asn, found.listen_port, found.router_id, found.problem) == (50000, 17900, "192.168.0.2", "")


def test_every_field_of_a_bgp_conf() -> None:
    found = conf(
        {
            "as": 4200000000,
            "asPerRack": {"b": 65102, "a": 65101},
            "routerId": "192.0.2.1",
            "listenPort": -1,
            "listenAddresses": ["192.0.2.1", "2001:DB8::1"],
            "families": [0, 1],
            "useMultiplePaths": True,
            "gracefulRestart": {
                "enabled": True,
                "restartTime": 60,
                "deferralTime": 5,
                "helperOnly": True,
                "notificationEnabled": True,
                "longlivedEnabled": True,
                "staleRoutesTime": 90,
                "mode": "x",
            },
            "policy": "policies",
            "nextHops": "Nodes",
            "drain": {"waitSeconds": 0, "method": "Med"},
            "lingerSeconds": 0,
        }
    )
    assert found == BgpConf(
        "leaf",
        4200000000,
        (("a", 65101), ("b", 65102)),
        "192.0.2.1",
        -1,
        ("192.0.2.1", "2001:db8::1"),
        (0, 1),
        True,
        GracefulRestart(60, 5, 90, helper_only=True, notification=True, long_lived=True),
        "policies",
        NextHops.NODES,
        Drain(0, DrainMethod.MED),
        0,
        uid="u",
        version="7",
    )


def test_a_port_of_zero_is_bgps_own_as_gobgp_has_it() -> None:
    assert (conf({"listenPort": 0}).listen_port, conf({}).listen_port) == (179, 179)


def test_graceful_restart_that_is_not_enabled_is_none() -> None:
    assert conf({"gracefulRestart": {"restartTime": 60}}).graceful_restart is None


@pytest.mark.parametrize(
    ("families", "kept"),
    [
        (None, [True]),
        ([{}], [True]),
        ([{"mpGracefulRestart": {"config": {"enabled": False}}}], [False]),
    ],
)
def test_graceful_restart_of_a_session_holds_for_families_that_say_nothing_else(
    families: list[dict[str, Any]] | None, kept: list[bool]
) -> None:
    found = peer({"conf": CONF, "gracefulRestart": {"enabled": True}, "afiSafis": families})
    assert [one.graceful_restart for one in found.peer.families] == kept
    assert not any(one.graceful_restart for one in peer({"conf": CONF}).peer.families)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"as": -1}, "spec.as is -1: write 0 to 4294967295"),
        ({"asPerRack": {"one": 2**32}}, "spec.asPerRack.one is 4294967296: write 0 to 4294967295"),
        ({"routerId": "router"}, "spec.routerId 'router' is no router id"),
        ({"routerId": "2001:db8::1"}, "write an IPv4 address that no other router has, or leave it out"),
        ({"listenPort": 70000}, "spec.listenPort is 70000"),
        ({"listenAddresses": ["eth0"]}, "spec.listenAddresses 'eth0' is no IP address"),
        ({"nextHops": "nodes"}, "spec.nextHops is 'nodes': write Self or Nodes"),
        ({"lingerSeconds": -1}, "spec.lingerSeconds is -1: write 0 to 3600"),
        ({"drain": {"waitSeconds": 301}}, "spec.drain.waitSeconds is 301: write 0 to 300"),
        ({"drain": {"method": "GSHUT"}}, "write GracefulShutdown, Prepend or Med"),
    ],
)
def test_a_bgp_conf_that_cannot_be_used_says_why(spec: dict[str, Any], told: str) -> None:
    assert told in conf(spec).problem


def test_a_bgp_peer_as_upstream_documents_it() -> None:
    found = peer(
        {
            "conf": {"peerAs": 50001, "neighborAddress": "192.168.0.5"},
            "afiSafis": [
                {
                    "config": {"family": {"afi": "AFI_IP", "safi": "SAFI_UNICAST"}, "enabled": True},
                    "addPaths": {"config": {"sendMax": 10}},
                }
            ],
            "nodeSelector": {"matchLabels": {"openelb.kubesphere.io/rack": "leaf1"}},
        }
    )
    assert found.peer == Peer(address="192.168.0.5", peer_asn=50001, families=USUAL)
    assert found.node_selector == Selector((("openelb.kubesphere.io/rack", "leaf1"),))
    assert (found.problem, found.created) == ("", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("address", "families"),
    [
        ("192.0.2.1", USUAL),
        ("2001:DB8::1", (PeerFamily(Family.IPV6, send_max=10, max_prefixes=100_000),)),
    ],
)
def test_without_families_that_of_the_address_is_spoken_and_ten_paths_are_sent(
    address: str, families: tuple[PeerFamily, ...]
) -> None:
    assert peer({"conf": {"neighborAddress": address, "peerAs": 1}}).peer.families == families


@pytest.mark.parametrize(
    ("restart", "kept"),
    [
        ({"enabled": True}, (True, 0)),
        ({"enabled": True, "longlivedEnabled": True}, (True, 3600)),
        ({"enabled": True, "longlivedEnabled": True, "staleRoutesTime": 60}, (True, 60)),
        ({"longlivedEnabled": True}, (False, 0)),
    ],
)
def test_who_asks_for_graceful_restart_has_it_for_the_family_of_the_address(
    restart: dict[str, Any], kept: tuple[bool, int]
) -> None:
    (one,) = peer({"conf": CONF, "gracefulRestart": restart}).peer.families
    assert (one.graceful_restart, one.long_lived) == kept


def test_a_family_that_is_named_stays_for_long_where_it_takes_part_in_graceful_restart() -> None:
    restart = {"enabled": True, "longlivedEnabled": True}
    for told, kept in (({}, (True, 3600)), ({"mpGracefulRestart": {"config": {"enabled": False}}}, (False, 0))):
        (one,) = peer({"conf": CONF, "gracefulRestart": restart, "afiSafis": [told]}).peer.families
        assert (one.graceful_restart, one.long_lived) == kept


def test_every_field_of_a_bgp_peer() -> None:
    found = peer(
        {
            "conf": {
                **CONF,
                "localAs": 65001,
                "description": "leaf",
                "removePrivateAs": "ALL",
                "replacePeerAs": True,
                "allowOwnAs": 2,
                "adminDown": True,
                "peerType": 1,
                "sendCommunity": 3,
                "routeFlapDamping": True,
            },
            "ebgpMultihop": {"enabled": True, "multihopTtl": 5},
            "timers": {"config": {"connectRetry": "5", "holdTime": "9", "keepaliveInterval": "3"}},
            "transport": {"passiveMode": True, "remotePort": 1790, "localAddress": "192.0.2.11", "tcpMss": 1400},
            "gracefulRestart": {"enabled": True, "restartTime": 60},
            "afiSafis": [
                {
                    "config": {"family": {"afi": "AFI_IP6", "safi": "SAFI_UNICAST"}, "enabled": True},
                    "addPaths": {"config": {"receive": True, "sendMax": 4}},
                    "mpGracefulRestart": {"config": {"enabled": True}},
                },
                {"config": {"family": {"afi": "AFI_IP", "safi": "SAFI_UNICAST"}, "enabled": False}},
            ],
            "authPasswordSecretRef": {"name": "leaf", "key": "password"},
            "serviceSelector": {"matchLabels": {"tier": "public"}},
            "pools": ["eip"],
            "maxPrefixes": 1000,
            "communities": ["65000:100", "no-export"],
            "largeCommunities": ["65000:1:2"],
            "localPreference": 200,
            "med": 0,
            "prepend": 2,
        }
    )
    assert found.peer == Peer(
        address="192.0.2.1",
        peer_asn=65000,
        local_asn=65001,
        description="leaf",
        admin_down=True,
        remove_private=RemovePrivate.ALL,
        replace_peer_asn=True,
        allow_own_asn=2,
        multihop_ttl=5,
        hold_time=9,
        keepalive_interval=3,
        connect_retry=5,
        passive=True,
        remote_port=1790,
        local_address="192.0.2.11",
        graceful_restart=GracefulRestart(60),
        families=(PeerFamily(Family.IPV6, 4, True, True, max_prefixes=1000),),
    )
    assert found.secret == SecretKey("leaf", "password")
    assert (found.pools, found.service_selector) == (frozenset({"eip"}), Selector((("tier", "public"),)))
    assert found.attributes == Attributes(frozenset({"65000:100", "no-export"}), frozenset({"65000:1:2"}), 200, 0)
    assert found.prepend == 2


def test_bfd_has_usual_intervals_where_none_are_written() -> None:
    assert peer({"conf": CONF, "bfd": {}}).peer.bfd == Bfd(300, 300, 3, Arm.ESTABLISHED)
    assert peer({"conf": CONF, "bfd": {"minTransmitIntervalMilliseconds": 100, "arm": "Always"}}).peer.bfd == Bfd(
        100, 300, 3, Arm.ALWAYS
    )


def test_a_peer_on_an_interface_of_its_own_speaks_both_families() -> None:
    found = peer({"conf": {"neighborInterface": "eth1", "peerAs": 65000}}).peer
    assert (found.key, [one.family for one in found.families]) == ("eth1", [Family.IPV4, Family.IPV6])


def test_peers_from_anywhere_in_a_prefix() -> None:
    assert peer({"conf": {"neighborPrefix": "192.0.2.7/24", "peerAs": 65000}}).peer.prefix == "192.0.2.0/24"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, "spec.conf is missing: give neighborAddress and peerAs"),
        ({"conf": {"peerAs": 1}}, "spec.conf has none of neighborAddress, neighborInterface and neighborPrefix"),
        ({"conf": {**CONF, "neighborInterface": "eth0"}}, "spec.conf has several of"),
        ({"conf": {"neighborAddress": "router"}}, "spec.conf.neighborAddress 'router' is no IP address"),
        ({"conf": {"neighborPrefix": "10/8/8"}}, "is no prefix: write one like 192.0.2.0/24"),
        ({"conf": {**CONF, "peerGroup": "leaves"}}, "spec.conf.peerGroup names something that OpenELB makes none of"),
        ({"conf": {**CONF, "removePrivateAs": "SOME"}}, "write ALL or REPLACE"),
        ({"conf": CONF, "timers": {"config": {"holdTime": "90s"}}}, "write whole seconds as text"),
        ({"conf": CONF, "timers": {"config": {"holdTime": "70000"}}}, "holdTime is 70000: write 0 to 65535"),
        (
            {"conf": CONF, "ebgpMultihop": {"enabled": True}, "bfd": {}},
            "spec.bfd is for peers on the next link, and spec.ebgpMultihop for others",
        ),
        ({"conf": CONF, "ebgpMultihop": {"enabled": True}, "ttlSecurity": {"enabled": True}}, "exclude each other"),
        ({"conf": {"neighborPrefix": "192.0.2.0/24"}, "bfd": {}}, "spec.bfd needs a peer that is known"),
        (
            {"conf": {**CONF, "authPassword": "x"}, "authPasswordSecretRef": {"name": "a", "key": "b"}},
            "leave out the first",
        ),
        ({"conf": CONF, "authPasswordSecretRef": {"name": "a"}}, "give its name, and the key of the password in it"),
        (
            {
                "conf": CONF,
                "afiSafis": [{"config": {"family": {"afi": "AFI_L2VPN", "safi": "SAFI_EVPN"}, "enabled": True}}],
            },
            "spec.afiSafis[0].config.family is AFI_L2VPN, SAFI_EVPN: OpenELB has routes of AFI_IP",
        ),
        ({"conf": CONF, "afiSafis": [{}, {}]}, "spec.afiSafis[1] has the same family as one before it"),
        ({"conf": CONF, "communities": ["65536:1"]}, "spec.communities has '65536:1': write two numbers up to 65535"),
        ({"conf": CONF, "largeCommunities": ["1:2"]}, "spec.largeCommunities has '1:2': write three numbers"),
        ({"conf": CONF, "bfd": {"detectMultiplier": 256}}, "spec.bfd.detectMultiplier is 256: write 1 to 255"),
        ({"conf": CONF, "nodeSelector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}, "is no operator"),
    ],
)
def test_a_bgp_peer_that_cannot_be_used_says_why(spec: dict[str, Any], told: str) -> None:
    found = peer(spec)
    assert told in found.problem
    assert found.peer == Peer()


def pool(bgp: dict[str, Any]) -> tuple[BgpChoices, str]:
    what = {"metadata": META, "spec": {"address": "192.0.2.0/24", "bgp": bgp}}
    found = decode_pools.pool(msgspec.json.decode(json.dumps(what), type=EipShape))
    return found.bgp, found.problem


def test_what_the_author_of_a_pool_chose() -> None:
    assert pool({"announce": "Aggregate", "med": 5}) == (BgpChoices(Announce.AGGREGATE, Attributes(med=5)), "")
    assert pool({"announce": "All"}) == (BY_HOSTS, "spec.bgp.announce is 'All': write Hosts or Aggregate")
    assert pool({"localPreference": -1})[1] == "spec.bgp.localPreference is -1: write 0 to 4294967295"


def test_what_a_service_says_about_its_routes() -> None:
    said = {
        names.COMMUNITIES: "65000:1, blackhole",
        names.LARGE_COMMUNITIES: "65000:1:2",
        names.LOCAL_PREFERENCE: "200",
        names.MED: "30",
        names.PEERS: "leaf, spine",
    }
    attributes = Attributes(frozenset({"65000:1", "blackhole"}), frozenset({"65000:1:2"}), 200, 30)
    assert routing(said) == ServiceRouting(attributes, frozenset({"leaf", "spine"}))


def test_a_service_that_says_nothing_of_routes_costs_nothing() -> None:
    assert routing({"a": "b"}) is AS_THE_POOL


def test_what_a_service_says_and_nobody_understands_has_no_effect_and_is_told() -> None:
    found = routing({names.MED: "low", names.PEERS: "leaf"})
    assert found == ServiceRouting(
        peers=frozenset({"leaf"}), problem="openelb.io/med is 'low': write a number up to 4294967295"
    )


def test_a_service_has_no_more_communities_than_fit_into_a_message() -> None:
    found = routing({names.COMMUNITIES: ",".join(f"65000:{number}" for number in range(33))})
    assert found.problem == f"{names.COMMUNITIES} has 33 communities: 32 are the most that a route may carry"
