"""Clusters that the older releases left behind, on a real API server: what is in use stays in use and is answered for.

The objects are those of tests/fixtures/upstream, with their addresses moved to the lab's LAN. What each file shows is told in
tests/stories/test_upstream.py: here the same is to come of them.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab import site
from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.wait import require, until
from openelb.kube.resources import EIPS_PATH
from openelb.model.cluster import Service
from tests.contract.test_crds_hold_upstream_objects import loadable
from tests.lab import installed
from tests.stories.upstream import MASTER, originals, outcome, service_of, taken_over

NAMESPACES = ("default", "left", "team-a")
WITH_THE_PAGE = [
    {"op": "replace", "path": "/spec/selector", "value": {"app": "page"}},
    {"op": "replace", "path": "/spec/ports/0/targetPort", "value": 80},
]
KUBERNETES = "default/kubernetes"
LANS = "10.78.0.", f"{site.LAN}."
CLUSTERS = {
    "master, and what was changed while nobody looked": (
        *MASTER,
        "master/ipv6",
        "master/node-proxy",
        "master/leftovers-controller-down",
    ),
    "master, with Services being deleted": (*MASTER, "master/terminating-services-controller-down"),
    "master, with Eips being deleted": (*MASTER, "master/terminating-eips-controller-down"),
    "0.5.1": ("v0.5.1/eips", "v0.5.1/services", "v0.5.1/bgp"),
    "0.5.1, then master": ("v0.5.1-then-master/eips", "v0.5.1-then-master/services", "v0.5.1-then-master/bgp"),
}


@pytest.fixture
def left(openelb: Cluster) -> Iterator[Cluster]:
    """A cluster without a manager. Whatever was loaded into it goes at the end."""
    scale(openelb, 0)
    try:
        yield openelb
    finally:
        for namespace in NAMESPACES:
            ours = ("--namespace", namespace, "--field-selector=metadata.name!=kubernetes")
            openelb.kubectl("delete", "services", *ours, "--wait=false")
        scale(openelb, 2)
        until(
            lambda: require(not outcomes(openelb), f"there are {list(outcomes(openelb))}"), what="the end of Services"
        )
        for kind in ("eips", "bgpconfs", "bgppeers"):
            openelb.kubectl("delete", kind, "--all")


@pytest.mark.parametrize("files", CLUSTERS.values(), ids=list(CLUSTERS))
async def test_what_was_left_becomes_what_the_stories_tell(left: Cluster, files: tuple[str, ...]) -> None:
    objects = [moved(each) for name, each in originals(*files).items() if name != KUBERNETES]
    load(left, objects)
    shown = addresses(left)
    scale(left, 2)
    expected = {
        name: on_the_lan(told) for name, told in (await taken_over(*files)).services.items() if name != KUBERNETES
    }
    until(lambda: require(outcomes(left) == expected, f"{differences(outcomes(left), expected)}"), what="the takeover")
    # Who asks for what it had has it still, and a client on the LAN finds who answers for it.
    kept = {name: address for name, address in addresses(left).items() if shown.get(name) == address}
    left.kubectl("patch", "service", "l2-explicit", "--type=json", "--patch", json.dumps(WITH_THE_PAGE))
    address = kept["default/l2-explicit"]
    until(lambda: installed.opened(left.client, address), what=f"the page at {address}")


def load(cluster: Cluster, objects: list[dict[str, Any]]) -> None:
    """As the README of the fixtures tells."""
    for namespace in NAMESPACES[1:]:
        cluster.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))
    as_list = json.dumps({"apiVersion": "v1", "kind": "List", "items": [loadable(each) for each in objects]})
    cluster.kubectl("create", "-f", "-", stdin=as_list)
    for each in objects:
        meta = each["metadata"]
        at = (each["kind"], meta["name"], "--namespace", meta.get("namespace", "default"))
        if each.get("status"):
            patch = json.dumps({"status": each["status"]})
            cluster.kubectl("patch", *at, "--subresource=status", "--type=merge", "--patch", patch)
        if "deletionTimestamp" in meta:
            cluster.kubectl("delete", *at, "--wait=false")


def moved(each: dict[str, Any]) -> dict[str, Any]:
    """The object with its addresses on the lab's LAN."""
    found: dict[str, Any] = json.loads(on_the_lan(json.dumps(each)))
    return found


def on_the_lan(text: str) -> str:
    return text.replace(*LANS)


def scale(cluster: Cluster, replicas: int) -> None:
    cluster.kubectl("-n", OPENELB, "scale", installed.MANAGER, f"--replicas={replicas}")
    cluster.rolled_out(installed.MANAGER, namespace=OPENELB)
    gone = "the end of the managers"
    until(lambda: require(len(installed.pods(cluster, "app=openelb-manager")) == replicas, "they run"), what=gone)


def services(cluster: Cluster) -> Iterator[Service]:
    """All that were loaded."""
    for each in cluster.get("/api/v1/services")["items"]:
        if each["metadata"]["namespace"] in NAMESPACES and each["metadata"]["name"] != "kubernetes":
            yield service_of(each)


def outcomes(cluster: Cluster) -> dict[str, str]:
    """For each Service what it has, or the reason why it has nothing."""
    return {str(service.key): outcome(service) for service in services(cluster)}


def addresses(cluster: Cluster) -> dict[str, str]:
    """What each Service shows."""
    return {str(one.key): one.ingress[0] for one in services(cluster) if one.ingress}


def differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    every = sorted(found.keys() | expected.keys())
    return [
        f"{name}: {found.get(name)} and not {expected.get(name)}"
        for name in every
        if found.get(name) != expected.get(name)
    ]


def test_no_eip_is_left_with_a_finalizer_of_nobody(left: Cluster) -> None:
    """All that upstream left is deleted while nobody is there, and goes when we come."""
    objects = [moved(each) for each in originals(*MASTER).values()]
    load(left, objects)
    for each in objects:
        meta = each["metadata"]
        left.kubectl(
            "delete", each["kind"], meta["name"], "--namespace", meta.get("namespace", "default"), "--wait=false"
        )
    scale(left, 2)
    until(lambda: require(not outcomes(left), f"there are {list(outcomes(left))}"), what="the end of all Services")
    for kind in (EIPS_PATH, EIPS_PATH.replace("eips", "bgpconfs"), EIPS_PATH.replace("eips", "bgppeers")):
        until(lambda kind=kind: require(not left.get(kind)["items"], "there are some"), what=f"the end of {kind}")
