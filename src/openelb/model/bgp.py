"""What a node is to BGP routers: one instance of BGP, its peers and its paths, and what is known of each session.

In GoBGP's terms, of which each value holds what can be chosen through our kinds. Not known here: objects of the cluster, and the
policies that stand between paths and peers (`model/policy.py`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from openelb.model.addresses import Address

Prefix = IPv4Network | IPv6Network

PORT = 179
"""Where BGP listens (RFC 4271, section 8)."""


class Family(StrEnum):
    """The address families that we have routes of (RFC 4760)."""

    IPV4 = "ipv4-unicast"
    IPV6 = "ipv6-unicast"

    @classmethod
    def of(cls, version: int) -> "Family":
        """That of an IP version."""
        return cls.IPV4 if version == 4 else cls.IPV6


@dataclass(frozen=True, slots=True)
class GracefulRestart:
    """Routes stay while a speaker of BGP restarts (RFC 4724). Times are seconds; of absent ones GoBGP has defaults.

    With `notification`, also after a NOTIFICATION (RFC 8538); with `long_lived`, much longer and as a last resort (RFC 9494). Who
    is `helper_only` keeps the other's routes and asks for nothing.
    """

    restart_time: int = 0
    deferral_time: int = 0
    stale_routes_time: int = 0
    helper_only: bool = False
    notification: bool = False
    long_lived: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    """What GoBGP calls global. It cannot change while BGP runs: another value ends every session of the node.

    A `listen_port` below zero never listens. `families` are GoBGP's numbers; none means all of them. `graceful_restart` is kept by
    GoBGP and used nowhere: what is to hold for sessions has to stand with each peer.
    """

    asn: int
    router_id: str
    listen_port: int = PORT
    listen_addresses: tuple[str, ...] = ()
    families: tuple[int, ...] = ()
    multipath: bool = False
    graceful_restart: GracefulRestart | None = None


class Arm(StrEnum):
    """When a session is watched by BFD."""

    ESTABLISHED = "Established"
    """While it is established. GoBGP 4.8 would otherwise reset, without end, a session that is to come up before BFD is."""

    ALWAYS = "Always"
    """For routers that want BFD to be up before they speak BGP (strict mode)."""


@dataclass(frozen=True, slots=True)
class Bfd:
    """Bidirectional forwarding detection with a peer one hop away (RFC 5881). Intervals are milliseconds.

    Peers that are accepted from anywhere in a range are watched only by `Arm.ALWAYS`.
    """

    min_transmit: int = 300
    min_receive: int = 300
    multiplier: int = 3
    arm: Arm = Arm.ESTABLISHED


@dataclass(frozen=True, slots=True)
class PeerFamily:
    """What is spoken of one address family. `send_max` paths of a prefix are sent at most (RFC 7911; 0: the best one alone).

    A peer that sends more than `max_prefixes` is shut down (0: no limit). `long_lived` are seconds.
    """

    family: Family
    send_max: int = 0
    receive_paths: bool = False
    graceful_restart: bool = False
    long_lived: int = 0
    max_prefixes: int = 0


class Reach(StrEnum):
    """What became of a connection that was tried to a router's port, and given up at once."""

    OPEN = "open"
    CLOSED = "closed"
    """The router took it and let go of it."""
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    NO_WAY = "no way"


class RemovePrivate(StrEnum):
    """What is done with private autonomous systems in the paths that are sent."""

    ALL = "ALL"
    REPLACE = "REPLACE"


@dataclass(frozen=True, slots=True)
class Peer:
    """A session that this node is to have. Seconds; what is zero or empty is left to GoBGP, whose own default it then has.

    Known by its `address`, by the `interface` that it is the only neighbour on (unnumbered), or, when peers are to be accepted
    from anywhere in a range, by that `prefix`. `ttl_min` is what a packet's TTL must have at least (RFC 5082); `multihop_ttl` is
    what ours has where the peer may be further away than the next link.
    """

    address: str = ""
    interface: str = ""
    prefix: str = ""
    peer_asn: int = 0
    local_asn: int = 0
    password: str = field(default="", repr=False)
    description: str = ""
    admin_down: bool = False
    remove_private: RemovePrivate | None = None
    replace_peer_asn: bool = False
    allow_own_asn: int = 0
    multihop_ttl: int = 0
    ttl_min: int = 0
    hold_time: int = 0
    keepalive_interval: int = 0
    connect_retry: int = 0
    passive: bool = False
    remote_port: int = 0
    local_address: str = ""
    graceful_restart: GracefulRestart | None = None
    families: tuple[PeerFamily, ...] = ()
    bfd: Bfd | None = None

    @property
    def key(self) -> str:
        """What tells it from the other peers of its node."""
        return self.address or self.interface or self.prefix


@dataclass(frozen=True, slots=True)
class Path:
    """A way to a prefix, as it is told to peers before policies have their say. `identifier` tells apart the paths of one prefix.

    Communities are written as usual: `65000:100`, `65000:1:2` (large), a name of RFC 1997.
    """

    prefix: Prefix
    next_hop: Address
    identifier: int = 0
    communities: frozenset[str] = frozenset()
    large_communities: frozenset[str] = frozenset()
    local_pref: int | None = None
    med: int | None = None

    def __hash__(self) -> int:
        """By what tells paths apart, in a fifth of the time that all fields take: there are tens of thousands."""
        return int(self.prefix.network_address) * 31 + self.identifier


class SessionState(StrEnum):
    """States of a session (RFC 4271, section 8.2.2), as upstream's status spells them."""

    IDLE = "IDLE"
    CONNECT = "CONNECT"
    ACTIVE = "ACTIVE"
    OPENSENT = "OPENSENT"
    OPENCONFIRM = "OPENCONFIRM"
    ESTABLISHED = "ESTABLISHED"


@dataclass(frozen=True, slots=True)
class Messages:
    """How many messages went one way."""

    opened: int = 0
    update: int = 0
    notification: int = 0
    keepalive: int = 0
    refresh: int = 0
    discarded: int = 0
    total: int = 0
    withdraw_update: int = 0
    withdraw_prefix: int = 0


@dataclass(frozen=True, slots=True)
class FamilyCounts:
    """Prefixes of one family: received from the peer, accepted of them, advertised to it."""

    received: int = 0
    accepted: int = 0
    advertised: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A session as GoBGP reports it. `since` are seconds since 1970: when it was established, or when it was lost; 0: never.

    `reason` is why it was lost last, `said` what came with it. `restarts` is whether both sides keep routes through a restart of
    this node, for `restart_time` seconds. `bfd_up` is None where BFD is not asked for; `bfd` is what is asked for now. `prefix` is
    the range that the peer was accepted from, where it was: its `key` is then its address. The families that are `unshared` the
    router does not speak, and `flaps` says that it was lost again and again of late.
    """

    key: str
    prefix: str = ""
    state: SessionState = SessionState.IDLE
    peer_asn: int = 0
    local_asn: int = 0
    router_id: str = ""
    local_address: str = ""
    admin_down: bool = False
    over_limit: bool = False
    since: float = 0.0
    reason: str = ""
    said: str = ""
    hold_time: int = 0
    keepalive_interval: int = 0
    restarts: bool = False
    restart_time: int = 0
    bfd_up: bool | None = None
    bfd: Bfd | None = None
    received: Messages = Messages()
    sent: Messages = Messages()
    counts: tuple[tuple[Family, FamilyCounts], ...] = ()
    unshared: tuple[Family, ...] = ()
    flaps: bool = False

    @property
    def is_established(self) -> bool:
        """Whether routes are exchanged."""
        return self.state is SessionState.ESTABLISHED
