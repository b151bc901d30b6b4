"""Kubernetes objects as plain JSON, showing only what matters to a test."""

from typing import Any

from openelb.model import names

EIPS = "/apis/network.kubesphere.io/v1alpha2/eips"
SERVICES = "/api/v1/services"
NODES = "/api/v1/nodes"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
LEASES = "/apis/coordination.k8s.io/v1/leases"

JSON = dict[str, Any]


def meta(name: str, namespace: str = "default", **more: Any) -> JSON:
    return {"name": name, "namespace": namespace, **more}


def service(name: str = "web", *, spec: JSON | None = None, status: JSON | None = None, **metadata: Any) -> JSON:
    return {
        "kind": "Service",
        "metadata": meta(name, **metadata),
        "spec": {"type": "LoadBalancer", "ipFamilies": ["IPv4"], **(spec or {})},
        "status": {"loadBalancer": {}, **(status or {})},
    }


def eip(
    name: str = "eip",
    address: str = "192.0.2.0/24",
    *,
    spec: JSON | None = None,
    status: JSON | None = None,
    **metadata: Any,
) -> JSON:
    whole: JSON = {"kind": "Eip", "metadata": {"name": name, **metadata}, "spec": {"address": address, **(spec or {})}}
    return whole | ({"status": status} if status is not None else {})


def endpoint_slice(name: str, service: str, *endpoints: JSON) -> JSON:
    return {
        "metadata": meta(name, labels={"kubernetes.io/service-name": service}),
        "endpoints": list(endpoints),
    }


def endpoint(node: str, **conditions: Any) -> JSON:
    return {"nodeName": node, "conditions": conditions}


def node(name: str, *, cordoned: bool = False, **metadata: Any) -> JSON:
    return {"kind": "Node", "metadata": {"name": name, **metadata}, "spec": {"unschedulable": True} if cordoned else {}}


def speaker_lease(node: str, renewed: str, links: str = "[]") -> JSON:
    return {
        "metadata": meta(
            f"openelb-speaker-{node}", "openelb-system", annotations={names.NODE: node, names.LINKS: links}
        ),
        "spec": {"holderIdentity": f"pod on {node}", "renewTime": renewed, "leaseTransitions": 0},
    }
