from openelb.host.gobgp.api import common_pb2 as _common_pb2
from openelb.host.gobgp.api import extcom_pb2 as _extcom_pb2
from openelb.host.gobgp.api import nlri_pb2 as _nlri_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SRV6Behavior(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SRV6_BEHAVIOR_UNSPECIFIED: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_WITH_PSP: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_WITH_USP: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_WITH_PSP_USP: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDX: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDX_WITH_PSP: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDX_WITH_USP: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDX_WITH_PSP_USP: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDT: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDT_WITH_PSP: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDT_WITH_USP: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDT_WITH_PSP_USP: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_B6_ENCAPS: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_BM: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_DX6: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_DX4: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_DT6: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_DT4: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_DT46: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_DX2: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_DX2V: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_DT2U: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_DT2M: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_B6_ENCAPS_RED: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_WITH_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_WITH_PSP_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_WITH_USP_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_END_WITH_PSP_USP_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDX_WITH_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDX_WITH_PSP_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDX_WITH_USP_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDX_WITH_PSP_USP_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDT_WITH_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDT_WITH_PSP_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDT_WITH_USP_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDT_WITH_PSP_USP_USD: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDM_GTP6D: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDM_GTP6DI: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDM_GTP6E: _ClassVar[SRV6Behavior]
    SRV6_BEHAVIOR_ENDM_GTP4E: _ClassVar[SRV6Behavior]

class ENLPType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENLP_TYPE_UNSPECIFIED: _ClassVar[ENLPType]
    ENLP_TYPE_TYPE1: _ClassVar[ENLPType]
    ENLP_TYPE_TYPE2: _ClassVar[ENLPType]
    ENLP_TYPE_TYPE3: _ClassVar[ENLPType]
    ENLP_TYPE_TYPE4: _ClassVar[ENLPType]
SRV6_BEHAVIOR_UNSPECIFIED: SRV6Behavior
SRV6_BEHAVIOR_END: SRV6Behavior
SRV6_BEHAVIOR_END_WITH_PSP: SRV6Behavior
SRV6_BEHAVIOR_END_WITH_USP: SRV6Behavior
SRV6_BEHAVIOR_END_WITH_PSP_USP: SRV6Behavior
SRV6_BEHAVIOR_ENDX: SRV6Behavior
SRV6_BEHAVIOR_ENDX_WITH_PSP: SRV6Behavior
SRV6_BEHAVIOR_ENDX_WITH_USP: SRV6Behavior
SRV6_BEHAVIOR_ENDX_WITH_PSP_USP: SRV6Behavior
SRV6_BEHAVIOR_ENDT: SRV6Behavior
SRV6_BEHAVIOR_ENDT_WITH_PSP: SRV6Behavior
SRV6_BEHAVIOR_ENDT_WITH_USP: SRV6Behavior
SRV6_BEHAVIOR_ENDT_WITH_PSP_USP: SRV6Behavior
SRV6_BEHAVIOR_END_B6_ENCAPS: SRV6Behavior
SRV6_BEHAVIOR_END_BM: SRV6Behavior
SRV6_BEHAVIOR_END_DX6: SRV6Behavior
SRV6_BEHAVIOR_END_DX4: SRV6Behavior
SRV6_BEHAVIOR_END_DT6: SRV6Behavior
SRV6_BEHAVIOR_END_DT4: SRV6Behavior
SRV6_BEHAVIOR_END_DT46: SRV6Behavior
SRV6_BEHAVIOR_END_DX2: SRV6Behavior
SRV6_BEHAVIOR_END_DX2V: SRV6Behavior
SRV6_BEHAVIOR_END_DT2U: SRV6Behavior
SRV6_BEHAVIOR_END_DT2M: SRV6Behavior
SRV6_BEHAVIOR_END_B6_ENCAPS_RED: SRV6Behavior
SRV6_BEHAVIOR_END_WITH_USD: SRV6Behavior
SRV6_BEHAVIOR_END_WITH_PSP_USD: SRV6Behavior
SRV6_BEHAVIOR_END_WITH_USP_USD: SRV6Behavior
SRV6_BEHAVIOR_END_WITH_PSP_USP_USD: SRV6Behavior
SRV6_BEHAVIOR_ENDX_WITH_USD: SRV6Behavior
SRV6_BEHAVIOR_ENDX_WITH_PSP_USD: SRV6Behavior
SRV6_BEHAVIOR_ENDX_WITH_USP_USD: SRV6Behavior
SRV6_BEHAVIOR_ENDX_WITH_PSP_USP_USD: SRV6Behavior
SRV6_BEHAVIOR_ENDT_WITH_USD: SRV6Behavior
SRV6_BEHAVIOR_ENDT_WITH_PSP_USD: SRV6Behavior
SRV6_BEHAVIOR_ENDT_WITH_USP_USD: SRV6Behavior
SRV6_BEHAVIOR_ENDT_WITH_PSP_USP_USD: SRV6Behavior
SRV6_BEHAVIOR_ENDM_GTP6D: SRV6Behavior
SRV6_BEHAVIOR_ENDM_GTP6DI: SRV6Behavior
SRV6_BEHAVIOR_ENDM_GTP6E: SRV6Behavior
SRV6_BEHAVIOR_ENDM_GTP4E: SRV6Behavior
ENLP_TYPE_UNSPECIFIED: ENLPType
ENLP_TYPE_TYPE1: ENLPType
ENLP_TYPE_TYPE2: ENLPType
ENLP_TYPE_TYPE3: ENLPType
ENLP_TYPE_TYPE4: ENLPType

class Attribute(_message.Message):
    __slots__ = ("unknown", "origin", "as_path", "next_hop", "multi_exit_disc", "local_pref", "atomic_aggregate", "aggregator", "communities", "originator_id", "cluster_list", "mp_reach", "mp_unreach", "extended_communities", "as4_path", "as4_aggregator", "pmsi_tunnel", "tunnel_encap", "ip6_extended_communities", "aigp", "large_communities", "ls", "prefix_sid")
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    AS_PATH_FIELD_NUMBER: _ClassVar[int]
    NEXT_HOP_FIELD_NUMBER: _ClassVar[int]
    MULTI_EXIT_DISC_FIELD_NUMBER: _ClassVar[int]
    LOCAL_PREF_FIELD_NUMBER: _ClassVar[int]
    ATOMIC_AGGREGATE_FIELD_NUMBER: _ClassVar[int]
    AGGREGATOR_FIELD_NUMBER: _ClassVar[int]
    COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    ORIGINATOR_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_LIST_FIELD_NUMBER: _ClassVar[int]
    MP_REACH_FIELD_NUMBER: _ClassVar[int]
    MP_UNREACH_FIELD_NUMBER: _ClassVar[int]
    EXTENDED_COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    AS4_PATH_FIELD_NUMBER: _ClassVar[int]
    AS4_AGGREGATOR_FIELD_NUMBER: _ClassVar[int]
    PMSI_TUNNEL_FIELD_NUMBER: _ClassVar[int]
    TUNNEL_ENCAP_FIELD_NUMBER: _ClassVar[int]
    IP6_EXTENDED_COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    AIGP_FIELD_NUMBER: _ClassVar[int]
    LARGE_COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    LS_FIELD_NUMBER: _ClassVar[int]
    PREFIX_SID_FIELD_NUMBER: _ClassVar[int]
    unknown: UnknownAttribute
    origin: OriginAttribute
    as_path: AsPathAttribute
    next_hop: NextHopAttribute
    multi_exit_disc: MultiExitDiscAttribute
    local_pref: LocalPrefAttribute
    atomic_aggregate: AtomicAggregateAttribute
    aggregator: AggregatorAttribute
    communities: CommunitiesAttribute
    originator_id: OriginatorIdAttribute
    cluster_list: ClusterListAttribute
    mp_reach: MpReachNLRIAttribute
    mp_unreach: MpUnreachNLRIAttribute
    extended_communities: ExtendedCommunitiesAttribute
    as4_path: As4PathAttribute
    as4_aggregator: As4AggregatorAttribute
    pmsi_tunnel: PmsiTunnelAttribute
    tunnel_encap: TunnelEncapAttribute
    ip6_extended_communities: IP6ExtendedCommunitiesAttribute
    aigp: AigpAttribute
    large_communities: LargeCommunitiesAttribute
    ls: LsAttribute
    prefix_sid: PrefixSID
    def __init__(self, unknown: _Optional[_Union[UnknownAttribute, _Mapping]] = ..., origin: _Optional[_Union[OriginAttribute, _Mapping]] = ..., as_path: _Optional[_Union[AsPathAttribute, _Mapping]] = ..., next_hop: _Optional[_Union[NextHopAttribute, _Mapping]] = ..., multi_exit_disc: _Optional[_Union[MultiExitDiscAttribute, _Mapping]] = ..., local_pref: _Optional[_Union[LocalPrefAttribute, _Mapping]] = ..., atomic_aggregate: _Optional[_Union[AtomicAggregateAttribute, _Mapping]] = ..., aggregator: _Optional[_Union[AggregatorAttribute, _Mapping]] = ..., communities: _Optional[_Union[CommunitiesAttribute, _Mapping]] = ..., originator_id: _Optional[_Union[OriginatorIdAttribute, _Mapping]] = ..., cluster_list: _Optional[_Union[ClusterListAttribute, _Mapping]] = ..., mp_reach: _Optional[_Union[MpReachNLRIAttribute, _Mapping]] = ..., mp_unreach: _Optional[_Union[MpUnreachNLRIAttribute, _Mapping]] = ..., extended_communities: _Optional[_Union[ExtendedCommunitiesAttribute, _Mapping]] = ..., as4_path: _Optional[_Union[As4PathAttribute, _Mapping]] = ..., as4_aggregator: _Optional[_Union[As4AggregatorAttribute, _Mapping]] = ..., pmsi_tunnel: _Optional[_Union[PmsiTunnelAttribute, _Mapping]] = ..., tunnel_encap: _Optional[_Union[TunnelEncapAttribute, _Mapping]] = ..., ip6_extended_communities: _Optional[_Union[IP6ExtendedCommunitiesAttribute, _Mapping]] = ..., aigp: _Optional[_Union[AigpAttribute, _Mapping]] = ..., large_communities: _Optional[_Union[LargeCommunitiesAttribute, _Mapping]] = ..., ls: _Optional[_Union[LsAttribute, _Mapping]] = ..., prefix_sid: _Optional[_Union[PrefixSID, _Mapping]] = ...) -> None: ...

class OriginAttribute(_message.Message):
    __slots__ = ("origin",)
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    origin: int
    def __init__(self, origin: _Optional[int] = ...) -> None: ...

class AsSegment(_message.Message):
    __slots__ = ("type", "numbers")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[AsSegment.Type]
        TYPE_AS_SET: _ClassVar[AsSegment.Type]
        TYPE_AS_SEQUENCE: _ClassVar[AsSegment.Type]
        TYPE_AS_CONFED_SEQUENCE: _ClassVar[AsSegment.Type]
        TYPE_AS_CONFED_SET: _ClassVar[AsSegment.Type]
    TYPE_UNSPECIFIED: AsSegment.Type
    TYPE_AS_SET: AsSegment.Type
    TYPE_AS_SEQUENCE: AsSegment.Type
    TYPE_AS_CONFED_SEQUENCE: AsSegment.Type
    TYPE_AS_CONFED_SET: AsSegment.Type
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    type: AsSegment.Type
    numbers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, type: _Optional[_Union[AsSegment.Type, str]] = ..., numbers: _Optional[_Iterable[int]] = ...) -> None: ...

