"""A witness of every version of every Service, Eip and EipAllocation, and what is promised of addresses held against each."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from openelb.kube import decode, decode_pools
from openelb.kube.answers import refused_by_status
from openelb.kube.client import Client
from openelb.kube.resources import ALLOCATIONS_PATH, EIPS_PATH, SERVICES_PATH
from openelb.kube.shapes import AllocationShape, EipShape, PageShape, ServiceShape, WatchLine
from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import Ledger, Page, Pool, Service, ServiceKey
from tests.stories.promises import asks, check_gift, check_move

SPACE = "fire"
"""The namespace of the Services that are looked at: there is also that of the API server itself."""
PAUSE = 0.02
"""Seconds between two looks of a test at what was seen: many versions are looked at once."""

Key, Value = TypeVar("Key"), TypeVar("Value")


@dataclass(frozen=True)
class Version:
    """One version of one object, the last with which it is `gone`. Numbers are those of the whole cluster."""

    number: int
    what: Service | Pool | Page
    gone: bool


class Witness:
    """Sees every version of every Service and Eip from its beginning on, and knows what is there."""

    def __init__(self, client: Client) -> None:
        self.services: dict[ServiceKey, Service] = {}
        self.pools: dict[str, Pool] = {}
        self.pages: dict[str, Page] = {}
        self._client = client
        self._versions: list[Version] = []
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled. Raises ApiError when some versions cannot be seen any more."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(SERVICES_PATH, self._note_service))
            tasks.create_task(self._follow(EIPS_PATH, self._note_pool))
            tasks.create_task(self._follow(ALLOCATIONS_PATH, self._note_page))

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
        pool = decode_pools.pool(msgspec.json.decode(content, type=EipShape))
        keep(self.pools, pool.name, pool, gone=gone)
        return self._note(pool, gone=gone)

    def _note_page(self, content: bytes, gone: bool) -> str:
        page = decode_pools.page(msgspec.json.decode(content, type=AllocationShape))
        keep(self.pages, page.name, page, gone=gone)
        return self._note(page, gone=gone)

    def _note(self, what: Service | Pool | Page, *, gone: bool) -> str:
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
        ledgers = [*(pool.status.used for pool in self.pools.values()), *(page.used for page in self.pages.values())]
        return {str(at): list(keys) for used in ledgers for at, keys in used.items()}

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
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    """By the name of the Eip or EipAllocation."""
    shown: dict[str, ServiceKey] = field(default_factory=dict)

    def next(self, version: Version) -> None:
        """Raises AssertionError when a promise does not hold of it."""
        match version.what:
            case Pool() as pool:
                keep_or_drop(self.pools, pool.name, pool, gone=version.gone)
                self._next_ledger(pool.name, {} if version.gone else pool.status.used, version)
            case Page() as page:
                self._next_ledger(page.name, {} if version.gone else page.used, version)
            case Service() as service:
                self._next_service(service, gone=version.gone)

    def _next_service(self, service: Service, *, gone: bool) -> None:
        before = self.services.pop(service.key, None)
        for text in before.ingress if before else ():
            del self.shown[text]
        if gone:
            return
        self.services[service.key] = service
        check_gift(before, service)
        if before is not None and asks(service):
            check_move(before, service, self.pools)
        for text in service.ingress:
            other = self.shown.setdefault(text, service.key)
            assert other == service.key, f"{text} is shown by {other} and {service.key} at version {service.version}"
            holders = self._holders(parse_address(text))
            assert holders == (service.key,), f"{service.key} shows {text}, held by {holders}"

    def _holders(self, address: Address | None) -> tuple[ServiceKey, ...]:
        return tuple(key for used in self.ledgers.values() if address in used for key in used[address])

    def _next_ledger(self, name: str, used: Ledger, version: Version) -> None:
        before, self.ledgers[name] = self.ledgers.get(name, {}), used
        for address, keys in before.items():
            freed = used.get(address) != keys and self.shown.get(str(address)) in keys
            assert not freed, f"{keys} show {address}, which {name} gives up at version {version.number}"


def keep_or_drop(held: dict[Key, Value], key: Key, value: Value, *, gone: bool) -> None:
    """As `keep`, of what may not have been there."""
    held.pop(key, None)
    if not gone:
        held[key] = value
