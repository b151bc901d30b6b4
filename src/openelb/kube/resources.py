"""The kinds we read: where they are, which of their objects, and the value that each object becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from openelb.kube import decode, decode_bgp, decode_pools
from openelb.kube.bgp_shapes import BgpConfShape, BgpPeerShape
from openelb.kube.client import JSON
from openelb.kube.decode import Lease, Slice
from openelb.kube.decode_pools import Outline
from openelb.kube.shapes import (
    AllocationShape,
    AnnouncedEipShape,
    AnnouncedServiceShape,
    ConfigMapShape,
    EipShape,
    LeaseShape,
    NamespaceShape,
    NodeShape,
    ObjectShape,
    ReservationShape,
    ServiceShape,
    SliceShape,
    TaintedNodeShape,
)
from openelb.model import names
from openelb.model.cluster import BgpObject, Node, Page, Pool, Reservation, Service, ServiceKey
from openelb.model.routers import BgpConf, BgpPeer

Shape = TypeVar("Shape", bound=ObjectShape)
Value = TypeVar("Value")
Told = TypeVar("Told")

SILENCE = 75.0
"""Seconds without a byte after which a watch is taken for dead: kube-apiserver sends a bookmark about once a minute."""

LEASE_SILENCE = 5.0
"""The same for Leases of our namespace, where the leader or our own speaker writes once a second."""


class Form(NamedTuple):
    """The media types to ask for in a list and in a watch."""

    list: str
    watch: str


WHOLE = Form(JSON, JSON)
# meta/v1 PartialObjectMetadata: neither spec nor status is sent.
METADATA = Form(
    f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
)


@dataclass(frozen=True)
class Resource(Generic[Shape, Value]):
    """One kind: its collection's path, the shape to read it with, and what it means to us. `without` says what is missing
    where it may not be read; empty: nothing works without.
    """

    path: str
    shape: type[Shape]
    value: Callable[[Shape], Value]
    query: Mapping[str, str] = field(default_factory=dict)
    silence: float = SILENCE
    form: Form = WHOLE
    without: str = ""


@dataclass(frozen=True)
class Bodied(Generic[Value, Told]):
    """A kind that is followed by metadata: how one object is read, and its value `shown` with what its metadata told later."""

    resource: Resource[Any, Value]
    shown: Callable[[Value, Told], Value]


EIPS_PATH = f"/apis/{names.GROUP}/{names.VERSION}/eips"
ALLOCATIONS_PATH = f"/apis/{names.GROUP}/{names.VERSION}/eipallocations"
CONFLICTS_PATH = f"/apis/{names.GROUP}/{names.VERSION}/eipconflicts"
RESERVATIONS_PATH = f"/apis/{names.GROUP}/{names.VERSION}/eipreservations"
NAMESPACES_PATH = "/api/v1/namespaces"
NODES_PATH = "/api/v1/nodes"
BGP_PATHS = {kind: f"/apis/{names.GROUP}/{names.VERSION}/{kind.lower()}s" for kind in ("BgpConf", "BgpPeer")}
SERVICES_PATH = "/api/v1/services"
SLICES_PATH = "/apis/discovery.k8s.io/v1/endpointslices"

EIPS = Resource[EipShape, Pool](EIPS_PATH, EipShape, decode_pools.pool)
EIP_OUTLINES = Resource[ObjectShape, Outline](EIPS_PATH, ObjectShape, decode_pools.outline, form=METADATA)
ANNOUNCED_EIPS = Bodied[Pool, Outline](
    Resource[AnnouncedEipShape, Pool](EIPS_PATH, AnnouncedEipShape, decode_pools.announced_pool), decode_pools.outlined
)
ALLOCATIONS = Resource[AllocationShape, Page](ALLOCATIONS_PATH, AllocationShape, decode_pools.page)
RESERVATIONS = Resource[ReservationShape, Reservation](RESERVATIONS_PATH, ReservationShape, decode_pools.reservation)
NAMESPACES = Resource[NamespaceShape, Mapping[str, str]](
    NAMESPACES_PATH, NamespaceShape, decode.namespace, form=METADATA
)
# By their metadata, since each kubelet writes its Node's status every few minutes. It does not tell which are cordoned, so
# those are followed a second time.
NODES = Resource[NodeShape, Node](
    NODES_PATH,
    NodeShape,
    decode.node,
    form=METADATA,
    without="going on as if no node had labels, annotations or a drain: spec.nodeSelector counts nowhere",
)
CORDONED_NODES = Resource[NodeShape, Node](
    NODES_PATH,
    NodeShape,
    decode.node,
    {"fieldSelector": "spec.unschedulable=true"},
    form=METADATA,
    without="going on as if no node were cordoned",
)
BGP_CONFS, BGP_PEERS = (
    Resource[ObjectShape, BgpObject](
        path, ObjectShape, partial(decode_bgp.bgp_object, kind), form=METADATA, without="going on as if there were none"
    )
    for kind, path in BGP_PATHS.items()
)
WRITTEN_BGP_CONFS = Bodied[BgpConf, BgpObject](
    Resource[BgpConfShape, BgpConf](BGP_PATHS["BgpConf"], BgpConfShape, decode_bgp.bgp_conf), decode_bgp.outlined_conf
)
WRITTEN_BGP_PEERS = Bodied[BgpPeer, BgpObject](
    Resource[BgpPeerShape, BgpPeer](BGP_PATHS["BgpPeer"], BgpPeerShape, decode_bgp.bgp_peer), decode_bgp.outlined_peer
)
SERVICES = Resource[ServiceShape, Service](SERVICES_PATH, ServiceShape, decode.service)
# Nobody announces a Service without the label. Not by spec.type: before Kubernetes 1.31 that cannot be selected.
LABELLED_SERVICES = Resource[AnnouncedServiceShape, Service](
    SERVICES_PATH, AnnouncedServiceShape, decode.announced_service, {"labelSelector": names.POOL_LABEL}
)
# The API cannot select the slices of LoadBalancers, which are never headless, but it can leave the headless ones out.
# A Service of another type may become a LoadBalancer and its slices are not told again then: they are held, too.
SLICES = Resource[SliceShape, Slice](
    SLICES_PATH,
    SliceShape,
    decode.endpoint_slice,
    {"labelSelector": "kubernetes.io/service-name,!service.kubernetes.io/headless"},
)


def own_node(name: str) -> Resource[TaintedNodeShape, tuple[str, ...]]:
    """The one Node of that name, with its taints: they cannot be selected, and of all nodes they would be sent with each status."""
    return Resource(
        NODES_PATH,
        TaintedNodeShape,
        decode.taints,
        {"fieldSelector": f"metadata.name={name}"},
        without="going on as if this node were not tainted",
    )


def config_map(namespace: str, name: str, key: str) -> Resource[ConfigMapShape, str]:
    """What is under that key of the one ConfigMap of that name; empty where nothing is."""
    return Resource(
        f"/api/v1/namespaces/{namespace}/configmaps",
        ConfigMapShape,
        lambda shape: (shape.data or {}).get(key, ""),
        {"fieldSelector": f"metadata.name={name}"},
        without="going on as if it were not there",
    )


def leases(namespace: str) -> Resource[LeaseShape, Lease]:
    """The Leases of one namespace."""
    return Resource(leases_path(namespace), LeaseShape, decode.lease, silence=LEASE_SILENCE)


def leases_path(namespace: str) -> str:
    """The collection of a namespace's Leases."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def eip_path(name: str) -> str:
    """One Eip."""
    return f"{EIPS_PATH}/{name}"


def allocation_path(name: str) -> str:
    """One EipAllocation."""
    return f"{ALLOCATIONS_PATH}/{name}"


def reservation_path(name: str) -> str:
    """One EipReservation."""
    return f"{RESERVATIONS_PATH}/{name}"


def bgp_path(kind: str, name: str) -> str:
    """One BgpConf or BgpPeer."""
    return f"{BGP_PATHS[kind]}/{name}"


def node_path(name: str) -> str:
    """One Node."""
    return f"{NODES_PATH}/{name}"


def service_path(key: ServiceKey) -> str:
    """One Service."""
    return f"/api/v1/namespaces/{key.namespace}/services/{key.name}"
