"""What a BgpPeer's author is told of its sessions."""

from dataclasses import replace

import pytest

from openelb.model.findings import Finding, Reason
from openelb.model.selectors import Selector
from openelb.plan.peers import Told, Word, established, meant, ready, stale
from tests.unit.builders import node, router, speaker

UP, DOWN = Word("ESTABLISHED"), Word("ACTIVE", "connection refused")
SPEAKERS = {name: speaker(name) for name in "abc"}
NODES = {name: node(name) for name in "abc"}
LEAF = router()


def said(**sessions):
    return Told(sessions)


def sentence(told, among="abc", peer=LEAF):
    found = established(peer, told, frozenset(among))
    return found.status, found.message


def test_with_all_nodes():
    assert sentence(said(a=UP, b=UP, c=UP)) == (True, "Established with 3 of 3 nodes")


def test_a_node_without_a_session_is_named_with_its_reason():
    assert sentence(said(a=UP, b=DOWN, c=UP)) == (False, "Established with 2 of 3 nodes; b: connection refused")


def test_a_session_with_something_wrong_is_named_though_it_is_there():
    told = said(a=UP, b=replace(UP, problem="the session comes and goes"))
    assert sentence(told, "ab") == (True, "Established with 2 of 2 nodes; b: the session comes and goes")


def test_a_node_that_has_said_nothing_is_named_too():
    assert sentence(said(a=UP), "ab") == (
        False,
        "Established with 1 of 2 nodes; b: its speaker has said nothing of it yet",
    )


def test_a_session_that_is_not_as_it_was_asked_for_is_told_with_its_node():
    assert sentence(said(a=UP, b=replace(UP, problem="BFD goes on as it was")), "ab") == (
        True,
        "Established with 2 of 2 nodes; b: BFD goes on as it was",
    )


def test_of_many_nodes_some_are_named():
    told = sentence(said(), "abcdefg")[1]
    assert told == "Established with 0 of 7 nodes; a, b, c, d, e: its speaker has said nothing of it yet; and 2 more"


@pytest.mark.parametrize(
    ("peer", "told"),
    [
        (LEAF, "no speaker runs, so nobody has a session with it"),
        (
            router(node_selector=Selector((("a", "b"),))),
            "spec.nodeSelector matches no node with a speaker, so nobody has a session with it",
        ),
    ],
)
def test_where_no_node_is_meant_the_author_is_told_why(peer, told):
    assert sentence(said(), "", peer) == (False, told)


def test_a_peer_that_cannot_be_used_says_so_first():
    assert (
        sentence(said(a=UP), "a", replace(LEAF, problem="spec.conf is missing"))[1]
        == "it cannot be used: spec.conf is missing"
    )


def test_the_nodes_that_are_meant_have_a_speaker_and_the_labels():
    labelled = {**NODES, "b": replace(node("b"), labels={"leaf": "one"})}
    chosen = router(node_selector=Selector((("leaf", "one"),)))
    assert meant(LEAF, SPEAKERS, NODES) == set("abc")
    assert meant(chosen, SPEAKERS, labelled) == {"b"}
    assert meant(chosen, {"a": SPEAKERS["a"]}, labelled) == set()


def test_the_words_of_a_node_without_a_speaker_are_struck_out():
    assert stale(said(a=UP, gone=UP), frozenset("ab")) == {"gone"}


def test_of_a_bgp_conf_it_is_told_on_how_many_nodes_bgp_runs():
    runs = Word(runs=True)
    assert ready(said(a=runs, b=runs), frozenset("ab")).message == "BGP runs on 2 of 2 nodes"
    spoilt = ready(said(a=runs, b=replace(runs, problem="it waits")), frozenset("ab"))
    assert (spoilt.status, spoilt.reason, spoilt.message) == (
        False,
        "NotRunning",
        "BGP runs on 2 of 2 nodes; b: it waits",
    )
    lacking = ready(said(a=runs, b=Word("", "gobgpd is away")), frozenset("abc"))
    assert (lacking.status, lacking.reason) == (False, "NotRunning")
    assert lacking.message == ("BGP runs on 1 of 3 nodes; b: gobgpd is away; c: its speaker has said nothing of it yet")
    assert ready(said(), frozenset()).message == "no speaker runs, so nobody speaks BGP"


def test_why_nobody_speaks_bgp_comes_before_all_that_nodes_say():
    why = Finding(Reason.NO_BGP_CONF, "there is none")
    assert ready(said(a=Word(runs=True)), frozenset("a"), why).message == "there is none"
    assert established(LEAF, said(a=UP), frozenset("a"), why).message == "there is none"
