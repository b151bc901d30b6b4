"""A node whose router does not answer it, though all else is well, answers for nothing that another node can."""

import time
from collections.abc import Iterator

import pytest

from lab import site
from lab.asking import told
from lab.clients import Watch
from lab.network import Host
from lab.speakers import SpeakerNode, Speakers
from lab.wait import require, until
from tests.lab.layer2.verbs import client_knows

MOVES_WITHIN = 10.0
"""Seconds: three questions, two until the word counts, and what a busy machine needs."""
STAYS_FOR = 10.0


@pytest.fixture
def router(three: Speakers) -> Iterator[Host]:
    """The nodes' gateway, when each of them has heard it answer."""
    for node in three.nodes:
        until(lambda node=node: require_gateway(node, up=True), what=f"{node.name} to hear its gateway", timeout=20)
    router = site.hosts(three.client.prefix).router
    yield router
    router.heal()
    answer_all(router)


def require_gateway(node: SpeakerNode, *, up: bool) -> None:
    found = node.gateway_up()
    require(found == up, f"the gateway of {node.name} is {'up' if found else 'down'}")


def leave_unanswered(router: Host, node: SpeakerNode) -> None:
    """Have the router answer no ARP question of that node."""
    rules = f"""table arp lab {{
        chain input {{
            type filter hook input priority 0
            arp saddr ip {node.host.address()} drop
        }}
    }}"""
    router.run(["nft", "-f", "-"], stdin=rules)


def answer_all(router: Host) -> None:
    """Undo it."""
    router.run(["nft", "-f", "-"], stdin="table arp lab\ndelete table arp lab\n")  # made first, so that it is there


def test_an_address_goes_to_a_node_whose_gateway_answers_and_stays_there(
    three: Speakers, watched: Watch, router: Host
) -> None:
    owner = watched.well()
    lost = time.monotonic()
    leave_unanswered(router, three.node(owner))
    assert watched.answers.answered_without(owner, lost) < MOVES_WITHIN
    other = watched.one_answers()
    assert other != owner
    client_knows(watched, other)
    assert watched.answers.longest_silence(lost) < 0.2, told(watched.answers.since(lost))
    assert "has left 3 questions unanswered" in three.node(owner).log.read_text()
    answer_all(router)
    until(lambda: require_gateway(three.node(owner), up=True), what="the gateway to be back", timeout=20)
    time.sleep(3.0)  # until the word counts
    assert watched.well() == other


def test_a_router_that_is_gone_for_all_moves_nothing(three: Speakers, watched: Watch, router: Host) -> None:
    owner = watched.well()
    gone = time.monotonic()
    router.cut()
    for node in three.nodes:
        until(lambda node=node: require_gateway(node, up=False), what=f"{node.name} to miss its gateway", timeout=20)
    time.sleep(STAYS_FOR)
    router.heal()
    for node in three.nodes:
        until(lambda node=node: require_gateway(node, up=True), what=f"{node.name} to hear its gateway", timeout=20)
    time.sleep(STAYS_FOR / 2)
    assert watched.answers.everybody(gone) == {owner}, told(watched.answers.since(gone))
