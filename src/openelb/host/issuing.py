"""Certificates made and read by a program of ours that runs for a moment (`openelb.manager.certificates`): its library takes more
memory than all of the manager's own code. A key goes through pipes and touches no disk.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from openelb.plan.renewal import Certificate, Issued

SECONDS = 20.0
"""How long one run may take. It takes a third of a second; on a machine that is short of everything, more."""

_PROGRAM = ("-m", "openelb.manager.certificates")


class NotIssued(Exception):
    """The program that makes certificates does not do its work; the text says what it said."""


async def make(names: Iterable[str]) -> Issued:
    """A certificate for a server of these names, valid for a year. Raises NotIssued."""
    answer = await _run("make", *sorted(names))
    return Issued(**answer)


async def read(issued: Issued) -> Certificate:
    """What a certificate says, whatever it is. Raises NotIssued."""
    answer = await _run("tell", told=json.dumps(asdict(issued)).encode())
    return Certificate(**{**answer, "names": frozenset(answer.get("names", ()))})


async def _run(*arguments: str, told: bytes = b"") -> Any:
    try:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, *_PROGRAM, *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise NotIssued(f"the program that makes certificates cannot be run: {error.strerror}") from error
    try:
        async with asyncio.timeout(SECONDS):
            answer, complaint = await program.communicate(told)
    except TimeoutError as error:
        raise NotIssued(f"the program that makes certificates was not ready within {SECONDS:g} s") from error
    finally:
        if program.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                program.kill()
            await program.wait()
    if program.returncode:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2][-300:]
        raise NotIssued(f"the program that makes certificates failed with {program.returncode}: {last}")
    return json.loads(answer)
