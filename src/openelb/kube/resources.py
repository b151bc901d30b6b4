"""The kinds we read: where they are, which of their objects, and the value that each object becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from openelb.kube import decode, decode_pools
from openelb.kube.client import JSON
from openelb.kube.decode import Lease, Slice
from openelb.kube.decode_pools import Outline
from openelb.kube.shapes import (
    AllocationShape,
    AnnouncedEipShape,
    AnnouncedServiceShape,
    EipShape,
    LeaseShape,
    NamespaceShape,
    ObjectShape,
    ReservationShape,
    ServiceShape,
    SliceShape,
)
from openelb.model import names
from openelb.model.cluster import BgpObject, Page, Pool, Reservation, Service, ServiceKey

Shape = TypeVar("Shape", bound=ObjectShape)
Value = TypeVar("Value")

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
    """One kind: its collection's path, the shape to read it with, and what it means to us."""

    path: str
    shape: type[Shape]
    value: Callable[[Shape], Value]
    query: Mapping[str, str] = field(default_factory=dict)
    silence: float = SILENCE
    form: Form = WHOLE


EIPS_PATH = f"/apis/{names.GROUP}/{names.VERSION}/eips"
ALLOCATIONS_PATH = f"/apis/{names.GROUP}/{names.VERSION}/eipallocations"
RESERVATIONS_PATH = f"/apis/{names.GROUP}/{names.VERSION}/eipreservations"
NAMESPACES_PATH = "/api/v1/namespaces"
BGP_PATHS = {kind: f"/apis/{names.GROUP}/{names.VERSION}/{kind.lower()}s" for kind in ("BgpConf", "BgpPeer")}
SERVICES_PATH = "/api/v1/services"
SLICES_PATH = "/apis/discovery.k8s.io/v1/endpointslices"

EIPS = Resource[EipShape, Pool](EIPS_PATH, EipShape, decode_pools.pool)
EIP_OUTLINES = Resource[ObjectShape, Outline](EIPS_PATH, ObjectShape, decode_pools.outline, form=METADATA)
ANNOUNCED_EIPS = Resource[AnnouncedEipShape, Pool](EIPS_PATH, AnnouncedEipShape, decode_pools.announced_pool)
ALLOCATIONS = Resource[AllocationShape, Page](ALLOCATIONS_PATH, AllocationShape, decode_pools.page)
RESERVATIONS = Resource[ReservationShape, Reservation](RESERVATIONS_PATH, ReservationShape, decode_pools.reservation)
NAMESPACES = Resource[NamespaceShape, Mapping[str, str]](
    NAMESPACES_PATH, NamespaceShape, decode.namespace, form=METADATA
)
BGP_CONFS, BGP_PEERS = (
    Resource[ObjectShape, BgpObject](path, ObjectShape, partial(decode.bgp_object, kind), form=METADATA)
    for kind, path in BGP_PATHS.items()
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


def service_path(key: ServiceKey) -> str:
    """One Service."""
    return f"/api/v1/namespaces/{key.namespace}/services/{key.name}"
