"""Waiting until something is so."""

import pytest

from lab.wait import NotYetError, WaitError, require, until


def test_the_first_answer_is_returned() -> None:
    answers = iter([NotYetError("one node is Ready"), OSError("refused"), "four nodes are Ready"])

    def look() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert until(look, what="four nodes", every=0) == "four nodes are Ready"


def test_a_time_out_says_what_was_seen_last() -> None:
    with pytest.raises(WaitError, match="waited 0 s for four nodes; last seen: one node is Ready"):
        until(lambda: require(False, "one node is Ready"), what="four nodes", timeout=0)


def test_a_mistake_in_the_look_is_not_waited_for() -> None:
    with pytest.raises(KeyError):
        until(lambda: {}["absent"], what="nothing")
