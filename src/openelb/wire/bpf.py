"""The kernel's filter for a packet socket, in classic BPF: only questions for our addresses, and others' claims to them, wake
the process.

Knows the program, not how it is attached. Source: the kernel's Documentation/networking/filter.rst.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from typing import NamedTuple

from openelb.wire import arp, ndp

# linux/bpf_common.h, classes and modes combined
LOAD_WORD, LOAD_HALF = 0x20, 0x28
IF_EQUAL, IF_GREATER, IF_GREATER_OR_EQUAL = 0x15, 0x25, 0x35
RETURN = 0x06

PACKET_TYPE = 0xFFFFF000 + 4
"""Where a filter reads the kernel's judgement of whom a frame is for (linux/filter.h: SKF_AD_OFF, SKF_AD_PKTTYPE)."""
TO_US, TO_ALL, TO_A_GROUP = 0, 1, 2
"""PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST; above are other hosts and our own frames (linux/if_packet.h)."""

MAX_RANGES = 64
"""Jumps reach 255 instructions and a range takes two, so a section has room for about 120; 64 keeps it short to run."""

MAX_RANGES_IPV6 = (8, 8, 8, MAX_RANGES)
"""For each of the four words of an IPv6 address: the addresses of a network differ in the last."""

WHOLE_FRAME = 0xFFFFFFFF


class Instruction(NamedTuple):
    """`struct sock_filter`. Jumps are counted from the next instruction."""

    code: int
    if_true: int
    if_false: int
    value: int


_NOTHING = (Instruction(RETURN, 0, 0, 0),)


class Goto(Enum):
    """Where a comparison leads."""

    NEXT = auto()
    DROP = auto()
    ACCEPT = auto()
    ON = auto()
    """To the next section."""


class _Step(NamedTuple):
    """An instruction; a comparison leads to an end of the program, or so many instructions further."""

    code: int
    value: int
    if_true: Goto | int = Goto.NEXT
    if_false: Goto | int = Goto.NEXT


_OPERATION, _ARP_SENDER, _ARP_TARGET = 20, 28, 38
"""Where an ARP packet says whether it is a request or a reply, whose it is, and about whom."""

# Offsets into an Ethernet frame. A load beyond the end of the frame drops it.
_IS_ARP = (
    # The tag of a VLAN that has no interface here is gone when the filter runs, but the frame counts as another host's:
    # an answer would go to the wrong LAN.
    _Step(LOAD_WORD, PACKET_TYPE),
    _Step(IF_GREATER, TO_ALL, if_true=Goto.DROP),
    _Step(LOAD_HALF, 12),
    _Step(IF_EQUAL, arp.ETHERTYPE, if_false=Goto.DROP),
    _Step(LOAD_WORD, 14),
    _Step(IF_EQUAL, 0x0001_0800, if_false=Goto.DROP),  # hardware Ethernet, protocol IPv4
    _Step(LOAD_HALF, 18),
    _Step(IF_EQUAL, 0x0604, if_false=Goto.DROP),  # the lengths of their addresses
    _Step(LOAD_WORD, _ARP_TARGET),  # so that it is there
    _Step(LOAD_HALF, _OPERATION),
    _Step(IF_EQUAL, arp.Operation.REQUEST, if_true=Goto.ON),
    _Step(IF_EQUAL, arp.Operation.REPLY, if_true=Goto.ON),
)
_IS_AN_ANSWER_TO_US = (
    _Step(LOAD_WORD, PACKET_TYPE),
    _Step(IF_EQUAL, TO_US, if_false=Goto.DROP),
    _Step(LOAD_HALF, _OPERATION),
    _Step(IF_EQUAL, arp.Operation.REPLY, if_false=Goto.DROP),
)
_SENDER = (_Step(LOAD_WORD, _ARP_SENDER),)  # the ranges follow
_TARGET_OF_A_REQUEST = (
    _Step(LOAD_HALF, _OPERATION),
    _Step(IF_EQUAL, arp.Operation.REQUEST, if_false=Goto.DROP),
    _Step(LOAD_WORD, _ARP_TARGET),  # the ranges follow
)
_IS_DISCOVERY = (
    _Step(LOAD_WORD, PACKET_TYPE),  # as above
    _Step(IF_GREATER, TO_A_GROUP, if_true=Goto.DROP),
    _Step(LOAD_HALF, 12),
    _Step(IF_EQUAL, ndp.ETHERTYPE, if_false=Goto.DROP),
    _Step(LOAD_HALF, 20),
    _Step(IF_EQUAL, ndp.ICMPV6 << 8 | ndp.HOP_LIMIT, if_false=Goto.DROP),
    _Step(LOAD_HALF, 54),
    _Step(IF_EQUAL, ndp.SOLICITATION << 8, if_true=1),
    _Step(IF_EQUAL, ndp.ADVERTISEMENT << 8, if_false=Goto.DROP),
)
_TARGET = 62
"""Where a solicitation has the address that is asked for, and an advertisement that of its sender."""


