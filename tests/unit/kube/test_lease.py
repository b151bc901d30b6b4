"""Who leads, at times that the tests say."""

from collections.abc import Callable

import pytest

from openelb.kube.decode import Lease
from openelb.kube.errors import Unreachable
from openelb.kube.lease import Leadership
from openelb.model import names
from tests.fakes.clock import Clock
from tests.fakes.leases import FakeLease


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease() -> FakeLease:
    return FakeLease()


@pytest.fixture
def candidate(lease: FakeLease, clock: Clock) -> Callable[[str], Leadership]:
    return lambda identity: Leadership(lease, identity, clock=clock)


async def go_on(candidate: Leadership, clock: Clock, seconds: int) -> None:
    """Let time pass, with an attempt every second."""
    for _ in range(seconds):
        clock.now += 1
        await candidate.attempt()


async def test_the_first_to_come_leads(candidate: Callable[[str], Leadership], clock: Clock) -> None:
    a, b = candidate("a"), candidate("b")
    await a.attempt()
    await b.attempt()
    assert a.held(clock.now)
    assert not b.held(clock.now)


async def test_a_leader_that_renews_is_left_in_peace(candidate: Callable[[str], Leadership], clock: Clock) -> None:
    a, b = candidate("a"), candidate("b")
    for _ in range(20):
        await a.attempt()
        await b.attempt()
        clock.now += 1
    assert a.held(clock.now)
    assert not b.held(clock.now)


