"""What an announcer needs of gobgpd, whoever stands between them."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

from openelb.announce.bgp_changes import Found
from openelb.model.bgp import Instance, Path, Peer, Session
from openelb.model.policy import Outline, Policies


class Refusal(OSError):
    """gobgpd says no to one thing, and goes on with all others."""


class Gobgpd(Protocol):
    """One gobgpd. Every method raises OSError with a sentence; `Refusal` where it only says no."""

    def close(self) -> None:
        """Ask nothing any more."""

    async def instance(self) -> Instance | None:
        """BGP as it runs, or None."""

    async def start(self, instance: Instance) -> None:
        """Begin with BGP."""

    async def stop(self, *, kept: bool = False) -> None:
        """End BGP and this gobgpd."""

    async def peers(self, *, advertised: bool = False) -> tuple[dict[str, Found], tuple[Session, ...]]:
        """Peers by key, and all sessions."""

    async def add(self, peer: Peer, *, restarting: bool = False) -> None:
        """Know a peer."""

    async def update(self, peer: Peer) -> None:
        """Change a peer without an end of its session."""

    async def drop(self, key: str) -> None:
        """Know a peer no more."""

    async def resend(self, address: str = "", *, inbound: bool, outbound: bool) -> None:
        """Judge all routes anew, of all peers or of that one."""

    async def paths(self, some: Collection[Path] = ()) -> list[Path]:
        """Our paths, or those with these prefixes."""

    async def told(self, address: str) -> list[Path]:
        """What a peer was sent."""

    async def tell(self, gained: Sequence[Path], lost: Sequence[Path] = ()) -> None:
        """Add and withdraw paths."""

    async def outline(self) -> Outline:
        """The policies in force."""

    async def set_policies(self, wanted: Policies) -> None:
        """Put others in force."""

    def changes(self) -> AsyncIterator[str]:
        """Word that sessions changed."""
