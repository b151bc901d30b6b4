"""Follows whether the gateways of this node's links answer, in a task of the speaker: asks once a second, and tells what changed.

Who moves for it is judged from the Leases of all (`plan.gateways`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

from openelb.announce.gateways import LOST_AFTER, Gateways, Side
from openelb.complaints import Complaints
from openelb.model.addresses import Address
from openelb.model.cluster import Link
from openelb.wire import arp, ndp

log = logging.getLogger(__name__)

EVERY = 1.0
ANSWERS_WITHIN = 0.25
"""Seconds from one question to the next, and until answers are looked for; a later one counts at the next question."""


class Port(Protocol):
    """A socket on a link, as `host.answers.AnswerPort`. Its methods raise OSError when the link is gone or down."""

    def send(self, frame: bytes) -> bool: ...
    def receive(self) -> Iterable[bytes]: ...
    def close(self) -> None: ...


class Routes(Protocol):
    """As `host.routes.DefaultRoutes`."""

    def gateways(self) -> Mapping[str, tuple[Address, ...]]:
        """By link."""


@dataclass(frozen=True, slots=True)
class _Ear:
    """The socket of a side, which hears these gateways alone."""

    port: Port
    gateways: tuple[Address, ...]


class GatewayWatch:
    """Of one speaker. `links` gives the links there are, and `used` the names of those on which there is something to announce;
    `changed` is called when `lost` has changed.
    """

    def __init__(
        self,
        routes: Routes,
        port: Callable[[str, Iterable[Address]], Port],
        links: Callable[[], Iterable[Link]],
        used: Callable[[], frozenset[str]],
        changed: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._routes = routes
        self._port = port
        self._links = links
        self._used = used
        self._changed = changed
        self._ears: dict[Side, _Ear] = {}
        self._lost_sides = frozenset[Side]()
        self._gateways = Gateways()
        self._complaints = Complaints(clock=clock)
        self.lost: frozenset[str] = frozenset()
        """The names of the links whose gateway, of IPv4 or of IPv6, does not answer any more."""

    @property
    def up(self) -> Mapping[str, bool]:
        """Of each link whose gateway has ever answered, whether it does."""
        return {link: link not in self.lost for link, _ in self._gateways.answered}

    def mark(self, links: Iterable[Link]) -> tuple[Link, ...]:
        """The links, each with whether it has lost its gateway."""
        return tuple(replace(link, gateway_lost=link.name in self.lost) for link in links)

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Ask until cancelled. Raises OSError when the kernel does not tell its routes."""
        try:
            while True:
                self.ask()
                await sleep(ANSWERS_WITHIN)
                self.judge()
                await sleep(EVERY - ANSWERS_WITHIN)
        finally:
            self._listen({})

    def ask(self) -> None:
        """Put the questions of a round. Raises OSError when the kernel does not tell its routes."""
        self._hear()
        links, used = {link.name: link for link in self._links()}, self._used()
        wanted: dict[Side, tuple[Address, ...]] = {
            (name, version): tuple(
                gateway for gateway in gateways if gateway.version == version and _sender(links[name], gateway)
            )
            for name, gateways in self._routes.gateways().items()
            if name in links and name in used
            for version in {gateway.version for gateway in gateways}
        }
        self._gateways.follow(wanted)
        self._listen(wanted)
        for side, gateway, to in self._gateways.whom_to_ask():
            frame = _question(links[side[0]], gateway, to)
            if frame and self._send(side, frame):
                self._gateways.asked(side, gateway)

    def judge(self) -> None:
        """Read the answers, and tell what has changed."""
        self._hear()
        before, self._lost_sides = self._lost_sides, self._gateways.lost
        if before == self._lost_sides:
            return
        for side in sorted(self._lost_sides - before):
            if self._complaints.is_due(f"lost {side}"):
                log.warning("%s", _lost(side[0], self._ears[side].gateways if side in self._ears else ()))
        for side in sorted(before - self._lost_sides & self._gateways.answered):
            if self._complaints.is_due(f"back {side}"):
                log.info("the gateway on %s answers again", side[0])
        self.lost = frozenset(link for link, _ in self._lost_sides)
        self._changed()

    def _listen(self, wanted: Mapping[Side, tuple[Address, ...]]) -> None:
        """Have a socket for each side with gateways. One that cannot be had is tried again in the next round: that the link is
        gone, or NET_RAW missing, is told by those who announce there.
        """
        for side, ear in [*self._ears.items()]:
            if wanted.get(side) != ear.gateways:
                self._close(side)
        for side, gateways in wanted.items():
            if gateways and side not in self._ears:
                with suppress(OSError):
                    self._ears[side] = _Ear(self._port(side[0], gateways), gateways)

    def _hear(self) -> None:
        for side, ear in [*self._ears.items()]:
            try:
                for frame in ear.port.receive():
                    self._gateways.hear(side, frame)
            except OSError:
                self._close(side)

    def _send(self, side: Side, frame: bytes) -> bool:
        """Whether the question has left."""
        if side not in self._ears:
            return False
        try:
            return self._ears[side].port.send(frame)
        except OSError:
            self._close(side)
            return False

    def _close(self, side: Side) -> None:
        self._ears.pop(side).port.close()


def _sender(link: Link, gateway: Address) -> Address | None:
    """The address of the link by which to ask: the first of the gateway's network, else the first of its family."""
    own = [address for address in link.addresses if address.version == gateway.version]
    near = (address.ip for address in own if gateway in address.network)
    return next(near, own[0].ip if own else None)


def _question(link: Link, gateway: Address, to: bytes | None) -> bytes | None:
    """None where the link has lost the address to ask by."""
    sender, mac = _sender(link, gateway), bytes.fromhex(link.mac.replace(":", ""))
    if isinstance(gateway, IPv4Address) and isinstance(sender, IPv4Address):
        return arp.question(gateway, mac=mac, sender=sender, to=to)
    if isinstance(gateway, IPv6Address) and isinstance(sender, IPv6Address):
        return ndp.question(gateway, mac=mac, sender=sender, to=to)
    return None


def _lost(link: str, gateways: Iterable[Address]) -> str:
    return (
        f"the gateway {', '.join(map(str, gateways))} on {link} has left {LOST_AFTER} questions unanswered: addresses that are "
        f"announced there go to nodes whose gateway answers, if there are any. Look at the cable, the VLAN and the router of {link}"
    )
