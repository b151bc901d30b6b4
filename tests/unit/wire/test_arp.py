"""ARP frames: what is read out of them, and what answers and announcements look like on the wire."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.wire import arp
from openelb.wire.arp import Operation, Request, Silence

OURS = bytes.fromhex("02005e005301")
ASKER = bytes.fromhex("02005e005302")
ADDRESS = IPv4Address("192.0.2.10")
QUESTION = bytes.fromhex(
    "ffffffffffff 02005e005302 0806 0001 0800 06 04 0001 02005e005302 c0000201 000000000000 c000020a"
)


def question(**octets: str) -> bytes:
    """QUESTION with octets at an offset replaced: `question(at_12="86dd")`."""
    frame = bytearray(QUESTION)
    for place, text in octets.items():
        start, new = int(place.removeprefix("at_")), bytes.fromhex(text)
        frame[start : start + len(new)] = new
    return bytes(frame)


def test_a_question_is_read() -> None:
    assert arp.parse(QUESTION) == Request(ASKER, IPv4Address("192.0.2.1"), ADDRESS)


def test_padding_after_a_question_is_ignored() -> None:
    assert arp.parse(QUESTION + bytes(18)) == arp.parse(QUESTION)


def test_a_question_to_one_host_is_read() -> None:
    assert arp.parse(question(at_0=OURS.hex())) == arp.parse(QUESTION)  # RFC 1122, section 2.3.2.1: unicast poll


def test_a_probe_has_no_senders_address() -> None:
    probe = arp.parse(question(at_28="00000000"))
    assert probe == Request(ASKER, IPv4Address("0.0.0.0"), ADDRESS)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", Silence.SHORT),
        (QUESTION[:-1], Silence.SHORT),
        (question(at_12="86dd"), Silence.NOT_ARP),
        (QUESTION[:12] + bytes.fromhex("8100 0005") + QUESTION[12:], Silence.NOT_ARP),
        (question(at_14="0006"), Silence.NOT_IPV4),
        (question(at_16="86dd"), Silence.NOT_IPV4),
        (question(at_18="08"), Silence.NOT_IPV4),
        (question(at_19="10"), Silence.NOT_IPV4),
        (question(at_20="0002"), Silence.NOT_A_REQUEST),
        (question(at_20="0003"), Silence.NOT_A_REQUEST),
        (question(at_6="03"), Silence.NO_HOST),
        (question(at_22="01005e000001"), Silence.NO_HOST),
        (question(at_22="ffffffffffff"), Silence.NO_HOST),
        (question(at_22="000000000000"), Silence.NO_HOST),
        (question(at_28="c000020a"), Silence.ANNOUNCEMENT),
    ],
    ids=[
        "empty",
        "one octet short",
        "not ARP",
        "VLAN tag",
        "other hardware",
        "other protocol",
        "other hardware length",
        "other protocol length",
        "reply",
        "reverse ARP",
        "frame from a group",
        "sender is a group",
        "sender is everybody",
        "sender is nobody",
        "announcement",
    ],
)
def test_a_frame_that_asks_nothing_says_why(frame: bytes, why: Silence) -> None:
    assert arp.parse(frame) is why


@given(st.binary(max_size=80))
def test_no_octets_break_the_reader(frame: bytes) -> None:
    assert isinstance(arp.parse(frame), Request | Silence)


@given(place=st.integers(0, 41), octet=st.integers(0, 255))
def test_no_single_octet_makes_the_reader_answer_a_group(place: int, octet: int) -> None:
    read = arp.parse(question(**{f"at_{place}": f"{octet:02x}"}))
    if isinstance(read, Request):
        assert not arp.reply(read, mac=OURS)[0] & 1


def test_an_answer_goes_to_the_asker_alone() -> None:
    read = arp.parse(QUESTION)
    assert isinstance(read, Request)
    assert arp.reply(read, mac=OURS) == bytes.fromhex(
        "02005e005302 02005e005301 0806 0001 0800 06 04 0002 02005e005301 c000020a 02005e005302 c0000201"
    ) + bytes(18)


def test_the_request_form_of_an_announcement_has_no_target_mac() -> None:
    assert arp.announcement(ADDRESS, Operation.REQUEST, mac=OURS) == bytes.fromhex(
        "ffffffffffff 02005e005301 0806 0001 0800 06 04 0001 02005e005301 c000020a 000000000000 c000020a"
    ) + bytes(18)


def test_the_reply_form_of_an_announcement_repeats_the_mac() -> None:
    assert arp.announcement(ADDRESS, Operation.REPLY, mac=OURS) == bytes.fromhex(
        "ffffffffffff 02005e005301 0806 0001 0800 06 04 0002 02005e005301 c000020a 02005e005301 c000020a"
    ) + bytes(18)


# What frames say of their sender.

PROBE_FRAME = bytes.fromhex(
    "ffffffffffff 02005e005301 0806 0001 0800 06 04 0001 02005e005301 00000000 000000000000 c000020a" + "00" * 18
)


def test_a_probe_is_as_the_rfc_has_it() -> None:
    assert arp.probe(IPv4Address("192.0.2.10"), mac=bytes.fromhex("02005e005301")) == PROBE_FRAME


def test_a_probe_asks_and_says_nothing_of_its_sender() -> None:
    assert arp.parse(PROBE_FRAME) == Request(
        bytes.fromhex("02005e005301"), IPv4Address("0.0.0.0"), IPv4Address("192.0.2.10")
    )
    assert arp.assertion(PROBE_FRAME) is None


@pytest.mark.parametrize("form", Operation)
def test_requests_and_replies_say_where_their_sender_is(form: Operation) -> None:
    address, mac = IPv4Address("192.0.2.10"), bytes.fromhex("02005e005301")
    assert arp.assertion(arp.announcement(address, form, mac=mac)) == arp.Assertion(mac, address)


@given(st.binary(max_size=80))
def test_no_octets_make_the_reader_of_assertions_fail(octets: bytes) -> None:
    arp.assertion(octets)
    arp.assertion(PROBE_FRAME[:21] + octets)


@pytest.mark.parametrize(("at", "octet"), [(13, 0x07), (15, 6), (21, 3), (22, 0x01)])
def test_other_frames_say_nothing(at: int, octet: int) -> None:
    frame = bytearray(arp.announcement(IPv4Address("192.0.2.10"), Operation.REPLY, mac=bytes.fromhex("02005e005301")))
    frame[at] = octet
    assert arp.assertion(bytes(frame)) is None


# Questions of our own.


def test_a_question_of_ours_asks_everybody_and_says_who_we_are() -> None:
    asked = arp.question(IPv4Address("192.0.2.254"), mac=OURS, sender=IPv4Address("192.0.2.11"))
    assert asked == bytes.fromhex(
        "ffffffffffff 02005e005301 0806 0001 0800 06 04 0001 02005e005301 c000020b 000000000000 c00002fe"
    ) + bytes(18)
    assert arp.parse(asked) == Request(OURS, IPv4Address("192.0.2.11"), IPv4Address("192.0.2.254"))


def test_who_had_it_last_may_be_asked_alone() -> None:
    asked = arp.question(ADDRESS, mac=OURS, sender=IPv4Address("192.0.2.11"), to=ASKER)
    assert asked[:6] == ASKER
    assert asked[32:38] == bytes(6)


def test_an_answer_is_a_reply_and_no_question() -> None:
    request = Request(OURS, IPv4Address("192.0.2.11"), ADDRESS)
    assert arp.answer(arp.reply(request, mac=ASKER)) == arp.Assertion(ASKER, ADDRESS)
    assert arp.answer(QUESTION) is None
    assert arp.answer(b"") is None
