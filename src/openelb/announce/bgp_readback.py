"""What gobgpd is told of an instance, of peers and of paths, as it tells of them itself: with its defaults in the place of what is
absent. So what is wanted can be compared with what is there.
"""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from ipaddress import ip_address, ip_network

from openelb.model.bgp import PORT, Family, GracefulRestart, Instance, Path, Peer, PeerFamily
from openelb.wire import communities

HOLD_TIME = 90
"""Seconds; GoBGP's own default, as RFC 4271 suggests (section 10)."""

CONNECT_RETRY = 10
"""Seconds. The first try after a loss comes after two seconds at most. GoBGP's default, which RFC 4271 suggests, is 120: so long a
router would be without routes that was away for a moment and waits to be called.
"""

DEFERRAL_TIME = 1
"""Seconds for which a restarted gobgpd waits for other peers' routes before it sends its own. GoBGP's default is 360, for the
sake of routes that are passed on. We pass on none, and one router that is away would hold up all others."""

EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - routers are let in by their addresses
EVERY_FAMILY = tuple(range(26))
"""GoBGP's numbers of the address families that it knows."""


def started(instance: Instance) -> Instance:
    """As GoBGP tells of it when it runs."""
    addresses = sorted(str(ip_address(each)) for each in instance.listen_addresses or EVERY_ADDRESS)
    families = tuple(sorted(set(instance.families)))
    return replace(
        instance,
        listen_port=instance.listen_port or PORT,
        listen_addresses=tuple(addresses),
        families=() if families == EVERY_FAMILY else families,
        graceful_restart=None,
    )


def resolved(peer: Peer, instance: Instance) -> Peer:
    """As GoBGP tells of it, with defaults in the place of what is absent. Raises ValueError for what is no address.

    It has no word of its author's: another description is no reason to end a session, which GoBGP would do. A range of peers is
    told of in less detail, and is known by a mark in that place.
    """
    hold_time = peer.hold_time or HOLD_TIME
    graceful = peer.graceful_restart
    full = replace(
        peer,
        address=str(ip_address(peer.address)) if peer.address else "",
        prefix=str(ip_network(peer.prefix, strict=False)) if peer.prefix else "",
        description="",
        local_asn=peer.local_asn or instance.asn,
        hold_time=hold_time,
        keepalive_interval=peer.keepalive_interval or max(hold_time // 3, 1),
        connect_retry=peer.connect_retry or CONNECT_RETRY,
        local_address=str(ip_address(peer.local_address)) if peer.local_address else "",
        graceful_restart=_graceful(graceful, hold_time) if graceful else None,
        families=tuple(sorted(peer.families or _families(peer), key=lambda each: each.family)),
    )
    return replace(full, description=_mark(full)) if full.prefix else full


def _graceful(graceful: GracefulRestart, hold_time: int) -> GracefulRestart:
    return replace(
        graceful,
        restart_time=graceful.restart_time or hold_time,
        deferral_time=graceful.deferral_time or DEFERRAL_TIME,
        stale_routes_time=0,  # nothing of GoBGP's heeds it
    )


def _families(peer: Peer) -> Iterator[PeerFamily]:
    """Those of the peer's own address; both where it has none."""
    where = peer.address or peer.prefix
    kept = peer.graceful_restart is not None
    if not where or ":" not in where:
        yield PeerFamily(Family.IPV4, graceful_restart=kept)
    if not where or ":" in where:
        yield PeerFamily(Family.IPV6, graceful_restart=kept)


def _mark(peer: Peer) -> str:
    return sha256(repr((peer, peer.password)).encode()).hexdigest()[:16]


def normal(path: Path) -> Path:
    """With communities as GoBGP tells of them. Raises ValueError for what is none."""
    if not (path.communities or path.large_communities):
        return path
    return replace(
        path,
        communities=frozenset(communities.text(communities.number(each)) for each in path.communities),
        large_communities=frozenset(communities.large_text(communities.large(each)) for each in path.large_communities),
    )
