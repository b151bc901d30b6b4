"""Who is alive, judged from the renewals an observer has seen and from nobody's wall clock.

A renewal counts by when it was *seen* here. Silence counts only while the observer's own renewals come back to it
through the same watch: with the API server away, or the observer cut off, nobody grows old.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

# A speaker renews every second and is lost after four, so that an address is answered elsewhere within five.
TTL_SECONDS = 4.0
# So many own renewals must have come back since a peer's last one. Four of them, a second apart, take at most the
# TTL; after an outage they give the peers two to three seconds to come back as well.
ECHOES = 4


@dataclass(frozen=True, slots=True)
class Heard:
    """The last renewal of one peer: when it was seen (monotonic seconds), and after how many echoes of our own."""

    renewal: str
    at: float
    echo: int


@dataclass(frozen=True, slots=True)
class Hearing:
    """What an observer has heard so far: of itself, and of every peer by name."""

    own: str = ""
    echo: int = 0
    peers: Mapping[str, Heard] = field(default_factory=dict)


def listen(before: Hearing, own: str, renewals: Mapping[str, str], now: float) -> Hearing:
    """Fold one look at everybody's renewals into what was heard before. Who left is forgotten.

    `own` is empty while our own Lease is not in the cluster: that is silence, and no echo.
    """
    own = own or before.own
    echo = before.echo + (own != before.own)
    peers = {
        peer: heard
        if (heard := before.peers.get(peer)) is not None and heard.renewal == renewal
        else Heard(renewal, now, echo)
        for peer, renewal in renewals.items()
    }
    return Hearing(own, echo, peers)


def alive(hearing: Hearing, now: float, *, ttl: float = TTL_SECONDS, echoes: int = ECHOES) -> frozenset[str]:
    """The peers that are not lost. One that was seen for the first time is alive until proven otherwise."""
    return frozenset(
        peer for peer, heard in hearing.peers.items() if now - heard.at < ttl or hearing.echo - heard.echo < echoes
    )


def next_loss(hearing: Hearing, now: float, *, ttl: float = TTL_SECONDS) -> float | None:
    """When, at the earliest, somebody could turn out to be lost by the passing of time alone."""
    return min((heard.at + ttl for heard in hearing.peers.values() if heard.at + ttl > now), default=None)
