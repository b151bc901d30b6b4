"""The fields of Kubernetes' objects that we read, under the names they have there. What is not declared is skipped unread."""

import msgspec


class Shape(msgspec.Struct, rename="camel", gc=False):
    """JSON of which only the declared fields are read; every field may be absent or null."""


class Meta(Shape):
    """meta/v1 ObjectMeta."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: list[str] | None = None


class ObjectShape(Shape):
    """What every object has."""

    metadata: Meta


class ConditionShape(Shape):
    """meta/v1 Condition."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class RequirementShape(Shape):
    """meta/v1 LabelSelectorRequirement."""

    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class SelectorShape(Shape):
    """meta/v1 LabelSelector."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[RequirementShape] | None = None


class QuotaShape(Shape):
    addresses_per_namespace: int | None = None


class Layer2Shape(Shape):
    profile: str | None = None
    failback: bool | None = None
    probe: str | None = None
    on_conflict: str | None = None
    answer: str | None = None
    restart_grace_seconds: int | None = None


class AttributesShape(Shape):
    """What routes are announced with."""

    communities: list[str] | None = None
    large_communities: list[str] | None = None
    local_preference: int | None = None
    med: int | None = None


class BgpShape(AttributesShape):
    """`spec.bgp` of an Eip."""

    announce: str | None = None


class EipSpec(Shape):
    address: str | None = None
    protocol: str | None = None
    interface: str | None = None
    disable: bool | None = None
    exclude: list[str] | None = None
    skip_network_and_broadcast: bool | None = None
    namespaces: list[str] | None = None
    namespace_selector: dict[str, str] | None = None
    service_selector: SelectorShape | None = None
    priority: int | None = None
    cooldown_seconds: int | None = None
    quota: QuotaShape | None = None
    adoption: str | None = None
    node_selector: SelectorShape | None = None
    layer2: Layer2Shape | None = None
    bgp: BgpShape | None = None


class RangeStatus(Shape):
    """Of an Eip's status, what changes with its spec and not with its allocations."""

    address: str | None = None
    first: str | None = msgspec.field(default=None, name="firstIP")
    last: str | None = msgspec.field(default=None, name="lastIP")


class EipStatus(RangeStatus):
    used: dict[str, str] | None = None
    released: dict[str, str] | None = None
    free: int | None = None
    pool_size: int | None = None
    v4: bool | None = None
    ready: bool | None = None
    usage: int | None = None
    occupied: bool | None = None
    conditions: list[ConditionShape] | None = None


class EipShape(ObjectShape):
    """network.kubesphere.io/v1alpha2 Eip."""

    spec: EipSpec | None = None
    status: EipStatus | None = None


class AnnouncedEipShape(ObjectShape):
    """The same, without the ledger."""

    spec: EipSpec | None = None
    status: RangeStatus | None = None


class AllocationSpec(Shape):
    eip: str = ""
    used: dict[str, str] | None = None
    released: dict[str, str] | None = None


class AllocationShape(ObjectShape):
    """network.kubesphere.io/v1alpha2 EipAllocation."""

    spec: AllocationSpec | None = None


class ConflictSpec(Shape):
    eip: str = ""
    ip: str = ""
    mac: str = ""
    node: str = ""
    last_seen: str = ""


class ConflictShape(ObjectShape):
    """network.kubesphere.io/v1alpha2 EipConflict."""

    spec: ConflictSpec | None = None


class ReservedFor(Shape):
    namespace: str | None = None
    name: str | None = None
    selector: SelectorShape | None = None


class ReservationSpec(Shape):
    eip: str | None = None
    addresses: list[str] | None = None
    count: int | None = None
    services: ReservedFor | None = None
    expires: str | None = None


class ReservationStatus(Shape):
    addresses: list[str] | None = None
    conditions: list[ConditionShape] | None = None


class ReservationShape(ObjectShape):
    """network.kubesphere.io/v1alpha2 EipReservation."""

    spec: ReservationSpec | None = None
    status: ReservationStatus | None = None


class NamespaceShape(ObjectShape):
    """v1 Namespace."""


class NodeShape(ObjectShape):
    """v1 Node, of which nothing but the metadata is asked for."""


class TaintShape(Shape):
    key: str = ""


class TaintsShape(Shape):
    taints: list[TaintShape] | None = None


class TaintedNodeShape(ObjectShape):
    """v1 Node, as far as its own speaker asks."""

    spec: TaintsShape | None = None


class PortShape(Shape):
    protocol: str | None = None
    port: int = 0


class ServiceSpec(Shape):
    type: str | None = None
    load_balancer_class: str | None = None
    load_balancer_ip: str | None = msgspec.field(default=None, name="loadBalancerIP")
    ip_families: list[str] | None = None
    ip_family_policy: str | None = None
    ports: list[PortShape] | None = None
    selector: dict[str, str] | None = None
    external_traffic_policy: str | None = None


class IngressShape(Shape):
    ip: str | None = None
    hostname: str | None = None


class LoadBalancerShape(Shape):
    ingress: list[IngressShape] | None = None


class ShownStatus(Shape):
    """Of a Service's status, the addresses."""

    load_balancer: LoadBalancerShape | None = None


class ServiceStatus(ShownStatus):
    conditions: list[ConditionShape] | None = None


class ServiceShape(ObjectShape):
    """v1 Service."""

    spec: ServiceSpec | None = None
    status: ServiceStatus | None = None


class AnnouncedServiceShape(ObjectShape):
    """The same, without the conditions."""

    spec: ServiceSpec | None = None
    status: ShownStatus | None = None


class ConfigMapShape(ObjectShape):
    """v1 ConfigMap."""

    data: dict[str, str] | None = None


class EndpointConditions(Shape):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class EndpointShape(Shape):
    node_name: str | None = None
    conditions: EndpointConditions | None = None


class SliceShape(ObjectShape):
    """discovery.k8s.io/v1 EndpointSlice."""

    endpoints: list[EndpointShape] | None = None


class LeaseSpec(Shape):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class LeaseShape(ObjectShape):
    """coordination.k8s.io/v1 Lease."""

    spec: LeaseSpec | None = None


class ListMeta(Shape):
    """meta/v1 ListMeta. `continue_` is empty on the last page."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class PageShape(Shape):
    """Any list, its objects unread."""

    metadata: ListMeta
    items: list[msgspec.Raw] | None = None


class WatchLine(Shape):
    """meta/v1 WatchEvent, its object unread."""

    type: str
    object: msgspec.Raw
