"""What Eip and BgpConf objects hold, in both versions, with every field that an older release may have stored.

CustomResourceDefinitions are made from these. They are no decode targets: `kube/decode.py` reads the few fields that
judgements need. A field is annotated with its type, what to tell users about it, any key of its schema that the type
cannot say, and any rule; `rules` are of several fields together. A field without a default is required; a default says what
absence means, or the sentence "Absent means …" does, and is never written into an object. The first version, v1alpha1, has nothing but what is here for it; both versions show the same stored objects.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import Struct, field

from openelb.kube.rules import ADDRESS, EITHER, INTERFACE, OF_AN_EIP, Rule

# One value to the server, not one per key: otherwise `managedFields` repeats every key, which for a ledger is every address.
ATOMIC = {"x-kubernetes-map-type": "atomic"}
BY_TYPE = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}

# RFC 6793: four octets. Older releases declared int32, which leaves out the upper half.
Asn = Annotated[int, {"format": "int64", "minimum": 0, "maximum": 4294967295}]
Int32 = Annotated[int, {"format": "int32"}]
Time = Annotated[str, {"format": "date-time"}]


class Part(Struct, kw_only=True, rename="camel"):
    """A part of an object of the API; its fields are in camelCase there."""

    rules: ClassVar[tuple[Rule, ...]] = ()


class LabelRequirement(Part):
    """One requirement on a label."""

    key: Annotated[str, "The label."]
    operator: Annotated[str, "In, NotIn, Exists or DoesNotExist."]
    values: Annotated[tuple[str, ...], "What In and NotIn compare with."] = ()


class LabelSelector(Part):
    """Which objects, by their labels; all requirements hold."""

    match_labels: Annotated[Mapping[str, str], "Labels that an object has."] = field(default_factory=dict)
    match_expressions: Annotated[tuple[LabelRequirement, ...], "Further requirements."] = ()


class Quota(Part):
    """How much one tenant may have."""

    addresses_per_namespace: Annotated[
        int | None,
        "How many addresses of the pool the Services of one namespace may have; 0 refuses them all. Each Service counts once "
        "for each address it has, also where it shares it. Absent means no limit.",
        {"minimum": 0},
    ] = None


class EipSpec(Part):
    """Which addresses there are, who gets them, and how they are announced."""

    rules = (INTERFACE,)

    address: Annotated[
        str,
        "The addresses: one, a CIDR (its host bits are ignored), a range first-last, or several of these with commas "
        "between; IPv4, IPv6 or both.",
        ADDRESS,
    ]
    protocol: Annotated[
        Literal["bgp", "layer2", "vip"],
        "How the addresses are announced. Absent means bgp. This version announces by layer2; of the others, addresses are "
        "given out and not announced yet.",
    ] = "bgp"
    interface: Annotated[
        str,
        "The network interface of the nodes to announce on: its name, or can_reach:ADDRESS for the one whose network holds "
        "ADDRESS, of either family. A node without it does not answer; for IPv6 addresses, nor does one on which IPv6 is "
        "off. Needed for layer2 and vip.",
    ] = ""
    disable: Annotated[bool, "Give out no more addresses; those in use stay, and are announced."] = False
    using_known_ips: Annotated[bool, "Without effect; kept for objects that have it."] = field(
        name="usingKnownIPs", default=False
    )
    exclude: Annotated[
        tuple[str, ...], "Addresses, CIDRs and ranges of these that are not given out; those in use stay."
    ] = ()
    skip_network_and_broadcast: Annotated[
        bool,
        "Do not give out the first and the last address of each IPv4 CIDR, and the first of each IPv6 CIDR. CIDRs of one or "
        "two addresses, ranges and single addresses stay whole.",
    ] = False
    namespaces: Annotated[tuple[str, ...], "Namespaces, by name, whose Services choose this pool by themselves."] = ()
    namespace_selector: Annotated[
        Mapping[str, str], "Labels, all of which a namespace has whose Services choose this pool by themselves."
    ] = field(default_factory=dict)
    service_selector: Annotated[
        LabelSelector | None,
        "Labels of Services that choose this pool by themselves; with namespaces or namespaceSelector, of these only. Absent "
        "means that labels of Services do not matter.",
        ATOMIC,
    ] = None
    priority: Annotated[int, "Of the pools that are for a Service, the smaller number is tried first."] = 0
    cooldown_seconds: Annotated[
        int,
        "An address that was given back goes to another Service only after so many seconds; one of the same namespace and "
        "name may have it back at once.",
        {"minimum": 0},
    ] = 0
    quota: Annotated[Quota | None, "How much one namespace may have. Absent means no limit."] = None
    adoption: Annotated[
        Literal["OptedIn", "Unclassed"],
        "Unclassed, on a default pool: serve every Service of type LoadBalancer that has no class, also without the annotation.",
    ] = "OptedIn"


class Condition(Part):
    """One observation about an object."""

    type: Annotated[str, "What is observed, for example Ready."]
    status: Annotated[Literal["True", "False", "Unknown"], "Whether it is so."]
    reason: Annotated[str, "Why, as one CamelCase word of the documented list."] = ""
    message: Annotated[str, "Why, and what to do, as a sentence."] = ""
    last_transition_time: Annotated[Time, "When the status last changed."] = ""
    observed_generation: Annotated[int, "The generation of the object that was looked at."] = 0


class EipStatus(Part):
    """Who holds which address, and what follows from it."""

    used: Annotated[
        Mapping[str, str],
        "From each address in use to its Services, as namespace/name, joined by semicolons. Written before an address is shown "
        "anywhere. Of a large pool this is the first part; EipAllocations have the others.",
        ATOMIC,
    ] = field(default_factory=dict)
    released: Annotated[
        Mapping[str, str],
        "With cooldownSeconds, from addresses that were given back of late to who had them, and when: namespace/name, a "
        "space, and the moment.",
        ATOMIC,
    ] = field(default_factory=dict)
    usage: Annotated[int, "How many addresses are in use, in all parts of the ledger."] = 0
    free: Annotated[
        int,
        "How many more addresses could be given out. Excluded ones and those of an older Eip do not count; reserved ones do.",
        {"format": "int64"},
    ] = 0
    address: Annotated[
        str, "The last spec.address that could be read: what the pool has while a later one cannot be."
    ] = ""
    pool_size: Annotated[
        int, "How many addresses spec.address has, excluded ones included; at most 9223372036854775807 is shown."
    ] = 0
    occupied: Annotated[bool, "Whether no address is free."] = False
    first_ip: Annotated[str, "The first address; IPv4 comes before IPv6."] = field(name="firstIP", default="")
    last_ip: Annotated[str, "The last address."] = field(name="lastIP", default="")
    v4: Annotated[bool, "Whether the first address is IPv4."] = False
    ready: Annotated[bool, "Whether the pool can be used and announced; conditions say why not."] = False
    conditions: Annotated[
        tuple[Condition, ...], "What is right and wrong with the pool: Ready, Exhausted and Overlapping.", BY_TYPE
    ] = ()


class EipAllocationSpec(Part):
    """A part of the ledger of an Eip, which its own status has no room for. Written by OpenELB alone."""

    eip: Annotated[str, "The Eip."]
    used: Annotated[
        Mapping[str, str], "From each address in use to its Services, as namespace/name, joined by semicolons.", ATOMIC
    ] = field(default_factory=dict)
    released: Annotated[
        Mapping[str, str],
        "From addresses that were given back of late to who had them, and when: namespace/name, a space, and the moment.",
        ATOMIC,
    ] = field(default_factory=dict)


class ReservedFor(Part):
    """Services. What is absent demands nothing."""

    namespace: Annotated[str, "Their namespace. Absent means any."] = ""
    name: Annotated[str, "Their name; beside it, selector is not looked at. Absent means any."] = ""
    selector: Annotated[LabelSelector | None, "Their labels. Absent means any.", ATOMIC] = None


class EipReservationSpec(Part):
    """Addresses that only certain Services get, before they exist and after they are gone."""

    rules = (OF_AN_EIP, EITHER)

    eip: Annotated[str, "The Eip."]
    addresses: Annotated[tuple[str, ...], "Certain addresses of it. Either this or count."] = ()
    count: Annotated[
        int,
        "So many addresses of it, whichever are free: IPv4 before IPv6, the lowest first. Either this or addresses.",
        {"minimum": 0, "maximum": 1000},
    ] = 0
    services: Annotated[ReservedFor | None, "The Services they are for. Absent means every Service."] = None
    expires: Annotated[Time, "When the reservation ends, for example 2027-01-31T00:00:00Z. Absent means never."] = ""


class EipReservationStatus(Part):
    """What is reserved."""

    addresses: Annotated[
        tuple[str, ...],
        "The addresses chosen for count. They stay the same while nobody else has them and the Eip gives them out.",
    ] = ()
    conditions: Annotated[tuple[Condition, ...], "Ready: whether all is reserved, and why not.", BY_TYPE] = ()


class OldEipSpec(Part):
    """Which addresses there are, and how they are announced."""

    address: Annotated[str, "The addresses: one, a CIDR, or first-last."]
    protocol: Annotated[Literal["bgp", "layer2", "vip"], "How the addresses are announced. Absent means bgp."] = "bgp"
    disable: Annotated[bool, "Give out no more addresses; those in use stay."] = False
    using_known_ips: Annotated[bool, "Without effect; kept for objects that have it."] = field(
        name="usingKnownIPs", default=False
    )


class OldEipStatus(Part):
    """How much of the pool is in use."""

    # Unknown to older releases, and here for what it says to the server: a map that nobody declares is not atomic.
    used: Annotated[Mapping[str, str], "From each address in use to its Services.", ATOMIC] = field(
        default_factory=dict
    )
    usage: Annotated[int, "How many addresses are in use."] = 0
    pool_size: Annotated[int, "How many addresses there are."] = 0
    occupied: Annotated[bool, "Whether all addresses are in use."] = False


class GracefulRestart(Part):
    """RFC 4724, for all peers or for one."""

    enabled: Annotated[bool, "Keep routes while the other side restarts."] = False
    restart_time: Annotated[Int32, "Seconds that the other side waits for our return. Absent means the hold time."] = 0
    helper_only: Annotated[bool, "Help others restart, and ask no help."] = False
    deferral_time: Annotated[Int32, "Seconds to wait for all peers before choosing routes. Absent means 360."] = 360
    notification_enabled: Annotated[bool, "Keep routes after a NOTIFICATION too (RFC 8538)."] = False
    longlived_enabled: Annotated[bool, "Keep stale routes for long (RFC 9494)."] = False
    stale_routes_time: Annotated[Int32, "Seconds that stale routes are kept."] = 0
    peer_restart_time: Annotated[Int32, "Without effect: what the peer asks for."] = 0
    peer_restarting: Annotated[bool, "Without effect: whether the peer is restarting."] = False
    local_restarting: Annotated[bool, "Whether this side is restarting."] = False
    mode: Annotated[str, "Without effect; kept for objects that have it."] = ""


class BgpConfSpec(Part):
    """What this cluster is to BGP routers. Only the object named default counts."""

    as_: Annotated[Asn, "The autonomous system of the cluster."] = field(name="as", default=0)
    as_per_rack: Annotated[
        Mapping[str, Asn],
        "The autonomous system of each rack, by the nodes' label openelb.kubesphere.io/rack. Absent means as for all.",
    ] = field(default_factory=dict)
    router_id: Annotated[str, "The router id. Absent means each node's own address."] = ""
    listen_port: Annotated[Int32, "The port to listen on; below zero, do not listen. Absent means 179."] = 179
    listen_addresses: Annotated[tuple[str, ...], "The addresses to listen on. Absent means all."] = ()
    families: Annotated[tuple[Int32, ...], "Address families by GoBGP's number. Absent means all."] = ()
    use_multiple_paths: Annotated[bool, "Use several paths of equal cost."] = False
    graceful_restart: Annotated[GracefulRestart | None, "Graceful restart, for all peers."] = None
    policy: Annotated[str, "The ConfigMap, in the namespace of OpenELB, with policies under gobgp.conf."] = ""


class NodeConfStatus(Part):
    """What one node is to BGP routers."""

    as_: Annotated[Asn, "Its autonomous system."] = field(name="as", default=0)
    router_id: Annotated[str, "Its router id."] = ""


class BgpConfStatus(Part):
    """What each node is to BGP routers."""

    nodes_conf_status: Annotated[Mapping[str, Annotated[NodeConfStatus, ATOMIC]], "By node."] = field(
        default_factory=dict
    )


class OldBgpConfSpec(Part):
    """What this cluster is to BGP routers, as the first version said it. Nothing reads these fields any more."""

    as_: Annotated[Asn, "The autonomous system of the cluster."] = field(name="as", default=0)
    port: Annotated[Int32, "The port to listen on."] = 179
    router_id: Annotated[str, "The router id."] = field(name="routerID", default="")


class Nothing(Part):
    """No field is known."""
