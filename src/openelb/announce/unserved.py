"""What reaches this node for an address that it announces, or that routers have a way to by it, and that no Service serves: ping
is answered, other packets are rejected, by rules in the kernel that follow what is announced.

Rules are a comfort: whoever keeps them never holds up an announcement, and where they cannot be kept, it is said and that
is all. Not known here: how rules are written.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address
from socket import AF_INET6, inet_ntoa, inet_ntop
from typing import NamedTuple, Protocol

from openelb.complaints import Complaints
from openelb.model.addresses import Address
from openelb.model.announcements import Claim
from openelb.wire import nft
from openelb.wire.nft import Table, Wish

log = logging.getLogger(__name__)

EVERY = 0.5
"""Seconds between two looks at what is announced: when a ping follows an address is no matter of milliseconds."""

AGAIN = 30.0
"""Seconds between two looks at what the kernel has, which others may change, and between tries that fail."""


class Kernel(Protocol):
    """The rules that are there. Both methods raise OSError with a sentence."""

    async def read(self) -> Table | None:
        """What our table holds; None when there is none."""

    async def write(self, command: str) -> None:
        """Carry out a command of `wire.nft`, whole or not at all."""


class _Announced(NamedTuple):
    """Claims, and texts of the addresses and networks that routers send packets here for."""

    claims: frozenset[Claim] = frozenset()
    routed: frozenset[str] = frozenset()


class Unserved:
    """Keeps the rules. `claims` says what is announced, `routed` what routers were told to send here, as texts that nft would
    write, and `ready` whether that is known yet: before, the rules of the process before this one stay as they are.
    """

    def __init__(
        self,
        kernel: Kernel,
        wish: Wish,
        claims: Callable[[], frozenset[Claim]],
        ready: Callable[[], bool],
        *,
        routed: Callable[[], frozenset[str]] = frozenset,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kernel = kernel
        self._wish = wish
        self._claims = claims
        self._ready = ready
        self._routed = routed
        self._clock = clock
        self._complaints = Complaints(clock=clock)
        self._written: _Announced | None = None  # None: what the kernel has is not known
        self._due = clock()

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Follow what is announced until cancelled."""
        while True:
            await self.look()
            await sleep(EVERY)

    async def look(self) -> None:
        """Have the rules as they should be, if it is time to see to it."""
        there, now = _Announced(self._claims(), self._routed()), self._clock()
        if not (any(there) or self._ready()):
            return
        checks = now >= self._due
        if not checks and (self._written is None or there == self._written):
            return
        try:
            await self._write(await self._missing(there, self._written if not checks else None))
        except OSError as error:
            # Something that was to be changed is not as it was left: look at once.
            self._written, self._due = None, self._next_check(now) if checks else now
            if checks and self._wish and self._complaints.begins(str(error)):
                log.warning("%s: %s; trying again every %g s", self._lacking, error, AGAIN)
            return
        if checks:
            self._due = self._next_check(now)
        self._written = there
        if self._complaints.ends():
            log.info("the kernel's rules for pings and for ports that no Service has are kept again")

    async def remove(self) -> None:
        """Leave no rule behind. Never raises."""
        if self._wish:
            with contextlib.suppress(OSError):  # who could not write any has said so
                await self._kernel.write(nft.removed())

    async def _missing(self, there: _Announced, before: _Announced | None) -> str:
        """The command that is needed where the rules were made for what was there `before`, or after a look at what they are."""
        if before is None:
            return nft.difference(await self._kernel.read(), self._wish, _texts(there.claims) | there.routed)
        if not self._wish:
            return ""
        gained = _texts(there.claims - before.claims) | (there.routed - before.routed)
        lost = _texts(before.claims - there.claims) | (before.routed - there.routed)
        return nft.changed(gained, lost - gained)

    async def _write(self, command: str) -> None:
        if command:
            await self._kernel.write(command)

    def _next_check(self, now: float) -> float:
        """A table that is not wished for and is gone, or cannot be seen, is asked for no more."""
        return now + AGAIN if self._wish else math.inf

    @property
    def _lacking(self) -> str:
        return " and ".join([_PINGS] * self._wish.ping + [_PORTS] * self._wish.reject)


_PINGS = "pings of our addresses are not answered"
_PORTS = "packets for ports that no Service has are not rejected"


def _texts(claims: frozenset[Claim]) -> frozenset[str]:
    return frozenset([_text(claim.address) for claim in claims])


def _text(address: Address) -> str:
    """As nft writes it, in a tenth of the time of `str`."""
    return inet_ntoa(address.packed) if isinstance(address, IPv4Address) else inet_ntop(AF_INET6, address.packed)
