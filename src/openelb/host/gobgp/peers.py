"""Peers as gobgpd's messages, and what it tells of them and of their sessions.

GoBGP's word for a peer's source address is lost once a session is established, where it tells the one in use. So the address
that was asked for stands in the description, which no router is told.
"""

from collections.abc import Iterator

from openelb.announce.bgp_changes import Found
from openelb.host.gobgp.api import gobgp_pb2 as api
from openelb.host.gobgp.paths import family, family_message
from openelb.model.bgp import (
    Bfd,
    Family,
    FamilyCounts,
    GracefulRestart,
    Messages,
    Peer,
    PeerFamily,
    RemovePrivate,
    Session,
    SessionState,
)

IDLE_AFTER_RESET = 1
"""Seconds for which a session rests that was reset, as by BFD. GoBGP's default is 30, far longer than most troubles."""

_REMOVE_PRIVATE = {
    RemovePrivate.ALL: api.REMOVE_PRIVATE_ALL,
    RemovePrivate.REPLACE: api.REMOVE_PRIVATE_REPLACE,
}


def message(peer: Peer, *, restarting: bool = False) -> api.Peer:
    """A peer with all its defaults, as gobgpd is told of it."""
    return api.Peer(
        conf=api.PeerConf(
            neighbor_address=peer.address,
            neighbor_interface=peer.interface,
            peer_asn=peer.peer_asn,
            local_asn=peer.local_asn,
            auth_password=peer.password,
            description=peer.local_address,
            remove_private=_REMOVE_PRIVATE[peer.remove_private] if peer.remove_private else None,
            allow_own_asn=peer.allow_own_asn,
            replace_peer_asn=peer.replace_peer_asn,
            admin_down=peer.admin_down,
        ),
        ebgp_multihop=api.EbgpMultihop(enabled=bool(peer.multihop_ttl), multihop_ttl=peer.multihop_ttl),
        ttl_security=api.TtlSecurity(enabled=bool(peer.ttl_min), ttl_min=peer.ttl_min),
        timers=_timers(peer),
        transport=_transport(peer),
        graceful_restart=_graceful(peer.graceful_restart, restarting=restarting),
        afi_safis=[_family(each) for each in peer.families],
        bfd=_bfd(peer.bfd),
    )


def group(peer: Peer) -> api.PeerGroup:
    """What all peers of a range have, by the name of the range."""
    return api.PeerGroup(
        conf=api.PeerGroupConf(
            peer_group_name=peer.prefix,
            peer_asn=peer.peer_asn,
            local_asn=peer.local_asn,
            auth_password=peer.password,
            description=peer.description,
            remove_private=_REMOVE_PRIVATE[peer.remove_private] if peer.remove_private else None,
            allow_own_asn=peer.allow_own_asn,
            replace_peer_asn=peer.replace_peer_asn,
        ),
        ebgp_multihop=api.EbgpMultihop(enabled=bool(peer.multihop_ttl), multihop_ttl=peer.multihop_ttl),
        ttl_security=api.TtlSecurity(enabled=bool(peer.ttl_min), ttl_min=peer.ttl_min),
        timers=_timers(peer),
        transport=_transport(peer),
        graceful_restart=_graceful(peer.graceful_restart, restarting=False),
        afi_safis=[_family(each) for each in peer.families],
        bfd=_bfd(peer.bfd),
    )


def _timers(peer: Peer) -> api.Timers:
    return api.Timers(
        config=api.TimersConfig(
            connect_retry=peer.connect_retry,
            hold_time=peer.hold_time,
            keepalive_interval=peer.keepalive_interval,
            idle_hold_time_after_reset=IDLE_AFTER_RESET,
        )
    )


def _transport(peer: Peer) -> api.Transport:
    return api.Transport(local_address=peer.local_address, passive_mode=peer.passive, remote_port=peer.remote_port)


def _graceful(asked: GracefulRestart | None, *, restarting: bool) -> api.GracefulRestart:
    if asked is None:
        return api.GracefulRestart()
    return api.GracefulRestart(
        enabled=True,
        restart_time=asked.restart_time,
        deferral_time=asked.deferral_time,
        helper_only=asked.helper_only,
        notification_enabled=asked.notification,
        longlived_enabled=asked.long_lived,
        local_restarting=restarting and not asked.helper_only,
    )


def _family(asked: PeerFamily) -> api.AfiSafi:
    named = family_message(asked.family)
    return api.AfiSafi(
        config=api.AfiSafiConfig(family=named, enabled=True),
        mp_graceful_restart=api.MpGracefulRestart(config=api.MpGracefulRestartConfig(enabled=asked.graceful_restart)),
        long_lived_graceful_restart=api.LongLivedGracefulRestart(
            config=api.LongLivedGracefulRestartConfig(enabled=bool(asked.long_lived), restart_time=asked.long_lived)
        ),
        add_paths=api.AddPaths(config=api.AddPathsConfig(receive=asked.receive_paths, send_max=asked.send_max)),
        prefix_limits=api.PrefixLimit(family=named, max_prefixes=asked.max_prefixes),
    )


def _bfd(asked: Bfd | None) -> api.BfdPeerConfig | None:
    if asked is None:
        return None
    return api.BfdPeerConfig(
        enabled=True,
        desired_minimum_tx_interval=asked.min_transmit * 1000,  # microseconds
        required_minimum_receive=asked.min_receive * 1000,
        detection_multiplier=asked.multiplier,
    )


