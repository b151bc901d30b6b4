"""The program by which the kernel answers ARP: how it is put together. What it does is tried in the kernel itself."""

from hashlib import sha256

from openelb.wire.ebpf import KEY, TIME, VALUE, Step, answers, assembled

JUMP, MOVE, EXIT = 0x15, 0xB7, 0x95


def test_an_instruction_has_eight_octets() -> None:
    assert assembled([Step(MOVE, 3, 0, 0, -1), Step(0x6B, 10, 4, -8)]) == bytes.fromhex(
        "b7 03 0000 ffffffff 6b 4a f8ff 00000000"
    )


def test_jumps_are_counted_from_the_next_instruction_and_labels_take_no_room() -> None:
    steps = [
        Step(JUMP, 1, goto="end"),
        Step(0, label="here"),
        Step(MOVE, 0),
        Step(JUMP, 1, goto="here"),
        Step(0, label="end"),
        Step(EXIT),
    ]
    program = assembled(steps)
    offsets = [int.from_bytes(program[at + 2 : at + 4], "little", signed=True) for at in range(0, len(program), 8)]
    assert offsets == [2, 0, -2, 0]


def test_the_program_names_its_maps_and_differs_in_nothing_else() -> None:
    one, other = answers(3, 4, 5), answers(6, 7, 8)
    differing = [at // 8 for at in range(0, len(one), 8) if one[at : at + 8] != other[at : at + 8]]
    assert [(one[8 * at], one[8 * at + 4], other[8 * at + 4]) for at in differing] == [
        (0x18, 3, 6),
        (0x18, 4, 7),
        (0x18, 5, 8),
    ]


def test_the_program_is_the_one_that_was_tried() -> None:
    """On a kernel: `tests/lab/layer2/test_kernel.py`. After a change, run that before writing the new sum here."""
    program = answers(3, 4, 5)
    assert len(program) == 8 * 115
    assert sha256(program).hexdigest()[:16] == "aed6615fa3aa0854"


def test_what_the_maps_hold_has_the_sizes_that_the_program_reads() -> None:
    assert (KEY.size, VALUE.size, TIME.size) == (4, 8, 8)
    assert VALUE.pack(bytes.fromhex("02005e005301"), 3)[6:] in (b"\x03\x00", b"\x00\x03")
