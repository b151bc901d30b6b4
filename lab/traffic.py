"""Traffic that never stops, to addresses that several hosts could take: a warm flow of datagrams, and fresh TCP connections.

Whoever gets it answers: `Echo` listens on every host. So what a client sees depends on its own kernel's neighbour cache, and
on nothing else. All of it runs in threads of the caller; moments are of the monotonic clock, spans in seconds.
"""

import contextlib
import itertools
import selectors
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lab.asking import again_and_again
from lab.network import Host
from lab.wait import WaitError, require, until

UDP_PORT, TCP_PORT = 5000, 5001

LATE = 0.5
"""Seconds after which a datagram that has not come back counts as lost, and a connection that was not accepted as failed. A
SYN that was lost is sent again after one second."""

FLOWS, WARM = 4, 3.0
"""So many flows are begun until one has an echo, each for so many seconds."""

AGES = 10.0
"""Seconds for which no datagram waits: a kernel that looks for a neighbour gives up after three."""

_NUMBER = struct.Struct("!Q")
_PKTINFO = struct.Struct("=I4s4s")  # ip(7): in_pktinfo
_IP_PKTINFO = 8
_RESET = struct.pack("ii", 1, 0)  # socket(7): SO_LINGER, so that no port is kept waiting


@dataclass(frozen=True, slots=True)
class Flow:
    """Datagrams, some `every` so many seconds: when each was sent, and came back."""

    every: float
    sent: list[float] = field(default_factory=list)
    back: dict[int, float] = field(default_factory=dict)
    """By number."""
    unsent: list[str] = field(default_factory=list)
    """Why the kernel did not send one, again and again."""

    def lost(self, moment: float, *, until: float | None = None) -> int:
        """How many of those sent from that moment on have not come back, of those that have had the time `until` now."""
        end = (time.monotonic() if until is None else until) - LATE
        numbers = range(self._first(moment), len(self.sent))
        return sum(number not in self.back for number in numbers if self.sent[number] <= end)

    def gap(self, moment: float, *, until: float | None = None) -> float:
        """The longest time without an echo from that moment `until` now, beyond the time between two datagrams."""
        end = time.monotonic() if until is None else until
        arrivals = sorted(at for _, at in self._echoes(moment - AGES) if moment <= at <= end)
        spans = (later - earlier for earlier, later in itertools.pairwise([moment, *arrivals, end]))
        return max(0.0, max(spans) - self.every)

    def runs(self, moment: float) -> None:
        """Look whether datagrams that were sent after the moment come back. Raises NotYetError."""
        require(self._echoes(moment), "no datagram comes back")

    def _echoes(self, moment: float) -> list[tuple[int, float]]:
        """Of those sent from that moment on. The dictionary grows while it is read."""
        return [
            (number, self.back[number]) for number in range(self._first(moment), len(self.sent)) if number in self.back
        ]

    def _first(self, moment: float) -> int:
        number = len(self.sent)
        while number and self.sent[number - 1] >= moment:
            number -= 1
        return number


@dataclass(frozen=True, slots=True)
class Tried:
    """A connection that was begun at that moment, and whether it was accepted in time."""

    at: float
    accepted: bool


@dataclass(frozen=True, slots=True)
class Connections:
    """Fresh TCP connections to an address, begun one after another whether the earlier were accepted or not."""

    every: float
    tried: list[Tried] = field(default_factory=list)

    def gap(self, moment: float) -> float:
        """The longest time since the moment in which no connection was begun that was accepted, beyond the time between two."""
        tried = self.since(moment)
        good = sorted(each.at for each in tried if each.accepted)
        spans = (b - a for a, b in itertools.pairwise([moment, *good, max([moment, *(each.at for each in tried)])]))
        return max(0.0, max(spans) - self.every)

    def failed(self, moment: float) -> int:
        """How many were not accepted in time."""
        return sum(not each.accepted for each in self.since(moment))

    def runs(self, moment: float) -> None:
        """Look whether one was accepted that was begun after the moment. Raises NotYetError."""
        require(any(each.accepted for each in self.since(moment)), "no connection is accepted")

    def since(self, moment: float) -> list[Tried]:
        """Those begun at the moment or later, as they ended; one that was begun earlier may end later."""
        recent = itertools.takewhile(lambda each: each.at >= moment - LATE, reversed(self.tried))
        return [each for each in recent if each.at >= moment][::-1]


