"""A way to a server on which connections go dead."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Way:
    """TCP connections to a server on loopback, by `port`."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self.port = 0
        self.made = 0
        """How many connections there have been."""
        self._pumps: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Way"]:
        listener = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            listener.close()
            await self.go_dead()
            for end in self._ends:
                end.close()

    async def go_dead(self) -> None:
        """Nothing passes any more on the connections there are; they stay open at both ends, and new ones work."""
        pumps, self._pumps = self._pumps, set()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        answers, questions = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._ends += [writer, questions]
        for source, sink in ((reader, questions), (answers, writer)):
            self._pumps.add(asyncio.create_task(_pump(source, sink)))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await source.read(65536):
            sink.write(chunk)
            await sink.drain()
        sink.close()