def found(message: api.Peer) -> Found:
    """A peer and its session, as gobgpd tells of them."""
    return Found(_peer(message), session(message))


def found_group(message: api.PeerGroup) -> Found:
    """A range of peers, by the mark that we gave it."""
    return Found(Peer(prefix=message.conf.peer_group_name, description=message.conf.description))


def _peer(message: api.Peer) -> Peer:
    conf, timers, transport = message.conf, message.timers.config, message.transport
    graceful = message.graceful_restart
    return Peer(
        address="" if conf.neighbor_interface else conf.neighbor_address,
        interface=conf.neighbor_interface,
        peer_asn=conf.peer_asn,
        local_asn=conf.local_asn,
        password=conf.auth_password,
        admin_down=conf.admin_down,
        remove_private=next((ours for ours, theirs in _REMOVE_PRIVATE.items() if theirs == conf.remove_private), None),
        replace_peer_asn=conf.replace_peer_asn,
        allow_own_asn=conf.allow_own_asn,
        multihop_ttl=message.ebgp_multihop.multihop_ttl if message.ebgp_multihop.enabled else 0,
        ttl_min=message.ttl_security.ttl_min if message.ttl_security.enabled else 0,
        hold_time=timers.hold_time,
        keepalive_interval=timers.keepalive_interval,
        connect_retry=timers.connect_retry,
        passive=transport.passive_mode,
        remote_port=transport.remote_port,
        local_address=conf.description,
        graceful_restart=GracefulRestart(
            graceful.restart_time,
            graceful.deferral_time,
            helper_only=graceful.helper_only,
            notification=graceful.notification_enabled,
            long_lived=graceful.longlived_enabled,
        )
        if graceful.enabled
        else None,
        families=tuple(sorted(_families(message), key=lambda each: each.family)),
        bfd=_found_bfd(message),
    )


def _found_bfd(message: api.Peer) -> Bfd | None:
    asked = message.bfd
    if not asked.enabled:
        return None
    return Bfd(
        asked.desired_minimum_tx_interval // 1000, asked.required_minimum_receive // 1000, asked.detection_multiplier
    )


def _families(message: api.Peer) -> Iterator[PeerFamily]:
    for each in message.afi_safis:
        if known := family(each.config.family):
            yield PeerFamily(
                known,
                each.add_paths.config.send_max,
                each.add_paths.config.receive,
                each.mp_graceful_restart.config.enabled,
                each.long_lived_graceful_restart.config.restart_time
                if each.long_lived_graceful_restart.config.enabled
                else 0,
                each.prefix_limits.max_prefixes,
            )


def session(message: api.Peer) -> Session:
    """A session as gobgpd tells of it."""
    state, timers = message.state, message.timers.state
    name = api.PeerState.SessionState.Name(state.session_state).removeprefix("SESSION_STATE_")
    known = SessionState.__members__.get(name, SessionState.IDLE)
    ours, theirs = message.graceful_restart, _their_restart(message)
    both = ours.enabled and not ours.helper_only and theirs
    return Session(
        key=message.conf.neighbor_interface or state.neighbor_address,
        prefix=message.conf.peer_group,
        state=known,
        peer_asn=state.peer_asn,
        local_asn=state.local_asn,
        router_id="" if state.router_id.startswith("invalid") else state.router_id,
        local_address=message.transport.local_address,
        admin_down=state.admin_state == api.PeerState.ADMIN_STATE_DOWN,
        over_limit=state.admin_state == api.PeerState.ADMIN_STATE_PFX_CT,
        since=float((timers.uptime if known is SessionState.ESTABLISHED else timers.downtime).seconds),
        hold_time=timers.negotiated_hold_time,
        keepalive_interval=timers.keepalive_interval,
        restarts=bool(both),
        restart_time=ours.restart_time if both else 0,
        bfd_up=state.bfd_state.session_state == api.BFD_SESSION_STATE_UP if message.bfd.enabled else None,
        bfd=_found_bfd(message),
        received=_messages(state.messages.received),
        sent=_messages(state.messages.sent),
        counts=tuple(_counts(message)),
        unshared=tuple(_unshared(message)) if known is SessionState.ESTABLISHED else (),
    )


def _unshared(message: api.Peer) -> Iterator[Family]:
    """Families of ours that the router did not name; one that names none speaks IPv4 (RFC 4760, section 8)."""
    theirs = [each.multi_protocol for each in message.state.remote_cap if each.WhichOneof("cap") == "multi_protocol"]
    named = {family(each.family) for each in theirs} if theirs else {Family.IPV4}
    for each in message.afi_safis:
        if (ours := family(each.config.family)) and ours not in named:
            yield ours


def _their_restart(message: api.Peer) -> bool:
    return any(each.WhichOneof("cap") == "graceful_restart" for each in message.state.remote_cap)


def _messages(told: api.Message) -> Messages:
    return Messages(
        opened=told.open,
        update=told.update,
        notification=told.notification,
        keepalive=told.keepalive,
        refresh=told.refresh,
        discarded=told.discarded,
        total=told.total,
        withdraw_update=told.withdraw_update,
        withdraw_prefix=told.withdraw_prefix,
    )


def _counts(message: api.Peer) -> Iterator[tuple[Family, FamilyCounts]]:
    for each in message.afi_safis:
        if known := family(each.config.family):
            yield known, FamilyCounts(each.state.received, each.state.accepted, each.state.advertised)
