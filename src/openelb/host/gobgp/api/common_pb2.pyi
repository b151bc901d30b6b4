from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Family(_message.Message):
    __slots__ = ("afi", "safi")
    class Afi(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        AFI_UNSPECIFIED: _ClassVar[Family.Afi]
        AFI_IP: _ClassVar[Family.Afi]
        AFI_IP6: _ClassVar[Family.Afi]
        AFI_L2VPN: _ClassVar[Family.Afi]
        AFI_LS: _ClassVar[Family.Afi]
        AFI_OPAQUE: _ClassVar[Family.Afi]
    AFI_UNSPECIFIED: Family.Afi
    AFI_IP: Family.Afi
    AFI_IP6: Family.Afi
    AFI_L2VPN: Family.Afi
    AFI_LS: Family.Afi
    AFI_OPAQUE: Family.Afi
    class Safi(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SAFI_UNSPECIFIED: _ClassVar[Family.Safi]
        SAFI_UNICAST: _ClassVar[Family.Safi]
        SAFI_MULTICAST: _ClassVar[Family.Safi]
        SAFI_MPLS_LABEL: _ClassVar[Family.Safi]
        SAFI_ENCAPSULATION: _ClassVar[Family.Safi]
        SAFI_VPLS: _ClassVar[Family.Safi]
        SAFI_EVPN: _ClassVar[Family.Safi]
        SAFI_LS: _ClassVar[Family.Safi]
        SAFI_SR_POLICY: _ClassVar[Family.Safi]
        SAFI_MUP: _ClassVar[Family.Safi]
        SAFI_MPLS_VPN: _ClassVar[Family.Safi]
        SAFI_MPLS_VPN_MULTICAST: _ClassVar[Family.Safi]
        SAFI_ROUTE_TARGET_CONSTRAINTS: _ClassVar[Family.Safi]
        SAFI_FLOW_SPEC_UNICAST: _ClassVar[Family.Safi]
        SAFI_FLOW_SPEC_VPN: _ClassVar[Family.Safi]
        SAFI_KEY_VALUE: _ClassVar[Family.Safi]
    SAFI_UNSPECIFIED: Family.Safi
    SAFI_UNICAST: Family.Safi
    SAFI_MULTICAST: Family.Safi
    SAFI_MPLS_LABEL: Family.Safi
    SAFI_ENCAPSULATION: Family.Safi
    SAFI_VPLS: Family.Safi
    SAFI_EVPN: Family.Safi
    SAFI_LS: Family.Safi
    SAFI_SR_POLICY: Family.Safi
    SAFI_MUP: Family.Safi
    SAFI_MPLS_VPN: Family.Safi
    SAFI_MPLS_VPN_MULTICAST: Family.Safi
    SAFI_ROUTE_TARGET_CONSTRAINTS: Family.Safi
    SAFI_FLOW_SPEC_UNICAST: Family.Safi
    SAFI_FLOW_SPEC_VPN: Family.Safi
    SAFI_KEY_VALUE: Family.Safi
    AFI_FIELD_NUMBER: _ClassVar[int]
    SAFI_FIELD_NUMBER: _ClassVar[int]
    afi: Family.Afi
    safi: Family.Safi
    def __init__(self, afi: _Optional[_Union[Family.Afi, str]] = ..., safi: _Optional[_Union[Family.Safi, str]] = ...) -> None: ...

class RouteDistinguisherTwoOctetASN(_message.Message):
    __slots__ = ("admin", "assigned")
    ADMIN_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    admin: int
    assigned: int
    def __init__(self, admin: _Optional[int] = ..., assigned: _Optional[int] = ...) -> None: ...

class RouteDistinguisherIPAddress(_message.Message):
    __slots__ = ("admin", "assigned")
    ADMIN_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    admin: str
    assigned: int
    def __init__(self, admin: _Optional[str] = ..., assigned: _Optional[int] = ...) -> None: ...

class RouteDistinguisherFourOctetASN(_message.Message):
    __slots__ = ("admin", "assigned")
    ADMIN_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    admin: int
    assigned: int
    def __init__(self, admin: _Optional[int] = ..., assigned: _Optional[int] = ...) -> None: ...

class RouteDistinguisher(_message.Message):
    __slots__ = ("two_octet_asn", "ip_address", "four_octet_asn")
    TWO_OCTET_ASN_FIELD_NUMBER: _ClassVar[int]
    IP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    FOUR_OCTET_ASN_FIELD_NUMBER: _ClassVar[int]
    two_octet_asn: RouteDistinguisherTwoOctetASN
    ip_address: RouteDistinguisherIPAddress
    four_octet_asn: RouteDistinguisherFourOctetASN
    def __init__(self, two_octet_asn: _Optional[_Union[RouteDistinguisherTwoOctetASN, _Mapping]] = ..., ip_address: _Optional[_Union[RouteDistinguisherIPAddress, _Mapping]] = ..., four_octet_asn: _Optional[_Union[RouteDistinguisherFourOctetASN, _Mapping]] = ...) -> None: ...
