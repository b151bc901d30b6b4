"""Sums up, in a condition of the BgpConf and of each BgpPeer, what the nodes say of them, and strikes out nodes that are gone.

Followed by metadata, since each status has as many entries as there are nodes: one that has changed is read again, but not more
often than it can be worth.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from openelb.complaints import Complaints
from openelb.kube import peer_words
from openelb.kube.client import Client
from openelb.kube.errors import ApiError, NotFound
from openelb.model.cluster import BgpObject
from openelb.model.findings import Finding, Reason
from openelb.model.routers import CONF, BgpPeer
from openelb.model.snapshot import Snapshot
from openelb.plan import peers
from openelb.plan.bgp_outlook import standstill

log = logging.getLogger(__name__)

LOOKING = 1.0
"""Seconds between two looks at what has changed."""

NODES_A_SECOND = 50
"""Entries of a status that are read in a second at most, of all objects: of 1,000 nodes each is read again after 20 s."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """What nodes have words about: the object as it was `seen`, and who is to have any. `hindered` says why nobody speaks BGP."""

    kind: str
    name: str
    seen: BgpObject
    among: frozenset[str]
    hindered: Finding | None
    peer: BgpPeer | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """What an object was when it was read, and until when it is left alone (monotonic seconds)."""

    about: _Subject
    until: float


class PeerReport:
    """What `snapshot` has of the BgpConf and BgpPeers is looked at while `run` runs."""

    def __init__(
        self, client: Client, snapshot: Callable[[], Snapshot | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._snapshot = snapshot
        self._clock = clock
        self._read: dict[tuple[str, str], _Read] = {}
        self._complaints = Complaints(clock=clock)

    async def run(self) -> None:
        """Until cancelled. Failures are logged once, and tried again."""
        while True:
            snapshot = self._snapshot()
            if snapshot is not None:
                await self._look(snapshot)
            await asyncio.sleep(LOOKING)

    async def _look(self, snapshot: Snapshot) -> None:
        subjects = {(one.kind, one.name): one for one in _subjects(snapshot)}
        self._read = {key: one for key, one in self._read.items() if key in subjects}
        failed = False
        for key, subject in subjects.items():
            before, now = self._read.get(key), self._clock()
            if before and (before.about == subject or now < before.until):
                continue
            try:
                await self._sum_up(subject)
            except NotFound:
                continue
            except ApiError as error:
                failed = True
                if self._complaints.begins(error.cause):
                    log.warning("%s %s cannot be told of the nodes: %s", *key, error)
                continue
            self._read[key] = _Read(subject, now + max(LOOKING, len(subject.among) / NODES_A_SECOND))
        if not failed and self._complaints.ends():
            log.info("BgpConfs and BgpPeers can be told of the nodes again")

    async def _sum_up(self, subject: _Subject) -> None:
        kind, name, among, hindered = subject.kind, subject.name, subject.among, subject.hindered
        told = await peer_words.read(self._client, kind, name)
        if subject.peer:
            wanted = peers.established(subject.peer, told, among, hindered)
        else:
            wanted = peers.ready(told, among, hindered)
        struck = peers.stale(told, among)
        if struck or wanted not in told.conditions:
            await peer_words.write(self._client, kind, name, struck, told, wanted, datetime.now(UTC))


def _subjects(snapshot: Snapshot) -> Iterator[_Subject]:
    hindered = standstill(snapshot)
    if (conf := snapshot.bgp_confs.get(CONF)) and CONF in snapshot.confs and not conf.deleting:
        yield _Subject("BgpConf", CONF, conf, frozenset(snapshot.speakers), hindered)
    # What nodes cannot use they go on without, and say so themselves.
    missing = hindered if hindered and hindered.reason is Reason.NO_BGP_CONF else None
    for name, peer in snapshot.peers.items():
        if (seen := snapshot.bgp_peers.get(name)) and not seen.deleting:
            among = peers.meant(peer, snapshot.speakers, snapshot.nodes)
            yield _Subject("BgpPeer", name, seen, among, missing, peer)
