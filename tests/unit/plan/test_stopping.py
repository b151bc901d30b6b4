"""Whether a stop is a restart or for good."""

import pytest

from openelb.plan.stopping import is_for_good


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        pytest.param({}, {}, id="every node is selected"),
        pytest.param({}, {"role": "edge"}, id="labels nobody asks for"),
        pytest.param({"role": "edge"}, {"role": "edge", "zone": "a"}, id="the label that is asked for"),
    ],
)
def test_where_the_pod_comes_back_it_is_a_restart(selector: dict[str, str], labels: dict[str, str]) -> None:
    assert not is_for_good(selector, labels)


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        pytest.param(None, {"role": "edge"}, id="the DaemonSet is gone"),
        pytest.param({}, None, id="the Node is gone"),
        pytest.param(None, None, id="both are gone"),
        pytest.param({"role": "edge"}, {}, id="the label was taken off the Node"),
        pytest.param({"role": "core"}, {"role": "edge"}, id="another value is asked for"),
        pytest.param({"role": "edge", "zone": "b"}, {"role": "edge", "zone": "a"}, id="one of two labels differs"),
        pytest.param({"role": ""}, {}, id="a label without a value is not one that is absent"),
    ],
)
def test_where_the_pod_does_not_come_back_it_is_for_good(
    selector: dict[str, str] | None, labels: dict[str, str] | None
) -> None:
    assert is_for_good(selector, labels)


def test_a_cordoned_node_is_left_for_good() -> None:
    assert is_for_good({}, {}, cordoned=True)
