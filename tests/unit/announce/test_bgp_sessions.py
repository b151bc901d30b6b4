"""Sessions as they were last heard of, and which of them come and go."""

import logging

import pytest

from openelb.announce.bgp_sessions import OFTEN, WINDOW, Sessions
from openelb.model.bgp import Session, SessionState

UP, DOWN = (Session("192.0.2.1", state=state) for state in (SessionState.ESTABLISHED, SessionState.IDLE))


class World:
    """Sessions, and what time it is."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sessions = Sessions(clock=lambda: self.now)

    def hear(self, *sessions: Session, after: float = 1.0) -> bool:
        self.now += after
        return self.sessions.hear(sessions)

    @property
    def flaps(self) -> bool:
        return self.sessions.now[UP.key].flaps


def test_a_session_that_is_lost_again_and_again_flaps_until_it_was_not_for_a_while() -> None:
    world = World()
    for turn in range(OFTEN):
        assert world.hear(UP)
        assert not world.flaps
        world.hear(DOWN)
        assert world.flaps is (turn == OFTEN - 1)
    world.hear(UP)
    assert world.flaps
    world.hear(UP, after=WINDOW - 2)
    assert world.flaps
    assert world.hear(UP, after=3)
    assert not world.flaps
    assert world.sessions.losses == {UP.key: OFTEN}


def test_one_that_is_lost_seldom_does_not() -> None:
    world = World()
    for _ in range(20):
        world.hear(UP, after=WINDOW / (OFTEN - 1))
        world.hear(DOWN)
        assert not world.flaps


def test_another_one_with_the_same_router_has_not_flapped_yet() -> None:
    world = World()
    for _ in range(OFTEN):
        world.hear(UP)
        world.hear(DOWN)
    assert world.flaps
    world.sessions.begin(UP.key)
    world.hear(UP)
    assert not world.flaps


def test_a_loss_between_two_looks_counts() -> None:
    world = World()
    for number in range(OFTEN + 1):
        world.hear(Session(UP.key, state=UP.state, since=float(number)))
    assert world.flaps


def test_one_that_goes_on_flapping_is_logged_twice_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    for _ in range(300):
        world.hear(UP)
        world.hear(DOWN)
    assert len(caplog.records) <= 2 * 600 / 60 + 1
    assert sum("comes and goes" in record.message for record in caplog.records) == 1


def test_a_peer_that_is_known_no_more_is_forgotten() -> None:
    world = World()
    world.hear(UP)
    world.hear(DOWN)
    world.hear()
    assert (world.sessions.now, world.sessions.losses) == ({}, {})