@contextlib.contextmanager
def flow(client: Host, addresses: Sequence[str], *, every: float = 0.01, at_once: int = 1) -> Iterator[Flow]:
    """Send from a client to each address in turn, `at_once` so many every time, while the block runs."""
    seen, turns = Flow(every), itertools.cycle(addresses)
    with client.inside():
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def step() -> None:
        at = time.monotonic()
        for address in itertools.islice(turns, at_once):
            seen.sent.append(time.monotonic())
            try:
                link.sendto(_NUMBER.pack(len(seen.sent) - 1), (address, UDP_PORT))
            except OSError as error:  # it knows no neighbour, or has no carrier
                seen.unsent.append(str(error))
        while (left := at + every - time.monotonic()) > 0:
            link.settimeout(left)
            try:
                (echoed,) = _NUMBER.unpack(link.recv(_NUMBER.size))
            except OSError:  # time is up, or a host was not reached
                continue
            seen.back.setdefault(echoed, time.monotonic())

    with link, again_and_again(step):
        yield seen


@contextlib.contextmanager
def warm_flow(client: Host, address: str) -> Iterator[Flow]:
    """A flow to one address that has an echo before the block begins. Conntrack keeps a flow that was begun before kube-proxy
    was ready for it as it was, for as long as it goes on, so one without any echo gives way to one from another port.
    """
    for _ in range(FLOWS - 1):
        with flow(client, [address]) as seen:
            if _is_warm(seen):
                yield seen
                return
        unsent = f"; {len(seen.unsent)} were not sent, such as for {seen.unsent[-1]}" if seen.unsent else ""
        print(f"of {len(seen.sent)} datagrams to {address} none came back{unsent}: another flow is begun")
    with flow(client, [address]) as seen:
        until(lambda: seen.runs(0.0), what=f"a datagram that comes back from {address}")
        yield seen


def _is_warm(seen: Flow) -> bool:
    try:
        until(lambda: seen.runs(0.0), what="a datagram that comes back", timeout=WARM, every=LATE / 10)
    except WaitError:
        return False
    return True


@contextlib.contextmanager
def connections(client: Host, address: str, *, every: float = 0.02) -> Iterator[Connections]:
    """Open one connection after another from a client while the block runs."""
    seen, under_way = Connections(every), selectors.DefaultSelector()

    def end(key: selectors.SelectorKey, *, accepted: bool) -> None:
        under_way.unregister(key.fileobj)
        key.fileobj.close()  # type: ignore[union-attr]  # they are sockets
        seen.tried.append(Tried(key.data, accepted))

    def step() -> None:
        at = time.monotonic()
        with client.inside():
            attempt = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        attempt.setblocking(False)
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        attempt.connect_ex((address, TCP_PORT))
        under_way.register(attempt, selectors.EVENT_WRITE, at)
        while (left := at + every - time.monotonic()) > 0:
            for key, _ in under_way.select(left):
                failure = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # type: ignore[union-attr]
                end(key, accepted=not failure)
        for key in list(under_way.get_map().values()):
            if at - key.data > LATE:
                end(key, accepted=False)

    try:
        with again_and_again(step):
            yield seen
    finally:
        for key in list(under_way.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        under_way.close()


@contextlib.contextmanager
def echo(hosts: Sequence[Host]) -> Iterator[None]:
    """Send datagrams back and accept connections on every host, whatever local address they were sent to.

    In the caller's process, so that it goes on while all processes of a host are stopped: as a node's kernel goes on forwarding.
    """
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as ears:
        for host in hosts:
            with host.inside():
                datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            datagrams.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            datagrams.bind(("0.0.0.0", UDP_PORT))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("0.0.0.0", TCP_PORT))
            listener.listen(1024)
            for each, action in ((datagrams, _send_back), (listener, _accept)):
                each.setblocking(False)
                ears.register(each, selectors.EVENT_READ, action)

        def step() -> None:
            for key, _ in ears.select(0.2):
                with contextlib.suppress(OSError):  # who asked is gone, or cannot be reached
                    key.data(key.fileobj)

        with again_and_again(step):
            yield


def _send_back(datagrams: socket.socket) -> None:
    content, extras, _, sender = datagrams.recvmsg(2048, 128)
    (_, _, asked) = _PKTINFO.unpack(extras[0][2])
    # From the address that it was sent to: of the three, the kernel takes the second for the source.
    datagrams.sendmsg([content], [(socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(0, asked, bytes(4)))], 0, sender)


def _accept(listener: socket.socket) -> None:
    listener.accept()[0].close()


def wait_until_both_run(datagrams: Flow, tried: Connections, moment: float, *, timeout: float = 20.0) -> None:
    """Return when a datagram and a connection of after the moment have got through. Raises WaitError."""
    until(lambda: datagrams.runs(moment), what="the flow of datagrams", timeout=timeout, every=0.02)
    until(lambda: tried.runs(moment), what="fresh connections", timeout=timeout, every=0.02)
