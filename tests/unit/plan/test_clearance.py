"""Which addresses are given out while it is asked on the LAN whether another machine has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from openelb.model import names
from openelb.model.addresses import Address, AddressRange
from openelb.model.cluster import Pool, Reservation, Service
from openelb.model.findings import Reason
from openelb.model.layer2 import Layer2Choices, Probing
from openelb.model.probes import Found
from openelb.model.ranges import Ranges
from openelb.model.snapshot import Snapshot
from openelb.plan.clearance import AHEAD, PATIENCE, TIDYING, UNPROBED
from openelb.plan.cluster import ClusterPlan, Planner, plan
from openelb.plan.probing import duties
from tests.unit.builders import address, condition, pool, reservation, service, snapshot, speaker

FAST = Layer2Choices(probe=Probing.FAST)
FOREIGN = "02:00:5e:00:53:09"
NODES = ("n1", "n2", "n3")


def probed(text: str = "192.168.1.0/24", **facts: object) -> Pool:
    return pool(text=text, layer2=FAST, default=True, **facts)


@dataclass
class Meeting:
    """A manager and its speakers in memory: whoever is to ask finds out at once, unless the test says otherwise."""

    pool: Pool = field(default_factory=probed)
    services: list[Service] = field(default_factory=list)
    others: list[Reservation] = field(default_factory=list)
    taken: Mapping[Address, str] = field(default_factory=dict)
    alive: frozenset[str] = frozenset(NODES)
    now: float = 1000.0
    answers: bool = True

    def __post_init__(self) -> None:
        self.planner = Planner()
        self.speakers = {name: speaker(name) for name in NODES}
        self.questions: Mapping = {}
        self.writes = 0

    @property
    def snapshot(self) -> Snapshot:
        facts = snapshot(self.pool, *self.services, *self.others)
        return replace(facts, speakers=dict(self.speakers), questions=self.questions)

    def look(self) -> ClusterPlan:
        """The manager looks and writes, and speakers answer what is asked then."""
        made = self.planner.plan(self.snapshot, self.alive, self.now)
        assert made == plan(self.snapshot, self.alive, now=self.now), "what was remembered changed the plan"
        self.writes += made.questions != self.questions
        self.questions = made.questions
        for name, status in made.pools.items():
            assert name == self.pool.name
            self.pool = replace(self.pool, status=status)
        self.services = [self._carrying(one, made) for one in self.services]
        if self.answers:
            self.ask()
        return made

    @staticmethod
    def _carrying(one: Service, made: ClusterPlan) -> Service:
        wanted = made.services.get(one.key)
        if wanted is None:
            return one
        guard = (names.SERVICE_FINALIZER,) if wanted.guarded else ()
        return replace(
            one, ingress=wanted.ingress, pool_label=wanted.pool_label, finalizers=guard, conditions=wanted.conditions
        )

    def ask(self) -> None:
        for node in self.speakers:
            asked = {one for of in duties(self.snapshot, node, self.alive).values() for one in of}
            theirs = {one: mac for one, mac in self.taken.items() if one in asked}
            free = Ranges.of(AddressRange(one, one) for one in asked - theirs.keys())
            self.speakers[node] = replace(self.speakers[node], found=Found(free, theirs))

    def settle(self) -> "Meeting":
        for _ in range(12):
            self.look()
        return self

    def told(self, name: str = "web") -> tuple[str, str]:
        (one,) = (one for one in self.services if one.key.name == name)
        said = condition(one.conditions, names.ADDRESS_ALLOCATED)
        return said.reason, said.message

    def shown(self) -> list[str]:
        return sorted(text for one in self.services for text in one.ingress)


def test_the_next_addresses_are_asked_about_before_anybody_needs_them() -> None:
    meeting = Meeting()
    meeting.look()
    (question,) = meeting.questions["eip"]
    assert question.since == 1000.0
    assert question.ranges == Ranges.of([AddressRange(address("192.168.1.0"), address("192.168.1.31"))])
    assert question.ranges.size == AHEAD


def test_one_node_asks_for_a_pool_and_another_one_when_it_is_lost() -> None:
    meeting = Meeting(answers=False)
    meeting.look()
    asking = [node for node in NODES if duties(meeting.snapshot, node, meeting.alive)]
    assert len(asking) == 1
    left = meeting.alive - set(asking)
    assert len([node for node in left if duties(meeting.snapshot, node, left)]) == 1


def test_who_comes_to_a_pool_that_was_asked_about_waits_for_nothing() -> None:
    meeting = Meeting().settle()
    meeting.services = [service()]
    meeting.look()
    meeting.look()
    assert meeting.shown() == ["192.168.1.0"]
    assert meeting.told() == (Reason.ALLOCATED, "192.168.1.0 from Eip eip")


def test_the_first_of_a_new_pool_waits_for_the_answer() -> None:
    meeting = Meeting(services=[service()], answers=False)
    meeting.look()
    reason, sentence = meeting.told()
    assert (reason, meeting.shown()) == (Reason.PROBING, [])
    assert "asks on the LAN whether another machine has the next free addresses of Eip eip" in sentence
    meeting.ask()
    meeting.settle()
    assert meeting.shown() == ["192.168.1.0"]


def test_an_address_that_another_machine_has_is_passed_over_and_the_eip_says_so() -> None:
    meeting = Meeting(services=[service()], taken={address("192.168.1.0"): FOREIGN}).settle()
    assert meeting.shown() == ["192.168.1.1"]
    ready = condition(meeting.pool.status.conditions, names.READY)
    assert ready.status
    assert (
        f"other machines on the LAN have addresses of it, which are not given out: 192.168.1.0 ({FOREIGN})"
        in ready.message
    )


def test_when_the_other_machine_leaves_the_address_is_given_out() -> None:
    meeting = Meeting(services=[service()], taken={address("192.168.1.0"): FOREIGN}).settle()
    meeting.taken = {}
    meeting.ask()
    meeting.services.append(service("later"))
    assert meeting.settle().shown() == ["192.168.1.0", "192.168.1.1"]


def test_an_address_asked_for_by_name_waits_and_is_asked_about() -> None:
    meeting = Meeting(services=[service(address="192.168.1.200")], answers=False)
    meeting.look()
    assert meeting.told() == (
        Reason.PROBING,
        "a node asks on the LAN whether another machine has 192.168.1.200 of Eip eip: this takes a moment",
    )
    meeting.ask()
    assert meeting.settle().shown() == ["192.168.1.200"]


def test_one_that_somebody_has_is_refused_with_the_mac() -> None:
    meeting = Meeting(services=[service(address="192.168.1.200")], taken={address("192.168.1.200"): FOREIGN}).settle()
    reason, sentence = meeting.told()
    assert (reason, meeting.shown()) == (Reason.ADDRESS_IN_USE_ELSEWHERE, [])
    assert f"192.168.1.200 is in use by another machine on the LAN, {FOREIGN}" in sentence
    meeting.taken = {}
    meeting.ask()
    assert meeting.settle().shown() == ["192.168.1.200"]


def test_a_reserved_address_waits_likewise_and_no_other_is_taken_for_it() -> None:
    kept = reservation(addresses=(address("192.168.1.100"),))
    meeting = Meeting(services=[service()], others=[kept], answers=False)
    meeting.look()
    assert meeting.told()[0] == Reason.PROBING
    meeting.ask()
    assert meeting.settle().shown() == ["192.168.1.100"]


def test_with_no_speaker_there_it_is_given_out_and_told_to_be_unprobed() -> None:
    meeting = Meeting(services=[service()], alive=frozenset()).settle()
    assert meeting.shown() == ["192.168.1.0"]
    assert UNPROBED in meeting.told()[1]
    meeting.alive = frozenset(NODES)
    assert UNPROBED in meeting.settle().told()[1], "it is still so when speakers come back"


def test_a_speaker_that_does_not_answer_holds_nobody_up_for_longer_than_the_limit() -> None:
    meeting = Meeting(services=[service()], answers=False)
    due = meeting.look().due
    assert due == 1000.0 + PATIENCE[Probing.FAST]
    meeting.now = due
    meeting.settle()
    assert meeting.shown() == ["192.168.1.0"]
    assert UNPROBED in meeting.told()[1]


def test_what_is_held_or_shown_is_ours_and_is_not_asked_about() -> None:
    held = probed(used={"192.168.1.0": "default/web"})
    meeting = Meeting(
        pool=held, services=[service(shows="192.168.1.0")], taken={address("192.168.1.0"): FOREIGN}
    ).settle()
    assert meeting.shown() == ["192.168.1.0"]
    assert meeting.told() == (Reason.ALLOCATED, "192.168.1.0 from Eip eip")
    assert all(address("192.168.1.0") not in question.ranges for question in meeting.questions["eip"])


def test_a_thousand_at_once_are_asked_about_together() -> None:
    meeting = Meeting(probed("10.0.0.0/16"), [service(f"web-{number}") for number in range(300)])
    looks = 0
    while len(meeting.shown()) < 300:
        meeting.look()
        looks += 1
    assert looks <= 8
    assert meeting.writes <= 5


def test_questions_are_not_written_anew_for_each_service() -> None:
    meeting = Meeting(probed("10.0.0.0/16")).settle()
    before = meeting.writes
    for number in range(14):
        meeting.services.append(service(f"web-{number}"))
        meeting.look()
        meeting.look()
    assert len(meeting.shown()) == 14
    assert meeting.writes == before
    meeting.now += TIDYING
    meeting.settle()
    assert meeting.writes == before + 1


@pytest.mark.parametrize("facts", [{"layer2": Layer2Choices(probe=Probing.OFF)}, {"left_to_cni": True}])
def test_where_nothing_is_to_be_asked_nothing_is(facts: dict[str, object]) -> None:
    meeting = Meeting(replace(probed(), **facts), [service()]).settle()
    assert (meeting.shown(), meeting.questions) == (["192.168.1.0"], {})


def test_a_pool_whose_last_addresses_others_have_is_exhausted() -> None:
    meeting = Meeting(probed("192.168.1.1-192.168.1.2"), [service()], taken={address("192.168.1.1"): FOREIGN})
    meeting.settle()
    meeting.services.append(service("second"))
    meeting.settle()
    assert meeting.shown() == ["192.168.1.2"]
    assert meeting.told("second")[0] == Reason.POOL_EXHAUSTED


def test_no_other_pool_is_taken_for_one_that_is_asked_about() -> None:
    first, second = probed("192.168.1.0/24"), pool("later", "192.168.2.0/24", default=True)
    waiting = snapshot(first, second, service(), speaker("n1"))
    said = plan(waiting, frozenset({"n1"})).services[service().key]
    assert condition(said.conditions, names.ADDRESS_ALLOCATED).reason == Reason.PROBING
