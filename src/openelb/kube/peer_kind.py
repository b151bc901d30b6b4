"""What BgpPeer objects hold, in both versions. The names are GoBGP's, whose text form users' objects are written in."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import field

from openelb.kube.conf_kind import GracefulRestart
from openelb.kube.kinds import (
    ATOMIC,
    BY_TYPE,
    UNSIGNED,
    AnyAsn,
    Asn,
    Attributes,
    Condition,
    Int32,
    LabelSelector,
    Part,
)
from openelb.kube.rules import (
    LONG_ENOUGH,
    MULTIHOP_OR_SECURITY,
    NEAR_OR_FAR,
    ONE_PASSWORD,
    ONE_WAY_TO_KNOW,
    SECONDS,
)


class PeerConf(Part):
    """Who the peer is."""

    rules = (ONE_WAY_TO_KNOW,)

    neighbor_address: Annotated[str, "The peer's address."] = ""
    peer_as: Annotated[Asn, "The peer's autonomous system."] = 0
    local_as: Annotated[Asn, "Our autonomous system towards this peer. Absent means that of the BgpConf."] = 0
    auth_password: Annotated[str, "The password (TCP-MD5, RFC 2385), readable by whoever reads this object."] = ""
    description: Annotated[str, "A note for people."] = ""
    peer_group: Annotated[str, "Not supported: a BgpPeer that has it is refused."] = ""
    peer_type: Annotated[Int32, "Without effect: follows from the autonomous systems."] = 0
    remove_private_as: Annotated[str, "Remove private autonomous systems from paths: ALL or REPLACE."] = ""
    replace_peer_as: Annotated[bool, "Replace the peer's autonomous system in paths by ours."] = False
    allow_own_as: Annotated[Int32, "How often our own autonomous system may be in a received path."] = 0
    admin_down: Annotated[bool, "Keep the session down."] = False
    route_flap_damping: Annotated[bool, "Without effect; kept for objects that have it."] = False
    send_community: Annotated[Int32, "Without effect: communities are always sent."] = 0
    neighbor_interface: Annotated[str, "The interface that the peer is reached by, for unnumbered sessions."] = ""
    neighbor_prefix: Annotated[
        str, "Instead of an address: peers of this autonomous system are accepted from anywhere in the prefix."
    ] = ""
    vrf: Annotated[str, "Not supported: a BgpPeer that has it is refused."] = ""


class EbgpMultihop(Part):
    """Whether the peer may be more than one hop away."""

    enabled: Annotated[bool, "Whether it may."] = False
    multihop_ttl: Annotated[Int32, "The TTL to send with. Absent means 255."] = 255


class TimersConfig(Part):
    """Seconds, written as text."""

    connect_retry: Annotated[str, "Seconds between attempts to connect. Absent means 10.", SECONDS] = "10"
    hold_time: Annotated[
        str, "Seconds of silence after which the session is lost. Absent means 90.", SECONDS, LONG_ENOUGH
    ] = "90"
    keepalive_interval: Annotated[str, "Seconds between keepalives. Absent means a third of holdTime.", SECONDS] = ""
    minimum_advertisement_interval: Annotated[str, "Without effect; kept for objects that have it."] = ""


class Timers(Part):
    """How patient the session is."""

    config: Annotated[TimersConfig | None, "The timers."] = None


class Transport(Part):
    """The TCP connection below the session."""

    passive_mode: Annotated[bool, "Wait for the peer to connect."] = False
    remote_port: Annotated[Int32, "The peer's port. Absent means 179."] = 179
    local_address: Annotated[str, "Our address of the session. Absent means that of the way to the peer."] = ""
    mtu_discovery: Annotated[bool, "Without effect; kept for objects that have it."] = False
    remote_address: Annotated[str, "Without effect; kept for objects that have it."] = ""
    tcp_mss: Annotated[Int32, "Without effect; kept for objects that have it."] = 0


class Family(Part):
    """An address family, by GoBGP's names."""

    afi: Annotated[str, "AFI_IP or AFI_IP6."] = ""
    safi: Annotated[str, "SAFI_UNICAST."] = ""


class AfiSafiConfig(Part):
    """Which address family."""

    family: Annotated[Family | None, "The address family."] = None
    enabled: Annotated[bool, "Whether it is spoken."] = False


class AddPathsConfig(Part):
    """Several paths for one route (RFC 7911)."""

    receive: Annotated[bool, "Whether to receive them."] = False
    send_max: Annotated[Int32, "How many to send at most."] = 0


class AddPaths(Part):
    """Several paths for one route (RFC 7911)."""

    config: Annotated[AddPathsConfig | None, "What is sent and received."] = None


