"""Single questions to the API server that no watch is worth."""

import msgspec

from openelb.kube.client import Client
from openelb.kube.errors import NotFound
from openelb.kube.shapes import Meta


class _PodSpec(msgspec.Struct, rename="camel"):
    node_selector: dict[str, str] | None = None


class _Template(msgspec.Struct):
    spec: _PodSpec


class _Spec(msgspec.Struct):
    template: _Template


class _DaemonSet(msgspec.Struct):
    metadata: Meta
    spec: _Spec


class _Node(msgspec.Struct):
    metadata: Meta


async def node_selector(client: Client, namespace: str, name: str) -> dict[str, str] | None:
    """The node selector of a DaemonSet's pods; None when it is gone or going. Raises ApiError."""
    try:
        found = await client.get(f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}", _DaemonSet)
    except NotFound:
        return None
    return None if found.metadata.deletion_timestamp else found.spec.template.spec.node_selector or {}


async def node_labels(client: Client, name: str) -> dict[str, str] | None:
    """The labels of a Node; None when it is gone or going. Raises ApiError."""
    try:
        found = await client.get(f"/api/v1/nodes/{name}", _Node)
    except NotFound:
        return None
    return None if found.metadata.deletion_timestamp else found.metadata.labels or {}
