"""When two snapshots amount to the same."""

from dataclasses import replace
from typing import Any

import pytest

from openelb.model.cluster import ServiceKey
from tests.unit.builders import pool, service, snapshot, speaker

LOCAL = service("local", local_traffic_only=True)
WEB = service("web")
BEFORE = snapshot(
    pool(), WEB, LOCAL, speaker("n1"), endpoints={WEB.key: frozenset({"n1"}), LOCAL.key: frozenset({"n1"})}
)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"leader_renewal": "later"}, id="the leader renews"),
        pytest.param({"speakers": {"n1": speaker("n1", renewal="later")}}, id="a speaker renews"),
        pytest.param({"endpoints": {LOCAL.key: frozenset({"n1"})}}, id="endpoints go that any node can reach"),
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
        pytest.param({"speakers": {}}, id="a speaker goes"),
        pytest.param({"speakers": {"n1": speaker("n1", "eth1")}}, id="a speaker has another link"),
        pytest.param({"endpoints": {WEB.key: frozenset({"n1"})}}, id="the endpoints of local traffic go"),
        pytest.param({"endpoints": {LOCAL.key: frozenset({"n2"})}}, id="the endpoints of local traffic move"),
    ],
)
def test_what_a_plan_is_made_from_makes_a_difference(change: dict[str, Any]) -> None:
    assert not replace(BEFORE, **change).amounts_to(BEFORE)
