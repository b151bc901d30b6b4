"""A node is drained and undrained while clients ask, open pages and send: they lose nothing."""

import os
import sys
import time
from collections.abc import Iterator

import pytest

from lab.asking import told
from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.wait import require, until
from openelb.model import names
from tests.lab import installed
from tests.lab.flows import flow, serve_echo
from tests.lab.test_failover import AT_A_TIME, address_of_node
from tests.lab.watching import HICCUP, page_views, questions

HANDED_OVER = 3.0
"""Seconds in which both may answer, one of which the node that leaves goes on for: three times as much."""


@pytest.fixture
def nodes(pool: Cluster) -> Iterator[Cluster]:
    """A cluster with a pool, and afterwards no node that is drained, cordoned or labelled."""
    yield pool
    for node in pool.nodes:
        pool.kubectl("annotate", "node", node.name, f"{names.DRAINED}-")
        pool.kubectl("uncordon", node.name)


def command(cluster: Cluster, *arguments: str) -> str:
    """What `openelb ARGUMENTS` prints, as the administrator types it on the control plane's host."""
    words = [sys.executable, "-m", "openelb", *arguments, "--kubeconfig", str(cluster.kubeconfig)]
    environment = {**os.environ, "PYTHONPATH": str(installed.REPOSITORY / "src")}
    with open(cluster.directory / "openelb-drain.log", "w+b") as log:
        ended = cluster.site.control_plane.popen(words, log=log, env=environment).wait(timeout=90)
        log.seek(0)
        said = log.read().decode()
    assert ended == 0, said
    return said


def test_clients_lose_nothing_while_a_node_is_drained_and_undrained(nodes: Cluster) -> None:
    address = address_of_node(nodes, "n1")
    echo = address_of_node(nodes, "n1", but=frozenset({address}))
    installed.serve(nodes, "web", address=address)
    serve_echo(nodes, "echo", echo)
    with (
        questions(nodes, address) as answers,
        page_views(nodes.client, address, forgetful=True) as pages,
        flow(nodes.client, echo) as sent,
    ):
        assert answers.settled() == "n1"
        dry = command(nodes, "drain", "n1", "--dry-run")
        assert address in dry
        assert answers.settled() == "n1"
        said = command(nodes, "drain", "n1")
        assert "node n1 is drained and answers for nothing" in said
        heir = answers.settled()
        assert f"n1    {heir}" in said
        assert installed.owners(nodes, echo) != {"n1"}
        command(nodes, "undrain", "n1")
        assert answers.settled() in {"n1", heir}
    print(
        f"{len(sent.sent)} datagrams, {len(sent.lost())} lost, slowest {sent.slowest():.3f} s; "
        f"{answers.longest_silence():.2f} s without an answer, {answers.longest_dispute():.2f} s with two"
    )
    assert sent.lost() == []
    assert answers.longest_silence() < AT_A_TIME, told(answers.asked)
    assert answers.longest_dispute() < HANDED_OVER, told(answers.asked)
    assert pages.longest_gap() < HICCUP, pages.told()


def test_a_cordoned_node_goes_on(nodes: Cluster) -> None:
    address = address_of_node(nodes, "n2")
    installed.serve(nodes, "web", address=address)
    with questions(nodes, address) as answers:
        assert answers.settled() == "n2"
        nodes.kubectl("cordon", "n2")
        assert answers.settled() == "n2"
    assert answers.everybody() == {"n2"}
    assert "n2 answers" in installed.explain(nodes, "web")


def test_a_pool_with_a_node_selector_is_announced_there_alone(nodes: Cluster) -> None:
    nodes.kubectl("label", "node", "n3", "edge=yes")
    try:
        address = address_of_node(nodes, "n1")
        installed.serve(nodes, "web", address=address)
        with questions(nodes, address) as answers:
            assert answers.settled() == "n1"
            patch = '{"spec": {"nodeSelector": {"matchLabels": {"edge": "yes"}}}}'
            nodes.kubectl("patch", "eip", installed.POOL, "--type=merge", "-p", patch)
            until(lambda: require(answers.settled() == "n3", "another node"), what="n3 to answer")
            assert answers.longest_silence() < AT_A_TIME, told(answers.asked)
        said = installed.explain(nodes, "web")
        assert f"n1 is not one of the nodes that spec.nodeSelector of Eip {installed.POOL} selects" in said
    finally:
        nodes.kubectl("label", "node", "n3", "edge-")


def test_a_node_that_is_no_longer_excluded_takes_nothing_from_the_one_that_stood_in(nodes: Cluster) -> None:
    address = address_of_node(nodes, "n1")
    installed.serve(nodes, "web", address=address)
    with questions(nodes, address) as answers:
        assert answers.settled() == "n1"
        nodes.kubectl("label", "node", "n1", f"{names.EXCLUDED}=")
        try:
            heir = until(lambda: another(answers.settled(), "n1"), what="another node to answer")
        finally:
            nodes.kubectl("label", "node", "n1", f"{names.EXCLUDED}-")
        back = time.monotonic()
        time.sleep(3)
        assert answers.settled() == heir
    assert answers.longest_dispute(back) < AT_A_TIME, told(answers.since(back))


TAINT = "example.com/maintenance"


@pytest.fixture
def obedient(nodes: Cluster) -> Iterator[Cluster]:
    """The same, with speakers that leave a node that is cordoned, or has one taint."""
    cordoned, tainted = "OPENELB_LEAVE_CORDONED_NODES", "OPENELB_LEAVE_TAINTED_NODES"
    nodes.kubectl("-n", OPENELB, "set", "env", installed.SPEAKER, f"{cordoned}=true", f"{tainted}=other,{TAINT}")
    nodes.rolled_out(installed.SPEAKER, namespace=OPENELB)
    yield nodes
    for node in nodes.nodes:
        nodes.kubectl("uncordon", node.name)
    nodes.kubectl("-n", OPENELB, "set", "env", installed.SPEAKER, f"{cordoned}=false", f"{tainted}=")
    nodes.rolled_out(installed.SPEAKER, namespace=OPENELB)


def test_a_cordoned_and_a_tainted_node_are_left_where_speakers_were_told_to(obedient: Cluster) -> None:
    address = address_of_node(obedient, "n2")
    installed.serve(obedient, "web", address=address)
    with questions(obedient, address) as answers:
        owner = answers.settled()
        obedient.kubectl("cordon", owner)
        heir = until(lambda: another(answers.settled(), owner), what="another node to answer")
        obedient.kubectl("taint", "node", heir, f"{TAINT}=yes:PreferNoSchedule")
        try:
            until(lambda: another(answers.settled(), heir), what="a third node to answer")
            said = installed.explain(obedient, "web")
        finally:
            obedient.kubectl("taint", "node", heir, f"{TAINT}-")
    assert answers.longest_silence() < AT_A_TIME, told(answers.asked)
    assert f"{owner} is cordoned: would answer if no other node could" in said
    assert f"{heir} is tainted with {TAINT}: would answer if no other node could" in said


def another(node: str, former: str) -> str:
    """The node, if it is another one."""
    require(node != former, f"it is {node} still")
    return node