async def test_a_leader_that_is_silent_is_followed_after_its_lease_and_had_stopped_before(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    a, b = candidate("a"), candidate("b")
    await a.attempt()
    await b.attempt()
    await go_on(b, clock, 3)
    assert not a.held(clock.now)
    assert not b.held(clock.now)
    await go_on(b, clock, 3)
    assert b.held(clock.now)
    assert lease.stored is not None
    assert (lease.stored.holder, lease.stored.transitions) == ("b", 1)


async def told(lease: FakeLease, clock: Clock) -> tuple[Leadership, list[bool]]:
    """One that leads, and whether it does at each time that it tells of a change from now on."""
    changes: list[bool] = []
    leader = Leadership(lease, "a", clock=clock, on_change=lambda: changes.append(leader.held(clock.now)))
    await leader.attempt()
    changes.clear()
    return leader, changes


async def test_who_was_frozen_while_another_led_and_gave_the_lead_up_begins_anew(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    a, changes = await told(lease, clock)
    b = candidate("b")
    await b.attempt()
    await go_on(b, clock, 6)
    assert b.held(clock.now)
    await b.release()
    await a.attempt()
    assert a.held(clock.now)
    assert changes == [False, True]


async def test_whose_lease_was_deleted_begins_anew(clock: Clock, lease: FakeLease) -> None:
    a, changes = await told(lease, clock)
    lease.stored = None
    await a.attempt()
    assert a.held(clock.now)
    assert changes == [False, True]


async def test_who_was_frozen_while_nobody_led_goes_on(clock: Clock, lease: FakeLease) -> None:
    a, changes = await told(lease, clock)
    clock.now += 3600
    assert not a.held(clock.now)
    await a.attempt()
    assert a.held(clock.now)
    assert changes == []


async def test_the_age_of_anothers_lease_is_counted_from_when_it_was_seen(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    lease.stored = Lease(names.LEADER_LEASE, "from long ago", 5, renewed="2001-01-01T00:00:00.000000Z", version="0")
    b = candidate("b")
    await b.attempt()
    await go_on(b, clock, 5)
    assert not b.held(clock.now)
    await go_on(b, clock, 1)
    assert b.held(clock.now)


@pytest.mark.parametrize("times", [("2001", "1970"), ("2001", "2999"), ("2999", "1970")])
async def test_a_leader_whose_clock_on_the_wall_jumps_is_left_in_peace_and_followed_when_it_falls_silent(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease, times: tuple[str, str]
) -> None:
    b = candidate("b")
    for renewal in range(20):
        dated = f"{times[renewal % 2]}-01-01T00:00:{renewal:02}.000000Z"
        lease.stored = Lease(names.LEADER_LEASE, "a", 5, renewed=dated, version=str(renewal))
        await go_on(b, clock, 1)
        assert not b.held(clock.now)
    await go_on(b, clock, 4)
    assert not b.held(clock.now)
    await go_on(b, clock, 2)
    assert b.held(clock.now)


async def test_leading_ends_three_seconds_after_the_last_answered_renewal_was_sent(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    a = candidate("a")
    await a.attempt()
    lease.away = True
    clock.now += 2.9
    with pytest.raises(Unreachable):
        await a.attempt()
    assert a.held(clock.now)
    clock.now += 0.2
    assert not a.held(clock.now)


async def test_an_answer_that_takes_long_leaves_so_much_less_of_the_lead(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    async def takes_two_seconds() -> None:
        clock.now += 2

    lease.meanwhile.append(takes_two_seconds)
    a = candidate("a")
    await a.attempt()
    assert a.held(clock.now)
    clock.now += 1.1
    assert not a.held(clock.now)


async def test_a_leader_comes_back_when_nobody_took_over_meanwhile(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    a = candidate("a")
    await a.attempt()
    clock.now += 60
    await a.attempt()
    assert a.held(clock.now)
    assert lease.stored is not None
    assert lease.stored.transitions == 0


async def test_a_renewal_whose_answer_was_lost_does_not_cost_the_lead(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    a = candidate("a")
    await a.attempt()
    lease.loses_answers = True
    with pytest.raises(Unreachable):
        await a.attempt()
    lease.loses_answers = False
    clock.now += 1
    await a.attempt()
    clock.now += 2.5
    assert a.held(clock.now)


async def test_a_frozen_leader_finds_itself_followed(candidate: Callable[[str], Leadership], clock: Clock) -> None:
    a, b = candidate("a"), candidate("b")
    await a.attempt()
    await b.attempt()
    await go_on(b, clock, 6)
    await a.attempt()
    assert not a.held(clock.now)
    assert b.held(clock.now)


async def test_of_two_processes_with_one_name_one_leads_and_the_other_says_why_it_waits(
    candidate: Callable[[str], Leadership], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = candidate("a"), candidate("a")
    await one.attempt()
    await other.attempt()  # taken for the one before, started anew
    await one.attempt()
    for _ in range(10):
        clock.now += 1
        await other.attempt()
        await one.attempt()
        assert (one.held(clock.now), other.held(clock.now)) == (False, True)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "another process leads under our name a; give each its own --identity"
    ]
    await other.release()
    await one.attempt()
    assert one.held(clock.now)


async def test_a_leader_that_died_and_is_started_again_under_its_name_leads_at_once(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    await candidate("a").attempt()
    b, again = candidate("b"), candidate("a")
    await go_on(b, clock, 2)
    await again.attempt()
    await go_on(b, clock, 2)
    assert (again.held(clock.now), b.held(clock.now)) == (True, False)
    assert lease.stored is not None
    assert lease.stored.transitions == 0


@pytest.mark.parametrize(
    ("identities", "led"),
    [(["a", "b"] * 15, True), ([f"process {number}" for number in range(30)], False)],
    ids=["under the names of pods", "under a new name each time"],
)
async def test_who_is_killed_every_four_seconds_leads_only_under_the_name_it_had(
    candidate: Callable[[str], Leadership], clock: Clock, identities: list[str], led: bool
) -> None:
    """Two replicas, of which one is killed every two seconds and back a second later."""
    running = [candidate("a"), candidate("b")]
    await go_on(running[0], clock, 1)
    clock.now += 5
    for turn, identity in enumerate(identities):
        running[turn % 2] = candidate(identity)
        await running[1 - turn % 2].attempt()
        await go_on(running[1 - turn % 2], clock, 1)
        for each in running:
            await each.attempt()
        clock.now += 1
        assert any(each.held(clock.now) for each in running) == led or turn == 0


async def test_a_clean_stop_lets_another_lead_at_once(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    a, b = candidate("a"), candidate("b")
    await a.attempt()
    await b.attempt()
    await a.release()
    assert not a.held(clock.now)
    await b.attempt()
    assert b.held(clock.now)
    assert lease.writes == ["a", "", "b"]


async def test_a_stop_without_the_lead_writes_nothing(candidate: Callable[[str], Leadership], lease: FakeLease) -> None:
    await candidate("a").release()
    assert lease.writes == []


async def test_of_two_that_take_a_free_lease_one_leads(
    candidate: Callable[[str], Leadership], clock: Clock, lease: FakeLease
) -> None:
    a, b = candidate("a"), candidate("b")
    lease.meanwhile.append(b.attempt)
    await a.attempt()
    assert (a.held(clock.now), b.held(clock.now)) == (False, True)


async def test_gaining_and_losing_the_lead_is_told_once_each(lease: FakeLease, clock: Clock) -> None:
    told: list[bool] = []
    a = Leadership(lease, "a", clock=clock, on_change=lambda: told.append(a.held(clock.now)))
    await go_on(a, clock, 3)
    lease.stored = Lease(names.LEADER_LEASE, "b", 5, version="x")
    await go_on(a, clock, 2)
    assert told == [True, False]


async def test_a_renewal_that_was_still_on_its_way_does_not_keep_the_lead(
    lease: FakeLease, candidate: Callable[[str], Leadership]
) -> None:
    a = candidate("a")
    await a.attempt()
    held = await lease.read()
    assert held is not None
    await lease.replace(held)  # it arrived, and its answer found nobody
    await a.release()
    free = await lease.read()
    assert free is not None
    assert free.holder == ""
