"""The fields of BgpConfs and BgpPeers that we read. Written in GoBGP's words of 2021, which users' objects have."""

import msgspec

from openelb.kube.shapes import AttributesShape, ConditionShape, ObjectShape, SelectorShape, Shape


class RestartShape(Shape):
    """Of graceful restart, for all peers or for one."""

    enabled: bool | None = None
    restart_time: int | None = None
    helper_only: bool | None = None
    deferral_time: int | None = None
    notification_enabled: bool | None = None
    longlived_enabled: bool | None = None
    stale_routes_time: int | None = None


class DrainShape(Shape):
    wait_seconds: int | None = None
    method: str | None = None


class BgpConfSpec(Shape):
    asn: int | None = msgspec.field(default=None, name="as")
    as_per_rack: dict[str, int] | None = None
    router_id: str | None = None
    listen_port: int | None = None
    listen_addresses: list[str] | None = None
    families: list[int] | None = None
    use_multiple_paths: bool | None = None
    graceful_restart: RestartShape | None = None
    policy: str | None = None
    next_hops: str | None = None
    drain: DrainShape | None = None
    linger_seconds: int | None = None


class ConditionsShape(Shape):
    """Of a status, our conditions."""

    conditions: list[ConditionShape] | None = None


class BgpConfShape(ObjectShape):
    """network.kubesphere.io/v1alpha2 BgpConf."""

    spec: BgpConfSpec | None = None
    status: ConditionsShape | None = None


class ConfShape(Shape):
    neighbor_address: str | None = None
    neighbor_interface: str | None = None
    neighbor_prefix: str | None = None
    peer_as: int | None = None
    local_as: int | None = None
    auth_password: str | None = None
    description: str | None = None
    peer_group: str | None = None
    remove_private_as: str | None = None
    replace_peer_as: bool | None = None
    allow_own_as: int | None = None
    admin_down: bool | None = None
    vrf: str | None = None


class MultihopShape(Shape):
    enabled: bool | None = None
    multihop_ttl: int | None = None


class TtlShape(Shape):
    enabled: bool | None = None
    ttl_min: int | None = None


class TimersConfigShape(Shape):
    connect_retry: str | None = None
    hold_time: str | None = None
    keepalive_interval: str | None = None


class TimersShape(Shape):
    config: TimersConfigShape | None = None


class TransportShape(Shape):
    passive_mode: bool | None = None
    remote_port: int | None = None
    local_address: str | None = None


class FamilyShape(Shape):
    afi: str | None = None
    safi: str | None = None


class FamilyConfigShape(Shape):
    family: FamilyShape | None = None
    enabled: bool | None = None


class AddPathsConfigShape(Shape):
    receive: bool | None = None
    send_max: int | None = None


class AddPathsShape(Shape):
    config: AddPathsConfigShape | None = None


class EnabledShape(Shape):
    enabled: bool | None = None


class FamilyRestartShape(Shape):
    config: EnabledShape | None = None


class AfiSafiShape(Shape):
    config: FamilyConfigShape | None = None
    add_paths: AddPathsShape | None = None
    mp_graceful_restart: FamilyRestartShape | None = None


class SecretRefShape(Shape):
    name: str | None = None
    key: str | None = None


class BfdShape(Shape):
    min_transmit_interval_milliseconds: int | None = None
    min_receive_interval_milliseconds: int | None = None
    detect_multiplier: int | None = None
    arm: str | None = None


class BgpPeerSpec(AttributesShape):
    conf: ConfShape | None = None
    ebgp_multihop: MultihopShape | None = None
    ttl_security: TtlShape | None = None
    timers: TimersShape | None = None
    transport: TransportShape | None = None
    graceful_restart: RestartShape | None = None
    afi_safis: list[AfiSafiShape] | None = None
    auth_password_secret_ref: SecretRefShape | None = None
    bfd: BfdShape | None = None
    node_selector: SelectorShape | None = None
    service_selector: SelectorShape | None = None
    pools: list[str] | None = None
    prepend: int | None = None
    max_prefixes: int | None = None


class BgpPeerShape(ObjectShape):
    """network.kubesphere.io/v1alpha2 BgpPeer."""

    spec: BgpPeerSpec | None = None
    status: ConditionsShape | None = None
