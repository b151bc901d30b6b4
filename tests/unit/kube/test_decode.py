"""What we read in Kubernetes' objects."""

import json
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.kube import decode, decode_pools
from openelb.kube.decode_pools import Outline
from openelb.kube.lease import links_text
from openelb.kube.shapes import (
    AnnouncedEipShape,
    AnnouncedServiceShape,
    EipShape,
    LeaseShape,
    NodeShape,
    ObjectShape,
    ServiceShape,
    SliceShape,
)
from openelb.model import names
from openelb.model.addresses import AddressRange
from openelb.model.cluster import Link, Node, Pool, PoolStatus, Protocol, Service, ServiceKey
from openelb.model.findings import Condition
from openelb.model.layer2 import DEFAULTS, AnsweredBy, Layer2Choices, OnConflict, Probing, Profile
from openelb.model.ranges import Ranges
from openelb.model.routers import Attributes, ServiceRouting
from openelb.model.selectors import Selector
from tests.unit.kube import objects

Shape = TypeVar("Shape")


def shaped(what: dict[str, Any], shape: type[Shape]) -> Shape:
    return msgspec.json.decode(json.dumps(what), type=shape)


def pool(what: dict[str, Any]) -> Pool:
    return decode_pools.pool(shaped(what, EipShape))


def service(what: dict[str, Any]) -> decode.Service:
    return decode.service(shaped(what, ServiceShape))


def test_an_eip_is_a_pool() -> None:
    read = pool(
        objects.eip(
            "office",
            "192.0.2.10-192.0.2.20",
            spec={"protocol": "layer2", "interface": "eth0", "disable": True},
            annotations={names.DEFAULT_POOL: "TRUE"},
            labels={names.CNI_LABEL: ""},
            finalizers=[names.POOL_FINALIZER],
            deletionTimestamp="2026-01-01T00:00:00Z",
            uid="u",
            resourceVersion="7",
        )
    )
    assert (read.name, read.ranges) == ("office", Ranges((AddressRange.parse("192.0.2.10-192.0.2.20"),)))
    assert (read.protocol, read.interface, read.problem) == (Protocol.LAYER2, "eth0", "")
    assert read.disabled
    assert read.default
    assert read.left_to_cni
    assert read.deleting
    assert (read.finalizers, read.uid, read.version) == ((names.POOL_FINALIZER,), "u", "7")


def test_who_announces_a_pool_reads_all_of_it_but_the_ledger_and_what_follows_from_that() -> None:
    status = {"used": {"192.0.2.1": "default/web"}, "usage": 1, "firstIP": "192.0.2.0", "lastIP": "192.0.2.255"}
    what = objects.eip("office", spec={"protocol": "layer2"}, status=status, uid="u", labels={names.CNI_LABEL: ""})
    announced = decode_pools.announced_pool(shaped(what, AnnouncedEipShape))
    assert announced == replace(pool(what), status=PoolStatus(first="192.0.2.0", last="192.0.2.255"))


def test_who_announces_a_service_reads_what_it_shows_and_to_whom_it_belongs() -> None:
    spec = {"loadBalancerClass": "other.io/lb", "externalTrafficPolicy": "Local", "ipFamilies": ["IPv6"]}
    shown = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}, "conditions": [{"type": names.ANNOUNCED}]}
    labels, said = {names.POOL_LABEL: "office"}, {names.MED: "10"}
    what = objects.service("web", spec=spec, status=shown, uid="u", labels=labels, annotations=said)
    assert decode.announced_service(shaped(what, AnnouncedServiceShape)) == Service(
        ServiceKey("default", "web"),
        load_balancer_class="other.io/lb",
        local_traffic_only=True,
        pool_label="office",
        labels=((names.POOL_LABEL, "office"),),
        ingress=("192.0.2.1",),
        routing=ServiceRouting(Attributes(med=10)),
        uid="u",
    )
    bare = decode.announced_service(shaped({"metadata": objects.meta("web")}, AnnouncedServiceShape))
    assert (bare.load_balancer, bare.ingress) == (False, ())


