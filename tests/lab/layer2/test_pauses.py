"""A node stands still for a moment, or for longer than the others wait."""

import time

from lab.asking import told
from lab.clients import Watch
from lab.speakers import Speakers
from tests.lab.layer2.verbs import DISPUTE, PATIENCE, client_knows, nothing_changes

SHORT = 0.2
"""Seconds: less than half of what the others wait."""


def test_pauses_shorter_than_the_others_wait_change_nothing(three: Speakers, watched: Watch) -> None:
    owner = watched.well()
    began = time.monotonic()
    for _ in range(5):
        three.node(owner).pause()
        time.sleep(SHORT)
        three.node(owner).resume()
        time.sleep(1.0)
    assert watched.answers.everybody(began) == {owner}, told(watched.answers.since(began))
    assert watched.datagrams.gap(began) < PATIENCE


def test_a_longer_pause_is_a_failover_and_one_node_answers_after_it(three: Speakers, watched: Watch) -> None:
    owner = watched.well()
    stopped = time.monotonic()
    three.node(owner).pause()
    watched.answers.answered_without(owner, stopped)
    watched.one_answers()
    time.sleep(2.0)
    went_on = time.monotonic()
    three.node(owner).resume()
    last = watched.well()
    assert watched.answers.disputed(went_on) < DISPUTE, told(watched.answers.since(went_on))
    nothing_changes(watched, last, seconds=2.0)
    assert watched.datagrams.gap(stopped) < PATIENCE  # its kernel goes on all the time


def test_all_nodes_that_stand_still_at_once_go_on_as_if_nothing_had_been(three: Speakers, watched: Watch) -> None:
    watched.well()
    for node in three.nodes:
        node.pause()
    time.sleep(6.0)
    for node in three.nodes:
        node.resume()
    owner = watched.well()
    nothing_changes(watched, owner, seconds=2.0)
    client_knows(watched, owner)
