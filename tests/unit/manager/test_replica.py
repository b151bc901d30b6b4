"""A replica of the manager as a whole: how it comes to lead, and how it stops."""

import asyncio
import os
import signal

from openelb.kube.client import Client
from openelb.kube.report import Reporter
from openelb.manager.controller import Settings
from openelb.manager.replica import Replica, run
from openelb.model import names
from openelb.process import runtime
from tests.fakes.leases import FakeLease
from tests.fakes.steered import SteeredApiServer
from tests.unit.kube.objects import EIPS, LEASES, SERVICES
from tests.unit.replica import POOL, QUICKLY, wanting

LEADS = f"GET /apis/coordination.k8s.io/v1/namespaces/{names.NAMESPACE}/leases/{names.LEADER_LEASE}"


async def test_a_new_leader_reads_the_cluster_on_connections_of_its_own() -> None:
    async with SteeredApiServer().running() as server, Client(server.access, QUICKLY) as client:
        await client.page(EIPS, {})
        (former,) = server.connections
        reporter = Reporter(client, "openelb-manager", "manager-1")
        one = Replica(client, FakeLease(), reporter, Settings("manager-1"), runtime.Progress())
        stop = asyncio.Event()
        running = asyncio.create_task(one.run(stop))
        await server.until(lambda: f"WATCH {EIPS}" in server.requests)
        stop.set()
        await running
        assert former not in server.connections[1:]


async def test_who_leads_again_lists_everything_anew() -> None:
    """What it had seen before is older than what the leader in between has written."""
    async with SteeredApiServer().running() as server:
        running = asyncio.create_task(run(server.access, Settings("manager-1", metrics_address="")))
        await server.until(lambda: server.watches_open == 11)
        lease = server.stored(LEASES, names.LEADER_LEASE, names.NAMESPACE)
        looked = server.requests.count(LEADS)
        await server.put(LEASES, {**lease, "spec": {**lease["spec"], "holderIdentity": "manager-2"}})
        await server.until(lambda: server.requests.count(LEADS) > looked)
        await server.put(LEASES, {**lease, "spec": {**lease["spec"], "holderIdentity": ""}})
        await server.until(lambda: server.requests.count("GET /api/v1/services") == 2)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await running


async def test_who_was_frozen_while_another_led_and_gave_the_lead_up_lists_everything_anew() -> None:
    async with SteeredApiServer().running() as server:
        running = asyncio.create_task(run(server.access, Settings("manager-1", metrics_address="")))
        await server.until(lambda: server.watches_open == 11)
        lease = server.stored(LEASES, names.LEADER_LEASE, names.NAMESPACE)
        await server.put(LEASES, {**lease, "spec": {**lease["spec"], "holderIdentity": ""}})
        await server.until(lambda: server.requests.count("GET /api/v1/services") == 2)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await running


async def test_a_manager_leads_serves_and_gives_the_lead_up_when_told_to_stop() -> None:
    async with SteeredApiServer().running() as server:
        await server.put(EIPS, POOL)
        await server.put(SERVICES, wanting("web"))
        running = asyncio.create_task(run(server.access, Settings("manager-1", metrics_address="")))
        await server.until(
            lambda: bool(server.stored(SERVICES, "web", "default")["status"]["loadBalancer"].get("ingress"))
        )
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await running
        released = server.stored(LEASES, names.LEADER_LEASE, names.NAMESPACE)["spec"]
        assert released["holderIdentity"] == ""
