"""The thread that beats for the other speakers and listens to them, with plain sockets and apart from the main loop.

It beats only while the main loop makes progress: a process that is there and does nothing else must not seem alive. Not
known here: what follows from whom it hears.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from openelb.announce.counts import HeartbeatCounts
from openelb.announce.standings import Orders, View
from openelb.announce.vigil import Vigil
from openelb.complaints import Complaints
from openelb.wire.heartbeat import Key, Refusal, nonce_of, seal, unseal

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds between attempts to open the sockets."""

AT_ONCE = 64
"""After so many datagrams, our own beats have their turn."""

MOST_A_SECOND = 5000
"""Datagrams of one address that are looked at in a second: so many with the number of the process that is known there, and as many
with others. A peer sends some forty, and more only when it tells what it holds. But anybody on the LAN can forge the address and
read the number, and as long as there is room, what is genuine is found among it. To unseal one takes no longer than to receive it.
"""

UNWELL = 0.05
"""Seconds between two looks while nothing may be said."""


class Port(Protocol):
    """UDP sockets of both families on one port, and a bell. All but `wake`, `wait` and `close` raise OSError."""

    def open(self) -> None:
        """Open the sockets, in place of those before."""

    def receive(self) -> tuple[bytes, str] | None:
        """A datagram that is there, with the address it came from, or None."""

    def refused(self) -> str | None:
        """An address whose kernel said that nobody listens at the port, or None."""

    def send(self, address: str, datagram: bytes) -> None:
        """Send it; it may be lost. To a multicast group by a certain link: `group%link`."""

    def wait(self, timeout: float) -> None:
        """Return when something is there, the bell was rung or so many seconds have passed."""

    def wake(self) -> None:
        """Ring the bell, from any thread."""

    def close(self) -> None:
        """Give back everything."""


class Heartbeats:
    """The watch of one process, in a thread of its own once it has keys. `may_beat` is asked by that thread each time, and
    `changed` is called by it when `view` has.
    """

    def __init__(
        self,
        port: Callable[[], Port],
        vigil: Callable[[float], Vigil],
        *,
        may_beat: Callable[[], bool],
        changed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.view: View | None = None
        self.counts = HeartbeatCounts()
        self._make_port, self._make_vigil = port, vigil
        self._may_beat = may_beat
        self._changed = changed
        self._clock = clock
        self._complaints = Complaints(clock=clock)
        self._orders = Orders()
        self._keys: tuple[Key, ...] = ()
        self._port: Port | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def use(self, keys: Sequence[Key]) -> None:
        """Seal and unseal with these; begin with the first ones."""
        if tuple(keys) == self._keys:
            return
        self._keys = tuple(keys)
        log.info("heartbeats are sealed with %d key%s", len(keys), "" if len(keys) == 1 else "s")
        if self._thread is None and not self._stopping.is_set():
            self._port = self._make_port()
            self._thread = threading.Thread(target=self._work, args=(self._port,), name="heartbeats", daemon=True)
            self._thread.start()

    def follow(self, orders: Orders) -> None:
        """Watch these, and say this."""
        if orders != self._orders:
            self._orders = orders
            if self._port:
                self._port.wake()

    def stop(self) -> None:
        """Say nothing any more when this returns."""
        self._stopping.set()
        if self._thread and self._port:
            self._port.wake()
            self._thread.join()
            self._port.close()
            self._thread = None

    def _work(self, port: Port) -> None:
        while not self._stopping.is_set():
            try:
                port.open()
                if self._complaints.ends():
                    log.info("heartbeats are sent again")
                self._watch(port, self._make_vigil(self._clock()))
            except OSError as trouble:
                if self._complaints.begins(type(trouble).__name__):
                    log.warning("no heartbeats: %s; trying again every %g s", trouble.strerror or trouble, RETRY)
            except Exception as bug:
                if self._complaints.begins(type(bug).__name__):
                    log.exception("no heartbeats: trying again every %g s", RETRY)
            self.view = None
            self._stopping.wait(RETRY)

    def _watch(self, port: Port, vigil: Vigil) -> None:
        """Until told to stop. Raises OSError when the sockets fail."""
        followed, looked_at, second = Orders(), Counter[str](), self._clock()
        while not self._stopping.is_set():
            if (orders := self._orders) is not followed:
                vigil.follow(orders)
                followed = orders
            if self._clock() - second >= 1.0:
                looked_at.clear()
                second = self._clock()
            self._listen(port, vigil, looked_at)
            well = self._may_beat()
            if well:
                for address, message in vigil.due(now=self._clock()):
                    port.send(address, seal(message, self._keys[:2]))
                    self.counts.sent += 1
            if vigil.view is not self.view:
                self.view = vigil.view
                self._changed()
            wait = vigil.next_due() - self._clock()
            if not well:
                wait = max(wait, UNWELL)
            else:
                self.counts.late = max(self.counts.late, -wait)
            port.wait(max(wait, 0.0))

    def _listen(self, port: Port, vigil: Vigil, looked_at: Counter[str]) -> None:
        for _ in range(AT_ONCE):
            if (address := port.refused()) is None:
                break
            vigil.refused(address, now=self._clock())
        for _ in range(AT_ONCE):
            if (received := port.receive()) is None:
                return
            self.counts.received += 1
            refusal = self._heed(vigil, *received, looked_at)
            if refusal is not None:
                self.counts.refused[refusal] += 1

    def _heed(self, vigil: Vigil, datagram: bytes, source: str, looked_at: Counter[str]) -> Refusal | None:
        """The cheapest looks come first: anybody can send us anything."""
        if not vigil.expects(source):
            return Refusal.UNKNOWN_SENDER
        # Whoever forges the address of a peer and does not know its number uses up no more than what strangers may.
        name = source if vigil.is_spoken_by(source, nonce_of(datagram)) else f"{source}?"
        looked_at[name] += 1
        if looked_at[name] > MOST_A_SECOND:
            return Refusal.FLOOD
        message = unseal(datagram, self._keys)
        if isinstance(message, Refusal):
            return message
        return vigil.receive(message, source, now=self._clock())
