"""What our definitions make a real API server refuse by itself, and that objects from before a rule stay editable."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from lab.controlplane import ControlPlane
from lab.network import CommandError
from lab.wait import require, until
from openelb.kube.crds import KINDS, crd, crds_yaml
from openelb.model.names import GROUP
from openelb.plan.admission import NO_ADDRESS, NO_INTERFACE
from openelb.plan.placement import MISNAMED

GUARD = "example.org/guard"


def eip(name: str = "x", version: str = "v1alpha2", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/{version}", "kind": "Eip", "metadata": {"name": name}, "spec": spec}


def held(**spec: Any) -> dict[str, Any]:
    return {**eip(), "kind": "EipReservation", "spec": spec}


@pytest.fixture
def server(crds: ControlPlane) -> Iterator[ControlPlane]:
    """A server without objects of ours."""
    yield crds
    for kind in KINDS:
        crds.kubectl("delete", f"{kind.plural}.{GROUP}", "--all")


def create(server: ControlPlane, what: dict[str, Any], *options: str) -> None:
    server.kubectl("create", "--validate=strict", *options, "-f", "-", stdin=json.dumps(what))


def patch(server: ControlPlane, kind: str, change: dict[str, Any], *options: str) -> None:
    server.kubectl("patch", f"{kind}.{GROUP}", "x", "--type=merge", "--patch", json.dumps(change), *options)


def router(**spec: Any) -> dict[str, Any]:
    return {**eip(), "kind": "BgpPeer", "spec": spec}


def ours(**spec: Any) -> dict[str, Any]:
    return {**eip(), "kind": "BgpConf", "spec": spec}


def timers(**config: str) -> dict[str, Any]:
    return router(timers={"config": config})


FAR = {"enabled": True}

BROKEN = [
    pytest.param(ours(**{"as": 23456}), "23456 is given", id="as of nobody"),
    pytest.param(router(conf={"peerAs": 23456}), "23456 is given", id="peerAs of nobody"),
    pytest.param(router(ebgpMultihop=FAR, bfd={}), "leave one of them out", id="BFD from afar"),
    pytest.param(router(ebgpMultihop=FAR, ttlSecurity=FAR), "enable one of them", id="near and far"),
    pytest.param(
        router(conf={"authPassword": "x"}, authPasswordSecretRef={"name": "x", "key": "y"}),
        "leave out the first",
        id="two passwords",
    ),
    pytest.param(
        router(conf={"neighborAddress": "192.0.2.1", "neighborPrefix": "192.0.2.0/24"}),
        "give one of them",
        id="two names",
    ),
    pytest.param(timers(holdTime="soon"), "write whole seconds as text", id="no seconds"),
    pytest.param(timers(keepaliveInterval="-1"), "write whole seconds as text", id="seconds before"),
    pytest.param(timers(holdTime="2"), "less than 3 seconds", id="two seconds"),
    pytest.param(router(communities=["65000:100", "x y"]), "as in 65000:100", id="community"),
    pytest.param(router(largeCommunities=["1:2"]), "as in 65000:1:2", id="large community"),
    pytest.param(eip(address="10.0.0.1", bgp={"communities": ["1:2:3"]}), "as in 65000:100", id="community of a pool"),
    pytest.param(eip(address=""), NO_ADDRESS, id="no address"),
    pytest.param(eip(address="ten"), NO_ADDRESS, id="no address at all"),
    pytest.param(eip(address="10.0.0.1;10.0.0.2"), NO_ADDRESS, id="semicolon"),
    pytest.param(eip(address="fe80::1%eth0"), NO_ADDRESS, id="zone"),
    pytest.param(eip(address="١٠.0.0.1"), NO_ADDRESS, id="other digits"),
    pytest.param(eip(address="10.0.0.1", protocol="layer2"), NO_INTERFACE, id="layer2"),
    pytest.param(eip(address="10.0.0.1", protocol="vip", interface=""), NO_INTERFACE, id="vip"),
    pytest.param(eip("n" * 64, address="10.0.0.1"), MISNAMED, id="long name"),
    pytest.param(held(eip="", count=1), "spec.eip is empty: name an Eip", id="no Eip"),
    pytest.param(held(eip="x"), "give either spec.addresses or spec.count", id="neither"),
    pytest.param(held(eip="x", addresses=[], count=0), "give either spec.addresses or spec.count", id="empty"),
    pytest.param(held(eip="x", addresses=["10.0.0.1"], count=1), "give either spec.addresses or spec.count", id="both"),
]


@pytest.mark.parametrize(("wrong", "told"), BROKEN)
def test_what_one_object_says_wrong_is_refused_with_what_to_do(
    server: ControlPlane, wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(CommandError) as refused:
        create(server, wrong)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "right",
    [
        eip(address=" 10.0.0.1 ,\n\t10.0.0.0/24, 10.0.0.1-10.0.0.9,2001:DB8::/64, ::ffff:10.0.0.1\r\n"),
        eip(address="10.0.0.1", protocol="bgp"),
        eip(address="10.0.0.1", protocol="vip", interface="eth0"),
        eip("n" * 63, address="10.0.0.1"),
        eip(address=",".join(f"192.168.{number % 250}.100-192.168.{number % 250}.101" for number in range(10_000))),
        eip(address="nonsense", protocol="layer2", version="v1alpha1"),
        held(eip="x", count=1),
        held(eip="x", addresses=["10.0.0.1"]),
        held(eip="x", addresses=["10.0.0.1"], count=0),
        router(
            conf={"neighborAddress": "192.0.2.1", "neighborInterface": "", "peerAs": 0, "authPassword": ""},
            authPasswordSecretRef={"name": "x", "key": "y"},
            ebgpMultihop={"enabled": False},
            ttlSecurity=FAR,
            bfd={},
            communities=["65000:100", "4259840100", "no-export"],
            largeCommunities=["65000:1:2"],
        ),
        timers(holdTime="0", keepaliveInterval="", connectRetry="120"),
        ours(**{"as": 0, "asPerRack": {f"rack-{number}": 64512 + number for number in range(1000)}}),
    ],
    ids=[
        "every form",
        "bgp",
        "vip",
        "long name",
        "10,000 parts",
        "old version",
        "count",
        "addresses",
        "no count",
        "router",
        "timers",
        "racks",
    ],
)
def test_what_may_be_meant_is_taken(server: ControlPlane, right: dict[str, Any]) -> None:
    create(server, right)


def test_ten_thousand_parts_may_be_changed_and_have_a_status(server: ControlPlane) -> None:
    parts = [f"192.168.{number % 250}.100-192.168.{number % 250}.101" for number in range(10_000)]
    create(server, eip(address=",".join(parts)))
    whole = json.dumps({**eip(address=",".join(parts[1:])), "status": {"usage": 1}})
    server.kubectl("replace", "-f", "-", stdin=whole)
    patch(server, "eips", {"status": {"usage": 1}}, "--subresource=status")
    assert server.read_json(f"/apis/{GROUP}/v1alpha2/eips/x")["status"] == {"usage": 1}


@pytest.mark.parametrize(
    ("change", "told"),
    [({"address": "nonsense"}, NO_ADDRESS), ({"interface": None}, NO_INTERFACE), ({"interface": ""}, NO_INTERFACE)],
)
def test_a_good_pool_is_not_made_a_bad_one(server: ControlPlane, change: dict[str, Any], told: str) -> None:
    create(server, eip(address="10.0.0.1", protocol="layer2", interface="eth0"))
    with pytest.raises(CommandError) as refused:
        patch(server, "eips", {"spec": change})
    assert told in str(refused.value)


# Objects from before the rules.


def without_rules(part: Any) -> Any:
    """The same definition as older releases had it."""
    if isinstance(part, dict):
        return {name: without_rules(inner) for name, inner in part.items() if name != "x-kubernetes-validations"}
    return [without_rules(inner) for inner in part] if isinstance(part, list) else part


def takes(server: ControlPlane, what: dict[str, Any]) -> bool:
    try:
        create(server, what, "--dry-run=server")
    except CommandError:
        return False
    return True


@pytest.fixture
def lawless(server: ControlPlane) -> Iterator[ControlPlane]:
    """A server whose definitions have no rules yet; `law` brings them."""
    older = yaml.safe_dump_all([without_rules(crd(kind)) for kind in KINDS])
    server.kubectl("apply", "-f", "-", stdin=older)
    _until(server, taken=True)
    yield server
    law(server)


def law(server: ControlPlane) -> None:
    server.kubectl("apply", "-f", "-", stdin=crds_yaml())
    _until(server, taken=False)


def _until(server: ControlPlane, *, taken: bool) -> None:
    """The server makes the definitions that it was given its own a moment later."""
    for what in (eip(address=""), held(eip="")):
        until(lambda what=what: require(takes(server, what) is taken, "it is not so"), what=f"taken: {taken}")


@pytest.mark.parametrize(
    "old",
    [
        eip(address="", protocol="layer2"),
        eip(address="nonsense", protocol="layer2"),
        eip(address="10.0.0.1", protocol="vip", interface=""),
    ],
    ids=["nothing", "nonsense", "no interface"],
)
def test_a_pool_from_before_the_rules_may_be_changed_in_all_else(lawless: ControlPlane, old: dict[str, Any]) -> None:
    create(lawless, {**old, "metadata": {"name": "x", "finalizers": [GUARD]}})
    law(lawless)
    patch(lawless, "eips", {"metadata": {"annotations": {"a": "b"}}})
    patch(lawless, "eips", {"spec": {"disable": True, "priority": 3}})
    patch(lawless, "eips", {"status": {"ready": False, "usage": 1}}, "--subresource=status")
    patch(lawless, "eips", {"spec": {"address": "10.0.0.2"}})  # better, in one of two respects
    patch(lawless, "eips", {"metadata": {"finalizers": None}})
    patch(lawless, "eips", {"spec": {"interface": "eth0"}})
    with pytest.raises(CommandError, match=NO_ADDRESS):
        patch(lawless, "eips", {"spec": {"address": "nonsense"}})
    with pytest.raises(CommandError, match=NO_INTERFACE):
        patch(lawless, "eips", {"spec": {"interface": ""}})


def test_pools_and_reservations_from_before_the_rules_may_go(lawless: ControlPlane) -> None:
    long = eip("n" * 70, address="")
    create(lawless, {**long, "metadata": {**long["metadata"], "finalizers": [GUARD]}})
    create(lawless, {**held(eip=""), "metadata": {"name": "x", "finalizers": [GUARD]}})
    law(lawless)
    patch(lawless, "eipreservations", {"spec": {"services": {"namespace": "default"}}})
    patch(lawless, "eipreservations", {"status": {"addresses": []}}, "--subresource=status")
    for what in (f"eips.{GROUP}/{'n' * 70}", f"eipreservations.{GROUP}/x"):
        lawless.kubectl("delete", "--wait=false", what)
        lawless.kubectl("patch", what, "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')
    assert lawless.kubectl("get", f"eips.{GROUP},eipreservations.{GROUP}", "-o", "name") == ""