class AsPathAttribute(_message.Message):
    __slots__ = ("segments",)
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[AsSegment]
    def __init__(self, segments: _Optional[_Iterable[_Union[AsSegment, _Mapping]]] = ...) -> None: ...

class NextHopAttribute(_message.Message):
    __slots__ = ("next_hop",)
    NEXT_HOP_FIELD_NUMBER: _ClassVar[int]
    next_hop: str
    def __init__(self, next_hop: _Optional[str] = ...) -> None: ...

class MultiExitDiscAttribute(_message.Message):
    __slots__ = ("med",)
    MED_FIELD_NUMBER: _ClassVar[int]
    med: int
    def __init__(self, med: _Optional[int] = ...) -> None: ...

class LocalPrefAttribute(_message.Message):
    __slots__ = ("local_pref",)
    LOCAL_PREF_FIELD_NUMBER: _ClassVar[int]
    local_pref: int
    def __init__(self, local_pref: _Optional[int] = ...) -> None: ...

class AtomicAggregateAttribute(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AggregatorAttribute(_message.Message):
    __slots__ = ("asn", "address")
    ASN_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    asn: int
    address: str
    def __init__(self, asn: _Optional[int] = ..., address: _Optional[str] = ...) -> None: ...

class CommunitiesAttribute(_message.Message):
    __slots__ = ("communities",)
    COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    communities: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, communities: _Optional[_Iterable[int]] = ...) -> None: ...