class MpGracefulRestartConfig(Part):
    """Graceful restart of one address family."""

    enabled: Annotated[bool, "Whether it takes part. Absent means as for the session."] = False


class MpGracefulRestart(Part):
    """Graceful restart of one address family."""

    config: Annotated[MpGracefulRestartConfig | None, "Whether it takes part. Absent means as for the session."] = None


class AfiSafi(Part):
    """An address family of the session."""

    config: Annotated[
        AfiSafiConfig | None, "Which one. Absent means that of the peer's address; IPv4 where it has none."
    ] = None
    add_paths: Annotated[AddPaths | None, "Several paths for one route (RFC 7911)."] = None
    mp_graceful_restart: Annotated[
        MpGracefulRestart | None, "Graceful restart of this family. Absent means as for the session."
    ] = None


class TtlSecurity(Part):
    """Whether packets from further away than the peer are thrown away (RFC 5082)."""

    enabled: Annotated[bool, "Whether they are."] = False
    ttl_min: Annotated[
        Int32, "The least TTL of a packet from the peer: 255 when it is on the next link. Absent means 255."
    ] = 255


class SecretRef(Part):
    """A value of a Secret in the namespace of OpenELB."""

    name: Annotated[str, "The Secret."]
    key: Annotated[str, "The key of the value in it."]


class Bfd(Part):
    """Bidirectional forwarding detection (RFC 5881): a peer on the next link that is silent is lost within a second."""

    min_transmit_interval_milliseconds: Annotated[
        int, "Milliseconds between our packets at the least. Absent means 300.", {"minimum": 10, "maximum": 60000}
    ] = 300
    min_receive_interval_milliseconds: Annotated[
        int,
        "Milliseconds between the peer's packets at the least. Absent means 300.",
        {"minimum": 10, "maximum": 60000},
    ] = 300
    detect_multiplier: Annotated[
        int,
        "After how many packets that did not come the peer is lost. Absent means 3.",
        {"minimum": 1, "maximum": 255},
    ] = 3
    arm: Annotated[
        Literal["Established", "Always"],
        "Established: BFD runs while the session is established. Always: also before, for routers that want BFD first.",
    ] = "Established"


class BgpPeerSpec(Attributes):
    """A router, and how to talk with it."""

    rules = (NEAR_OR_FAR, MULTIHOP_OR_SECURITY, ONE_PASSWORD)

    local_preference: Annotated[
        int | None,
        "Local preference, for peers of the same autonomous system. Absent means that of the Service or its pool.",
        UNSIGNED,
    ] = None
    med: Annotated[
        int | None,
        "The metric that neighbouring systems compare (MULTI_EXIT_DISC). Absent means that of the Service or its pool.",
        UNSIGNED,
    ] = None
    conf: Annotated[PeerConf | None, "Who the peer is."] = None
    ebgp_multihop: Annotated[EbgpMultihop | None, "Whether it may be more than one hop away."] = None
    timers: Annotated[Timers | None, "How patient the session is."] = None
    transport: Annotated[Transport | None, "The TCP connection below the session."] = None
    graceful_restart: Annotated[GracefulRestart | None, "Graceful restart with this peer."] = None
    afi_safis: Annotated[
        tuple[AfiSafi, ...],
        "Address families. Each takes part in gracefulRestart unless its mpGracefulRestart says otherwise. Absent means that of the "
        "peer's address; IPv4 and IPv6 where it is reached by neighborInterface.",
    ] = ()
    node_selector: Annotated[LabelSelector | None, "The nodes that talk with it. Absent means all.", ATOMIC] = None
    ttl_security: Annotated[TtlSecurity | None, "Whether packets from further away are thrown away (RFC 5082)."] = None
    auth_password_secret_ref: Annotated[
        SecretRef | None,
        "Where the password is (TCP-MD5, RFC 2385), instead of in conf.authPassword. Absent means none.",
    ] = None
    bfd: Annotated[Bfd | None, "Bidirectional forwarding detection. Absent means none."] = None
    service_selector: Annotated[
        LabelSelector | None, "Labels of the Services whose addresses it gets. Absent means all.", ATOMIC
    ] = None
    pools: Annotated[tuple[str, ...], "The Eips whose addresses it gets. Absent means all."] = ()
    prepend: Annotated[
        int,
        "How many times more our autonomous system stands in the path, which makes it longer.",
        {"minimum": 0, "maximum": 10},
    ] = 0
    max_prefixes: Annotated[
        int,
        "A peer that sends more routes than this is shut down; none of them is ever used, and 100,000 take 64 MB of gobgpd, whose "
        "container may have 160. Absent means 100,000.",
        UNSIGNED,
    ] = 0


