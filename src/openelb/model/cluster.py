"""Our words for what the cluster has: pools, Services, speakers. Each holds only what a judgement needs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Interface, IPv6Interface
from typing import NamedTuple

from openelb.model.addresses import Address
from openelb.model.findings import Condition
from openelb.model.layer2 import DEFAULTS, Layer2Choices
from openelb.model.probes import NOTHING_FOUND, Found
from openelb.model.ranges import Ranges
from openelb.model.routers import AS_THE_POOL, BY_HOSTS, BgpChoices, ServiceRouting
from openelb.model.selectors import Selector


class ServiceKey(NamedTuple):
    """Which Service; written `namespace/name`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Protocol(StrEnum):
    """How the addresses of a pool are announced."""

    BGP = "bgp"
    LAYER2 = "layer2"
    VIP = "vip"


# Who holds which address of a pool. More than one holder: the address is shared.
Ledger = Mapping[Address, tuple[ServiceKey, ...]]


class Release(NamedTuple):
    """Who gave an address back, and when (seconds since 1970)."""

    key: ServiceKey
    at: float


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a pool's ledger, which is written whole or not at all: who holds what, and what was given back of late.

    The first part is in the Eip's status; what it has no room for continues in EipAllocations, each of them a page with the
    `name` of the object. `pool` is the Eip's name.
    """

    pool: str
    name: str = ""
    used: Ledger = field(default_factory=dict)
    released: Mapping[Address, Release] = field(default_factory=dict)
    uid: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """The status of an Eip: the first page of the ledger, and what is derived from all of it for people.

    `address` is the last `spec.address` that could be read: of a pool whose address was spoilt it tells which are its own.
    """

    used: Ledger = field(default_factory=dict)
    released: Mapping[Address, Release] = field(default_factory=dict)
    address: str = ""
    first: str = ""
    last: str = ""
    size: int = 0
    free: int = 0
    v4: bool = False
    ready: bool = False
    usage: int = 0
    occupied: bool = False
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """An Eip. `ranges` is empty when `address` cannot be read; `problem` then says why, in a sentence for its author.

    `given` is what it gives out of that: not what is excluded. A pool that is bound (by namespaces, their labels or the
    Services' labels) serves those Services that name none; `cooldown` is in seconds, `quota` in addresses for a namespace.
    One that is `forced` may be changed or deleted in ways that admission would refuse. Only the nodes that `node_selector`
    matches announce it.
    """

    name: str
    address: str
    ranges: Ranges
    given: Ranges = field(default_factory=Ranges)
    problem: str = ""
    protocol: Protocol = Protocol.BGP
    interface: str = ""
    node_selector: Selector | None = None
    layer2: Layer2Choices = DEFAULTS
    bgp: BgpChoices = BY_HOSTS
    disabled: bool = False
    default: bool = False
    left_to_cni: bool = False
    namespaces: tuple[str, ...] = ()
    namespace_labels: tuple[tuple[str, str], ...] = ()
    service_selector: Selector | None = None
    priority: int = 0
    cooldown: int = 0
    quota: int | None = None
    adopts: bool = False
    forced: bool = False
    deleting: bool = False
    created: str = ""
    finalizers: tuple[str, ...] = ()
    status: PoolStatus = field(default_factory=PoolStatus)
    uid: str = ""
    version: str = ""

    def __contains__(self, address: object) -> bool:
        return address in self.ranges


@dataclass(frozen=True, slots=True)
class Reservation:
    """An EipReservation: addresses of a pool that only certain Services get, before these exist and after they are gone.

    For the Service `service` of the namespace, or for those that the selector matches, or for all of them. Either certain
    `addresses` or any `count` of the pool, of which `held` are chosen. It ends at `expires` (seconds since 1970).
    """

    name: str
    pool: str
    addresses: tuple[Address, ...] = ()
    count: int = 0
    namespace: str = ""
    service: str = ""
    selector: Selector | None = None
    expires: float = math.inf
    problem: str = ""
    held: tuple[Address, ...] = ()
    conditions: tuple[Condition, ...] = ()
    created: str = ""
    uid: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class BgpObject:
    """A BgpConf or a BgpPeer, as far as its metadata tells. The `edition` changes with what its author wrote."""

    kind: str
    name: str
    left_to_cni: bool = False
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    uid: str = ""
    version: str = ""
    edition: int = 0


class Port(NamedTuple):
    """A port of a Service: `TCP`, `UDP` or `SCTP`, and the number."""

    protocol: str
    number: int


class FamilyPolicy(StrEnum):
    """How many address families a Service wants (v1 Service, `spec.ipFamilyPolicy`)."""

    SINGLE = "SingleStack"
    PREFER_DUAL = "PreferDualStack"
    REQUIRE_DUAL = "RequireDualStack"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user of a Service asks for beyond the families, as it is written in the annotations and in `spec.loadBalancerIP`.

    `pools`, `addresses`, `count`, `sharing_key` and `migrate_to` are ours (`openelb.io/…`); the others upstream's.
    """

    pool: str = ""
    address: str = ""
    load_balancer_ip: str = ""
    protocol: str = ""
    pools: str = ""
    addresses: str = ""
    count: str = ""
    sharing_key: str = ""
    migrate_to: str = ""


NO_WISHES = Wishes()


@dataclass(frozen=True, slots=True)
class Service:
    """A Service of any type: one that left the type LoadBalancer may still hold an address.

    `ingress` holds the addresses of `status.loadBalancer`, in order; `conditions` only ours. `labelled` (it has labels
    at all) and `condition_types` (everybody's, in order) say where a write has to go. `selector` is that of its pods.
    `moving_since` is when it began to show both of the addresses between which it moves (seconds since 1970); 0: it does not.
    """

    key: ServiceKey
    load_balancer: bool = True
    load_balancer_class: str = ""
    opt_in: str = ""
    node_proxy: str = ""
    wishes: Wishes = NO_WISHES
    families: tuple[int, ...] = (4,)
    family_policy: FamilyPolicy = FamilyPolicy.SINGLE
    ports: tuple[Port, ...] = ()
    selector: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    local_traffic_only: bool = False
    pool_label: str = ""
    labelled: bool = True
    finalizers: tuple[str, ...] = ()
    ingress: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    condition_types: tuple[str, ...] = ()
    moving_since: float = 0.0
    routing: ServiceRouting = AS_THE_POOL
    deleting: bool = False
    created: str = ""
    uid: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """All that we write on a Service: its ingress addresses, the label that names their pool, our finalizer, our conditions.
    `proxied` is for the finalizer of upstream's node-proxy, which is never put on and comes off when it guards nothing.
    `why` it gives up what it showed is told and not written; nor is that it `waits` for others than it shows.
    """

    ingress: tuple[str, ...] = ()
    pool_label: str = ""
    guarded: bool = False
    conditions: tuple[Condition, ...] = ()
    proxied: bool = False
    why: str = field(default="", compare=False)
    waits: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the cluster, as far as it concerns who announces: `address` is what its annotation of OpenELB 0.5 says, an IP
    or a CIDR. One that is `drained` announces only what nobody else can.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    drained: bool = False
    cordoned: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface of a node that is up, with its addresses and their prefixes. `mac` is written `02:00:5e:00:53:01`;
    speakers of older releases do not tell it. Where its `gateway_lost`, the gateway of the default route by it answered and
    does not any more.
    """

    name: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    mac: str = ""
    gateway_lost: bool = False

    @property
    def hears_ipv6(self) -> bool:
        """Whether IPv6 is on there: then it has an address, if only one of the link's."""
        return any(address.version == 6 for address in self.addresses)


@dataclass(frozen=True, slots=True)
class Speaker:
    """What a speaker says of itself in its Lease. `renewal` changes with every renewal and is compared, never read as a time.

    It is good for so many `seconds`. The speaker `holds` these addresses though another node comes before it, and nodes that
    are `unheard` are lost to it.
    One that `leaves_when_cordoned` announces then only what nobody else can; so does one whose node is `tainted`, by a taint
    of that key. `found` is what it asked about on LANs. `bgp` stands for the settings of the BgpConf that its gobgpd began with, as
    `plan.turns` writes them; empty while it has none.
    """

    node: str
    holder: str
    renewal: str
    links: tuple[Link, ...] = ()
    seconds: int = 0
    holds: frozenset[Address] = frozenset()
    unheard: frozenset[str] = frozenset()
    leaves_when_cordoned: bool = False
    tainted: str = ""
    found: Found = NOTHING_FOUND
    bgp: str = ""
