"""The API server is away: addresses stay, and speakers that hear each other take over from one that is lost."""

import time
from collections.abc import Iterator

import pytest

from lab.clients import Watch
from lab.dropping import OUTPUT, dropping
from lab.site import CONTROL_PLANE
from lab.speakers import Speakers
from tests.lab.layer2.verbs import SOON, client_knows, nothing_changes

SERVER = "kube-apiserver"


@pytest.fixture
def server_away(three: Speakers, watched: Watch) -> Iterator[str]:
    """The node that answers, when the API server has been away for long enough for every Lease to have ended."""
    owner = watched.well()
    three.plane.end_program(SERVER)
    try:
        time.sleep(8.0)
        yield owner
    finally:
        if not three.plane.pids(SERVER):
            three.plane.start_program(SERVER)
        three.plane.wait_until_ready()


def test_addresses_stay_where_they_are(server_away: str, watched: Watch) -> None:
    assert watched.one_answers() == server_away
    nothing_changes(watched, server_away, seconds=4.0)


def test_another_node_takes_over_from_a_lost_one_and_one_answers_when_all_are_back(
    server_away: str, three: Speakers, watched: Watch
) -> None:
    lost = time.monotonic()
    three.node(server_away).host.cut()
    assert watched.answers.answered_without(server_away, lost) < SOON
    other = watched.one_answers()
    client_knows(watched, other)
    three.node(server_away).host.heal()
    time.sleep(1.0)
    again = watched.one_answers()
    nothing_changes(watched, again, seconds=2.0)
    three.plane.start_program(SERVER)
    three.plane.wait_until_ready()
    nothing_changes(watched, watched.well(), seconds=4.0)


def test_a_node_that_alone_reaches_no_api_server_keeps_its_address(three: Speakers, watched: Watch) -> None:
    owner = watched.well()
    with dropping([three.node(owner).host], OUTPUT, f"ip daddr {CONTROL_PLANE}"):
        nothing_changes(watched, owner, seconds=12.0)
    nothing_changes(watched, watched.well(), seconds=4.0)
