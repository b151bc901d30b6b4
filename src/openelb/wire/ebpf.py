"""The program by which the kernel answers ARP itself, at the ingress of a link (tcx), put together here by hand.

It answers what `wire.arp` would answer, for the addresses in a map, until the deadline that goes with them; whatever else comes
it passes on as it is. Maps, loading and links are not known here. Sources: the kernel's
Documentation/bpf/standardization/instruction-set.rst; linux/bpf.h (`struct __sk_buff`, helpers, return values of tcx).
"""

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from openelb.wire import arp

KEY = struct.Struct("!4s")
"""Of the map of addresses: the address, as it is in a frame."""

VALUE = struct.Struct("=6sH")
"""Of the map of addresses: the MAC to answer with, and which deadline counts."""

TIME = struct.Struct("=Q")
"""Of the maps of deadlines and of counts: nanoseconds of CLOCK_BOOTTIME, and how many questions were answered."""

DEADLINES = 64
"""So many deadlines there are: one for each number of seconds that a pool may have its addresses wait for a restart."""

REDIRECT, NEXT = 7, -1
"""How the program ends: the frame, now the answer, leaves by the link it came by; or it is passed on (TCX_NEXT)."""


class Register(IntEnum):
    """R0 is what a helper returns, R1 to R5 what it is given; R6 to R9 stay as they are; R10 is the end of the stack."""

    R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, STACK = range(11)


R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, STACK = Register

# Opcodes: 64-bit arithmetic and jumps, and loads and stores of 1, 2, 4 and 8 octets.
_MOVE, _MOVE_NUMBER, _ADD_NUMBER, _AND_NUMBER, _OR = 0xBF, 0xB7, 0x07, 0x57, 0x4F
_LOAD = {1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}
_STORE = {2: 0x6B, 4: 0x63}
_STORE_NUMBER = {2: 0x6A}
_ATOMIC_ADD, _LOAD_MAP, _CALL, _EXIT, _GOTO = 0xDB, 0x18, 0x85, 0x95, 0x05
_IF_ABOVE, _IF_AT_LEAST, _IF_NOT_EQUAL = 0x2D, 0x3D, 0x5D
_IF_ABOVE_NUMBER, _IF_EQUAL_NUMBER, _IF_NOT_EQUAL_NUMBER = 0x25, 0x15, 0x55
_A_MAP, _ITS_FIRST_VALUE = 1, 2  # what the number of a _LOAD_MAP stands for

# Helpers of the kernel, by their numbers.
_MAP_LOOKUP, _VLAN_POP, _REDIRECT, _BOOT_TIME = 1, 19, 23, 125

# Offsets into `struct __sk_buff`.
_PACKET_TYPE, _VLAN_PRESENT, _VLAN_TAG, _INTERFACE, _DATA, _DATA_END = 4, 20, 24, 40, 76, 80
_TO_ALL = 1  # PACKET_BROADCAST; 0 is PACKET_HOST, above are groups, other hosts and our own frames
_VLAN_ID = 0xFFF

# Offsets into a frame: Ethernet, then ARP (RFC 826).
_TO, _FROM, _OPERATION, _SENDER_MAC, _SENDER, _TARGET_MAC, _TARGET, _END = 0, 6, 20, 22, 28, 32, 38, 42
_IS_A_QUESTION = ((12, arp.ETHERTYPE), (14, 1), (16, 0x0800), (18, 0x0604), (_OPERATION, arp.Operation.REQUEST))
_GROUP_BIT = 0x01

# What is on the stack, from its end.
_ASKED, _WHICH = -8, -16

_INSTRUCTION = struct.Struct("<BBhi")


class Step(NamedTuple):
    """`struct bpf_insn`. A jump leads to the label `goto`; a label is a step of its own, and no instruction."""

    code: int
    target: int = 0
    source: int = 0
    offset: int = 0
    number: int = 0
    goto: str = ""
    label: str = ""


