"""One object of our namespace that is followed by its name, which may change."""

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from openelb.kube.client import Client
from openelb.kube.resources import Resource
from openelb.kube.shapes import ObjectShape
from openelb.kube.shelf import Shelf
from openelb.kube.watch import Reflector
from openelb.model.cluster import ServiceKey

Shape = TypeVar("Shape", bound=ObjectShape)
Value = TypeVar("Value")

log = logging.getLogger(__name__)


class Followed(Generic[Value]):
    """The value of the object of the name that is wanted, while `run` runs. `on_change` is called when it may have changed."""

    def __init__(
        self, client: Client, resource: Callable[[str], Resource[Shape, Value]], on_change: Callable[[], None]
    ) -> None:
        self._on_change = on_change
        self._make: Callable[[str], _One[Value]] = lambda name: _One(client, resource(name), on_change)
        self._wanted = asyncio.Event()
        self._name = ""
        self._one: _One[Value] | None = None

    def want(self, name: str) -> None:
        """Follow the object of that name from now on; with no name, none."""
        if name != self._name:
            self._name, self._one = name, None
            self._wanted.set()

    @property
    def is_known(self) -> bool:
        """Whether it is known what there is of the name that is wanted."""
        return not self._name or (self._one is not None and self._one.is_known)

    @property
    def is_refused(self) -> bool:
        """Whether it may not be read, so that there is no saying what it has."""
        return self._one is not None and self._one.is_refused

    @property
    def value(self) -> Value | None:
        """What there is; None: no such object."""
        return self._one.value if self._one else None

    async def run(self) -> None:
        """Follow what is wanted until cancelled."""
        while True:
            self._wanted.clear()
            self._one = self._make(self._name) if self._name else None
            following = asyncio.ensure_future(self._one.run()) if self._one else None
            try:
                await self._wanted.wait()
            finally:
                if following:
                    following.cancel()
                    await asyncio.wait([following])


class _One(Generic[Value]):
    """The view of one object."""

    def __init__(self, client: Client, resource: Resource[Shape, Value], on_change: Callable[[], None]) -> None:
        self.value: Value | None = None
        self._shelf = Shelf[Value](self, on_change)
        self.run = Reflector(client, resource, self._shelf, do_without=self._shelf.do_without).run

    @property
    def is_known(self) -> bool:
        return self._shelf.complete

    @property
    def is_refused(self) -> bool:
        return self._shelf.is_done_without

    def put(self, key: ServiceKey, value: Value) -> None:
        self.value = value

    def remove(self, key: ServiceKey) -> None:
        self.value = None
