"""Names of labs: no lab can be taken for another."""

import pytest

from lab.network import Host, Network


def test_a_host_is_a_namespace_named_by_its_lab() -> None:
    assert Host("elb", "n1").netns == "elb-n1"


@pytest.mark.parametrize("prefix", ["", "elb-n1", "Elb", "1lab", "../elb", "a" * 17])
def test_a_prefix_that_could_reach_into_another_lab_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="small letter"):
        Network(prefix)
