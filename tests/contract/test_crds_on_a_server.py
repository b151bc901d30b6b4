"""What a real API server makes of our definitions."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.controlplane import ControlPlane
from lab.network import CommandError
from openelb.kube.crds import KINDS
from openelb.model.names import GROUP

LEDGER = {"10.0.0.1": "default/a", "10.0.0.2": "default/b;default/c"}


def thing(kind: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/v1alpha2", "kind": kind, "metadata": {"name": "x"}, **rest}


@pytest.fixture
def server(crds: ControlPlane) -> Iterator[ControlPlane]:
    """A server without objects of ours."""
    yield crds
    for kind in KINDS:
        crds.kubectl("delete", f"{kind.plural}.{GROUP}", "--all")


def create(server: ControlPlane, what: dict[str, Any]) -> None:
    server.kubectl("create", "--validate=strict", "-f", "-", stdin=json.dumps(what))


def patch_status(server: ControlPlane, kind: str, status: dict[str, Any]) -> None:
    change = json.dumps({"status": status})
    server.kubectl("patch", kind, "x", "--subresource=status", "--type=merge", "--patch", change)


def fields_written(server: ControlPlane, kind: str) -> str:
    return json.dumps(server.read_json(f"/apis/{GROUP}/v1alpha2/{kind}/x")["metadata"]["managedFields"])


def test_all_kinds_are_established_with_names_of_their_own(crds: ControlPlane) -> None:
    for kind in KINDS:
        status = crds.read_json(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{kind.plural}.{GROUP}")[
            "status"
        ]
        # NonStructuralSchema would be a third one.
        assert {each["type"]: each["status"] for each in status["conditions"]} == {
            "NamesAccepted": "True",
            "Established": "True",
        }


def test_kubectl_get_eip_prints_name_cidr_usage_total(server: ControlPlane) -> None:
    create(server, thing("Eip", spec={"address": "10.0.0.0/24"}))
    patch_status(server, "eip", {"usage": 2, "poolSize": 256})
    lines = [line.split() for line in server.kubectl("get", "eip").splitlines()]
    assert lines == [["NAME", "CIDR", "USAGE", "TOTAL"], ["x", "10.0.0.0/24", "2", "256"]]


def test_eips_are_among_the_networking_kinds(server: ControlPlane) -> None:
    create(server, thing("Eip", spec={"address": "10.0.0.0/24"}))
    assert server.kubectl("get", "networking", "-o", "name").split() == [f"eip.{GROUP}/x"]


def test_managed_fields_repeat_no_address(server: ControlPlane) -> None:
    create(server, thing("Eip", spec={"address": "10.0.0.0/24"}))
    patch_status(server, "eip", {"used": LEDGER, "usage": 2})
    assert '"f:used"' in fields_written(server, "eips")
    assert "10.0.0." not in fields_written(server, "eips")


def test_managed_fields_repeat_no_address_of_a_pool_made_through_the_old_version(server: ControlPlane) -> None:
    old = {"apiVersion": f"{GROUP}/v1alpha1", "spec": {"address": "10.0.0.0/24"}, "status": {"used": LEDGER}}
    create(server, {**thing("Eip"), **old})
    assert "10.0.0.1" not in fields_written(server, "eips")


@pytest.mark.parametrize(
    ("kind", "plural", "entries", "entry"),
    [
        ("BgpConf", "bgpconfs", "nodesConfStatus", {"as": 65000, "routerId": "10.0.0.1"}),
        ("BgpPeer", "bgppeers", "nodesPeerStatus", {"peerState": {"peerAs": 65001}, "timersState": {"uptime": "x"}}),
    ],
)
def test_managed_fields_have_each_node_and_nothing_of_it(
    server: ControlPlane, kind: str, plural: str, entries: str, entry: dict[str, Any]
) -> None:
    create(server, thing(kind, spec={}))
    patch_status(server, plural, {entries: {"n1": entry, "n2": entry}})
    written = fields_written(server, plural)
    assert '"f:n1": {}' in written
    assert not any(f'"f:{name}"' in written for name in entry)


@pytest.mark.parametrize(
    "least",
    [thing("Eip", spec={"address": "::2"}), thing("BgpConf"), thing("BgpConf", spec={}), thing("BgpPeer", spec={})],
    ids=["Eip", "BgpConf", "BgpConf spec", "BgpPeer"],
)
def test_next_to_nothing_is_enough(server: ControlPlane, least: dict[str, Any]) -> None:
    create(server, least)


@pytest.mark.parametrize("number", [0, 64512, 4294967295])
def test_every_autonomous_system_has_its_number(server: ControlPlane, number: int) -> None:
    create(server, thing("BgpConf", spec={"as": number, "asPerRack": {"leaf": number}}))
    create(server, thing("BgpPeer", spec={"conf": {"peerAs": number, "localAs": number}}))


def test_a_condition_has_the_shape_it_has_everywhere(server: ControlPlane) -> None:
    create(server, thing("Eip", spec={"address": "10.0.0.0/24"}))
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": "It is.", "observedGeneration": 1}
    ready["lastTransitionTime"] = "2026-01-02T03:04:05Z"
    patch_status(server, "eip", {"conditions": [ready]})
    assert server.read_json(f"/apis/{GROUP}/v1alpha2/eips/x")["status"] == {"conditions": [ready]}
    server.kubectl("wait", "eip/x", "--for=condition=Ready", "--timeout=5s")


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (thing("Eip", spec={}), "spec.address"),
        (thing("Eip", spec={"address": "10.0.0.1", "protocol": "arp"}), "spec.protocol"),
        (thing("BgpConf", spec={"as": 4294967296}), "spec.as"),
        (thing("BgpConf", spec={"as": "65000"}), "spec.as"),
    ],
    ids=["no address", "unknown protocol", "number too large", "number as text"],
)
def test_what_cannot_be_meant_is_refused_by_the_name_of_its_field(
    server: ControlPlane, wrong: dict[str, Any], because: str
) -> None:
    with pytest.raises(CommandError, match=because):
        create(server, wrong)
