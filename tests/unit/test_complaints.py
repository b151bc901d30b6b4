"""How often one cause is told."""

import pytest

from openelb.complaints import QUIET_SECONDS, Complaints
from tests.fakes.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def complaints(clock: Clock) -> Complaints:
    return Complaints(clock=clock)


def test_a_trouble_that_lasts_is_told_once_however_long(complaints: Complaints, clock: Clock) -> None:
    told = []
    for _ in range(300):
        told.append(complaints.begins("away"))
        clock.now += 1.0
    assert told == [True] + [False] * 299


def test_its_end_is_told_once(complaints: Complaints) -> None:
    complaints.begins("away")
    assert [complaints.ends(), complaints.ends()] == [True, False]


def test_each_cause_is_told(complaints: Complaints) -> None:
    assert [complaints.begins(cause) for cause in ("away", "no right", "away", "no right")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_trouble_that_comes_and_goes_is_told_once_a_minute_and_so_is_its_end(
    complaints: Complaints, clock: Clock
) -> None:
    begun, ended = [], []
    for second in range(150):
        if complaints.begins("away"):
            begun.append(second)
        if complaints.ends():
            ended.append(second)
        clock.now += 1.0
    assert begun == ended == [0, QUIET_SECONDS, 2 * QUIET_SECONDS]


def test_a_trouble_that_began_unheard_and_lasts_is_told_when_its_minute_is_over(
    complaints: Complaints, clock: Clock
) -> None:
    complaints.begins("away")
    complaints.ends()
    clock.now += 1.0
    assert not complaints.begins("away")
    clock.now += QUIET_SECONDS - 1.0
    assert complaints.begins("away")


def test_what_happens_once_and_again_is_told_once_a_minute(complaints: Complaints, clock: Clock) -> None:
    assert [complaints.is_due("a bad line"), complaints.is_due("a bad line")] == [True, False]
    clock.now += QUIET_SECONDS
    assert complaints.is_due("a bad line")


def test_what_was_told_long_ago_takes_no_room(complaints: Complaints, clock: Clock) -> None:
    for number in range(1000):
        complaints.is_due(f"object {number}")
        clock.now += QUIET_SECONDS
    assert len(vars(complaints)["_told"]) == 1
