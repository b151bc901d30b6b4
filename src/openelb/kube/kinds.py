"""What Eips and the objects beside them hold, in both versions, with every field that an older release may have stored.

CustomResourceDefinitions are made from these. They are no decode targets: `kube/decode.py` reads the few fields that
judgements need. A field is annotated with its type, what to tell users about it, any key of its schema that the type
cannot say, and any rule; `rules` are of several fields together. A field without a default is required; a default says what
absence means, or the sentence "Absent means …" does, and is never written into an object. The first version, v1alpha1, has nothing but what is here for it; both versions show the same stored objects.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import Struct, field

from openelb.kube.fields import MOST_COMMUNITIES
from openelb.kube.rules import (
    ADDRESS,
    COMMUNITY,
    EITHER,
    INTERFACE,
    LARGE_COMMUNITY,
    OF_AN_EIP,
    SOMEBODYS_OWN,
    Rule,
)

# One value to the server, not one per key: otherwise `managedFields` repeats every key, which for a ledger is every address.
ATOMIC = {"x-kubernetes-map-type": "atomic"}
BY_TYPE = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}

# RFC 6793: four octets. Older releases declared int32, which leaves out the upper half.
Asn = Annotated[int, {"format": "int64", "minimum": 0, "maximum": 4294967295}, SOMEBODYS_OWN]
AnyAsn = Annotated[
    int, {"format": "int64", "minimum": 0, "maximum": 4294967295}
]  # also what was taken before, or is only shown
Int32 = Annotated[int, {"format": "int32"}]
UNSIGNED = {"format": "int64", "minimum": 0, "maximum": 4294967295}
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


class Layer2(Part):
    """How the addresses are announced by layer2."""

    profile: Annotated[
        Literal["Default", "Fast"],
        "How soon a silent node is held to be lost: Default takes half a second, Fast a fifth of one and twice the heartbeats.",
    ] = "Default"
    failback: Annotated[
        bool, "Return an address to the node that it was on when that is back. Absent means that it stays where it is."
    ] = False
    probe: Annotated[
        Literal["Fast", "RFC5227", "Off"],
        "How it is found out, before an address is first used, whether somebody else on the LAN has it: Fast sends 3 probes in "
        "600 ms, RFC5227 takes the 4 to 7 seconds of that standard.",
    ] = "Fast"
    on_conflict: Annotated[
        Literal["Defend", "Yield", "Report"],
        "What is done when another machine claims an address that is in use: Defend announces it again, at most once in 10 "
        "seconds; Yield leaves it to the other; Report only tells.",
    ] = "Defend"
    answer: Annotated[
        Literal["Socket", "Kernel", "Auto"],
        "Who answers questions: Socket is the speaker itself, Kernel a small program that it loads into the kernel, Auto the "
        "kernel where that works and the speaker elsewhere.",
    ] = "Socket"
    restart_grace_seconds: Annotated[
        int,
        "How long addresses stay with a node whose speaker is started anew. Absent means 3.",
        {"minimum": 0, "maximum": 60},
    ] = 3


class Attributes(Part):
    """What routes are announced with."""

    communities: Annotated[
        tuple[Annotated[str, {"maxLength": 64}, COMMUNITY], ...],
        "Communities (RFC 1997), as 65000:100 or by name, as no-export; 32 at most.",
        {"maxItems": MOST_COMMUNITIES},
    ] = ()
    large_communities: Annotated[
        tuple[Annotated[str, {"maxLength": 64}, LARGE_COMMUNITY], ...],
        "Large communities (RFC 8092), as 65000:1:2; 32 at most.",
        {"maxItems": MOST_COMMUNITIES},
    ] = ()
    local_preference: Annotated[
        int | None, "Local preference, for peers of the same autonomous system. Absent means 100.", UNSIGNED
    ] = None
    med: Annotated[
        int | None, "The metric that neighbouring systems compare (MULTI_EXIT_DISC). Absent means none.", UNSIGNED
    ] = None


class Bgp(Attributes):
    """How the addresses are announced by bgp."""

    announce: Annotated[
        Literal["Hosts", "Aggregate"],
        "Hosts: a route for each address in use. Aggregate: one for each CIDR of spec.address, while a node announces any "
        "address of it.",
    ] = "Hosts"


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
        "How the addresses are announced. Absent means bgp. This version announces by layer2 and bgp; of vip, addresses are "
        "given out and nobody announces them.",
    ] = "bgp"
    interface: Annotated[
        str,
        "The network interface of the nodes to announce on: its name, a pattern such as eth*, can_reach:ADDRESS for the one "
        "whose network holds ADDRESS, auto for the one whose network holds the address to announce, or several of these with "
        "commas between. A node without it does not answer; for IPv6 addresses, nor does one on which IPv6 is off. Needed "
        "for layer2 and vip.",
    ] = ""
    node_selector: Annotated[
        LabelSelector | None, "Labels of the nodes that announce the addresses. Absent means every node.", ATOMIC
    ] = None
    layer2: Annotated[Layer2 | None, "How the addresses are announced by layer2. Absent means all defaults."] = None
    bgp: Annotated[Bgp | None, "How the addresses are announced by bgp. Absent means all defaults."] = None
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


class EipConflictSpec(Part):
    """An address of an Eip that a machine on the LAN has which is no node of this cluster. Written by OpenELB alone."""

    eip: Annotated[str, "The Eip."]
    ip: Annotated[str, "The address."]
    mac: Annotated[str, "The MAC by which that machine says that it has it."] = ""
    node: Annotated[str, "The node that asked."] = ""
    last_seen: Annotated[Time, "When it was last found so; at least every ten minutes while it is."] = ""


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


class Nothing(Part):
    """No field is known."""
