"""What a link answers and announces for IPv6 addresses, alone and beside IPv4, with the time as an argument."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import ndp as asker
from openelb.announce.responder import BATCH, FRAMES_PER_SECOND, Responder
from openelb.model.addresses import Address
from openelb.wire import ndp
from openelb.wire.ndp import Silence
from tests.fakes.ports import ASKER, OURS, advertisement, answer, question, solicitation

FOUR = IPv4Address("192.0.2.10")
SIX, OTHER = IPv6Address("2001:db8::10"), IPv6Address("2001:db8::11")
LONG = 10_000.0


def responder(*addresses: Address, valid_until: float = LONG) -> Responder:
    made = Responder(OURS)
    made.claim(frozenset(addresses), valid_until=valid_until, now=0.0)
    return made


def many(count: int) -> list[IPv6Address]:
    return [IPv6Address("2001:db8:1::") + number for number in range(count)]


def said(frame: bytes) -> Address:
    """The address that an announcement is for, checked to be one octet for octet."""
    if not ndp.is_ipv6(frame):
        return IPv4Address(frame[28:32])
    address = IPv6Address(frame[62:78])
    assert frame == ndp.announcement(address, mac=OURS, router=True)
    return address


def announcements(of: Responder, *, until: float) -> Iterator[tuple[float, Address]]:
    """Everything it announces before that time, when it is called exactly when it asks for it."""
    now = 0.0
    while (now := max(now, of.next_due())) < until:
        yield from ((now, said(frame)) for frame in of.due(now=now))


# Answers.


def test_a_question_for_a_claimed_address_is_answered() -> None:
    assert responder(SIX).receive(solicitation(SIX), now=1.0) == advertisement(SIX)


def test_a_probe_for_a_claimed_address_is_answered_to_all() -> None:
    probe = asker.question(str(SIX), sender_mac=ASKER)
    assert responder(SIX).receive(probe, now=1.0) == ndp.announcement(SIX, mac=OURS, router=True)


def test_a_host_that_does_not_forward_says_so() -> None:
    plain = responder(SIX)
    plain.router = False
    assert plain.receive(solicitation(SIX), now=1.0) == advertisement(SIX, router=False)
    assert plain.due(now=1.0) == [ndp.announcement(SIX, mac=OURS, router=False)]


@pytest.mark.parametrize(
    ("asked", "now", "why"),
    [
        (solicitation(OTHER), 1.0, Silence.NOT_CLAIMED),
        (solicitation(SIX), 4.0, Silence.LAPSED),
        (solicitation(SIX)[:-1], 1.0, Silence.SHORT),
    ],
    ids=["another address", "no longer valid", "no question"],
)
def test_what_is_not_answered_says_why(asked: bytes, now: float, why: Silence) -> None:
    assert responder(SIX, valid_until=4.0).receive(asked, now=now) is why


def test_both_families_are_answered_on_one_link() -> None:
    both = responder(FOUR, SIX)
    assert both.receive(question(FOUR), now=1.0) == answer(FOUR)
    assert both.receive(solicitation(SIX), now=1.0) == advertisement(SIX)


def test_the_same_number_in_the_other_family_is_another_address() -> None:
    same = IPv6Address(int(FOUR))
    assert responder(FOUR).receive(solicitation(same), now=1.0) is Silence.NOT_CLAIMED
    assert {address for _, address in announcements(responder(FOUR, same), until=9)} == {FOUR, same}


# Announcements.


def test_a_claim_is_said_three_times_a_second_apart_and_refreshed_every_minute() -> None:
    times = [when for when, _ in announcements(responder(SIX), until=140)]
    assert times == pytest.approx([0, 1, 2, 62, 122], abs=0.1)


def test_announcements_end_with_the_validity() -> None:
    assert [when for when, _ in announcements(responder(SIX, valid_until=1.5), until=100)] == pytest.approx(
        [0, 1], abs=0.1
    )


def test_both_families_share_one_pace() -> None:
    fours = [IPv4Address("198.18.0.0") + number for number in range(500)]
    first = [address for _, address in announcements(responder(*fours, *many(500)), until=0.999)]
    assert len(first) <= FRAMES_PER_SECOND + BATCH
    assert set(first) == {*fours, *many(500)}, "each is said once before any is repeated"


ADDRESSES = (FOUR, IPv4Address("192.0.2.11"), SIX, OTHER)
CLAIMS = st.lists(
    st.tuples(
        st.frozensets(st.sampled_from(ADDRESSES)),
        st.floats(0, 70),  # until the next claim
        st.floats(-1, 80),  # how long it is valid
    ),
    min_size=1,
    max_size=8,
)


@given(CLAIMS)
def test_only_what_is_claimed_and_valid_is_ever_said(claims: list[tuple[frozenset[Address], float, float]]) -> None:
    speaking, now = Responder(OURS), 0.0
    for addresses, following, validity in claims:
        end, valid_until = now + following, now + validity
        speaking.claim(addresses, valid_until=valid_until, now=now)
        while (now := max(now, speaking.next_due())) < end:
            words = [said(frame) for frame in speaking.due(now=now)]
            answered = {asked for asked in ADDRESSES if isinstance(speaking.receive(asking(asked), now=now), bytes)}
            assert not words or now < valid_until
            assert addresses.issuperset(words)
            assert answered == (addresses if now < valid_until else set())
            assert speaking.next_due() > now, "it never asks to be called again at once"
        now = end


def asking(address: Address) -> bytes:
    return solicitation(address) if isinstance(address, IPv6Address) else question(address)
