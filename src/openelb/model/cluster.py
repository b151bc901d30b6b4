"""Our words for what the cluster has: pools, Services, speakers. Each holds only what a judgement needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Interface, IPv6Interface
from typing import NamedTuple

from openelb.model.addresses import Address, AddressRange
from openelb.model.findings import Condition


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


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """The status of an Eip: the ledger, and what is derived from it for people."""

    used: Ledger = field(default_factory=dict)
    first: str = ""
    last: str = ""
    size: int = 0
    v4: bool = False
    ready: bool = False
    usage: int = 0
    occupied: bool = False
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """An Eip. `ranges` is empty when `address` cannot be read; `problem` then says why, in a sentence for its author."""

    name: str
    address: str
    ranges: tuple[AddressRange, ...]
    problem: str = ""
    protocol: Protocol = Protocol.BGP
    interface: str = ""
    disabled: bool = False
    default: bool = False
    left_to_cni: bool = False
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    status: PoolStatus = field(default_factory=PoolStatus)
    uid: str = ""
    version: str = ""

    def __contains__(self, address: object) -> bool:
        return any(address in addresses for addresses in self.ranges)


@dataclass(frozen=True, slots=True)
class Service:
    """A Service of any type: one that left the type LoadBalancer may still hold an address.

    `requested_address` is the annotation and `load_balancer_ip` the field of the spec, both as the user wrote them.
    `ingress` holds the addresses of `status.loadBalancer`, in order; `conditions` only ours. `labelled` (it has labels
    at all) and `condition_types` (everybody's, in order) say where a write has to go.
    """

    key: ServiceKey
    load_balancer: bool = True
    load_balancer_class: str = ""
    opt_in: str = ""
    node_proxy: str = ""
    requested_pool: str = ""
    requested_address: str = ""
    load_balancer_ip: str = ""
    requested_protocol: str = ""
    families: tuple[int, ...] = (4,)
    local_traffic_only: bool = False
    pool_label: str = ""
    labelled: bool = True
    finalizers: tuple[str, ...] = ()
    ingress: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    condition_types: tuple[str, ...] = ()
    deleting: bool = False
    created: str = ""
    uid: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """All that we write on a Service: its ingress addresses, the label that names their pool, our finalizer, our conditions."""

    ingress: tuple[str, ...] = ()
    pool_label: str = ""
    guarded: bool = False
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface of a node that is up, with its addresses and their prefixes."""

    name: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = ()


@dataclass(frozen=True, slots=True)
class Speaker:
    """What a speaker says of itself in its Lease. `renewal` changes with every renewal and is compared, never read as a time."""

    node: str
    holder: str
    renewal: str
    links: tuple[Link, ...] = ()
