"""Which gateways are asked, and when one counts as lost."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.announce.gateways import LOST_AFTER, Gateways
from openelb.wire import arp, ndp

ETH0, ETH0_IPV6 = ("eth0", 4), ("eth0", 6)
ROUTER, SECOND = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
OURS, MAC, OTHER_MAC = (bytes.fromhex(f"02005e00530{number}") for number in (1, 8, 9))


def answer(gateway: IPv4Address = ROUTER, mac: bytes = MAC) -> bytes:
    return arp.reply(arp.Request(OURS, IPv4Address("192.0.2.11"), gateway), mac=mac)


def followed(*gateways: IPv4Address) -> Gateways:
    made = Gateways()
    made.follow({ETH0: gateways or (ROUTER,)})
    return made


def ask(gateways: Gateways, *answers: bytes, rounds: int = 1) -> None:
    """So many rounds, each with these answers."""
    for _ in range(rounds):
        for link, gateway, _ in gateways.whom_to_ask():
            gateways.asked(link, gateway)
        for frame in answers:
            gateways.hear(ETH0, frame)


def test_who_answered_and_leaves_three_questions_unanswered_is_lost_until_its_next_answer() -> None:
    one = followed()
    ask(one, answer())
    ask(one, rounds=LOST_AFTER - 1)
    assert one.lost == frozenset()
    ask(one)
    assert one.lost == {ETH0}
    ask(one, answer())
    assert one.lost == frozenset()


def test_an_answer_in_between_begins_the_count_anew() -> None:
    one = followed()
    for _ in range(5):
        ask(one, answer())
        ask(one, rounds=LOST_AFTER - 1)
        assert one.lost == frozenset()


def test_who_never_answered_is_not_lost() -> None:
    one = followed()
    ask(one, rounds=100)
    assert (one.lost, one.answered) == (frozenset(), frozenset())


def test_who_answered_last_is_asked_alone_and_everybody_when_it_does_not() -> None:
    one = followed()
    assert one.whom_to_ask() == ((ETH0, ROUTER, None),)
    ask(one, answer())
    assert one.whom_to_ask() == ((ETH0, ROUTER, MAC),)
    ask(one)
    assert one.whom_to_ask() == ((ETH0, ROUTER, None),)
    ask(one, answer(mac=OTHER_MAC))  # as with two routers that share an address
    assert one.whom_to_ask() == ((ETH0, ROUTER, OTHER_MAC),)


def test_one_of_two_gateways_is_enough() -> None:
    one = followed(ROUTER, SECOND)
    ask(one, answer(), answer(SECOND))
    ask(one, answer(SECOND), rounds=LOST_AFTER)
    assert one.lost == frozenset()
    ask(one, rounds=LOST_AFTER)
    assert one.lost == {ETH0}


def test_a_question_that_could_not_be_sent_does_not_count() -> None:
    one = followed()
    ask(one, answer())
    for _ in range(LOST_AFTER):
        one.whom_to_ask()
    assert one.lost == frozenset()


def test_a_link_without_a_gateway_is_not_asked_by_and_loses_nothing() -> None:
    one = followed()
    ask(one, answer())
    ask(one, rounds=LOST_AFTER)
    one.follow({ETH0: ()})
    assert (one.whom_to_ask(), one.lost, one.answered) == ((), frozenset(), frozenset())


def test_a_gateway_that_did_answer_is_missed_when_its_link_is_back_without_it() -> None:
    one = followed()
    ask(one, answer())
    one.follow({})
    assert (one.whom_to_ask(), one.lost) == ((), frozenset())
    one.follow({ETH0: (ROUTER,)})
    ask(one, rounds=LOST_AFTER - 1)
    assert one.lost == frozenset()
    ask(one)
    assert one.lost == {ETH0}


def test_a_gateway_that_takes_the_place_of_another_begins_anew() -> None:
    one = followed()
    ask(one, answer())
    one.follow({ETH0: (SECOND,)})
    ask(one, rounds=LOST_AFTER)
    assert one.lost == frozenset()


def test_a_gateway_of_the_other_family_does_not_stand_in() -> None:
    one, six = Gateways(), IPv6Address("fe80::1")
    one.follow({ETH0: (ROUTER,), ETH0_IPV6: (six,)})
    asked = ndp.parse(ndp.question(six, mac=OURS, sender=IPv6Address("fe80::11")))
    assert isinstance(asked, ndp.Solicitation)
    one.hear(ETH0_IPV6, ndp.reply(asked, mac=MAC, router=True))
    ask(one, answer())
    assert one.answered == {ETH0, ETH0_IPV6}
    ask(one, answer(), rounds=LOST_AFTER)
    assert one.lost == {ETH0_IPV6}


@pytest.mark.parametrize(
    "frame",
    [
        answer(SECOND),
        arp.question(ROUTER, mac=MAC, sender=ROUTER),
        arp.question(IPv4Address("192.0.2.11"), mac=MAC, sender=ROUTER),
        answer(mac=bytes.fromhex("ffffffffffff")),
        b"",
    ],
    ids=["another's", "an announcement", "a question of its own", "of everybody's MAC", "nothing"],
)
def test_what_is_no_answer_of_the_gateway_does_not_count(frame: bytes) -> None:
    one = followed()
    ask(one, frame)
    assert one.answered == frozenset()


def test_an_answer_by_another_link_does_not_count() -> None:
    one = followed()
    one.hear(("eth1", 4), answer())
    assert one.answered == frozenset()


@given(st.binary(max_size=60))
def test_no_octets_make_it_fail(octets: bytes) -> None:
    one = followed()
    for frame in (octets, answer()[:20] + octets, answer()[:28] + octets):
        one.hear(ETH0, frame)
