"""Whether a change of a BgpConf or a BgpPeer is accepted."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import yaml

from openelb.kube import decode_bgp
from openelb.kube.bgp_shapes import BgpConfShape, BgpPeerShape
from openelb.model.selectors import Selector
from openelb.plan.admission import Facts, Verdict
from openelb.plan.bgp_admission import conf_written, peer_written
from openelb.plan.books import Books
from openelb.plan.terms import terms
from tests.unit.builders import conf, node, router, snapshot

UPSTREAM = Path(__file__).parents[2] / "fixtures" / "upstream"
LEAF, SPINE = Selector((("role", "leaf"),)), Selector((("role", "spine"),))


def facts(*what):
    seen = snapshot(*what)
    return Facts(terms(seen, 0.0), Books(), peers=seen.peers, nodes=seen.nodes)


NOBODY = facts()


def spoilt(value):
    return replace(value, problem="spec.x is y: write z")


def test_what_cannot_be_used_is_refused_with_what_to_do():
    assert conf_written(spoilt(conf()), None, NOBODY).refusal == "it cannot be used: spec.x is y: write z"
    assert peer_written(spoilt(router()), router(), NOBODY).refusal == "it cannot be used: spec.x is y: write z"


def test_what_could_not_be_used_before_may_be_changed_elsewhere_and_may_go():
    assert not conf_written(spoilt(conf()), spoilt(conf()), NOBODY).refusal
    assert peer_written(spoilt(router()), spoilt(router()), NOBODY) == Verdict(
        warnings=("it cannot be used: spec.x is y: write z",)
    )
    assert peer_written(replace(spoilt(router()), deleting=True), router(), NOBODY) == Verdict()
    assert conf_written(replace(spoilt(conf()), deleting=True), conf(), NOBODY) == Verdict()


@pytest.mark.parametrize(
    ("ours", "theirs", "refused"),
    [
        (None, None, True),
        (LEAF, None, True),
        (LEAF, LEAF, True),
        (LEAF, Selector((("zone", "a"),)), True),
        (LEAF, SPINE, False),
    ],
)
def test_two_for_one_router_are_refused_where_a_node_would_have_both(ours, theirs, refused):
    there = facts(router("other", node_selector=theirs), replace(node("n1"), labels={"role": "leaf", "zone": "a"}))
    new = router("new", node_selector=ours)
    assert bool(peer_written(new, None, there).refusal) is refused
    assert ("BgpPeer other is for 192.0.2.1 too" in peer_written(new, None, there).refusal) is refused


def test_one_of_two_may_be_changed_in_all_else():
    there = facts(router("other"))
    new = router("new")
    assert not peer_written(replace(new, prepend=1), new, there).refusal
    assert peer_written(new, router("new", "192.0.2.2"), there).refusal
    assert not peer_written(router("new", "192.0.2.2"), new, there).refusal


def test_what_is_accepted_and_maybe_not_meant_is_told():
    assert "only the BgpConf named default counts" in conf_written(replace(conf(), name="x"), None, NOBODY).warnings[0]
    assert conf_written(conf(0), None, NOBODY).warnings == (
        "spec.as is missing: give the autonomous system of the cluster",
    )
    assert "BGP begins anew" in conf_written(conf(65002), conf(), NOBODY).warnings[0]
    assert conf_written(conf(policy="x"), conf(), NOBODY) == Verdict()


@pytest.mark.parametrize("path", sorted(UPSTREAM.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_all_that_older_releases_left_is_accepted(path):
    items = yaml.load(path.read_text(), yaml.CSafeLoader)["items"]
    for each in items:
        if each["kind"] == "BgpConf":
            assert not conf_written(decode_bgp.bgp_conf(msgspec.convert(each, BgpConfShape)), None, NOBODY).refusal
        elif each["kind"] == "BgpPeer":
            assert not peer_written(decode_bgp.bgp_peer(msgspec.convert(each, BgpPeerShape)), None, NOBODY).refusal
