"""Who announces by what the cluster says of its nodes."""

import pytest

from openelb.plan.standing import best, leaving
from tests.unit.builders import node, speaker

OBEDIENT = {"a": speaker("a", leaves_when_cordoned=True), "b": speaker("b")}


@pytest.mark.parametrize(
    ("facts", "left"),
    [({}, set()), ({"drained": True}, {"a", "b"}), ({"cordoned": True}, {"a"})],
    ids=["as usual", "drained", "cordoned"],
)
def test_a_drained_node_leaves_and_a_cordoned_one_whose_speaker_was_told_to(facts, left):
    assert leaving({name: node(name, **facts) for name in "ab"}, OBEDIENT) == left


def test_a_tainted_node_leaves_though_nothing_else_is_known_of_it():
    assert leaving({}, {"a": speaker("a", tainted="example.com/maintenance"), "b": speaker("b")}) == {"a"}


def test_who_leaves_answers_only_where_nobody_else_can():
    assert best(frozenset("abc"), frozenset("a")) == {"b", "c"}
    assert best(frozenset("ab"), frozenset("abc")) == {"a", "b"}
    assert best(frozenset(), frozenset("a")) == set()
