"""What authors write about BGP: the BgpConf, each BgpPeer, and `spec.bgp` of an Eip.

Not known here: what becomes of it on one node (`model/bgp.py`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from openelb.model.bgp import PORT, GracefulRestart, Peer
from openelb.model.findings import Condition
from openelb.model.selectors import Selector

CONF = "default"
"""The name of the one BgpConf that counts."""


LINGER_SECONDS = 5
"""A roll-out that replaces the only endpoint of a Service takes longer at times than its routes should flap for."""


class NextHops(StrEnum):
    """Which nodes a speaker announces: its own, or like upstream every one that may."""

    SELF = "Self"
    NODES = "Nodes"


class DrainMethod(StrEnum):
    """How routers are asked to prefer others before routes are withdrawn."""

    GRACEFUL_SHUTDOWN = "GracefulShutdown"
    PREPEND = "Prepend"
    MED = "Med"


@dataclass(frozen=True, slots=True)
class Drain:
    """How a node leaves: routers are asked to prefer others, by that method, and have so many seconds for it."""

    wait_seconds: int = 5
    method: DrainMethod = DrainMethod.GRACEFUL_SHUTDOWN


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a route is announced with."""

    communities: frozenset[str] = frozenset()
    large_communities: frozenset[str] = frozenset()
    local_pref: int | None = None
    med: int | None = None


NO_ATTRIBUTES = Attributes()


@dataclass(frozen=True, slots=True)
class ServiceRouting:
    """What a Service's annotations say about its routes: `peers` are BgpPeers by name, None: all. `problem` says what of it cannot
    be understood, and has no effect.
    """

    attributes: Attributes = NO_ATTRIBUTES
    peers: frozenset[str] | None = None
    problem: str = ""


AS_THE_POOL = ServiceRouting()
"""Of a Service whose annotations say nothing about routes."""


class Announce(StrEnum):
    """Whether each address of a pool gets a route of its own, or the pool's networks get one."""

    HOSTS = "Hosts"
    AGGREGATE = "Aggregate"


@dataclass(frozen=True, slots=True)
class BgpChoices:
    """What the author of a pool may choose about its announcement by BGP (`spec.bgp` of an Eip)."""

    announce: Announce = Announce.HOSTS
    attributes: Attributes = NO_ATTRIBUTES


BY_HOSTS = BgpChoices()
"""What a pool has whose author chose nothing."""


@dataclass(frozen=True, slots=True)
class BgpConf:
    """A BgpConf. Only that named `default` counts. `problem` says why it cannot be used, in a sentence for its author.

    An `asn` of 0 is absent; so is an empty `router_id`, `families` (GoBGP's numbers) or `policy` (a ConfigMap's name). For `linger`
    seconds an address is still announced whose Service has no ready endpoint anywhere any more.
    """

    name: str
    asn: int = 0
    asn_per_rack: tuple[tuple[str, int], ...] = ()
    router_id: str = ""
    listen_port: int = PORT
    listen_addresses: tuple[str, ...] = ()
    families: tuple[int, ...] = ()
    multipath: bool = False
    graceful_restart: GracefulRestart | None = None
    policy: str = ""
    next_hops: NextHops = NextHops.SELF
    drain: Drain = Drain()
    linger: int = LINGER_SECONDS
    problem: str = ""
    conditions: tuple[Condition, ...] = ()
    left_to_cni: bool = False
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    uid: str = ""
    version: str = ""


NO_CONF = BgpConf(CONF)
"""What holds where nobody wrote anything."""


class SecretKey(NamedTuple):
    """A value of a Secret of our namespace."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class BgpPeer:
    """A BgpPeer: the session as its author wrote it, and which nodes have it.

    `peer` is what a node is told, but for a password that is in a Secret. Only the addresses of `pools`, and those of Services
    that `service_selector` matches, are announced to it; None and no pools mean all. What it is told has these `attributes`, and our
    own autonomous system `prepend` times more in its path. `problem` says why it cannot be used.
    """

    name: str
    peer: Peer = field(default_factory=Peer)
    secret: SecretKey | None = None
    node_selector: Selector | None = None
    service_selector: Selector | None = None
    pools: frozenset[str] = frozenset()
    attributes: Attributes = NO_ATTRIBUTES
    prepend: int = 0
    problem: str = ""
    conditions: tuple[Condition, ...] = ()
    left_to_cni: bool = False
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    created: str = ""
    uid: str = ""
    version: str = ""
