"""Who leads, and who is here: two uses of Leases (coordination.k8s.io/v1).

Nobody's wall clock is trusted. How old another's Lease is, is measured on our own monotonic clock from the moment we saw
it change; how long our own is good for, from the moment we *sent* the last renewal that was answered.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from openelb.complaints import Complaints
from openelb.kube.decode import Lease
from openelb.kube.errors import AlreadyExists, ApiError, Conflict, NotFound
from openelb.kube.lease_object import LeaseObject
from openelb.kube.probes import found_texts
from openelb.model import names
from openelb.model.addresses import Address, order
from openelb.model.cluster import Link
from openelb.model.probes import Found

log = logging.getLogger(__name__)

Clock = Callable[[], float]

RENEW_SECONDS = 1.0
"""Seconds between two renewals, and between two looks at a Lease that another holds."""

SEASONS = {False: (1.0, 4), True: (10.0, 40)}
"""Of a speaker's Lease: seconds between two renewals, and for which one is good; and those while heartbeats tell the same ten
times as fast, so that the API server need not be asked.
"""

LONGEST_HOLDS = 128 * 1024
"""Characters of addresses in the annotation, some 10,000: all annotations have room for 256 KiB. Heartbeats tell all."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Of the leader's Lease, in seconds: others wait for `duration`, the leader itself stops after `deadline` already."""

    duration: int = 5
    deadline: float = 3.0


