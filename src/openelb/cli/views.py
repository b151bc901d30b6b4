"""What the commands for people show: values from the same judgements the processes make, as text or JSON."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from openelb.kube import reads
from openelb.kube.client import Client, Patience
from openelb.kube.config import Access
from openelb.kube.errors import Unreachable
from openelb.kube.store import Store
from openelb.model.cluster import ServiceKey
from openelb.model.snapshot import Snapshot
from openelb.plan import liveness
from openelb.plan.explain import Explanation, explain, unserved

LISTEN_SECONDS = 2.5  # speakers renew every second; who has not done so by then is not alive
READING_SECONDS = 60.0  # for all objects of a cluster that has answered
SELDOM_SECONDS = 11.0  # speakers that all hear each other renew every ten
PATIENCE = Patience(request=5.0, attempts=2)  # a person is waiting

NO_SPEAKERS = "no speaker has a Lease: look at DaemonSet openelb-speaker"


@dataclass(frozen=True, slots=True)
class SpeakerLine:
    """A node's speaker: alive or not, and the interfaces it can announce on."""

    node: str
    alive: bool
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PoolLine:
    """An Eip, with the message of its Ready condition when it is not ready."""

    name: str
    address: str
    protocol: str
    interface: str
    used: int
    size: int
    ready: bool
    message: str

    HEADER: ClassVar[tuple[str, ...]] = ("EIP", "ADDRESS", "PROTOCOL", "INTERFACE", "USED", "TOTAL", "READY")

    def cells(self) -> tuple[str, ...]:
        ready = "yes" if self.ready else f"no: {self.message}"
        return self.name, self.address, self.protocol, self.interface, str(self.used), str(self.size), ready


@dataclass(frozen=True, slots=True)
class Status:
    """An overview of the installation. `unserved` has the reason for every Service that is not served, by its key;
    `unreadable` the problem of every object that cannot be read, by its kind and name.
    """

    manager: bool
    speakers: tuple[SpeakerLine, ...]
    pools: tuple[PoolLine, ...]
    served: int
    unserved: dict[str, str]
    unreadable: dict[str, str]

    def is_good(self) -> bool:
        speaking = bool(self.speakers) and all(speaker.alive for speaker in self.speakers)
        troubles = self.unserved or self.unreadable
        return self.manager and speaking and all(pool.ready for pool in self.pools) and not troubles

    def text(self) -> str:
        speakers = [(line.node, "alive" if line.alive else "lost", ", ".join(line.links)) for line in self.speakers]
        lines = [
            f"manager    {'leads' if self.manager else 'none leads: look at Deployment openelb-manager'}",
            "",
            *(table(("SPEAKER", "STATE", "INTERFACES"), speakers) if speakers else [NO_SPEAKERS]),
            "",
            *table(PoolLine.HEADER, [line.cells() for line in self.pools]),
            "",
            f"services   {self.served} served, {len(self.unserved)} not",
            *(f"  {key}: {why}" for key, why in self.unserved.items()),
        ]
        if self.unreadable:
            lines += ["", "unreadable", *(f"  {name}: {why}" for name, why in self.unreadable.items())]
        return "\n".join(lines)


async def status(
    access: Access,
    namespace: str,
    lb_class: str,
    *,
    listen: float = LISTEN_SECONDS,
    listen_to_seldom: float = SELDOM_SECONDS,
) -> Status:
    """Look at the whole installation, for as long as `heard` has it. Raises ApiError."""
    snapshot, alive, leads = await _observe(access, namespace, listen, listen_to_seldom)
    wrong = unserved(snapshot, alive, lb_class)
    served = sum(1 for key, service in snapshot.services.items() if service.pool_label and str(key) not in wrong)
    return Status(
        manager=leads,
        speakers=tuple(
            SpeakerLine(node, node in alive, tuple(link.name for link in speaker.links))
            for node, speaker in sorted(snapshot.speakers.items())
        ),
        pools=tuple(_pool_line(snapshot, name) for name in sorted(snapshot.pools)),
        served=served,
        unserved=dict(sorted(wrong.items())),
        unreadable={name: one.sentence for name, one in sorted(snapshot.unreadable.items())},
    )


