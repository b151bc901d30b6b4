"""One lab, one run: the second waits and is told for whom."""

import os
from collections.abc import Iterator

import pytest

from lab import lock

PREFIX = f"elbt{os.getpid()}l"


@pytest.fixture(autouse=True)
def lock_file() -> Iterator[None]:
    yield
    lock.path(PREFIX).unlink(missing_ok=True)


def test_a_second_run_is_told_who_holds_the_lab() -> None:
    said: list[str] = []
    with lock.hold(PREFIX), pytest.raises(lock.LockedError, match=f"held by process {os.getpid()} "):  # noqa: SIM117
        with lock.hold(PREFIX, wait=0, say=said.append):
            pass
    assert said == [sentence for sentence in said if f"process {os.getpid()} " in sentence] != []


def test_a_lab_is_free_when_its_run_has_ended() -> None:
    said: list[str] = []
    with lock.hold(PREFIX):
        pass
    with lock.hold(PREFIX, wait=0, say=said.append):
        pass
    assert said == []


def test_labs_of_other_names_do_not_wait() -> None:
    with lock.hold(PREFIX), lock.hold(f"{PREFIX}x", wait=0):
        pass
    lock.path(f"{PREFIX}x").unlink()
