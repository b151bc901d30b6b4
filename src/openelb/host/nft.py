"""The kernel's table of ours, by the program `nft`: read, and written in one transaction. It needs the capability NET_ADMIN.

A program of its own, since nobody knows the kernel's language better than those who wrote both, and since no rule is worth
holding up an announcement: it is waited for by whoever has time.
"""

import asyncio
import contextlib
from collections.abc import Iterator

import msgspec

from openelb.wire.nft import SETS, TABLE, Table

SECONDS = 20.0
"""For which `nft` may run: 10,000 addresses take 0.03."""

_PROGRAM = "nft"
_LIST = ("--json", "--numeric", "list", "table", "inet", TABLE)
_NOT_THERE = "No such file or directory"


class NftError(OSError):
    """`nft` cannot be run, or says no; the text is a sentence with what to do."""


class _Set(msgspec.Struct):
    name: str = ""
    elem: list[object] = []


class _Rule(msgspec.Struct):
    chain: str = ""
    comment: str = ""


class _Part(msgspec.Struct):
    set: _Set | None = None
    rule: _Rule | None = None


class _Listing(msgspec.Struct):
    nftables: list[_Part]


async def read() -> Table | None:
    """What our table holds; None when there is none. One that nobody can read has nothing in it. Raises NftError."""
    code, said, complaint = await _run(*_LIST)
    if code:
        if _NOT_THERE in complaint:
            return None
        raise NftError(_sentence(complaint))
    return _table(said)


async def write(command: str) -> None:
    """Carry out a command, whole or not at all. Raises NftError."""
    code, _, complaint = await _run("-f", "-", stdin=command.encode())
    if code:
        raise NftError(_sentence(complaint))


def _table(said: bytes) -> Table:
    try:
        parts = msgspec.json.decode(said, type=_Listing).nftables
    except (msgspec.DecodeError, RecursionError):
        return Table()
    sets = [part.set for part in parts if part.set and part.set.name in SETS]
    addresses = frozenset(text for found in sets for each in found.elem if (text := _element(each)))
    marks = sorted((part.rule.chain, part.rule.comment) for part in parts if part.rule)
    return Table(tuple(marks), addresses)


def _element(element: object) -> str:
    """An address, or a network; empty for what is neither."""
    match element:
        case str():
            return element
        case {"prefix": {"addr": str(address), "len": int(length)}}:
            return f"{address}/{length}"
    return ""


def _sentence(complaint: str) -> str:
    if "Operation not permitted" in complaint:
        return "nft may not: give the speaker the capability NET_ADMIN"
    lines = [line for line in complaint.splitlines() if line.strip()] or ["without a word"]
    return f"nft failed: {lines[0].strip()}"


async def _run(*arguments: str, stdin: bytes = b"") -> tuple[int, bytes, str]:
    """The exit code, and what was written. Raises NftError when it does not run to its end."""
    pipe = asyncio.subprocess.PIPE
    try:
        running = await asyncio.create_subprocess_exec(_PROGRAM, *arguments, stdin=pipe, stdout=pipe, stderr=pipe)
    except FileNotFoundError as missing:
        raise NftError("the program nft is not there: install the package nftables") from missing
    except OSError as error:
        raise NftError(f"the program nft cannot be started: {error.strerror}") from error
    with _ended(running):
        try:
            async with asyncio.timeout(SECONDS):
                said, complaint = await running.communicate(stdin)
        except TimeoutError as late:
            raise NftError(f"nft has not ended within {SECONDS:g} s") from late
    return running.returncode or 0, said, complaint.decode(errors="replace")


@contextlib.contextmanager
def _ended(running: asyncio.subprocess.Process) -> Iterator[None]:
    """Whoever leaves leaves no program behind."""
    try:
        yield
    finally:
        if running.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                running.kill()
