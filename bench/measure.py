"""The measurements themselves, run on the API server's host; prints the table.

Ours and the bare client take turns on the same API server: wall times on a shared machine mean little, ratios within one run
more.
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec

from bench import table
from bench.bare import Bare
from bench.cluster import Watcher, create_pool, create_service, prepare, remove_pool, remove_services, side_by_side
from openelb.kube.client import Client
from openelb.kube.config import from_kubeconfig
from openelb.kube.resources import leases_path
from openelb.kube.store import Store
from openelb.model import names


@dataclass(slots=True)
class Figures:
    """Of one side: seconds from the answer to a POST to the address at a watcher; seconds and writes of each burst."""

    each: list[float] = field(default_factory=list)
    bursts: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Bench:
    """One run."""

    client: Client
    watcher: Watcher
    kubeconfig: Path
    ours: Figures = field(default_factory=Figures)
    bare: Figures = field(default_factory=Figures)
    _number: int = 0

    async def one_at_a_time(self, count: int, *, bare: bool) -> None:
        """Services created one after the other, each when the one before has its address."""
        pool, first = self._next_pool()
        await create_pool(self.client, pool, f"{first}/20")
        client = Bare(self.client, pool, first)
        services = []
        for number in range(count):
            service = await create_service(self.client, f"{pool}-{number}", pool)
            created = time.monotonic()
            services.append(service.key.name)
            if bare:
                await client.serve([service])
            seen = await self.watcher.until_addressed([service.key.name])
            (self.bare if bare else self.ours).each.append(seen - created)
        await remove_services(self.client, services)
        await remove_pool(self.client, pool)

    async def burst(self, count: int, *, bare: bool) -> None:
        """Services that all wait for a pool; then it appears."""
        pool, first = self._next_pool()
        client = Bare(self.client, pool, first)
        services = await side_by_side(create_service(self.client, f"{pool}-{number}", pool) for number in range(count))
        waiting = [service.key.name for service in services]
        if bare:
            services = await client.tell_to_wait(services)
        await self.watcher.until_told(waiting)
        await asyncio.sleep(1.0)  # until the last Events of the wait are written
        before, started = await self._writes(), time.monotonic()
        await create_pool(self.client, pool, f"{first}/20")
        if bare:
            await client.serve(services)
        figures = self.bare if bare else self.ours
        figures.bursts.append(await self.watcher.until_addressed(waiting) - started)
        figures.writes.append((await self._writes() - before) / count)
        await remove_services(self.client, waiting)
        await remove_pool(self.client, pool)

    @asynccontextmanager
    async def manager(self) -> AsyncIterator[None]:
        """Our manager as a process of its own, leading."""
        command = [sys.executable, "-m", "openelb", "controller", "--kubeconfig", str(self.kubeconfig)]
        process = await asyncio.create_subprocess_exec(
            *command, "--metrics-addr", "", "--log-level", "error", "--identity", "bench", env=dict(os.environ)
        )
        try:
            await self._until_it_leads()
            yield
        finally:
            process.terminate()
            await process.wait()

    async def _until_it_leads(self) -> None:
        """A replica that leads has read everything a moment later: Leases and the rest are listed side by side."""
        path = leases_path(names.NAMESPACE)
        while b'"holderIdentity":"bench"' not in bytes(await self.client.get(path, msgspec.Raw)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # asked for once, and nobody in this process could tell it
        await asyncio.sleep(1.0)

    async def _writes(self) -> float:
        """PATCH requests for Services and Eips that the API server has counted so far."""
        access = self.client.access
        headers = {"Authorization": f"Bearer {access.token()}"} if access.token() else {}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{access.server}/metrics", ssl=access.tls or False) as answer,
        ):
            answer.raise_for_status()
            text = await answer.text()
        pattern = r'^apiserver_request_total\{(?=[^}]*verb="PATCH")(?=[^}]*resource="(?:services|eips)")[^}]*\} (\S+)$'
        return sum(float(value) for value in re.findall(pattern, text, re.MULTILINE))

    def _next_pool(self) -> tuple[str, str]:
        self._number += 1
        return f"pool-{self._number}", f"10.{100 + self._number}.0.0"


async def main(kubeconfig: Path, each: int, burst: int, blocks: int) -> None:
    """Run everything and print the table."""
    async with Client(from_kubeconfig([kubeconfig])) as client:
        await prepare(client)
        watcher = Watcher(Store.for_speaker(client, names.NAMESPACE))
        tasks = [asyncio.create_task(watcher.store.run()), asyncio.create_task(watcher.run())]
        bench = Bench(client, watcher, kubeconfig)
        await watcher.store.synced()
        for block in range(blocks):
            print(f"block {block + 1} of {blocks}: bare client, then ours …", file=sys.stderr, flush=True)
            await bench.one_at_a_time(each // blocks, bare=True)
            await bench.burst(burst, bare=True)
            async with bench.manager():
                await bench.one_at_a_time(each // blocks, bare=False)
                await bench.burst(burst, bare=False)
        for task in tasks:
            task.cancel()
        print(table.text(bench.ours, bench.bare, each=each, burst=burst))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *map(int, sys.argv[2:5])))
