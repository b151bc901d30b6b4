"""Single questions to the API server that no watch is worth."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from openelb.kube.client import Client
from openelb.kube.errors import NotFound
from openelb.kube.resources import EIPS_PATH, NODES_PATH, SERVICES_PATH, SLICES_PATH, leases_path, node_path
from openelb.kube.shapes import Meta
from openelb.model.addresses import Address, parse_address
from openelb.model.routers import SecretKey


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


class _NodeAddress(msgspec.Struct):
    type: str = ""
    address: str = ""


class _NodeStatus(msgspec.Struct):
    addresses: list[_NodeAddress] | None = None


class _AddressedNode(msgspec.Struct):
    metadata: Meta
    status: _NodeStatus | None = None


class _ListMeta(msgspec.Struct):
    cursor: str = msgspec.field(default="", name="continue")


class _AddressedNodes(msgspec.Struct):
    items: list[_AddressedNode]
    metadata: _ListMeta


class _Secret(msgspec.Struct):
    data: dict[str, str] | None = None


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
        found = await client.get(node_path(name), _Node)
    except NotFound:
        return None
    if found.metadata.deletion_timestamp:
        return None
    return Node(found.metadata.uid, found.metadata.labels or {}, bool(found.spec and found.spec.unschedulable))


async def addresses(client: Client, name: str = "") -> dict[str, tuple[Address, ...]]:
    """The addresses of that node, or of every one, by which the cluster knows it: those of type InternalIP. Raises ApiError."""
    if name:
        try:
            return dict([_addressed(await client.get(node_path(name), _AddressedNode))])
        except NotFound:
            return {}
    found: dict[str, tuple[Address, ...]] = {}
    query = {"limit": PAGE}
    while True:
        nodes = msgspec.json.decode(await client.page(NODES_PATH, query), type=_AddressedNodes)
        found |= map(_addressed, nodes.items)
        if not nodes.metadata.cursor:
            return found
        query = {"limit": PAGE, "continue": nodes.metadata.cursor}


PAGE = "500"


def _addressed(node: _AddressedNode) -> tuple[str, tuple[Address, ...]]:
    told = (node.status.addresses if node.status else None) or ()
    parsed = (parse_address(one.address) for one in told if one.type == "InternalIP")
    return node.metadata.name, tuple(one for one in parsed if one is not None)


async def secret(client: Client, namespace: str, wanted: SecretKey) -> str | None:
    """What is under that key of a Secret of the namespace, without the line's end that an editor left; None: nothing is, or it is no text. Raises ApiError."""
    try:
        found = await client.get(f"/api/v1/namespaces/{namespace}/secrets/{wanted.name}", _Secret)
        return base64.b64decode((found.data or {})[wanted.key]).decode().rstrip("\r\n") or None
    except (NotFound, KeyError, ValueError):
        return None
