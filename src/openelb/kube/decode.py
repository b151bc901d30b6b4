"""From Kubernetes' objects to our values: which fields we read, and what each means when it is missing or wrong.

Every function here is total: whatever a server sends, the answer is a value. What an author wrote and we cannot
understand becomes a sentence in the value (`Pool.problem`) or is left out.
"""

import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

import msgspec

from openelb.kube.answers import UNREADABLE
from openelb.kube.shapes import (
    AnnouncedEipShape,
    AnnouncedServiceShape,
    ConditionShape,
    EipShape,
    EipSpec,
    EipStatus,
    LeaseShape,
    LeaseSpec,
    LoadBalancerShape,
    Meta,
    ObjectShape,
    RangeStatus,
    ServiceShape,
    ServiceSpec,
    ServiceStatus,
    SliceShape,
)
from openelb.model import names
from openelb.model.addresses import Address, AddressRange, parse_address
from openelb.model.cluster import Link, Pool, PoolStatus, Protocol, Service, ServiceKey, Speaker
from openelb.model.findings import Condition

OUR_CONDITIONS = frozenset({names.ADDRESS_ALLOCATED, names.ANNOUNCED})

# Words that many objects have in common are so few, and of so many characters together.
_FEW, _SHORT = 16, 1000


@dataclass(frozen=True, slots=True)
class Outline:
    """What the metadata of an Eip tells. The `edition` changes with what its author wrote, and not with its status."""

    uid: str
    edition: int
    left_to_cni: bool
    deleting: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """The nodes on which a Service has a ready endpoint, as far as one EndpointSlice knows."""

    service: ServiceKey
    nodes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease as it was read. `holder` is empty when nobody holds it; times are text, for nobody's clock but their writer's."""

    name: str
    holder: str = ""
    seconds: int = 0
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0
    annotations: Mapping[str, str] | None = None
    uid: str = ""
    version: str = ""

    @property
    def renewal(self) -> str:
        """A text that changes with every renewal and every change of holder."""
        return f"{self.holder} {self.transitions} {self.renewed}"


def pool(eip: EipShape) -> Pool:
    """An Eip as a Pool; `problem` says why it cannot be used, when it cannot."""
    return _pool(eip.metadata, eip.spec or EipSpec(), _pool_status(eip.status or EipStatus()))


def announced_pool(eip: AnnouncedEipShape) -> Pool:
    """The same for who announces its addresses, whom the ledger does not concern: it stays empty."""
    status = eip.status or RangeStatus()
    return _pool(eip.metadata, eip.spec or EipSpec(), PoolStatus(first=status.first or "", last=status.last or ""))


def outline(eip: ObjectShape) -> Outline:
    """What can be told of an Eip without its spec and status."""
    meta = eip.metadata
    return Outline(meta.uid, meta.generation or 0, _left_to_cni(meta), bool(meta.deletion_timestamp))


def _left_to_cni(meta: Meta) -> bool:
    return names.CNI_LABEL in (meta.labels or {})


def _pool(meta: Meta, spec: EipSpec, status: PoolStatus) -> Pool:
    address = spec.address or ""
    ranges, problem = _ranges(address)
    protocol = _protocol(spec.protocol or "")
    if protocol is None:
        problem = problem or f"{spec.protocol!r} is no protocol: write bgp, layer2 or vip"
    annotations = meta.annotations or {}
    return Pool(
        name=meta.name,
        address=address,
        ranges=ranges if not problem else (),
        problem=problem,
        protocol=protocol or Protocol.BGP,
        interface=spec.interface or "",
        disabled=bool(spec.disable),
        default=annotations.get(names.DEFAULT_POOL, "").lower() == "true",
        left_to_cni=_left_to_cni(meta),
        deleting=bool(meta.deletion_timestamp),
        finalizers=_shared(meta.finalizers),
        status=status,
        uid=meta.uid,
        version=meta.resource_version,
    )


def _ranges(address: str) -> tuple[tuple[AddressRange, ...], str]:
    if not address:
        return (), "spec.address is empty: write one address, a CIDR or a range first-last"
    try:
        return (AddressRange.parse(address),), ""
    except ValueError as error:
        return (), str(error)


def _protocol(text: str) -> Protocol | None:
    try:
        return Protocol(text or Protocol.BGP)
    except ValueError:
        return None


def _pool_status(status: EipStatus) -> PoolStatus:
    return PoolStatus(
        used=_ledger(status.used or {}),
        first=status.first or "",
        last=status.last or "",
        size=status.pool_size or 0,
        v4=bool(status.v4),
        ready=bool(status.ready),
        usage=status.usage or 0,
        occupied=bool(status.occupied),
        conditions=tuple(map(_condition, status.conditions or ())),
    )


def _ledger(used: Mapping[str, str]) -> dict[Address, tuple[ServiceKey, ...]]:
    """The record of an Eip's status: `{"192.0.2.10": "default/web;default/api"}`. What is no address or no holder is left out."""
    ledger = {}
    for text, holders in used.items():
        address, keys = parse_address(text), _holders(holders)
        if address is not None and keys:
            ledger[address] = keys
    return ledger


