"""What BgpConf objects hold, in both versions, and the part that they have in common with BgpPeers."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import field

from openelb.kube.kinds import ATOMIC, BY_TYPE, AnyAsn, Asn, Condition, Int32, Part


class GracefulRestart(Part):
    """RFC 4724."""

    enabled: Annotated[bool, "Keep routes while the other side restarts."] = False
    restart_time: Annotated[Int32, "Seconds that the other side waits for our return. Absent means the hold time."] = 0
    helper_only: Annotated[bool, "Help others restart, and ask no help."] = False
    deferral_time: Annotated[Int32, "Seconds to wait for all peers before choosing routes. Absent means 1."] = 1
    notification_enabled: Annotated[bool, "Keep routes after a NOTIFICATION too (RFC 8538)."] = False
    longlived_enabled: Annotated[bool, "After the restart time, have our routes kept as a last resort (RFC 9494)."] = (
        False
    )
    stale_routes_time: Annotated[Int32, "Seconds that they are kept then. Absent means 3600."] = 0
    peer_restart_time: Annotated[Int32, "Without effect: what the peer asks for."] = 0
    peer_restarting: Annotated[bool, "Without effect: whether the peer is restarting."] = False
    local_restarting: Annotated[bool, "Without effect: OpenELB knows when this side is restarting."] = False
    mode: Annotated[str, "Without effect; kept for objects that have it."] = ""


class Drain(Part):
    """How a node leaves."""

    wait_seconds: Annotated[
        int,
        "Seconds that routers have to prefer other nodes before the routes of one that leaves are withdrawn. Absent means 5.",
        {"minimum": 0, "maximum": 300},
    ] = 5
    method: Annotated[
        Literal["GracefulShutdown", "Prepend", "Med"],
        "How routers are asked to: by the community GRACEFUL_SHUTDOWN (RFC 8326), which they have to heed, by a longer path or "
        "by the highest metric.",
    ] = "GracefulShutdown"


class BgpConfSpec(Part):
    """What this cluster is to BGP routers. Only the object named default counts."""

    as_: Annotated[Asn, "The autonomous system of the cluster."] = field(name="as", default=0)
    as_per_rack: Annotated[
        Mapping[str, AnyAsn],
        "The autonomous system of each rack, by the nodes' label openelb.kubesphere.io/rack. Absent means as for all.",
    ] = field(default_factory=dict)
    router_id: Annotated[str, "The router id. Absent means each node's own address."] = ""
    listen_port: Annotated[Int32, "The port to listen on; below zero, do not listen. Absent means 179."] = 179
    listen_addresses: Annotated[tuple[str, ...], "The addresses to listen on. Absent means all."] = ()
    families: Annotated[tuple[Int32, ...], "Address families by GoBGP's number. Absent means all."] = ()
    use_multiple_paths: Annotated[bool, "Use several paths of equal cost."] = False
    graceful_restart: Annotated[
        GracefulRestart | None, "Without effect, as with GoBGP: what is to hold for a session stands in its BgpPeer."
    ] = None
    policy: Annotated[str, "The ConfigMap, in the namespace of OpenELB, with policies under gobgp.conf."] = ""
    next_hops: Annotated[
        Literal["Self", "Nodes"],
        "Self: each speaker announces its own node. Nodes: each announces every node that may serve the address, which needs "
        "addPaths, where speakers run on few nodes.",
    ] = "Self"
    drain: Annotated[Drain | None, "How a node leaves. Absent means all defaults."] = None
    linger_seconds: Annotated[
        int,
        "Seconds that an address is still announced whose Service has no ready endpoint anywhere: a roll-out that replaces the only "
        "pod is to make no route flap. Absent means 5.",
        {"minimum": 0, "maximum": 3600},
    ] = 5


class NodeConfStatus(Part):
    """What one node is to BGP routers."""

    as_: Annotated[AnyAsn, "Its autonomous system."] = field(name="as", default=0)
    router_id: Annotated[str, "Its router id."] = ""
    problem: Annotated[str, "Why it speaks no BGP, or not as it should, as a sentence."] = ""


class BgpConfStatus(Part):
    """What each node is to BGP routers."""

    nodes_conf_status: Annotated[Mapping[str, Annotated[NodeConfStatus, ATOMIC]], "By node."] = field(
        default_factory=dict
    )
    conditions: Annotated[
        tuple[Condition, ...], "Ready: whether BGP runs on the nodes, and what is wrong where it does not.", BY_TYPE
    ] = ()


class OldBgpConfSpec(Part):
    """What this cluster is to BGP routers, as the first version said it. Only its autonomous system is read, as v1alpha2 has it."""

    as_: Annotated[AnyAsn, "The autonomous system of the cluster."] = field(name="as", default=0)
    port: Annotated[Int32, "Without effect: v1alpha2 has it in listenPort."] = 179
    router_id: Annotated[str, "Without effect: v1alpha2 has it in routerId."] = field(name="routerID", default="")
