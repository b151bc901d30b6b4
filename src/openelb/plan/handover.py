"""What a node goes on answering for a moment after it has lost it by a plan, so that the next owner begins before it ends.

Only where the plan alone has changed: nodes were drained, cordoned, tainted or labelled, lost their gateway, or pools were edited, while the same
speakers live on the same links and the address is still shown. After a loss or a return of anybody, two owners are worse than none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from openelb.model.announcements import Claim
from openelb.plan.gateways import lost
from openelb.plan.node import Grounds, Judgement, NodePlan

SECONDS = 1.0
"""The next owner has begun by then: it hears of the same change by a watch of its own, and needs a look. Both forward."""


@dataclass(frozen=True, slots=True)
class Handover:
    """The claims that are kept, with their grounds, and until when (monotonic seconds)."""

    kept: Mapping[Claim, tuple[Grounds, float]] = field(default_factory=dict)

    def plan(self, plan: NodePlan) -> NodePlan:
        """The plan with what is kept beside it."""
        if not self.kept:
            return plan
        ending = {replace(claim, ending=True): grounds for claim, (grounds, _) in self.kept.items()}
        return replace(plan, claims={**ending, **plan.claims})

    def due(self) -> float | None:
        """When the next of them ends."""
        return min((until for _, until in self.kept.values()), default=None)


NOTHING_KEPT = Handover()


def follow(before: Handover, earlier: Judgement, later: Judgement, now: float) -> Handover:
    """What is kept after the `later` judgement of the same node, which has followed the `earlier` one."""
    if not later.is_of_same_speakers(earlier):
        return NOTHING_KEPT
    kept = {claim: each for claim, each in before.kept.items() if now < each[1]}
    if _facts(later) != _facts(earlier):
        gone = earlier.plan.claims.keys() - later.plan.claims.keys()
        kept |= {claim: (earlier.plan.claims[claim], now + SECONDS) for claim in gone}
    answered = {claim: each for claim, each in kept.items() if later.plan.others.get(claim.address)}
    return Handover(answered) if answered else NOTHING_KEPT


def _facts(judged: Judgement) -> tuple[object, ...]:
    """What changes a plan while everybody is as alive as before."""
    speakers = judged.snapshot.speakers
    tainted = {node: speaker.tainted for node, speaker in speakers.items()}
    return judged.snapshot.nodes, judged.snapshot.pools, lost(speakers), tainted
