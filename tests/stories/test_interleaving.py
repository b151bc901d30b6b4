"""Users change things between any two writes of the manager, which may die between any two: the promises hold throughout."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from openelb.model.addresses import AddressRange
from tests.stories.memory import Cluster, Write
from tests.unit.builders import key, pool, service

SERVICES = tuple(map(key, ("a", "b", "c", "d")))
# Two small pools, so that they run full and addresses are fought for; "eip-o" overlaps with "eip-x".
POOLS = {"eip-x": "192.0.2.1-192.0.2.3", "eip-y": "192.0.2.11-192.0.2.12", "eip-o": "192.0.2.3-192.0.2.4"}

wishes = st.fixed_dictionaries(
    {
        "requested_pool": st.sampled_from(("", "", *POOLS, "eip-none")),
        "requested_address": st.sampled_from(
            ("", "", "", "192.0.2.1", "192.0.2.3", "192.0.2.12", "192.0.2.99", "nonsense")
        ),
        "load_balancer_ip": st.sampled_from(("", "", "192.0.2.2")),
        "requested_protocol": st.sampled_from(("", "layer2")),
        "opt_in": st.sampled_from(("openelb", "openelb", "openelb", "")),
        "load_balancer": st.sampled_from((True, True, True, False)),
        "node_proxy": st.sampled_from(("", "", "", "", "deployment")),
    }
)
pool_facts = st.fixed_dictionaries({"disabled": st.booleans(), "default": st.booleans()})


class Interleaving(RuleBasedStateMachine):
    """Users, a manager with writes still to do, and nothing in between that is not allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.writes: list[Write] = []

    @rule(name=st.sampled_from(SERVICES), wish=wishes)
    def a_user_applies_a_service(self, name, wish) -> None:
        if name in self.cluster.services:
            self.cluster.edit_service(name, lambda before: replace(before, **wish))
        else:
            self.cluster.create(service(str(name), **wish))

    @rule(name=st.sampled_from(SERVICES))
    def a_user_deletes_a_service(self, name) -> None:
        if name in self.cluster.services:
            self.cluster.delete(self.cluster.services[name])

    @rule(name=st.sampled_from(tuple(POOLS)), facts=pool_facts)
    def a_user_applies_a_pool(self, name, facts) -> None:
        if name in self.cluster.pools:
            self.cluster.edit_pool(name, lambda before: replace(before, **facts))
        else:
            self.cluster.create(pool(name, POOLS[name], finalizers=(), **facts))

    @rule(name=st.sampled_from(tuple(POOLS)))
    def a_user_deletes_a_pool(self, name) -> None:
        if name in self.cluster.pools:
            self.cluster.delete(self.cluster.pools[name])

    @rule(name=st.sampled_from(tuple(POOLS)), last=st.integers(1, 15))
    def a_user_changes_the_addresses_of_a_pool(self, name, last) -> None:
        if name in self.cluster.pools:
            first = POOLS[name].split("-")[0]
            self.cluster.edit_pool(name, lambda before: with_address(before, f"{first}-192.0.2.{last}"))

    @rule()
    def the_manager_looks(self) -> None:
        """Also what a manager does that comes after one that died: what was not written yet is forgotten."""
        self.writes = self.cluster.look()

    @precondition(lambda self: self.writes)
    @rule(some=st.integers(1, 4))
    def the_manager_writes(self, some) -> None:
        for write in self.writes[:some]:
            self.cluster.write(write)
            self.cluster.check()
        del self.writes[:some]

    @invariant()
    def promises_hold(self) -> None:
        self.cluster.check()
        self.cluster.check_ledgers()

    def teardown(self) -> None:
        self.cluster.settle()
        self.cluster.check_rest()


def with_address(before, text):
    """The pool after an edit of its address; a reversed range is a problem, as the decoder has it."""
    try:
        return replace(before, address=text, ranges=(AddressRange.parse(text),), problem="")
    except ValueError as error:
        return replace(before, address=text, ranges=(), problem=str(error))


test_promises_hold_whatever_happens_between_two_writes = Interleaving.TestCase
test_promises_hold_whatever_happens_between_two_writes.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, derandomize=True
)
