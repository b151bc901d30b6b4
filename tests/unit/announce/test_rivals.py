"""What a link does about other machines that have its addresses, with the time as an argument."""

import math
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.announce.responder import CORRECTION, Responder
from openelb.announce.rivals import DEFEND_INTERVAL, PATIENCE, SETTLING, SILENCE, Act, Manners, Rival, Rivals
from openelb.model.addresses import Address, AddressRange
from openelb.model.layer2 import OnConflict
from openelb.model.ranges import Ranges
from openelb.wire import arp, ndp
from openelb.wire.arp import Operation
from tests.fakes.ports import advertisement, answer, question, solicitation

OURS, FRIEND, STRANGER = (bytes.fromhex(f"02005e00530{number}") for number in (1, 2, 9))
FOREIGN = STRANGER.hex(":")
A, B = IPv4Address("192.0.2.10"), IPv4Address("192.0.2.11")
SIX = IPv6Address("2001:db8::10")
LONG = 10_000.0
OWN = frozenset({OURS.hex(":"), FRIEND.hex(":")})


def manners(policy: OnConflict = OnConflict.DEFEND) -> Manners:
    return Manners(OWN, ((Ranges.of([AddressRange(each, each) for each in (A, B, SIX)]), policy),))


def responder(*addresses: Address, policy: OnConflict = OnConflict.DEFEND) -> Responder:
    """One that has said the first words of its addresses."""
    made = Responder(OURS)
    made.manners = manners(policy)
    made.claim(frozenset(addresses), valid_until=LONG, now=-6.0)
    sent(made, since=-6.0, until=0.0)
    return made


def claimed(address: Address = A, *, mac: bytes = STRANGER) -> bytes:
    """A frame by which a machine says that it has the address."""
    if isinstance(address, IPv6Address):
        return ndp.announcement(address, mac=mac, router=False)
    return arp.announcement(address, Operation.REQUEST, mac=mac)


def sent(of: Responder, *, until: float, since: float = 0.0) -> list[tuple[float, bytes]]:
    """Everything it says before that time, when it is called exactly when it asks for it."""
    found, now = [], since
    while (now := max(now, of.next_due())) < until:
        found += [(now, frame) for frame in of.due(now=now)]
    return found


def defences(of: Responder, *, until: float, since: float = 0.0) -> list[float]:
    return [when for when, frame in sent(of, until=until, since=since) if arp.assertion(frame) or ndp.assertion(frame)]


# Who is a rival.


@pytest.mark.parametrize("address", [A, SIX], ids=str)
def test_a_stranger_who_says_that_it_has_our_address_is_a_rival(address: Address) -> None:
    one = responder(address)
    one.receive(claimed(address), now=0.0)
    sent(one, until=SETTLING + 0.01)
    assert one.rivals.rivals == {address: Rival(FOREIGN, OnConflict.DEFEND)}


def test_a_question_tells_as_well_whose_address_its_sender_has() -> None:
    one, asked = responder(A, B), bytearray(question(B))
    asked[22:28], asked[28:32] = STRANGER, A.packed
    assert one.receive(bytes(asked), now=0.0) == arp.reply(arp.Request(STRANGER, A, B), mac=OURS)
    sent(one, until=1.0)
    assert set(one.rivals.rivals) == {A}


@pytest.mark.parametrize("mac", [OURS, FRIEND])
@pytest.mark.parametrize("address", [A, SIX], ids=str)
def test_our_own_nodes_and_what_comes_back_of_our_own_are_no_rivals(address: Address, mac: bytes) -> None:
    one = responder(address)
    one.receive(claimed(address, mac=mac), now=0.0)
    sent(one, until=30.0)
    assert one.rivals.rivals == {}


@pytest.mark.parametrize("address", [A, SIX], ids=str)
def test_what_another_node_of_ours_announced_and_has_not_is_announced_again_by_who_has_it(address: Address) -> None:
    """As when it was back for a moment before it heard that the address stays here."""
    one = responder(address)
    for moment in range(20):
        one.receive(claimed(address, mac=FRIEND), now=float(moment))
        assert defences(one, since=float(moment), until=moment + 0.9) == (
            [moment + CORRECTION] if moment % 11 == 0 else []
        )


def test_what_went_to_another_node_of_ours_is_left_to_it() -> None:
    one = responder(A, B)
    one.receive(claimed(mac=FRIEND), now=0.0)
    one.claim(frozenset({B}), valid_until=LONG, now=0.1)
    assert defences(one, until=30.0) == []


