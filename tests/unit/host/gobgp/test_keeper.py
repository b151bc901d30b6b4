"""Whoever keeps gobgpd beside a speaker says when it is told to end."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from openelb.host.gobgp.process import is_leaving, keep, keep_until_told, leaving, wanted


async def test_a_keeper_that_nobody_wanted_anything_of_ends_at_once(tmp_path: Path) -> None:
    socket, stop = tmp_path / "gobgpd" / "socket", asyncio.Event()
    keeping = asyncio.create_task(keep_until_told(socket, stop))
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(5):
        await keeping
    assert not wanted(socket).exists()


async def test_gobgpd_runs_while_it_is_wanted(tmp_path: Path) -> None:
    socket = tmp_path / "socket"
    program = tmp_path / "gobgpd"
    program.write_text("#!/bin/sh\nsleep 600\n")
    program.chmod(0o700)
    keeping = asyncio.create_task(keep(socket, program=str(program)))
    for _ in range(2):
        assert not running(program)
        wanted(socket).touch()
        await until(lambda: bool(running(program)))
        wanted(socket).unlink()
        await until(lambda: not running(program))
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


def running(program: Path) -> list[str]:
    """The processes of this program."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(program).encode() in each.read_bytes():
                found.append(each.parent.name)
    return found


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_speaker_that_is_started_anew_alone_finds_its_gobgpd_staying(tmp_path: Path) -> None:
    assert not await is_leaving(tmp_path / "socket")


async def test_a_speaker_whose_pod_ends_hears_that_its_gobgpd_is_to_end_too(tmp_path: Path) -> None:
    socket = tmp_path / "socket"
    asking = asyncio.create_task(is_leaving(socket))
    await asyncio.sleep(0.1)
    leaving(socket).touch()
    assert await asking


async def test_word_of_a_pod_before_this_one_does_not_count(tmp_path: Path) -> None:
    socket, stop = tmp_path / "socket", asyncio.Event()
    leaving(socket).touch()
    keeping = asyncio.create_task(keep_until_told(socket, stop))
    await asyncio.sleep(0)
    assert not leaving(socket).exists()
    stop.set()
    await keeping
