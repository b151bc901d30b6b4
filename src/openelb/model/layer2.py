"""What the author of a pool may choose about its announcement by layer 2 (`spec.layer2` of an Eip)."""

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """How soon a silent node is held to be lost."""

    DEFAULT = "Default"
    FAST = "Fast"


class Probing(StrEnum):
    """Whether, and how long, it is asked on the LAN if somebody has an address before it is first used."""

    FAST = "Fast"
    RFC5227 = "RFC5227"
    OFF = "Off"


class OnConflict(StrEnum):
    """What is done when another machine claims an address that is in use here (RFC 5227, section 2.4)."""

    DEFEND = "Defend"
    YIELD = "Yield"
    REPORT = "Report"


class AnsweredBy(StrEnum):
    """Who answers questions for an address: this process by its sockets, or a program in the kernel."""

    SOCKET = "Socket"
    KERNEL = "Kernel"
    AUTO = "Auto"


GRACE_SECONDS = 3
"""How long addresses wait for a speaker that is started anew on their node, unless a pool says otherwise."""

MOST_GRACE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Layer2Choices:
    """Of one pool. With `failback`, an address returns to the node it was on when that is back; without, it stays where it is.
    `restart_grace` is in seconds.
    """

    profile: Profile = Profile.DEFAULT
    failback: bool = False
    probe: Probing = Probing.FAST
    on_conflict: OnConflict = OnConflict.DEFEND
    answer: AnsweredBy = AnsweredBy.SOCKET
    restart_grace: int = GRACE_SECONDS


DEFAULTS = Layer2Choices()
