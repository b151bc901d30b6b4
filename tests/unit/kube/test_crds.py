"""Our definitions are supersets of what every older release declared."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import yaml

from openelb.kube.crds import KINDS, crd, crds_yaml
from openelb.kube.fields import MOST_COMMUNITIES

Schema = dict[str, Any]

# What releases 0.4 to 0.6 declared: fields, by the type that a value of theirs has.
SPECS = {
    ("Eip", "v1alpha1"): {
        "string": "address protocol",
        "boolean": "disable usingKnownIPs",
    },
    ("Eip", "v1alpha2"): {
        "string": "address protocol interface namespaces[] namespaceSelector{}",
        "boolean": "disable usingKnownIPs",
        "integer": "priority",
    },
    ("BgpConf", "v1alpha1"): {"string": "routerID", "integer": "as port"},
    ("BgpConf", "v1alpha2"): {
        "string": "routerId listenAddresses[] policy gracefulRestart.mode",
        "boolean": "useMultiplePaths gracefulRestart.enabled gracefulRestart.helperOnly "
        "gracefulRestart.notificationEnabled gracefulRestart.longlivedEnabled gracefulRestart.peerRestarting "
        "gracefulRestart.localRestarting",
        "integer": "as asPerRack{} listenPort families[] gracefulRestart.restartTime gracefulRestart.deferralTime "
        "gracefulRestart.staleRoutesTime gracefulRestart.peerRestartTime",
    },
    ("BgpPeer", "v1alpha1"): {
        "string": "config.neighborAddress",
        "boolean": "transport.passiveMode usingPortForward",
        "integer": "config.peerAs addPaths.sendMax transport.remotePort",
    },
    ("BgpPeer", "v1alpha2"): {
        "string": "conf.neighborAddress conf.authPassword conf.description conf.peerGroup conf.removePrivateAs "
        "conf.neighborInterface conf.vrf timers.config.connectRetry timers.config.holdTime "
        "timers.config.keepaliveInterval timers.config.minimumAdvertisementInterval transport.remoteAddress "
        "gracefulRestart.mode afiSafis[].config.family.afi afiSafis[].config.family.safi nodeSelector.matchLabels{} "
        "nodeSelector.matchExpressions[].key nodeSelector.matchExpressions[].operator "
        "nodeSelector.matchExpressions[].values[]",
        "boolean": "conf.replacePeerAs conf.adminDown conf.routeFlapDamping ebgpMultihop.enabled "
        "transport.passiveMode transport.mtuDiscovery gracefulRestart.enabled gracefulRestart.helperOnly "
        "gracefulRestart.notificationEnabled gracefulRestart.longlivedEnabled gracefulRestart.peerRestarting "
        "gracefulRestart.localRestarting afiSafis[].config.enabled afiSafis[].addPaths.config.receive "
        "afiSafis[].mpGracefulRestart.config.enabled",
        "integer": "conf.peerAs conf.localAs conf.peerType conf.allowOwnAs conf.sendCommunity ebgpMultihop.multihopTtl "
        "transport.remotePort transport.tcpMss gracefulRestart.restartTime gracefulRestart.deferralTime "
        "gracefulRestart.staleRoutesTime gracefulRestart.peerRestartTime afiSafis[].addPaths.config.sendMax",
    },
}

# What is ours alone.
SELECTOR = "matchLabels{} matchExpressions[].key matchExpressions[].operator matchExpressions[].values[]"
ATTRIBUTES = {"string": ("communities[]", "largeCommunities[]"), "integer": ("localPreference", "med")}
OURS = {
    ("Eip", "v1alpha2"): {
        "string": "exclude[] adoption layer2.profile layer2.probe layer2.onConflict layer2.answer bgp.announce "
        + " ".join(f"bgp.{path}" for path in ATTRIBUTES["string"])
        + " "
        + " ".join(f"{which}Selector.{path}" for which in ("service", "node") for path in SELECTOR.split()),
        "boolean": "skipNetworkAndBroadcast layer2.failback",
        "integer": "cooldownSeconds quota.addressesPerNamespace layer2.restartGraceSeconds "
        + " ".join(f"bgp.{path}" for path in ATTRIBUTES["integer"]),
    },
    ("BgpConf", "v1alpha2"): {"string": "nextHops drain.method", "integer": "drain.waitSeconds lingerSeconds"},
    ("BgpPeer", "v1alpha2"): {
        "string": "conf.neighborPrefix transport.localAddress authPasswordSecretRef.name authPasswordSecretRef.key bfd.arm "
        "pools[] "
        + " ".join(ATTRIBUTES["string"])
        + " "
        + " ".join(f"serviceSelector.{path}" for path in SELECTOR.split()),
        "boolean": "ttlSecurity.enabled",
        "integer": "ttlSecurity.ttlMin bfd.minTransmitIntervalMilliseconds bfd.minReceiveIntervalMilliseconds "
        "bfd.detectMultiplier maxPrefixes prepend " + " ".join(ATTRIBUTES["integer"]),
    },
    ("EipAllocation", "v1alpha2"): {"string": "eip used{} released{}"},
    ("EipConflict", "v1alpha2"): {"string": "eip ip mac node lastSeen"},
    ("EipReservation", "v1alpha2"): {
        "string": "eip addresses[] expires services.namespace services.name "
        + " ".join(f"services.selector.{path}" for path in SELECTOR.split()),
        "integer": "count",
    },
}
OUR_STATUS = {
    ("BgpConf", "v1alpha2"): {"nodesConfStatus{}.problem"},
    ("Eip", "v1alpha2"): {"released{}", "free", "address"},
    ("EipReservation", "v1alpha2"): {"addresses[]"},
}

STATUSES = {
    ("Eip", "v1alpha1"): {"boolean": "occupied", "integer": "poolSize usage"},
    ("Eip", "v1alpha2"): {
        "string": "firstIP lastIP used{}",
        "boolean": "occupied ready v4",
        "integer": "poolSize usage",
    },
    ("BgpConf", "v1alpha1"): {},
    ("BgpConf", "v1alpha2"): {"string": "nodesConfStatus{}.routerId", "integer": "nodesConfStatus{}.as"},
    ("BgpPeer", "v1alpha1"): {},
    ("BgpPeer", "v1alpha2"): {},  # by node, below
}
OF_A_NODE = {
    "string": "peerState.authPassword peerState.description peerState.neighborAddress peerState.peerGroup "
    "peerState.sessionState peerState.adminState peerState.routerId timersState.connectRetry timersState.holdTime "
    "timersState.keepaliveInterval timersState.minimumAdvertisementInterval timersState.negotiatedHoldTime "
    "timersState.uptime timersState.downtime",
    "boolean": "peerState.routeFlapDamping",
    "integer": "peerState.localAs peerState.peerAs peerState.peerType peerState.removePrivateAs "
    "peerState.sendCommunity peerState.outQ peerState.flops peerState.queues.input peerState.queues.output",
}
COUNTERS = {"string": "notification update open keepalive refresh discarded total withdrawUpdate withdrawPrefix"}

REQUIRED = {
    "Eip": {"spec.address"},
    "EipAllocation": {"spec.eip"},
    "EipConflict": {"spec.eip", "spec.ip"},
    "EipReservation": {"spec.eip"},
}
REQUIRED_OF_OURS = {("BgpPeer", "v1alpha2"): {f"spec.authPasswordSecretRef.{field}" for field in ("name", "key")}}
OLD = ("Eip", "BgpConf", "BgpPeer")
VERSIONS = [(kind.name, version.name) for kind in KINDS for version in kind.versions]


@cache
def definition(kind: str) -> Schema:
    (found,) = (crd(each) for each in KINDS if each.name == kind)
    return found


def version(kind: str, name: str) -> Schema:
    (found,) = (each for each in definition(kind)["spec"]["versions"] if each["name"] == name)
    return dict(found)


def schema(kind: str, name: str) -> Schema:
    return dict(version(kind, name)["schema"]["openAPIV3Schema"])


def nodes(part: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every part of a schema by its path: `.name` in objects, `[]` in lists, `{}` in maps."""
    yield path, part
    for name, inner in part.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}" if path else name)
    if "items" in part:
        yield from nodes(part["items"], f"{path}[]")
    if "additionalProperties" in part:
        yield from nodes(part["additionalProperties"], f"{path}{{}}")


