"""Users change things between any two writes of the manager, which may die between any two: the promises hold throughout.

What happens is drawn by chance, the same for a seed every time. Hypothesis was no help here: it tries near relatives of
what it has tried, and in hardly any of its stories did a Service ever show an address.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from openelb.model.cluster import ServiceKey
from tests.stories.memory import Cluster, Write
from tests.unit.builders import changed, key, pool, rewritten, service

STORIES = 300
STEPS = 60

SERVICES = tuple(map(key, ("a", "b", "c", "d", "e")))
# Two small pools, so that they run full and addresses are fought for; "eip-o" overlaps with "eip-x".
POOLS = {"eip-x": "192.0.2.1-192.0.2.3", "eip-y": "192.0.2.11-192.0.2.12", "eip-o": "192.0.2.3-192.0.2.4"}
WISHES = {
    "pool": ("", "", *POOLS, "eip-none"),
    "address": ("", "", "192.0.2.1", "192.0.2.3", "192.0.2.3", "192.0.2.12", "192.0.2.99", "nonsense"),
    "load_balancer_ip": ("", "", "192.0.2.2"),
    "protocol": ("", "layer2"),
    "opt_in": ("openelb", "openelb", ""),
    "load_balancer": (True, True, False),
    "node_proxy": ("", "", "deployment"),
}


class Story:
    """Users, a manager with writes still to do, and nothing in between that is not allowed."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.cluster = Cluster()
        self.writes: list[Write] = []
        self.told: list[str] = []
        for name in POOLS:
            self.apply_a_pool(name)
        self.steps: dict[Callable[[], object], int] = {
            self.the_manager_looks: 4,
            self.the_manager_writes: 6,
            self.a_user_applies_a_service: 4,
            self.a_user_deletes_a_service: 1,
            self.a_user_applies_a_pool: 1,
            self.a_user_deletes_a_pool: 1,
            self.a_user_changes_the_addresses_of_a_pool: 1,
        }

    def go_on(self) -> None:
        (step,) = self.chance.choices([*self.steps], [*self.steps.values()])
        self.told.append(f"{step.__name__}: {step()}")
        self.cluster.check()
        self.cluster.check_ledgers()

    def end(self) -> None:
        self.cluster.settle()
        self.cluster.check_rest()

    def a_user_applies_a_service(self) -> object:
        """A new one wishes for nothing special, and then one thing at a time: with many wishes hardly any can be met."""
        name = self.chance.choice(SERVICES)
        if name not in self.cluster.services:
            self.cluster.create(service(str(name)))
            return name
        wish, values = self.chance.choice([*WISHES.items()])
        change = {wish: self.chance.choice(values)}
        self.cluster.edit_service(name, lambda before: changed(before, **change))
        return name, change

    def a_user_deletes_a_service(self) -> ServiceKey:
        name = self.chance.choice(SERVICES)
        if name in self.cluster.services:
            self.cluster.delete(self.cluster.services[name])
        return name

    def a_user_applies_a_pool(self) -> object:
        return self.apply_a_pool(self.chance.choice([*POOLS]))

    def apply_a_pool(self, name: str) -> object:
        facts = {"disabled": self.chance.random() < 0.2, "default": self.chance.random() < 0.6}
        if name in self.cluster.pools:
            self.cluster.edit_pool(name, lambda before: replace(before, **facts))
        else:
            self.cluster.create(pool(name, POOLS[name], finalizers=(), **facts))
        return name, facts

    def a_user_deletes_a_pool(self) -> str:
        name = self.chance.choice([*POOLS])
        if name in self.cluster.pools:
            self.cluster.delete(self.cluster.pools[name])
        return name

    def a_user_changes_the_addresses_of_a_pool(self) -> object:
        name, last = self.chance.choice([*POOLS]), self.chance.randint(1, 15)
        text = f"{POOLS[name].split('-')[0]}-192.0.2.{last}"
        if name in self.cluster.pools:
            self.cluster.edit_pool(name, lambda before: rewritten(before, text))
        return name, text

    def the_manager_looks(self) -> list[Write]:
        """Also what a manager does that comes after one that died: what was not written yet is forgotten."""
        self.writes = self.cluster.look()
        return self.writes

    def the_manager_writes(self) -> int:
        some = self.chance.randint(1, 4)
        for write in self.writes[:some]:
            self.cluster.write(write)
            self.cluster.check()
        del self.writes[:some]
        return some


@pytest.mark.parametrize("seed", range(STORIES))
def test_promises_hold_whatever_happens_between_two_writes(seed: int) -> None:
    story = Story(seed)
    try:
        for _ in range(STEPS):
            story.go_on()
        story.end()
    except AssertionError as error:
        error.add_note("\n".join(story.told[-20:]))
        raise
