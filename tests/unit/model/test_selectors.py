"""What a label selector matches, as Kubernetes has it (meta/v1 LabelSelector)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model.selectors import Operator, Requirement, Selector

OF_SHOP = {"team": "shop", "tier": "front"}
KEYS = st.sampled_from(["team", "tier", "other"])
VALUES = st.sampled_from(["shop", "front", ""])
LABELS = st.dictionaries(KEYS, VALUES)
REQUIREMENTS = st.builds(Requirement, KEYS, st.sampled_from(Operator), st.frozensets(VALUES))
SELECTORS = st.builds(
    Selector, LABELS.map(lambda labels: tuple(labels.items())), st.lists(REQUIREMENTS, max_size=3).map(tuple)
)


@pytest.mark.parametrize("labels", [{}, OF_SHOP])
def test_an_empty_selector_matches_everything(labels: dict[str, str]) -> None:
    assert Selector().matches(labels)


@pytest.mark.parametrize(
    ("equal", "matches"),
    [
        ([("team", "shop")], True),
        ([("team", "shop"), ("tier", "front")], True),
        ([("team", "shop"), ("tier", "back")], False),
        ([("team", "Shop")], False),
        ([("team", "")], False),
        ([("other", "")], False),
    ],
)
def test_all_labels_that_are_named_have_to_be_equal(equal: list[tuple[str, str]], matches: bool) -> None:
    assert Selector(tuple(equal)).matches(OF_SHOP) == matches


@pytest.mark.parametrize(
    ("key", "operator", "values", "matches"),
    [
        ("team", Operator.IN, ["shop", "bank"], True),
        ("team", Operator.IN, ["bank"], False),
        ("team", Operator.IN, [], False),
        ("other", Operator.IN, ["shop"], False),
        ("other", Operator.IN, [""], False),
        ("team", Operator.NOT_IN, ["bank"], True),
        ("team", Operator.NOT_IN, ["shop", "bank"], False),
        ("team", Operator.NOT_IN, [], True),
        ("other", Operator.NOT_IN, ["shop"], True),
        ("other", Operator.NOT_IN, [""], True),
        ("team", Operator.EXISTS, [], True),
        ("other", Operator.EXISTS, [], False),
        ("team", Operator.DOES_NOT_EXIST, [], False),
        ("other", Operator.DOES_NOT_EXIST, [], True),
    ],
)
def test_a_requirement_looks_at_one_label(key: str, operator: Operator, values: list[str], matches: bool) -> None:
    one = Requirement(key, operator, frozenset(values))
    assert one.matches(OF_SHOP) == matches
    assert Selector(requirements=(one,)).matches(OF_SHOP) == matches


def test_an_empty_value_is_a_value() -> None:
    assert Requirement("team", Operator.EXISTS).matches({"team": ""})
    assert Requirement("team", Operator.IN, frozenset({""})).matches({"team": ""})
    assert not Requirement("team", Operator.NOT_IN, frozenset({""})).matches({"team": ""})


@given(REQUIREMENTS, LABELS)
def test_not_in_is_the_contrary_of_in_and_so_is_absence_of_presence(one: Requirement, labels: dict[str, str]) -> None:
    contrary = {
        Operator.IN: Operator.NOT_IN,
        Operator.NOT_IN: Operator.IN,
        Operator.EXISTS: Operator.DOES_NOT_EXIST,
        Operator.DOES_NOT_EXIST: Operator.EXISTS,
    }
    assert one.matches(labels) != Requirement(one.key, contrary[one.operator], one.values).matches(labels)


@given(SELECTORS, SELECTORS, LABELS)
def test_everything_that_a_selector_says_has_to_hold(one: Selector, other: Selector, labels: dict[str, str]) -> None:
    both = Selector(one.equal + other.equal, one.requirements + other.requirements)
    assert both.matches(labels) == (one.matches(labels) and other.matches(labels))