def leaves(part: Schema) -> dict[str, str]:
    return {path: each["type"] for path, each in nodes(part) if each["type"] not in ("object", "array")}


def declared(table: Mapping[str, str]) -> dict[str, str]:
    return {path: type_ for type_, paths in table.items() for path in paths.split()}


@pytest.mark.parametrize(("kind", "name"), VERSIONS)
def test_the_spec_has_every_field_of_older_releases_by_its_type(kind: str, name: str) -> None:
    ours = declared(OURS.get((kind, name), {}))
    assert leaves(schema(kind, name)["properties"]["spec"]) == declared(SPECS.get((kind, name), {})) | ours


@pytest.mark.parametrize(("kind", "name"), VERSIONS)
def test_the_status_has_every_field_of_older_releases_by_its_type(kind: str, name: str) -> None:
    have = leaves(schema(kind, name)["properties"].get("status", {"type": "object"}))
    had = declared(STATUSES.get((kind, name), {}))
    assert have.items() >= had.items()
    ours = {path for path in have.keys() - had.keys() if not path.startswith(("conditions[]", "nodesPeerStatus{}"))}
    assert ours - {"used{}"} == OUR_STATUS.get((kind, name), set())


def test_the_status_of_a_peer_has_every_field_for_every_node() -> None:
    have = leaves(schema("BgpPeer", "v1alpha2")["properties"]["status"])
    counters = [f"peerState.messages.{way}.{path}" for way in ("received", "sent") for path in declared(COUNTERS)]
    had = declared(OF_A_NODE) | dict.fromkeys(counters, "string")
    told = {path: type_ for path, type_ in have.items() if not path.startswith("conditions[]")}
    assert told == {f"nodesPeerStatus{{}}.{path}": type_ for path, type_ in (had | {"problem": "string"}).items()}