def _holders(text: str) -> tuple[ServiceKey, ...]:
    pairs = (entry.split("/") for entry in text.split(";"))
    return tuple(ServiceKey(sys.intern(pair[0]), pair[1]) for pair in pairs if len(pair) == 2 and all(pair))


def _condition(shape: ConditionShape) -> Condition:
    return Condition(
        type=sys.intern(shape.type),
        status=shape.status == "True",
        reason=sys.intern(shape.reason),
        message=sys.intern(shape.message),
        since=sys.intern(shape.last_transition_time or ""),
    )


_FAMILIES = {"IPv4": 4, "IPv6": 6}


def service(shape: ServiceShape) -> Service:
    """A Service, of any type."""
    meta, spec, status = shape.metadata, shape.spec or ServiceSpec(), shape.status or ServiceStatus()
    annotations, labels = meta.annotations or {}, meta.labels or {}
    conditions = status.conditions or ()
    return Service(
        key=ServiceKey(sys.intern(meta.namespace), meta.name),
        load_balancer=spec.type == "LoadBalancer",
        load_balancer_class=spec.load_balancer_class or "",
        opt_in=sys.intern(annotations.get(names.OPT_IN, "")),
        node_proxy=annotations.get(names.NODE_PROXY, ""),
        requested_pool=sys.intern(annotations.get(names.REQUESTED_POOL, "")),
        requested_address=annotations.get(names.REQUESTED_ADDRESS, ""),
        load_balancer_ip=spec.load_balancer_ip or "",
        requested_protocol=sys.intern(annotations.get(names.REQUESTED_PROTOCOL, "")),
        families=_families(spec.ip_families),
        local_traffic_only=spec.external_traffic_policy == "Local",
        pool_label=sys.intern(labels.get(names.POOL_LABEL, "")),
        labelled=meta.labels is not None,
        finalizers=_shared(meta.finalizers),
        ingress=_ingress(status.load_balancer),
        conditions=tuple(_condition(entry) for entry in conditions if entry.type in OUR_CONDITIONS),
        condition_types=_shared(entry.type for entry in conditions),
        deleting=bool(meta.deletion_timestamp),
        created=meta.creation_timestamp or "",
        uid=meta.uid,
        version=meta.resource_version,
    )


def announced_service(shape: AnnouncedServiceShape) -> Service:
    """A Service for who announces its addresses: what it wants and who told what of it is not read, since every node holds
    all Services.
    """
    meta, spec = shape.metadata, shape.spec or ServiceSpec()
    return Service(
        key=ServiceKey(sys.intern(meta.namespace), meta.name),
        load_balancer=spec.type == "LoadBalancer",
        load_balancer_class=spec.load_balancer_class or "",
        local_traffic_only=spec.external_traffic_policy == "Local",
        pool_label=sys.intern((meta.labels or {}).get(names.POOL_LABEL, "")),
        ingress=_ingress(shape.status.load_balancer if shape.status else None),
        uid=meta.uid,
    )


