"""Objects as kube-apiserver has them, what we do not read included, for what is measured without one."""

from dataclasses import replace
from typing import TypeVar

import msgspec

from openelb.kube.reader import Reader
from openelb.kube.resources import EIPS, SERVICES
from openelb.kube.shapes import ObjectShape
from openelb.model import names
from openelb.model.cluster import Link, Pool, Publication, Service, Speaker
from openelb.model.snapshot import Snapshot
from openelb.plan.cluster import ClusterPlan

Shape = TypeVar("Shape", bound=ObjectShape)
Value = TypeVar("Value")

JSON = dict[str, object]

SPEAKER = Speaker("node", "speaker", "1", (Link("eth0"),))
ALIVE = frozenset({SPEAKER.node})


def eip(name: str, address: str, **spec: object) -> JSON:
    """A layer2 pool on eth0, of which no address is asked about on a LAN that is not there."""
    meta = {"name": name, "uid": f"uid of {name}", "resourceVersion": "1", "finalizers": [names.POOL_FINALIZER]}
    return {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": "Eip",
        "metadata": meta,
        "spec": {"address": address, "protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}, **spec},
    }


def service(number: int, pool: str = "", *, namespace: str = "bench", family: str = "IPv4") -> bytes:
    """A Service as it is answered to a POST. Without a pool it takes what it is given."""
    name = f"service-{number}"
    annotations = {names.OPT_IN: names.OPT_IN_VALUE} | ({names.REQUESTED_POOL: pool} if pool else {})
    meta = {
        "name": name,
        "namespace": namespace,
        "uid": f"00000000-0000-4000-8000-{number:012}",
        "resourceVersion": str(1000 + number),
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": annotations,
    }
    cluster_ip = f"10.96.{number >> 8 & 255}.{number & 255}" if family == "IPv4" else f"fd96::{number + 1:x}"
    spec = {
        "type": "LoadBalancer",
        "clusterIP": cluster_ip,
        "clusterIPs": [cluster_ip],
        "ipFamilies": [family],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "selector": {"app": name},
        "externalTrafficPolicy": "Cluster",
        "internalTrafficPolicy": "Cluster",
        "sessionAffinity": "None",
    }
    return msgspec.json.encode({"metadata": meta, "spec": spec, "status": {"loadBalancer": {}}})


def value(reader: Reader[Shape, Value], content: bytes) -> Value:
    """What the object is to us. Raises AssertionError where it cannot be read."""
    seen = reader.object(msgspec.Raw(content))
    assert seen is not None
    assert seen.value is not None
    return seen.value


def snapshot(eips: list[JSON], services: list[bytes]) -> Snapshot:
    """A cluster of these, with a speaker."""
    reading, serving = Reader(EIPS, "Eips"), Reader(SERVICES, "Services")
    pools: list[Pool] = [value(reading, msgspec.json.encode(each)) for each in eips]
    found: list[Service] = [value(serving, each) for each in services]
    return Snapshot(
        {pool.name: pool for pool in pools},
        {each.key: each for each in found},
        speakers={SPEAKER.node: SPEAKER},
    )


def written(before: Snapshot, plan: ClusterPlan) -> Snapshot:
    """The cluster when all has been written that the plan says, and come back."""
    return replace(
        before,
        pools={**before.pools, **{name: replace(before.pools[name], status=to) for name, to in plan.pools.items()}},
        pages={**before.pages, **{name: replace(page, uid=name, version="1") for name, page in plan.pages.items()}},
        services={**before.services, **{key: _carrying(before.services[key], to) for key, to in plan.services.items()}},
    )


def _carrying(one: Service, to: Publication) -> Service:
    finalizers = (names.SERVICE_FINALIZER,) if to.guarded else ()
    return replace(one, ingress=to.ingress, pool_label=to.pool_label, finalizers=finalizers, conditions=to.conditions)
