"""From BgpConfs and BgpPeers to our values; what their authors wrote and nobody can understand becomes a
sentence in the value. As in `decode`, every function is total.
"""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network

from openelb.kube.bgp_shapes import (
    AfiSafiShape,
    BfdShape,
    BgpConfShape,
    BgpConfSpec,
    BgpPeerShape,
    BgpPeerSpec,
    ConditionsShape,
    ConfShape,
    DrainShape,
    FamilyConfigShape,
    FamilyShape,
    MultihopShape,
    RestartShape,
    TimersConfigShape,
    TimersShape,
    TransportShape,
    TtlShape,
)
from openelb.kube.decode import condition, shared
from openelb.kube.decode_pools import left_to_cni, selector
from openelb.kube.fields import TOO_SHORT, Unclear, address, asn, attributes, choice, router_id, seconds, ttl, within
from openelb.kube.shapes import ObjectShape
from openelb.model.bgp import PORT, Arm, Bfd, Family, GracefulRestart, Peer, PeerFamily, RemovePrivate
from openelb.model.cluster import BgpObject
from openelb.model.findings import Condition
from openelb.model.routers import (
    LINGER_SECONDS,
    BgpConf,
    BgpPeer,
    Drain,
    NextHops,
    SecretKey,
)

MOST_PATHS = 255
"""Of one prefix to one peer: GoBGP counts them in an octet."""

LONG_LIVED = 3600
"""Seconds that routers keep routes as a last resort where a BgpPeer names none; BIRD's own default as well."""

MOST_PREFIXES = 100_000
"""That a router may send where a BgpPeer says nothing. None is used, but gobgpd holds them, and its memory is limited."""

SEND_MAX = 10
"""Paths of a prefix that are sent where a BgpPeer names no address family, as upstream has it."""

LONGEST_HOLD, HOLD_TIME = 65535, 90
"""Seconds: the most, and GoBGP's default."""
LONGEST_DRAIN = 300
LONGEST_PREPEND = 10
LONGEST_LINGER = 3600

FAMILIES = {("AFI_IP", "SAFI_UNICAST"): Family.IPV4, ("AFI_IP6", "SAFI_UNICAST"): Family.IPV6}


def bgp_object(kind: str, shape: ObjectShape) -> BgpObject:
    """The metadata of a BgpConf or a BgpPeer."""
    meta = shape.metadata
    return BgpObject(
        kind,
        meta.name,
        left_to_cni(meta),
        bool(meta.deletion_timestamp),
        shared(meta.finalizers),
        meta.uid,
        meta.resource_version,
        meta.generation or 0,
    )


def bgp_conf(shape: BgpConfShape) -> BgpConf:
    """A BgpConf; `problem` says why it cannot be used, when it cannot."""
    meta, spec = shape.metadata, shape.spec or BgpConfSpec()
    told = BgpConf(
        meta.name,
        conditions=_conditions(shape.status),
        left_to_cni=left_to_cni(meta),
        deleting=bool(meta.deletion_timestamp),
        finalizers=shared(meta.finalizers),
        uid=meta.uid,
        version=meta.resource_version,
    )
    try:
        return replace(
            told,
            asn=asn("spec.as", spec.asn),
            asn_per_rack=tuple(
                sorted((rack, asn(f"spec.asPerRack.{rack}", own)) for rack, own in (spec.as_per_rack or {}).items())
            ),
            router_id=router_id(spec.router_id or ""),
            listen_port=within("spec.listenPort", spec.listen_port or PORT, -(2**31), 65535),
            listen_addresses=tuple(address("spec.listenAddresses", one) for one in spec.listen_addresses or ()),
            families=tuple(spec.families or ()),
            multipath=bool(spec.use_multiple_paths),
            graceful_restart=_restart(spec.graceful_restart),
            policy=spec.policy or "",
            next_hops=choice("spec.nextHops", spec.next_hops, NextHops.SELF),
            drain=_drain(spec.drain or DrainShape()),
            linger=_linger(spec.linger_seconds),
        )
    except Unclear as problem:
        return replace(told, problem=str(problem))


def bgp_peer(shape: BgpPeerShape) -> BgpPeer:
    """A BgpPeer; `problem` says why it cannot be used, when it cannot."""
    meta, spec = shape.metadata, shape.spec or BgpPeerSpec()
    told = BgpPeer(
        meta.name,
        conditions=_conditions(shape.status),
        left_to_cni=left_to_cni(meta),
        deleting=bool(meta.deletion_timestamp),
        finalizers=shared(meta.finalizers),
        created=meta.creation_timestamp or "",
        uid=meta.uid,
        version=meta.resource_version,
    )
    try:
        nodes, services = selector(spec.node_selector), selector(spec.service_selector)
        if unclear := nodes[1] or services[1]:
            raise Unclear(unclear)
        reference = spec.auth_password_secret_ref
        if reference and not (reference.name and reference.key):
            raise Unclear(
                "spec.authPasswordSecretRef names no Secret: give its name, and the key of the password in it"
            )
        return replace(
            told,
            peer=_peer(spec),
            secret=SecretKey(reference.name or "", reference.key or "") if reference else None,
            node_selector=nodes[0],
            service_selector=services[0],
            pools=frozenset(spec.pools or ()),
            attributes=attributes("spec", spec),
            prepend=within("spec.prepend", spec.prepend or 0, 0, LONGEST_PREPEND),
        )
    except Unclear as problem:
        return replace(told, problem=str(problem))


