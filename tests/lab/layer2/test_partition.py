"""The switch comes apart: each side serves its own clients, and one node answers when it is whole again."""

import time
from collections.abc import Iterator

import pytest

from lab.asking import told
from lab.clients import Watch, seen_from
from lab.network import Host, Network, Switch
from lab.site import LAN
from lab.speakers import Speakers, settled
from tests.lab.layer2.conftest import ADDRESS
from tests.lab.layer2.verbs import DISPUTE


@pytest.fixture
def other_client(three: Speakers) -> Iterator[Host]:
    """A client that will be on the other side."""
    network = Network(three.client.prefix)
    host = network.host("other")
    host.attach(Switch(network.prefix, "lan"), "eth0", f"{LAN}.101/24")
    yield host
    network.remove(host.name)


def each_side_serves_its_clients(owner_comes_off: bool, three: Speakers, watched: Watch, other: Host) -> None:
    """Take two nodes and the other client off the rest, which has the API server; the owner is on one of the sides."""
    owner = three.node(watched.well())
    others = [node for node in three.nodes if node is not owner]
    off = [owner, others[0]] if owner_comes_off else others
    names = {node.name for node in off}
    with seen_from(three, ADDRESS, other) as elsewhere:
        assert elsewhere.one_answers() == owner.name
        for host in (*(node.host for node in off), other):
            host.part()
        time.sleep(0.2)  # what was asked on the way
        here, there = watched.one_answers(timeout=40), elsewhere.one_answers(timeout=40)
        assert here not in names
        assert there in names
        assert (three.knows(ADDRESS, three.client), three.knows(ADDRESS, other)) == (here, there)
        whole = time.monotonic()
        for host in (*(node.host for node in off), other):
            host.heal()
        last = watched.well()
        assert settled(elsewhere.answers) == last
        assert watched.answers.disputed(whole) < 2 * DISPUTE, told(watched.answers.since(whole))
        elsewhere.works(time.monotonic())
        assert (three.knows(ADDRESS, three.client), three.knows(ADDRESS, other)) == (last, last)


def test_a_side_without_the_api_server_goes_on_and_the_other_takes_over(
    three: Speakers, watched: Watch, other_client: Host
) -> None:
    each_side_serves_its_clients(True, three, watched, other_client)


def test_a_side_without_the_api_server_takes_over_and_the_other_goes_on(
    three: Speakers, watched: Watch, other_client: Host
) -> None:
    each_side_serves_its_clients(False, three, watched, other_client)
