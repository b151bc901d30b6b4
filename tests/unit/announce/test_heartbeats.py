"""The thread that beats and listens, on sockets of loopback; and what it makes of forged and broken datagrams."""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from openelb.announce.heartbeats import MOST_A_SECOND, Heartbeats
from openelb.announce.standings import Orders
from openelb.announce.vigil import Vigil
from openelb.host.datagrams import DatagramPort
from openelb.plan.heard import Standing, Way
from openelb.wire.heartbeat import Beat, Flag, Key, Refusal, Sender, seal, told

KEY, OTHER = Key.of(b"k" * 16), Key.of(b"o" * 16)


def free_port() -> int:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


class Lone(DatagramPort):
    """As a port, of one address of loopback: two speakers of one host."""

    def __init__(self, number: int, address: str) -> None:
        super().__init__(number)
        self._address = address

    def _bound(self, family: int, wildcard: str) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError("IPv4 is enough here")
        return super()._bound(family, self._address)


@contextmanager
def speaker(
    node: str, number: int, *keys: Key, may_beat: Callable[[], bool] = lambda: True, nonce: int = 0
) -> Iterator[Heartbeats]:
    address = {"a": "127.0.0.1", "b": "127.0.0.2"}[node]
    beating = Heartbeats(
        lambda: Lone(number, address),
        lambda now: Vigil(node, f"pod-{node}", nonce or ord(node), now=now),
        may_beat=may_beat,
        changed=lambda: None,
    )
    beating.follow(orders())
    beating.use(keys or (KEY,))
    try:
        yield beating
    finally:
        beating.stop()


def orders(**changes: object) -> Orders:
    peers = {"a": (Way("lo", "127.0.0.1"),), "b": (Way("lo", "127.0.0.2"),)}
    made = Orders(
        peers, settled=True, candidate=True, version=1, pieces=told(frozenset(), ["lo"]), knows=frozenset({"a", "b"})
    )
    return replace(made, **changes)


def standing(of: Heartbeats, node: str) -> Standing:
    return of.view.standings.get(node, Standing()) if of.view else Standing()


def test_two_speakers_hear_each_other_and_know_when_one_s_process_has_ended() -> None:
    number = free_port()
    with speaker("a", number) as one:
        with speaker("b", number) as other:
            until(lambda: standing(one, "b").candidate and standing(other, "a").candidate)
            until(lambda: bool(one.view and one.view.joined))
        until(lambda: standing(one, "b").gone_since is not None)
        assert not standing(one, "b").silent
        with speaker("b", number, nonce=99):
            until(lambda: standing(one, "b").known and standing(one, "b").gone_since is None)


def test_who_makes_no_progress_says_nothing() -> None:
    number, well = free_port(), [True]
    with speaker("a", number) as one, speaker("b", number, may_beat=lambda: well[0]):
        until(lambda: standing(one, "b").candidate)
        well[0] = False
        until(lambda: bool(standing(one, "b").silent))


def test_keys_are_followed_by_others_without_an_interruption() -> None:
    number = free_port()
    with speaker("a", number) as one, speaker("b", number) as other:
        until(lambda: standing(one, "b").candidate and standing(other, "a").candidate)
        for keys in ((OTHER, KEY), (OTHER,)):
            one.use(keys)
            other.use((OTHER, KEY))
        other.use((OTHER,))
        time.sleep(0.6)
        assert one.view is not None
        assert other.view is not None
        assert not standing(one, "b").silent
        assert one.view.returns == other.view.returns == 0


def test_who_has_another_key_is_not_heard() -> None:
    number = free_port()
    with speaker("a", number) as one, speaker("b", number, OTHER):
        until(lambda: one.counts.refused[Refusal.UNKNOWN_KEY] > 3)
        assert not standing(one, "b").known


class Script:
    """As a port that brings these datagrams from the address of node `b`, and nothing (None) in between."""

    def __init__(self, *datagrams: bytes | None) -> None:
        self.datagrams = deque(datagrams)
        self._bell = threading.Event()

    def open(self) -> None:
        pass

    def receive(self) -> tuple[bytes, str] | None:
        found = self.datagrams.popleft() if self.datagrams else None
        return (found, "127.0.0.2") if found is not None else None

    def refused(self) -> str | None:
        return None

    def send(self, address: str, datagram: bytes) -> None:
        pass

    def wait(self, timeout: float) -> None:
        if not self.datagrams:
            self._bell.wait(10.0)

    def wake(self) -> None:
        self._bell.set()

    def close(self) -> None:
        pass


@contextmanager
def listening(script: Script) -> Iterator[Heartbeats]:
    """Node `a`, in one and the same moment, when it has read all of that."""
    beating = Heartbeats(
        lambda: script,
        lambda now: Vigil("a", "pod-a", 1, now=now),
        may_beat=lambda: True,
        changed=lambda: None,
        clock=lambda: 0.0,
    )
    beating.follow(orders())
    beating.use((KEY,))
    try:
        until(lambda: not script.datagrams)
        yield beating
    finally:
        beating.stop()


def of_b(counter: int, nonce: int = 7, key: Key = KEY) -> bytes:
    return seal(Beat(Sender("b", "pod-b", nonce, counter), Flag.CANDIDATE, (1, 0), version=counter), [key])


FORGER = Key(KEY.name, OTHER.secret)


@pytest.mark.parametrize("nonce", [7, 8])
def test_what_is_genuine_is_found_among_what_is_forged_with_the_number_of_its_sender_or_another(nonce: int) -> None:
    forged = [of_b(99, nonce, FORGER)] * 3000
    with listening(Script(None, of_b(1), *forged, None, of_b(2, nonce), None)) as beating:
        until(lambda: beating.counts.received == 3002)
        until(lambda: beating.counts.refused[Refusal.FORGED] == 3000)
        assert not beating.counts.refused[Refusal.FLOOD]
        assert not beating.counts.refused[Refusal.REPLAYED]


def test_more_than_anybody_needs_to_send_is_not_looked_at() -> None:
    with listening(Script(*[of_b(1, 7, FORGER)] * (MOST_A_SECOND + 20))) as beating:
        until(lambda: beating.counts.refused[Refusal.FLOOD] == 20)
        assert beating.counts.refused[Refusal.FORGED] == MOST_A_SECOND


def test_what_is_forged_changes_nothing() -> None:
    number, forged = free_port(), of_b(5, 7, FORGER)
    for source, refusal in (("127.0.0.2", Refusal.FORGED), ("127.0.0.3", Refusal.UNKNOWN_SENDER)):
        with speaker("a", number) as one, closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
            until(lambda one=one: one.view is not None)
            stranger.bind((source, 0))
            stranger.sendto(forged, ("127.0.0.1", number))
            until(lambda one=one, refusal=refusal: one.counts.refused[refusal] > 0)
            assert not standing(one, "b").known


def test_a_port_that_is_taken_is_told_with_the_remedy_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    number = free_port()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind(("127.0.0.1", number))
        with speaker("a", number) as one:
            until(lambda: any("is in use by another program" in message for message in caplog.messages))
            assert "OPENELB_HEARTBEAT_PORT" in caplog.text
            assert one.view is None
            taken.close()
            until(lambda: one.view is not None)
