"""Who is alive by its Lease, judged from the renewals an observer has seen and from nobody's wall clock.

A renewal counts by when it was *seen* here. Silence counts only while the observer's own renewals come back to it
through the same watch: with the API server away, or the observer cut off, nobody grows old.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from openelb.model.cluster import Speaker

# A speaker renews every second and is lost after four, so that an address is answered elsewhere within five.
TTL_SECONDS = 4.0
# So many own renewals must have come back since a peer's last one. Four of them, a second apart, take at most the
# TTL; after an outage they give the peers two to three seconds to come back as well.
ECHOES = 4
# A Lease that was found at the start and has not been renewed since may be that of a node lost long ago. A live speaker
# renews twice in this time.
TTL_FOUND_SECONDS = 2.5
ECHOES_FOUND = 2

NO_TTLS: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Heard:
    """The last renewal of one peer: when it was seen (monotonic seconds), and after how many echoes of our own.

    `renewed` is false for one that was found as it is and has not changed since. `unanswered` counts its renewals since
    the last of our own. `ttl` is for how many seconds a renewal is good.
    """

    renewal: str
    at: float
    echo: int
    renewed: bool = False
    unanswered: int = 0
    ttl: float = TTL_SECONDS

    @property
    def patience(self) -> float:
        """Seconds without another renewal after which it may be lost."""
        return self.ttl if self.renewed else self.ttl * TTL_FOUND_SECONDS / TTL_SECONDS

    def is_lost(self, now: float, echo: int) -> bool:
        echoes = ECHOES if self.renewed else ECHOES_FOUND
        return now - self.at >= self.patience and echo - self.echo >= echoes


@dataclass(frozen=True, slots=True)
class Hearing:
    """What an observer has heard so far: of itself, and of every peer by name.

    `echoed_at` is when the last renewal of its own came back (monotonic seconds), and `silences` is how often one came back
    after more than the TTL: in such a time, others may have taken the observer for lost.
    """

    own: str = ""
    echo: int = 0
    echoed_at: float = math.inf
    silences: int = 0
    peers: Mapping[str, Heard] = field(default_factory=dict)


def ttls(speakers: Mapping[str, Speaker]) -> dict[str, float]:
    """For how many seconds a renewal of each is good: as it says itself, unless another speaker says that it is not heard."""
    unheard = frozenset[str]().union(*(speaker.unheard for speaker in speakers.values()))
    return {
        node: TTL_SECONDS if node in unheard else max(TTL_SECONDS, speaker.seconds)
        for node, speaker in speakers.items()
    }


def listen(
    before: Hearing,
    own: str,
    renewals: Mapping[str, str],
    now: float,
    ttls: Mapping[str, float] = NO_TTLS,
    own_ttl: float = TTL_SECONDS,
) -> Hearing:
    """Fold one look at everybody's renewals into what was heard before. Who left is forgotten.

    `own` is empty while our own Lease is not in the cluster: that is silence, and no echo.
    """
    own = own or before.own
    echo = before.echo + (own != before.own)
    echoed = echo != before.echo
    peers = {}
    for peer, renewal in renewals.items():
        heard = _heard(before.peers.get(peer), renewal, now, echo, echoed=echoed)
        ttl = ttls.get(peer, TTL_SECONDS)
        peers[peer] = heard if heard.ttl == ttl else replace(heard, ttl=ttl)
    if not echoed:
        return replace(before, own=own, peers=peers)
    return Hearing(own, echo, now, before.silences + (now - before.echoed_at > own_ttl), peers)


def _heard(before: Heard | None, renewal: str, now: float, echo: int, *, echoed: bool) -> Heard:
    if before is None:
        return Heard(renewal, now, echo)
    unanswered = 0 if echoed else before.unanswered
    if before.renewal != renewal:
        return Heard(renewal, now, echo, renewed=True, unanswered=unanswered + (not echoed), ttl=before.ttl)
    return before if unanswered == before.unanswered else replace(before, unanswered=unanswered)


def alive(hearing: Hearing, now: float) -> frozenset[str]:
    """The peers that are not lost. One that was seen for the first time is alive until proven otherwise."""
    return frozenset(peer for peer, heard in hearing.peers.items() if not heard.is_lost(now, hearing.echo))


def is_given_up(hearing: Hearing, me: str, now: float) -> bool:
    """Whether the others hold `me` to be lost: their renewals arrive and ours do not. With the API server away nobody's
    arrive, and nobody is given up.
    """
    ours = hearing.peers.get(me)
    if ours is None or now - ours.at < ours.ttl:
        return False
    return any(heard.unanswered >= ECHOES for peer, heard in hearing.peers.items() if peer != me)


def next_loss(hearing: Hearing, now: float) -> float | None:
    """When, at the earliest, somebody could turn out to be lost by the passing of time alone."""
    times = (heard.at + heard.patience for heard in hearing.peers.values())
    return min((time for time in times if time > now), default=None)