@pytest.mark.parametrize(("kind", "name"), VERSIONS)
def test_only_the_address_of_a_pool_was_ever_required(kind: str, name: str) -> None:
    required = {f"{path}.{field}" for path, each in nodes(schema(kind, name)) for field in each.get("required", [])}
    expected = REQUIRED.get(kind, set()) | REQUIRED_OF_OURS.get((kind, name), set())
    required -= {
        path for path in required if path.endswith((".matchExpressions[].key", ".matchExpressions[].operator"))
    }
    # A condition without these two says nothing, and is of no older release.
    assert required - {"status.conditions[].type", "status.conditions[].status"} == expected


@pytest.mark.parametrize(("kind", "name"), VERSIONS)
def test_every_field_is_described(kind: str, name: str) -> None:
    bare = [path for path, each in nodes(schema(kind, name)) if not each.get("description")]
    assert [path for path in bare if not path.endswith(("[]", "{}")) and path != "metadata"] == []


@pytest.mark.parametrize("kind", OLD)
def test_the_old_version_keeps_what_it_does_not_know_and_the_stored_one_knows_all(kind: str) -> None:
    keep = "x-kubernetes-preserve-unknown-fields"
    old = [part for path, part in nodes(schema(kind, "v1alpha1")) if path not in ("", "metadata")]
    assert all(
        part.get(keep) is True for part in old if part["type"] == "object" and "additionalProperties" not in part
    )
    assert not any(keep in part for _, part in nodes(schema(kind, "v1alpha2")))


