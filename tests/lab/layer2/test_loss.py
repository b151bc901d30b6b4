"""A node is lost and another one answers; it returns, and one answers. The client's own kernel knows which."""

import time
from collections.abc import Iterator

import pytest

from lab.asking import told
from lab.clients import Watch
from lab.speakers import POOL, RANGE, SpeakerNode, Speakers
from tests.lab.layer2.verbs import DISPUTE, PATIENCE, SOON, Verb, client_knows, cut, heal, plug, unplug


@pytest.mark.parametrize(
    ("lose", "find_again"),
    [
        pytest.param(cut, heal, id="cut off silently"),
        pytest.param(unplug, plug, id="without carrier"),
        pytest.param(SpeakerNode.crash, SpeakerNode.boot, id="crashed"),
        pytest.param(SpeakerNode.pause, SpeakerNode.resume, id="frozen"),
    ],
)
def test_another_node_answers_for_the_address_of_a_lost_one_and_one_answers_when_it_is_back(
    lose: Verb, find_again: Verb, three: Speakers, watched: Watch
) -> None:
    owner = watched.well()
    lost = time.monotonic()
    lose(three.node(owner))
    assert watched.answers.answered_without(owner, lost) < SOON
    other = watched.one_answers()
    assert other != owner
    client_knows(watched, other)
    found = time.monotonic()
    find_again(three.node(owner))
    last = watched.well()
    client_knows(watched, last)
    assert watched.answers.disputed(found) < DISPUTE, told(watched.answers.since(found))
    assert watched.datagrams.gap(found) < PATIENCE


@pytest.mark.parametrize("seconds", [0.2, 0.5, 2.0, 8.0])
@pytest.mark.parametrize(
    ("lose", "find_again"), [pytest.param(cut, heal, id="silent"), pytest.param(unplug, plug, id="carrier")]
)
def test_after_a_flap_of_a_link_one_node_answers(
    lose: Verb, find_again: Verb, seconds: float, three: Speakers, watched: Watch
) -> None:
    node = three.node(watched.well())
    lose(node)
    time.sleep(seconds)
    back = time.monotonic()
    find_again(node)
    one_goes_on(watched, back)


def one_goes_on(watched: Watch, back: float) -> None:
    """Since a node is back, soon one alone answers, and the client's kernel knows which."""
    owner = watched.well()
    assert watched.answers.disputed(back) < DISPUTE, told(watched.answers.since(back))
    client_knows(watched, owner)


def test_an_address_that_moved_stays_where_it_is_when_its_node_returns(three: Speakers, watched: Watch) -> None:
    for _ in range(2):  # in one of them it would be the other node's by right
        owner = watched.well()
        lost = time.monotonic()
        three.node(owner).host.cut()
        watched.answers.answered_without(owner, lost)
        other = watched.one_answers()
        three.node(owner).host.heal()
        assert watched.well() == other


@pytest.fixture
def fast(three: Speakers) -> Iterator[None]:
    three.pool(POOL, RANGE, profile="Fast")
    yield
    three.pool(POOL, RANGE, profile="Default")


@pytest.mark.usefixtures("fast")
def test_a_loss_of_carrier_that_only_the_fast_profile_finds_leaves_one_owner(three: Speakers, watched: Watch) -> None:
    """The kernel of who was cut off asks for MACs once a second; until then nothing that it sends to one host leaves."""
    for _ in range(2):  # in one of them the address is the other node's by right
        owner = watched.well()
        lost = time.monotonic()
        three.node(owner).host.unplug()
        watched.answers.answered_without(owner, lost)
        back = time.monotonic()
        three.node(owner).host.plug()
        one_goes_on(watched, back)
        assert watched.answers.gap(back) < DISPUTE, told(watched.answers.since(back))
