"""What is asked on a link before an address is first used, and what follows from what is heard, with the time as an argument."""

import math
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.announce.probing import AGAIN, BATCH, FRAMES_PER_SECOND, GOOD, TAKEN_AGAIN, Probes
from openelb.model.addresses import Address
from openelb.model.layer2 import Probing
from openelb.wire import arp, ndp

OURS, FRIEND, STRANGER = (bytes.fromhex(f"02005e00530{number}") for number in (1, 2, 9))
OWN = frozenset({OURS.hex(":"), FRIEND.hex(":")})
FOREIGN = STRANGER.hex(":")
NONCE, OTHER_NONCE = bytes.fromhex("a1b2c3d4e5f6"), bytes.fromhex("010203040506")
A, SIX = IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10")
BOTH = pytest.mark.parametrize("address", [A, SIX], ids=str)


def probes(*addresses: Address, how: Probing = Probing.FAST, draw: float = 0.0) -> Probes:
    made = Probes(OURS, NONCE, lambda: draw)
    made.ask(dict.fromkeys(addresses, how), OWN, now=0.0)
    return made


def sent(of: Probes, *, until: float, since: float = 0.0) -> list[tuple[float, bytes]]:
    found, now = [], since
    while (now := max(now, of.next_due())) <= until:
        found += [(now, frame) for frame in of.due(now=now)]
    return found


def probe(address: Address, *, mac: bytes = OURS, nonce: bytes = NONCE) -> bytes:
    if isinstance(address, IPv6Address):
        return ndp.probe(address, mac=mac, nonce=nonce)
    return arp.probe(address, mac=mac)


def claim(address: Address, *, mac: bytes = STRANGER) -> bytes:
    if isinstance(address, IPv6Address):
        return ndp.announcement(address, mac=mac, router=False)
    return arp.reply(arp.Request(OURS, IPv4Address(0), address), mac=mac)


@BOTH
def test_three_probes_in_six_hundred_milliseconds_find_an_address_free(address: Address) -> None:
    one = probes(address)
    assert sent(one, until=0.59) == [(pytest.approx(when), probe(address)) for when in (0.0, 0.2, 0.4)]
    assert one.free(now=0.59) == frozenset()
    sent(one, since=0.59, until=0.61)
    assert one.free(now=0.61) == {address}


@pytest.mark.parametrize(("draw", "times", "verdict"), [(0.0, [0, 1, 2], 4.0), (1.0, [1, 3, 5], 7.0)])
def test_the_standard_takes_four_to_seven_seconds(draw: float, times: list[float], verdict: float) -> None:
    one = probes(A, how=Probing.RFC5227, draw=draw)
    assert [when for when, _ in sent(one, until=verdict - 0.01)] == pytest.approx(times)
    assert one.free(now=verdict) == frozenset()
    sent(one, since=verdict - 0.01, until=verdict)
    assert one.free(now=verdict) == {A}


@BOTH
def test_who_answers_has_the_address(address: Address) -> None:
    one = probes(address)
    sent(one, until=0.1)
    one.receive(claim(address), now=0.1)
    assert sent(one, since=0.1, until=10.0) == []
    assert (one.free(now=10.0), one.taken()) == (frozenset(), {address: FOREIGN})


@BOTH
def test_who_probes_for_the_same_address_is_about_to_take_it(address: Address) -> None:
    one = probes(address)
    one.receive(probe(address, mac=STRANGER, nonce=OTHER_NONCE), now=0.1)
    assert one.taken() == {address: FOREIGN}


@BOTH
@pytest.mark.parametrize("mac", [OURS, FRIEND])
def test_our_own_nodes_and_what_comes_back_take_nothing(address: Address, mac: bytes) -> None:
    one = probes(address)
    for frame in (claim(address, mac=mac), probe(address, mac=mac, nonce=OTHER_NONCE)):
        one.receive(frame, now=0.1)
    sent(one, until=1.0)
    assert (one.free(now=1.0), one.taken()) == ({address}, {})


def test_an_own_probe_is_told_by_its_nonce_whatever_a_bond_makes_of_its_mac() -> None:
    one = probes(SIX)
    one.receive(probe(SIX, mac=STRANGER), now=0.1)
    assert one.taken() == {}


@BOTH
def test_an_address_that_is_left_is_found_free_a_minute_later(address: Address) -> None:
    one = probes(address)
    one.receive(claim(address), now=0.1)
    assert sent(one, since=0.1, until=0.1 + TAKEN_AGAIN - 0.01) == []
    sent(one, since=TAKEN_AGAIN, until=TAKEN_AGAIN + 1.0)
    assert (one.free(now=TAKEN_AGAIN + 1.0), one.taken()) == ({address}, {})


def test_an_answer_is_asked_for_again_before_it_counts_no_more() -> None:
    one = probes(A)
    times = [when for when, _ in sent(one, until=1000.0)]
    assert max(after - before for before, after in pairwise(times)) <= AGAIN + 1.0
    one = probes(A)
    sent(one, until=1.0)
    assert one.free(now=0.6 + GOOD - 0.1) == {A}
    assert one.free(now=0.6 + GOOD) == frozenset()


def test_a_thousand_addresses_are_found_free_within_five_seconds_at_a_bounded_pace() -> None:
    many = [IPv4Address("10.0.0.0") + number for number in range(1000)]
    one = probes(*many)
    times = [when for when, _ in sent(one, until=5.0)]
    assert one.free(now=5.0) == set(many)
    for at in range(len(times) - FRAMES_PER_SECOND - BATCH):
        assert times[at + FRAMES_PER_SECOND + BATCH] - times[at] >= 1.0


def test_what_is_not_asked_for_any_more_is_forgotten() -> None:
    one = probes(A, SIX)
    sent(one, until=1.0)
    one.ask({SIX: Probing.FAST}, OWN, now=1.0)
    assert one.free(now=1.0) == {SIX}
    assert {frame for _, frame in sent(one, since=1.0, until=900.0)} == {probe(SIX)}


def test_what_is_asked_for_again_and_again_keeps_its_answer() -> None:
    one = probes(A)
    sent(one, until=1.0)
    for tick in range(1000):
        one.ask({A: Probing.FAST}, OWN, now=1.0 + tick / 1000)
    assert one.free(now=2.0) == {A}
    assert sent(one, since=2.0, until=AGAIN) == []


@given(st.binary(max_size=90))
def test_no_octets_make_it_fail(octets: bytes) -> None:
    one = probes(A, SIX)
    for frame in (octets, claim(A)[:20] + octets, claim(SIX)[:54] + octets):
        one.receive(frame, now=0.1)


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.sampled_from([A, SIX]), st.sampled_from([OURS, FRIEND, STRANGER])), max_size=30
    )
)
def test_what_a_stranger_has_is_never_called_free(heard: list[tuple[float, Address, bytes]]) -> None:
    one, now, theirs = probes(A, SIX), 0.0, dict[Address, float]()
    for pause, address, mac in heard:
        sent(one, since=now, until=now + pause)
        now += pause
        one.receive(claim(address, mac=mac), now=now)
        if mac == STRANGER:
            theirs[address] = now
        for each, at in theirs.items():
            assert each not in one.free(now=now) or now >= at + TAKEN_AGAIN
            assert (each in one.taken()) or now >= at + TAKEN_AGAIN
    assert one.next_due() < math.inf
