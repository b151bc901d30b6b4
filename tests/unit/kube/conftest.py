"""An API server in memory and a client of it that does not wait between its attempts."""

from collections.abc import AsyncIterator

import pytest

from openelb.kube.backoff import Backoff
from openelb.kube.client import Client, Patience
from tests.fakes.apiserver import FakeApiServer

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
