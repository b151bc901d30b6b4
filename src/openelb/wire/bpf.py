"""The kernel's filter for a packet socket, in classic BPF: only questions for our addresses wake the process.

Knows the program, not how it is attached. Source: the kernel's Documentation/networking/filter.rst.
"""

from collections.abc import Iterable, Sequence
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
TO_ALL, TO_A_GROUP = 1, 2
"""PACKET_BROADCAST, PACKET_MULTICAST. 0 is PACKET_HOST; above are other hosts and our own frames (linux/if_packet.h)."""

MAX_RANGES = 64
"""Jumps reach 255 instructions and a range takes two, so one program has room for about 120; 64 keeps it short to run."""

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


class _Step(NamedTuple):
    """An instruction; a comparison leads to an end of the program, or so many instructions further."""

    code: int
    value: int
    if_true: Goto | int = Goto.NEXT
    if_false: Goto | int = Goto.NEXT


# Offsets into an Ethernet frame. A load beyond the end of the frame drops it.
_IS_A_QUESTION = (
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
    _Step(LOAD_HALF, 20),
    _Step(IF_EQUAL, arp.Operation.REQUEST, if_false=Goto.DROP),
    _Step(LOAD_WORD, 38),  # the target address; the ranges follow
)
_IS_A_SOLICITATION = (
    _Step(LOAD_WORD, PACKET_TYPE),  # as above
    _Step(IF_GREATER, TO_A_GROUP, if_true=Goto.DROP),
    _Step(LOAD_HALF, 12),
    _Step(IF_EQUAL, ndp.ETHERTYPE, if_false=Goto.DROP),
    _Step(LOAD_HALF, 20),
    _Step(IF_EQUAL, ndp.ICMPV6 << 8 | ndp.HOP_LIMIT, if_false=Goto.DROP),
    _Step(LOAD_HALF, 54),
    _Step(IF_EQUAL, ndp.SOLICITATION << 8, if_false=Goto.DROP),
)
_TARGET = 62
"""Where a solicitation has the address that is asked for."""


def kernel_filter(addresses: Iterable[IPv4Address]) -> tuple[Instruction, ...]:
    """The program that lets through ARP requests for these addresses, and drops every frame when there are none.

    Of scattered addresses it may let some others pass, which lie between two that are near each other.
    """
    ranges = covering_ranges(map(int, addresses), most=MAX_RANGES)
    if not ranges:
        return _NOTHING
    steps = list(_IS_A_QUESTION)
    for first, last in ranges:
        steps.append(_Step(IF_GREATER_OR_EQUAL, first, if_false=Goto.DROP))
        steps.append(_Step(IF_GREATER, last, if_false=Goto.ACCEPT))
    return _assembled(steps)


def kernel_filter_ipv6(addresses: Iterable[IPv6Address]) -> tuple[Instruction, ...]:
    """The same for neighbour solicitations. An address passes when each of its four words lies in a range of theirs."""
    wanted = set(map(int, addresses))
    if not wanted:
        return _NOTHING
    steps = list(_IS_A_SOLICITATION)
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


def _assembled(steps: Sequence[_Step]) -> tuple[Instruction, ...]:
    """The steps, then the two ends: who comes to the last step without a decision is dropped."""

    def distance(position: int, goto: Goto | int) -> int:
        if isinstance(goto, int):
            return goto
        following = len(steps) - position - 1
        return {Goto.NEXT: 0, Goto.DROP: following, Goto.ACCEPT: following + 1}[goto]

    body = (
        Instruction(step.code, distance(at, step.if_true), distance(at, step.if_false), step.value)
        for at, step in enumerate(steps)
    )
    return (*body, Instruction(RETURN, 0, 0, 0), Instruction(RETURN, 0, 0, WHOLE_FRAME))