class OriginatorIdAttribute(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ClusterListAttribute(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ...) -> None: ...

class MpReachNLRIAttribute(_message.Message):
    __slots__ = ("family", "next_hops", "nlris")
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    NEXT_HOPS_FIELD_NUMBER: _ClassVar[int]
    NLRIS_FIELD_NUMBER: _ClassVar[int]
    family: _common_pb2.Family
    next_hops: _containers.RepeatedScalarFieldContainer[str]
    nlris: _containers.RepeatedCompositeFieldContainer[_nlri_pb2.NLRI]
    def __init__(self, family: _Optional[_Union[_common_pb2.Family, _Mapping]] = ..., next_hops: _Optional[_Iterable[str]] = ..., nlris: _Optional[_Iterable[_Union[_nlri_pb2.NLRI, _Mapping]]] = ...) -> None: ...

class MpUnreachNLRIAttribute(_message.Message):
    __slots__ = ("family", "nlris")
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    NLRIS_FIELD_NUMBER: _ClassVar[int]
    family: _common_pb2.Family
    nlris: _containers.RepeatedCompositeFieldContainer[_nlri_pb2.NLRI]
    def __init__(self, family: _Optional[_Union[_common_pb2.Family, _Mapping]] = ..., nlris: _Optional[_Iterable[_Union[_nlri_pb2.NLRI, _Mapping]]] = ...) -> None: ...

class ExtendedCommunitiesAttribute(_message.Message):
    __slots__ = ("communities",)
    COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    communities: _containers.RepeatedCompositeFieldContainer[_extcom_pb2.ExtendedCommunity]
    def __init__(self, communities: _Optional[_Iterable[_Union[_extcom_pb2.ExtendedCommunity, _Mapping]]] = ...) -> None: ...

class As4PathAttribute(_message.Message):
    __slots__ = ("segments",)
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[AsSegment]
    def __init__(self, segments: _Optional[_Iterable[_Union[AsSegment, _Mapping]]] = ...) -> None: ...

class As4AggregatorAttribute(_message.Message):
    __slots__ = ("asn", "address")
    ASN_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    asn: int
    address: str
    def __init__(self, asn: _Optional[int] = ..., address: _Optional[str] = ...) -> None: ...

class PmsiTunnelAttribute(_message.Message):
    __slots__ = ("flags", "type", "label", "id")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    flags: int
    type: int
    label: int
    id: bytes
    def __init__(self, flags: _Optional[int] = ..., type: _Optional[int] = ..., label: _Optional[int] = ..., id: _Optional[bytes] = ...) -> None: ...

class TunnelEncapSubTLVEncapsulation(_message.Message):
    __slots__ = ("key", "cookie")
    KEY_FIELD_NUMBER: _ClassVar[int]
    COOKIE_FIELD_NUMBER: _ClassVar[int]
    key: int
    cookie: bytes
    def __init__(self, key: _Optional[int] = ..., cookie: _Optional[bytes] = ...) -> None: ...

class TunnelEncapSubTLVProtocol(_message.Message):
    __slots__ = ("protocol",)
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    def __init__(self, protocol: _Optional[int] = ...) -> None: ...

class TunnelEncapSubTLVColor(_message.Message):
    __slots__ = ("color",)
    COLOR_FIELD_NUMBER: _ClassVar[int]
    color: int
    def __init__(self, color: _Optional[int] = ...) -> None: ...

class TunnelEncapSubTLVSRPreference(_message.Message):
    __slots__ = ("flags", "preference")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    PREFERENCE_FIELD_NUMBER: _ClassVar[int]
    flags: int
    preference: int
    def __init__(self, flags: _Optional[int] = ..., preference: _Optional[int] = ...) -> None: ...

class TunnelEncapSubTLVSRCandidatePathName(_message.Message):
    __slots__ = ("candidate_path_name",)
    CANDIDATE_PATH_NAME_FIELD_NUMBER: _ClassVar[int]
    candidate_path_name: str
    def __init__(self, candidate_path_name: _Optional[str] = ...) -> None: ...

class TunnelEncapSubTLVSRPriority(_message.Message):
    __slots__ = ("priority",)
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    priority: int
    def __init__(self, priority: _Optional[int] = ...) -> None: ...

class TunnelEncapSubTLVSRBindingSID(_message.Message):
    __slots__ = ("sr_binding_sid", "srv6_binding_sid")
    SR_BINDING_SID_FIELD_NUMBER: _ClassVar[int]
    SRV6_BINDING_SID_FIELD_NUMBER: _ClassVar[int]
    sr_binding_sid: SRBindingSID
    srv6_binding_sid: SRv6BindingSID
    def __init__(self, sr_binding_sid: _Optional[_Union[SRBindingSID, _Mapping]] = ..., srv6_binding_sid: _Optional[_Union[SRv6BindingSID, _Mapping]] = ...) -> None: ...

class SRBindingSID(_message.Message):
    __slots__ = ("s_flag", "i_flag", "sid")
    S_FLAG_FIELD_NUMBER: _ClassVar[int]
    I_FLAG_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    s_flag: bool
    i_flag: bool
    sid: bytes
    def __init__(self, s_flag: _Optional[bool] = ..., i_flag: _Optional[bool] = ..., sid: _Optional[bytes] = ...) -> None: ...

class SRv6EndPointBehavior(_message.Message):
    __slots__ = ("behavior", "block_len", "node_len", "func_len", "arg_len")
    BEHAVIOR_FIELD_NUMBER: _ClassVar[int]
    BLOCK_LEN_FIELD_NUMBER: _ClassVar[int]
    NODE_LEN_FIELD_NUMBER: _ClassVar[int]
    FUNC_LEN_FIELD_NUMBER: _ClassVar[int]
    ARG_LEN_FIELD_NUMBER: _ClassVar[int]
    behavior: SRV6Behavior
    block_len: int
    node_len: int
    func_len: int
    arg_len: int
    def __init__(self, behavior: _Optional[_Union[SRV6Behavior, str]] = ..., block_len: _Optional[int] = ..., node_len: _Optional[int] = ..., func_len: _Optional[int] = ..., arg_len: _Optional[int] = ...) -> None: ...

class SRv6BindingSID(_message.Message):
    __slots__ = ("s_flag", "i_flag", "b_flag", "sid", "endpoint_behavior_structure")
    S_FLAG_FIELD_NUMBER: _ClassVar[int]
    I_FLAG_FIELD_NUMBER: _ClassVar[int]
    B_FLAG_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_BEHAVIOR_STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    s_flag: bool
    i_flag: bool
    b_flag: bool
    sid: bytes
    endpoint_behavior_structure: SRv6EndPointBehavior
    def __init__(self, s_flag: _Optional[bool] = ..., i_flag: _Optional[bool] = ..., b_flag: _Optional[bool] = ..., sid: _Optional[bytes] = ..., endpoint_behavior_structure: _Optional[_Union[SRv6EndPointBehavior, _Mapping]] = ...) -> None: ...

class TunnelEncapSubTLVSRENLP(_message.Message):
    __slots__ = ("flags", "enlp")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    ENLP_FIELD_NUMBER: _ClassVar[int]
    flags: int
    enlp: ENLPType
    def __init__(self, flags: _Optional[int] = ..., enlp: _Optional[_Union[ENLPType, str]] = ...) -> None: ...

class SRWeight(_message.Message):
    __slots__ = ("flags", "weight")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    flags: int
    weight: int
    def __init__(self, flags: _Optional[int] = ..., weight: _Optional[int] = ...) -> None: ...

class SegmentFlags(_message.Message):
    __slots__ = ("v_flag", "a_flag", "s_flag", "b_flag")
    V_FLAG_FIELD_NUMBER: _ClassVar[int]
    A_FLAG_FIELD_NUMBER: _ClassVar[int]
    S_FLAG_FIELD_NUMBER: _ClassVar[int]
    B_FLAG_FIELD_NUMBER: _ClassVar[int]
    v_flag: bool
    a_flag: bool
    s_flag: bool
    b_flag: bool
    def __init__(self, v_flag: _Optional[bool] = ..., a_flag: _Optional[bool] = ..., s_flag: _Optional[bool] = ..., b_flag: _Optional[bool] = ...) -> None: ...

class SegmentTypeA(_message.Message):
    __slots__ = ("flags", "label")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    flags: SegmentFlags
    label: int
    def __init__(self, flags: _Optional[_Union[SegmentFlags, _Mapping]] = ..., label: _Optional[int] = ...) -> None: ...

class SegmentTypeB(_message.Message):
    __slots__ = ("flags", "sid", "endpoint_behavior_structure")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_BEHAVIOR_STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    flags: SegmentFlags
    sid: bytes
    endpoint_behavior_structure: SRv6EndPointBehavior
    def __init__(self, flags: _Optional[_Union[SegmentFlags, _Mapping]] = ..., sid: _Optional[bytes] = ..., endpoint_behavior_structure: _Optional[_Union[SRv6EndPointBehavior, _Mapping]] = ...) -> None: ...

class TunnelEncapSubTLVSRSegmentList(_message.Message):
    __slots__ = ("weight", "segments")
    class Segment(_message.Message):
        __slots__ = ("a", "b")
        A_FIELD_NUMBER: _ClassVar[int]
        B_FIELD_NUMBER: _ClassVar[int]
        a: SegmentTypeA
        b: SegmentTypeB
        def __init__(self, a: _Optional[_Union[SegmentTypeA, _Mapping]] = ..., b: _Optional[_Union[SegmentTypeB, _Mapping]] = ...) -> None: ...
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    weight: SRWeight
    segments: _containers.RepeatedCompositeFieldContainer[TunnelEncapSubTLVSRSegmentList.Segment]
    def __init__(self, weight: _Optional[_Union[SRWeight, _Mapping]] = ..., segments: _Optional[_Iterable[_Union[TunnelEncapSubTLVSRSegmentList.Segment, _Mapping]]] = ...) -> None: ...

class TunnelEncapSubTLVEgressEndpoint(_message.Message):
    __slots__ = ("address",)
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    address: str
    def __init__(self, address: _Optional[str] = ...) -> None: ...

class TunnelEncapSubTLVUDPDestPort(_message.Message):
    __slots__ = ("port",)
    PORT_FIELD_NUMBER: _ClassVar[int]
    port: int
    def __init__(self, port: _Optional[int] = ...) -> None: ...

class TunnelEncapSubTLVUnknown(_message.Message):
    __slots__ = ("type", "value")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    type: int
    value: bytes
    def __init__(self, type: _Optional[int] = ..., value: _Optional[bytes] = ...) -> None: ...

class TunnelEncapTLV(_message.Message):
    __slots__ = ("type", "tlvs")
    class TLV(_message.Message):
        __slots__ = ("unknown", "encapsulation", "protocol", "color", "egress_endpoint", "udp_dest_port", "sr_preference", "sr_priority", "sr_candidate_path_name", "sr_enlp", "sr_binding_sid", "sr_segment_list")
        UNKNOWN_FIELD_NUMBER: _ClassVar[int]
        ENCAPSULATION_FIELD_NUMBER: _ClassVar[int]
        PROTOCOL_FIELD_NUMBER: _ClassVar[int]
        COLOR_FIELD_NUMBER: _ClassVar[int]
        EGRESS_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
        UDP_DEST_PORT_FIELD_NUMBER: _ClassVar[int]
        SR_PREFERENCE_FIELD_NUMBER: _ClassVar[int]
        SR_PRIORITY_FIELD_NUMBER: _ClassVar[int]
        SR_CANDIDATE_PATH_NAME_FIELD_NUMBER: _ClassVar[int]
        SR_ENLP_FIELD_NUMBER: _ClassVar[int]
        SR_BINDING_SID_FIELD_NUMBER: _ClassVar[int]
        SR_SEGMENT_LIST_FIELD_NUMBER: _ClassVar[int]
        unknown: TunnelEncapSubTLVUnknown
        encapsulation: TunnelEncapSubTLVEncapsulation
        protocol: TunnelEncapSubTLVProtocol
        color: TunnelEncapSubTLVColor
        egress_endpoint: TunnelEncapSubTLVEgressEndpoint
        udp_dest_port: TunnelEncapSubTLVUDPDestPort
        sr_preference: TunnelEncapSubTLVSRPreference
        sr_priority: TunnelEncapSubTLVSRPriority
        sr_candidate_path_name: TunnelEncapSubTLVSRCandidatePathName
        sr_enlp: TunnelEncapSubTLVSRENLP
        sr_binding_sid: TunnelEncapSubTLVSRBindingSID
        sr_segment_list: TunnelEncapSubTLVSRSegmentList
        def __init__(self, unknown: _Optional[_Union[TunnelEncapSubTLVUnknown, _Mapping]] = ..., encapsulation: _Optional[_Union[TunnelEncapSubTLVEncapsulation, _Mapping]] = ..., protocol: _Optional[_Union[TunnelEncapSubTLVProtocol, _Mapping]] = ..., color: _Optional[_Union[TunnelEncapSubTLVColor, _Mapping]] = ..., egress_endpoint: _Optional[_Union[TunnelEncapSubTLVEgressEndpoint, _Mapping]] = ..., udp_dest_port: _Optional[_Union[TunnelEncapSubTLVUDPDestPort, _Mapping]] = ..., sr_preference: _Optional[_Union[TunnelEncapSubTLVSRPreference, _Mapping]] = ..., sr_priority: _Optional[_Union[TunnelEncapSubTLVSRPriority, _Mapping]] = ..., sr_candidate_path_name: _Optional[_Union[TunnelEncapSubTLVSRCandidatePathName, _Mapping]] = ..., sr_enlp: _Optional[_Union[TunnelEncapSubTLVSRENLP, _Mapping]] = ..., sr_binding_sid: _Optional[_Union[TunnelEncapSubTLVSRBindingSID, _Mapping]] = ..., sr_segment_list: _Optional[_Union[TunnelEncapSubTLVSRSegmentList, _Mapping]] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TLVS_FIELD_NUMBER: _ClassVar[int]
    type: int
    tlvs: _containers.RepeatedCompositeFieldContainer[TunnelEncapTLV.TLV]
    def __init__(self, type: _Optional[int] = ..., tlvs: _Optional[_Iterable[_Union[TunnelEncapTLV.TLV, _Mapping]]] = ...) -> None: ...

class TunnelEncapAttribute(_message.Message):
    __slots__ = ("tlvs",)
    TLVS_FIELD_NUMBER: _ClassVar[int]
    tlvs: _containers.RepeatedCompositeFieldContainer[TunnelEncapTLV]
    def __init__(self, tlvs: _Optional[_Iterable[_Union[TunnelEncapTLV, _Mapping]]] = ...) -> None: ...

class IPv6AddressSpecificExtended(_message.Message):
    __slots__ = ("is_transitive", "sub_type", "address", "local_admin")
    IS_TRANSITIVE_FIELD_NUMBER: _ClassVar[int]
    SUB_TYPE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ADMIN_FIELD_NUMBER: _ClassVar[int]
    is_transitive: bool
    sub_type: int
    address: str
    local_admin: int
    def __init__(self, is_transitive: _Optional[bool] = ..., sub_type: _Optional[int] = ..., address: _Optional[str] = ..., local_admin: _Optional[int] = ...) -> None: ...

class RedirectIPv6AddressSpecificExtended(_message.Message):
    __slots__ = ("address", "local_admin")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ADMIN_FIELD_NUMBER: _ClassVar[int]
    address: str
    local_admin: int
    def __init__(self, address: _Optional[str] = ..., local_admin: _Optional[int] = ...) -> None: ...

class IP6ExtendedCommunitiesAttribute(_message.Message):
    __slots__ = ("communities",)
    class Community(_message.Message):
        __slots__ = ("ipv6_address_specific", "redirect_ipv6_address_specific")
        IPV6_ADDRESS_SPECIFIC_FIELD_NUMBER: _ClassVar[int]
        REDIRECT_IPV6_ADDRESS_SPECIFIC_FIELD_NUMBER: _ClassVar[int]
        ipv6_address_specific: IPv6AddressSpecificExtended
        redirect_ipv6_address_specific: RedirectIPv6AddressSpecificExtended
        def __init__(self, ipv6_address_specific: _Optional[_Union[IPv6AddressSpecificExtended, _Mapping]] = ..., redirect_ipv6_address_specific: _Optional[_Union[RedirectIPv6AddressSpecificExtended, _Mapping]] = ...) -> None: ...
    COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    communities: _containers.RepeatedCompositeFieldContainer[IP6ExtendedCommunitiesAttribute.Community]
    def __init__(self, communities: _Optional[_Iterable[_Union[IP6ExtendedCommunitiesAttribute.Community, _Mapping]]] = ...) -> None: ...

class AigpTLVIGPMetric(_message.Message):
    __slots__ = ("metric",)
    METRIC_FIELD_NUMBER: _ClassVar[int]
    metric: int
    def __init__(self, metric: _Optional[int] = ...) -> None: ...

class AigpTLVUnknown(_message.Message):
    __slots__ = ("type", "value")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    type: int
    value: bytes
    def __init__(self, type: _Optional[int] = ..., value: _Optional[bytes] = ...) -> None: ...

class AigpAttribute(_message.Message):
    __slots__ = ("tlvs",)
    class TLV(_message.Message):
        __slots__ = ("unknown", "igp_metric")
        UNKNOWN_FIELD_NUMBER: _ClassVar[int]
        IGP_METRIC_FIELD_NUMBER: _ClassVar[int]
        unknown: AigpTLVUnknown
        igp_metric: AigpTLVIGPMetric
        def __init__(self, unknown: _Optional[_Union[AigpTLVUnknown, _Mapping]] = ..., igp_metric: _Optional[_Union[AigpTLVIGPMetric, _Mapping]] = ...) -> None: ...
    TLVS_FIELD_NUMBER: _ClassVar[int]
    tlvs: _containers.RepeatedCompositeFieldContainer[AigpAttribute.TLV]
    def __init__(self, tlvs: _Optional[_Iterable[_Union[AigpAttribute.TLV, _Mapping]]] = ...) -> None: ...

class LargeCommunity(_message.Message):
    __slots__ = ("global_admin", "local_data1", "local_data2")
    GLOBAL_ADMIN_FIELD_NUMBER: _ClassVar[int]
    LOCAL_DATA1_FIELD_NUMBER: _ClassVar[int]
    LOCAL_DATA2_FIELD_NUMBER: _ClassVar[int]
    global_admin: int
    local_data1: int
    local_data2: int
    def __init__(self, global_admin: _Optional[int] = ..., local_data1: _Optional[int] = ..., local_data2: _Optional[int] = ...) -> None: ...

class LargeCommunitiesAttribute(_message.Message):
    __slots__ = ("communities",)
    COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    communities: _containers.RepeatedCompositeFieldContainer[LargeCommunity]
    def __init__(self, communities: _Optional[_Iterable[_Union[LargeCommunity, _Mapping]]] = ...) -> None: ...

class LsNodeFlags(_message.Message):
    __slots__ = ("overload", "attached", "external", "abr", "router", "v6")
    OVERLOAD_FIELD_NUMBER: _ClassVar[int]
    ATTACHED_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_FIELD_NUMBER: _ClassVar[int]
    ABR_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    V6_FIELD_NUMBER: _ClassVar[int]
    overload: bool
    attached: bool
    external: bool
    abr: bool
    router: bool
    v6: bool
    def __init__(self, overload: _Optional[bool] = ..., attached: _Optional[bool] = ..., external: _Optional[bool] = ..., abr: _Optional[bool] = ..., router: _Optional[bool] = ..., v6: _Optional[bool] = ...) -> None: ...

class LsIGPFlags(_message.Message):
    __slots__ = ("down", "no_unicast", "local_address", "propagate_nssa")
    DOWN_FIELD_NUMBER: _ClassVar[int]
    NO_UNICAST_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PROPAGATE_NSSA_FIELD_NUMBER: _ClassVar[int]
    down: bool
    no_unicast: bool
    local_address: bool
    propagate_nssa: bool
    def __init__(self, down: _Optional[bool] = ..., no_unicast: _Optional[bool] = ..., local_address: _Optional[bool] = ..., propagate_nssa: _Optional[bool] = ...) -> None: ...

class LsSrRange(_message.Message):
    __slots__ = ("begin", "end")
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    begin: int
    end: int
    def __init__(self, begin: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class LsSrCapabilities(_message.Message):
    __slots__ = ("ipv4_supported", "ipv6_supported", "ranges")
    IPV4_SUPPORTED_FIELD_NUMBER: _ClassVar[int]
    IPV6_SUPPORTED_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ipv4_supported: bool
    ipv6_supported: bool
    ranges: _containers.RepeatedCompositeFieldContainer[LsSrRange]
    def __init__(self, ipv4_supported: _Optional[bool] = ..., ipv6_supported: _Optional[bool] = ..., ranges: _Optional[_Iterable[_Union[LsSrRange, _Mapping]]] = ...) -> None: ...

class LsSrLocalBlock(_message.Message):
    __slots__ = ("ranges",)
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ranges: _containers.RepeatedCompositeFieldContainer[LsSrRange]
    def __init__(self, ranges: _Optional[_Iterable[_Union[LsSrRange, _Mapping]]] = ...) -> None: ...

class LsAttributeNode(_message.Message):
    __slots__ = ("name", "flags", "local_router_id", "local_router_id_v6", "isis_area", "opaque", "sr_capabilities", "sr_algorithms", "sr_local_block", "flex_algo_defs")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ROUTER_ID_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ROUTER_ID_V6_FIELD_NUMBER: _ClassVar[int]
    ISIS_AREA_FIELD_NUMBER: _ClassVar[int]
    OPAQUE_FIELD_NUMBER: _ClassVar[int]
    SR_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    SR_ALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    SR_LOCAL_BLOCK_FIELD_NUMBER: _ClassVar[int]
    FLEX_ALGO_DEFS_FIELD_NUMBER: _ClassVar[int]
    name: str
    flags: LsNodeFlags
    local_router_id: str
    local_router_id_v6: str
    isis_area: bytes
    opaque: bytes
    sr_capabilities: LsSrCapabilities
    sr_algorithms: bytes
    sr_local_block: LsSrLocalBlock
    flex_algo_defs: _containers.RepeatedCompositeFieldContainer[LsAttributeFlexAlgoDef]
    def __init__(self, name: _Optional[str] = ..., flags: _Optional[_Union[LsNodeFlags, _Mapping]] = ..., local_router_id: _Optional[str] = ..., local_router_id_v6: _Optional[str] = ..., isis_area: _Optional[bytes] = ..., opaque: _Optional[bytes] = ..., sr_capabilities: _Optional[_Union[LsSrCapabilities, _Mapping]] = ..., sr_algorithms: _Optional[bytes] = ..., sr_local_block: _Optional[_Union[LsSrLocalBlock, _Mapping]] = ..., flex_algo_defs: _Optional[_Iterable[_Union[LsAttributeFlexAlgoDef, _Mapping]]] = ...) -> None: ...

class LsAttributeFlexAlgoDef(_message.Message):
    __slots__ = ("algorithm", "metric_type", "metric_type_known", "calc_type", "priority", "exclude_any_affinity", "include_any_affinity", "include_all_affinity", "definition_flags", "exclude_srlg")
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    METRIC_TYPE_FIELD_NUMBER: _ClassVar[int]
    METRIC_TYPE_KNOWN_FIELD_NUMBER: _ClassVar[int]
    CALC_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_ANY_AFFINITY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ANY_AFFINITY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ALL_AFFINITY_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FLAGS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_SRLG_FIELD_NUMBER: _ClassVar[int]
    algorithm: int
    metric_type: int
    metric_type_known: bool
    calc_type: int
    priority: int
    exclude_any_affinity: _containers.RepeatedScalarFieldContainer[int]
    include_any_affinity: _containers.RepeatedScalarFieldContainer[int]
    include_all_affinity: _containers.RepeatedScalarFieldContainer[int]
    definition_flags: bytes
    exclude_srlg: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, algorithm: _Optional[int] = ..., metric_type: _Optional[int] = ..., metric_type_known: _Optional[bool] = ..., calc_type: _Optional[int] = ..., priority: _Optional[int] = ..., exclude_any_affinity: _Optional[_Iterable[int]] = ..., include_any_affinity: _Optional[_Iterable[int]] = ..., include_all_affinity: _Optional[_Iterable[int]] = ..., definition_flags: _Optional[bytes] = ..., exclude_srlg: _Optional[_Iterable[int]] = ...) -> None: ...

class LsAttributeLink(_message.Message):
    __slots__ = ("name", "local_router_id", "local_router_id_v6", "remote_router_id", "remote_router_id_v6", "admin_group", "default_te_metric", "igp_metric", "opaque", "bandwidth", "reservable_bandwidth", "unreserved_bandwidth", "sr_adjacency_sid", "srlgs", "srv6_end_x_sid", "unidirectional_link_delay_anomalous", "unidirectional_link_delay", "min_max_unidirectional_link_delay_anomalous", "min_unidirectional_link_delay", "max_unidirectional_link_delay", "unidirectional_delay_variation")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ROUTER_ID_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ROUTER_ID_V6_FIELD_NUMBER: _ClassVar[int]
    REMOTE_ROUTER_ID_FIELD_NUMBER: _ClassVar[int]
    REMOTE_ROUTER_ID_V6_FIELD_NUMBER: _ClassVar[int]
    ADMIN_GROUP_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_TE_METRIC_FIELD_NUMBER: _ClassVar[int]
    IGP_METRIC_FIELD_NUMBER: _ClassVar[int]
    OPAQUE_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_FIELD_NUMBER: _ClassVar[int]
    RESERVABLE_BANDWIDTH_FIELD_NUMBER: _ClassVar[int]
    UNRESERVED_BANDWIDTH_FIELD_NUMBER: _ClassVar[int]
    SR_ADJACENCY_SID_FIELD_NUMBER: _ClassVar[int]
    SRLGS_FIELD_NUMBER: _ClassVar[int]
    SRV6_END_X_SID_FIELD_NUMBER: _ClassVar[int]
    UNIDIRECTIONAL_LINK_DELAY_ANOMALOUS_FIELD_NUMBER: _ClassVar[int]
    UNIDIRECTIONAL_LINK_DELAY_FIELD_NUMBER: _ClassVar[int]
    MIN_MAX_UNIDIRECTIONAL_LINK_DELAY_ANOMALOUS_FIELD_NUMBER: _ClassVar[int]
    MIN_UNIDIRECTIONAL_LINK_DELAY_FIELD_NUMBER: _ClassVar[int]
    MAX_UNIDIRECTIONAL_LINK_DELAY_FIELD_NUMBER: _ClassVar[int]
    UNIDIRECTIONAL_DELAY_VARIATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    local_router_id: str
    local_router_id_v6: str
    remote_router_id: str
    remote_router_id_v6: str
    admin_group: int
    default_te_metric: int
    igp_metric: int
    opaque: bytes
    bandwidth: float
    reservable_bandwidth: float
    unreserved_bandwidth: _containers.RepeatedScalarFieldContainer[float]
    sr_adjacency_sid: int
    srlgs: _containers.RepeatedScalarFieldContainer[int]
    srv6_end_x_sid: LsSrv6EndXSID
    unidirectional_link_delay_anomalous: bool
    unidirectional_link_delay: int
    min_max_unidirectional_link_delay_anomalous: bool
    min_unidirectional_link_delay: int
    max_unidirectional_link_delay: int
    unidirectional_delay_variation: int
    def __init__(self, name: _Optional[str] = ..., local_router_id: _Optional[str] = ..., local_router_id_v6: _Optional[str] = ..., remote_router_id: _Optional[str] = ..., remote_router_id_v6: _Optional[str] = ..., admin_group: _Optional[int] = ..., default_te_metric: _Optional[int] = ..., igp_metric: _Optional[int] = ..., opaque: _Optional[bytes] = ..., bandwidth: _Optional[float] = ..., reservable_bandwidth: _Optional[float] = ..., unreserved_bandwidth: _Optional[_Iterable[float]] = ..., sr_adjacency_sid: _Optional[int] = ..., srlgs: _Optional[_Iterable[int]] = ..., srv6_end_x_sid: _Optional[_Union[LsSrv6EndXSID, _Mapping]] = ..., unidirectional_link_delay_anomalous: _Optional[bool] = ..., unidirectional_link_delay: _Optional[int] = ..., min_max_unidirectional_link_delay_anomalous: _Optional[bool] = ..., min_unidirectional_link_delay: _Optional[int] = ..., max_unidirectional_link_delay: _Optional[int] = ..., unidirectional_delay_variation: _Optional[int] = ...) -> None: ...

class LsAttributePrefix(_message.Message):
    __slots__ = ("igp_flags", "opaque", "sr_prefix_sid", "sr_prefix_sids", "fad_prefix_metrics")
    IGP_FLAGS_FIELD_NUMBER: _ClassVar[int]
    OPAQUE_FIELD_NUMBER: _ClassVar[int]
    SR_PREFIX_SID_FIELD_NUMBER: _ClassVar[int]
    SR_PREFIX_SIDS_FIELD_NUMBER: _ClassVar[int]
    FAD_PREFIX_METRICS_FIELD_NUMBER: _ClassVar[int]
    igp_flags: LsIGPFlags
    opaque: bytes
    sr_prefix_sid: int
    sr_prefix_sids: _containers.RepeatedCompositeFieldContainer[LsAttributePrefixSID]
    fad_prefix_metrics: _containers.RepeatedCompositeFieldContainer[LsAttributeFADPrefixMetric]
    def __init__(self, igp_flags: _Optional[_Union[LsIGPFlags, _Mapping]] = ..., opaque: _Optional[bytes] = ..., sr_prefix_sid: _Optional[int] = ..., sr_prefix_sids: _Optional[_Iterable[_Union[LsAttributePrefixSID, _Mapping]]] = ..., fad_prefix_metrics: _Optional[_Iterable[_Union[LsAttributeFADPrefixMetric, _Mapping]]] = ...) -> None: ...

class LsAttributePrefixSID(_message.Message):
    __slots__ = ("algorithm", "flags", "sid")
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    algorithm: int
    flags: int
    sid: int
    def __init__(self, algorithm: _Optional[int] = ..., flags: _Optional[int] = ..., sid: _Optional[int] = ...) -> None: ...

class LsAttributeFADPrefixMetric(_message.Message):
    __slots__ = ("algorithm", "flags", "metric")
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    algorithm: int
    flags: int
    metric: int
    def __init__(self, algorithm: _Optional[int] = ..., flags: _Optional[int] = ..., metric: _Optional[int] = ...) -> None: ...

class LsBgpPeerSegmentSIDFlags(_message.Message):
    __slots__ = ("value", "local", "backup", "persistent")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    PERSISTENT_FIELD_NUMBER: _ClassVar[int]
    value: bool
    local: bool
    backup: bool
    persistent: bool
    def __init__(self, value: _Optional[bool] = ..., local: _Optional[bool] = ..., backup: _Optional[bool] = ..., persistent: _Optional[bool] = ...) -> None: ...

class LsBgpPeerSegmentSID(_message.Message):
    __slots__ = ("flags", "weight", "sid")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SID_FIELD_NUMBER: _ClassVar[int]
    flags: LsBgpPeerSegmentSIDFlags
    weight: int
    sid: int
    def __init__(self, flags: _Optional[_Union[LsBgpPeerSegmentSIDFlags, _Mapping]] = ..., weight: _Optional[int] = ..., sid: _Optional[int] = ...) -> None: ...

class LsAttributeBgpPeerSegment(_message.Message):
    __slots__ = ("bgp_peer_node_sid", "bgp_peer_adjacency_sid", "bgp_peer_set_sid")
    BGP_PEER_NODE_SID_FIELD_NUMBER: _ClassVar[int]
    BGP_PEER_ADJACENCY_SID_FIELD_NUMBER: _ClassVar[int]
    BGP_PEER_SET_SID_FIELD_NUMBER: _ClassVar[int]
    bgp_peer_node_sid: LsBgpPeerSegmentSID
    bgp_peer_adjacency_sid: LsBgpPeerSegmentSID
    bgp_peer_set_sid: LsBgpPeerSegmentSID
    def __init__(self, bgp_peer_node_sid: _Optional[_Union[LsBgpPeerSegmentSID, _Mapping]] = ..., bgp_peer_adjacency_sid: _Optional[_Union[LsBgpPeerSegmentSID, _Mapping]] = ..., bgp_peer_set_sid: _Optional[_Union[LsBgpPeerSegmentSID, _Mapping]] = ...) -> None: ...

class LsSrv6EndXSID(_message.Message):
    __slots__ = ("endpoint_behavior", "flags", "algorithm", "weight", "reserved", "sids", "srv6_sid_structure")
    ENDPOINT_BEHAVIOR_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    SIDS_FIELD_NUMBER: _ClassVar[int]
    SRV6_SID_STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    endpoint_behavior: int
    flags: int
    algorithm: int
    weight: int
    reserved: int
    sids: _containers.RepeatedScalarFieldContainer[str]
    srv6_sid_structure: LsSrv6SIDStructure
    def __init__(self, endpoint_behavior: _Optional[int] = ..., flags: _Optional[int] = ..., algorithm: _Optional[int] = ..., weight: _Optional[int] = ..., reserved: _Optional[int] = ..., sids: _Optional[_Iterable[str]] = ..., srv6_sid_structure: _Optional[_Union[LsSrv6SIDStructure, _Mapping]] = ...) -> None: ...

class LsSrv6SIDStructure(_message.Message):
    __slots__ = ("local_block", "local_node", "local_func", "local_arg")
    LOCAL_BLOCK_FIELD_NUMBER: _ClassVar[int]
    LOCAL_NODE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FUNC_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ARG_FIELD_NUMBER: _ClassVar[int]
    local_block: int
    local_node: int
    local_func: int
    local_arg: int
    def __init__(self, local_block: _Optional[int] = ..., local_node: _Optional[int] = ..., local_func: _Optional[int] = ..., local_arg: _Optional[int] = ...) -> None: ...

class LsSrv6EndpointBehavior(_message.Message):
    __slots__ = ("endpoint_behavior", "flags", "algorithm")
    ENDPOINT_BEHAVIOR_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    endpoint_behavior: int
    flags: int
    algorithm: int
    def __init__(self, endpoint_behavior: _Optional[int] = ..., flags: _Optional[int] = ..., algorithm: _Optional[int] = ...) -> None: ...

class LsSrv6BgpPeerNodeSID(_message.Message):
    __slots__ = ("flags", "weight", "peer_as", "peer_bgp_id")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    PEER_AS_FIELD_NUMBER: _ClassVar[int]
    PEER_BGP_ID_FIELD_NUMBER: _ClassVar[int]
    flags: int
    weight: int
    peer_as: int
    peer_bgp_id: str
    def __init__(self, flags: _Optional[int] = ..., weight: _Optional[int] = ..., peer_as: _Optional[int] = ..., peer_bgp_id: _Optional[str] = ...) -> None: ...

class LsAttributeSrv6SID(_message.Message):
    __slots__ = ("srv6_sid_structure", "srv6_endpoint_behavior", "srv6_bgp_peer_node_sid")
    SRV6_SID_STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    SRV6_ENDPOINT_BEHAVIOR_FIELD_NUMBER: _ClassVar[int]
    SRV6_BGP_PEER_NODE_SID_FIELD_NUMBER: _ClassVar[int]
    srv6_sid_structure: LsSrv6SIDStructure
    srv6_endpoint_behavior: LsSrv6EndpointBehavior
    srv6_bgp_peer_node_sid: LsSrv6BgpPeerNodeSID
    def __init__(self, srv6_sid_structure: _Optional[_Union[LsSrv6SIDStructure, _Mapping]] = ..., srv6_endpoint_behavior: _Optional[_Union[LsSrv6EndpointBehavior, _Mapping]] = ..., srv6_bgp_peer_node_sid: _Optional[_Union[LsSrv6BgpPeerNodeSID, _Mapping]] = ...) -> None: ...

class LsAttribute(_message.Message):
    __slots__ = ("node", "link", "prefix", "bgp_peer_segment", "srv6_sid")
    NODE_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    BGP_PEER_SEGMENT_FIELD_NUMBER: _ClassVar[int]
    SRV6_SID_FIELD_NUMBER: _ClassVar[int]
    node: LsAttributeNode
    link: LsAttributeLink
    prefix: LsAttributePrefix
    bgp_peer_segment: LsAttributeBgpPeerSegment
    srv6_sid: LsAttributeSrv6SID
    def __init__(self, node: _Optional[_Union[LsAttributeNode, _Mapping]] = ..., link: _Optional[_Union[LsAttributeLink, _Mapping]] = ..., prefix: _Optional[_Union[LsAttributePrefix, _Mapping]] = ..., bgp_peer_segment: _Optional[_Union[LsAttributeBgpPeerSegment, _Mapping]] = ..., srv6_sid: _Optional[_Union[LsAttributeSrv6SID, _Mapping]] = ...) -> None: ...

class UnknownAttribute(_message.Message):
    __slots__ = ("flags", "type", "value")
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    flags: int
    type: int
    value: bytes
    def __init__(self, flags: _Optional[int] = ..., type: _Optional[int] = ..., value: _Optional[bytes] = ...) -> None: ...

class SRv6StructureSubSubTLV(_message.Message):
    __slots__ = ("locator_block_length", "locator_node_length", "function_length", "argument_length", "transposition_length", "transposition_offset")
    LOCATOR_BLOCK_LENGTH_FIELD_NUMBER: _ClassVar[int]
    LOCATOR_NODE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_LENGTH_FIELD_NUMBER: _ClassVar[int]
    ARGUMENT_LENGTH_FIELD_NUMBER: _ClassVar[int]
    TRANSPOSITION_LENGTH_FIELD_NUMBER: _ClassVar[int]
    TRANSPOSITION_OFFSET_FIELD_NUMBER: _ClassVar[int]
    locator_block_length: int
    locator_node_length: int
    function_length: int
    argument_length: int
    transposition_length: int
    transposition_offset: int
    def __init__(self, locator_block_length: _Optional[int] = ..., locator_node_length: _Optional[int] = ..., function_length: _Optional[int] = ..., argument_length: _Optional[int] = ..., transposition_length: _Optional[int] = ..., transposition_offset: _Optional[int] = ...) -> None: ...

class SRv6SubSubTLV(_message.Message):
    __slots__ = ("structure",)
    STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    structure: SRv6StructureSubSubTLV
    def __init__(self, structure: _Optional[_Union[SRv6StructureSubSubTLV, _Mapping]] = ...) -> None: ...

class SRv6SubSubTLVs(_message.Message):
    __slots__ = ("tlvs",)
    TLVS_FIELD_NUMBER: _ClassVar[int]
    tlvs: _containers.RepeatedCompositeFieldContainer[SRv6SubSubTLV]
    def __init__(self, tlvs: _Optional[_Iterable[_Union[SRv6SubSubTLV, _Mapping]]] = ...) -> None: ...

class SRv6SIDFlags(_message.Message):
    __slots__ = ("flag_1",)
    FLAG_1_FIELD_NUMBER: _ClassVar[int]
    flag_1: bool
    def __init__(self, flag_1: _Optional[bool] = ...) -> None: ...

class SRv6InformationSubTLV(_message.Message):
    __slots__ = ("sid", "flags", "endpoint_behavior", "sub_sub_tlvs")
    class SubSubTlvsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: SRv6SubSubTLVs
        def __init__(self, key: _Optional[int] = ..., value: _Optional[_Union[SRv6SubSubTLVs, _Mapping]] = ...) -> None: ...
    SID_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_BEHAVIOR_FIELD_NUMBER: _ClassVar[int]
    SUB_SUB_TLVS_FIELD_NUMBER: _ClassVar[int]
    sid: bytes
    flags: SRv6SIDFlags
    endpoint_behavior: int
    sub_sub_tlvs: _containers.MessageMap[int, SRv6SubSubTLVs]
    def __init__(self, sid: _Optional[bytes] = ..., flags: _Optional[_Union[SRv6SIDFlags, _Mapping]] = ..., endpoint_behavior: _Optional[int] = ..., sub_sub_tlvs: _Optional[_Mapping[int, SRv6SubSubTLVs]] = ...) -> None: ...

class SRv6SubTLV(_message.Message):
    __slots__ = ("information",)
    INFORMATION_FIELD_NUMBER: _ClassVar[int]
    information: SRv6InformationSubTLV
    def __init__(self, information: _Optional[_Union[SRv6InformationSubTLV, _Mapping]] = ...) -> None: ...

class SRv6SubTLVs(_message.Message):
    __slots__ = ("tlvs",)
    TLVS_FIELD_NUMBER: _ClassVar[int]
    tlvs: _containers.RepeatedCompositeFieldContainer[SRv6SubTLV]
    def __init__(self, tlvs: _Optional[_Iterable[_Union[SRv6SubTLV, _Mapping]]] = ...) -> None: ...

class SRv6L3ServiceTLV(_message.Message):
    __slots__ = ("sub_tlvs",)
    class SubTlvsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: SRv6SubTLVs
        def __init__(self, key: _Optional[int] = ..., value: _Optional[_Union[SRv6SubTLVs, _Mapping]] = ...) -> None: ...
    SUB_TLVS_FIELD_NUMBER: _ClassVar[int]
    sub_tlvs: _containers.MessageMap[int, SRv6SubTLVs]
    def __init__(self, sub_tlvs: _Optional[_Mapping[int, SRv6SubTLVs]] = ...) -> None: ...

class SRv6L2ServiceTLV(_message.Message):
    __slots__ = ("sub_tlvs",)
    class SubTlvsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: SRv6SubTLVs
        def __init__(self, key: _Optional[int] = ..., value: _Optional[_Union[SRv6SubTLVs, _Mapping]] = ...) -> None: ...
    SUB_TLVS_FIELD_NUMBER: _ClassVar[int]
    sub_tlvs: _containers.MessageMap[int, SRv6SubTLVs]
    def __init__(self, sub_tlvs: _Optional[_Mapping[int, SRv6SubTLVs]] = ...) -> None: ...

class PrefixSID(_message.Message):
    __slots__ = ("tlvs",)
    class TLV(_message.Message):
        __slots__ = ("l3_service", "l2_service")
        L3_SERVICE_FIELD_NUMBER: _ClassVar[int]
        L2_SERVICE_FIELD_NUMBER: _ClassVar[int]
        l3_service: SRv6L3ServiceTLV
        l2_service: SRv6L2ServiceTLV
        def __init__(self, l3_service: _Optional[_Union[SRv6L3ServiceTLV, _Mapping]] = ..., l2_service: _Optional[_Union[SRv6L2ServiceTLV, _Mapping]] = ...) -> None: ...
    TLVS_FIELD_NUMBER: _ClassVar[int]
    tlvs: _containers.RepeatedCompositeFieldContainer[PrefixSID.TLV]
    def __init__(self, tlvs: _Optional[_Iterable[_Union[PrefixSID.TLV, _Mapping]]] = ...) -> None: ...