@pytest.mark.parametrize("address", [A, SIX], ids=str)
def test_what_is_going_to_another_node_of_ours_is_answered_and_not_called_back(address: Address) -> None:
    """Neither when that one announced it before word came that it goes, nor after."""
    one = responder(address)
    one.receive(claimed(address, mac=FRIEND), now=0.0)
    one.claim(frozenset({address}), valid_until=LONG, now=0.1, ending=frozenset({address}))
    one.receive(claimed(address, mac=FRIEND), now=0.2)
    assert sent(one, since=0.1, until=200.0) == []
    asked = solicitation(address) if isinstance(address, IPv6Address) else question(address)
    assert isinstance(one.receive(asked, now=0.3), bytes)


def test_what_is_going_to_another_node_of_ours_is_defended_by_that_one() -> None:
    one = responder(A, B)
    one.claim(frozenset({A, B}), valid_until=LONG, now=0.1, ending=frozenset({A}))
    for address in (A, B):
        one.receive(claimed(address), now=0.2)
    assert [frame[28:32] for _, frame in sent(one, since=0.2, until=2.0)] == [B.packed]


def test_what_stays_after_all_is_announced_anew() -> None:
    one = responder(A, B)
    one.claim(frozenset({A, B}), valid_until=LONG, now=0.1, ending=frozenset({A}))
    one.claim(frozenset({A, B}), valid_until=LONG, now=0.2)
    assert {frame[28:32] for _, frame in sent(one, since=0.2, until=5.3)} == {A.packed}


def test_an_own_probe_that_comes_back_is_no_rival() -> None:
    one = responder(A, SIX)
    one.receive(ndp.probe(SIX, mac=OURS, nonce=bytes(6)), now=0.0)
    one.receive(arp.probe(A, mac=OURS), now=0.0)
    assert defences(one, until=30.0) == []


def test_a_node_of_which_word_arrives_a_moment_later_is_no_rival() -> None:
    one = responder(A)
    one.receive(claimed(), now=0.0)
    one.manners = Manners(OWN | {FOREIGN})
    assert defences(one, until=30.0) == []
    assert one.rivals.rivals == {}


def test_nobody_is_judged_while_it_is_not_known_who_our_nodes_are() -> None:
    one = responder(A)
    one.manners = None
    one.receive(claimed(), now=0.0)
    assert defences(one, until=30.0) == []


def test_what_is_said_of_other_addresses_is_nothing_to_us() -> None:
    one = responder(A)
    assert one.receive(claimed(B), now=0.0) is arp.Silence.ANNOUNCEMENT
    assert one.next_due() > 0.0
    assert defences(one, until=10.0) == []


def test_what_a_rival_says_is_counted_for_itself() -> None:
    one = responder(A, SIX)
    assert one.receive(claimed(), now=0.0) is arp.Silence.RIVAL
    assert one.receive(claimed(SIX), now=0.0) is ndp.Silence.RIVAL


# What is done.


def test_an_address_is_defended_at_once_and_then_at_most_every_ten_seconds() -> None:
    one, times = responder(A), []
    for tick in range(400):  # it says so ten times a second
        now = tick / 10
        one.receive(claimed(), now=now)
        times += defences(one, since=now, until=now + 0.1)
    assert times[0] == pytest.approx(SETTLING, abs=0.1)
    assert all(after - before >= DEFEND_INTERVAL for before, after in pairwise(times))
    assert len(times) == 4


def test_a_defence_is_one_announcement() -> None:
    one = responder(A, SIX)
    one.receive(claimed(), now=0.0)
    one.receive(claimed(SIX), now=0.0)
    assert {frame for _, frame in sent(one, until=5.0)} == {
        arp.announcement(A, Operation.REQUEST, mac=OURS),
        ndp.announcement(SIX, mac=OURS, router=True),
    }


def test_who_yields_is_silent_until_the_other_has_been_and_asks_before_it_comes_back() -> None:
    one = responder(A, policy=OnConflict.YIELD)
    one.receive(claimed(), now=0.0)
    one.receive(claimed(), now=30.0)
    assert sent(one, until=30.0 + SILENCE) == []
    assert one.receive(question(A), now=31.0) is arp.Silence.LEFT_TO_ANOTHER
    asked, *back = sent(one, since=30.0 + SILENCE, until=300.0)
    assert asked == (30.0 + SILENCE, arp.probe(A, mac=OURS))
    assert back[0] == (pytest.approx(30.0 + SILENCE + PATIENCE), claimed(mac=OURS))
    assert one.receive(question(A), now=301.0) == answer(A, mac=OURS)
    assert one.rivals.rivals == {}


