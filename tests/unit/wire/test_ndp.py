"""Neighbour discovery: what is read out of frames, and what answers and announcements look like on the wire."""

import struct
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import ndp as oracle
from openelb.wire import ndp
from openelb.wire.ndp import Silence, Solicitation

OURS = bytes.fromhex("02005e005301")
ASKER = bytes.fromhex("02005e005302")
ADDRESS = IPv6Address("2001:db8::10")
SENDER = IPv6Address("2001:db8::1")
ETHERNET = "3333ff000010 02005e005302 86dd"
IPV6 = "60000000 0020 3a ff 20010db8000000000000000000000001 ff0200000000000000000001ff000010"
ICMPV6 = "87 00 6b09 00000000 20010db8000000000000000000000010 01 01 02005e005302"
QUESTION = bytes.fromhex(ETHERNET + IPV6 + ICMPV6)
PROBE = bytes.fromhex(
    "3333ff000010 02005e005302 86dd 60000000 0018 3a ff 00000000000000000000000000000000"
    "ff0200000000000000000001ff000010 87 00 4ccf 00000000 20010db8000000000000000000000010"
)
NONCE = "0e01 a1b2c3d4e5f6"


def frame(
    options: str = "01 01 02005e005302",
    *,
    sender: IPv6Address = SENDER,
    to: str = "ff02::1:ff00:10",
    target: IPv6Address = ADDRESS,
    kind: int = 135,
    code: int = 0,
) -> bytes:
    """A solicitation with its lengths and checksum right, whatever else is wrong."""
    source, destination = sender.packed, IPv6Address(to).packed
    message = bytes([kind, code, 0, 0]) + bytes(4) + target.packed + bytes.fromhex(options)
    padded = message + bytes(len(message) % 2)
    total = sum(
        struct.unpack(
            f"!{20 + len(padded) // 2}H", source + destination + struct.pack("!II", len(message), 58) + padded
        )
    )
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    message = message[:2] + struct.pack("!H", ~total & 0xFFFF) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), 58, 255)
    return bytes.fromhex(ETHERNET) + header + source + destination + message


def changed(**octets: str) -> bytes:
    """QUESTION with octets at an offset replaced: `changed(at_12="0806")`."""
    octets_of = bytearray(QUESTION)
    for place, text in octets.items():
        start, new = int(place.removeprefix("at_")), bytes.fromhex(text)
        octets_of[start : start + len(new)] = new
    return bytes(octets_of)


# Questions.


def test_the_frames_that_these_tests_build_are_the_golden_ones() -> None:
    assert frame() == QUESTION
    assert oracle.question(str(ADDRESS), sender_mac=ASKER, sender=str(SENDER)) == QUESTION
    assert oracle.question(str(ADDRESS), sender_mac=ASKER) == PROBE


def test_a_question_is_read() -> None:
    assert ndp.parse(QUESTION) == Solicitation(ASKER, SENDER, ADDRESS)


def test_padding_after_a_question_is_ignored() -> None:
    assert ndp.parse(QUESTION + bytes(18)) == ndp.parse(QUESTION)


def test_a_probe_has_no_senders_address() -> None:
    assert ndp.parse(PROBE) == Solicitation(ASKER, IPv6Address("::"), ADDRESS)  # RFC 4862, section 5.4.2


def test_a_question_to_one_host_need_not_say_the_senders_mac() -> None:
    asked = frame("", to="2001:db8::10")  # RFC 4861, section 7.3.3
    assert ndp.parse(asked) == Solicitation(ASKER, SENDER, ADDRESS)


def test_the_mac_that_the_sender_says_is_the_one_to_answer() -> None:
    asked = frame("01 01 02005e005377")
    assert ndp.parse(asked) == Solicitation(bytes.fromhex("02005e005377"), SENDER, ADDRESS)


@pytest.mark.parametrize(
    "options",
    [f"{NONCE} 01 01 02005e005302", f"01 01 02005e005302 {NONCE}", "fd 02" + 14 * "00" + "01 01 02005e005302"],
    ids=["nonce before", "nonce behind", "unknown"],
)
def test_options_that_we_do_not_know_are_passed_over(options: str) -> None:
    assert ndp.parse(frame(options)) == ndp.parse(QUESTION)  # RFC 4861, section 4.6; RFC 7527


