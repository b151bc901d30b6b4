"""A replica of the manager with its cluster in memory, at a time that goes on when told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from openelb.kube.backoff import Backoff
from openelb.kube.client import Client, Patience
from openelb.kube.lease import Leadership
from openelb.kube.report import Event, Reporter
from openelb.kube.store import Store
from openelb.manager.controller import Controller, Settings
from openelb.model import names
from openelb.model.snapshot import Snapshot
from tests.fakes.leases import FakeLease
from tests.fakes.steered import SteeredApiServer
from tests.unit.kube.objects import EIPS, JSON, LEASES, SERVICES, eip, service, speaker_lease

QUICKLY = Patience(request=5.0, connect=5.0, backoff=Backoff(first=0.0, last=0.0))
ETH0 = '[{"name":"eth0","addresses":[]}]'

SPEC = {"protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}}
POOL = eip("pool", "192.0.2.1-192.0.2.100", spec=SPEC, finalizers=[names.POOL_FINALIZER])


def wanting(name: str, **spec: Any) -> JSON:
    """A Service that has opted in for an address of the pool."""
    return service(name, spec=spec, annotations={names.OPT_IN: "openelb", names.REQUESTED_POOL: "pool"})


@dataclass
class Replica:
    """A manager with its cluster, at a time that goes on when told."""

    server: SteeredApiServer
    client: Client
    now: float = 1000.0
    lease: FakeLease = field(default_factory=FakeLease)

    def __post_init__(self) -> None:
        self.store = Store.for_manager(self.client, names.NAMESPACE)
        self.leadership = Leadership(self.lease, "manager-1", clock=self.clock, on_change=self.store.poke)
        self.reporter = Reporter(self.client, "openelb-manager", "manager-1", clock=self.clock)
        self.controller = Controller(
            self.client, self.store, self.leadership, self.reporter, Settings("manager-1"), clock=self.clock
        )

    def clock(self) -> float:
        return self.now

    async def lead(self) -> None:
        await self.leadership.attempt()

    async def lose_the_lead(self) -> None:
        self.now += 3600

    async def look(self) -> list[str]:
        """What one look asks of the server that is no question."""
        before = len(self.server.writes)
        await self.controller.look()
        return self.server.writes[before:]

    async def settle(self) -> None:
        """Look until there is nothing to do."""
        for _ in range(12):
            if not await self.look():
                return
        raise AssertionError(f"it never rests: {self.server.writes[-3:]}")

    async def sees(self, holds: Callable[[Snapshot], bool]) -> None:
        """Return when the watches have brought it."""
        async with asyncio.timeout(5):
            while not holds(self.store.snapshot()):
                await self.store.changed()

    async def put(self, collection: str, what: JSON) -> JSON:
        """A user changes an object, and the watch brings it."""
        stored = await self.server.put(collection, what)
        version = stored["metadata"]["resourceVersion"]
        await self.sees(lambda seen: version in {x.version for x in (*seen.pools.values(), *seen.services.values())})
        return stored

    def address(self, name: str) -> str:
        """The address that a Service shows."""
        ingress = self.server.stored(SERVICES, name, "default")["status"]["loadBalancer"].get("ingress", [])
        return " ".join(entry["ip"] for entry in ingress)

    def ledger(self) -> dict[str, str]:
        return dict(self.server.stored(EIPS, "pool").get("status", {}).get("used", {}))

    def told(self) -> list[str]:
        """The Events that wait to be written, as `reason: sentence`."""
        events: list[Event] = [self.reporter.next() for _ in range(self.reporter.waiting)]
        return [f"{event.reason}: {event.sentence}" for event in events]


@asynccontextmanager
async def replica(*objects: JSON) -> AsyncIterator[Replica]:
    """A replica that has read a cluster of these objects and one live speaker, and does not lead yet."""
    async with SteeredApiServer().running() as server, Client(server.access, QUICKLY) as client:
        await server.put(LEASES, speaker_lease("n1", "t1", ETH0))
        for what in objects:
            await server.put(EIPS if what["kind"] == "Eip" else SERVICES, what)
        made = Replica(server, client)
        watching = asyncio.create_task(made.store.run())
        try:
            async with asyncio.timeout(5):
                await made.store.synced()
            yield made
        finally:
            watching.cancel()
            await asyncio.wait([watching])
