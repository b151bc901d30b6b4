"""The BGP of one node with its cluster and a gobgpd of values, in a loop whose minutes pass at once."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from openelb.announce.bgp import Bgp
from openelb.kube.resources import BGP_PATHS, NODES_PATH
from openelb.model import names
from openelb.model.bgp import Peer, Reach
from openelb.model.cluster import Protocol, ServiceKey
from openelb.model.snapshot import Snapshot
from openelb.speaker.peering import POLICY_KEY, Peering
from tests.fakes.direct import JSON, DirectClient, Storage
from tests.fakes.gobgpd import Gobgpd
from tests.unit.builders import conf, key, node, pool, router, service, snapshot, speaker

ME = "a"
SECRETS, CONFIG_MAPS = "/api/v1/secrets", "/api/v1/configmaps"
EIP = pool(text="10.99.0.0/24", protocol=Protocol.BGP, interface="")
WEB = service(shows="10.99.0.1")
READY = {key("web"): frozenset({"a", "b"})}
CLUSTER = (EIP, WEB, node("a"), node("b"), speaker("a"), speaker("b"))
LEAF = "192.0.2.1"


class World:
    """What the node reads, its gobgpd, and the requests of it that write."""

    def __init__(self, there: Gobgpd, *, has_run: bool, unlisted: frozenset[str]) -> None:
        self.clock = asyncio.get_running_loop().time
        self.storage, self.gobgpd = Storage(), there
        self.asked: list[str] = []
        self.trouble: Exception | None = None
        self.troubled = ""
        """What of all that is asked for meets it."""
        self.bgp = Bgp(there.connect, changed=lambda: self.peering.heard(), clock=self.clock)
        self.marks: list[str] = []
        client = DirectClient(self.storage, self._asked, unlisted)
        self.peering = Peering(
            client,
            ME,
            names.NAMESPACE,
            names.LOAD_BALANCER_CLASS,
            self.bgp,
            self._tried,
            self.marks.append,
            has_run=has_run,
            clock=self.clock,
        )
        self.reach = Reach.OPEN
        self.tried: list[str] = []
        self.seen = Snapshot()
        for number, name in enumerate(("a", "b"), 11):
            self.put(NODES_PATH, name, status={"addresses": [{"type": "InternalIP", "address": f"192.0.2.{number}"}]})

    async def _tried(self, peer: Peer, *, inner: bool) -> Reach:
        self.tried.append(f"{peer.key} inside" if inner else peer.key)
        return self.reach

    async def _asked(self, asked, request) -> JSON:
        self.asked.append(asked)
        if self.trouble and self.troubled in asked:
            raise self.trouble
        return request()

    def put(self, collection: str, name: str, namespace: str = "", **what: JSON) -> None:
        self.storage.create(collection, {"metadata": {"name": name, "namespace": namespace}, **what})

    def remove(self, collection: str, name: str, namespace: str = "") -> None:
        self.storage.delete(collection, ServiceKey(namespace, name))

    def secret(self, text: str) -> None:
        encoded = base64.b64encode(text.encode()).decode()
        self.put(SECRETS, "leaf", names.NAMESPACE, data={"password": encoded})

    def policy(self, text: str) -> None:
        self.put(CONFIG_MAPS, "policy", names.NAMESPACE, data={POLICY_KEY: text})

    def see(self, *facts, endpoints=READY) -> None:
        """The cluster has these; each BgpConf and BgpPeer is there as an object too."""
        self.seen = snapshot(*facts, endpoints=endpoints)
        for kind, there in (("BgpConf", self.seen.confs), ("BgpPeer", self.seen.peers)):
            stored = {one.name for one in self.storage.all(BGP_PATHS[kind])}
            for name in there.keys() - stored:
                self.put(BGP_PATHS[kind], name)
            for name in stored - there.keys():
                self.remove(BGP_PATHS[kind], name)

    async def live(self, seconds: int = 3) -> list[str]:
        """Look every second. What gobgpd was told meanwhile."""
        before = len(self.gobgpd.calls)
        for _ in range(seconds):
            self.peering.look(self.seen, frozenset(self.seen.speakers), None)
            await asyncio.sleep(1.0)
        return self.gobgpd.calls[before:]

    async def establish(self, *keys: str) -> None:
        self.gobgpd.established = set(keys or self.gobgpd.known)
        self.gobgpd.say()
        await self.live()

    @property
    def announced(self) -> set[str]:
        return {str(prefix) for prefix, _ in self.gobgpd.rib}

    @property
    def written(self) -> list[str]:
        return [asked for asked in self.asked if not asked.startswith(("get", "list"))]

    def told(self, kind: str, name: str) -> JSON:
        """What the node says in the status of an object."""
        status = self.storage.all(BGP_PATHS[kind])[ServiceKey("", name)].get("status", {})
        return status.get("nodesConfStatus" if kind == "BgpConf" else "nodesPeerStatus", {}).get(ME, {})


@asynccontextmanager
async def peered(
    there: Gobgpd | None = None, *, has_run: bool = False, unlisted: frozenset[str] = frozenset()
) -> AsyncIterator[World]:
    world = World(there or Gobgpd(), has_run=has_run, unlisted=unlisted)
    running = asyncio.create_task(world.peering.run())
    try:
        yield world
        assert not running.done(), running.exception()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def whole(*more, **others):
    """A cluster in which BGP announces an address to one router."""
    return (*CLUSTER, conf(**others), *(more or (router(),)))