def test_kinds_of_ours_have_one_version_and_a_status_where_there_is_anything_to_say() -> None:
    found = {kind.name: [(each.name, bool(each.status)) for each in kind.versions] for kind in KINDS}
    assert found["EipAllocation"] == [("v1alpha2", False)]
    assert found["EipReservation"] == [("v1alpha2", True)]
    assert "subresources" not in version("EipAllocation", "v1alpha2")


@pytest.mark.parametrize("kind", OLD)
def test_both_versions_are_served_and_the_second_is_stored_with_a_status_of_its_own(kind: str) -> None:
    old, stored = version(kind, "v1alpha1"), version(kind, "v1alpha2")
    assert (old["served"], old["storage"], old.get("subresources")) == (True, False, None)
    assert (stored["served"], stored["storage"], stored.get("subresources")) == (True, True, {"status": {}})


@pytest.mark.parametrize(("kind", "name"), VERSIONS)
def test_what_many_write_into_is_one_value_to_the_server(kind: str, name: str) -> None:
    atomic = {path for path, each in nodes(schema(kind, name)) if each.get("x-kubernetes-map-type") == "atomic"}
    assert atomic == {
        ("Eip", "v1alpha1"): {"status.used"},
        ("Eip", "v1alpha2"): {"status.used", "status.released", "spec.serviceSelector", "spec.nodeSelector"},
        ("EipAllocation", "v1alpha2"): {"spec.used", "spec.released"},
        ("EipReservation", "v1alpha2"): {"spec.services.selector"},
        ("BgpConf", "v1alpha2"): {"status.nodesConfStatus{}"},
        ("BgpPeer", "v1alpha2"): {"status.nodesPeerStatus{}", "spec.nodeSelector", "spec.serviceSelector"},
    }.get((kind, name), set())


@pytest.mark.parametrize(
    ("kind", "name", "paths"),
    [
        ("BgpConf", "v1alpha1", "spec.as"),
        ("BgpConf", "v1alpha2", "spec.as spec.asPerRack{} status.nodesConfStatus{}.as"),
        ("BgpPeer", "v1alpha1", "spec.config.peerAs"),
        ("BgpPeer", "v1alpha2", "spec.conf.peerAs spec.conf.localAs status.nodesPeerStatus{}.peerState.peerAs"),
    ],
)
def test_autonomous_systems_have_four_octets(kind: str, name: str, paths: str) -> None:
    parts = dict(nodes(schema(kind, name)))
    for path in paths.split():
        part = parts[path]
        assert (part["format"], part["minimum"], part["maximum"]) == ("int64", 0, 4294967295)


def test_the_protocols_are_those_of_all_releases() -> None:
    for name in ("v1alpha1", "v1alpha2"):
        assert schema("Eip", name)["properties"]["spec"]["properties"]["protocol"]["enum"] == ["bgp", "layer2", "vip"]


# Rules in CEL. What a real server makes of them is in tests/contract/test_crds_rules.py.

RULES = "x-kubernetes-validations"
COMMUNITIES_OF = {
    "Eip": ("spec.bgp.communities[]", "spec.bgp.largeCommunities[]"),
    "BgpPeer": ("spec.communities[]", "spec.largeCommunities[]"),
}
"""Which no older release has."""


@pytest.mark.parametrize(("kind", "name"), VERSIONS)
def test_rules_are_where_they_are_and_in_no_old_version(kind: str, name: str) -> None:
    ruled = {path: len(part[RULES]) for path, part in nodes(schema(kind, name)) if RULES in part}
    assert ruled == {
        ("Eip", "v1alpha2"): {"": 1, "spec": 1, "spec.address": 1, **dict.fromkeys(COMMUNITIES_OF["Eip"], 1)},
        ("EipReservation", "v1alpha2"): {"spec": 2},
        ("BgpConf", "v1alpha2"): {"spec.as": 1},
        ("BgpPeer", "v1alpha2"): {
            "spec": 3,
            "spec.conf": 1,
            "spec.conf.peerAs": 1,
            "spec.conf.localAs": 1,
            "spec.timers.config.connectRetry": 1,
            "spec.timers.config.holdTime": 2,
            "spec.timers.config.keepaliveInterval": 1,
            **dict.fromkeys(COMMUNITIES_OF["BgpPeer"], 1),
        },
    }.get((kind, name), {})


