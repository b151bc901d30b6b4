"""How a process is told to stop."""

import asyncio
import os
import signal

import pytest

from openelb.process.signals import stop_signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_says_stop(number: signal.Signals) -> None:
    with stop_signals() as stop:
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            await stop.wait()
