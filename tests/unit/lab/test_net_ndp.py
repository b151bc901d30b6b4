"""Reading and writing of neighbour discovery by the lab's own observer."""

import pytest

from lab import ndp

MAC = bytes.fromhex("02005e005301")
ANSWER = bytes.fromhex(
    "02005e005302 02005e005301 86dd 60000000 0020 3a ff fd000079000000000000000000000200"
    "fd000079000000000000000000000100 88 00 6534 60000000 fd000079000000000000000000000200 02 01 02005e005301"
)


def changed(at: int, octet: int) -> bytes:
    frame = bytearray(ANSWER)
    frame[at] = octet
    return bytes(frame)


def test_a_question_goes_to_the_group_of_the_address() -> None:
    asked = ndp.question("fd00:79::200", sender_mac=MAC, sender="fd00:79::100")
    assert asked == bytes.fromhex(
        "3333ff000200 02005e005301 86dd 60000000 0020 3a ff fd000079000000000000000000000100"
        "ff0200000000000000000001ff000200 87 00 c6a9 00000000 fd000079000000000000000000000200 01 01 02005e005301"
    )


def test_a_probe_tells_nobody_an_address() -> None:
    probe = ndp.question("fd00:79::200", sender_mac=MAC)
    assert (probe[22:38], len(probe)) == (bytes(16), 78)


def test_an_answer_gives_the_mac_it_claims() -> None:
    assert ndp.answering_mac(ANSWER, "fd00:79::200") == "02:00:5e:00:53:01"


def test_padding_after_an_answer_is_ignored() -> None:
    assert ndp.answering_mac(ANSWER + bytes(18), "fd00:79::200") == "02:00:5e:00:53:01"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        ANSWER[:-1],
        changed(12, 0x08),
        changed(20, 17),
        changed(21, 254),
        changed(54, 135),
        changed(77, 1),
        changed(78, 1),
        changed(57, 0),
    ],
    ids=["empty", "cut short", "not IPv6", "UDP", "from afar", "a question", "another", "no MAC", "bad checksum"],
)
def test_other_frames_are_no_answer(frame: bytes) -> None:
    assert ndp.answering_mac(frame, "fd00:79::200") is None