class Leadership:
    """One candidate for the Lease `openelb-manager`. `identity` is of one process at a time: who is started anew under it,
    as a container of a pod is, goes on with the Lease at once. That is safe since the process before it is dead by then.
    Where it is not, as with two replicas that were given one name, the one before finds that the Lease was acquired anew,
    and stands by as for any other.

    `on_change` is called when it begins or ceases to lead.
    """

    def __init__(
        self,
        lease: LeaseObject,
        identity: str,
        *,
        terms: Terms | None = None,
        clock: Clock = time.monotonic,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._lease = lease
        self._identity = identity
        self._terms = terms or Terms()
        self._clock = clock
        self._on_change = on_change
        self._ours: Lease | None = None
        self._acquired = ""
        self._sent: float | None = None
        self._leads = False
        self._others: Lease | None = None
        self._others_since = 0.0

    def held(self, now: float) -> bool:
        """Whether this process may act as the leader at that moment of the clock."""
        return self._sent is not None and now - self._sent < self._terms.deadline

    async def run(self) -> None:
        """Try to lead, and go on leading, until cancelled."""
        complaints = Complaints()
        while True:
            started = self._clock()
            try:
                await self.attempt()
                if complaints.ends():
                    log.info("the leader's Lease can be renewed or read again")
            except ApiError as error:
                if complaints.begins(error.cause):
                    log.warning("the leader's Lease cannot be renewed or read: %s", error)
            await asyncio.sleep(max(0.0, RENEW_SECONDS - (self._clock() - started)))

    async def attempt(self) -> None:
        """Renew our Lease, or take one that is free; otherwise see who holds it. Raises ApiError."""
        try:
            await self._take()
        except (Conflict, AlreadyExists, NotFound):
            # Somebody wrote it: another candidate, a person, or an attempt of ours whose answer was lost.
            self._ours = None
            with contextlib.suppress(Conflict, AlreadyExists, NotFound):
                await self._take()
        finally:
            self._note()

    async def _take(self) -> None:
        now = self._clock()
        found = self._ours or await self._lease.read()
        if found is None or not self._is_ours(found):
            # Whoever has written it since may have led: if we did before, that is over, and what we saw then is old.
            self._sent = None
            self._note()
            if found is not None and found.holder and not self._has_lapsed(found):
                return
            self._acquired = ""
        wanted = self._claim(found)
        self._ours = await (self._lease.replace(wanted) if found else self._lease.create(wanted))
        self._sent, self._acquired = now, self._ours.acquired

    async def release(self) -> None:
        """Give the lead up, so that another takes over at once. For a clean stop, after `run` was cancelled."""
        ours, self._ours, self._sent = self._ours, None, None
        self._note()
        if ours is not None:
            with contextlib.suppress(ApiError):
                await self._give_up(ours)

    async def _give_up(self, ours: Lease) -> None:
        try:
            await self._lease.replace(replace(ours, holder="", seconds=1))
        except Conflict:
            # A renewal that was on its way when we were stopped arrived in between.
            found = await self._lease.read()
            if found is not None and self._is_ours(found):
                await self._lease.replace(replace(found, holder="", seconds=1))

    def _is_ours(self, found: Lease) -> bool:
        """Whether it is what this process holds, or what the one before it under this name held."""
        return found.holder == self._identity and self._acquired in ("", found.acquired)

    def _has_lapsed(self, found: Lease) -> bool:
        """Whether it has stood for too long as another wrote it; told who that is."""
        if self._others is None or self._others.renewal != found.renewal:
            if self._others is None or self._others.holder != found.holder:
                if found.holder == self._identity:
                    log.warning("another process leads under our name %s; give each its own --identity", found.holder)
                else:
                    log.info("%s leads; waiting", found.holder)
            self._others, self._others_since = found, self._clock()
            return False
        return self._clock() - self._others_since > (found.seconds or self._terms.duration)

    def _claim(self, found: Lease | None) -> Lease:
        if found is None:
            return Lease(names.LEADER_LEASE, self._identity, self._terms.duration)
        wanted = replace(found, holder=self._identity, seconds=self._terms.duration)
        if self._acquired:
            return wanted
        return replace(wanted, acquired="", transitions=found.transitions + (found.holder != self._identity))

    def _note(self) -> None:
        leads = self.held(self._clock())
        if leads != self._leads:
            self._leads = leads
            if leads:
                self._others = None
            log.info("%s leads" if leads else "%s does not lead any more", self._identity)
            self._on_change()


class SpeakerLease:
    """The Lease by which the speaker of a node says that it is alive, and which links the node has.

    `holder` is this process: a later one of the same node takes the Lease over. It is renewed only while the process is
    `fit` to announce: the others must not wait for one that renews and does nothing else.
    """

    def __init__(
        self,
        lease: LeaseObject,
        node: str,
        holder: str,
        *,
        leaves_when_cordoned: bool = False,
        fit: Callable[[], bool] = lambda: True,
        clock: Clock = time.monotonic,
    ) -> None:
        self._lease = lease
        self._fit = fit
        self._clock = clock
        self._node = node
        self._holder = holder
        self._facts = {names.NODE: node, names.LEAVES: str(leaves_when_cordoned).lower()}
        self._said = {names.LINKS: "[]", names.TAINTED: "", names.BGP: ""}
        self._held: tuple[frozenset[Address], frozenset[str]] | None = None
        self._relaxed = False
        self._ours: Lease | None = None
        self._left = False
        self._wake = asyncio.Event()

    def tell(self, links: tuple[Link, ...]) -> None:
        """What the others are to know of this node's links; a change is written at once."""
        self._say({**self._said, names.LINKS: links_text(links)})

    def hold(self, holds: frozenset[Address], unheard: frozenset[str]) -> None:
        """What they are to know of its addresses, and of nodes that are lost to it; written at once as well."""
        if (holds, unheard) == self._held:  # asked with every look, and mostly the same
            return
        self._held = holds, unheard
        text = ",".join(str(address) for address in sorted(holds, key=order))
        told = text if len(text) <= LONGEST_HOLDS else ""
        self._say({**self._said, names.HOLDS: told, names.UNHEARD: ",".join(sorted(unheard))})

    def find(self, found: Found) -> None:
        """What was found out about addresses that may be given out; written at once as well."""
        free, taken = found_texts(found)
        self._say({**self._said, names.PROBED: free, names.TAKEN: taken})

    def taint(self, key: str) -> None:
        """That our node has a taint of that key for which it is to be left, or none; written at once as well."""
        self._say({**self._said, names.TAINTED: key})

    def begin_bgp(self, mark: str) -> None:
        """With which settings BGP runs here; written at once as well."""
        self._say({**self._said, names.BGP: mark})

    def relax(self, *, relaxed: bool) -> None:
        """Whether heartbeats tell all others that this speaker lives."""
        if relaxed != self._relaxed:
            self._relaxed = relaxed
            self._wake.set()

    def _say(self, said: dict[str, str]) -> None:
        if said != self._said:
            self._said = said
            self._wake.set()

    async def run(self) -> None:
        """Renew until cancelled, as often as the season asks for."""
        complaints = Complaints()
        while True:
            self._wake.clear()
            started = self._clock()
            try:
                if self._fit():
                    await self.renew()
                    if complaints.ends():
                        log.info("the Lease of this node is renewed again")
            except ApiError as error:
                if complaints.begins(error.cause):
                    log.warning("the Lease of this node cannot be renewed: %s", error)
            # Not wait_for: in Python 3.11 it loses a cancellation that comes in the moment of what is waited for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._rest() - (self._clock() - started))):
                    await self._wake.wait()

    def _rest(self) -> float:
        """After a renewal that failed, or was not made, the next attempt is soon."""
        renewed = self._ours is not None and self._ours.seconds == SEASONS[True][1]
        return SEASONS[self._relaxed and renewed and self._fit()][0]

    async def renew(self) -> None:
        """Renew the Lease, or make it. Raises ApiError."""
        if self._left:
            return
        try:
            await self._write()
        except (Conflict, AlreadyExists, NotFound):
            # An attempt whose answer was lost, or a process before us: read what is there and write over it.
            self._ours = None
            await self._write()

    async def leave(self) -> None:
        """Say that this node announces nothing any more, for good. The Lease of a later process stays. Raises ApiError."""
        self._left = True
        try:
            await self._delete_ours()
        except Conflict:
            # A renewal that was on its way arrived in between.
            await self._delete_ours()

    async def _delete_ours(self) -> None:
        found = await self._lease.read()
        if found is not None and found.holder == self._holder:
            with contextlib.suppress(NotFound):
                await self._lease.delete(found)

    async def _write(self) -> None:
        found = self._ours or await self._lease.read()
        wanted = replace(
            found or Lease(speaker_lease_name(self._node)),
            holder=self._holder,
            seconds=SEASONS[self._relaxed][1],
            annotations={**((found and found.annotations) or {}), **self._facts, **self._said},
        )
        if found is not None and found.holder != self._holder:
            wanted = replace(wanted, acquired="", transitions=found.transitions + 1)
        self._ours = await (self._lease.replace(wanted) if found else self._lease.create(wanted))


def speaker_lease_name(node: str) -> str:
    """The name of a node's Lease: readable where it fits the 253 characters of a name, else of a digest."""
    name = names.SPEAKER_LEASE_PREFIX + node
    if len(name) <= 253:
        return name
    return names.SPEAKER_LEASE_PREFIX + hashlib.sha256(node.encode()).hexdigest()[:32]


def links_text(links: tuple[Link, ...]) -> str:
    """Links as the annotation has them: `[{"name":"eth0","addresses":["192.0.2.11/24"],"mac":"02:00:5e:00:53:01"}]`;
    `decode.links` reads it.
    """
    return json.dumps([_link(link) for link in links], separators=(",", ":"))


def _link(link: Link) -> dict[str, object]:
    shape: dict[str, object] = {"name": link.name, "addresses": [str(address) for address in link.addresses]}
    lost = {"gatewayLost": True} if link.gateway_lost else {}
    return shape | ({"mac": link.mac} if link.mac else {}) | lost
