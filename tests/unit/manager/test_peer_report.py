"""What the manager sums up of nodes' words about BgpPeers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import wraps

from openelb.kube.bgp_status import FIELDS
from openelb.kube.decode_bgp import bgp_object
from openelb.kube.errors import Unreachable
from openelb.kube.resources import BGP_PATHS
from openelb.kube.shapes import Meta, ObjectShape
from openelb.manager.peer_report import NODES_A_SECOND, PeerReport
from openelb.model.cluster import BgpObject, ServiceKey
from openelb.model.routers import CONF
from openelb.model.snapshot import Snapshot
from tests.fakes.direct import JSON, DirectClient, Storage
from tests.fakes.jumps import at_once
from tests.unit.builders import conf, node, router, snapshot, speaker

SUBJECTS = {"BgpConf": ServiceKey("", CONF), "BgpPeer": ServiceKey("", "leaf")}
UP, DOWN = {"peerState": {"sessionState": "ESTABLISHED"}}, {"problem": "connection refused"}


def minutes(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """A test whose minutes pass at once."""

    @wraps(test)
    def run() -> None:
        at_once(test())

    return run


class World:
    """A manager's view of a cluster with a BgpConf, a BgpPeer and the nodes a and b."""

    def __init__(self) -> None:
        self.storage = Storage()
        self.asked: list[str] = []
        self.trouble: Exception | None = None
        self.facts = (conf(), router(), *map(speaker, "ab"), *map(node, "ab"))
        for kind, key in SUBJECTS.items():
            self.storage.create(BGP_PATHS[kind], {"metadata": {"name": key.name}})
        client = DirectClient(self.storage, self._asked)
        self.report = PeerReport(client, self.seen, clock=asyncio.get_running_loop().time)

    async def _asked(self, asked, request) -> JSON:
        self.asked.append(asked)
        if self.trouble:
            raise self.trouble
        return request()

    def seen(self) -> Snapshot:
        """As a watch of metadata brings it."""
        return snapshot(*self.facts, bgp_confs=self._known("BgpConf"), bgp_peers=self._known("BgpPeer"))

    def _known(self, kind: str) -> dict[str, BgpObject]:
        there = {key.name: one["metadata"]["resourceVersion"] for key, one in self.storage.all(BGP_PATHS[kind]).items()}
        return {
            name: bgp_object(kind, ObjectShape(Meta(name, resource_version=version))) for name, version in there.items()
        }

    def say(self, kind: str = "BgpPeer", /, **words: JSON) -> None:
        """These nodes say that."""
        self.storage.edit(
            BGP_PATHS[kind],
            SUBJECTS[kind],
            lambda one: one.setdefault("status", {}).setdefault(FIELDS[kind], {}).update(words),
        )

    def status(self, kind: str = "BgpPeer") -> JSON:
        return self.storage.all(BGP_PATHS[kind])[SUBJECTS[kind]].get("status", {})

    def told(self, kind: str = "BgpPeer") -> tuple[str, str, str]:
        condition = self.status(kind)["conditions"][-1]
        return condition["type"], condition["status"], condition["message"]


@asynccontextmanager
async def reporting() -> AsyncIterator[World]:
    world = World()
    running = asyncio.create_task(world.report.run())
    try:
        yield world
        assert not running.done(), running.exception()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@minutes
async def test_the_sessions_of_all_nodes_become_one_condition():
    async with reporting() as world:
        world.say(a=UP, b=DOWN)
        await asyncio.sleep(2)
        assert world.told() == ("Established", "False", "Established with 1 of 2 nodes; b: connection refused")
        world.say(b={**UP, "problem": ""})
        await asyncio.sleep(2)
        assert world.told() == ("Established", "True", "Established with 2 of 2 nodes")


@minutes
async def test_nodes_that_are_gone_are_struck_out_and_others_keep_their_words():
    async with reporting() as world:
        world.say(a=UP, b=UP, gone=UP)
        await asyncio.sleep(2)
        assert world.status()["nodesPeerStatus"] == {"a": UP, "b": UP}


@minutes
async def test_on_which_nodes_bgp_runs_is_told_of_the_bgp_conf():
    async with reporting() as world:
        world.say("BgpConf", a={"as": 65001, "routerId": "192.0.2.11"}, b={"problem": "gobgpd is away"}, gone={})
        await asyncio.sleep(2)
        assert world.told("BgpConf") == ("Ready", "False", "BGP runs on 1 of 2 nodes; b: gobgpd is away")
        assert world.status("BgpConf")["nodesConfStatus"].keys() == {"a", "b"}
        world.facts = (conf(0), *world.facts[1:])
        world.say("BgpConf", b={"as": 65001})
        await asyncio.sleep(2)
        assert world.told("BgpConf")[2] == (
            "BgpConf default has no autonomous system: give that of the cluster in spec.as"
            "; nodes that knew it before go on as it was then"
        )


@minutes
async def test_conditions_of_others_stay():
    async with reporting() as world:
        other = {"type": "Audited", "status": "True", "reason": "ByHand", "message": "looked at"}
        world.storage.edit(
            BGP_PATHS["BgpPeer"], SUBJECTS["BgpPeer"], lambda peer: peer.update(status={"conditions": [other]})
        )
        await asyncio.sleep(2)
        assert world.status()["conditions"][0].items() >= other.items()
        assert world.told()[0] == "Established"


@minutes
async def test_nothing_is_written_when_nothing_differs():
    async with reporting() as world:
        world.say(a=UP, b=UP)
        world.say("BgpConf", a={}, b={})
        await asyncio.sleep(5)
        before = len(world.asked)
        await asyncio.sleep(600)
        assert world.asked[before:] == []


@minutes
async def test_a_status_of_many_nodes_is_not_read_more_often_than_it_can_be_worth():
    async with reporting() as world:
        names = [f"n{number}" for number in range(10 * NODES_A_SECOND)]
        world.facts = (conf(), router(), *map(speaker, names))
        for turn in range(100):
            world.say(n0=UP if turn % 2 else DOWN)
            await asyncio.sleep(1)
        assert len([asked for asked in world.asked if asked.startswith("get")]) <= 13


@minutes
async def test_without_a_bgp_conf_the_peer_says_so():
    async with reporting() as world:
        world.facts = world.facts[1:]
        await asyncio.sleep(2)
        assert (
            world.told()[2]
            == "bgp needs a BgpConf default: create one with the autonomous system of the cluster (spec.as)"
        )


@minutes
async def test_what_could_not_be_asked_is_asked_again():
    async with reporting() as world:
        world.say(a=UP, b=UP)
        world.trouble = Unreachable("no answer")
        await asyncio.sleep(5)
        world.trouble = None
        await asyncio.sleep(2)
        assert world.told()[1] == "True"


@minutes
async def test_a_peer_that_goes_meanwhile_is_left_alone():
    async with reporting() as world:
        await asyncio.sleep(2)
        world.storage.delete(BGP_PATHS["BgpPeer"], SUBJECTS["BgpPeer"])
        before = len(world.asked)
        await asyncio.sleep(5)
        assert world.asked[before:] == []
