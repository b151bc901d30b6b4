"""Reading and writing of ARP frames by the lab's own observer."""

import pytest

from lab import arp

MAC = bytes.fromhex("02005e005301")


def reply(*, mac: bytes = MAC, address: bytes = bytes([10, 79, 0, 200]), operation: int = 2) -> bytes:
    return (
        bytes.fromhex("02005e005302")
        + mac
        + bytes.fromhex("0806 0001 0800 06 04")
        + operation.to_bytes(2, "big")
        + mac
        + address
        + bytes(10)
    )


def test_a_question_is_a_broadcast_of_42_bytes() -> None:
    asked = arp.question("10.79.0.200", sender_mac=MAC, sender="10.79.0.100")
    assert asked == bytes.fromhex(
        "ffffffffffff 02005e005301 0806 0001 0800 06 04 0001 02005e005301 0a4f0064 000000000000 0a4f00c8"
    )


def test_a_probe_tells_nobody_an_address() -> None:
    assert arp.question("10.79.0.200", sender_mac=MAC)[28:32] == bytes(4)


def test_an_answer_gives_the_mac_it_claims() -> None:
    assert arp.answering_mac(reply(), "10.79.0.200") == "02:00:5e:00:53:01"


def test_padding_after_an_answer_is_ignored() -> None:
    assert arp.answering_mac(reply() + bytes(18), "10.79.0.200") == "02:00:5e:00:53:01"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        reply()[:-1],
        reply(operation=1),
        reply(address=bytes([10, 79, 0, 201])),
        reply()[:12] + b"\x86\xdd" + reply()[14:],
    ],
    ids=["empty", "cut short", "a question", "another address", "not ARP"],
)
def test_other_frames_are_no_answer(frame: bytes) -> None:
    assert arp.answering_mac(frame, "10.79.0.200") is None
