"""What a speaker may go on with before it has read the cluster: what the process before it announced, for as long as nobody
else can have taken that over.

The others count the seconds since that one's last renewal, where they hear the API server. Whether they do is not known
here; that it answers us, if only to refuse, is taken for it.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from openelb.host.state_file import Left
from openelb.model.announcements import Claim
from openelb.model.cluster import Protocol
from openelb.plan.heard import Way
from openelb.plan.liveness import TTL_SECONDS

log = logging.getLogger(__name__)

MARGIN = 0.5
"""Seconds before the end of a grace in which nothing is begun any more: the others have to hear of us in time."""


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What to go on with, and by which ways the other speakers were heard."""

    claims: frozenset[Claim] = frozenset()
    peers: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)


def inherited(left: Left | None, links: Collection[str], protocols: Collection[Protocol]) -> Inheritance:
    """What the process before this one announced, as far as it can be announced on these links and by these protocols."""
    return Inheritance(_claims(left, links, protocols), left.peers) if left else Inheritance()


def _claims(left: Left, links: Collection[str], protocols: Collection[Protocol]) -> frozenset[Claim]:
    if not left.claims:
        return frozenset()
    if left.valid_for > TTL_SECONDS:
        log.warning("the state file says that it is valid for %.0f s more, which no speaker says", left.valid_for)
        return frozenset()
    age = TTL_SECONDS - left.valid_for
    ours = frozenset(claim for claim in left.claims if _waits(claim, left, age))
    if not ours:
        log.info(
            "the speaker before this one was there %.1f s ago, so others may have taken over: silent until the "
            "cluster has been read",
            age,
        )
        return frozenset()
    claims = frozenset(claim for claim in ours if claim.link in links and claim.protocol in protocols)
    log.info("going on with %d of %d addresses of the speaker before this one", len(claims), len(left.claims))
    return claims


def _waits(claim: Claim, left: Left, age: float) -> bool:
    """Whether it waits for us still: where the others hear that the process before us is gone, for the grace of its pool."""
    return age < (claim.choices.restart_grace - MARGIN if left.peers else TTL_SECONDS)


def ends(now: float, answered_at: float) -> float:
    """Until when what was inherited is valid, if nothing more is heard: the loop may hang, or the others take over. That is
    so many seconds after the API server first answered (monotonic seconds; `inf` while it does not).
    """
    return min(now, answered_at) + TTL_SECONDS


def is_over(now: float, ends: float) -> bool:
    """Whether the others take over by now. Tells so."""
    if now < ends:
        return False
    log.warning(
        "the API server answers, and the cluster could not be read within %g s: silent until it has been, since others "
        "take over",
        TTL_SECONDS,
    )
    return True
