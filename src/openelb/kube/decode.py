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
from openelb.kube.fields import routing
from openelb.kube.probes import found
from openelb.kube.shapes import (
    AnnouncedServiceShape,
    ConditionShape,
    EndpointConditions,
    LeaseShape,
    LeaseSpec,
    LoadBalancerShape,
    NamespaceShape,
    NodeShape,
    PortShape,
    ServiceShape,
    ServiceSpec,
    ServiceStatus,
    SliceShape,
    TaintedNodeShape,
)
from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import FamilyPolicy, Link, Node, Port, Service, ServiceKey, Speaker, Wishes
from openelb.model.findings import Condition

OUR_CONDITIONS = frozenset({names.ADDRESS_ALLOCATED, names.ANNOUNCED, names.MOVING, names.CONFLICT})

LONGEST_ADDRESS = 64
LONGEST_TAINT = 317  # a prefix of 253 characters, a slash and a name of 63
"""Characters of an address with a prefix; whatever is longer is none, and is not kept."""

# Words that many objects have in common are so few, and of so many characters together.
_FEW, _SHORT = 16, 1000


@dataclass(frozen=True, slots=True)
class Slice:
    """The nodes on which a Service has a ready endpoint, as far as one EndpointSlice knows; and those on which it has one that
    is `ending` and serves until then.
    """

    service: ServiceKey
    nodes: frozenset[str]
    ending: frozenset[str] = frozenset()


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
        routing=routing(annotations),
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
        labels=pairs(meta.labels),
        ingress=_ingress(shape.status.load_balancer if shape.status else None),
        routing=routing(meta.annotations or {}),
        uid=meta.uid,
    )


def namespace(shape: NamespaceShape) -> Mapping[str, str]:
    """The labels of a Namespace."""
    return dict(shape.metadata.labels or {})


def node(shape: NodeShape) -> Node:
    """A Node, as its metadata tells it; whether it is cordoned does not."""
    annotations = shape.metadata.annotations or {}
    address = annotations.get(names.NODE_ADDRESS, "")
    return Node(
        shape.metadata.name,
        dict(pairs(shape.metadata.labels)),
        address if len(address) <= LONGEST_ADDRESS else "",
        annotations.get(names.DRAINED, "").lower() == "true",
    )


def taints(shape: TaintedNodeShape) -> tuple[str, ...]:
    """The keys of a Node's taints."""
    return tuple(taint.key for taint in (shape.spec and shape.spec.taints) or ())


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
    """The nodes of a slice, as kube-proxy reads it (discovery.k8s.io/v1 EndpointConditions): what does not say whether it is
    ready or serving is so.
    """
    meta = shape.metadata
    owner = (meta.labels or {}).get("kubernetes.io/service-name", "")
    ready, ending = set(), set()
    for endpoint in shape.endpoints or ():
        conditions = endpoint.conditions or EndpointConditions()
        if conditions.ready is not False:
            ready.add(sys.intern(endpoint.node_name or NOWHERE))
        elif conditions.terminating and conditions.serving is not False:
            ending.add(sys.intern(endpoint.node_name or NOWHERE))
    of = ServiceKey(sys.intern(meta.namespace), owner)
    return Slice(of, _shared_nodes(frozenset(ready)), _shared_nodes(frozenset(ending)))


NOWHERE = ""
"""What stands for the node of an endpoint that is on none: a machine outside of the cluster."""


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
    return Speaker(
        node,
        lease.holder,
        lease.renewal,
        links(annotations.get(names.LINKS, "")),
        leaves_when_cordoned=annotations.get(names.LEAVES) == "true",
        tainted=annotations.get(names.TAINTED, "")[:LONGEST_TAINT],
        seconds=lease.seconds,
        holds=_addresses(annotations.get(names.HOLDS, "")),
        unheard=frozenset(filter(None, annotations.get(names.UNHEARD, "").split(","))),
        found=found(annotations.get(names.PROBED, ""), annotations.get(names.TAKEN, "")),
        bgp=annotations.get(names.BGP, "")[:LONGEST_TAINT],
    )


@lru_cache(maxsize=256)
def _addresses(text: str) -> frozenset[Address]:
    """The addresses of a comma list, those that are any."""
    return frozenset(address for word in text.split(",") if (address := parse_address(word)) is not None)


class _LinkShape(msgspec.Struct, rename="camel"):
    name: str
    addresses: list[str] = []
    mac: str = ""
    gateway_lost: bool = False


@lru_cache(maxsize=2048)
def links(text: str) -> tuple[Link, ...]:
    """The links in a speaker's annotation, as `lease.links_text` writes it; none when it cannot be read.

    Every speaker renews once a second and its links hardly ever change: hence the cache.
    """
    try:
        shapes = msgspec.json.decode(text, type=list[_LinkShape])
    except UNREADABLE:
        return ()
    return tuple(
        Link(shape.name, tuple(_interfaces(shape.addresses)), shape.mac, shape.gateway_lost) for shape in shapes
    )


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
