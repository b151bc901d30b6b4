"""The keys of heartbeats: made once, followed by others, read from files or from the cluster."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from openelb.kube.client import Client
from openelb.kube.heartbeat_keys import Kept, read_keys, write_keys
from openelb.model import names
from openelb.process import keyring
from openelb.wire.heartbeat import Key
from tests.fakes.apiserver import FakeApiServer
from tests.unit.manager.test_identity import SECRETS

OLD, NEW, OTHER = (word * 16 for word in (b"o", b"n", b"x"))


def test_where_there_is_no_key_one_is_made() -> None:
    assert keyring.renewed(Kept(), 1000.0, NEW) == Kept((NEW,), 1000.0, "")


def test_a_key_is_followed_by_another_in_time_and_is_heeded_for_as_long_again() -> None:
    kept = Kept((OLD, OTHER), 1000.0, "7")
    assert keyring.renewed(kept, 1000.0 + keyring.ROTATION - 1, NEW) is None
    assert keyring.renewed(kept, 1000.0 + keyring.ROTATION, NEW) == Kept((NEW, OLD), 1000.0 + keyring.ROTATION, "7")


def test_what_is_too_short_for_a_key_is_replaced_and_not_heeded() -> None:
    assert keyring.renewed(Kept((b"short",), 1000.0, "7"), 1001.0, NEW) == Kept((NEW,), 1001.0, "7")
    assert keyring.keys([b"short", OLD, OLD]) == (Key.of(OLD),)


async def told(client: Client, directory: Path | None) -> tuple[Key, ...]:
    """What a speaker that begins is told first."""
    heard: asyncio.Queue[Sequence[Key]] = asyncio.Queue()
    following = asyncio.create_task(keyring.follow(client, names.NAMESPACE, directory, heard.put_nowait))
    try:
        async with asyncio.timeout(10):
            return tuple(await heard.get())
    finally:
        following.cancel()
        await asyncio.wait([following])


async def test_what_a_manager_writes_speakers_read_until_their_kubelet_has_mounted_it(tmp_path: Path) -> None:
    async with FakeApiServer().running() as server, Client(server.access) as client:
        await write_keys(client, names.NAMESPACE, Kept((OLD,), 1000.0))
        kept = await read_keys(client, names.NAMESPACE)
        assert (kept.secrets, kept.rotated) == ((OLD,), 1000.0)
        assert await told(client, tmp_path) == (Key.of(OLD),)
        (tmp_path / "current").write_bytes(NEW)
        (tmp_path / "previous").write_bytes(OLD)
        assert await told(client, tmp_path) == (Key.of(NEW), Key.of(OLD))


async def test_a_manager_follows_one_key_by_another() -> None:
    async with FakeApiServer().running() as server, Client(server.access) as client:
        await write_keys(client, names.NAMESPACE, Kept((OLD,), 1000.0))
        keeping = asyncio.create_task(keyring.keep(client, names.NAMESPACE, wall=lambda: 1000.0 + keyring.ROTATION))
        await server.until(lambda: len(server.stored(SECRETS, names.HEARTBEAT_SECRET, names.NAMESPACE)["data"]) == 2)
        keeping.cancel()
        await asyncio.wait([keeping])
        kept = await read_keys(client, names.NAMESPACE)
        assert kept.secrets[1] == OLD
        assert len(kept.secrets[0]) == keyring.OCTETS


async def test_keys_that_were_replaced_are_heeded_beside_the_others_for_a_while(tmp_path: Path) -> None:
    """Also when somebody has deleted the Secret, and another one was made that has nothing of it."""
    heard: asyncio.Queue[Sequence[Key]] = asyncio.Queue()
    now = [0.0]
    (tmp_path / "current").write_bytes(OLD)
    async with FakeApiServer().running() as server, Client(server.access) as client:
        following = asyncio.create_task(
            keyring.follow(client, names.NAMESPACE, tmp_path, heard.put_nowait, clock=lambda: now[0], every=0.01)
        )
        async with asyncio.timeout(10):
            assert await heard.get() == (Key.of(OLD),)
            (tmp_path / "current").write_bytes(NEW)
            assert await heard.get() == (Key.of(NEW), Key.of(OLD))
            now[0] = keyring.BESIDE
            assert await heard.get() == (Key.of(NEW),)
        following.cancel()
        await asyncio.wait([following])
