"""Single objects read and written, each answer as the value it is now: for Store.absorb, so that the next look sees it."""

from datetime import UTC, datetime

import msgspec

from openelb.kube import decode, decode_bgp, decode_pools, encode
from openelb.kube.client import Client, JsonPatch
from openelb.kube.errors import NotFound
from openelb.kube.probes import questions_text
from openelb.kube.resources import (
    ALLOCATIONS_PATH,
    allocation_path,
    bgp_path,
    eip_path,
    leases_path,
    node_path,
    reservation_path,
    service_path,
)
from openelb.kube.shapes import AllocationShape, EipShape, ObjectShape, ReservationShape, ServiceShape
from openelb.model import names
from openelb.model.cluster import BgpObject, Page, Pool, PoolStatus, Publication, Reservation, Service, ServiceKey
from openelb.model.probes import Questions


async def read_service(client: Client, key: ServiceKey) -> Service:
    """The Service as the server has it. Raises NotFound when there is none."""
    return decode.service(await client.get(service_path(key), ServiceShape))


async def write_service(client: Client, service: Service, publication: Publication) -> Service:
    """Make the Service carry the publication, in one write or none. Raises Conflict when it changed since it was read."""
    patch = encode.service_patch(service, publication, datetime.now(UTC))
    if not patch:
        return service
    return decode.service(await client.patch(f"{service_path(service.key)}/status", patch, ServiceShape))


async def write_pool_status(client: Client, pool: Pool, status: PoolStatus) -> Pool:
    """Replace the status of an Eip: the ledger's compare-and-swap. Raises Conflict when it changed since it was read."""
    patch = encode.pool_status_patch(pool, status, datetime.now(UTC))
    if not patch:
        return pool
    return decode_pools.pool(await client.patch(f"{eip_path(pool.name)}/status", patch, EipShape))


async def write_pool_finalizer(client: Client, pool: Pool, *, present: bool) -> Pool:
    """Put our finalizer on an Eip or take it off. Raises Conflict when it changed since it was read."""
    patch = encode.pool_finalizer_patch(pool, present=present)
    if not patch:
        return pool
    return decode_pools.pool(await client.patch(eip_path(pool.name), patch, EipShape))


async def release(client: Client, of: BgpObject) -> BgpObject:
    """Take the finalizer of older releases off a BgpConf or a BgpPeer. Raises Conflict when it changed since it was read."""
    answer = await client.patch(bgp_path(of.kind, of.name), encode.bgp_finalizer_patch(of), ObjectShape)
    return decode_bgp.bgp_object(of.kind, answer)


async def write_page(client: Client, pool: Pool, seen: Page | None, page: Page) -> Page:
    """Make or replace an EipAllocation. Raises Conflict when it changed since it was read, AlreadyExists when it is there."""
    if seen is None:
        body = encode.page_object(page, pool)
        return decode_pools.page(await client.create(ALLOCATIONS_PATH, body, AllocationShape))
    patch = encode.page_patch(seen, page)
    if not patch:
        return seen
    return decode_pools.page(await client.patch(allocation_path(page.name), patch, AllocationShape))


async def remove_page(client: Client, seen: Page) -> None:
    """Remove an EipAllocation that holds nothing. Raises Conflict when it changed since it was read."""
    await client.delete(allocation_path(seen.name), uid=seen.uid, version=seen.version)


async def write_reservation(client: Client, seen: Reservation, wanted: Reservation) -> Reservation:
    """Replace the status of an EipReservation. Raises Conflict when it changed since it was read."""
    patch = encode.reservation_patch(seen, wanted, datetime.now(UTC))
    if not patch:
        return seen
    return decode_pools.reservation(
        await client.patch(f"{reservation_path(seen.name)}/status", patch, ReservationShape)
    )


async def write_drained(client: Client, name: str, *, drained: bool) -> None:
    """Have a Node say that it is drained, or that it is not. Raises NotFound when there is none."""
    annotations = {names.DRAINED: "true" if drained else None}
    await client.merge(node_path(name), {"metadata": {"annotations": annotations}}, ObjectShape)


async def write_questions(client: Client, namespace: str, questions: Questions) -> None:
    """Have the Lease by which the manager says what is to be asked about on LANs say this."""
    annotations = {names.PROBE: questions_text(questions)}
    try:
        patch: JsonPatch = [{"op": "add", "path": "/metadata/annotations", "value": annotations}]
        await client.patch(f"{leases_path(namespace)}/{names.PROBES_LEASE}", patch, msgspec.Raw)
    except NotFound:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": names.PROBES_LEASE, "annotations": annotations},
        }
        await client.create(leases_path(namespace), body, msgspec.Raw)
