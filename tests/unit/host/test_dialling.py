"""Whether a router takes connections, on loopback."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from openelb.host.dialling import dial
from openelb.model.bgp import Peer, Reach

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


def greets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\xff" * 16)


def waits(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    pass


def lets_go(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize(("does", "reach"), [(greets, Reach.OPEN), (waits, Reach.OPEN), (lets_go, Reach.CLOSED)])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_who_takes_a_connection_is_there(does: Behaviour, reach: Reach, address: str) -> None:
    kept = []

    async def took(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept.append(writer)
        does(reader, writer)

    server = await asyncio.start_server(took, address, 0)
    port = server.sockets[0].getsockname()[1]
    try:
        assert await dial(Peer(address=address, remote_port=port), inner=False) is reach
    finally:
        server.close()


async def test_where_nobody_listens_the_connection_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as made:
        port = made.getsockname()[1]
    assert await dial(Peer(address="127.0.0.1", remote_port=port), inner=True) is Reach.REFUSED


async def test_an_address_of_nobody_here_is_no_way() -> None:
    peer = Peer(address="127.0.0.1", local_address="192.0.2.7")
    assert await dial(peer, inner=True) is Reach.NO_WAY


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_who_signs_gets_no_answer_from_who_does_not(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as made:
        peer = Peer(address=address, remote_port=made.getsockname()[1], password="s3cret")
        assert await dial(peer, inner=False) is Reach.UNANSWERED
