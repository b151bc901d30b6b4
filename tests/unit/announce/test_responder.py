"""What a link answers and announces, with the time as an argument."""

import math
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.announce.responder import BATCH, FRAMES_PER_SECOND, Responder
from openelb.wire import arp
from openelb.wire.arp import Operation, Request, Silence

OURS = bytes.fromhex("02005e005301")
ASKER = bytes.fromhex("02005e005302")
A, B = IPv4Address("192.0.2.10"), IPv4Address("192.0.2.11")
LONG = 10_000.0


def responder(*addresses: IPv4Address, valid_until: float = LONG, now: float = 0.0) -> Responder:
    made = Responder(OURS)
    made.claim(frozenset(addresses), valid_until=valid_until, now=now)
    return made


def many(count: int, *, start: str = "198.18.0.0") -> list[IPv4Address]:
    return [IPv4Address(start) + number for number in range(count)]


def question(target: IPv4Address) -> bytes:
    asked = bytearray(arp.announcement(target, Operation.REQUEST, mac=ASKER))
    asked[28:32] = IPv4Address("192.0.2.1").packed
    return bytes(asked)


def said(frame: bytes) -> tuple[IPv4Address, Operation]:
    """What an announcement says, checked to be one octet for octet."""
    address, form = IPv4Address(frame[28:32]), Operation(frame[21])
    assert frame == arp.announcement(address, form, mac=OURS)
    return address, form


def announcements(of: Responder, *, until: float, since: float = 0.0) -> Iterator[tuple[float, IPv4Address, Operation]]:
    """Everything it announces before that time, when it is called exactly when it asks for it."""
    now = since
    while (now := max(now, of.next_due())) < until:
        yield from ((now, *said(frame)) for frame in of.due(now=now))


# Answers.


def test_a_question_for_a_claimed_address_is_answered() -> None:
    answer = responder(A).receive(question(A), now=1.0)
    assert answer == arp.reply(Request(ASKER, IPv4Address("192.0.2.1"), A), mac=OURS)


def test_a_question_for_another_address_is_not() -> None:
    assert responder(A).receive(question(B), now=1.0) is Silence.NOT_CLAIMED


def test_before_the_first_claim_there_is_silence() -> None:
    assert Responder(OURS).receive(question(A), now=1.0) is Silence.NOT_CLAIMED


def test_a_dropped_claim_is_silent_at_once() -> None:
    dropped = responder(A, B)
    dropped.claim(frozenset({B}), valid_until=LONG, now=1.0)
    assert dropped.receive(question(A), now=1.0) is Silence.NOT_CLAIMED
    assert {address for _, address, _ in announcements(dropped, until=200)} == {B}


@pytest.mark.parametrize(("now", "answered"), [(3.999, True), (4.0, False), (5.0, False)])
def test_answers_end_with_the_validity(now: float, answered: bool) -> None:
    answer = responder(A, valid_until=4.0).receive(question(A), now=now)
    assert isinstance(answer, bytes) if answered else answer is Silence.LAPSED


def test_a_renewal_lets_answers_go_on() -> None:
    renewed = responder(A, valid_until=4.0)
    renewed.claim(frozenset({A}), valid_until=5.0, now=1.0)
    assert isinstance(renewed.receive(question(A), now=4.5), bytes)


def test_a_frame_that_asks_nothing_says_why() -> None:
    assert responder(A).receive(b"", now=1.0) is Silence.SHORT


# Announcements.


def test_a_new_claim_is_announced_at_once_in_both_forms() -> None:
    first = [(address, form) for when, address, form in announcements(responder(A), until=0.1)]
    assert first == [(A, Operation.REQUEST), (A, Operation.REPLY)]


@pytest.mark.parametrize(
    ("form", "expected"),
    [(Operation.REQUEST, [0, 0.2, 1, 3, 65, 125]), (Operation.REPLY, [0, 0.5, 2, 5, 65, 125])],
)
def test_a_claim_is_repeated_for_five_seconds_then_refreshed(form: Operation, expected: list[float]) -> None:
    times = [when for when, _, which in announcements(responder(A), until=140) if which is form]
    assert times == pytest.approx(expected, abs=0.1)


def test_a_renewal_announces_nothing_again() -> None:
    renewed = responder(A)
    before = list(announcements(renewed, until=10))
    renewed.claim(frozenset({A}), valid_until=LONG + 1, now=10)
    assert before
    assert renewed.next_due() == pytest.approx(65, abs=0.1)


def test_a_claim_that_was_withdrawn_and_came_back_is_announced_again() -> None:
    back = responder(A)
    list(announcements(back, until=10))
    back.claim(frozenset(), valid_until=LONG, now=10)
    assert back.next_due() == math.inf
    back.claim(frozenset({A}), valid_until=LONG, now=11)
    assert [said(frame) for frame in back.due(now=11)] == [(A, Operation.REQUEST)]


def test_only_what_is_new_is_announced_at_once() -> None:
    grown = responder(A)
    list(announcements(grown, until=10))
    grown.claim(frozenset({A, B}), valid_until=LONG, now=10)
    assert [said(frame) for frame in grown.due(now=10)] == [(B, Operation.REQUEST)]


