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
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from lab.controlplane import ControlPlane
from openelb.kube import decode
from openelb.kube.client import Client, refused_by_status
from openelb.kube.config import find_access
from openelb.kube.crds import KINDS, crds_yaml
from openelb.kube.errors import NotFound
from openelb.kube.resources import EIPS_PATH, SERVICES_PATH, eip_path, leases_path, service_path
from openelb.kube.shapes import EipShape, LeaseShape, PageShape, ServiceShape, WatchLine
from openelb.model import names
from openelb.model.addresses import parse_address
from openelb.model.cluster import Pool, Service, ServiceKey
from tests.lab.installed import REPOSITORY
from tests.stories.promises import asks, check_move

SPACE = "fire"
HERE = f"/api/v1/namespaces/{SPACE}/services"
LEADER = f"{leases_path(names.NAMESPACE)}/{names.LEADER_LEASE}"
AT_ONCE = 16
PAUSE = 0.02
"""Seconds between two looks of a test at what its witness has seen: many versions are looked at once."""
LOG = "replica-"

Key, Value = TypeVar("Key"), TypeVar("Value")


@dataclass(frozen=True)
class Version:
    """One version of one object, the last with which it is `gone`. Numbers are those of the whole cluster."""

    number: int
    what: Service | Pool
    gone: bool


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


class Witness:
    """Sees every version of every Service and Eip from its beginning on, and knows what is there."""

    def __init__(self, client: Client) -> None:
        self.services: dict[ServiceKey, Service] = {}
        self.pools: dict[str, Pool] = {}
        self._client = client
        self._versions: list[Version] = []
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled. Raises ApiError when some versions cannot be seen any more."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(SERVICES_PATH, self._note_service))
            tasks.create_task(self._follow(EIPS_PATH, self._note_pool))

    async def _follow(self, path: str, note: Callable[[bytes, bool], str]) -> None:
        page = msgspec.json.decode(await self._client.page(path, {}), type=PageShape)
        for item in page.items or ():
            note(item, False)
        version = page.metadata.resource_version
        while True:
            query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "600"}
            async with self._client.stream(path, query, silence=600) as chunks:
                async for line in lines_of(chunks):
                    event = msgspec.json.decode(line, type=WatchLine)
                    if event.type == "ERROR":
                        raise refused_by_status("watch every version", event.object)
                    version = note(event.object, event.type == "DELETED")

    def _note_service(self, content: bytes, gone: bool) -> str:
        service = decode.service(msgspec.json.decode(content, type=ServiceShape))
        keep(self.services, service.key, service, gone=gone)
        return self._note(service, gone=gone)

    def _note_pool(self, content: bytes, gone: bool) -> str:
        pool = decode.pool(msgspec.json.decode(content, type=EipShape))
        keep(self.pools, pool.name, pool, gone=gone)
        return self._note(pool, gone=gone)

    def _note(self, what: Service | Pool, *, gone: bool) -> str:
        self._versions.append(Version(int(what.version), what, gone))
        self._news.set()
        return what.version

    async def sees(self, holds: Callable[[], bool], what: str, *, seconds: float = 120.0) -> None:
        """Return when something holds of what is there. Limits are generous: a busy machine is slow, not broken."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
                    await asyncio.sleep(PAUSE)
        except TimeoutError:
            raise AssertionError(f"waited {seconds:g} s for {what}; {self.state()}") from None

    def served(self) -> int:
        """How many Services show an address."""
        return sum(bool(service.ingress) for service in self.of_users())

    def of_users(self) -> list[Service]:
        """The Services of the test; there is also that of the API server itself."""
        return [service for service in self.services.values() if service.key.namespace == SPACE]

    def used(self) -> dict[str, list[ServiceKey]]:
        """All ledgers, by address."""
        return {str(at): list(keys) for pool in self.pools.values() for at, keys in pool.status.used.items()}

    def given(self) -> int:
        """How many addresses have been shown, one after the other or at once."""
        return len(
            {(v.what.key, v.what.ingress) for v in self._versions if isinstance(v.what, Service) and v.what.ingress}
        )

    def state(self) -> str:
        return (
            f"{self.served()} of {len(self.of_users())} Services show an address, {len(self.used())} are in the ledgers"
        )

    def at_rest(self) -> bool:
        """Everything is finished, and nothing has leaked."""
        services = self.of_users()
        shown = {service.ingress[0]: [service.key] for service in services if service.ingress}
        return all(asks(s) and s.ingress and names.SERVICE_FINALIZER in s.finalizers for s in services) and (
            self.used() == shown
        )

    def check_every_version(self) -> int:
        """Hold the promises against each version there was, of both kinds in the order of their making; how many it was."""
        replay = Replay()
        for version in sorted(self._versions, key=lambda version: version.number):
            replay.next(version)
        return len(self._versions)


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def keep(held: dict[Key, Value], key: Key, value: Value, *, gone: bool) -> None:
    """Note that it is there, or gone."""
    if gone:
        del held[key]
    else:
        held[key] = value


@dataclass
class Replay:
    """The cluster once more, version by version."""

    services: dict[ServiceKey, Service] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    shown: dict[str, ServiceKey] = field(default_factory=dict)

    def next(self, version: Version) -> None:
        """Raises AssertionError when a promise does not hold of it."""
        if isinstance(version.what, Pool):
            self._next_pool(version.what, gone=version.gone)
        else:
            self._next_service(version.what, gone=version.gone)

    def _next_service(self, service: Service, *, gone: bool) -> None:
        before = self.services.pop(service.key, None)
        for text in before.ingress if before else ():
            del self.shown[text]
        if gone:
            return
        self.services[service.key] = service
        if before is not None and asks(service):
            check_move(before, service, self.pools)
        for text in service.ingress:
            other = self.shown.setdefault(text, service.key)
            assert other == service.key, f"{text} is shown by {other} and {service.key} at version {service.version}"
            used = self.pools[service.pool_label].status.used
            assert used.get(parse_address(text)) == (service.key,), f"{service.key} shows {text}, held by {used}"

    def _next_pool(self, pool: Pool, *, gone: bool) -> None:
        before = self.pools.pop(pool.name, None)
        if not gone:
            self.pools[pool.name] = pool
        kept = {} if gone else pool.status.used
        for address, keys in before.status.used.items() if before else ():
            freed = kept.get(address) != keys and self.shown.get(str(address)) in keys
            assert not freed, f"{keys} show {address}, which Eip {pool.name} gives up at version {pool.version}"


@dataclass
class Users:
    """Those who create, change and delete Services and Eips."""

    client: Client

    async def create_pool(self, name: str, address: str) -> None:
        spec = {"address": address, "protocol": "layer2", "interface": "eth0"}
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
