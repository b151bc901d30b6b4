"""gobgpd is kept running, and outlives whoever keeps it."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from openelb.host.gobgp.client import Client
from openelb.host.gobgp.errors import GobgpError
from openelb.host.gobgp.owner import owner
from openelb.host.gobgp.process import Gobgpd
from openelb.model.bgp import Instance
from tests.lab.gobgp.real import program, until


@pytest.fixture
async def socket() -> AsyncIterator[Path]:
    with TemporaryDirectory() as directory:
        made = Path(directory, "run", "gobgp.sock")
        yield made
        Gobgpd(made).kill()
        await until(lambda: not owner(str(made)), within=5)


async def begun(gobgpd: Gobgpd, socket: Path, *, other_than: int = 0) -> tuple[asyncio.Task[None], int]:
    """Kept from now on; by which number it is known when it answers."""
    keeping = asyncio.create_task(gobgpd.run())
    await until(lambda: owner(str(socket)) not in (0, other_than), within=10)
    return keeping, owner(str(socket))


async def ended(keeping: asyncio.Task[None]) -> None:
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def test_its_socket_is_for_one_user(socket: Path) -> None:
    gobgpd = Gobgpd(socket, program=program())
    keeping, _ = await begun(gobgpd, socket)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600  # noqa: ASYNC240
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    await ended(keeping)
    gobgpd.kill()


async def test_one_that_was_killed_is_started_again(socket: Path) -> None:
    gobgpd = Gobgpd(socket, program=program())
    keeping, first = await begun(gobgpd, socket)
    os.kill(first, 9)
    took = await until(lambda: owner(str(socket)) not in (0, first), within=10)
    print(f"another one answers after {took:.2f} s")
    await ended(keeping)
    gobgpd.kill()


async def test_who_comes_back_goes_on_with_the_one_that_is_there(socket: Path) -> None:
    first = Gobgpd(socket, program=program())
    keeping, pid = await begun(first, socket)
    await ended(keeping)
    second = Gobgpd(socket, program=program())
    keeping, same = await begun(second, socket)
    assert same == pid
    os.kill(pid, 9)
    await until(lambda: owner(str(socket)) not in (0, pid), within=10)
    await ended(keeping)
    second.kill()
    first.kill()  # reaps what it has started


async def test_one_in_which_bgp_was_stopped_gives_way_to_another(socket: Path) -> None:
    """Also where nobody may end it but who has started it: it says so, and does not end by itself."""
    gobgpd = Gobgpd(socket, program=program())
    keeping, pid = await begun(gobgpd, socket)
    client = Client(str(socket))
    await client.start(Instance(64512, "10.0.0.1", listen_port=-1))
    await client.stop()
    client.close()
    await until(lambda: owner(str(socket)) not in (0, pid), within=10)
    client = Client(str(socket))
    assert await client.instance() is None
    client.close()
    await ended(keeping)
    gobgpd.kill()


async def test_a_program_that_is_not_there_is_told_of(socket: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeping = asyncio.create_task(Gobgpd(socket, program="/nowhere/gobgpd").run())
    await until(lambda: "install GoBGP 4" in caplog.text, within=5)
    client = Client(str(socket))
    with pytest.raises(GobgpError, match="is not there"):
        await client.instance()
    client.close()
    await ended(keeping)
