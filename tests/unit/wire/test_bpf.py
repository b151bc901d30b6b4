"""The kernel's filters, run by an interpreter of the instructions it uses."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.wire import arp, bpf, ndp
from openelb.wire.arp import Operation, announcement
from openelb.wire.bpf import Instruction, answers_filter, covering_ranges, kernel_filter, kernel_filter_ipv6
from tests.fakes.ports import solicitation

TO_US, TO_ALL, TO_A_GROUP, TO_ANOTHER, FROM_US = range(5)
"""PACKET_HOST and so on (linux/if_packet.h)."""

ADDRESSES = st.frozensets(st.integers(0, 2**32 - 1).map(IPv4Address), max_size=90)
NEAR = st.frozensets(st.integers(0, 300).map(lambda number: IPv4Address(0xC0000200 + number)), max_size=90)


def passes(program: Sequence[Instruction], frame: bytes, packet_type: int = TO_ALL) -> bool:
    """Whether the program lets the frame through, as the kernel would run it."""
    loaded, at = 0, 0
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        match code:
            case bpf.LOAD_WORD | bpf.LOAD_HALF:
                size = 4 if code == bpf.LOAD_WORD else 2
                if value == bpf.PACKET_TYPE:
                    loaded = packet_type
                elif value + size > len(frame):
                    return False
                else:
                    loaded = int.from_bytes(frame[value : value + size], "big")
            case bpf.IF_EQUAL:
                at += if_true if loaded == value else if_false
            case bpf.IF_GREATER:
                at += if_true if loaded > value else if_false
            case bpf.IF_GREATER_OR_EQUAL:
                at += if_true if loaded >= value else if_false
            case bpf.RETURN:
                return value > 0
            case _:
                raise AssertionError(f"instruction {code:#x} is not known here")


def question(target: IPv4Address) -> bytes:
    """Who has it? The announcement is the shortest way to such a frame: the filter looks at the target alone."""
    return announcement(target, Operation.REQUEST, mac=bytes.fromhex("02005e005302"))


OURS = IPv4Address("192.0.2.10")
ONE = kernel_filter({OURS})


@given(ADDRESSES | NEAR)
def test_questions_for_every_address_pass(addresses: frozenset[IPv4Address]) -> None:
    program = kernel_filter(addresses)
    assert all(passes(program, question(address)) for address in addresses)


@given(NEAR, st.integers(-1, 301))
def test_what_passes_lies_in_the_covering_ranges(addresses: frozenset[IPv4Address], number: int) -> None:
    asked = 0xC0000200 + number
    covered = any(first <= asked <= last for first, last in covering_ranges(map(int, addresses), most=bpf.MAX_RANGES))
    assert passes(kernel_filter(addresses), question(IPv4Address(asked))) is covered


def test_without_an_address_nothing_passes() -> None:
    assert not passes(kernel_filter(()), question(OURS))


@pytest.mark.parametrize("address", ["0.0.0.0", "127.255.255.255", "128.0.0.0", "255.255.255.255"])
def test_addresses_are_compared_without_a_sign(address: str) -> None:
    program = kernel_filter({IPv4Address(address)})
    assert passes(program, question(IPv4Address(address)))
    assert not passes(program, question(OURS))


@pytest.mark.parametrize("form", Operation)
@given(claimed=NEAR, number=st.integers(-1, 301))
def test_what_is_said_in_the_name_of_an_address_passes_and_of_no_other(
    form: Operation, claimed: frozenset[IPv4Address], number: int
) -> None:
    said = IPv4Address(0xC0000200 + number)
    frame = bytearray(announcement(said, form, mac=bytes.fromhex("02005e005302")))
    frame[38:42] = bytes(4)  # about none of ours
    ranges = covering_ranges(map(int, claimed), most=bpf.MAX_RANGES)
    covered = any(first <= int(said) <= last for first, last in ranges)
    assert passes(kernel_filter(claimed), bytes(frame)) is covered


def test_a_reply_about_an_address_is_no_question() -> None:
    frame = bytearray(announcement(OURS, Operation.REPLY, mac=bytes.fromhex("02005e005302")))
    frame[28:32] = bytes([192, 0, 2, 77])
    assert not passes(ONE, bytes(frame))


@pytest.mark.parametrize(("at", "octet"), [(12, 0x86), (15, 6), (16, 0x86), (18, 8), (19, 16), (21, 3)])
def test_other_protocols_do_not_pass(at: int, octet: int) -> None:
    frame = bytearray(question(OURS))
    frame[at] = octet
    assert not passes(ONE, bytes(frame))


@pytest.mark.parametrize("length", [0, 12, 20, 41])
def test_a_short_frame_does_not_pass(length: int) -> None:
    assert not passes(ONE, question(OURS)[:length])


@pytest.mark.parametrize(
    ("packet_type", "expected"),
    [(TO_US, True), (TO_ALL, True), (TO_A_GROUP, False), (TO_ANOTHER, False), (FROM_US, False)],
)
def test_only_frames_to_us_or_to_all_pass(packet_type: int, expected: bool) -> None:
    assert passes(ONE, question(OURS), packet_type) is expected


@given(ADDRESSES, st.integers(1, 64))
def test_ranges_are_few_in_order_and_apart(addresses: frozenset[IPv4Address], most: int) -> None:
    ranges = covering_ranges(map(int, addresses), most=most)
    assert len(ranges) <= most
    ends = [end for first, last in ranges for end in (first, last)]
    assert ends == sorted(ends)
    assert all(after - before > 1 for (_, before), (after, _) in pairwise(ranges))


def test_neighbours_are_one_range() -> None:
    assert covering_ranges((3, 1, 2, 9), most=9) == [(1, 3), (9, 9)]


def test_the_narrowest_gaps_are_closed_first() -> None:
    assert covering_ranges((1, 3, 10, 14, 100), most=3) == [(1, 3), (10, 14), (100, 100)]


def test_scattered_addresses_keep_the_program_short() -> None:
    program = kernel_filter(IPv4Address(number * 3) for number in range(10_000))
    assert len(program) < 300
    assert all(0 <= jump <= 255 for step in program for jump in (step.if_true, step.if_false))


# Neighbour solicitations.

SIX = st.integers(0, 2**128 - 1).map(IPv6Address)
NEAR_SIX = st.integers(0, 300).map(lambda number: IPv6Address((0x20010DB8 << 96) + number))
OURS_SIX = IPv6Address("2001:db8::10")
ONE_SIX = kernel_filter_ipv6({OURS_SIX})


@given(st.frozensets(SIX, max_size=90) | st.frozensets(NEAR_SIX, max_size=90))
def test_solicitations_for_every_address_pass(addresses: frozenset[IPv6Address]) -> None:
    program = kernel_filter_ipv6(addresses)
    assert all(passes(program, solicitation(address), TO_A_GROUP) for address in addresses)


@given(st.frozensets(NEAR_SIX, max_size=60), NEAR_SIX)
def test_of_a_network_no_other_passes(addresses: frozenset[IPv6Address], asked: IPv6Address) -> None:
    assert passes(kernel_filter_ipv6(addresses), solicitation(asked), TO_A_GROUP) is (asked in addresses)


@given(st.frozensets(SIX, min_size=1, max_size=4), SIX)
def test_of_few_addresses_anywhere_a_strange_one_hardly_passes(
    addresses: frozenset[IPv6Address], asked: IPv6Address
) -> None:
    """Words are looked at one by one: it would have to have one of theirs in each place."""
    words = [{int(address) >> shift & 0xFFFFFFFF for address in addresses} for shift in (96, 64, 32, 0)]
    known = all(int(asked) >> shift & 0xFFFFFFFF in there for shift, there in zip((96, 64, 32, 0), words, strict=True))
    assert passes(kernel_filter_ipv6(addresses), solicitation(asked), TO_A_GROUP) is known


def test_an_advertisement_of_an_address_of_ours_passes_and_of_no_other() -> None:
    ours, other = (ndp.announcement(address, mac=bytes(6), router=True) for address in (OURS_SIX, OURS_SIX + 1))
    assert passes(ONE_SIX, ours, TO_A_GROUP)
    assert not passes(ONE_SIX, other, TO_A_GROUP)


def test_without_an_ipv6_address_nothing_passes() -> None:
    assert not passes(kernel_filter_ipv6(()), solicitation(OURS_SIX), TO_A_GROUP)


@pytest.mark.parametrize(
    ("packet_type", "expected"),
    [(TO_US, True), (TO_ALL, True), (TO_A_GROUP, True), (TO_ANOTHER, False), (FROM_US, False)],
)
def test_solicitations_to_us_or_to_a_group_pass(packet_type: int, expected: bool) -> None:
    assert passes(ONE_SIX, solicitation(OURS_SIX), packet_type) is expected


@pytest.mark.parametrize(
    ("at", "octet"), [(12, 0x08), (20, 0), (20, 44), (20, 17), (21, 254), (54, 137), (54, 134), (55, 1), (62, 0xFE)]
)
def test_what_is_no_solicitation_for_us_does_not_pass(at: int, octet: int) -> None:
    frame = bytearray(solicitation(OURS_SIX))
    frame[at] = octet
    assert not passes(ONE_SIX, bytes(frame), TO_A_GROUP)


@pytest.mark.parametrize("length", [0, 12, 20, 54, 77])
def test_a_short_solicitation_does_not_pass(length: int) -> None:
    assert not passes(ONE_SIX, solicitation(OURS_SIX)[:length], TO_A_GROUP)


def test_scattered_ipv6_addresses_keep_the_program_short() -> None:
    scattered = (IPv6Address(number * (3 << 100 | 5 << 64 | 7 << 32 | 9) % (1 << 128)) for number in range(10_000))
    program = kernel_filter_ipv6(scattered)
    assert len(program) < 200
    assert all(0 <= jump <= 255 for step in program for jump in (step.if_true, step.if_false))


def test_filters_of_both_families_are_deaf_to_the_other() -> None:
    assert not passes(ONE, solicitation(OURS_SIX), TO_US)
    assert not passes(ONE_SIX, question(OURS), TO_US)


# Answers to questions of our own.

REPLY = arp.reply(
    arp.Request(bytes.fromhex("02005e005301"), IPv4Address("192.0.2.11"), OURS), mac=bytes.fromhex("02005e005302")
)


@given(NEAR, st.integers(-1, 301))
def test_answers_of_those_who_were_asked_pass_and_of_no_others(asked: frozenset[IPv4Address], number: int) -> None:
    by = IPv4Address(0xC0000200 + number)
    frame = REPLY[:28] + by.packed + REPLY[32:]
    covered = any(first <= int(by) <= last for first, last in covering_ranges(map(int, asked), most=bpf.MAX_RANGES))
    assert passes(answers_filter(asked), frame, TO_US) is covered


@pytest.mark.parametrize("packet_type", [TO_ALL, TO_A_GROUP, TO_ANOTHER, FROM_US])
def test_an_answer_that_is_not_for_us_alone_does_not_pass(packet_type: int) -> None:
    assert not passes(answers_filter({OURS}), REPLY, packet_type)


@pytest.mark.parametrize(("at", "octet"), [(12, 0x86), (15, 6), (16, 0x86), (18, 8), (19, 16), (21, 1), (21, 3)])
def test_what_is_no_answer_does_not_pass(at: int, octet: int) -> None:
    frame = bytearray(REPLY)
    frame[at] = octet
    assert not passes(answers_filter({OURS}), bytes(frame), TO_US)


def test_where_nobody_is_asked_nothing_passes() -> None:
    assert not passes(answers_filter(()), REPLY, TO_US)
