"""One Lease object in the cluster, read and written whole. What a Lease means is in `lease`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from openelb.kube import decode
from openelb.kube.client import Client
from openelb.kube.decode import Lease
from openelb.kube.errors import ApiError, NotFound, Refused, Unreachable
from openelb.kube.resources import leases_path
from openelb.kube.shapes import LeaseShape

Answer = TypeVar("Answer")

Owner = Mapping[str, str] | None
"""A metav1.OwnerReference, if there is one."""

ATTEMPT_SECONDS = 1.0
"""How long one request may take. Attempts begin a second apart: two more fit into what a renewal gives (3 s leader, 4 s
speaker) when one is lost."""


class LeaseObject(Protocol):
    """A Lease by its name. Every method raises ApiError; the answers are the Lease as it is at the server."""

    async def read(self) -> Lease | None:
        """None when there is none."""

    async def create(self, lease: Lease) -> Lease:
        """Raises AlreadyExists."""

    async def replace(self, lease: Lease) -> Lease:
        """Raises Conflict when it is not at `lease.version` any more, NotFound when it is gone."""

    async def delete(self, lease: Lease) -> None:
        """Raises Conflict when it is not at `lease.version` any more."""


class ApiLease:
    """A Lease behind the API server. Every write renews it.

    The client is for this Lease alone: after a request that failed on the way, all its connections are closed, because
    one that hangs would take the next renewal with it.

    `owner` finds out whose it is: when that is deleted, the Lease goes with it. It is asked before the first write, and before
    each that makes the Lease: one that went may have gone with its owner, and another be there under the same name.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        *,
        seconds: float = ATTEMPT_SECONDS,
        owner: Callable[[], Awaitable[Owner]] | None = None,
    ) -> None:
        self._client = client
        self._seconds = seconds
        self._collection = leases_path(namespace)
        self._path = f"{self._collection}/{name}"
        self._name = name
        self._ask_for_owner = owner
        self._owner: Owner = None
        self._has_asked = False

    async def read(self) -> Lease | None:
        try:
            return decode.lease(await self._in_time(self._client.get(self._path, LeaseShape)))
        except NotFound:
            return None

    async def create(self, lease: Lease) -> Lease:
        await self._find_owner()
        body = self._body(replace(lease, version="", uid=""))
        return decode.lease(await self._in_time(self._client.create(self._collection, body, LeaseShape)))

    async def replace(self, lease: Lease) -> Lease:
        if not self._has_asked:
            await self._find_owner()
        return decode.lease(await self._in_time(self._client.put(self._path, self._body(lease), LeaseShape)))

    async def delete(self, lease: Lease) -> None:
        await self._in_time(self._client.delete(self._path, uid=lease.uid, version=lease.version))

    async def _find_owner(self) -> None:
        if self._ask_for_owner:
            self._owner = await self._in_time(self._ask_for_owner())
        self._has_asked = True

    async def _in_time(self, request: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._seconds):
                return await request
        except Refused:
            raise
        except (ApiError, TimeoutError) as error:
            await self._client.reconnect()
            if isinstance(error, ApiError):
                raise
            raise Unreachable(f"no answer within {self._seconds:g} s about the Lease {self._name}") from error

    def _body(self, lease: Lease) -> dict[str, object]:
        metadata = {
            "name": self._name,
            "uid": lease.uid,
            "resourceVersion": lease.version,
            "annotations": lease.annotations,
            "ownerReferences": [self._owner] if self._owner else None,
        }
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {field: value for field, value in metadata.items() if value},
            "spec": {
                "holderIdentity": lease.holder,
                "leaseDurationSeconds": lease.seconds,
                "acquireTime": lease.acquired or _micro_time(),
                "renewTime": _micro_time(),
                "leaseTransitions": lease.transitions,
            },
        }


def _micro_time() -> str:
    """meta/v1 MicroTime, for people and for programs that trust wall clocks; ours do not."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
