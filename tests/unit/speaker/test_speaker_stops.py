"""A whole speaker, told to stop: whether it leaves its node for good."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from openelb.model import names
from openelb.speaker import speaking as process
from openelb.speaker.resumption import First, Resumption
from openelb.speaker.speaker import Settings
from tests.fakes.apiserver import Refusal
from tests.fakes.steered import SteeredApiServer
from tests.unit.kube.objects import EIPS, JSON, LEASES, SERVICES, eip


def daemon_set(**selector: str) -> JSON:
    return {
        "metadata": {"name": names.DAEMON_SET, "namespace": names.NAMESPACE},
        "spec": {"template": {"spec": {"nodeSelector": selector}}},
    }


@asynccontextmanager
async def running(server: SteeredApiServer, daemon_set: str = names.DAEMON_SET) -> AsyncIterator[None]:
    """A speaker of node n1 that has made its Lease; told to stop at the end, and waited for."""
    settings = Settings("n1", "pod-1", daemon_set=daemon_set, metrics_address="")
    speaking = asyncio.create_task(process.run(server.access, settings, Resumption(First("n1", "pod-1"))))
    await server.until(lambda: server.has(LEASES, "openelb-speaker-n1", names.NAMESPACE))
    yield
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(5):
        await speaking


@pytest.fixture
async def server() -> AsyncIterator[SteeredApiServer]:
    async with SteeredApiServer().running() as server:
        await server.put("/api/v1/nodes", {"metadata": {"name": "n1", "labels": {"role": "edge"}}})
        await server.put(EIPS, eip())
        await server.put(SERVICES, {"metadata": {"name": "web", "namespace": "default"}})
        yield server


async def test_a_stop_for_a_restart_leaves_the_lease(server: SteeredApiServer) -> None:
    await server.put("/apis/apps/v1/daemonsets", daemon_set(role="edge"))
    async with running(server):
        pass
    lease = server.stored(LEASES, "openelb-speaker-n1", names.NAMESPACE)
    assert lease["spec"]["holderIdentity"] == "pod-1"
    assert lease["metadata"]["annotations"][names.NODE] == "n1"


async def test_a_stop_because_the_daemon_set_leaves_the_node_out_takes_the_lease_away(server: SteeredApiServer) -> None:
    await server.put("/apis/apps/v1/daemonsets", daemon_set(role="core"))
    async with running(server):
        pass
    assert not server.has(LEASES, "openelb-speaker-n1", names.NAMESPACE)


async def test_a_stop_because_the_daemon_set_is_going_takes_the_lease_away(server: SteeredApiServer) -> None:
    going = daemon_set(role="edge")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    await server.put("/apis/apps/v1/daemonsets", going)
    async with running(server):
        pass
    assert not server.has(LEASES, "openelb-speaker-n1", names.NAMESPACE)


async def test_a_stop_because_the_node_is_gone_takes_the_lease_away(server: SteeredApiServer) -> None:
    await server.put("/apis/apps/v1/daemonsets", daemon_set(role="edge"))
    async with running(server):
        await server.remove("/api/v1/nodes", "n1")
    assert not server.has(LEASES, "openelb-speaker-n1", names.NAMESPACE)


async def test_a_stop_outside_a_pod_is_for_good(server: SteeredApiServer) -> None:
    async with running(server, daemon_set=""):
        pass
    assert not server.has(LEASES, "openelb-speaker-n1", names.NAMESPACE)


async def test_while_it_is_asked_the_work_goes_on(server: SteeredApiServer) -> None:
    await server.put("/apis/apps/v1/daemonsets", daemon_set(role="edge"))

    def version() -> str:
        return str(server.stored(LEASES, "openelb-speaker-n1", names.NAMESPACE)["metadata"]["resourceVersion"])

    renewed: list[bool] = []

    async def another_renewal() -> None:
        asked = version()
        await server.until(lambda: version() != asked)
        renewed.append(True)

    async with running(server):
        server.before("GET /apis/apps/v1/", another_renewal)
    assert renewed == [True]


async def test_a_stop_that_nobody_can_be_asked_about_is_taken_for_a_restart(
    server: SteeredApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(server):
        server.refuse("GET /apis/apps/v1/", Refusal(403, "Forbidden"))
    assert server.has(LEASES, "openelb-speaker-n1", names.NAMESPACE)
    (line,) = (record.message for record in caplog.records if record.name == "openelb.speaker.speaking")
    assert line.startswith("the cluster cannot be asked, so this is taken for a restart: ")
