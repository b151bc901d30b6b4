"""Single questions to the API server that no watch is worth."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from openelb.kube.client import Client
from openelb.kube.errors import NotFound
from openelb.kube.resources import EIPS_PATH, SERVICES_PATH, SLICES_PATH, leases_path
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


class _NodeSpec(msgspec.Struct):
    unschedulable: bool | None = None


class _Node(msgspec.Struct):
    metadata: Meta
    spec: _NodeSpec | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A node as Kubernetes has it."""

    uid: str
    labels: Mapping[str, str]
    cordoned: bool


async def ask_for_every_kind(client: Client, namespace: str) -> None:
    """Ask once for each kind that a store follows, for who cannot wait until there is an answer, as a store does.

    Raises ApiError: Unreachable, Forbidden without the right to list one, NotFound where the Eips' kind is not installed.
    """
    for path in (EIPS_PATH, SERVICES_PATH, SLICES_PATH, leases_path(namespace)):
        await client.page(path, {"limit": "1"})


async def node_selector(client: Client, namespace: str, name: str) -> dict[str, str] | None:
    """The node selector of a DaemonSet's pods; None when it is gone or going. Raises ApiError."""
    try:
        found = await client.get(f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}", _DaemonSet)
    except NotFound:
        return None
    return None if found.metadata.deletion_timestamp else found.spec.template.spec.node_selector or {}


async def node(client: Client, name: str) -> Node | None:
    """What a speaker asks of its Node; None when it is gone or going. Raises ApiError."""
    try:
        found = await client.get(f"/api/v1/nodes/{name}", _Node)
    except NotFound:
        return None
    if found.metadata.deletion_timestamp:
        return None
    return Node(found.metadata.uid, found.metadata.labels or {}, bool(found.spec and found.spec.unschedulable))