def kernel_filter(addresses: Iterable[IPv4Address], others: Iterable[IPv4Address] = ()) -> tuple[Instruction, ...]:
    """The program that lets through ARP requests for these addresses, and all that is said in their name or in that of the
    `others`. It drops every frame when there are none.

    Of scattered addresses it may let some others pass, which lie between two that are near each other.
    """
    asked = set(map(int, addresses))
    named = asked.union(map(int, others))
    if not named:
        return _NOTHING
    senders, targets = (covering_ranges(each, most=MAX_RANGES) for each in (named, asked))
    return _assembled(
        _IS_ARP,
        [*_SENDER, *_one_of(senders, missed=Goto.ON)],
        [*_TARGET_OF_A_REQUEST, *_one_of(targets, missed=Goto.DROP)],
    )


def answers_filter(addresses: Iterable[IPv4Address]) -> tuple[Instruction, ...]:
    """The program that lets through ARP replies to this host in which one of these addresses is the sender's."""
    senders = covering_ranges(map(int, addresses), most=MAX_RANGES)
    if not senders:
        return _NOTHING
    return _assembled(_IS_ARP, [*_IS_AN_ANSWER_TO_US, *_SENDER, *_one_of(senders, missed=Goto.DROP)])


def _one_of(ranges: Iterable[tuple[int, int]], *, missed: Goto) -> Iterator[_Step]:
    """Accept what was loaded where it lies in one of the ranges, which are in order."""
    for first, last in ranges:
        yield _Step(IF_GREATER_OR_EQUAL, first, if_false=missed)
        yield _Step(IF_GREATER, last, if_false=Goto.ACCEPT)
    yield _Step(IF_GREATER_OR_EQUAL, 0, if_true=missed)


def kernel_filter_ipv6(addresses: Iterable[IPv6Address]) -> tuple[Instruction, ...]:
    """The same for neighbour solicitations and advertisements. An address passes when each of its four words lies in a range of theirs."""
    wanted = set(map(int, addresses))
    if not wanted:
        return _NOTHING
    steps = list(_IS_DISCOVERY)
    for place, most in enumerate(MAX_RANGES_IPV6):
        ranges = covering_ranges((number >> 32 * (3 - place) & 0xFFFFFFFF for number in wanted), most=most)
        steps.append(_Step(LOAD_WORD, _TARGET + 4 * place))
        for behind, (first, last) in zip(reversed(range(len(ranges))), ranges, strict=True):
            # To the next word, over the two steps of each range behind this one.
            found = Goto.ACCEPT if place == len(MAX_RANGES_IPV6) - 1 else 2 * behind
            missed = Goto.NEXT if behind else Goto.DROP
            steps.append(_Step(IF_GREATER_OR_EQUAL, first, if_false=Goto.DROP))
            steps.append(_Step(IF_GREATER, last, if_true=missed, if_false=found))
    return _assembled(steps)


def covering_ranges(addresses: Iterable[int], *, most: int) -> list[tuple[int, int]]:
    """At most so many ranges (first, last), in order, that hold all these numbers and the fewest others."""
    numbers = sorted(set(addresses))
    if not numbers:
        return []
    gaps = [(before, after) for before, after in pairwise(numbers) if after - before > 1]
    widest_first = sorted(gaps, key=lambda gap: gap[0] - gap[1])
    left_out = sorted(widest_first[: most - 1])
    firsts = [numbers[0], *(after for _, after in left_out)]
    lasts = [*(before for before, _ in left_out), numbers[-1]]
    return list(zip(firsts, lasts, strict=True))


def _assembled(*sections: Sequence[_Step]) -> tuple[Instruction, ...]:
    """The sections, each with its two ends: who comes to its last step without a decision is dropped."""
    return tuple(instruction for steps in sections for instruction in _section(steps))


def _section(steps: Sequence[_Step]) -> Iterator[Instruction]:
    def distance(position: int, goto: Goto | int) -> int:
        if isinstance(goto, int):
            return goto
        following = len(steps) - position - 1
        return {Goto.NEXT: 0, Goto.DROP: following, Goto.ACCEPT: following + 1, Goto.ON: following + 2}[goto]

    for at, step in enumerate(steps):
        yield Instruction(step.code, distance(at, step.if_true), distance(at, step.if_false), step.value)
    yield Instruction(RETURN, 0, 0, 0)
    yield Instruction(RETURN, 0, 0, WHOLE_FRAME)
