"""What is asked about on LANs before addresses are given out, and what was found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openelb.model.addresses import Address
from openelb.model.ranges import Ranges


@dataclass(frozen=True, slots=True)
class Question:
    """Addresses of which the manager wants to know whether anybody has them, and since when (seconds since 1970)."""

    ranges: Ranges
    since: float


Questions = Mapping[str, tuple[Question, ...]]
"""By the name of the Eip."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a speaker has found: addresses that nobody answered for, and by MAC who has others."""

    free: Ranges = field(default_factory=Ranges)
    taken: Mapping[Address, str] = field(default_factory=dict)


NOTHING_FOUND = Found()
