"""The log of our processes."""

import contextlib
import logging
import re
from collections.abc import Iterator

import pytest

from openelb.process.lines import log_to_stderr


@contextlib.contextmanager
def own_log() -> Iterator[logging.Logger]:
    """A log as a process has it, on stderr and nowhere else."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        log_to_stderr("info")
        yield logging.getLogger("openelb.test")
    finally:
        root.handlers = handlers
        root.setLevel(level)


def test_the_log_has_a_line_for_each_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    with own_log() as log:
        log.info("node-a leads")
        logging.getLogger("aiohttp.access").info("GET /healthz")
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith(" INFO node-a leads")


class Mute:
    """Something that cannot be told."""

    def __repr__(self) -> str:
        raise KeyError("bug")


@pytest.mark.parametrize(("text", "argument"), [("%d nodes", "two"), ("%s leads", Mute()), ("nobody leads", 7)])
def test_who_tells_what_cannot_be_formatted_does_not_fail(
    capfd: pytest.CaptureFixture[str], text: str, argument: object
) -> None:
    with own_log() as log:
        log.info(text, argument)
    (line,) = capfd.readouterr().err.splitlines()
    assert re.search(r" ERROR what .*test_lines\.py:\d+ tells cannot be formatted: (Type|Key)Error$", line)


def test_a_bug_of_ours_has_its_traceback_in_lines_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with own_log() as log:
        log.warning("trying again: %s", "one\ntwo", exc_info=KeyError("web"))
    line, *below = capfd.readouterr().err.splitlines()
    assert line.endswith(r" WARNING trying again: one\ntwo")
    assert below == ["KeyError: 'web'"]