def _families(families: Iterable[str] | None) -> tuple[int, ...]:
    known = tuple(_FAMILIES[family] for family in families or () if family in _FAMILIES)
    return known or (4,)


def _ingress(status: LoadBalancerShape | None) -> tuple[str, ...]:
    """Addresses, or the host name where somebody else published one: that differs from whatever we would publish."""
    entries = (status.ingress if status else None) or ()
    return tuple(entry.ip or entry.hostname or "" for entry in entries)


def endpoint_slice(shape: SliceShape) -> Slice:
    """The ready nodes of a slice; an endpoint that does not say whether it is ready is (discovery.k8s.io/v1)."""
    meta = shape.metadata
    owner = (meta.labels or {}).get("kubernetes.io/service-name", "")
    nodes = _shared_nodes(
        frozenset(
            sys.intern(endpoint.node_name)
            for endpoint in shape.endpoints or ()
            if endpoint.node_name and (endpoint.conditions is None or endpoint.conditions.ready is not False)
        )
    )
    return Slice(ServiceKey(sys.intern(meta.namespace), owner), nodes)


def _shared_nodes(nodes: frozenset[str]) -> frozenset[str]:
    return _same_nodes(nodes) if _is_small(nodes) else nodes


@lru_cache(maxsize=4096)
def _same_nodes(nodes: frozenset[str]) -> frozenset[str]:
    """One copy for the many Services whose endpoints are on the same nodes."""
    return nodes


def lease(shape: LeaseShape) -> Lease:
    """A Lease, whoever's it is."""
    meta, spec = shape.metadata, shape.spec or LeaseSpec()
    return Lease(
        name=meta.name,
        holder=spec.holder_identity or "",
        seconds=spec.lease_duration_seconds or 0,
        acquired=spec.acquire_time or "",
        renewed=spec.renew_time or "",
        transitions=spec.lease_transitions or 0,
        annotations=meta.annotations,
        uid=meta.uid,
        version=meta.resource_version,
    )


def speaker(lease: Lease) -> Speaker | None:
    """The speaker whose Lease this is, or None when it is no speaker's."""
    annotations = lease.annotations or {}
    node = annotations.get(names.NODE, "")
    if not node or not lease.name.startswith(names.SPEAKER_LEASE_PREFIX):
        return None
    return Speaker(node, lease.holder, lease.renewal, links(annotations.get(names.LINKS, "")))


class _LinkShape(msgspec.Struct):
    name: str
    addresses: list[str] = []


@lru_cache(maxsize=2048)
def links(text: str) -> tuple[Link, ...]:
    """The links in a speaker's annotation: `[{"name":"eth0","addresses":["192.0.2.11/24"]}]`; none when it cannot be read.

    Every speaker renews once a second and its links hardly ever change: hence the cache.
    """
    try:
        shapes = msgspec.json.decode(text, type=list[_LinkShape])
    except UNREADABLE:
        return ()
    return tuple(Link(shape.name, tuple(_interfaces(shape.addresses))) for shape in shapes)


def _interfaces(texts: Iterable[str]) -> Iterable[IPv4Interface | IPv6Interface]:
    for text in texts:
        try:
            yield ip_interface(text)
        except ValueError:
            continue


def _shared(words: Iterable[str] | None) -> tuple[str, ...]:
    found = tuple(words or ())
    return _same(found) if _is_small(found) else found


@lru_cache(maxsize=4096)
def _same(words: tuple[str, ...]) -> tuple[str, ...]:
    """One copy for the many objects that have the same words: finalizers, types of conditions."""
    return words


def _is_small(words: Collection[str]) -> bool:
    """Whether a copy may outlive its object: anybody who may write one could fill the memory with long ones."""
    return len(words) <= _FEW and sum(map(len, words)) <= _SHORT