def _pool_line(snapshot: Snapshot, name: str) -> PoolLine:
    pool = snapshot.pools[name]
    wrong = "; ".join(condition.message for condition in pool.status.conditions if not condition.status)
    return PoolLine(
        name,
        pool.address,
        pool.protocol.value,
        pool.interface,
        pool.status.usage,
        pool.status.size,
        pool.status.ready,
        wrong if pool.status.conditions else "the manager has not looked at it yet",
    )


async def explain_service(
    access: Access, namespace: str, lb_class: str, key: ServiceKey, *, listen: float = LISTEN_SECONDS
) -> Explanation | None:
    """Explain one Service, after up to `listen` seconds; None when it is not there. Raises ApiError."""
    snapshot, alive, _ = await _observe(access, namespace, listen)
    is_there = key in snapshot.services or f"Service {key}" in snapshot.unreadable
    return explain(snapshot, alive, key, lb_class) if is_there else None


def explanation_text(told: Explanation) -> str:
    """An explanation as a person reads it."""
    lines = [
        f"Service {told.service}: {told.address or 'no address'}" + (f" from Eip {told.pool}" if told.pool else "")
    ]
    lines += [f"  {sentence}" for sentence in told.sentences]
    if told.nodes:
        first, several, _ = told.address.partition(", ")
        lines += [f"{f'Node {told.owner}' if told.owner else 'No node'} answers for {first if several else 'it'}."]
        lines += [f"  {verdict.node} {verdict.sentence}" for verdict in told.nodes]
    return "\n".join(lines)


def as_json(told: object) -> str:
    """The same values for programs."""
    return msgspec.json.format(msgspec.json.encode(dataclasses.asdict(told))).decode()  # type: ignore[call-overload]


async def _observe(
    access: Access, namespace: str, seconds: float, seldom: float = SELDOM_SECONDS
) -> tuple[Snapshot, frozenset[str], bool]:
    async with reading(access, namespace) as (_, store):
        return await heard(store, seconds, seldom)


@contextlib.asynccontextmanager
async def reading(access: Access, namespace: str) -> AsyncIterator[tuple[Client, Store]]:
    """All of a cluster, read, and followed for as long as this lasts. Raises ApiError."""
    async with Client(access, PATIENCE) as client:
        await reads.ask_for_every_kind(client, namespace)
        store = Store.for_manager(client, namespace)
        following = asyncio.create_task(store.run())
        try:
            await _synced(store)
            yield client, store
        finally:
            following.cancel()
            await asyncio.wait([following])


async def _synced(store: Store) -> None:
    try:
        async with asyncio.timeout(READING_SECONDS):
            await store.synced()
    except TimeoutError:
        raise Unreachable(f"the cluster could not be read within {READING_SECONDS:g} s") from None


async def heard(store: Store, seconds: float, seldom: float = SELDOM_SECONDS) -> tuple[Snapshot, frozenset[str], bool]:
    """A snapshot, the nodes whose speaker is alive, and whether a manager renewed its Lease while we listened.

    A speaker has renewed its Lease meanwhile, or one that has says that it hears it. Speakers that all hear each other renew
    seldom: unless one did just now, by this machine's clock, it is listened for longer, until the first of them has.
    """
    first, began = store.snapshot(), time.monotonic()
    while True:
        snapshot = store.snapshot()
        ttls = liveness.ttls(snapshot.speakers)
        heard_of = {node for node, ttl in ttls.items() if ttl > liveness.TTL_SECONDS}
        renewed = frozenset(
            node
            for node, speaker in snapshot.speakers.items()
            if node not in first.speakers or speaker.renewal != first.speakers[node].renewal
        )
        vouched = bool(renewed) or any(_is_recent(snapshot.speakers[node].renewal) for node in heard_of)
        alive = renewed | heard_of if vouched else renewed
        leads = snapshot.leader_renewal != first.leader_renewal
        patience = seconds if vouched or not heard_of else max(seconds, seldom)
        left = patience - (time.monotonic() - began)
        if left <= 0 or (leads and alive == snapshot.speakers.keys()):
            return snapshot, alive, leads
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await store.changed()


def _is_recent(renewal: str) -> bool:
    """Its last word is the time. Where a clock is wrong, a person waits for a few seconds more."""
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(renewal.rpartition(" ")[2])
    except (ValueError, TypeError):
        return False
    return abs(age.total_seconds()) < SELDOM_SECONDS


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The lines of a table."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
