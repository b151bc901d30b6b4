"""What is wrong with a session, as its author is told."""

from dataclasses import replace

import pytest

from openelb.model.bgp import Family, Messages, Peer, Reach, Session, SessionState
from openelb.plan.sessions import problem

PEER = Peer(address="192.0.2.1", peer_asn=65000)
DOWN = Session("192.0.2.1", local_asn=65001)
UP = replace(DOWN, state=SessionState.ESTABLISHED)


def test_nothing_is_wrong_with_one_that_is_established() -> None:
    assert problem(PEER, UP, Reach.REFUSED) == ""


@pytest.mark.parametrize(
    ("session", "told"),
    [
        (DOWN, "there is no session yet"),
        (replace(DOWN, reason="we said: bad peer AS"), "there is no session: we said: bad peer AS"),
        (replace(DOWN, received=Messages(notification=2)), "refuses this node's OPEN: have it know this node"),
        (replace(DOWN, admin_down=True), "adminDown"),
        (replace(UP, over_limit=True), "spec.maxPrefixes"),
        (replace(UP, unshared=(Family.IPV4, Family.IPV6)), "speaks no ipv4-unicast and ipv6-unicast here"),
        (replace(UP, flaps=True), "comes and goes"),
        (replace(DOWN, flaps=True, reason="it said: cease"), "comes and goes"),
    ],
)
def test_what_gobgpd_knows_is_told(session: Session, told: str) -> None:
    assert told in problem(PEER, session)


@pytest.mark.parametrize(
    ("peer", "reach", "told"),
    [
        (PEER, Reach.REFUSED, "connection refused: nothing listens at 192.0.2.1 port 179"),
        (replace(PEER, remote_port=1790), Reach.REFUSED, "port 1790"),
        (PEER, Reach.UNANSWERED, "a firewall is between, or the router wants a password"),
        (replace(PEER, password="x"), Reach.UNANSWERED, "or the password is another one there"),
        (PEER, Reach.NO_WAY, "spec.ebgpMultihop"),
        (replace(PEER, multihop_ttl=3), Reach.NO_WAY, "on no network of this node"),
        (PEER, Reach.CLOSED, "have the router know this node as a neighbour"),
        (PEER, Reach.OPEN, "there is no session yet"),
    ],
)
def test_what_became_of_a_connection_is_told(peer: Peer, reach: Reach, told: str) -> None:
    assert told in problem(peer, DOWN, reach)


def test_who_is_inside_our_own_system_needs_no_hops() -> None:
    assert "ebgpMultihop" not in problem(replace(PEER, peer_asn=65001), DOWN, Reach.NO_WAY)


def test_nobody_who_is_to_come_from_a_range_has_come() -> None:
    assert problem(Peer(prefix="192.0.2.0/24"), None) == "no router has connected from 192.0.2.0/24 yet"
