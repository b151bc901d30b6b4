"""Every node has another time: of day, and since it was started."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab import setup
from lab.clients import Watch, watch
from lab.manifest import NAMESPACE
from lab.speakers import SpeakerNode, Speakers
from tests.lab.layer2.conftest import ADDRESS
from tests.lab.layer2.verbs import SOON, client_knows, nothing_changes, restarted_in_time

DAYS = {"n1": -400, "n2": 0, "n3": 30}
"""By which the wall clock of each node is wrong."""
RUN = {"n1": 0, "n2": 90_000, "n3": 5_000_000}
"""Seconds by which a node has run for longer than the machine."""

_WRONG_CLOCK = """
import datetime, time
_OFFSET = {offset}
_time, _time_ns, _datetime = time.time, time.time_ns, datetime.datetime
time.time = lambda: _time() + _OFFSET
time.time_ns = lambda: _time_ns() + _OFFSET * 10**9
class Wrong(_datetime):
    @classmethod
    def now(cls, tz=None):
        return _datetime.now(tz) + datetime.timedelta(seconds=_OFFSET)
datetime.datetime = Wrong
"""
"""Python runs a module of this name before the program: nothing of the program itself is another one."""


@pytest.fixture
def clocks_that_differ(three: Speakers, tmp_path: Path) -> Iterator[Watch]:
    """A client that watches `ADDRESS` of three nodes, each with a time of its own."""
    for node in three.nodes:
        wrong = tmp_path / node.name
        wrong.mkdir()
        (wrong / "sitecustomize.py").write_text(_WRONG_CLOCK.format(offset=DAYS[node.name] * 86_400))
        node.kill()
        node.environment = {"PYTHONPATH": f"{wrong}:{setup.REPOSITORY / 'src'}"}
        since = str(RUN[node.name])
        node.before = ("unshare", "--fork", "--kill-child", "--time", "--monotonic", since, "--boottime", since)
        node.start()
    with watch(three, ADDRESS) as watched:
        watched.well()
        assert abs(days_of_lease(three, "n1") - DAYS["n1"]) < 1, "the clock is right"
        yield watched
    for node in three.nodes:
        node.kill()
        node.environment, node.before = {}, ()


def days_of_lease(three: Speakers, node: str) -> float:
    """By how many days the Lease of a node's speaker was renewed after now."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/openelb-speaker-{node}"
    renewed = datetime.fromisoformat(three.plane.read_json(path)["spec"]["renewTime"])
    return (renewed - datetime.now(UTC)).total_seconds() / 86_400


def test_a_lost_node_is_found_and_one_answers_when_it_is_back(clocks_that_differ: Watch, three: Speakers) -> None:
    watched = clocks_that_differ
    for _ in range(3):
        owner = watched.well()
        lost = time.monotonic()
        three.node(owner).host.cut()
        assert watched.answers.answered_without(owner, lost) < SOON
        other = watched.one_answers()
        client_knows(watched, other)
        three.node(owner).host.heal()
        last = watched.well()
        client_knows(watched, last)
        nothing_changes(
            watched, last, seconds=2.0
        )  # what a node has only just taken over is not kept for a successor yet
        owner, _ = restarted_in_time(watched, [three.node(last)], SpeakerNode.kill)
        assert watched.well() == owner, "a restart moves nothing"
