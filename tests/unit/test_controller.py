"""The manager against an API server in memory: what it writes, in which order, and what it leaves alone."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from openelb import controller
from openelb.controller import AT_ONCE, PER_LOOK, RESYNC, Controller, Settings
from openelb.kube.backoff import Backoff
from openelb.kube.client import Client, Patience
from openelb.kube.config import Access
from openelb.kube.errors import Forbidden, Unavailable
from openelb.kube.lease import Leadership
from openelb.kube.report import Event, Reporter
from openelb.kube.store import Store
from openelb.model import names
from openelb.model.snapshot import Snapshot
from openelb.plan.liveness import TTL_SECONDS
from tests.fakes.apiserver import Refusal
from tests.fakes.counted import CountedPools
from tests.fakes.leases import FakeLease
from tests.fakes.steered import SteeredApiServer
from tests.unit.builders import key, speaker
from tests.unit.kube.objects import EIPS, JSON, LEASES, SERVICES, eip, service, speaker_lease

QUICKLY = Patience(request=5.0, connect=5.0, backoff=Backoff(first=0.0, last=0.0))
ETH0 = '[{"name":"eth0","addresses":[]}]'
DENIED = Refusal(403, "Forbidden", message='admission webhook "no.example.com" denied the request: no')
NO_RIGHT = Refusal(403, "Forbidden", message='services "web" is forbidden: User "x" cannot patch services/status')

SPEC = {"protocol": "layer2", "interface": "eth0"}
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


# Who leads.


async def test_a_replica_that_does_not_lead_writes_nothing() -> None:
    async with replica(POOL, wanting("web")) as manager:
        assert await manager.look() == []


async def test_a_replica_that_does_not_lead_waits_for_news_alone() -> None:
    async with replica() as manager:
        assert await manager.controller.look() is None


async def test_the_leader_serves() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        assert manager.address("web") == "192.0.2.1"
        assert manager.ledger() == {"192.0.2.1": "default/web"}


async def test_a_leader_that_loses_the_lead_in_a_batch_writes_no_more() -> None:
    waiting = [wanting(f"web-{number}") for number in range(3 * AT_ONCE)]
    async with replica(POOL, *waiting) as manager:
        await manager.lead()
        assert await manager.look() == ["PATCH /apis/network.kubesphere.io/v1alpha2/eips/pool/status"]
        manager.server.before("PATCH /api/v1/", manager.lose_the_lead)
        batch = await manager.look()
        assert 1 <= len(batch) <= AT_ONCE
        assert await manager.look() == []


async def test_a_leader_that_loses_the_lead_while_it_asks_writes_nothing_and_soon_asks_no_more() -> None:
    used = {f"192.0.2.{number}": f"default/gone-{number}" for number in range(1, 3 * AT_ONCE)}
    async with replica({**POOL, "status": {"used": used}}, wanting("web")) as manager:
        await manager.lead()
        manager.server.before("GET /api/v1/namespaces/default/services/gone", manager.lose_the_lead)
        assert await manager.look() == []
        asked = [request for request in manager.server.requests if "services/gone" in request]
        assert 1 <= len(asked) <= AT_ONCE


# What comes before what.


async def test_the_ledger_has_an_address_before_its_service_shows_it() -> None:
    async with replica(POOL, wanting("web")) as manager:
        known: list[dict[str, str]] = []

        async def note() -> None:
            known.append(manager.ledger())

        manager.server.before("PATCH /api/v1/namespaces/default/services/web/status", note)
        await manager.lead()
        await manager.settle()
        assert known == [{"192.0.2.1": "default/web"}]


async def test_many_services_need_one_write_to_the_ledger() -> None:
    async with replica(POOL, *(wanting(f"web-{number}") for number in range(30))) as manager:
        await manager.lead()
        await manager.settle()
        assert sum("eips/pool" in write for write in manager.server.writes) == 1
        assert len({manager.address(f"web-{number}") for number in range(30)}) == 30


async def test_a_service_goes_with_its_address_in_the_order_that_frees_none_too_early() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        stored = manager.server.stored(SERVICES, "web", "default")
        going = {**stored["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        await manager.put(SERVICES, {**stored, "metadata": going})
        ledgers = []
        while writes := await manager.look():
            ledgers.append((writes[0].split("/")[-2], manager.ledger()))
        assert ledgers == [("web", {"192.0.2.1": "default/web"}), ("pool", {}), ("web", {})]
        assert (
            names.SERVICE_FINALIZER not in manager.server.stored(SERVICES, "web", "default")["metadata"]["finalizers"]
        )


async def test_an_eip_carries_the_finalizer_before_it_gives_out_addresses() -> None:
    async with replica({**POOL, "metadata": {"name": "pool"}}, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        path = "PATCH /apis/network.kubesphere.io/v1alpha2/eips/pool"
        assert manager.server.writes == [
            path,  # the finalizer
            f"{path}/status",  # ready, and the ledger
            "PATCH /api/v1/namespaces/default/services/web/status",
        ]


# Holders that nobody knows.


async def test_an_unknown_holder_is_asked_for_before_its_address_is_free() -> None:
    full = eip("pool", "192.0.2.1", spec=SPEC, status={"used": {"192.0.2.1": "default/gone"}})
    async with replica({**POOL, **full, "metadata": POOL["metadata"]}, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        asked = manager.server.requests.index("GET /api/v1/namespaces/default/services/gone")
        given = manager.server.requests.index("PATCH /api/v1/namespaces/default/services/web/status")
        assert asked < given
        assert manager.address("web") == "192.0.2.1"


async def test_a_holder_that_has_only_not_arrived_keeps_its_address() -> None:
    full = eip("pool", "192.0.2.1", spec=SPEC, status={"used": {"192.0.2.1": "default/late"}})
    async with replica({**POOL, **full, "metadata": POOL["metadata"]}, wanting("web")) as manager:
        late = wanting("late")
        manager.server.before(
            "GET /api/v1/namespaces/default/services/late", lambda: manager.server.put(SERVICES, late)
        )
        await manager.lead()
        await manager.look()
        await manager.sees(lambda seen: key("late") in seen.services)
        await manager.settle()
        assert (manager.address("late"), manager.address("web")) == ("192.0.2.1", "")


# What goes wrong.


async def test_a_conflict_is_no_error_and_leads_to_another_look(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.look()
        changed = wanting("web", loadBalancerIP="192.0.2.50")
        manager.server.before("PATCH /api/v1/", lambda: manager.server.put(SERVICES, changed))
        with caplog.at_level(logging.WARNING):
            await manager.look()
        assert caplog.messages == []
        await manager.sees(lambda seen: seen.services[key("web")].load_balancer_ip == "192.0.2.50")
        await manager.settle()
        assert manager.address("web") == "192.0.2.50"


async def test_an_eip_that_is_deleted_meanwhile_is_no_error() -> None:
    async with replica(POOL) as manager:
        await manager.lead()
        manager.server.before("PATCH", lambda: manager.server.remove(EIPS, "pool"))
        await manager.look()
        await manager.sees(lambda seen: not seen.pools)
        assert await manager.look() == []


@pytest.mark.parametrize(
    "refusal", [pytest.param(DENIED, id="a webhook's no"), pytest.param(Refusal(400, "BadRequest"), id="400")]
)
async def test_a_service_that_is_refused_is_left_alone_for_a_while_and_the_others_are_served(
    refusal: Refusal, caplog: pytest.LogCaptureFixture
) -> None:
    async with replica(POOL, wanting("bad"), wanting("good")) as manager:
        manager.server.refuse("PATCH /api/v1/namespaces/default/services/bad/status", refusal)
        await manager.lead()
        await manager.look()
        await manager.look()
        assert manager.address("good")
        assert await manager.look() == []
        assert [text.partition(": ")[0] for text in caplog.messages] == ["Service default/bad is left for 30 s"]


async def test_a_service_that_was_refused_is_tried_again_later() -> None:
    async with replica(POOL, wanting("bad")) as manager:
        manager.server.refuse("services/bad/status", DENIED)
        await manager.lead()
        await manager.look()
        await manager.look()
        manager.server.rules.clear()
        manager.now += RESYNC
        await manager.lead()
        await manager.settle()
        assert manager.address("bad") == "192.0.2.1"


async def test_a_service_that_was_refused_is_tried_again_at_once_when_it_changes() -> None:
    async with replica(POOL, wanting("bad")) as manager:
        manager.server.refuse("services/bad/status", DENIED)
        await manager.lead()
        await manager.look()
        await manager.look()
        manager.server.rules.clear()
        await manager.put(SERVICES, wanting("bad", externalTrafficPolicy="Cluster"))
        await manager.settle()
        assert manager.address("bad") == "192.0.2.1"


@pytest.mark.parametrize("finalizers", [[], [names.POOL_FINALIZER]], ids=["its finalizer", "its status"])
async def test_an_eip_that_is_refused_is_left_alone_for_a_while_and_the_others_serve(
    finalizers: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    bad = eip("bad", "198.51.100.0/24", spec=SPEC, finalizers=finalizers)
    async with replica(bad, POOL, wanting("web")) as manager:
        manager.server.refuse("eips/bad", DENIED)
        await manager.lead()
        await manager.settle()
        assert manager.address("web") == "192.0.2.1"
        assert [text.partition(": ")[0] for text in caplog.messages] == ["Eip bad is left for 30 s"]


async def test_a_write_that_fails_keeps_no_other_from_being_tried() -> None:
    trouble = eip("a", "198.51.100.0/24", spec=SPEC)
    async with replica(trouble, POOL, wanting("web")) as manager:
        manager.server.refuse("eips/a", Refusal(500, "InternalError"))
        await manager.lead()
        with pytest.raises(Unavailable):
            await manager.look()
        with pytest.raises(Unavailable):
            await manager.look()
        assert manager.address("web") == "192.0.2.1"


async def test_a_missing_right_is_an_error_with_advice() -> None:
    async with replica(POOL, wanting("web")) as manager:
        manager.server.refuse("services/web", NO_RIGHT)
        await manager.lead()
        await manager.look()
        with pytest.raises(Forbidden, match="install the RBAC rules"):
            await manager.look()


async def test_in_a_burst_addresses_come_before_bad_news() -> None:
    nowhere = service("a", annotations={names.OPT_IN: "openelb", names.REQUESTED_POOL: "none"})
    async with replica(POOL, nowhere, wanting("b")) as manager:
        await manager.lead()
        manager.server.refuse("services/a", Refusal(500))
        with pytest.raises(Unavailable):
            await manager.look()
        with pytest.raises(Unavailable):
            await manager.look()
        order = [write for write in manager.server.writes if "/services/" in write]
        assert order[-2:] == [f"PATCH /api/v1/namespaces/default/services/{name}/status" for name in ("b", "a")]


async def test_one_look_writes_so_many_services_and_no_more() -> None:
    many = [service(f"web-{number}", annotations={names.OPT_IN: "openelb"}) for number in range(PER_LOOK + 1)]
    async with replica(*many) as manager:
        await manager.lead()
        assert [len(await manager.look()) for _ in range(3)] == [PER_LOOK, 1, 0]


async def test_a_service_that_has_one_condition_twice_is_no_reason_to_look_for_ever() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        stored = manager.server.stored(SERVICES, "web", "default")
        conditions = stored["status"]["conditions"]
        await manager.put(
            SERVICES, {**stored, "status": {**stored["status"], "conditions": [*conditions, conditions[0]]}}
        )
        await manager.settle()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await manager.store.changed()


# What is told.


async def test_an_address_is_told_in_the_words_that_scripts_look_for(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        with caplog.at_level(logging.INFO, logger="openelb.controller"):
            await manager.settle()
        assert manager.told() == [
            "Ready: nodes with interface eth0 announce its addresses",
            "AssignIP: success to assign ip: 192.0.2.1",
        ]
        assert caplog.messages == [
            "Eip pool: nodes with interface eth0 announce its addresses",
            "Service default/web: gets 192.0.2.1 from Eip pool",
        ]


async def test_an_address_that_is_given_back_is_told() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        manager.told()
        stored = manager.server.stored(SERVICES, "web", "default")
        await manager.put(SERVICES, {**stored, "metadata": {**stored["metadata"], "annotations": {}}})
        await manager.settle()
        assert manager.told() == ["ReleaseIP: success to release ip: 192.0.2.1"]
        assert (manager.address("web"), manager.ledger()) == ("", {})


async def test_a_service_that_waits_is_told_why_once(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        (event,) = manager.told()
        assert event.startswith("PoolNotFound: Eip pool does not exist: create it")
        assert [text[:45] for text in caplog.messages] == ["Service default/web: Eip pool does not exist:"]
        await manager.put(SERVICES, wanting("other"))
        await manager.settle()
        assert len(caplog.messages) == 2


async def test_a_write_tells_of_what_it_changes_alone(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = {**POOL, "spec": {**POOL["spec"], "interface": "eth9"}}
    async with replica(nowhere, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        caplog.clear()
        stored = manager.server.stored(SERVICES, "web", "default")
        await manager.put(SERVICES, {**stored, "spec": {**stored["spec"], "loadBalancerIP": "203.0.113.1"}})
        await manager.settle()
        assert [text.partition(",")[0] for text in caplog.messages] == [
            "Service default/web: keeps 192.0.2.1 from Eip pool"
        ]


async def test_nothing_is_told_or_written_when_nothing_has_changed(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(POOL, wanting("web"), service("not-ours")) as manager:
        await manager.lead()
        await manager.settle()
        manager.told()
        caplog.clear()
        with caplog.at_level(logging.INFO):
            for renewal in range(2, 5):
                await manager.server.put(LEASES, speaker_lease("n1", f"t{renewal}", ETH0))
                await manager.sees(lambda seen, t=f"t{renewal}": seen.speakers["n1"].renewal.endswith(t))
                manager.now += 1
                await manager.lead()
                assert await manager.look() == []
        assert (caplog.messages, manager.told()) == ([], [])


# When to look again.


async def test_the_leader_looks_again_when_a_speaker_could_be_lost() -> None:
    async with replica(POOL) as manager:
        await manager.lead()
        await manager.settle()
        manager.now += 1.5
        assert await manager.controller.look() == pytest.approx(TTL_SECONDS - 1.5)


async def test_a_speaker_that_is_silent_is_lost_while_the_leader_hears_itself() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        leader = {"metadata": {"name": names.LEADER_LEASE, "namespace": names.NAMESPACE}}
        for second in range(6):
            await manager.server.put(LEASES, {**leader, "spec": {"renewTime": f"t{second}"}})
            await manager.sees(lambda seen, t=f"t{second}": seen.leader_renewal.endswith(t))
            manager.now += 1
            await manager.lead()
            await manager.look()
        (ready,) = manager.server.stored(EIPS, "pool")["status"]["conditions"]
        assert (ready["status"], ready["reason"]) == ("False", "NoSpeaker")
        assert manager.address("web") == "192.0.2.1"


@dataclass
class Sight:
    """What the store has, as the test says."""

    seen: Snapshot

    def snapshot(self) -> Snapshot:
        return self.seen


async def test_the_plan_is_not_made_anew_when_only_leases_were_renewed() -> None:
    pools, clock = CountedPools(), lambda: 1000.0
    sight = Sight(Snapshot(pools=pools, speakers={"n1": speaker("n1")}))
    leadership = Leadership(FakeLease(), "manager-1", clock=clock)
    client = Client(Access(""))
    manager = Controller(client, sight, leadership, Reporter(client, "", ""), Settings("manager-1"), clock=clock)
    await leadership.attempt()
    await manager.look()
    made = pools.read
    for renewal in range(5):
        speakers = {"n1": speaker("n1", renewal=f"t{renewal}")}
        sight.seen = replace(sight.seen, speakers=speakers, leader_renewal=f"t{renewal}")
        await manager.look()
    assert pools.read == made > 0
    sight.seen = replace(sight.seen, gone=frozenset({key("web")}))
    await manager.look()
    assert pools.read > made


# The whole process.


async def test_a_manager_leads_serves_and_gives_the_lead_up_when_told_to_stop() -> None:
    async with SteeredApiServer().running() as server:
        await server.put(EIPS, POOL)
        await server.put(SERVICES, wanting("web"))
        running = asyncio.create_task(controller.run(server.access, Settings("manager-1", metrics_address="")))
        await server.until(
            lambda: bool(server.stored(SERVICES, "web", "default")["status"]["loadBalancer"].get("ingress"))
        )
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await running
        released = server.stored(LEASES, names.LEADER_LEASE, names.NAMESPACE)["spec"]
        assert released["holderIdentity"] == ""
