"""Users ask for sets, for both families, for shared addresses and for moves, while pools come, shrink, split and go between any
two writes of a manager that may die between any: the promises hold throughout, and in the end it comes to rest.

A story is a list of events drawn by chance. One that fails may be told again with fewer events.
"""

from dataclasses import replace

import pytest

from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import ServiceKey
from openelb.plan.cluster import Planner
from tests.stories.memory import Write
from tests.stories.sets import ROOM, Sets
from tests.stories.wishes import FIRST, POOLS, Event, events
from tests.unit.builders import changed, pool, reservation, service

STORIES = 150
UNMENDED = ()
"""Stories that show defects which are known and not mended."""


class Story:
    """Events as they happen to a cluster."""

    def __init__(self, *, keeps: bool) -> None:
        self.cluster = Sets(keeps=keeps)
        self.writes: list[Write] = []
        self.specs: dict[str, dict[str, object]] = {}

    def happen(self, event: Event) -> None:
        getattr(self, str(event[0]))(*event[1:])
        self.cluster.check()

    def end(self) -> None:
        self.cluster.settle_in_time()
        self.cluster.check_end()

    def serve(self, name: ServiceKey, facts: dict[str, object]) -> None:
        """A user makes a Service, or changes some wishes of one."""
        if name in self.cluster.services:
            self.cluster.edit_service(name, lambda before: changed(before, **facts))
        else:
            self.cluster.create(service(str(name), **facts))

    def remove(self, name: ServiceKey) -> None:
        if name in self.cluster.services:
            self.cluster.delete(self.cluster.services[name])

    def apply(self, name: str, fact: str, value: object) -> None:
        """A user changes one fact of an Eip, or makes it anew."""
        if name not in self.cluster.pools:
            self.specs[name] = {"text": POOLS[name][0], **FIRST.get(name, {})}
        self.specs[name] |= {fact: value}
        made = pool(name, finalizers=(), **self.specs[name])
        if name not in self.cluster.pools:
            self.cluster.create(replace(made, created=f"{self.cluster.revision:09}"))
            return
        self.cluster.edit_pool(
            name,
            lambda before: replace(
                made,
                status=before.status,
                finalizers=before.finalizers,
                created=before.created,
                uid=before.uid,
                deleting=before.deleting,
            ),
        )

    def split(self) -> None:
        """The upper half of one Eip becomes another one's."""
        self.apply("eip-x", "text", POOLS["eip-x"][1])
        self.apply("eip-s", "text", POOLS["eip-s"][0])

    def drop(self, name: str) -> None:
        if name in self.cluster.pools:
            self.cluster.delete(self.cluster.pools[name])

    def reserve(self, name: str, facts: dict[str, object], lasts: float) -> None:
        given = {**facts, "addresses": tuple(map(parse_address, facts.get("addresses", ())))}
        one = reservation(name, expires=self.cluster.now + lasts, **given)
        self.cluster.reservations[name] = replace(
            one, held=self._held(name), version=f"by a user {self.cluster.revision}"
        )

    def _held(self, name: str) -> tuple[Address, ...]:
        before = self.cluster.reservations.get(name)
        return before.held if before else ()

    def unreserve(self, name: str) -> None:
        self.cluster.reservations.pop(name, None)

    def wait(self, seconds: float) -> None:
        self.cluster.now += seconds

    def look(self) -> None:
        self.writes = self.cluster.look()

    def work(self) -> None:
        """A look of which everything is written."""
        self.look()
        self.write(len(self.writes))

    def die(self) -> None:
        """Another manager comes, which remembers nothing."""
        self.cluster.planner = Planner(room=ROOM)
        self.writes = []

    def write(self, some: int) -> None:
        for write in self.writes[:some]:
            self.cluster.write(write)
            self.cluster.check()
        del self.writes[:some]


def tell(story: list[Event], *, keeps: bool) -> None:
    """Let all of it happen."""
    one = Story(keeps=keeps)
    for event in story:
        one.happen(event)
    one.end()


@pytest.mark.parametrize("seed", [seed for seed in range(STORIES + len(UNMENDED)) if seed not in UNMENDED])
def test_promises_of_sets_hold_whatever_happens_between_two_writes(seed: int) -> None:
    """Every other story has one planner from look to look, which has to say the same as one that begins anew."""
    story = events(seed)
    try:
        tell(story, keeps=bool(seed % 2))
    except AssertionError as error:
        error.add_note("\n".join(map(str, story)))
        raise
