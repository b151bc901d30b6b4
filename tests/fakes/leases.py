"""One Lease in memory, that several candidates share and that can be out of reach."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from openelb.kube.decode import Lease
from openelb.kube.errors import AlreadyExists, Conflict, NotFound, Unreachable


@dataclass
class FakeLease:
    """Behaves as ApiLease does; every write renews it."""

    stored: Lease | None = None
    away: bool = False
    loses_answers: bool = False
    """Writes are made, and their answers lost."""
    meanwhile: deque[Callable[[], Awaitable[None]]] = field(default_factory=deque)
    """What others do between a reader's read and its write."""
    writes: list[str] = field(default_factory=list)
    _version: int = 0
    _written: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> Lease | None:
        self._reach()
        found = self.stored
        if self.meanwhile:
            await self.meanwhile.popleft()()
        return found

    async def create(self, lease: Lease) -> Lease:
        self._reach()
        if self.stored is not None:
            raise AlreadyExists("create the Lease", 409)
        return self._write(lease)

    async def replace(self, lease: Lease) -> Lease:
        self._compare(lease)
        return self._write(lease)

    async def delete(self, lease: Lease) -> None:
        self._compare(lease)
        self.stored = None
        self.writes.append("deleted")

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when something holds that writes make true."""
        while not holds():
            self._written.clear()
            await self._written.wait()

    def _reach(self) -> None:
        if self.away:
            raise Unreachable("the API server is away")

    def _compare(self, lease: Lease) -> None:
        self._reach()
        if self.stored is None:
            raise NotFound("update the Lease", 404)
        if self.stored.version != lease.version:
            raise Conflict("update the Lease", 409)

    def _write(self, lease: Lease) -> Lease:
        self._version += 1
        acquired = lease.acquired or f"t{self._version}"
        self.stored = replace(
            lease, version=str(self._version), acquired=acquired, renewed=f"t{self._version}", uid="u"
        )
        self.writes.append(self.stored.holder)
        self._written.set()
        if self.loses_answers:
            raise Unreachable("the answer is lost")
        return self.stored