def answers(addresses: int, deadlines: int, counts: int) -> bytes:
    """The program, for maps with these descriptors."""
    return assembled(
        [
            Step(_MOVE, R6, R1),
            *_frame(),
            *_is_for_this_host(),
            *_is_a_question(),
            *_comes_from_a_host(_FROM),
            *_comes_from_a_host(_SENDER_MAC),
            *_asks_for_another(),
            *_is_ours(addresses),
            *_is_in_time(deadlines),
            *_without_its_priority(),
            *_turned_round(),
            *_counted(counts),
            Step(_LOAD[4], R1, R6, _INTERFACE),
            Step(_MOVE_NUMBER, R2),
            Step(_CALL, number=_REDIRECT),
            Step(_EXIT),
            Step(0, label="pass"),
            Step(_MOVE_NUMBER, R0, number=NEXT),
            Step(_EXIT),
        ]
    )


def assembled(steps: Iterable[Step]) -> bytes:
    """The instructions, with each jump counted from the instruction after it."""
    instructions: list[Step] = []
    labels: dict[str, int] = {}
    for step in steps:
        if step.label:
            labels[step.label] = len(instructions)
        else:
            instructions.append(step)
    return b"".join(
        _INSTRUCTION.pack(
            step.code,
            step.target | step.source << 4,
            labels[step.goto] - place - 1 if step.goto else step.offset,
            step.number,
        )
        for place, step in enumerate(instructions)
    )


def _frame() -> list[Step]:
    """R7 is where the frame begins; it is long enough."""
    return [
        Step(_LOAD[4], R7, R6, _DATA),
        Step(_LOAD[4], R2, R6, _DATA_END),
        Step(_MOVE, R1, R7),
        Step(_ADD_NUMBER, R1, number=_END),
        Step(_IF_ABOVE, R1, R2, goto="pass"),
    ]


def _is_for_this_host() -> list[Step]:
    """Or for all; and it is of this LAN: a tag that says another one has not been looked at yet."""
    return [
        Step(_LOAD[4], R1, R6, _PACKET_TYPE),
        Step(_IF_ABOVE_NUMBER, R1, number=_TO_ALL, goto="pass"),
        Step(_LOAD[4], R1, R6, _VLAN_PRESENT),
        Step(_IF_EQUAL_NUMBER, R1, goto="untagged"),
        Step(_LOAD[4], R1, R6, _VLAN_TAG),
        Step(_AND_NUMBER, R1, number=_VLAN_ID),
        Step(_IF_NOT_EQUAL_NUMBER, R1, goto="pass"),
        Step(0, label="untagged"),
    ]


def _is_a_question() -> list[Step]:
    return [
        step
        for offset, expected in _IS_A_QUESTION
        for step in (
            Step(_LOAD[2], R1, R7, offset),
            Step(_IF_NOT_EQUAL_NUMBER, R1, number=_network(expected), goto="pass"),
        )
    ]


def _comes_from_a_host(mac: int) -> list[Step]:
    """Answers go to one host: never to a group or to nobody."""
    return [
        Step(_LOAD[2], R1, R7, mac),
        Step(_MOVE, R2, R1),
        Step(_AND_NUMBER, R2, number=_GROUP_BIT),  # the first octet is the low one
        Step(_IF_NOT_EQUAL_NUMBER, R2, goto="pass"),
        Step(_LOAD[2], R2, R7, mac + 2),
        Step(_OR, R1, R2),
        Step(_LOAD[2], R2, R7, mac + 4),
        Step(_OR, R1, R2),
        Step(_IF_EQUAL_NUMBER, R1, goto="pass"),
    ]


