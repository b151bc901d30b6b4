"""An event loop whose minutes pass at once."""

import asyncio
import selectors
from collections.abc import Coroutine
from selectors import SelectorKey
from typing import Any, TypeVar

Result = TypeVar("Result")

_MOMENT = 0.002
"""Seconds: bytes on loopback that were sent have arrived long before."""


class _JumpingSelector(selectors.DefaultSelector):
    """Where nothing happens until a timeout, the timeout is over."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            ready: list[tuple[SelectorKey, int]] = super().select(timeout)
            return ready
        ready = super().select(min(timeout, _MOMENT))
        if not ready:
            self.passed += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while anything happens and goes on to the next timer when nothing does."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed


def at_once(minutes: Coroutine[Any, Any, Result]) -> Result:
    """Run something that takes minutes by the clock of its loop."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(minutes)
