"""The keys of heartbeats: a manager that leads makes them and follows one by another, and speakers read them.

A speaker reads the files that the kubelet mounts, since these are there without the API server; until they are, which takes
the kubelet a minute after the Secret was made, it asks the API server.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from openelb.complaints import Complaints
from openelb.host.key_files import key_files, keys
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists, ApiError, Conflict
from openelb.kube.heartbeat_keys import Kept, read_keys, write_keys
from openelb.wire.heartbeat import SHORTEST_KEY, Key

log = logging.getLogger(__name__)

OCTETS = 32
ROTATION = 30 * 86_400.0
"""Seconds for which a key is the current one. It is heeded for as long again, so that files may follow when they like."""

LOOKING = 2.0
"""Seconds between two looks of a speaker: at its files, or at the API server while there are none."""

CHECKING = 60.0
"""Seconds between two looks of the manager at the Secret: somebody may have deleted it."""

BESIDE = 300.0
"""Seconds for which keys are heeded that were replaced: the kubelets need up to two minutes for all to have the new ones."""


async def keep(client: Client, namespace: str, *, wall: Callable[[], float] = time.time) -> None:
    """See to it that there is a key, and that it is followed by another in time, until cancelled."""
    complaints = Complaints()
    while True:
        try:
            kept = await read_keys(client, namespace)
            following = renewed(kept, wall(), secrets.token_bytes(OCTETS))
            if following is not None:
                await write_keys(client, namespace, following)
                log.info("the key of heartbeats was %s", "followed by another one" if kept.secrets else "made")
            if complaints.ends():
                log.info("the key of heartbeats can be looked after again")
        except (AlreadyExists, Conflict):
            pass  # another replica was there first; the next look sees what it wrote
        except ApiError as error:
            if complaints.begins(error.cause):
                log.warning("the key of heartbeats cannot be looked after: %s", error)
        await asyncio.sleep(CHECKING)


def renewed(kept: Kept, now: float, secret: bytes) -> Kept | None:
    """What the Secret is to hold instead, with that new secret; None when it is good as it is."""
    good = [each for each in kept.secrets if len(each) >= SHORTEST_KEY]
    if good and now - kept.rotated < ROTATION:
        return None
    return Kept((secret, *good[:1]), now, kept.version)


async def follow(
    client: Client,
    namespace: str,
    directory: Path | None,
    use: Callable[[Sequence[Key]], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    every: float = LOOKING,
) -> None:
    """Have `use` told the keys, and whenever there are others, until cancelled. Those before stay beside them for a while: not
    all nodes have the new ones at once, also when somebody has deleted the Secret.
    """
    complaints = Complaints()
    known: tuple[Key, ...] = ()
    former, until = known, 0.0
    while True:
        try:
            found = keys(key_files(directory)) or (known or keys((await read_keys(client, namespace)).secrets))
            if complaints.ends():
                log.info("the key of heartbeats can be read again")
        except (ApiError, OSError) as error:
            found = known
            if complaints.begins(type(error).__name__):
                log.warning("no key of heartbeats: other speakers count by their Leases alone: %s", error)
        if found and found != known:
            former, until = known, clock() + BESIDE
            known = found
            use(tuple(dict.fromkeys((*known, *former))))
        elif former and clock() >= until:
            former = ()
            use(known)
        await asyncio.sleep(every)