def test_a_probe_with_a_nonce_is_a_probe() -> None:
    assert ndp.parse(frame(NONCE, sender=IPv6Address("::"))) == ndp.parse(PROBE)


def test_of_two_macs_of_the_sender_the_first_counts() -> None:
    assert ndp.parse(frame("01 01 02005e005302 01 01 02005e005399")) == ndp.parse(QUESTION)


TAGGED = QUESTION[:12] + bytes.fromhex("8100 0005") + QUESTION[12:]
EMPTY_HOP_BY_HOP = QUESTION[:20] + b"\x00" + QUESTION[21:54] + bytes.fromhex("3a00 0104 00000000") + QUESTION[54:]
FRAGMENT = QUESTION[:20] + b"\x2c" + QUESTION[21:54] + bytes.fromhex("3a00 0000 00000001") + QUESTION[54:]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        pytest.param(b"", Silence.SHORT, id="empty"),
        pytest.param(QUESTION[:53], Silence.SHORT, id="within the header"),
        pytest.param(QUESTION[:-1], Silence.SHORT, id="one octet short"),
        pytest.param(changed(at_18="0017"), Silence.SHORT, id="shorter than a solicitation"),
        pytest.param(changed(at_18="0021"), Silence.SHORT, id="longer than the frame"),
        pytest.param(changed(at_18="ffff"), Silence.SHORT, id="much longer than the frame"),
        pytest.param(changed(at_12="0806"), Silence.NOT_IPV6, id="another protocol"),
        pytest.param(changed(at_14="45"), Silence.NOT_IPV6, id="another version"),
        pytest.param(TAGGED, Silence.NOT_IPV6, id="VLAN tag"),
        pytest.param(changed(at_20="11"), Silence.NOT_ICMPV6, id="UDP"),
        pytest.param(EMPTY_HOP_BY_HOP, Silence.NOT_ICMPV6, id="behind hop-by-hop options"),
        pytest.param(FRAGMENT, Silence.NOT_ICMPV6, id="a fragment"),
        pytest.param(frame(kind=136), Silence.NOT_A_SOLICITATION, id="advertisement"),
        pytest.param(frame(kind=134), Silence.NOT_A_SOLICITATION, id="router advertisement"),
        pytest.param(frame(code=1), Silence.NOT_A_SOLICITATION, id="another code"),
        pytest.param(changed(at_21="fe"), Silence.FROM_AFAR, id="passed a router"),
        pytest.param(changed(at_56="0000"), Silence.BAD_CHECKSUM, id="no checksum"),
        pytest.param(changed(at_77="11"), Silence.BAD_CHECKSUM, id="an octet changed on its way"),
        pytest.param(frame("01 00 02005e005302"), Silence.BAD_OPTIONS, id="option of length 0"),
        pytest.param(frame("0e 00 02005e005302"), Silence.BAD_OPTIONS, id="unknown option of length 0"),
        pytest.param(frame("01 02 02005e005302"), Silence.BAD_OPTIONS, id="option longer than the message"),
        pytest.param(frame("01 02 02005e005302 0000000000000000"), Silence.BAD_OPTIONS, id="MAC of another length"),
        pytest.param(frame("01"), Silence.BAD_OPTIONS, id="half an option"),
        pytest.param(frame("01 01 02005e005302 01"), Silence.BAD_OPTIONS, id="an odd octet behind the options"),
        pytest.param(frame(sender=IPv6Address("::")), Silence.BAD_PROBE, id="a probe that says its MAC"),
        pytest.param(frame("", sender=IPv6Address("::"), to="ff02::1"), Silence.BAD_PROBE, id="a probe to all nodes"),
        pytest.param(frame("", sender=IPv6Address("::"), to="2001:db8::10"), Silence.BAD_PROBE, id="a probe to one host"),
        pytest.param(changed(at_6="03"), Silence.NO_HOST, id="frame from a group"),
        pytest.param(frame("01 01 333300000001"), Silence.NO_HOST, id="the sender's MAC is a group"),
        pytest.param(frame("01 01 ffffffffffff"), Silence.NO_HOST, id="the sender's MAC is everybody"),
        pytest.param(frame("01 01 000000000000"), Silence.NO_HOST, id="the sender's MAC is nobody"),
        pytest.param(frame(sender=IPv6Address("ff02::1")), Silence.NO_HOST, id="the sender is a group"),
        pytest.param(frame(target=IPv6Address("ff02::1")), Silence.NO_HOST, id="the target is a group"),
        pytest.param(frame(sender=ADDRESS), Silence.OF_ITSELF, id="asks for its own address"),
    ],
)  # fmt: skip
def test_a_frame_that_asks_nothing_says_why(asked: bytes, why: Silence) -> None:
    assert ndp.parse(asked) is why


