"""The routers of the lab do what tests of BGP will ask of them, with gobgpd of its own for a speaker."""

import json
from collections.abc import Callable, Iterable
from time import time

import pytest

from lab.network import Host
from lab.peering import Bfd, Neighbour, Path, Software
from lab.routers import KINDS, Router
from lab.routes import next_hops, watching
from lab.site import LAN_IPV6
from lab.wait import require, until
from tests.lab.bgp.cluster import ROUTER, ROUTER_ASN, ROUTER_IPV6, address, address_ipv6
from tests.lab.bgp.conftest import Lan, asn

LAN_OF_IPV6 = f"{LAN_IPV6}:/64"
PREFIX, PREFIX_IPV6 = "10.99.0.1/32", "fd00:99::1/128"
NODES = (1, 2, 3)

of_every_kind = pytest.mark.parametrize("software", KINDS, ids=lambda kind: kind.name.replace(" ", ""))


def until_next_hops(router: Router, prefix: str, wanted: Iterable[str]) -> None:
    """Wait until the router's kernel sends packets for a prefix to exactly these."""
    until_equal(lambda: next_hops(router.host, prefix), frozenset(wanted), f"the next hops of {prefix}")


def until_equal(look: Callable[[], object], wanted: object, what: str) -> None:
    def equal() -> None:
        seen = look()
        require(seen == wanted, f"{seen}")

    until(equal, what=f"{what} to be {wanted}", timeout=60)


@of_every_kind
def test_packets_are_spread_over_all_who_announce_and_none_goes_to_one_that_was_killed(
    lan: Lan, software: Software
) -> None:
    router = lan.router(software, *(Neighbour(address(number), asn(number)) for number in NODES))
    speakers = [lan.speaker(number) for number in NODES]
    for number, speaker in zip(NODES, speakers, strict=True):
        speaker.announce(PREFIX, address(number))
        speaker.announce(PREFIX_IPV6, address_ipv6(number))
    until_next_hops(router, PREFIX, map(address, NODES))
    until_next_hops(router, PREFIX_IPV6, map(address_ipv6, NODES))
    assert router.established() == frozenset(map(address, NODES))

    with watching(router.host, lan.directory / "routes") as changes:
        killed = time()
        speakers[0].kill()
        until_next_hops(router, PREFIX, map(address, (2, 3)))
        until_next_hops(router, PREFIX_IPV6, map(address_ipv6, (2, 3)))
        last = until(lambda: changes.of(PREFIX)[-1], what="a change that was seen", timeout=10)
    assert last.next_hops == frozenset(map(address, (2, 3)))
    assert killed < last.at < time()

    speakers[1].withdraw(PREFIX)
    until_next_hops(router, PREFIX, [address(3)])
    speakers[2].stop()
    until_next_hops(router, PREFIX, [])
    until_next_hops(router, PREFIX_IPV6, [address_ipv6(2)])


@of_every_kind
def test_what_a_speaker_that_dials_says_of_a_path_is_known(lan: Lan, software: Software) -> None:
    """Over IPv6 also IPv4 has next hops of IPv6, and one speaker has several paths to one prefix."""
    router = lan.router(software, Neighbour(LAN_OF_IPV6, add_path=True))
    speaker = lan.speaker(1, Neighbour(ROUTER_IPV6, ROUTER_ASN, add_path=True))
    attributes = f"identifier 1 med 7 community {asn(1)}:7 large-community {asn(1)}:1:2"
    speaker.announce(PREFIX, address_ipv6(1), attributes)
    speaker.announce(PREFIX, address_ipv6(2), "identifier 2 med 7")
    communities = frozenset({f"{asn(1)}:7", f"{asn(1)}:1:2"})
    paths = frozenset({Path(address_ipv6(1), (asn(1),), communities, med=7), Path(address_ipv6(2), (asn(1),), med=7)})
    until_equal(lambda: router.paths(PREFIX), paths, "the paths")
    until_next_hops(router, PREFIX, [address_ipv6(1), address_ipv6(2)])


@of_every_kind
def test_who_does_not_know_the_password_has_no_session(lan: Lan, software: Software) -> None:
    router = lan.router(software, *(Neighbour(address(number), asn(number), password="right") for number in NODES))
    for number, password in zip(NODES, ("right", "wrong", ""), strict=True):
        lan.speaker(number, Neighbour(ROUTER, ROUTER_ASN, password=password))
    until_equal(router.established, frozenset({address(1)}), "those with a session")
    for number in (2, 3):
        until_refused(lan.node(number))
    assert router.established() == {address(1)}


@of_every_kind
def test_a_speaker_that_is_cut_off_is_noticed_by_bfd(lan: Lan, software: Software) -> None:
    """The bound is far below the hold time, and far above what BFD takes."""
    router = lan.router(software, Neighbour(address(1), asn(1), bfd=Bfd()), hold=180)
    lan.speaker(1, Neighbour(ROUTER, ROUTER_ASN, bfd=Bfd()), hold=180).announce(PREFIX, address(1))
    until_equal(router.bfd, {address(1): True}, "what BFD says")
    until_next_hops(router, PREFIX, [address(1)])
    lan.node(1).cut()
    until_next_hops(router, PREFIX, [])
    assert not router.bfd().get(address(1))


@of_every_kind
def test_routes_stay_while_a_speaker_restarts_gracefully(lan: Lan, software: Software) -> None:
    router = lan.router(software, Neighbour(address(1), asn(1)))
    first = lan.speaker(1, restart_time=120)
    first.announce(PREFIX, address(1))
    until_next_hops(router, PREFIX, [address(1)])
    with watching(router.host, lan.directory / "routes") as changes:
        first.kill()
        until_equal(router.established, frozenset(), "those with a session")
        assert next_hops(router.host, PREFIX) == {address(1)}
        lan.speaker(1, options=["-r"], restart_time=120).announce(PREFIX, address(1))
        until_equal(router.established, frozenset({address(1)}), "those with a session")
        assert next_hops(router.host, PREFIX) == {address(1)}
    assert changes.of(PREFIX) == []


def until_refused(host: Host) -> None:
    """Wait until segments with a wrong signature, or without any, have come to a host (RFC 2385, section 2)."""

    def refused() -> None:
        counted = json.loads(host.run(["nstat", "-asz", "--json", "TcpExtTCPMD5*"]))["kernel"]
        require(sum(counted.values()), "none was counted")

    until(refused, what=f"a refused segment on {host.name}", timeout=60)
