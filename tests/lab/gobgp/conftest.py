"""A node and two routers on one LAN, each with a real gobgpd."""

from collections.abc import AsyncIterator

import pytest

from lab.network import Host, Network
from tests.lab.gobgp.real import Speaker, speaker


@pytest.fixture
def hosts(network: Network) -> dict[str, Host]:
    lan = network.switch("lan")
    made = {name: network.host(name) for name in ("n1", "r1", "r2")}
    for number, host in enumerate(made.values(), start=1):
        host.attach(lan, "eth0", f"10.77.0.{number}/24", f"fd77::{number}/64")
    return made


@pytest.fixture
async def node(hosts: dict[str, Host]) -> AsyncIterator[Speaker]:
    async with speaker(hosts["n1"], "10.77.0.1", 64501) as made:
        yield made


@pytest.fixture
async def router(hosts: dict[str, Host]) -> AsyncIterator[Speaker]:
    async with speaker(hosts["r1"], "10.77.0.2", 64502) as made:
        yield made


@pytest.fixture
async def other(hosts: dict[str, Host]) -> AsyncIterator[Speaker]:
    async with speaker(hosts["r2"], "10.77.0.3", 64503) as made:
        yield made
