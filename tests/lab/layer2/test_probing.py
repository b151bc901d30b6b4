"""A machine on the LAN has an address of a pool before we do: it is passed over, and given out when the machine has left."""

import json
import time
from collections.abc import Iterator

import pytest

from lab import site
from lab.speakers import Speakers
from lab.wait import require, until

FIRST, SECOND, LAST = (f"{site.LAN}.{number}" for number in (224, 225, 227))
POOL = "probed"


def apply(three: Speakers, name: str, address: str = "") -> None:
    asked = {"eip.openelb.kubesphere.io/v1alpha1": address} if address else {}
    annotations = {"lb.kubesphere.io/v1alpha1": "openelb", "eip.openelb.kubesphere.io/v1alpha2": POOL, **asked}
    metadata = {"name": name, "namespace": "default", "annotations": annotations}
    spec = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [{"port": 80}]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    three.plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))


def status(three: Speakers, name: str) -> dict[str, object]:
    return dict(three.plane.read_json(f"/api/v1/namespaces/default/services/{name}")["status"])


def address_of(three: Speakers, name: str) -> str:
    """The address that a Service shows, when it shows one."""
    found = status(three, name)["loadBalancer"].get("ingress")  # type: ignore[attr-defined]
    require(found, f"{name} has no address")
    return str(found[0]["ip"])


def message(three: Speakers, name: str) -> str:
    conditions = status(three, name).get("conditions", [])
    return next((one["message"] for one in conditions if one["type"] == "openelb.io/AddressAllocated"), "")  # type: ignore[attr-defined]


def conflicts(three: Speakers) -> dict[str, str]:
    """The MACs of strangers by the addresses that they have, as `kubectl get eipconflicts` has them."""
    items = json.loads(three.plane.kubectl("get", "eipconflicts", "-o", "json"))["items"]
    return {item["spec"]["ip"]: item["spec"]["mac"] for item in items}


@pytest.fixture
def contested(three: Speakers) -> Iterator[Speakers]:
    """A pool of four addresses, the first of which the client has."""
    three.client.ip("addr", "add", f"{FIRST}/24", "dev", "eth0")
    three.pool(POOL, f"{FIRST}-{LAST}")
    yield three
    for name in ("one", "two", "named"):
        three.plane.kubectl("delete", "service", name, "--ignore-not-found")
    three.plane.kubectl("delete", "eip", POOL, "--wait=false")


def test_an_address_that_another_machine_has_is_not_given_out_until_it_is_free(contested: Speakers) -> None:
    began = time.monotonic()
    apply(contested, "one")
    assert until(lambda: address_of(contested, "one"), what="an address", timeout=10, every=0.05) == SECOND
    print(f"the first Service of a pool that was just made: {time.monotonic() - began:.1f} s")
    assert "unprobed" not in message(contested, "one")
    until(
        lambda: require(conflicts(contested) == {FIRST: contested.client.mac()}, f"told are {conflicts(contested)}"),
        what="an EipConflict",
        timeout=10,
    )
    apply(contested, "named", FIRST)
    until(
        lambda: require(contested.client.mac() in message(contested, "named"), message(contested, "named")),
        what="the MAC in the condition",
        timeout=10,
    )
    contested.client.ip("addr", "del", f"{FIRST}/24", "dev", "eth0")
    assert until(lambda: address_of(contested, "named"), what="the address that is free again", timeout=90) == FIRST
    until(lambda: require(not conflicts(contested), "there is one still"), what="no EipConflict", timeout=90)
    began = time.monotonic()
    apply(contested, "two")
    until(lambda: address_of(contested, "two"), what="an address", timeout=5, every=0.02)
    print(f"a Service of a pool that was asked about: {time.monotonic() - began:.2f} s")
