"""Waiting for the world: look again and again until it is so, and say what was seen last when it never became so."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


class NotYetError(Exception):
    """Raised by a look that did not find what it looks for; its sentence says what is there instead."""


class WaitError(Exception):
    """What was waited for did not happen in time; the sentence ends with what was seen last."""


def until(look: Callable[[], Seen], *, what: str, timeout: float = 60.0, every: float = 0.05) -> Seen:
    """Return the first answer of `look`; `NotYetError` and `OSError` mean that it is not so yet.

    `timeout` and `every` are in seconds. Raises `WaitError`. Limits are generous on purpose: a machine that is busy with a
    build is slow, not broken.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            return look()
        except (NotYetError, OSError) as seen:
            if time.monotonic() >= end:
                raise WaitError(f"waited {timeout:g} s for {what}; last seen: {seen or type(seen).__name__}") from seen
        time.sleep(every)


def require(condition: object, seen: str) -> None:
    """Raise `NotYetError` with the sentence `seen` unless the condition holds."""
    if not condition:
        raise NotYetError(seen)
