"""Other machines that have addresses of ours, as a speaker tells of them: to the threads of the links who our own nodes are and
what each pool wants done, to people whom they have found.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from openelb.announce.rivals import DEFEND_INTERVAL, NO_MACS, SILENCE, Manners, Rival
from openelb.complaints import Complaints
from openelb.kube.report import Reporter
from openelb.model.addresses import Address, order
from openelb.model.announcements import Claim
from openelb.model.cluster import ServiceKey
from openelb.model.findings import Reason
from openelb.model.layer2 import OnConflict
from openelb.model.snapshot import Snapshot
from openelb.plan.node import Grounds
from openelb.plan.placement import age, trusted

log = logging.getLogger(__name__)

TOLD_ONE_BY_ONE = 20
"""So many at once have a line each in the log: one machine can claim a thousand addresses in a second."""

DEPARTED = 10.0
"""Seconds for which the MACs of a node whose Lease is gone are still our own's: who leaves for good deletes its Lease first, and
answers until the others do; what it said then is judged later.
"""

DONE = {
    OnConflict.DEFEND: f"this node announces it again, at most once in {DEFEND_INTERVAL:g} s",
    OnConflict.YIELD: f"this node does not answer for it until the other has been silent for {SILENCE:g} s",
    OnConflict.REPORT: "this node goes on answering for it",
}


class Links(Protocol):
    """The threads that answer, as `announce.layer2.Layer2`."""

    manners: Manners | None

    @property
    def rivals(self) -> Mapping[str, Mapping[Address, Rival]]:
        """By link, other machines that have addresses of ours."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A rival, with the Services whose address it has."""

    link: str
    address: Address
    rival: Rival
    services: tuple[ServiceKey, ...]


class Sentry:
    """Of one speaker. What it is asked costs little while there is no rival."""

    def __init__(
        self, links: Links, node: str, reporter: Reporter, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._links = links
        self._node = node
        self._reporter = reporter
        self._clock = clock
        self._complaints = Complaints(clock=clock)
        self._met: dict[str, float] = {}
        self._told: frozenset[tuple[str, Address]] = frozenset()

    def look(self, snapshot: Snapshot, _alive: frozenset[str], claims: Mapping[Claim, Grounds]) -> None:
        """Have the links know, from their next orders on, what holds by this snapshot; and tell people of the rivals there are."""
        self._links.manners = manners(snapshot, self._of_late(snapshot))
        there = self._links.rivals
        if not self._told and not any(there.values()):
            return
        keys = {claim.address: grounds.services for claim, grounds in claims.items()}
        found = [
            _Found(link, address, rival, keys.get(address, ()))
            for link, rivals in there.items()
            for address, rival in rivals.items()
        ]
        self._tell(sorted(found, key=lambda one: (one.link, order(one.address))), snapshot)
        before, self._told = self._told, frozenset((one.link, one.address) for one in found)
        gone = sorted(before - self._told, key=lambda one: (one[0], order(one[1])))
        for link, address in gone[:TOLD_ONE_BY_ONE]:
            log.info("nobody else has been heard to have %s on %s for a while", address, link)

    def _of_late(self, snapshot: Snapshot) -> frozenset[str]:
        """The MACs that nodes of ours tell, and those that they told of late."""
        now = self._clock()
        self._met = {mac: at for mac, at in self._met.items() if now - at < DEPARTED} | dict.fromkeys(
            _macs(snapshot), now
        )
        return frozenset(self._met)

    def _tell(self, found: Sequence[_Found], snapshot: Snapshot) -> None:
        new = [one for one in found if (one.link, one.address) not in self._told]
        for one in new[:TOLD_ONE_BY_ONE]:
            if self._complaints.is_due(f"{one.link} {one.address}"):
                log.warning("on %s %s", one.link, sentence(one.address, one.rival))
        if len(new) > TOLD_ONE_BY_ONE and self._complaints.is_due("more"):
            log.warning("other machines have %d more of our addresses", len(new) - TOLD_ONE_BY_ONE)
        for one in found[:TOLD_ONE_BY_ONE]:
            for key in one.services:
                if key in snapshot.services:  # the reporter tells the same again after ten minutes
                    told = f"node {self._node}: {sentence(one.address, one.rival)}"
                    self._reporter.tell(snapshot.services[key], Reason.ADDRESS_CLAIMED_ELSEWHERE, told, warning=True)


def manners(snapshot: Snapshot, of_late: frozenset[str] = NO_MACS) -> Manners | None:
    """How other machines are to be treated, with the MACs that were ours `of_late`. None while a speaker of an
    older release does not tell the MACs of its node, since what it announces would be taken for a stranger's.
    """
    macs = _macs(snapshot)
    if "" in macs or not macs:
        return None
    pools = sorted(snapshot.pools.values(), key=age)
    wanted = [(trusted(pool), pool.layer2.on_conflict) for pool in pools]
    kept = tuple(wanted) if any(policy is not OnConflict.DEFEND for _, policy in wanted) else ()
    return Manners(macs | of_late, kept)


def _macs(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(link.mac for speaker in snapshot.speakers.values() for link in speaker.links)


def sentence(address: Address, rival: Rival) -> str:
    """What people are told of a rival."""
    return (
        f"another machine, {rival.mac}, says that it has {address}: {DONE[rival.policy]}; take the address from that machine, "
        "or out of the Eip"
    )