def test_an_outline_is_what_metadata_tells() -> None:
    bare = {"metadata": objects.meta("eip", uid="u", generation=3)}
    assert decode_pools.outline(shaped(bare, ObjectShape)) == Outline("u", 3, left_to_cni=False, deleting=False)
    told = {"labels": {names.CNI_LABEL: ""}, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    read = decode_pools.outline(shaped({"metadata": bare["metadata"] | told}, ObjectShape))
    assert read == Outline("u", 3, left_to_cni=True, deleting=True)


def test_a_pool_without_a_protocol_is_announced_by_bgp_as_ever() -> None:
    assert pool(objects.eip()).protocol is Protocol.BGP


@pytest.mark.parametrize("value", ["false", "", "yes", "1"])
def test_only_true_in_any_case_makes_a_default_pool(value: str) -> None:
    assert not pool(objects.eip(annotations={names.DEFAULT_POOL: value})).default
    assert not pool(objects.eip(annotations={names.FORCE: value})).forced


def test_a_pool_has_the_choices_of_its_author_about_layer_2_and_defaults_for_the_others() -> None:
    chosen = {"profile": "Fast", "failback": True, "onConflict": "Report", "answer": "Auto", "restartGraceSeconds": 0}
    read = pool(objects.eip(spec={"layer2": chosen, "nodeSelector": {"matchLabels": {"edge": "yes"}}}))
    assert read.layer2 == Layer2Choices(
        Profile.FAST, True, Probing.FAST, OnConflict.REPORT, AnsweredBy.AUTO, restart_grace=0
    )
    assert read.node_selector == Selector((("edge", "yes"),))
    assert pool(objects.eip()).layer2 == DEFAULTS


@pytest.mark.parametrize("value", ["true", "True", "TRUE"])
def test_an_author_insists_by_annotation(value: str) -> None:
    assert pool(objects.eip(annotations={names.FORCE: value})).forced
    assert not pool(objects.eip(annotations={names.DEFAULT_POOL: value})).forced


@pytest.mark.parametrize(
    ("address", "spec", "words"),
    [
        ("192.0.2.20-192.0.2.10", {}, "reversed"),
        ("nonsense", {}, "is no address, CIDR or range"),
        ("", {}, "spec.address is empty"),
        ("192.0.2.0/24", {"protocol": "ospf"}, "'ospf' is no protocol: write bgp, layer2 or vip"),
        ("192.0.2.0/24", {"layer2": {"probe": "Slow"}}, "spec.layer2.probe is 'Slow': write Fast, RFC5227 or Off"),
        ("192.0.2.0/24", {"layer2": {"restartGraceSeconds": 61}}, "restartGraceSeconds is 61: write 0 to 60"),
    ],
)
def test_a_pool_that_cannot_be_used_says_why(address: str, spec: dict[str, Any], words: str) -> None:
    read = pool(objects.eip("bad", address, spec=spec))
    assert words in read.problem
    assert read.ranges == Ranges()


def test_a_ledger_is_read_with_its_shared_addresses_and_without_what_cannot_be_read() -> None:
    used = {
        "192.0.2.1": "default/web",
        "192.0.2.2": "default/a;team/b",
        "no address": "default/c",
        "192.0.2.3": "no-namespace",
        "192.0.2.4": "default/d;;/;x/",
    }
    assert pool(objects.eip(status={"used": used})).status.used == {
        ip_address("192.0.2.1"): (ServiceKey("default", "web"),),
        ip_address("192.0.2.2"): (ServiceKey("default", "a"), ServiceKey("team", "b")),
        ip_address("192.0.2.4"): (ServiceKey("default", "d"),),
    }


def test_a_service_is_read_with_what_its_user_asked_for() -> None:
    read = service(
        objects.service(
            annotations={
                names.OPT_IN: "openelb",
                names.REQUESTED_POOL: "office",
                names.REQUESTED_ADDRESS: "192.0.2.9",
                names.REQUESTED_PROTOCOL: "layer2",
                names.NODE_PROXY: "daemonset",
            },
            spec={
                "loadBalancerClass": "openelb.io/openelb",
                "loadBalancerIP": "192.0.2.8",
                "ipFamilies": ["IPv6", "IPv4"],
                "externalTrafficPolicy": "Local",
            },
        )
    )
    assert read.key == ServiceKey("default", "web")
    assert read.load_balancer
    assert read.local_traffic_only
    assert (read.opt_in, read.wishes.pool, read.wishes.address) == ("openelb", "office", "192.0.2.9")
    assert (read.wishes.protocol, read.node_proxy) == ("layer2", "daemonset")
    assert (read.load_balancer_class, read.wishes.load_balancer_ip) == ("openelb.io/openelb", "192.0.2.8")
    assert read.families == (6, 4)


def test_a_service_is_read_with_what_it_shows_and_only_our_conditions() -> None:
    ours = {
        "type": names.ANNOUNCED,
        "status": "False",
        "reason": "NoSpeaker",
        "message": "m",
        "lastTransitionTime": "t",
    }
    theirs = {"type": "example.com/Checked", "status": "True", "reason": "R", "message": "", "lastTransitionTime": "t"}
    read = service(
        objects.service(
            labels={names.POOL_LABEL: "office"},
            finalizers=["example.com/theirs", names.SERVICE_FINALIZER],
            status={
                "loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}, {"hostname": "lb.example.com"}]},
                "conditions": [theirs, ours],
            },
        )
    )
    assert read.ingress == ("192.0.2.1", "lb.example.com")
    assert read.pool_label == "office"
    assert read.finalizers == ("example.com/theirs", names.SERVICE_FINALIZER)
    assert read.conditions == (Condition(names.ANNOUNCED, False, "NoSpeaker", "m"),)
    assert read.conditions[0].since == "t"
    assert read.condition_types == ("example.com/Checked", names.ANNOUNCED)


def test_a_service_of_another_type_is_no_load_balancer() -> None:
    assert not service(objects.service(spec={"type": "ClusterIP"})).load_balancer


def test_an_endpoint_that_does_not_say_that_it_is_unready_is_ready() -> None:
    read = decode.endpoint_slice(
        shaped(
            objects.endpoint_slice(
                "web-1",
                "web",
                objects.endpoint("a", ready=True),
                objects.endpoint("b", ready=False),
                objects.endpoint("c", ready=None),
                {"nodeName": "d"},
                {"conditions": {"ready": True}},
            ),
            SliceShape,
        )
    )
    outside = decode.NOWHERE
    assert read == decode.Slice(ServiceKey("default", "web"), frozenset({"a", "c", "d", outside}))


@pytest.mark.parametrize(
    ("conditions", "kind"),
    [
        ({"ready": False, "serving": True, "terminating": True}, "ending"),
        ({"ready": False, "serving": None, "terminating": True}, "ending"),
        ({"ready": False, "serving": False, "terminating": True}, ""),
        ({"ready": False, "serving": True, "terminating": False}, ""),
        ({"ready": False, "serving": True}, ""),
        ({"ready": True, "serving": True, "terminating": True}, "ready"),  # spec.publishNotReadyAddresses
    ],
)
def test_an_endpoint_that_is_ending_and_serves_is_told_from_the_others(conditions: dict[str, Any], kind: str) -> None:
    read = decode.endpoint_slice(
        shaped(objects.endpoint_slice("web-1", "web", objects.endpoint("a", **conditions)), SliceShape)
    )
    assert (read.nodes == {"a"}, read.ending == {"a"}) == (kind == "ready", kind == "ending")


COMMON, MANY, LONG = ["a", "b"], [f"w{number}" for number in range(17)], ["x" * 1001]


@pytest.mark.parametrize(("words", "kept"), [(COMMON, True), (MANY, False), (LONG, False)])
def test_the_words_that_objects_have_in_common_are_there_once_unless_they_are_many_or_long(
    words: list[str], *, kept: bool
) -> None:
    first, second = (service(objects.service(name, finalizers=words)).finalizers for name in ("web", "api"))
    assert first == second == tuple(words)
    assert (first is second) == kept


@pytest.mark.parametrize(("nodes", "kept"), [(COMMON, True), (MANY, False), (LONG, False)])
def test_the_nodes_that_services_have_in_common_are_there_once_unless_they_are_many_or_long(
    nodes: list[str], *, kept: bool
) -> None:
    first, second = (
        decode.endpoint_slice(
            shaped(objects.endpoint_slice(f"{name}-1", name, *map(objects.endpoint, nodes)), SliceShape)
        ).nodes
        for name in ("web", "api")
    )
    assert first == second == frozenset(nodes)
    assert (first is second) == kept


def test_a_speakers_lease_tells_its_node_and_links() -> None:
    text = (
        '[{"name":"eth0","addresses":["192.0.2.11/24","nonsense"],"mac":"02:00:5e:00:53:01"},'
        '{"name":"eth1"}]'  # as an older release writes it
    )
    lease = decode.lease(shaped(objects.speaker_lease("n1", "t1", text), LeaseShape))
    said = decode.speaker(lease)
    assert said is not None
    assert (said.node, said.holder) == ("n1", "pod on n1")
    assert said.links == (Link("eth0", (ip_interface("192.0.2.11/24"),), "02:00:5e:00:53:01"), Link("eth1"))


def test_every_renewal_of_a_lease_reads_differently() -> None:
    first, second = (decode.lease(shaped(objects.speaker_lease("n1", renewed), LeaseShape)) for renewed in ("t1", "t2"))
    assert first.renewal != second.renewal


@pytest.mark.parametrize("links", ["", "{}", "[1]", '[{"addresses":[]}]', "not json"])
def test_links_that_cannot_be_read_are_none(links: str) -> None:
    assert decode.links(links) == ()


def test_links_are_read_as_they_are_written() -> None:
    links = (Link("eth0", (ip_interface("192.0.2.11/24"),), "02:00:5e:00:53:01", gateway_lost=True), Link("eth1"))
    assert decode.links(links_text(links)) == links


def test_other_leases_in_our_namespace_are_no_speakers() -> None:
    assert decode.speaker(decode.Lease("openelb-manager", "x")) is None
    assert decode.speaker(decode.Lease("theirs", "x", annotations={names.NODE: "n1"})) is None


OPTIONAL_TEXT = st.none() | st.text()


@given(
    address=OPTIONAL_TEXT,
    protocol=OPTIONAL_TEXT,
    used=st.none() | st.dictionaries(st.text(), st.text()),
    annotations=st.none() | st.dictionaries(st.sampled_from([names.DEFAULT_POOL, "x"]), st.text()),
)
def test_no_eip_is_too_odd_to_be_read(
    address: str | None, protocol: str | None, used: dict[str, str] | None, annotations: dict[str, str] | None
) -> None:
    what = objects.eip("odd", status={"used": used}, annotations=annotations)
    read = pool(what | {"spec": {"address": address, "protocol": protocol}})
    assert bool(read.ranges) != bool(read.problem)


@pytest.mark.parametrize("missing", ["spec", "status"])
def test_objects_of_metadata_alone_are_read(missing: str) -> None:
    thing = {key: value for key, value in objects.service().items() if key != missing}
    assert service(thing).ingress == ()
    assert service({**thing, missing: None}).key == ServiceKey("default", "web")


@pytest.mark.parametrize(
    ("metadata", "read"),
    [
        ({}, Node("n1")),
        ({"labels": {"rack": "one", "arch": "arm64"}}, Node("n1", {"arch": "arm64", "rack": "one"})),
        ({"annotations": {names.NODE_ADDRESS: "10.79.0.0/24"}}, Node("n1", address="10.79.0.0/24")),
        ({"annotations": {names.NODE_ADDRESS: "1" * 100_000}}, Node("n1")),
        ({"annotations": {names.DRAINED: "True"}}, Node("n1", drained=True)),
        ({"annotations": {names.DRAINED: "yes"}}, Node("n1")),
    ],
)
def test_a_node_is_what_its_metadata_say(metadata: dict[str, Any], read: Node) -> None:
    assert decode.node(shaped({"metadata": {"name": "n1", **metadata}}, NodeShape)) == read
