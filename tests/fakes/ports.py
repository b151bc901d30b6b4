"""A link in memory, questions asked on it, and their answers."""

import threading
from collections import deque
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from lab import ndp as asker
from openelb.announce.delegation import Graces
from openelb.model.addresses import Address
from openelb.wire import arp, ndp
from openelb.wire.arp import Operation, Request

OURS, ASKER = bytes.fromhex("02005e005301"), bytes.fromhex("02005e005303")
ASKERS_ADDRESS = IPv4Address("192.0.2.1")
ASKERS_IPV6_ADDRESS = IPv6Address("2001:db8::1:1")

PATIENCE = 10
"""Seconds after which a thread that says nothing is stuck."""


@dataclass
class FakePort:
    """A link in memory. Its thread sleeps in `wait` until there is a frame or the bell rings, and `settle` waits for that."""

    is_there: bool = True
    tried: threading.Event = field(default_factory=threading.Event)
    address: bytes = OURS
    router: bool = True
    admitted: frozenset[Address] = frozenset()
    named: frozenset[Address] = frozenset()
    frames: deque[bytes] = field(default_factory=deque)
    sent: list[bytes] = field(default_factory=list)
    closed: bool = False
    bells: int = 0
    fatal: BaseException | None = None
    delegated: dict[IPv4Address, int] = field(default_factory=dict)
    refusal: str = ""
    kept: bool = False
    delegated_answers: int = 0
    deaf: bool = False
    """The bell is not heard: the thread sleeps on."""
    _rung: bool = False
    _asleep: bool = False
    _change: threading.Condition = field(default_factory=threading.Condition)

    def open(self) -> None:
        self.tried.set()
        if not self.is_there:
            raise OSError(19, "No such device")

    def mac(self) -> bytes:
        return self.address

    def forwards(self) -> bool:
        return self.router

    def admit(self, addresses: frozenset[Address], others: frozenset[Address]) -> None:
        self.admitted, self.named = addresses, others

    def delegate(self, graces: Graces, valid_until: float) -> str:
        self.delegated = {} if self.refusal else dict(graces)
        return self.refusal if graces else ""

    def wait(self, timeout: float) -> None:
        with self._change:
            self._asleep = True
            self._change.notify_all()
            if timeout > 0:
                assert self._change.wait_for(lambda: not self.deaf and (self._rung or self.frames), PATIENCE)
            self._rung = self._asleep = False

    def wake(self) -> None:
        with self._change:
            self.bells += 1
            self._rung = True
            self._change.notify_all()

    def receive(self) -> bytes | None:
        if self.fatal:
            raise self.fatal
        return self.frames.popleft() if self.frames else None

    def send(self, frame: bytes) -> bool:
        self.sent.append(frame)
        return True

    def close(self, *, kept: bool = False) -> None:
        self.closed, self.kept = True, kept

    # For tests.

    def settle(self) -> list[bytes]:
        """What was sent until the thread had nothing more to do."""
        with self._change:
            assert self._change.wait_for(lambda: self._asleep and not self._rung and not self.frames, PATIENCE)
            said, self.sent = self.sent, []
        return said

    def deliver(self, *frames: bytes) -> list[bytes]:
        """What was sent upon these frames."""
        with self._change:
            self.frames.extend(frames)
            self._change.notify_all()
        return self.settle()


def question(target: IPv4Address) -> bytes:
    asked = bytearray(arp.announcement(target, Operation.REQUEST, mac=ASKER))
    asked[28:32] = ASKERS_ADDRESS.packed
    return bytes(asked)


def answer(target: IPv4Address, *, mac: bytes = OURS) -> bytes:
    return arp.reply(Request(ASKER, ASKERS_ADDRESS, target), mac=mac)


def solicitation(target: IPv6Address) -> bytes:
    return asker.question(str(target), sender_mac=ASKER, sender=str(ASKERS_IPV6_ADDRESS))


def advertisement(target: IPv6Address, *, mac: bytes = OURS, router: bool = True) -> bytes:
    return ndp.reply(ndp.Solicitation(ASKER, ASKERS_IPV6_ADDRESS, target), mac=mac, router=router)