def test_announcements_end_with_the_validity() -> None:
    lapsed = responder(A, valid_until=0.3)
    assert [when for when, _, _ in announcements(lapsed, until=100)] == pytest.approx([0, 0, 0.2], abs=0.03)
    assert lapsed.next_due() == math.inf


def test_a_claim_that_was_never_valid_is_not_announced() -> None:
    assert list(announcements(responder(A, valid_until=0.0), until=100)) == []


def test_a_claim_renewed_too_late_is_announced_again() -> None:
    late = responder(A, valid_until=4.0)
    list(announcements(late, until=100))
    late.claim(frozenset({A}), valid_until=20.0, now=9.0)
    assert [said(frame) for frame in late.due(now=9.0)] == [(A, Operation.REQUEST)]


def test_what_is_dropped_changes_nothing_for_the_others() -> None:
    crowd, changing = many(30), Responder(OURS)
    for number in range(30):
        changing.claim(frozenset(crowd[: number + 1]), valid_until=LONG, now=number * 0.37)
        list(announcements(changing, since=number * 0.37, until=number * 0.37 + 0.37))
    changing.claim(frozenset(crowd[::2]), valid_until=LONG, now=11.1)
    heard = [(when, address) for when, address, form in announcements(changing, since=11.1, until=80)]
    for number in range(0, 30, 2):
        expected = [at for at in (number * 0.37 + offset for offset in (0.2, 0.5, 1, 2, 3, 5, 65)) if at > 11.1]
        times = [when for when, address in heard if address == crowd[number]]
        assert sorted(set(times))[: len(expected)] == pytest.approx(expected, abs=0.3)


# Pace.


def test_many_claims_are_announced_at_a_bounded_rate() -> None:
    times = [when for when, _, _ in announcements(responder(*many(1000)), until=3.0)]
    assert len(times) <= 3 * FRAMES_PER_SECOND + BATCH
    assert len(times) >= 3 * FRAMES_PER_SECOND - BATCH, "the rate is used"


@pytest.mark.parametrize("pace", [1, 7, 100, 5000])
def test_the_rate_is_the_one_that_was_asked_for(pace: int) -> None:
    paced = Responder(OURS, pace=pace)
    paced.claim(frozenset(many(10 * pace)), valid_until=LONG, now=0.0)
    times = [when for when, _, _ in announcements(paced, until=3.0)]
    assert 3 * pace - BATCH <= len(times) <= 3 * pace + BATCH


def test_a_slow_pace_has_no_bursts() -> None:
    slow = Responder(OURS, pace=100)
    slow.claim(frozenset(many(500)), valid_until=LONG, now=0.0)
    assert len(slow.due(now=0.0)) == 2


def test_every_address_is_said_once_before_any_is_repeated() -> None:
    first = [address for _, address, _ in announcements(responder(*many(300)), until=0.299)]
    assert sorted(first) == many(300)


def test_first_words_of_a_new_claim_come_before_repetitions() -> None:
    busy = responder(*many(2000))
    list(announcements(busy, until=4.0))
    busy.claim(frozenset({*many(2000), A}), valid_until=LONG, now=4.1)
    assert said(busy.due(now=4.1)[0]) == (A, Operation.REQUEST)


def test_a_batch_is_short() -> None:
    assert len(responder(*many(500)).due(now=0.0)) == BATCH


def test_who_comes_late_says_each_thing_once() -> None:
    late = responder(A)
    assert [said(frame) for frame in late.due(now=30.0)] == [(A, Operation.REQUEST)]
    assert [said(frame) for frame in late.due(now=31.0)] == [(A, Operation.REPLY)]
    assert late.next_due() == pytest.approx(31.2)


def test_nothing_is_due_twice_at_one_time() -> None:
    twice = responder(A)
    assert twice.due(now=0.0)
    assert twice.due(now=0.0) == []


# Whatever happens.

CLAIMS = st.lists(
    st.tuples(
        st.frozensets(st.sampled_from(many(4))),
        st.floats(0, 70),  # until the next claim
        st.floats(-1, 80),  # how long it is valid
    ),
    min_size=1,
    max_size=8,
)


@given(CLAIMS)
def test_only_what_is_claimed_and_valid_is_ever_said(claims: list[tuple[frozenset[IPv4Address], float, float]]) -> None:
    speaking, now = Responder(OURS), 0.0
    for addresses, following, validity in claims:
        end, valid_until = now + following, now + validity
        speaking.claim(addresses, valid_until=valid_until, now=now)
        while (now := max(now, speaking.next_due())) < end:
            words = [said(frame)[0] for frame in speaking.due(now=now)]
            answered = {
                asked for asked in many(4) if not isinstance(speaking.receive(question(asked), now=now), Silence)
            }
            assert not words or now < valid_until
            assert addresses.issuperset(words)
            assert answered == (addresses if now < valid_until else set())
            assert speaking.next_due() > now, "it never asks to be called again at once"
        now = end
