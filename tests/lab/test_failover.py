"""An address is answered for by one node that can be reached, whatever happens to nodes and speakers.

Two clients ask all the time: raw ARP questions, which no cache answers, and fresh TCP connections, as users make them.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from lab import faults, site
from lab.asking import Answers, told
from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.wait import require, until
from openelb.model.addresses import parse_address
from openelb.plan.liveness import TTL_SECONDS
from openelb.plan.placement import winner
from tests.lab import installed
from tests.lab.watching import HICCUP, page_views, questions

PROMISED = 3.0
"""Seconds in which the address of a lost node is answered elsewhere: several times what it takes, since the machine is busy."""
AT_A_TIME = 0.5
"""Seconds in which two nodes may both answer while one takes over from the other: each hears of it by a watch of its own."""
AGREEMENT = 6.0
"""Seconds after a fault's end in which exactly one node answers: the longest part is a watch that finds its way back."""

Verb = Callable[[Cluster, str], None]


def address_of_node(cluster: Cluster, node: str, *, but: frozenset[str] = frozenset()) -> str:
    """An address of the pool that this node answers for while all nodes are there; `but` not one of these."""
    nodes = [each.name for each in cluster.nodes]
    for last in range(200, 240):
        text = f"{site.LAN}.{last}"
        address = parse_address(text)
        if address is not None and winner(address, nodes) == node and text not in but:
            return text
    raise LookupError(f"no address of the pool is {node}'s")


def serve_from(cluster: Cluster, node: str) -> str:
    """Serve the page at an address that this node answers for."""
    address = address_of_node(cluster, node)
    installed.serve(cluster, "web", address=address)
    assert installed.owners(cluster, address) == {node}
    return address


@pytest.mark.parametrize(
    ("lose", "find_again", "node"),
    [
        pytest.param(faults.cut, faults.heal, "n1", id="cut off silently"),
        pytest.param(faults.unplug, faults.plug, "n2", id="without carrier"),
        pytest.param(faults.off, faults.on, "n3", id="switched off"),
    ],
)
def test_the_address_of_a_lost_node_is_answered_elsewhere_soon(
    lose: Verb, find_again: Verb, node: str, pool: Cluster
) -> None:
    address = serve_from(pool, node)
    with questions(pool, address) as answers, page_views(pool.client, address) as pages:
        answers.settled()
        lost = time.monotonic()
        lose(pool, node)
        silence = answers.answered_without(node, lost)
        gap = pages.back_after(lost)
        assert silence < PROMISED, told(answers.since(lost))
        assert gap < PROMISED + installed.PATIENCE, f"{gap:.2f} s without the page"
        found = time.monotonic()
        find_again(pool, node)
        pool.wait_for_nodes()
        assert answers.settled() in {each.name for each in pool.nodes}
        assert answers.longest_dispute(found) < AGREEMENT, told(answers.since(found))
    installed.opened(pool.client, address)
    print(f"{node}: answered elsewhere after {silence:.2f} s, page after {gap:.2f} s")


def test_a_killed_speaker_is_back_in_time_and_nothing_moves(pool: Cluster) -> None:
    address = serve_from(pool, "n1")
    with questions(pool, address) as answers, page_views(pool.client, address) as pages:
        answers.settled()
        killed = time.monotonic()
        faults.kill(pool, "speaker", "n1")
        until(lambda: back(pool, "n1", answers, killed), what="the speaker's return", timeout=30)
        assert answers.everybody() == {"n1"}, told(answers.asked)
        assert answers.longest_silence(killed) < TTL_SECONDS
        assert pages.longest_gap() < HICCUP, pages.told()  # the node forwards whether its speaker is there or not


def test_a_speaker_that_stands_still_for_a_moment_changes_nothing(pool: Cluster) -> None:
    address = serve_from(pool, "n2")
    with questions(pool, address) as answers:
        answers.settled()
        faults.pause(pool, "speaker", "n2")
        stand_still(0.2)
        faults.resume(pool, "speaker", "n2")
        assert answers.settled() == "n2"
        stand_still(TTL_SECONDS)
        assert answers.everybody() == {"n2"}, told(answers.asked)


def pause_speaker(cluster: Cluster, node: str) -> None:
    faults.pause(cluster, "speaker", node)


def resume_speaker(cluster: Cluster, node: str) -> None:
    faults.resume(cluster, "speaker", node)


