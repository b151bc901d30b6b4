"""What a speaker asks of the cluster for its BGP that no watch is worth: the passwords of its BgpPeers, and addresses of nodes.

Secrets are not watched, which would take the right to list them all; nodes' addresses hardly ever change, and each node's own
is enough for most. What was read stays until it has been read again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from openelb.complaints import Complaints
from openelb.kube import reads
from openelb.kube.client import Client
from openelb.kube.errors import ApiError, Forbidden
from openelb.model.addresses import Address
from openelb.model.routers import SecretKey

log = logging.getLogger(__name__)

SOONEST = 1.0
"""Seconds until what was missing is asked for once more, at first. Each time it takes twice as long."""

MISSING_EVERY = 10.0
"""Seconds at the most: with a thousand nodes, one Secret that is missing costs the API server 100 questions a second."""

SECRETS_EVERY = 30.0
"""Seconds after which a password may have changed."""

ADDRESSES_EVERY = 300.0
"""Seconds after which a node may have another address."""


async def _ask_again(ask: Callable[[], Awaitable[bool]], bell: asyncio.Event, every: float) -> None:
    """Ask whenever the bell rings and every so many seconds, sooner while not all is there, which `ask` tells."""
    pause = SOONEST
    while True:
        bell.clear()
        is_all = await ask()
        try:
            async with asyncio.timeout(every if is_all else pause):
                await bell.wait()
            pause = SOONEST
        except TimeoutError:
            pause = SOONEST if is_all else min(2 * pause, MISSING_EVERY)


class Passwords:
    """What is in the Secrets that are wanted; `values` has None where nothing is."""

    def __init__(self, client: Client, namespace: str, on_change: Callable[[], None]) -> None:
        self._client = client
        self._on_change = on_change
        self._namespace = namespace
        self._wanted: frozenset[SecretKey] = frozenset()
        self._bell = asyncio.Event()
        self._complaints = Complaints()
        self.values: Mapping[SecretKey, str | None] = MappingProxyType({})

    def want(self, keys: frozenset[SecretKey]) -> None:
        """Read these from now on, and forget all others."""
        if keys != self._wanted:
            self._wanted = keys
            self._keep({key: value for key, value in self.values.items() if key in keys})
            self._bell.set()

    @property
    def is_known(self) -> bool:
        """Whether each has been asked for, with an answer."""
        return self._wanted <= self.values.keys()

    async def run(self) -> None:
        """Ask until cancelled. Failures are logged once each."""
        await _ask_again(self._ask, self._bell, SECRETS_EVERY)

    def _keep(self, values: Mapping[SecretKey, str | None]) -> None:
        self.values = MappingProxyType(dict(values))

    async def _ask(self) -> bool:
        before, failed = self.values, False
        for key in self._wanted:
            try:
                value = await reads.secret(self._client, self._namespace, key)
            except ApiError as error:
                failed = True
                if self._complaints.begins(error.cause):
                    log.warning("the password of a BgpPeer cannot be read: %s", error)
                if not isinstance(error, Forbidden) or key in self.values:
                    continue
                value = None
            if key in self._wanted:
                self._keep({**self.values, key: value})
        if not failed and self._complaints.ends():
            log.info("the passwords of BgpPeers can be read again")
        if self.values != before:
            self._on_change()
        return not failed and all(self.values.get(key) for key in self._wanted)


class NodeAddresses:
    """The addresses by which the cluster knows the nodes that are wanted."""

    def __init__(self, client: Client, on_change: Callable[[], None]) -> None:
        self._client = client
        self._on_change = on_change
        self._wanted: frozenset[str] = frozenset()
        self._bell = asyncio.Event()
        self._complaints = Complaints()
        self.values: Mapping[str, tuple[Address, ...]] = MappingProxyType({})
        self.is_known = False
        """Whether there was an answer at all."""

    def want(self, nodes: frozenset[str]) -> None:
        """Read those of these nodes from now on."""
        if nodes != self._wanted:
            self._wanted = nodes
            self._bell.set()

    async def run(self) -> None:
        """Ask until cancelled. Failures are logged once each."""
        await _ask_again(self._ask, self._bell, ADDRESSES_EVERY)

    async def _ask(self) -> bool:
        wanted = self._wanted
        if not wanted:
            return True
        try:
            found = await reads.addresses(self._client, next(iter(wanted)) if len(wanted) == 1 else "")
        except ApiError as error:
            if self._complaints.begins(error.cause):
                log.warning("the addresses of nodes cannot be read: %s", error)
            return False
        if self._complaints.ends():
            log.info("the addresses of nodes can be read again")
        there = {name: addresses for name, addresses in found.items() if name in wanted}
        if there != self.values or not self.is_known:
            self.values, self.is_known = MappingProxyType(there), True
            self._on_change()
        return all(there.get(name) for name in wanted)