def outlined_conf(conf: BgpConf, told: BgpObject) -> BgpConf:
    """The BgpConf as its metadata told later."""
    return replace(conf, left_to_cni=told.left_to_cni, deleting=told.deleting) if _tells_more(told, conf) else conf


def outlined_peer(peer: BgpPeer, told: BgpObject) -> BgpPeer:
    """The BgpPeer as its metadata told later."""
    return replace(peer, left_to_cni=told.left_to_cni, deleting=told.deleting) if _tells_more(told, peer) else peer


def _tells_more(told: BgpObject, known: BgpConf | BgpPeer) -> bool:
    return (told.left_to_cni, told.deleting) != (known.left_to_cni, known.deleting)


def _conditions(status: ConditionsShape | None) -> tuple[Condition, ...]:
    return tuple(map(condition, (status.conditions if status else None) or ()))


def _peer(spec: BgpPeerSpec) -> Peer:
    if spec.conf is None:
        raise Unclear("spec.conf is missing: give neighborAddress and peerAs")
    conf, hops = spec.conf, spec.ebgp_multihop or MultihopShape()
    transport, security = spec.transport or TransportShape(), spec.ttl_security or TtlShape()
    timers = (spec.timers or TimersShape()).config or TimersConfigShape()
    host, interface, prefix = _whom(conf)
    if conf.peer_group or conf.vrf:
        unknown = "peerGroup" if conf.peer_group else "vrf"
        raise Unclear(f"spec.conf.{unknown} names something that OpenELB makes none of: leave it out")
    if hops.enabled and security.enabled:
        raise Unclear("spec.ebgpMultihop and spec.ttlSecurity exclude each other: enable one of them")
    if hops.enabled and spec.bfd:
        raise Unclear("spec.bfd is for peers on the next link, and spec.ebgpMultihop for others: leave one of them out")
    if spec.bfd and prefix:
        raise Unclear("spec.bfd needs a peer that is known: it cannot stand beside spec.conf.neighborPrefix")
    if spec.auth_password_secret_ref and conf.auth_password:
        raise Unclear("both spec.conf.authPassword and spec.authPasswordSecretRef are given: leave out the first")
    hold = seconds("holdTime", timers.hold_time, LONGEST_HOLD)
    if hold in (1, 2):
        raise Unclear(TOO_SHORT)
    keepalive = seconds("keepaliveInterval", timers.keepalive_interval, LONGEST_HOLD)
    if keepalive >= (hold or HOLD_TIME):
        raise Unclear(
            f"spec.timers.config.keepaliveInterval is {keepalive}, and the session is lost after {hold or HOLD_TIME} seconds of silence: "
            "write a third of holdTime, or leave it out"
        )
    return Peer(
        address=host,
        interface=interface,
        prefix=prefix,
        peer_asn=asn("spec.conf.peerAs", conf.peer_as),
        local_asn=asn("spec.conf.localAs", conf.local_as),
        password=conf.auth_password or "",
        description=conf.description or "",
        admin_down=bool(conf.admin_down),
        remove_private=_remove_private(conf.remove_private_as or ""),
        replace_peer_asn=bool(conf.replace_peer_as),
        allow_own_asn=within("spec.conf.allowOwnAs", conf.allow_own_as or 0, 0, 255),
        multihop_ttl=ttl("spec.ebgpMultihop.multihopTtl", hops.multihop_ttl) if hops.enabled else 0,
        ttl_min=ttl("spec.ttlSecurity.ttlMin", security.ttl_min) if security.enabled else 0,
        hold_time=hold,
        keepalive_interval=keepalive,
        connect_retry=seconds("connectRetry", timers.connect_retry, LONGEST_HOLD),
        passive=bool(transport.passive_mode),
        remote_port=within("spec.transport.remotePort", transport.remote_port or 0, 0, 65535),
        local_address=address("spec.transport.localAddress", transport.local_address)
        if transport.local_address
        else "",
        graceful_restart=_restart(spec.graceful_restart),
        families=tuple(_families(spec, host or prefix)),
        bfd=_bfd(spec.bfd),
    )


def _whom(conf: ConfShape) -> tuple[str, str, str]:
    """Address, interface and prefix of the peer: one of them."""
    given = [one for one in (conf.neighbor_address, conf.neighbor_interface, conf.neighbor_prefix) if one]
    if len(given) != 1:
        raise Unclear(
            "spec.conf has "
            + ("several of" if given else "none of")
            + " neighborAddress, neighborInterface and neighborPrefix: give one of them"
        )
    if conf.neighbor_address:
        return address("spec.conf.neighborAddress", conf.neighbor_address), "", ""
    if conf.neighbor_interface:
        return "", conf.neighbor_interface, ""
    try:
        return "", "", str(ip_network(conf.neighbor_prefix or "", strict=False))
    except ValueError:
        raise Unclear(
            f"spec.conf.neighborPrefix {conf.neighbor_prefix!r} is no prefix: write one like 192.0.2.0/24"
        ) from None


