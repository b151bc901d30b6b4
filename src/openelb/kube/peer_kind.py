"""What BgpPeer objects hold, in both versions. The names are GoBGP's, whose text form users' objects are written in."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import field

from openelb.kube.kinds import ATOMIC, Asn, GracefulRestart, Int32, LabelSelector, Part


class PeerConf(Part):
    """Who the peer is."""

    neighbor_address: Annotated[str, "The peer's address."] = ""
    peer_as: Annotated[Asn, "The peer's autonomous system."] = 0
    local_as: Annotated[Asn, "Our autonomous system towards this peer. Absent means that of the BgpConf."] = 0
    auth_password: Annotated[str, "The password (TCP-MD5, RFC 2385), readable by whoever reads this object."] = ""
    description: Annotated[str, "A note for people."] = ""
    peer_group: Annotated[str, "A peer group of GoBGP."] = ""
    peer_type: Annotated[Int32, "Without effect: follows from the autonomous systems."] = 0
    remove_private_as: Annotated[str, "Remove private autonomous systems from paths: ALL or REPLACE."] = ""
    replace_peer_as: Annotated[bool, "Replace the peer's autonomous system in paths by ours."] = False
    allow_own_as: Annotated[Int32, "How often our own autonomous system may be in a received path."] = 0
    admin_down: Annotated[bool, "Keep the session down."] = False
    route_flap_damping: Annotated[bool, "Without effect; kept for objects that have it."] = False
    send_community: Annotated[Int32, "Without effect: communities are always sent."] = 0
    neighbor_interface: Annotated[str, "The interface that the peer is reached by, for unnumbered sessions."] = ""
    vrf: Annotated[str, "A VRF of GoBGP."] = ""


class EbgpMultihop(Part):
    """Whether the peer may be more than one hop away."""

    enabled: Annotated[bool, "Whether it may."] = False
    multihop_ttl: Annotated[Int32, "The TTL to send with. Absent means 255."] = 255


class TimersConfig(Part):
    """Seconds, written as text."""

    connect_retry: Annotated[str, "Seconds between attempts to connect. Absent means 120."] = "120"
    hold_time: Annotated[str, "Seconds of silence after which the session is lost. Absent means 90."] = "90"
    keepalive_interval: Annotated[str, "Seconds between keepalives. Absent means a third of holdTime."] = ""
    minimum_advertisement_interval: Annotated[str, "Without effect; kept for objects that have it."] = ""


class Timers(Part):
    """How patient the session is."""

    config: Annotated[TimersConfig | None, "The timers."] = None


class Transport(Part):
    """The TCP connection below the session."""

    passive_mode: Annotated[bool, "Wait for the peer to connect."] = False
    remote_port: Annotated[Int32, "The peer's port. Absent means 179."] = 179
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

    enabled: Annotated[bool, "Whether it takes part."] = False


class MpGracefulRestart(Part):
    """Graceful restart of one address family."""

    config: Annotated[MpGracefulRestartConfig | None, "Whether it takes part."] = None


class AfiSafi(Part):
    """An address family of the session."""

    config: Annotated[AfiSafiConfig | None, "Which one. Absent means that of the peer's address."] = None
    add_paths: Annotated[AddPaths | None, "Several paths for one route (RFC 7911)."] = None
    mp_graceful_restart: Annotated[MpGracefulRestart | None, "Graceful restart of this family."] = None


class BgpPeerSpec(Part):
    """A router, and how to talk with it."""

    conf: Annotated[PeerConf | None, "Who the peer is."] = None
    ebgp_multihop: Annotated[EbgpMultihop | None, "Whether it may be more than one hop away."] = None
    timers: Annotated[Timers | None, "How patient the session is."] = None
    transport: Annotated[Transport | None, "The TCP connection below the session."] = None
    graceful_restart: Annotated[GracefulRestart | None, "Graceful restart with this peer."] = None
    afi_safis: Annotated[tuple[AfiSafi, ...], "Address families. Absent means that of the peer's address."] = ()
    node_selector: Annotated[LabelSelector | None, "The nodes that talk with it. Absent means all.", ATOMIC] = None


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
    peer_as: Annotated[Asn, "The peer's autonomous system."] = 0
    local_as: Annotated[Asn, "Our autonomous system."] = 0
    router_id: Annotated[str, "The peer's router id."] = ""
    peer_type: Annotated[Int32, "0 inside an autonomous system, 1 between two."] = 0
    messages: Annotated[Messages | None, "Counters of messages."] = None
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


class BgpPeerStatus(Part):
    """The sessions of the nodes with the peer."""

    nodes_peer_status: Annotated[Mapping[str, Annotated[NodePeerStatus, ATOMIC]], "By node."] = field(
        default_factory=dict
    )


class OldPeerConf(Part):
    """Who the peer is."""

    neighbor_address: Annotated[str, "The peer's address."] = ""
    peer_as: Annotated[Asn, "The peer's autonomous system."] = 0


class OldAddPaths(Part):
    """Several paths for one route (RFC 7911)."""

    send_max: Annotated[int, "How many to send at most."] = 0


class OldTransport(Part):
    """The TCP connection below the session."""

    passive_mode: Annotated[bool, "Wait for the peer to connect."] = False
    remote_port: Annotated[int, "The peer's port. Absent means 179."] = 179


class OldBgpPeerSpec(Part):
    """A router, as the first version said it. Nothing reads these fields any more."""

    config: Annotated[OldPeerConf | None, "Who the peer is."] = None
    add_paths: Annotated[OldAddPaths | None, "Several paths for one route (RFC 7911)."] = None
    transport: Annotated[OldTransport | None, "The TCP connection below the session."] = None
    using_port_forward: Annotated[bool, "Without effect; kept for objects that have it."] = False
