"""Who leads, and who is here, at times that the tests say."""

import asyncio
import json
from collections.abc import Callable
from ipaddress import ip_interface

import pytest

from openelb.kube.decode import Lease, links
from openelb.kube.errors import Unreachable
from openelb.kube.lease import RENEW_SECONDS, Leadership, SpeakerLease, links_text, speaker_lease_name
from openelb.model import names
from openelb.model.cluster import Link
from tests.fakes.clock import Clock
from tests.fakes.leases import FakeLease

ETH0 = Link("eth0", (ip_interface("192.0.2.11/24"), ip_interface("2001:db8::11/64")))


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


async def test_a_speaker_says_that_it_is_alive_and_which_links_it_has(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    speaker.tell((ETH0,))
    await speaker.renew()
    first = lease.stored
    await speaker.renew()
    assert first is not None
    assert lease.stored is not None
    assert (first.name, first.holder, first.seconds) == ("openelb-speaker-n1", "pod-1", 4)
    assert first.annotations is not None
    assert (first.annotations[names.NODE], links(first.annotations[names.LINKS])) == ("n1", (ETH0,))
    assert first.renewal != lease.stored.renewal


async def test_a_later_speaker_of_the_node_takes_the_lease_over(lease: FakeLease) -> None:
    await SpeakerLease(lease, "n1", "pod-1").renew()
    await SpeakerLease(lease, "n1", "pod-2").renew()
    assert lease.stored is not None
    assert (lease.stored.holder, lease.stored.transitions) == ("pod-2", 1)


async def test_a_speaker_whose_lease_somebody_deleted_makes_it_again(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    await speaker.renew()
    lease.stored = None
    await speaker.renew()
    assert lease.writes == ["pod-1", "pod-1"]


async def test_a_renewal_whose_answer_was_lost_is_followed_by_another(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    lease.loses_answers = True
    with pytest.raises(Unreachable):
        await speaker.renew()
    lease.loses_answers = False
    await speaker.renew()
    assert lease.writes == ["pod-1", "pod-1"]


async def test_a_speaker_that_leaves_is_gone_and_does_not_come_back(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    await speaker.renew()
    await speaker.leave()
    await speaker.renew()
    assert lease.stored is None
    assert lease.writes == ["pod-1", "deleted"]


async def test_a_speaker_that_leaves_does_not_take_a_later_one_with_it(lease: FakeLease) -> None:
    first, second = SpeakerLease(lease, "n1", "pod-1"), SpeakerLease(lease, "n1", "pod-2")
    await first.renew()
    await second.renew()
    await first.leave()
    assert lease.stored is not None
    assert lease.stored.holder == "pod-2"


async def test_a_change_of_links_is_told_at_once(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    running = asyncio.create_task(speaker.run())
    await lease.until(lambda: len(lease.writes) == 1)
    speaker.tell((ETH0,))
    async with asyncio.timeout(RENEW_SECONDS / 2):
        await lease.until(lambda: len(lease.writes) == 2)
    speaker.tell((ETH0,))
    running.cancel()
    assert lease.stored is not None
    assert lease.stored.annotations is not None
    assert links(lease.stored.annotations[names.LINKS]) == (ETH0,)


def test_the_longest_name_of_a_node_still_makes_a_name_of_a_lease() -> None:
    assert speaker_lease_name("n1") == "openelb-speaker-n1"
    longest = [speaker_lease_name("n" * 252 + end) for end in "ab"]
    assert all(len(name) <= 253 for name in longest)
    assert longest[0] != longest[1]


def test_links_are_compact_json() -> None:
    text = links_text((ETH0, Link("eth1")))
    assert text == '[{"name":"eth0","addresses":["192.0.2.11/24","2001:db8::11/64"]},{"name":"eth1","addresses":[]}]'
    assert json.loads(text)[1] == {"name": "eth1", "addresses": []}


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


async def test_a_speaker_that_does_not_do_its_work_does_not_renew(lease: FakeLease) -> None:
    fit = False
    speaker = SpeakerLease(lease, "n1", "pod", fit=lambda: fit)
    running = asyncio.create_task(speaker.run())
    await asyncio.sleep(0)
    assert await lease.read() is None
    fit = True
    speaker.tell((ETH0,))
    for _ in range(20):
        await asyncio.sleep(0)
    assert await lease.read() is not None
    running.cancel()
