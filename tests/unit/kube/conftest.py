"""An API server in memory and a client of it that does not wait between its attempts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web

from openelb.kube.backoff import Backoff
from openelb.kube.client import Client, Patience
from tests.fakes.apiserver import FakeApiServer, Refusal

AT_ONCE = Backoff(first=0.0, last=0.0)
IMPATIENT = Patience(request=0.2, connect=0.2, backoff=AT_ONCE)


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer().running() as server:
        yield server


@pytest.fixture
async def client(server: FakeApiServer) -> AsyncIterator[Client]:
    async with Client(server.access, IMPATIENT) as client:
        yield client


@dataclass
class Verbatim(Refusal):
    """An answer of just these bytes."""

    content: bytes = b""

    def response(self) -> web.Response:
        return web.Response(body=self.content, status=self.status)


NOT_JSON = [
    b'{"metadata":{"name":"\xff","resourceVersion":"\xff"}}',
    b'{"spec":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]
"""No UTF-8, and nested too deep: msgspec has no error of its own for them."""
