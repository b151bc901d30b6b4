"""Whatever happens to three or four nodes, in whatever order: what they make of each other in the end is how it is."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bench.simulated import Lan
from openelb.model.layer2 import Profile

NAMES = ("a", "b", "c", "d")
node = st.sampled_from(NAMES)


class Liveness(RuleBasedStateMachine):
    """Nodes are cut off, lost, begun again, paused, muted, under loss of datagrams, for times that are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.lan = Lan(NAMES)
        self.lan.run(3.0)

    @rule(names=st.sets(node, min_size=1, max_size=3))
    def cut(self, names: set[str]) -> None:
        self.lan.cut(*sorted(names))

    @rule()
    def heal(self) -> None:
        self.lan.heal()

    @rule(name=node)
    def lose(self, name: str) -> None:
        self.lan.lose(name)

    @rule(name=node)
    def kill(self, name: str) -> None:
        self.lan.kill(name)

    @rule(name=node)
    def begin(self, name: str) -> None:
        self.lan.begin(name)

    @precondition(lambda self: any(each.running for each in self.lan.nodes.values()))
    @rule(name=node, seconds=st.sampled_from((0.1, 0.4, 0.7, 3.0)))
    def stand_still(self, name: str, seconds: float) -> None:
        self.lan.pause(name)
        self.lan.run(seconds)
        self.lan.resume(name)

    @rule(name=node)
    def mute(self, name: str) -> None:
        self.lan.mute ^= {name}

    @rule(loss=st.sampled_from((0.0, 0.1, 0.3)))
    def loss(self, loss: float) -> None:
        self.lan.loss = loss

    @rule(seconds=st.floats(0.01, 3.0))
    def time_passes(self, seconds: float) -> None:
        self.lan.run(seconds)

    @invariant()
    def who_lives_and_is_reached_is_heard_and_who_is_not_is_lost_when_all_is_quiet(self) -> None:
        before = self.lan.loss
        self.lan.loss = 0.0
        self.lan.run(3.0)
        self.lan.loss = before
        for one in self.lan.nodes.values():
            if not one.running:
                continue
            assert one.vigil.view.joined
            for other in self.lan.nodes.values():
                standing = one.vigil.view.standings.get(other.name)
                if other is one or standing is None or not standing.known:
                    continue
                reached = self.lan._is_way(other.name, one.name)
                if other.running and reached:
                    assert not standing.silent
                    assert standing.gone_since is None
                elif not reached:
                    assert Profile.DEFAULT in standing.silent


Liveness.TestCase.settings = settings(max_examples=25, stateful_step_count=12, deadline=None, derandomize=True)
test_liveness = Liveness.TestCase
