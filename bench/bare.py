"""The bare client: it makes the writes that the manager makes, with the same concurrency, and decides nothing."""

from dataclasses import replace
from ipaddress import IPv4Address

from bench.cluster import side_by_side
from openelb.kube import decode, writes
from openelb.kube.client import Client
from openelb.kube.resources import eip_path
from openelb.kube.shapes import EipShape
from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Pool, Publication, Service, ServiceKey
from openelb.model.findings import Condition, Finding, Reason

WAITING = Publication(
    conditions=(Condition.of(names.ADDRESS_ALLOCATED, Finding(Reason.POOL_NOT_FOUND, "waits"), status=False),)
)


class Bare:
    """Gives the addresses of one pool in order; it knows every object from the answer to the write before."""

    def __init__(self, client: Client, pool: str, first: str) -> None:
        self._client = client
        self._name = pool
        self._next = int(IPv4Address(first))
        self._pool: Pool | None = None

    async def serve(self, services: list[Service]) -> None:
        """One compare-and-swap of the ledger for all of them, then one status patch each."""
        pool = self._pool or decode.pool(await self._client.get(eip_path(self._name), EipShape))
        given = {service.key: IPv4Address(self._next + index) for index, service in enumerate(services)}
        self._next += len(services)
        used: dict[Address, tuple[ServiceKey, ...]] = dict(pool.status.used)
        used.update((address, (key,)) for key, address in given.items())
        status = replace(pool.status, used=used, usage=len(used))
        self._pool = await writes.write_pool_status(self._client, pool, status)
        await side_by_side(
            [writes.write_service(self._client, each, self._publication(str(given[each.key]))) for each in services]
        )

    async def tell_to_wait(self, services: list[Service]) -> list[Service]:
        """The condition that a Service without a pool gets."""
        return await side_by_side([writes.write_service(self._client, each, WAITING) for each in services])

    def _publication(self, address: str) -> Publication:
        allocated = Finding(Reason.ALLOCATED, f"{address} from Eip {self._name}")
        announced = Finding(Reason.NO_SPEAKER, "no speaker is alive: look at the pods of DaemonSet openelb-speaker")
        conditions = (
            Condition.of(names.ADDRESS_ALLOCATED, allocated, status=True),
            Condition.of(names.ANNOUNCED, announced, status=False),
        )
        return Publication((address,), self._name, True, conditions)
