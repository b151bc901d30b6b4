"""What clients that never stop sending have seen is judged rightly: the bench and the tests of failover stand on it."""

import pytest

from lab.traffic import LATE, Connections, Flow, Tried


def flow(*seen: float | None) -> Flow:
    """Datagrams sent every tenth of a second, each with how long it took to come back, or lost."""
    sent = [number / 10 for number in range(len(seen))]
    return Flow(0.1, sent, {number: sent[number] + took for number, took in enumerate(seen) if took is not None})


def test_a_gap_is_the_time_without_an_echo_beyond_that_between_two_datagrams() -> None:
    seen = flow(0.0, 0.0, None, None, None, 0.0, 0.0)
    assert seen.gap(0.0, until=0.6) == pytest.approx(0.3)


def test_a_datagram_that_comes_late_leaves_a_gap_as_well() -> None:
    assert flow(0.0, 0.4, 0.3, 0.2, 0.1).gap(0.0, until=0.5) == pytest.approx(0.4)


def test_a_gap_that_lasts_is_counted_up_to_its_end() -> None:
    assert flow(0.0, None, None, None).gap(0.0, until=2.0) == pytest.approx(1.9)


def test_a_gap_before_the_moment_does_not_count() -> None:
    assert flow(0.0, None, None, None, 0.0, 0.0).gap(0.4, until=0.5) == pytest.approx(0.0)


def test_a_datagram_is_lost_when_it_has_had_the_time_to_come_back() -> None:
    seen = flow(0.0, None, 0.2, None)
    assert (seen.lost(0.0, until=0.15 + LATE), seen.lost(0.0, until=0.35 + LATE)) == (1, 2)
    assert seen.lost(0.2, until=0.35 + LATE) == 1


def connections(*accepted: bool) -> Connections:
    """Connections begun every tenth of a second."""
    return Connections(0.1, [Tried(number / 10, each) for number, each in enumerate(accepted)])


def test_connections_are_missed_while_none_is_accepted() -> None:
    tried = connections(True, False, False, True, True)
    assert (tried.gap(0.0), tried.failed(0.0)) == (pytest.approx(0.2), 2)


def test_a_connection_that_was_begun_earlier_may_end_later() -> None:
    tried = Connections(0.1, [Tried(0.0, True), Tried(0.2, True), Tried(0.1, False), Tried(0.3, True)])
    assert [each.at for each in tried.since(0.2)] == [0.2, 0.3]
    assert tried.gap(0.0) == pytest.approx(0.1)


def test_connections_that_fail_to_the_end_are_counted_up_to_it() -> None:
    assert connections(True, False, False, False).gap(0.0) == pytest.approx(0.2)
