"""What tests of the manager under fire share: replicas outside pods, users who come and go, and a witness of every version.

Outside pods, because kubelet starts a container that was killed again only after ten seconds, then twenty, then forty.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lab.controlplane import ControlPlane
from openelb.kube import decode
from openelb.kube.client import Client
from openelb.kube.config import find_access
from openelb.kube.crds import KINDS, crds_yaml
from openelb.kube.errors import NotFound
from openelb.kube.resources import EIPS_PATH, eip_path, leases_path, service_path
from openelb.kube.shapes import LeaseShape
from openelb.model import names
from openelb.model.cluster import ServiceKey
from tests.lab.installed import REPOSITORY
from tests.lab.witness import SPACE, Witness

HERE = f"/api/v1/namespaces/{SPACE}/services"
LEADER = f"{leases_path(names.NAMESPACE)}/{names.LEADER_LEASE}"
AT_ONCE = 16
LOG = "replica-"


class Replicas:
    """Processes `openelb controller` beside the control plane, by their identities."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for log in plane.directory.glob(f"{LOG}*"):
            log.unlink()

    def start(self, name: str) -> None:
        """Start it from the working tree. As that of a pod, its identity stays when it is started again."""
        options = ("--identity", name, "--metrics-addr", "", "--kubeconfig", str(self._plane.kubeconfig))
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
        with open(self._log(name), "ab") as log:
            command = [sys.executable, "-m", "openelb", "controller", *options]
            self._running[name] = self._plane.host.popen(command, log=log, env=environment)

    def kill(self, name: str) -> None:
        """SIGKILL; returns when it is gone."""
        self._running[name].kill()
        self._running.pop(name).wait()

    def send(self, name: str, number: signal.Signals) -> None:
        self._running[name].send_signal(number)

    def said(self, name: str) -> list[str]:
        """The lines of its log, of all its lives."""
        return self._log(name).read_text().splitlines()

    def end(self) -> None:
        for name in list(self._running):
            self.kill(name)

    def last_words(self) -> str:
        """What they wrote last."""
        logs = sorted(self._plane.directory.glob(f"{LOG}*"))
        return "\n".join(line for log in logs for line in [log.name, *log.read_text().splitlines()[-20:]])

    def _log(self, name: str) -> Path:
        return self._plane.directory / f"{LOG}{name}"


@dataclass
class Users:
    """Those who create, change and delete Services and Eips."""

    client: Client

    async def create_pool(self, name: str, address: str) -> None:
        spec = {"address": address, "protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}}
        kind = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": "Eip"}
        await self.client.create(EIPS_PATH, {**kind, "metadata": {"name": name}, "spec": spec}, msgspec.Raw)

    async def create(self, name: str, pool: str) -> None:
        annotations = {names.OPT_IN: names.OPT_IN_VALUE, names.REQUESTED_POOL: pool}
        # Without pods and ports on nodes: nobody but the manager has anything to do with it.
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}], "allocateLoadBalancerNodePorts": False}
        body = {"metadata": {"name": name, "annotations": annotations}, "spec": spec}
        await self.client.create(HERE, body, msgspec.Raw)

    async def move(self, name: str, pool: str) -> None:
        patch = {"metadata": {"annotations": {names.REQUESTED_POOL: pool}}}
        await self.client.merge(service_path(ServiceKey(SPACE, name)), patch, msgspec.Raw)

    async def delete(self, name: str) -> None:
        await self.client.delete(service_path(ServiceKey(SPACE, name)))

    async def delete_pool(self, name: str) -> None:
        await self.client.delete(eip_path(name))

    async def leader(self) -> str:
        """The identity in the leader's Lease, or nothing."""
        with suppress(NotFound):
            return decode.lease(await self.client.get(LEADER, LeaseShape)).holder
        return ""


@dataclass
class Fire:
    """Everything that such a test has to do with."""

    users: Users
    witness: Witness
    replicas: Replicas
    start: float = 0.0
    """Seconds that a replica took from its start until it led."""

    async def leader(self) -> str:
        """Who leads, as soon as somebody does."""
        async with asyncio.timeout(60):
            while True:
                if holder := await self.users.leader():
                    return holder
                await asyncio.sleep(0.1)


@asynccontextmanager
async def fire(plane: ControlPlane) -> AsyncIterator[Fire]:
    """Replicas `a` and `b` and a witness beside the control plane, of which `a` leads. In the end nothing may be left, of
    which the replicas take care themselves, and the promises hold of every version there was.
    """
    install(plane)
    async with Client(find_access(plane.kubeconfig)) as client, Client(find_access(plane.kubeconfig)) as eye:
        with suppress(NotFound):
            await client.delete(LEADER)
        made = Fire(Users(client), Witness(eye), Replicas(plane))
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(made.witness.run())
                started = time.monotonic()
                made.replicas.start("a")
                await made.leader()
                made.start = time.monotonic() - started
                made.replicas.start("b")
                yield made
                await clear(made)
                watching.cancel()
        except BaseException as error:
            error.add_note(made.replicas.last_words())
            raise
        finally:
            made.replicas.end()


def install(plane: ControlPlane) -> None:
    """The kinds and the namespaces."""
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in (SPACE, names.NAMESPACE)]
    plane.kubectl("apply", "-f", "-", stdin="\n---\n".join([crds_yaml(), *map(json.dumps, spaces)]))
    kinds = [f"crd/{kind.plural}.{names.GROUP}" for kind in KINDS]
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *kinds)


async def clear(made: Fire) -> None:
    """Users delete everything; it goes, and then the promises have held of every version."""
    witness = made.witness
    await side_by_side(made.users.delete(key.name) for key in [service.key for service in witness.of_users()])
    await side_by_side(made.users.delete_pool(name) for name in list(witness.pools))
    await witness.sees(lambda: not witness.pools and not witness.of_users(), "the end of everything")
    versions = witness.check_every_version()
    print(f"the promises have held of {versions} versions of Services and Eips")


async def side_by_side(work: Iterable[Awaitable[None]]) -> None:
    """All of it, sixteen at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(each: Awaitable[None]) -> None:
        async with gate:
            await each

    await asyncio.gather(*map(one, work))


async def at(moment: float) -> None:
    """Sleep until the clock says so; at once when it is past."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
