"""One object that is followed by its name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from openelb.kube.client import Client
from openelb.kube.followed import Followed
from openelb.kube.resources import config_map
from openelb.model import names
from tests.fakes.apiserver import FakeApiServer, Refusal

CONFIG_MAPS = "/api/v1/configmaps"
FOLLOWED = f"/api/v1/namespaces/{names.NAMESPACE}/configmaps"


def policy(text: str, name: str = "policy"):
    return {"metadata": {"name": name, "namespace": names.NAMESPACE}, "data": {"gobgp.conf": text}}


class World:
    def __init__(self, server: FakeApiServer, client: Client) -> None:
        self.server = server
        self.moved = asyncio.Event()
        self.followed = Followed(
            client, lambda name: config_map(names.NAMESPACE, name, "gobgp.conf"), lambda: self.moved.set()
        )

    async def sees(self, value: str | None) -> None:
        """Return when that is what there is."""
        async with asyncio.timeout(5):
            while not (self.followed.is_known and self.followed.value == value):
                await self.moved.wait()
                self.moved.clear()


@asynccontextmanager
async def following() -> AsyncIterator[World]:
    async with FakeApiServer().running() as server, Client(server.access) as client:
        world = World(server, client)
        running = asyncio.create_task(world.followed.run())
        try:
            yield world
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def test_without_a_name_nothing_is_followed_and_that_is_known():
    async with following() as world:
        await asyncio.sleep(0)
        assert (world.followed.is_known, world.followed.value, world.server.requests) == (True, None, [])


async def test_before_there_was_an_answer_nothing_is_known():
    async with following() as world:
        world.followed.want("policy")
        assert not world.followed.is_known
        await world.sees(None)


async def test_an_object_is_followed_through_its_changes_and_its_end():
    async with following() as world:
        world.followed.want("policy")
        await world.sees(None)
        await world.server.put(CONFIG_MAPS, policy("one"))
        await world.sees("one")
        await world.server.put(CONFIG_MAPS, policy("two"))
        await world.sees("two")
        await world.server.remove(CONFIG_MAPS, "policy", names.NAMESPACE)
        await world.sees(None)


async def test_another_name_is_followed_instead_and_its_predecessor_no_more():
    async with following() as world:
        await world.server.put(CONFIG_MAPS, policy("one"))
        world.followed.want("policy")
        await world.sees("one")
        await world.server.remove(CONFIG_MAPS, "policy", names.NAMESPACE)
        await world.server.put(CONFIG_MAPS, policy("other", "other"))
        world.followed.want("other")
        assert not world.followed.is_known
        await world.sees("other")
        world.followed.want("")
        assert (world.followed.is_known, world.followed.value) == (True, None)


async def test_who_must_not_read_it_goes_on_without():
    async with following() as world:
        world.server.faults.refused_paths[FOLLOWED] = Refusal(403, "Forbidden")
        world.followed.want("policy")
        await world.sees(None)
