"""A firewall drops the heartbeats of speakers: Leases still say who is alive."""

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager

import pytest

from lab.asking import told
from lab.clients import Watch
from lab.dropping import INPUT, OUTPUT, dropping
from lab.speakers import SpeakerNode, Speakers
from lab.wait import WaitError
from tests.lab.layer2.verbs import nothing_changes

PORT = 50055
SLOWLY = 40.0
"""Three times the seconds in which a node is lost whose Lease alone is waited for."""

STILL_BOTH = pytest.mark.xfail(
    raises=WaitError, reason="who is not heard any more is held to be lost, and both sides answer"
)


def blocked(nodes: Iterable[SpeakerNode], *, hook: str) -> AbstractContextManager[None]:
    """Drop what comes to or leaves these nodes for the port of heartbeats."""
    return dropping([node.host for node in nodes], hook, f"udp dport {PORT}")


@STILL_BOTH
def test_without_heartbeats_the_address_stays_and_a_lost_node_is_found_by_its_lease(
    three: Speakers, watched: Watch
) -> None:
    with blocked(three.nodes, hook=INPUT):
        time.sleep(3.0)
        owner = watched.one_answers()
        nothing_changes(watched, owner, seconds=6.0)
        lost = time.monotonic()
        three.node(owner).host.cut()
        assert watched.answers.answered_without(owner, lost, timeout=SLOWLY) < SLOWLY
        watched.one_answers()
        three.node(owner).host.heal()
        watched.one_answers()
    nothing_changes(watched, watched.well(), seconds=2.0)


@pytest.mark.parametrize("hook", [INPUT, OUTPUT])
def test_where_the_heartbeats_of_one_node_are_lost_in_one_direction_one_node_answers(
    hook: str, three: Speakers, watched: Watch
) -> None:
    owner = watched.well()
    with blocked([three.node(owner)], hook=hook):
        time.sleep(3.0)
        blocked_since = time.monotonic()
        one = watched.one_answers()
        time.sleep(6.0)
        assert watched.answers.everybody(blocked_since) == {one}, told(watched.answers.since(blocked_since))
    nothing_changes(watched, watched.well(), seconds=2.0)


def test_where_one_node_alone_does_not_hear_another_one_node_answers(three: Speakers, watched: Watch) -> None:
    """It takes the other for lost, and a third node that could have the address does not."""
    owner = three.node(watched.well())
    for deaf in (node for node in three.nodes if node is not owner):
        with dropping([deaf.host], INPUT, f"udp dport {PORT} ip saddr {owner.host.address()}"):
            time.sleep(4.0)
            blocked_since = time.monotonic()
            one = watched.one_answers()
            time.sleep(3.0)
            assert watched.answers.everybody(blocked_since) == {one}, told(watched.answers.since(blocked_since))
        nothing_changes(watched, one, seconds=3.0)
        owner = three.node(one)