def _families(spec: BgpPeerSpec, whom: str) -> Iterable[PeerFamily]:
    """Those that are named; otherwise that of the peer's address, with upstream's number of paths. Graceful restart that is enabled
    for the session holds for each that says nothing else: agreed on for no family, it would keep no route.
    """
    restart = _restart(spec.graceful_restart)
    limit = within("spec.maxPrefixes", spec.max_prefixes or MOST_PREFIXES, 0, 2**32 - 1)
    own = Family.of(6 if ":" in whom else 4)
    if not spec.afi_safis:
        both = (own,) if whom else (Family.IPV4, Family.IPV6)  # an unnumbered session carries both
        yield from (
            PeerFamily(
                one,
                send_max=SEND_MAX,
                graceful_restart=restart is not None,
                long_lived=_long_lived(restart),
                max_prefixes=limit,
            )
            for one in both
        )
    seen = set()
    for number, shape in enumerate(spec.afi_safis or ()):
        family, where = _family(shape, own, number), f"spec.afiSafis[{number}]"
        if family is None:
            continue
        if family in seen:
            raise Unclear(f"{where} has the same family as one before it: leave one of them out")
        seen.add(family)
        paths = shape.add_paths.config if shape.add_paths else None
        kept = _is_kept(shape, otherwise=restart is not None)
        yield PeerFamily(
            family,
            send_max=within(f"{where}.addPaths.config.sendMax", (paths.send_max if paths else 0) or 0, 0, MOST_PATHS),
            receive_paths=bool(paths and paths.receive),
            graceful_restart=kept,
            long_lived=_long_lived(restart) if kept else 0,
            max_prefixes=limit,
        )


def _family(shape: AfiSafiShape, own: Family, number: int) -> Family | None:
    """None where it is switched off."""
    if shape.config is None:
        return own
    config: FamilyConfigShape = shape.config
    named = config.family or FamilyShape()
    known = FAMILIES.get((named.afi or "", named.safi or ""))
    if known is None:
        raise Unclear(
            f"spec.afiSafis[{number}].config.family is {named.afi or 'nothing'}, {named.safi or 'nothing'}: OpenELB has "
            "routes of AFI_IP, SAFI_UNICAST and of AFI_IP6, SAFI_UNICAST"
        )
    return known if config.enabled else None


def _is_kept(shape: AfiSafiShape, *, otherwise: bool) -> bool:
    """Whether routers are to keep routes of the family through a restart: as its author wrote, or as for the whole session."""
    config = shape.mp_graceful_restart.config if shape.mp_graceful_restart else None
    return otherwise if config is None or config.enabled is None else config.enabled


def _restart(shape: RestartShape | None) -> GracefulRestart | None:
    if shape is None or not shape.enabled:
        return None
    return GracefulRestart(
        restart_time=within("gracefulRestart.restartTime", shape.restart_time or 0, 0, 4095),  # RFC 4724: 12 bits
        deferral_time=within("gracefulRestart.deferralTime", shape.deferral_time or 0, 0, LONGEST_HOLD),
        stale_routes_time=within("gracefulRestart.staleRoutesTime", shape.stale_routes_time or 0, 0, 2**24 - 1),
        helper_only=bool(shape.helper_only),
        notification=bool(shape.notification_enabled),
        long_lived=bool(shape.longlived_enabled),
    )


def _long_lived(restart: GracefulRestart | None) -> int:
    """Seconds, of a family that takes part in graceful restart; 0 where it ends with the restart time."""
    return (restart.stale_routes_time or LONG_LIVED) if restart and restart.long_lived else 0


def _bfd(shape: BfdShape | None) -> Bfd | None:
    if shape is None:
        return None
    usual = Bfd()
    transmit = shape.min_transmit_interval_milliseconds or usual.min_transmit
    receive = shape.min_receive_interval_milliseconds or usual.min_receive
    return Bfd(
        within("spec.bfd.minTransmitIntervalMilliseconds", transmit, 10, 60_000),
        within("spec.bfd.minReceiveIntervalMilliseconds", receive, 10, 60_000),
        within("spec.bfd.detectMultiplier", shape.detect_multiplier or usual.multiplier, 1, 255),
        choice("spec.bfd.arm", shape.arm, Arm.ESTABLISHED),
    )


def _drain(shape: DrainShape) -> Drain:
    usual = Drain()
    seconds = usual.wait_seconds if shape.wait_seconds is None else shape.wait_seconds
    return Drain(
        within("spec.drain.waitSeconds", seconds, 0, LONGEST_DRAIN),
        choice("spec.drain.method", shape.method, usual.method),
    )


def _linger(seconds: int | None) -> int:
    return LINGER_SECONDS if seconds is None else within("spec.lingerSeconds", seconds, 0, LONGEST_LINGER)


def _remove_private(text: str) -> RemovePrivate | None:
    return choice("spec.conf.removePrivateAs", text, RemovePrivate.ALL) if text else None
