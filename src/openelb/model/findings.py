"""What a person should be told: a reason from a fixed list and a sentence that says what is wrong and what to do."""

from dataclasses import dataclass, field
from enum import StrEnum

# Characters. The API server refuses a message of more than 32 KiB, and an annotation that a sentence quotes may be longer.
LONGEST_MESSAGE = 1000


class Reason(StrEnum):
    """The documented list of reasons. Users and alerts depend on these words."""

    # openelb.io/AddressAllocated of a Service
    ALLOCATED = "Allocated"
    ADOPTED = "Adopted"
    POOL_NOT_FOUND = "PoolNotFound"
    POOL_INVALID = "PoolInvalid"
    POOL_DISABLED = "PoolDisabled"
    POOL_DELETING = "PoolDeleting"
    POOL_EXHAUSTED = "PoolExhausted"
    NO_POOL = "NoPool"
    FAMILY_MISMATCH = "FamilyMismatch"
    ADDRESS_INVALID = "AddressInvalid"
    ADDRESS_OUTSIDE_POOL = "AddressOutsidePool"
    ADDRESS_TAKEN = "AddressTaken"
    ADDRESS_RESERVED = "AddressReserved"
    REQUEST_INVALID = "RequestInvalid"
    QUOTA_EXCEEDED = "QuotaExceeded"
    PROBING = "Probing"
    ADDRESS_IN_USE_ELSEWHERE = "AddressInUseElsewhere"
    NODE_PROXY_UNSUPPORTED = "NodeProxyUnsupported"

    # openelb.io/Moving of a Service
    MOVING = "Moving"

    # openelb.io/AddressConflict of a Service
    ADDRESS_CONFLICT = "AddressConflict"

    # Told of a Service as an Event, by the node that announces its address
    ADDRESS_CLAIMED_ELSEWHERE = "AddressClaimedElsewhere"

    # Told of an Eip as an Event
    LEDGER_REPAIRED = "LedgerRepaired"

    # Exhausted and Overlapping of an Eip, Ready of an EipReservation
    IN_USE = "InUse"
    FREE = "Free"
    OVERLAPPING = "Overlapping"
    DISJOINT = "Disjoint"
    EXPIRED = "Expired"

    # openelb.io/Announced of a Service, and Ready of an Eip
    ANNOUNCED = "Announced"
    READY = "Ready"
    INTERFACE_MISSING = "InterfaceMissing"
    INTERFACE_NOT_FOUND = "InterfaceNotFound"
    NO_NODE = "NoNode"
    NO_SPEAKER = "NoSpeaker"
    NO_LOCAL_ENDPOINT = "NoLocalEndpoint"
    NO_ENDPOINT = "NoEndpoint"
    PROTOCOL_NOT_SERVED = "ProtocolNotServed"
    LEFT_TO_CNI = "LeftToCNI"
    NO_BGP_CONF = "NoBgpConf"
    NO_BGP_PEER = "NoBgpPeer"
    BGP_CONF_INVALID = "BgpConfInvalid"

    # Ready of a BgpConf that can be used
    NOT_RUNNING = "NotRunning"

    # Established of a BgpPeer
    ESTABLISHED = "Established"
    NOT_ESTABLISHED = "NotEstablished"
    BGP_PEER_INVALID = "BgpPeerInvalid"
    SECRET_MISSING = "SecretMissing"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason with its sentence."""

    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of an object's status. `since` (RFC 3339) is when its status last changed, and no part of what it says."""

    type: str
    status: bool
    reason: str
    message: str
    since: str = field(default="", compare=False)

    @classmethod
    def of(cls, type_: str, finding: Finding, *, status: bool) -> "Condition":
        """The condition that tells a finding, cut short where a user's own words made it long."""
        sentence = finding.sentence
        told = sentence if len(sentence) <= LONGEST_MESSAGE else sentence[: LONGEST_MESSAGE - 1] + "…"
        return cls(type_, status, finding.reason.value, told)
