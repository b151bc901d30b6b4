"""Who gives out the addresses: our manager, or a bare client. Each is a process of the image, and is watched as one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from bench.place import Files
from bench.process import Process
from openelb.kube.client import Client
from openelb.kube.resources import leases_path
from openelb.model import names


class Side(StrEnum):
    """`TOLD` makes the bare sequence of writes, and learns of each Service from whoever created it; `HEARS` makes the same
    writes and learns of it by a watch, as `OURS` must.
    """

    TOLD = "writes alone"
    HEARS = "bare client that watches"
    OURS = "ours"


@dataclass(slots=True)
class Server:
    """The running process of a side."""

    side: Side
    process: asyncio.subprocess.Process

    async def tell(self, line: msgspec.Raw) -> None:
        """Give it an object, if it does not learn of it otherwise."""
        if self.side is Side.TOLD and self.process.stdin:
            self.process.stdin.write(bytes(line).rstrip(b"\n") + b"\n")
            await self.process.stdin.drain()

    @property
    def usage(self) -> Process:
        """What it uses."""
        return Process(self.process.pid)


@asynccontextmanager
async def running(side: Side, files: Files, client: Client) -> AsyncIterator[Server]:
    """Start a side's process, and end it."""
    if side is Side.OURS:
        kubeconfig = files.kubeconfig("manager")
        # Quiet, since nobody reads it here; two addresses for health and metrics would be one too many on this host.
        silent = ("--metrics-addr", "", "--log-level", "error", "--identity", "bench")
        command = files.python("manager", "-m", "openelb", "controller", "--kubeconfig", kubeconfig, *silent)
    else:
        command = files.python("manager", "-m", "bench.bare", side.name.lower())
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    try:
        if side is Side.OURS:
            await _until_it_leads(client)
        await asyncio.sleep(1.0)  # by then either side watches: everything is listed side by side
        yield Server(side, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_it_leads(client: Client) -> None:
    path = leases_path(names.NAMESPACE)
    while b'"holderIdentity":"bench"' not in bytes(await client.get(path, msgspec.Raw)):  # noqa: ASYNC110
        await asyncio.sleep(0.05)  # asked for once, and nobody in this process could tell it
