"""What the manager and a speaker write while nothing changes, by the API server's own record.

Run on the API server's host, which is the speaker's node here.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import msgspec

from bench import table
from bench.audit import Audit
from bench.cluster import Watcher, create_pool, post_service, prepare
from bench.place import Files
from bench.side import Side, running
from openelb.kube.client import Client
from openelb.kube.config import from_kubeconfig
from openelb.kube.errors import AlreadyExists

SERVICES = 20
SETTLED_SECONDS = 40.0
"""Enough for an Event of each Service at one a second, as a speaker tells them, and for the Leases to be known."""


@asynccontextmanager
async def _speaking(files: Files, client: Client) -> AsyncIterator[None]:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "bench"}}
    with suppress(AlreadyExists):
        await client.create("/api/v1/nodes", node, msgspec.Raw)
    options = ("--node-name", "bench", "--metrics-addr", "", "--log-level", "error")
    command = files.python("speaker", "-m", "openelb", "speaker", "--kubeconfig", files.kubeconfig("speaker"), *options)
    process = await asyncio.create_subprocess_exec(*command)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def measure(files: Files, seconds: float) -> Sequence[table.Row]:
    """Have both at work, leave them alone, and read what the server noted."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(from_kubeconfig([files.admin])))
        await prepare(client)
        watcher = Watcher(client)
        watching = asyncio.create_task(watcher.run())
        stack.callback(watching.cancel)
        await stack.enter_async_context(_speaking(files, client))
        await stack.enter_async_context(running(Side.OURS, files, client))
        await create_pool(client, "quiet", "10.79.128.0/24")
        services = [f"quiet-{number}" for number in range(SERVICES)]
        for name in services:
            await post_service(client, name, "quiet")
        await watcher.until_addressed(services)
        await asyncio.sleep(SETTLED_SECONDS)
        audit = Audit(files.audit_log)
        audit.forget()
        await asyncio.sleep(seconds)
        writes: Counter[str] = Counter()
        for (_, resource), count in audit.writes().items():
            writes[resource] += count
    leases = writes.pop("leases", 0)
    if not leases:
        raise RuntimeError("not even Leases were written: nobody was at work")
    told = ", ".join(f"{count} to {resource}" for resource, count in sorted(writes.items()))
    what = f"writes in {seconds / 60:g} minutes in which nothing changes, manager and a speaker, besides Leases"
    return [table.bound(what, writes.total(), at_most=0, compared=told or f"{leases} to Leases")]


if __name__ == "__main__":
    directory, seconds = sys.argv[1:]
    print(f"leaving manager and speaker alone for {seconds} s …", file=sys.stderr, flush=True)
    sys.stdout.buffer.write(table.encode(asyncio.run(measure(Files(Path(directory)), float(seconds)))))
