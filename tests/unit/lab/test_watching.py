"""What clients that ask all the time have seen is judged rightly: the tests of failover stand on it."""

import pytest

from lab.asking import Answers, Asked, told
from tests.lab.watching import EVERY, Opened, Pages


def answers(*by: str) -> Answers:
    """Questions answered by these nodes, `n1+n2` by both, an empty text by nobody."""
    asked = [Asked(number * EVERY, frozenset(filter(None, each.split("+")))) for number, each in enumerate(by)]
    return Answers("192.0.2.1", EVERY, asked)


def test_a_silence_is_as_long_as_the_questions_in_a_row_that_nobody_answered() -> None:
    assert answers("n1", "", "n1", "", "", "", "n2").longest_silence() == pytest.approx(3 * EVERY)


def test_who_never_answers_is_silent_all_the_time() -> None:
    assert answers("", "", "").longest_silence() == pytest.approx(3 * EVERY)


def test_a_gap_is_measured_by_the_clock() -> None:
    seen = [Asked(0.0, frozenset({"n1"})), Asked(0.1, frozenset()), Asked(0.5, frozenset({"n1"}))]
    assert Answers("192.0.2.1", 0.1, seen).gap(0.0) == pytest.approx(0.4)


def test_two_that_answer_the_same_questions_are_in_dispute() -> None:
    assert answers("n1", "n1+n2", "n1+n2", "n2", "n1+n2").longest_dispute() == pytest.approx(2 * EVERY)


def test_one_after_the_other_is_no_dispute() -> None:
    assert answers("n1", "n2", "n1").longest_dispute() == 0.0


def test_a_dispute_lasts_until_the_last_question_that_two_answered() -> None:
    seen = answers("n1+n2", "n1", "n1+n2", "n2", "n1+n2", "n2")
    assert seen.disputed(EVERY) == pytest.approx(3 * EVERY)
    assert seen.disputed(5 * EVERY) == 0.0


def test_what_was_before_the_moment_does_not_count() -> None:
    seen = answers("n1+n2", "", "n1", "n1")
    moment = 2 * EVERY
    assert (seen.longest_silence(moment), seen.longest_dispute(moment), seen.everybody(moment)) == (
        0.0,
        0.0,
        frozenset({"n1"}),
    )


def test_another_node_is_timed_from_the_moment_of_the_fault() -> None:
    assert answers("n1", "n1", "", "", "n2").answered_without("n1", EVERY) == pytest.approx(3 * EVERY)


def test_the_only_node_of_the_last_second_has_settled() -> None:
    assert answers("n1+n2", "", *["n2"] * 20).settled() == "n2"


def test_a_page_is_missed_while_attempts_fail_one_after_the_other() -> None:
    pages = Pages(
        "192.0.2.1", [Opened(0.0, 0.1), Opened(0.2, 0.5, "timed out"), Opened(0.5, 0.8, "timed out"), Opened(0.8, 0.9)]
    )
    assert pages.longest_gap() == pytest.approx(0.6 + 2 * EVERY)
    assert pages.told() == "page x1, timed out x2, page x1"
    assert pages.back_after(0.15) == pytest.approx(0.75)


def test_an_asker_that_was_held_up_has_missed_no_page() -> None:
    assert Pages("192.0.2.1", [Opened(0.0, 0.1), Opened(0.2, 5.0), Opened(9.0, 9.1)]).longest_gap() == 0.0


def test_what_was_seen_is_told_in_runs() -> None:
    assert told(answers("n1", "n1", "", "n1+n2").asked) == "n1 x2, nobody x1, n1+n2 x1"
