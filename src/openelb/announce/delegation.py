"""Which addresses the kernel is to answer for, of those that are claimed, and having it do so on one link."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address
from types import MappingProxyType
from typing import Protocol

from openelb.announce.counts import LinkCounts
from openelb.complaints import Complaints
from openelb.model.addresses import Address
from openelb.model.announcements import Claim
from openelb.model.layer2 import AnsweredBy

log = logging.getLogger(__name__)

Graces = Mapping[IPv4Address, int]
"""The addresses of a link that the kernel is to answer for; each with the seconds it may go on when this process is gone."""

NONE: Graces = MappingProxyType({})


def delegated(before: Mapping[str, Graces], gained: Iterable[Claim], lost: Iterable[Claim]) -> Mapping[str, Graces]:
    """The graces of each link after a change of the claims. A link where nothing changes has the very same as before."""
    come, gone = list(filter(_is_for_the_kernel, gained)), list(filter(_is_for_the_kernel, lost))
    if not come and not gone:
        return before
    touched = {claim.link for claim in (*come, *gone)}
    after = {link: dict(before.get(link, NONE)) for link in touched}
    for claim in gone:
        if isinstance(claim.address, IPv4Address):
            after[claim.link].pop(claim.address, None)
    for claim in come:
        if isinstance(claim.address, IPv4Address):
            after[claim.link][claim.address] = claim.choices.restart_grace
    return {link: graces for link, graces in {**before, **after}.items() if graces}


def without(graces: Graces, left: frozenset[Address]) -> Graces:
    """Those of them that are not left to another machine."""
    if not left:
        return graces
    return {address: grace for address, grace in graces.items() if address not in left}


def _is_for_the_kernel(claim: Claim) -> bool:
    """Questions for IPv6 addresses are answered by the process, whatever the author chose."""
    return claim.choices.answer is not AnsweredBy.SOCKET and claim.address.version == 4


class Kernel(Protocol):
    """A link's kernel. `announce.port.Port` has these."""

    def delegate(self, graces: Graces, valid_until: float) -> str:
        """Have it answer for exactly these addresses, for a while. Returns why it does not; empty when it does."""

    @property
    def delegated_answers(self) -> int:
        """How many questions it has answered."""


class Delegation:
    """Of one link, in the hands of its thread. Where the kernel refuses, the thread has to answer, and the log says why."""

    def __init__(self, link: str, kernel: Kernel, counts: LinkCounts, clock: Callable[[], float]) -> None:
        self._link = link
        self._kernel = kernel
        self._counts = counts
        self._refusals = Complaints(clock=clock)
        self._graces = NONE
        self._addresses = frozenset[Address]()
        self._valid_until = math.inf

    def follow(self, graces: Graces, valid_until: float) -> frozenset[Address]:
        """Have the kernel answer for these, again with each renewal, by which its deadlines move on. Returns what it answers for.

        Raises OSError when the link is gone.
        """
        why = self._kernel.delegate(graces, valid_until)
        self._counts.by_kernel = self._kernel.delegated_answers
        if why:
            if self._refusals.begins(why):
                log.warning("the kernel does not answer on %s, so this process does: %s", self._link, why)
            graces = NONE
        elif self._refusals.ends() and graces:
            log.info("the kernel answers on %s", self._link)
        if graces is not self._graces:
            self._graces, self._addresses = graces, frozenset(graces)
        self._valid_until = valid_until if graces else math.inf
        return self._addresses

    def due(self) -> float:
        """When to call `end`; infinity while the kernel answers for nothing."""
        return self._valid_until

    def end(self, *, now: float) -> None:
        """A main loop that does not renew is no process that is started anew: nothing is valid for longer than was said.

        Raises OSError when the link is gone.
        """
        if now >= self._valid_until:
            self._valid_until = math.inf
            self._kernel.delegate(NONE, -math.inf)
