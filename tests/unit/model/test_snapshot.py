"""When two snapshots amount to the same."""

from dataclasses import replace
from typing import Any

import pytest

from openelb.model.cluster import ServiceKey
from openelb.model.snapshot import Unreadable
from tests.unit.builders import pool, service, snapshot, speaker

LOCAL = service("local", local_traffic_only=True)
WEB = service("web")
SPOILT = Unreadable("Eip", ServiceKey("", "spoilt"), "uid", "Expected `str`, got `int` - at `$.spec.address`")
BEFORE = snapshot(
    pool(), WEB, LOCAL, speaker("n1"), endpoints={WEB.key: frozenset({"n1"}), LOCAL.key: frozenset({"n1"})}
)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"leader_renewal": "later"}, id="the leader renews"),
        pytest.param({"speakers": {"n1": speaker("n1", renewal="later")}}, id="a speaker renews"),
        pytest.param(
            {"endpoints": {WEB.key: frozenset({"n2"}), LOCAL.key: frozenset({"n1"})}},
            id="endpoints move that any node can reach",
        ),
    ],
)
def test_what_no_plan_is_made_from_makes_no_difference(change: dict[str, Any]) -> None:
    assert replace(BEFORE, **change).amounts_to(BEFORE)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"pools": {}}, id="a pool goes"),
        pytest.param({"services": {WEB.key: WEB}}, id="a Service goes"),
        pytest.param({"gone": frozenset({ServiceKey("default", "gone")})}, id="a holder is known to be gone"),
        pytest.param({"unreadable": {str(SPOILT): SPOILT}}, id="an Eip cannot be read any more"),
        pytest.param({"speakers": {}}, id="a speaker goes"),
        pytest.param({"speakers": {"n1": speaker("n1", "eth1")}}, id="a speaker has another link"),
        pytest.param({"endpoints": {WEB.key: frozenset({"n1"})}}, id="the endpoints of local traffic go"),
        pytest.param({"endpoints": {LOCAL.key: frozenset({"n2"})}}, id="the endpoints of local traffic move"),
    ],
)
def test_what_a_plan_is_made_from_makes_a_difference(change: dict[str, Any]) -> None:
    assert not replace(BEFORE, **change).amounts_to(BEFORE)


def test_what_cannot_be_read_is_called_as_users_do_and_told_with_the_field_to_correct() -> None:
    assert str(SPOILT) == "Eip spoilt"
    assert str(replace(SPOILT, kind="Service", key=WEB.key)) == "Service default/web"
    assert SPOILT.sentence == (
        "cannot be read, and what was known of it before stands: Expected `str`, got `int` - at `$.spec.address`; "
        "correct that field"
    )
