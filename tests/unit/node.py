"""The speaker of a node with a link in memory, at times that the tests say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from openelb.announce.layer2 import Layer2
from openelb.announce.protocols import Announcers
from openelb.host.state_file import StateFile
from openelb.kube.client import Client
from openelb.kube.config import Access
from openelb.kube.decode import Lease
from openelb.kube.lease import SpeakerLease, speaker_lease_name
from openelb.kube.report import Reporter
from openelb.model.addresses import Address
from openelb.model.cluster import Link, Pool, Protocol, Service
from openelb.model.snapshot import Snapshot
from openelb.plan.placement import winner
from openelb.speaker.company import Alone, Company, Watch
from openelb.speaker.speaker import Settings, Speaker
from openelb.speaker.succession import Inheritance, inherited
from tests.fakes.leases import FakeLease
from tests.fakes.ports import FakePort, answer, question
from tests.unit.builders import pool, service, snapshot, speaker

ADDRESS = IPv4Address("192.168.1.10")
NODES = ("n1", "n2")
ME = winner(ADDRESS, NODES) or ""
(OTHER,) = set(NODES) - {ME}
LEASE = speaker_lease_name(ME)
NOTHING_HELD: Mapping[str, frozenset[Address]] = {}


@dataclass
class Sight:
    """What the store has, as the test says."""

    seen: Snapshot

    def snapshot(self) -> Snapshot:
        return self.seen


@dataclass
class World:
    """A speaker that wins one address, beside another; both renew when the test says."""

    me: str = ME
    now: float = 1000.0
    file: Path | None = None
    ports: dict[str, FakePort] = field(default_factory=dict)
    renewals: int = 0
    refused: bool = False
    watch: Watch = field(default_factory=Alone)
    links: tuple[Link, ...] | None = None

    def __post_init__(self) -> None:
        self.sight = Sight(snapshot(pool(), service(shows=str(ADDRESS)), *map(speaker, NODES)))
        self.stored = FakeLease(Lease(LEASE, "pod", 4, version="0"))
        self.layer2 = Layer2(self._port, clock=self.clock)
        # To the reporter a second is an hour: it would tell everything again, were it told so.
        self.reporter = Reporter(Client(Access("")), "openelb-speaker", self.me, clock=lambda: 3600 * self.now)
        self.state = StateFile(self.file, clock=self.clock, boot=lambda: "boot-1")
        self.announcers = Announcers({Protocol.LAYER2: self.layer2}, lambda failures: 0.5, clock=self.clock)
        self.lease = SpeakerLease(self.stored, self.me, "pod")
        self.company = Company(self.me, self.watch, self.lease, lambda: self.links, clock=self.clock)
        self.speaker = Speaker(
            self.sight,
            self.lease,
            self.company,
            self.announcers,
            self.state,
            self.reporter,
            Settings(self.me, "pod"),
            clock=self.clock,
        )

    def clock(self) -> float:
        return self.now

    def inheritance(self, links: tuple[Link, ...] = (Link("eth0", ()), Link("eth1", ()))) -> Inheritance:
        """What the process before this one left in the file."""
        return inherited(self.state.left(), frozenset(link.name for link in links), [Protocol.LAYER2])

    def _port(self, link: str) -> FakePort:
        if self.refused:
            raise PermissionError(1, "layer2 needs the capability NET_RAW")
        self.ports[link] = FakePort()
        return self.ports[link]

    def renew(self, *nodes: str, holds: Mapping[str, frozenset[Address]] = NOTHING_HELD) -> None:
        """These speakers renew, and the watch brings it."""
        self.renewals += 1
        now = {
            node: replace(
                self.sight.seen.speakers[node],
                renewal=f"renewal {self.renewals}",
                holds=holds.get(node, frozenset()),
            )
            for node in nodes
        }
        self.sight.seen = replace(self.sight.seen, speakers={**self.sight.seen.speakers, **now})

    def see(self, *facts: Pool | Service, **others: Any) -> None:
        """The cluster has these pools and Services instead."""
        self.sight.seen = replace(snapshot(*facts, **others), speakers=self.sight.seen.speakers)

    async def look(self, *, after: float = 0.0) -> float | None:
        self.now += after
        return await self.speaker.look()

    def answers(self, *, after: float = 0.0) -> bool:
        """Whether a question for the address is answered, so many seconds later."""
        self.now += after
        port = self.ports.get("eth0")
        return port is not None and not port.closed and answer(ADDRESS) in port.deliver(question(ADDRESS))

    def told(self) -> list[str]:
        """The Events that wait to be written, as `reason: sentence`."""
        events = [self.reporter.next() for _ in range(self.reporter.waiting)]
        return [f"{event.reason}: {event.sentence}" for event in events]
