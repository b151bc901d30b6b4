"""Heartbeats in both directions, and everything that is none."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model.layer2 import Profile
from openelb.wire import heartbeat
from openelb.wire.heartbeat import Beat, Flag, Key, Message, Refusal, Sender, State, Verdict, seal, told, unseal
from tests.unit.builders import address

CURRENT, PREVIOUS, STRANGE = (Key.of(word * 8) for word in (b"current ", b"previous", b"strange "))
SENDER = Sender("n1", "pod-1", 0x0102030405060708, 9)
MESSAGES = (
    Beat(SENDER, Flag.CANDIDATE | Flag.ANSWER, (10, 11), 12),
    State(SENDER, 12, 1, 3, b"a piece"),
    Verdict(SENDER, "n2", 13, frozenset({Profile.DEFAULT})),
)

names = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=60)
numbers = st.integers(0, 2**64 - 1)
senders = st.builds(Sender, names, names, numbers, numbers)
messages = st.one_of(
    st.builds(Beat, senders, st.sampled_from(Flag), st.tuples(numbers, numbers), st.integers(0, 2**32 - 1)),
    st.builds(
        State,
        senders,
        st.integers(0, 2**32 - 1),
        st.integers(0, 4),
        st.integers(5, heartbeat.MOST_PIECES),
        st.binary(max_size=heartbeat.PIECE),
    ),
    st.builds(Verdict, senders, names, numbers, st.frozensets(st.sampled_from(Profile))),
)


def test_a_beat_has_these_octets() -> None:
    datagram = seal(MESSAGES[0], [CURRENT])
    assert datagram[:3] == b"\x01\x01\x01"
    assert datagram[3:7] == CURRENT.name
    assert datagram[23:] == bytes.fromhex(
        "0102030405060708 0000000000000009 026e31 05706f642d31 05 000000000000000a 000000000000000b 0000000c"
    )


@given(messages)
def test_what_was_sealed_is_unsealed(message: Message) -> None:
    assert unseal(seal(message, [CURRENT]), [CURRENT]) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_key_follows_another_without_a_moment_in_which_two_nodes_share_none(message: Message) -> None:
    stages = [[PREVIOUS], [CURRENT, PREVIOUS], [CURRENT]]
    for one, other in [(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)]:
        assert unseal(seal(message, stages[one]), stages[other]) == message


@given(messages)
def test_without_the_key_nothing_can_be_said(message: Message) -> None:
    assert unseal(seal(message, [STRANGE]), [CURRENT, PREVIOUS]) is Refusal.UNKNOWN_KEY
    forged = Key(CURRENT.name, STRANGE.secret)
    assert unseal(seal(message, [forged]), [CURRENT]) is Refusal.FORGED


@given(messages, st.data())
def test_an_octet_that_was_changed_is_found_out(message: Message, data: st.DataObject) -> None:
    datagram = bytearray(seal(message, [CURRENT]))
    datagram[data.draw(st.integers(0, len(datagram) - 1))] ^= data.draw(st.integers(1, 255))
    assert isinstance(unseal(bytes(datagram), [CURRENT]), Refusal)


@given(st.one_of(st.binary(max_size=200), st.binary(min_size=1390, max_size=1500)))
def test_whatever_comes_is_refused_and_raises_nothing(datagram: bytes) -> None:
    assert isinstance(unseal(datagram, [CURRENT, PREVIOUS]), Refusal)


@given(st.integers(0, 255), st.binary(max_size=300))
def test_what_is_genuine_and_makes_no_sense_raises_nothing(kind: int, content: bytes) -> None:
    tag = heartbeat._tag(CURRENT, kind, content)
    unseal(struct.pack("!BBB4s16s", 1, kind, 1, CURRENT.name, tag) + content, [CURRENT])


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (b"", Refusal.SHORT),
        (b"\x02" + seal(MESSAGES[0], [CURRENT])[1:], Refusal.VERSION),
        (b"\x01\x01\x00" + bytes(100), Refusal.UNREADABLE),
        (b"\x01\x01\x03" + bytes(100), Refusal.UNREADABLE),
        (bytes([1, 1, 1]) + bytes(2000), Refusal.UNREADABLE),
    ],
)
def test_a_refusal_says_why(datagram: bytes, why: Refusal) -> None:
    assert unseal(datagram, [CURRENT]) is why


def test_a_short_key_is_none() -> None:
    with pytest.raises(ValueError, match="a heartbeat key of 3 octets is too short: 16 is the least"):
        Key.of(b"abc")


@given(
    st.frozensets(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), max_size=50),
    st.lists(st.text(max_size=15), max_size=5),
)
def test_what_is_told_is_understood(holds: frozenset[Any], links: list[str]) -> None:
    assert heartbeat.understood(told(holds, links)) == (holds, tuple(links))


def test_what_many_thousand_addresses_need_fits_into_datagrams() -> None:
    holds = frozenset(address(f"10.{high}.{low}.1") for high in range(200) for low in range(250))
    pieces = told(holds, ["eth0"])
    assert all(
        len(seal(State(SENDER, 1, index, len(pieces), piece), [CURRENT, PREVIOUS])) <= heartbeat.LONGEST
        for index, piece in enumerate(pieces)
    )
    assert heartbeat.understood(pieces) == (holds, ("eth0",))
    with pytest.raises(ValueError, match="more than a node can tell"):
        told(
            holds
            | {address(f"11.{high}.{low}.{last}") for high in range(9) for low in range(250) for last in range(40)},
            [],
        )


@given(st.binary(max_size=200))
def test_what_is_told_badly_is_not_understood_and_raises_nothing(octets: bytes) -> None:
    heartbeat.understood([octets])
