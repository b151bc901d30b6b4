"""A whole speaker as it begins: what it waits for before it takes part."""

import asyncio
import os
import signal

import pytest

from openelb.model import names
from openelb.speaker import speaking as process
from openelb.speaker.resumption import First, Resumption
from openelb.speaker.speaker import Settings
from tests.fakes.apiserver import Refusal
from tests.fakes.steered import SteeredApiServer
from tests.unit.kube.objects import LEASES, SERVICES


async def test_who_has_not_read_the_cluster_is_no_candidate() -> None:
    async with SteeredApiServer().running() as server:
        server.faults.refused_paths[SERVICES] = Refusal(500)
        settings = Settings("n1", "pod-1", daemon_set="", metrics_address="")
        speaking = asyncio.create_task(process.run(server.access, settings, Resumption(First("n1", "pod-1"))))
        await server.until(lambda: server.requests.count("GET /api/v1/services") >= 2)
        server.faults.refused_paths.clear()
        await server.until(lambda: server.has(LEASES, "openelb-speaker-n1", names.NAMESPACE))
        lists = [number for number, asked in enumerate(server.requests) if asked == "GET /api/v1/services"]
        assert server.requests.index(server.writes[0]) > lists[-1]
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await speaking


async def test_who_may_not_read_its_node_takes_part_and_says_what_that_costs(caplog: pytest.LogCaptureFixture) -> None:
    async with SteeredApiServer().running() as server:
        server.faults.refused_paths["/api/v1/nodes/n1"] = Refusal(403, "Forbidden")
        settings = Settings("n1", "pod-1", daemon_set="", metrics_address="")
        speaking = asyncio.create_task(process.run(server.access, settings, Resumption(First("n1", "pod-1"))))
        await server.until(lambda: server.has(LEASES, "openelb-speaker-n1", names.NAMESPACE))
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await speaking
    assert any(line.startswith("when node n1 is deleted, its Lease will stay: ") for line in caplog.messages)