def rules() -> list[Schema]:
    parts = [part for kind, name in VERSIONS for _, part in nodes(schema(kind, name))]
    return [rule for part in parts for rule in part.get(RULES, ())]


def test_every_rule_leaves_alone_what_was_wrong_before() -> None:
    for rule in rules():
        if "oldSelf" not in rule["rule"]:
            continue  # of an item of a list
        assert rule["optionalOldSelf"] is True
        assert re.search(r"\) \|\| \(oldSelf\.hasValue\(\) && .*oldSelf\.value\(\)", rule["rule"])


def test_every_rule_says_what_to_do_on_one_line() -> None:
    for rule in rules():
        assert re.search(r"(^|: )(write|set|create|name|give|leave|enable)\b", rule["message"])
        assert "\n" not in rule["message"]
        assert len(rule["message"]) < 256


def test_rules_use_nothing_that_the_oldest_kubernetes_does_not_have() -> None:
    called = {word for rule in rules() for word in re.findall(r"(\w+)\(", rule["rule"])}
    assert called <= {"has", "size", "matches", "hasValue", "value"}


def test_no_text_or_list_of_older_releases_has_a_limit_that_it_did_not_have() -> None:
    limits = {"maxLength", "maxItems", "maxProperties", "pattern"}
    limited = {path for kind in OLD for path, part in nodes(schema(kind, "v1alpha2")) if limits & part.keys()}
    items = {path for paths in COMMUNITIES_OF.values() for path in paths}
    assert limited == items | {path.removesuffix("[]") for path in items}


@pytest.mark.parametrize("kind", COMMUNITIES_OF)
def test_a_list_of_communities_may_be_as_long_as_one_that_can_be_used(kind: str) -> None:
    parts = dict(nodes(schema(kind, "v1alpha2")))
    for part in (parts[path.removesuffix("[]")] for path in COMMUNITIES_OF[kind]):
        assert part["maxItems"] == MOST_COMMUNITIES
        assert part["description"].endswith(f"; {MOST_COMMUNITIES} at most.")


def test_definitions_are_named_and_scoped_as_ever() -> None:
    names = {kind.name: definition(kind.name)["metadata"]["name"] for kind in KINDS}
    assert names == {kind.name: f"{kind.name.lower()}s.network.kubesphere.io" for kind in KINDS}
    for spec in (definition(kind.name)["spec"] for kind in KINDS):
        assert (spec["group"], spec["scope"]) == ("network.kubesphere.io", "Cluster")
        assert "conversion" not in spec


def test_pools_have_the_names_and_columns_they_ever_had() -> None:
    assert definition("Eip")["spec"]["names"] == {
        "kind": "Eip",
        "listKind": "EipList",
        "plural": "eips",
        "singular": "eip",
        "categories": ["networking"],
    }
    for name in ("v1alpha1", "v1alpha2"):
        assert version("Eip", name)["additionalPrinterColumns"] == [
            {"name": "cidr", "type": "string", "jsonPath": ".spec.address"},
            {"name": "usage", "type": "integer", "jsonPath": ".status.usage"},
            {"name": "total", "type": "integer", "jsonPath": ".status.poolSize"},
        ]


def test_what_is_printed_is_what_is_defined_without_anchors() -> None:
    text = crds_yaml()
    assert list(yaml.load_all(text, yaml.CSafeLoader)) == [definition(kind.name) for kind in KINDS]
    assert "&id" not in text