def test_of_ipv6_likewise() -> None:
    one = responder(SIX, policy=OnConflict.YIELD)
    one.receive(claimed(SIX), now=0.0)
    sent(one, until=10.0)
    assert one.receive(solicitation(SIX), now=31.0) is ndp.Silence.LEFT_TO_ANOTHER
    asked, *back = [frame for _, frame in sent(one, since=10.0, until=300.0)]
    assert ndp.read_probe(asked) == ndp.Probe(OURS, SIX, bytes(6))
    assert back[0] == ndp.announcement(SIX, mac=OURS, router=True)
    assert one.receive(solicitation(SIX), now=301.0) == advertisement(SIX, mac=OURS)


def test_who_answers_the_question_keeps_the_address() -> None:
    one = responder(A, policy=OnConflict.YIELD)
    one.receive(claimed(), now=0.0)
    sent(one, until=SILENCE + PATIENCE / 2)
    reply = arp.reply(arp.Request(OURS, IPv4Address(0), A), mac=STRANGER)
    one.receive(reply, now=SILENCE + PATIENCE / 2)
    assert sent(one, since=SILENCE + PATIENCE / 2, until=2 * SILENCE) == []
    assert set(one.rivals.left) == {A}


def test_an_address_that_is_left_stays_so_when_all_is_announced_again() -> None:
    one = responder(A, B, policy=OnConflict.YIELD)
    one.receive(claimed(), now=0.0)
    sent(one, until=1.0)
    again = Responder(OURS, rivals=one.rivals)
    again.claim(frozenset({A, B}), valid_until=LONG, now=1.0)
    assert {frame for _, frame in sent(again, since=1.0, until=1.1)} == {
        arp.announcement(B, form, mac=OURS) for form in Operation
    }


def test_who_only_reports_says_nothing_and_goes_on_answering() -> None:
    one = responder(A, policy=OnConflict.REPORT)
    one.receive(claimed(), now=0.0)
    assert sent(one, until=19.0) == []
    assert one.receive(question(A), now=19.0) == answer(A, mac=OURS)
    assert one.rivals.rivals == {A: Rival(FOREIGN, OnConflict.REPORT)}


@pytest.mark.parametrize("policy", OnConflict)
def test_a_rival_that_is_not_heard_any_more_is_forgotten(policy: OnConflict) -> None:
    one = responder(A, policy=policy)
    one.receive(claimed(), now=0.0)
    sent(one, until=SILENCE + PATIENCE + 1.0)
    assert one.rivals.rivals == {}
    assert one.rivals.next_due() == math.inf


def test_with_the_address_its_rival_is_forgotten() -> None:
    one = responder(A, B, policy=OnConflict.YIELD)
    one.receive(claimed(), now=0.0)
    sent(one, until=1.0)
    one.claim(frozenset({B}), valid_until=LONG, now=1.0)
    assert one.rivals.rivals == {}
    one.claim(frozenset({A, B}), valid_until=LONG, now=2.0)
    assert one.receive(question(A), now=2.0) == answer(A, mac=OURS)


ACTS = {
    OnConflict.DEFEND: {Act.DEFEND},
    OnConflict.YIELD: {Act.LEAVE, Act.ASK, Act.RETURN},
    OnConflict.REPORT: set[Act](),
}


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from([A, B, SIX]), st.booleans()), max_size=60),
    st.sampled_from(OnConflict),
)
def test_whatever_is_heard_the_rules_hold(heard: list[tuple[float, Address, bool]], policy: OnConflict) -> None:
    """Each pool's policy alone decides what is done; defences are ten seconds apart; nothing stays for ever."""
    rivals, now, defended = Rivals(), 0.0, dict[Address, float]()

    def judge(until: float) -> None:
        while (when := rivals.next_due()) <= until:
            for address, act in rivals.due(manners(policy), now=when):
                assert act in ACTS[policy]
                if act is Act.DEFEND:
                    assert when >= defended.get(address, -math.inf) + DEFEND_INTERVAL
                    defended[address] = when
                assert (address in rivals.left) is (act in (Act.LEAVE, Act.ASK))

    for pause, address, is_friend in heard:
        judge(now := now + pause)
        rivals.heard(address, FRIEND.hex(":") if is_friend else FOREIGN, now=now)
    judge(now + 10 * SILENCE)
    assert (rivals.rivals, rivals.left, rivals.next_due()) == ({}, frozenset(), math.inf)
