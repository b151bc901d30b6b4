"""Work in a task of its own, which fails or is cancelled as a whole."""

import asyncio
from collections.abc import Coroutine


async def alone(work: Coroutine[None, None, None]) -> None:
    """Do it to its end: a group of tasks that fails in the moment in which it is cancelled forgets the latter, or takes its own
    failure for one (Python 3.11).
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # what failed in that moment is of no interest any more
        raise
    task.result()
