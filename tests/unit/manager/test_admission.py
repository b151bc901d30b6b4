"""Admission of a whole replica: it serves while it leads, the API server finds it then and only then, and the rules judge."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest

from openelb.kube import tls
from openelb.kube.client import Client
from openelb.kube.report import Reporter
from openelb.kube.review import Change, Review
from openelb.manager.admission import Door, judged
from openelb.manager.controller import Settings
from openelb.manager.replica import Replica
from openelb.model import names
from openelb.model.cluster import Reservation
from openelb.plan.admission import Verdict
from openelb.plan.cluster import Planner
from openelb.process import runtime
from openelb.process.metrics import VERDICTS
from tests.fakes.apiserver import JSON, Refusal
from tests.fakes.leases import FakeLease
from tests.fakes.steered import SteeredApiServer
from tests.unit.builders import pool, snapshot
from tests.unit.kube.objects import EIPS, SERVICES, SLICES, eip
from tests.unit.manager.test_identity import CONFIGURATION, CONFIGURATIONS, SECRETS
from tests.unit.replica import POOL, QUICKLY, wanting
from tests.unit.serving import EIP_PATH, NAME, question

SLICE = f"{names.WEBHOOK_SERVICE}-leader"
OVERLAPPING = eip(
    "other", "192.0.2.100-192.0.2.101", spec={"protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}}
)
NAMED = f"{SLICES.replace('/endpointslices', f'/namespaces/{names.NAMESPACE}/endpointslices')}/{SLICE}"
DOOR = Door("127.0.0.1:0", "127.0.0.1")


@dataclass
class Led:
    """A replica that leads, and the API server that calls it."""

    server: SteeredApiServer
    lease: FakeLease
    replica: Replica
    stop: asyncio.Event

    def endpoints(self) -> Any:
        return self.server.stored(SLICES, SLICE, names.NAMESPACE)["endpoints"]

    async def found(self) -> None:
        """Return when the API server knows where it is."""
        await self.server.until(lambda: self.server.has(SLICES, SLICE, names.NAMESPACE) and bool(self.endpoints()))

    async def ask(self, **request: Any) -> Any:
        """As the API server does: at the address of the slice, trusting whom the configuration names."""
        there = self.server.stored(SLICES, SLICE, names.NAMESPACE)
        (hook,) = self.server.only(CONFIGURATIONS)["webhooks"]
        trusted = tls.trusting(base64.b64decode(hook["clientConfig"]["caBundle"]).decode())
        url = f"https://{there['endpoints'][0]['addresses'][0]}:{there['ports'][0]['port']}{EIP_PATH}"
        headers = {"Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=question(**request), headers=headers, ssl=trusted, server_hostname=NAME) as answer,
        ):
            return json.loads(await answer.read())["response"]

    def told(self, metric: str) -> dict[tuple[str, ...], float]:
        """The figures of a metric, by its labels."""
        (family,) = (each for each in self.replica.facts() if each.name == metric)
        return {tuple(sample.labels.values()): sample.value for sample in family.samples}


@asynccontextmanager
async def leading(*objects: JSON, door: Door = DOOR) -> AsyncIterator[Led]:
    async with SteeredApiServer().running() as server, Client(server.access, QUICKLY) as client:
        await server.put(CONFIGURATIONS, CONFIGURATION)
        for each in objects:
            await server.put(EIPS if each["kind"] == "Eip" else SERVICES, each)
        reporter = Reporter(client, "openelb-manager", "manager-1")
        lease = FakeLease()
        replica = Replica(client, lease, reporter, Settings("manager-1"), runtime.Progress(), door)
        stop = asyncio.Event()
        running = asyncio.create_task(replica.run(stop))
        try:
            yield Led(server, lease, replica, stop)
        finally:
            stop.set()
            await running


async def test_who_leads_is_found_and_judges_by_what_the_cluster_has() -> None:
    async with leading(POOL) as led:
        await led.found()
        answer = await led.ask(object=OVERLAPPING)
        assert not answer["allowed"]
        assert answer["status"]["message"].startswith("eip address overlap with pool")
        assert (
            await led.ask(
                object=eip(
                    "elsewhere",
                    "198.51.100.1",
                    spec={"protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}},
                )
            )
        )["allowed"]


async def test_a_pool_in_use_is_not_deleted() -> None:
    async with leading(POOL, wanting("web")) as led:
        await led.found()
        await led.server.until(lambda: bool(led.server.stored(SERVICES, "web", "default")["status"]["loadBalancer"]))
        answer = await led.ask(operation="DELETE", object=None, oldObject=POOL)
        assert "Eip pool is in use by " in answer["status"]["message"]


async def test_before_the_cluster_is_read_nobody_is_to_come() -> None:
    async with leading(POOL) as led:
        led.server.refuse(f"GET {SERVICES}", Refusal(500))
        await led.server.until(lambda: led.server.requests.count(f"GET {SERVICES}") > 3)
        assert led.server.has(SECRETS, names.WEBHOOK_CERTIFICATE, names.NAMESPACE)
        assert not led.server.has(SLICES, SLICE, names.NAMESPACE)


async def test_who_stops_says_first_that_nobody_is_to_come() -> None:
    async with leading(POOL) as led:
        await led.found()
        led.stop.set()
        await led.server.until(lambda: led.endpoints() == [])
        assert led.server.requests[-1] == f"PATCH {NAMED}"


async def test_who_has_lost_the_lead_is_not_found_any_more() -> None:
    async with leading(POOL) as led:
        await led.found()
        assert led.lease.stored is not None
        led.lease.stored = replace(led.lease.stored, holder="manager-2", version="another")
        await led.server.until(lambda: led.endpoints() == [])


async def test_where_the_next_to_lead_is_found_already_the_one_before_changes_nothing() -> None:
    async with leading(POOL) as led:
        await led.found()
        there = led.server.stored(SLICES, SLICE, names.NAMESPACE)
        await led.server.put(SLICES, {**there, "endpoints": [{"addresses": ["192.0.2.9"]}]})
    assert led.endpoints() == [{"addresses": ["192.0.2.9"]}]


async def test_figures_say_how_questions_ended_and_until_when_the_certificate_is_good() -> None:
    async with leading(POOL) as led:
        assert led.told("openelb_webhook_reviews") == {(verdict,): 0 for verdict in VERDICTS}
        await led.found()
        await led.ask(object=OVERLAPPING)
        assert led.told("openelb_webhook_reviews")[("refused",)] == 1
        (ends,) = led.told("openelb_webhook_certificate_expiry_timestamp_seconds").values()
        assert ends > 0


async def test_without_the_right_to_its_secret_a_manager_does_its_other_work(caplog: pytest.LogCaptureFixture) -> None:
    async with leading(POOL, wanting("web")) as led:
        led.server.refuse("/secrets", Refusal(403, "Forbidden"))
        await led.server.until(lambda: bool(led.server.stored(SERVICES, "web", "default")["status"]["loadBalancer"]))
    told = [message for message in caplog.messages if "secrets" in message and "heartbeat" not in message]
    assert len(told) == 1
    assert "grant that verb on that resource" in told[0]


def test_what_is_no_change_is_not_judged() -> None:
    planner = Planner()
    seen = snapshot(pool())
    planner.plan(seen, frozenset())
    gone = Change(Reservation("kept", "pool"), None)
    assert judged(Review("uid", gone), planner.facts(seen, 0.0)) == Verdict()