@given(st.binary(max_size=160))
def test_no_octets_break_the_reader(octets: bytes) -> None:
    assert isinstance(ndp.parse(octets), Solicitation | Silence)


@given(st.binary(max_size=80))
def test_no_octets_behind_a_header_break_the_reader(octets: bytes) -> None:
    assert isinstance(ndp.parse(QUESTION[:54] + octets), Solicitation | Silence)


@given(st.binary(max_size=64))
def test_no_options_break_the_reader(options: bytes) -> None:
    assert isinstance(ndp.parse(frame(options.hex())), Solicitation | Silence)


@given(place=st.integers(0, len(QUESTION) - 1), octet=st.integers(0, 255))
def test_no_single_octet_makes_the_reader_answer_a_group(place: int, octet: int) -> None:
    read = ndp.parse(changed(**{f"at_{place}": f"{octet:02x}"}))
    if isinstance(read, Solicitation):
        assert not ndp.reply(read, mac=OURS, router=True)[0] & 1


@given(place=st.integers(14, len(QUESTION) - 1), octet=st.integers(0, 255))
def test_a_single_octet_that_changed_on_its_way_is_found_out(place: int, octet: int) -> None:
    """But in the version's line, which no checksum covers."""
    damaged = changed(**{f"at_{place}": f"{octet:02x}"})
    if damaged != QUESTION and not 14 <= place < 18:
        assert isinstance(ndp.parse(damaged), Silence)


# Answers.


def test_an_answer_goes_to_the_asker_alone_and_overrides_what_it_knew() -> None:
    read = ndp.parse(QUESTION)
    assert isinstance(read, Solicitation)
    assert ndp.reply(read, mac=OURS, router=True) == bytes.fromhex(
        "02005e005302 02005e005301 86dd 60000000 0020 3a ff 20010db8000000000000000000000010"
        "20010db8000000000000000000000001 88 00 5955 e0000000 20010db8000000000000000000000010 02 01 02005e005301"
    )


def test_a_probe_is_answered_to_all_and_is_not_solicited() -> None:
    read = ndp.parse(PROBE)
    assert isinstance(read, Solicitation)
    assert ndp.reply(read, mac=OURS, router=True) == bytes.fromhex(
        "333300000001 02005e005301 86dd 60000000 0020 3a ff 20010db8000000000000000000000010"
        "ff020000000000000000000000000001 88 00 c80b a0000000 20010db8000000000000000000000010 02 01 02005e005301"
    )


def test_an_announcement_is_the_answer_to_a_question_nobody_asked() -> None:
    read = ndp.parse(PROBE)
    assert isinstance(read, Solicitation)
    assert ndp.announcement(ADDRESS, mac=OURS, router=True) == ndp.reply(read, mac=OURS, router=True)


def test_a_host_that_does_not_forward_is_no_router() -> None:
    said = ndp.announcement(ADDRESS, mac=OURS, router=False)
    assert said[58] == 0x20


@given(st.binary(min_size=16, max_size=16).map(IPv6Address), st.binary(min_size=6, max_size=6), st.booleans())
def test_every_announcement_is_one_to_another_reader(address: IPv6Address, mac: bytes, router: bool) -> None:
    assert oracle.answering_mac(ndp.announcement(address, mac=mac, router=router), str(address)) == mac.hex(":")


