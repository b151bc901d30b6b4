"""What a BGP router is told of itself and its neighbours, what it says of them, and how a program that routes is spoken to.

The programs are in ``frr`` and ``bird``; how they are run is in ``routers``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Ask = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Bfd:
    """How often a router and its neighbour ask each other for a sign of life."""

    interval: int = 300
    """Milliseconds."""
    multiplier: int = 3
    """So many in a row that are missing are the end of the session."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A speaker with which a router has a session, or all that dial from a range."""

    address: str
    """Such as ``10.79.0.11`` or ``fd00:79::11``, which the router dials; or a range, ``10.79.0.0/24``, where it waits."""
    asn: int | None = None
    """None: any but the router's own."""
    password: str = ""
    """TCP-MD5's (RFC 2385)."""
    bfd: Bfd | None = None
    add_path: bool = False
    """Take several paths to one prefix from it, and tell it all (RFC 7911)."""
    hops: int = 1
    """It is no further away than so many."""
    ttl_security: bool = False
    """Throw away packets that come from further away, by their TTL (RFC 5082)."""
    helper: bool = True
    """Keep its routes while it restarts gracefully (RFC 4724)."""

    @property
    def is_range(self) -> bool:
        return "/" in self.address

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.address


@dataclass(frozen=True, slots=True)
class Peering:
    """What a router is told. Each session carries both families, over IPv6 also IPv4 with next hops of IPv6 (RFC 8950)."""

    asn: int
    router_id: str
    neighbours: tuple[Neighbour, ...] = ()
    hold: int = 9
    """Seconds."""
    keepalive: int = 3
    """Seconds."""
    max_paths: int = 8
    """Next hops that the kernel gets for one prefix."""


@dataclass(frozen=True, slots=True)
class Path:
    """A way to a prefix that a router has been told."""

    next_hop: str
    asns: tuple[int, ...]
    communities: frozenset[str] = frozenset()
    """Also large ones: ``64001:7``, ``64001:1:2``."""
    med: int = 0
    local_pref: int = 100


ESTABLISHED = "Established"
"""The state of a session over which routes are told (RFC 4271, section 8.2.2)."""


class Software(Protocol):
    """A program that routes, or several that do it together. What it says is asked for with `ask`, a command of its own shell."""

    @property
    def name(self) -> str: ...
    @property
    def older(self) -> bool:
        """Whether it is that of the release before."""

    @property
    def config(self) -> str:
        """The path of the file with its settings."""

    @property
    def command(self) -> Sequence[str]:
        """What starts it, and stays."""

    @property
    def ready(self) -> str:
        """The path of a file that is there once it has read its settings."""

    def text(self, peering: Peering) -> str:
        """The text of its settings."""

    def shell(self, words: Sequence[str]) -> list[str]:
        """The program that gives these commands."""

    def sessions(self, ask: Ask) -> Mapping[str, str]:
        """The state of the session with each neighbour that is known by its address."""

    def paths(self, ask: Ask, prefix: str) -> frozenset[Path]:
        """All ways to a prefix."""

    def bfd(self, ask: Ask) -> Mapping[str, bool]:
        """Whether each neighbour that is asked for signs of life gives them."""