@pytest.mark.parametrize(
    ("stop", "go_on"),
    [
        pytest.param(pause_speaker, resume_speaker, id="its speaker"),
        pytest.param(faults.freeze, faults.thaw, id="all that runs on it"),
    ],
)
def test_a_node_that_stood_still_for_long_has_lost_its_addresses_and_one_node_answers_afterwards(
    stop: Verb, go_on: Verb, pool: Cluster
) -> None:
    address = serve_from(pool, "n2")
    with questions(pool, address) as answers, page_views(pool.client, address) as pages:
        answers.settled()
        stopped = time.monotonic()
        stop(pool, "n2")
        assert answers.answered_without("n2", stopped) < PROMISED, told(answers.since(stopped))
        stand_still(10.0 - (time.monotonic() - stopped))
        went_on = time.monotonic()
        go_on(pool, "n2")
        heir = answers.settled(timeout=2 * AGREEMENT)
        stand_still(AGREEMENT)
        assert answers.settled(timeout=2 * AGREEMENT) == heir, "what moved stays where it is"
        assert answers.longest_dispute(went_on) < 1.0, told(answers.since(went_on))
        assert answers.longest_silence(went_on) < 1.0, told(answers.since(went_on))
        assert pages.longest_gap() < HICCUP, pages.told()  # its kernel forwards all the time


def test_in_a_rolling_restart_one_node_answers_at_a_time_and_the_page_keeps_coming(pool: Cluster) -> None:
    address = serve_from(pool, "n3")
    with questions(pool, address) as answers, page_views(pool.client, address) as pages:
        answers.settled()
        pool.kubectl("-n", OPENELB, "rollout", "restart", installed.SPEAKER)
        pool.rolled_out(installed.SPEAKER, namespace=OPENELB)
        assert answers.settled() == "n3"
        assert answers.longest_dispute() < AT_A_TIME, told(answers.asked)
        # Where a pod takes longer to start than a Lease lives, another node answers in between.
        assert answers.longest_silence() < TTL_SECONDS, told(answers.asked)
        assert pages.longest_gap() < HICCUP, pages.told()


@pytest.fixture
def chosen_nodes(pool: Cluster) -> Iterator[Cluster]:
    """Speakers run on the nodes with the label `announces`, which is all of them to begin with."""
    pool.kubectl("label", "nodes", "--all", "announces=yes")
    select(pool, '{"announces": "yes"}')
    yield pool
    select(pool, "null")
    pool.kubectl("label", "nodes", "--all", "announces-")


def test_a_speaker_that_leaves_for_good_hands_over_without_a_gap(chosen_nodes: Cluster) -> None:
    cluster = chosen_nodes
    address = serve_from(cluster, "n1")
    with questions(cluster, address) as answers, page_views(cluster.client, address, forgetful=True) as pages:
        answers.settled()
        left = time.monotonic()
        cluster.kubectl("label", "node", "n1", "announces-")
        answers.answered_without("n1", left)
        assert answers.settled() != "n1"
        assert answers.longest_silence(left) < 0.5, told(answers.since(left))
        assert pages.longest_gap() < HICCUP, pages.told()


def select(cluster: Cluster, selector: str) -> None:
    """Give the DaemonSet's pods another node selector and return when they run as it says."""
    patch = f'{{"spec": {{"template": {{"spec": {{"nodeSelector": {selector}}}}}}}}}'
    cluster.kubectl("-n", OPENELB, "patch", installed.SPEAKER, "--type=merge", "-p", patch)
    cluster.rolled_out(installed.SPEAKER, namespace=OPENELB)


def stand_still(seconds: float) -> None:
    """Let time pass: what is shown is that nothing happens in it, or what happens after just so long."""
    time.sleep(max(0.0, seconds))


def back(cluster: Cluster, node: str, answers: Answers, killed: float) -> None:
    """Look whether the kubelet has started the speaker again and it answers."""
    (status,) = (
        installed.of_speaker(pod)
        for pod in installed.pods(cluster, "component=speaker")
        if pod["spec"]["nodeName"] == node
    )
    require(status["restartCount"] and status["ready"], f"{status['restartCount']} restarts, ready: {status['ready']}")
    require(answers.asked[-1].by, f"not answering: {told(answers.since(killed))}")