def test_what_is_said_is_no_question() -> None:
    assert ndp.parse(ndp.announcement(ADDRESS, mac=OURS, router=True)) is Silence.NOT_A_SOLICITATION


# Groups.


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("2001:db8::10", "ff02::1:ff00:10"),
        ("fe80::2aa:ff:fe28:9c5a", "ff02::1:ff28:9c5a"),  # RFC 4291, section 2.7.1, has 01:23 in place of 28:9c
        ("4037::01:800:200e:8c6c", "ff02::1:ff0e:8c6c"),
    ],
)
def test_questions_for_an_address_go_to_its_group(address: str, group: str) -> None:
    assert ndp.solicited_node_group(IPv6Address(address)) == IPv6Address(group)


# What frames say of their sender, and probes.

NA = bytes.fromhex(
    "333300000001 02005e005301 86dd 60000000 0020 3a ff 20010db8000000000000000000000010"
    "ff020000000000000000000000000001 88 00 0000 a0000000 20010db8000000000000000000000010 02 01 02005e005301"
)
GOLDEN_PROBE = bytes.fromhex(
    "3333ff000010 02005e005301 86dd 60000000 0020 3a ff 00000000000000000000000000000000"
    "ff0200000000000000000001ff000010 87 00 0000 00000000 20010db8000000000000000000000010 0e01 a1b2c3d4e5f6"
)


def without_checksum(frame: bytes) -> bytes:
    return frame[:56] + bytes(2) + frame[58:]


def test_an_advertisement_says_where_its_sender_is() -> None:
    announced = ndp.announcement(ADDRESS, mac=OURS, router=True)
    assert without_checksum(announced) == NA
    assert ndp.assertion(announced) == ndp.Assertion(OURS, ADDRESS)


def test_a_probe_has_a_nonce_and_its_reader_tells_it() -> None:
    nonce = bytes.fromhex("a1b2c3d4e5f6")
    probe = ndp.probe(ADDRESS, mac=OURS, nonce=nonce)
    assert without_checksum(probe) == GOLDEN_PROBE
    assert oracle.checksum(probe[22:38], probe[38:54], without_checksum(probe)[54:]) == int.from_bytes(probe[56:58])
    assert ndp.parse(probe) == Solicitation(OURS, IPv6Address("::"), ADDRESS)
    assert ndp.read_probe(probe) == ndp.Probe(OURS, ADDRESS, nonce)
    assert ndp.read_probe(PROBE) == ndp.Probe(ASKER, ADDRESS, b"")
    assert ndp.read_probe(QUESTION) is None
    assert ndp.assertion(probe) is None


@pytest.mark.parametrize(
    "odd",
    [
        {"options": "02 00 02005e005302"},
        {"options": "02 02 02005e005302 0000000000000000"},
        {"options": "02 01 ff005e005302"},
        {"target": IPv6Address("ff02::1")},
        {"code": 1},
    ],
    ids=["no length", "no MAC", "a group", "about a group", "another code"],
)
def test_an_impossible_advertisement_says_nothing(odd: dict[str, object]) -> None:
    assert ndp.assertion(frame(**{"options": "02 01 02005e005302", "kind": 136, **odd})) is None  # type: ignore[arg-type]


def test_an_answer_to_all_is_no_answer_to_a_question() -> None:
    """RFC 4861, section 7.1.2: to a group, the flag *solicited* is zero."""
    solicited = bytearray(frame("02 01 02005e005302", kind=136))
    solicited[58] |= 0x40
    total = int.from_bytes(solicited[56:58]) - 0x4000
    solicited[56:58] = (total % 0xFFFF).to_bytes(2)
    assert ndp.assertion(frame("02 01 02005e005302", kind=136)) is not None
    assert ndp.assertion(bytes(solicited)) is None


@given(st.binary(max_size=120))
def test_no_octets_make_the_reader_of_advertisements_fail(octets: bytes) -> None:
    ndp.assertion(octets)
    ndp.read_probe(octets)
    ndp.assertion(NA[:54] + octets)
