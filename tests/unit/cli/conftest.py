"""A cluster in memory whose processes are alive, and the command line against it."""

import asyncio
import json
import logging
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from openelb.cli.main import openelb
from openelb.model import names
from tests.fakes.steered import SteeredApiServer
from tests.unit.kube.objects import EIPS, JSON, LEASES, NODES, SERVICES, speaker_lease

ETH0 = '[{"name":"eth0","addresses":["192.0.2.11/24"]}]'
RENEWAL = 0.02
"""Seconds: a hundred times as often as real processes do, so that no test waits to hear of them."""


def leader_lease(renewed: str) -> JSON:
    return {"metadata": {"name": names.LEADER_LEASE, "namespace": names.NAMESPACE}, "spec": {"renewTime": renewed}}


@dataclass
class Cluster:
    """An API server in a thread of its own, where one manager and the speakers of `nodes` renew their Leases."""

    directory: Path
    nodes: tuple[str, ...] = ("n1", "n2")
    server: SteeredApiServer = field(init=False)

    def __post_init__(self) -> None:
        self._stop = asyncio.Event()
        self._runs: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self._loop = self._runs.result(10)

    async def _serve(self) -> None:
        async with SteeredApiServer().running() as self.server:
            await self._renew("0")
            self._runs.set_result(asyncio.get_running_loop())
            renewal = 0
            while not self._stop.is_set():
                renewal += 1
                await self._renew(str(renewal))
                await asyncio.sleep(RENEWAL)

    async def _renew(self, renewal: str) -> None:
        await self.server.put(LEASES, leader_lease(renewal))
        for node in self.nodes:
            await self.server.put(LEASES, speaker_lease(node, renewal, ETH0))

    def put(self, *objects: JSON) -> None:
        for what in objects:
            self._do(self.server.put({"Eip": EIPS, "Node": NODES}.get(what["kind"], SERVICES), what))

    def store(self, collection: str, what: JSON) -> None:
        self._do(self.server.put(collection, what))

    def _do(self, work: Awaitable[Any]) -> None:
        async def done() -> None:
            await work

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    @property
    def kubeconfig(self) -> str:
        return kubeconfig(self.directory, self.server.access.server)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


def kubeconfig(directory: Path, server: str) -> str:
    path = directory / "kubeconfig"
    content = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "token"}}],
    }
    path.write_text(json.dumps(content))  # YAML has all of JSON
    return str(path)


def called(*arguments: str, **environment: str) -> Result:
    """What `openelb` with these arguments prints, and its exit code."""
    return CliRunner(env=environment).invoke(openelb, arguments, prog_name="openelb", catch_exceptions=False)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.stop()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """The commands of the processes decide for their whole process where logs go."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
