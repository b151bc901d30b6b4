"""The manager dies, or stands still, at every point between two calls of the API; a second leader finishes its work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from openelb.model import names
from tests.stories.replicas import Fate, Killed, Replica, StandsStill, World, dies_after, dies_before
from tests.unit.builders import key
from tests.unit.kube.objects import EIPS, JSON, SERVICES, eip, service

SPEC = {"protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}}
WEB, DB, API, NEW = key("web"), key("db"), key("api"), key("new")


def pool(name: str = "pool", address: str = "192.0.2.1-192.0.2.3") -> JSON:
    return eip(name, address, spec=SPEC)


def wanting(name: str, *, pool: str = "pool", **spec: str) -> JSON:
    return service(name, spec=spec, annotations={names.OPT_IN: "openelb", names.REQUESTED_POOL: pool})


THREE = (wanting("web"), wanting("db"), wanting("api"))


@dataclass(frozen=True)
class Scenario:
    """What the first leader had done, and what then happens: it has begun to answer that when it is stopped."""

    before: tuple[JSON, ...]
    happens: Callable[[World], None]


def annotate(world: World, name: str, text: str) -> None:
    """The user of `web` changes an annotation."""
    world.storage.edit(SERVICES, WEB, lambda what: what["metadata"]["annotations"].update({name: text}))


def become_a_cluster_ip(world: World) -> None:
    world.storage.edit(SERVICES, WEB, lambda what: what["spec"].update(type="ClusterIP"))


def wish_for_an_address(world: World) -> None:
    world.storage.edit(SERVICES, WEB, lambda what: what["spec"].update(loadBalancerIP="192.0.2.3"))


def delete_two(world: World) -> None:
    for gone in (WEB, API):
        world.storage.delete(SERVICES, gone)


def delete_the_pool_then_its_users(world: World) -> None:
    world.storage.delete(EIPS, key("/pool"))
    for gone in (WEB, DB):
        world.storage.delete(SERVICES, gone)


def create_anew(world: World, **spec: str) -> None:
    """Somebody tears the finalizer off, deletes the Service and creates a namesake."""
    world.torn.add("web")
    world.storage.edit(SERVICES, WEB, lambda what: what["metadata"].update(finalizers=[]))
    world.storage.delete(SERVICES, WEB)
    world.create(wanting("web", **spec))


def edit_the_ledger(world: World, used: dict[str, str]) -> None:
    world.tampered = True
    world.storage.edit(EIPS, key("/pool"), lambda what: what["status"].update(used=used))


SCENARIOS = {
    "a pool appears for Services that wait": Scenario((*THREE, wanting("new")), lambda world: world.create(pool())),
    "Services come": Scenario((pool(),), lambda world: world.create(*THREE)),
    "Services are deleted and others wait for their addresses": Scenario((pool(), *THREE, wanting("new")), delete_two),
    "a Service changes to another pool": Scenario(
        (pool(), pool("other", "198.51.100.1"), *THREE, wanting("new")),
        lambda world: annotate(world, names.REQUESTED_POOL, "other"),
    ),
    "a Service changes to another address": Scenario((pool(), wanting("web"), wanting("db")), wish_for_an_address),
    "a Service leaves the type LoadBalancer": Scenario((pool(), *THREE, wanting("new")), become_a_cluster_ip),
    "a Service opts out": Scenario((pool(), *THREE, wanting("new")), lambda world: annotate(world, names.OPT_IN, "")),
    "a pool with users is deleted": Scenario((pool(), *THREE), lambda world: world.storage.delete(EIPS, key("/pool"))),
    "a pool is deleted and then its users": Scenario(
        (pool(), wanting("web"), wanting("db")), delete_the_pool_then_its_users
    ),
    "a ledger is wiped, and a Service comes": Scenario(
        (pool(), wanting("web"), wanting("db")),
        lambda world: (edit_the_ledger(world, {}), world.create(wanting("new"))),
    ),
    "a ledger is edited": Scenario(
        (pool(), wanting("web"), wanting("db")),
        lambda world: (
            edit_the_ledger(world, {"192.0.2.1": "default/new", "192.0.2.2": "default/db;default/ghost", "x": "y"}),
            world.create(wanting("new")),
        ),
    ),
    "a namesake is created anew": Scenario((pool(), *THREE, wanting("new")), create_anew),
    "a namesake is created anew with another wish": Scenario(
        (pool(), wanting("web"), wanting("db")), lambda world: create_anew(world, loadBalancerIP="192.0.2.3")
    ),
}


@asynccontextmanager
async def begun(scenario: Scenario) -> AsyncIterator[tuple[World, Replica]]:
    """The world in which it has just happened, and the first leader, which knows nothing of it."""
    world = World()
    world.create(*scenario.before)
    async with Replica(world, "first").reading() as first:
        await first.work()
        first.asked.clear()
        scenario.happens(world)
        yield world, first


async def calls_of(scenario: Scenario) -> list[str]:
    """What a leader that nothing happens to asks of the server."""
    async with begun(scenario) as (world, first):
        await first.work()
        assert_all_is_well(world)
        return first.asked


def assert_all_is_well(world: World) -> None:
    world.facts.check_rest()
    world.facts.check_ledgers()


async def finish(world: World) -> None:
    """A second leader does what is left."""
    async with Replica(world, "second").reading() as second:
        await second.work()
    assert_all_is_well(world)


@pytest.mark.parametrize("dies", [dies_before, dies_after])
@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_leader_that_dies_between_any_two_calls_is_finished_by_the_next(
    name: str, dies: Callable[[int], Fate]
) -> None:
    for number, call in enumerate(await calls_of(SCENARIOS[name])):
        async with begun(SCENARIOS[name]) as (world, first):
            first.fate = dies(number)
            try:
                with pytest.raises(Killed):
                    await first.work()
                await finish(world)
            except BaseException as error:
                error.add_note(f"{dies.__name__} call {number}: {call}")
                raise


@pytest.mark.parametrize("stops", ["the process", "the machine and its clock"])
@pytest.mark.parametrize("name", SCENARIOS)
async def test_what_a_leader_sends_that_stood_still_does_no_harm(name: str, stops: str) -> None:
    """After a pause with its clock it even takes itself for the leader: nothing but the versions keeps it from harm."""
    for number, call in enumerate(await calls_of(SCENARIOS[name])):
        async with begun(SCENARIOS[name]) as (world, first):
            first.fate = still = StandsStill(number)
            standing = asyncio.create_task(first.work())
            try:
                await still.reached.wait()
                if stops != "the process":
                    first.clock.pause()
                world.late = True
                async with Replica(world, "second").reading() as second:
                    await second.work()
                    first.retired = True
                    still.thawed.set()
                    await standing
                    await second.work()
                assert_all_is_well(world)
            except BaseException as error:
                error.add_note(f"stood still at call {number}: {call}")
                raise
            finally:
                standing.cancel()