def _asks_for_another() -> list[Step]:
    """Who asks for itself announces (RFC 5227, section 3). What is asked for is on the stack afterwards."""
    return [
        Step(_LOAD[2], R3, R7, _TARGET),
        Step(_LOAD[2], R4, R7, _TARGET + 2),
        Step(_STORE[2], STACK, R3, _ASKED),
        Step(_STORE[2], STACK, R4, _ASKED + 2),
        Step(_LOAD[2], R1, R7, _SENDER),
        Step(_IF_NOT_EQUAL, R1, R3, goto="another"),
        Step(_LOAD[2], R1, R7, _SENDER + 2),
        Step(_IF_NOT_EQUAL, R1, R4, goto="another"),
        Step(_GOTO, goto="pass"),
        Step(0, label="another"),
    ]


def _is_ours(addresses: int) -> list[Step]:
    """R8 is where the address's value is."""
    return [*_looked_up(addresses, _ASKED), Step(_MOVE, R8, R0)]


def _is_in_time(deadlines: int) -> list[Step]:
    return [
        Step(_LOAD[2], R1, R8, 6),
        Step(_STORE[4], STACK, R1, _WHICH),
        *_looked_up(deadlines, _WHICH),
        Step(_LOAD[8], R9, R0),
        Step(_CALL, number=_BOOT_TIME),
        Step(_IF_AT_LEAST, R0, R9, goto="pass"),
    ]


def _without_its_priority() -> list[Step]:
    """A tag that says no LAN but a priority would go out with the answer. The frame may lie elsewhere afterwards."""
    return [
        Step(_LOAD[4], R1, R6, _VLAN_PRESENT),
        Step(_IF_EQUAL_NUMBER, R1, goto="without"),
        Step(_MOVE, R1, R6),
        Step(_CALL, number=_VLAN_POP),
        Step(_IF_NOT_EQUAL_NUMBER, R0, goto="pass"),
        Step(0, label="without"),
        *_frame(),
    ]


def _turned_round() -> list[Step]:
    """The frame is the answer: to the asker, from the MAC in the value (RFC 826, "Packet Reception")."""
    steps = []
    for part in (0, 2, 4):
        steps += [
            Step(_LOAD[2], R1, R7, _SENDER_MAC + part),
            Step(_LOAD[2], R2, R8, part),
            Step(_STORE[2], R7, R1, _TO + part),
            Step(_STORE[2], R7, R2, _FROM + part),
            Step(_STORE[2], R7, R2, _SENDER_MAC + part),
            Step(_STORE[2], R7, R1, _TARGET_MAC + part),
        ]
    for part in (0, 2):
        steps += [
            Step(_LOAD[2], R1, R7, _SENDER + part),
            Step(_LOAD[2], R2, STACK, _ASKED + part),
            Step(_STORE[2], R7, R2, _SENDER + part),
            Step(_STORE[2], R7, R1, _TARGET + part),
        ]
    return [*steps, Step(_STORE_NUMBER[2], R7, offset=_OPERATION, number=_network(arp.Operation.REPLY))]


def _counted(counts: int) -> list[Step]:
    return [
        *_map(R1, counts, _ITS_FIRST_VALUE),
        Step(_MOVE_NUMBER, R2, number=1),
        Step(_ATOMIC_ADD, R1, R2),
    ]


def _looked_up(where: int, key: int) -> list[Step]:
    """R0 is where the value is for the key at this place of the stack."""
    return [
        *_map(R1, where, _A_MAP),
        Step(_MOVE, R2, STACK),
        Step(_ADD_NUMBER, R2, number=key),
        Step(_CALL, number=_MAP_LOOKUP),
        Step(_IF_EQUAL_NUMBER, R0, goto="pass"),
    ]


def _map(register: int, descriptor: int, what: int) -> list[Step]:
    """The one instruction of twice the length."""
    return [Step(_LOAD_MAP, register, what, number=descriptor), Step(0)]


def _network(number: int) -> int:
    """How 16 bits of a frame look to a processor that has the low octet first, as all have that are served."""
    return int.from_bytes(number.to_bytes(2, "big"), "little")
