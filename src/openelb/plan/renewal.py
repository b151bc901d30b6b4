"""A server's certificate as a value, and when it is to be followed by another one."""

import math
from collections.abc import Set
from dataclasses import dataclass, field

DAY = 86_400.0
LEFT = 1 / 3
"""A certificate is renewed when less than this part of its time is left: whatever fails then has months to be mended."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key and the authority that signed it, PEM. After the authority's own there may be others, which
    are trusted as well.
    """

    authority: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself: the names it is for, and from when to when it is valid (seconds since 1970).
    `problem` says what makes it useless as it is kept.
    """

    names: Set[str] = frozenset()
    begins: float = -math.inf
    ends: float = math.inf
    problem: str = ""


def due(kept: Certificate | None, names: Set[str], now: float) -> str:
    """Why another certificate is to be made for a server of those names; empty while the one that is kept will do."""
    if kept is None:
        return "there is none"
    if kept.problem:
        return kept.problem
    if missing := sorted(names - kept.names):
        return f"the one there is is not for {missing[0]}"
    if now < kept.begins:
        return f"the one there is is not valid for another {_lasting(kept.begins - now)}"
    if now >= kept.ends:
        return f"the one there is expired {_lasting(now - kept.ends)} ago"
    if kept.ends - now < LEFT * (kept.ends - kept.begins):
        return f"the one there is expires in {_lasting(kept.ends - now)}"
    return ""


def _lasting(seconds: float) -> str:
    days = round(seconds / DAY)
    return "less than a day" if days < 1 else f"{days} day{'' if days == 1 else 's'}"
