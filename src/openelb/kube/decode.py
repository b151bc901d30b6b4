"""From Kubernetes' objects to our values: which fields we read, and what each means when it is missing or wrong.

Every function here is total: whatever a server sends, the answer is a value. What an author wrote and we cannot
understand becomes a sentence in the value (`Pool.problem`) or is left out.
"""

import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

import msgspec

from openelb.kube.answers import UNREADABLE
from openelb.kube.shapes import (
    AnnouncedServiceShape,
    ConditionShape,
    LeaseShape,
    LeaseSpec,
    LoadBalancerShape,
    NamespaceShape,
    ObjectShape,
    PortShape,
    ServiceShape,
    ServiceSpec,
    ServiceStatus,
    SliceShape,
)
from openelb.model import names
from openelb.model.cluster import BgpObject, FamilyPolicy, Link, Port, Service, ServiceKey, Speaker, Wishes
from openelb.model.findings import Condition

OUR_CONDITIONS = frozenset({names.ADDRESS_ALLOCATED, names.ANNOUNCED, names.MOVING, names.CONFLICT})

# Words that many objects have in common are so few, and of so many characters together.
_FEW, _SHORT = 16, 1000


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


def condition(shape: ConditionShape) -> Condition:
    """Anybody's condition."""
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
        wishes=_wishes(annotations, spec.load_balancer_ip or ""),
        families=_families(spec.ip_families),
        family_policy=_policy(spec.ip_family_policy or ""),
        ports=_ports(spec.ports or ()),
        selector=pairs(spec.selector),
        labels=pairs(meta.labels),
        local_traffic_only=spec.external_traffic_policy == "Local",
        pool_label=sys.intern(labels.get(names.POOL_LABEL, "")),
        labelled=meta.labels is not None,
        finalizers=shared(meta.finalizers),
        ingress=_ingress(status.load_balancer),
        conditions=tuple(condition(entry) for entry in conditions if entry.type in OUR_CONDITIONS),
        condition_types=shared(entry.type for entry in conditions),
        moving_since=_moving_since(conditions),
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


def bgp_object(kind: str, shape: ObjectShape) -> BgpObject:
    """The metadata of a BgpConf or a BgpPeer."""
    meta = shape.metadata
    return BgpObject(
        kind, meta.name, bool(meta.deletion_timestamp), shared(meta.finalizers), meta.uid, meta.resource_version
    )


def namespace(shape: NamespaceShape) -> Mapping[str, str]:
    """The labels of a Namespace."""
    return dict(shape.metadata.labels or {})


def _moving_since(conditions: Iterable[ConditionShape]) -> float:
    for entry in conditions:
        if entry.type == names.MOVING and entry.status == "True" and entry.last_transition_time:
            return moment(entry.last_transition_time) or 0.0
    return 0.0


def moment(text: str) -> float | None:
    """Seconds since 1970 (RFC 3339), or None where it is no moment."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _wishes(annotations: Mapping[str, str], load_balancer_ip: str) -> Wishes:
    return Wishes(
        pool=sys.intern(annotations.get(names.REQUESTED_POOL, "")),
        address=annotations.get(names.REQUESTED_ADDRESS, ""),
        load_balancer_ip=load_balancer_ip,
        protocol=sys.intern(annotations.get(names.REQUESTED_PROTOCOL, "")),
        pools=annotations.get(names.POOLS, ""),
        addresses=annotations.get(names.ADDRESSES, ""),
        count=annotations.get(names.COUNT, ""),
        sharing_key=annotations.get(names.SHARING_KEY, ""),
        migrate_to=annotations.get(names.MIGRATE_TO, ""),
    )


def _policy(text: str) -> FamilyPolicy:
    try:
        return FamilyPolicy(text or FamilyPolicy.SINGLE)
    except ValueError:
        return FamilyPolicy.SINGLE


def _ports(shapes: Iterable[PortShape]) -> tuple[Port, ...]:
    return _same_ports(tuple(Port(sys.intern(shape.protocol or "TCP"), shape.port) for shape in shapes))


@lru_cache(maxsize=1024)
def _same_ports(ports: tuple[Port, ...]) -> tuple[Port, ...]:
    """One copy for the many Services that have the same ports."""
    return ports


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


def pairs(words: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Labels as a value, in order."""
    return tuple(sorted((sys.intern(key), sys.intern(value)) for key, value in (words or {}).items()))


def shared(words: Iterable[str] | None) -> tuple[str, ...]:
    """The words, as one copy where many objects have the same: finalizers, types of conditions."""
    found = tuple(words or ())
    return _same(found) if _is_small(found) else found


@lru_cache(maxsize=4096)
def _same(words: tuple[str, ...]) -> tuple[str, ...]:
    return words


def _is_small(words: Collection[str]) -> bool:
    """Whether a copy may outlive its object: anybody who may write one could fill the memory with long ones."""
    return len(words) <= _FEW and sum(map(len, words)) <= _SHORT
