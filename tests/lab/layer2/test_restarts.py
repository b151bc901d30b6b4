"""A speaker that is back in time keeps its addresses, and nothing that its node forwards is lost."""

import time
from collections.abc import Callable

import pytest

from lab.asking import told
from lab.clients import Watch
from lab.speakers import SpeakerNode, Speakers
from lab.traffic import LATE
from tests.lab.layer2.verbs import restarted_in_time


@pytest.mark.parametrize(
    "end", [pytest.param(SpeakerNode.kill, id="killed"), pytest.param(SpeakerNode.stop, id="asked to end")]
)
def test_a_speaker_that_is_back_in_time_keeps_its_address(
    end: Callable[[SpeakerNode], None], three: Speakers, watched: Watch
) -> None:
    node = three.node(watched.well())
    owner, ended = restarted_in_time(watched, [node], end)
    assert watched.well() == owner
    assert watched.answers.everybody(ended) == {owner}, told(watched.answers.since(ended))
    nothing_was_lost(watched, ended)


def test_speakers_that_are_rolled_one_after_another_lose_nothing(three: Speakers, watched: Watch) -> None:
    owner, began = restarted_in_time(watched, three.nodes, SpeakerNode.stop)
    assert watched.well() == owner
    assert watched.answers.everybody(began) == {owner}, told(watched.answers.since(began))
    nothing_was_lost(watched, began)


def nothing_was_lost(watched: Watch, moment: float) -> None:
    """Look at both kinds of traffic, when what was sent last has had the time to come back."""
    time.sleep(LATE)
    assert (watched.datagrams.lost(moment), watched.tried.failed(moment)) == (0, 0)