class Message(Part):
    """Counters of messages, as text."""

    open: Annotated[str, "OPEN messages."] = ""
    update: Annotated[str, "UPDATE messages."] = ""
    notification: Annotated[str, "NOTIFICATION messages."] = ""
    keepalive: Annotated[str, "KEEPALIVE messages."] = ""
    refresh: Annotated[str, "ROUTE-REFRESH messages."] = ""
    discarded: Annotated[str, "Messages thrown away."] = ""
    total: Annotated[str, "All messages."] = ""
    withdraw_update: Annotated[str, "Messages that withdrew routes."] = ""
    withdraw_prefix: Annotated[str, "Routes withdrawn."] = ""


class Messages(Part):
    """Counters of messages."""

    received: Annotated[Message | None, "From the peer."] = None
    sent: Annotated[Message | None, "To the peer."] = None


class Queues(Part):
    """Messages that wait."""

    input: Annotated[Int32, "From the peer."] = 0
    output: Annotated[Int32, "To the peer."] = 0


class PeerState(Part):
    """A session as GoBGP reports it."""

    session_state: Annotated[str, "IDLE, CONNECT, ACTIVE, OPENSENT, OPENCONFIRM or ESTABLISHED."] = ""
    admin_state: Annotated[str, "DOWN when it is kept down."] = ""
    neighbor_address: Annotated[str, "The peer's address."] = ""
    peer_as: Annotated[AnyAsn, "The peer's autonomous system."] = 0
    local_as: Annotated[AnyAsn, "Our autonomous system."] = 0
    router_id: Annotated[str, "The peer's router id."] = ""
    peer_type: Annotated[Int32, "0 inside an autonomous system, 1 between two."] = 0
    messages: Annotated[Messages | None, "Counters of messages, up to 5 minutes old."] = None
    queues: Annotated[Queues | None, "Messages that wait."] = None
    out_q: Annotated[Int32, "Messages that wait to be sent."] = 0
    flops: Annotated[Int32, "How often the session was lost."] = 0
    auth_password: Annotated[str, "Never filled."] = ""
    description: Annotated[str, "The note for people."] = ""
    peer_group: Annotated[str, "The peer group."] = ""
    remove_private_as: Annotated[Int32, "How private autonomous systems are removed, by GoBGP's number."] = 0
    route_flap_damping: Annotated[bool, "Never filled."] = False
    send_community: Annotated[Int32, "Never filled."] = 0


class TimersState(Part):
    """Timers of a session, in seconds written as text."""

    connect_retry: Annotated[str, "Seconds between attempts to connect."] = ""
    hold_time: Annotated[str, "Seconds of silence that we offered."] = ""
    keepalive_interval: Annotated[str, "Seconds between keepalives."] = ""
    minimum_advertisement_interval: Annotated[str, "Seconds between updates."] = ""
    negotiated_hold_time: Annotated[str, "Seconds of silence that both sides agreed on."] = ""
    uptime: Annotated[str, "When the session was established."] = ""
    downtime: Annotated[str, "When the session was lost."] = ""


class NodePeerStatus(Part):
    """The session of one node with the peer."""

    peer_state: Annotated[PeerState | None, "The session."] = None
    timers_state: Annotated[TimersState | None, "Its timers."] = None
    problem: Annotated[str, "Why there is no session, and what to do, as a sentence."] = ""


class BgpPeerStatus(Part):
    """The sessions of the nodes with the peer."""

    nodes_peer_status: Annotated[Mapping[str, Annotated[NodePeerStatus, ATOMIC]], "By node."] = field(
        default_factory=dict
    )
    conditions: Annotated[
        tuple[Condition, ...],
        "Established: with how many nodes the session is, and what is wrong with the others.",
        BY_TYPE,
    ] = ()


class OldPeerConf(Part):
    """Who the peer is."""

    neighbor_address: Annotated[str, "The peer's address."] = ""
    peer_as: Annotated[AnyAsn, "The peer's autonomous system."] = 0


class OldAddPaths(Part):
    """Several paths for one route (RFC 7911)."""

    send_max: Annotated[int, "How many to send at most."] = 0


class OldTransport(Part):
    """The TCP connection below the session."""

    passive_mode: Annotated[bool, "Wait for the peer to connect."] = False
    remote_port: Annotated[int, "The peer's port. Absent means 179."] = 179


class OldBgpPeerSpec(Part):
    """A router, as the first version said it. Only its transport is read, as v1alpha2 has it."""

    config: Annotated[OldPeerConf | None, "Without effect: who the peer is, v1alpha2 has in conf."] = None
    add_paths: Annotated[OldAddPaths | None, "Without effect: v1alpha2 has it in afiSafis."] = None
    transport: Annotated[OldTransport | None, "The TCP connection below the session."] = None
    using_port_forward: Annotated[bool, "Without effect; kept for objects that have it."] = False
