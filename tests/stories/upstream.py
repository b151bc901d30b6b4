"""Clusters as the older releases left them, and what our manager makes of them.

The files are tests/fixtures/upstream; its README says where they come from and how to load them.
"""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import yaml

from openelb.kube import decode, decode_pools
from openelb.kube.resources import BGP_PATHS
from openelb.kube.shapes import EipShape, ServiceShape
from openelb.model import names
from openelb.model.cluster import Pool, Service, ServiceKey
from tests.fakes.direct import JSON
from tests.stories.promises import Facts, asks, grants
from tests.stories.replicas import Fate, Replica, World, lives
from tests.unit.builders import key
from tests.unit.kube.objects import EIPS, SERVICES

FIXTURES = Path(__file__).parents[1] / "fixtures" / "upstream"
COLLECTIONS = {"Eip": EIPS, "Service": SERVICES, **BGP_PATHS}
"""What the manager reads of all that is in the files."""

OF_THE_OLD_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")

MASTER = ("master/layer2", "master/bgp", "master/vip")
"""One cluster in three parts; what has become of it is in other files."""

LAYER2 = {
    "default/l2-explicit": "10.78.0.200 of eip-layer2",
    "default/l2-default": "10.78.0.201 of eip-layer2",
    "default/l2-local": "10.78.0.202 of eip-layer2",
    "default/l2-proto05": "10.78.0.203 of eip-layer2",
    "default/l2-annip": "10.78.0.210 of eip-layer2",
    "default/l2-specip": "10.78.0.211 of eip-layer2",
    "default/l2-share-a": "10.78.0.212 of eip-layer2",
    "default/l2-share-b": "10.78.0.212 of eip-layer2",
    "team-a/l2-share-c": "10.78.0.212 of eip-layer2",
    "team-a/l2-team": "10.78.0.224 of eip-layer2-team",
    "default/l2-full-holder": "10.78.0.230 of eip-layer2-one",
    "default/l2-full-pending": "PoolExhausted",
    "default/l2-nopool-pending": "PoolNotFound",
    "default/l2-bad-ip-pending": "AddressOutsidePool",
}
BGP = {
    "default/bgp-a": "10.99.0.0 of eip-bgp",
    "default/bgp-local": "10.99.0.1 of eip-bgp",
    "default/bgp-b": "10.99.0.50 of eip-bgp",
    "default/bgp-share-a": "10.99.0.60 of eip-bgp",
    "default/bgp-share-b": "10.99.0.60 of eip-bgp",
}
VIP = {
    "default/vip-a": "10.78.0.240 of eip-vip",
    "default/vip-b": "10.78.0.245 of eip-vip",
    "default/vip-share-a": "10.78.0.246 of eip-vip",
    "default/vip-share-b": "10.78.0.246 of eip-vip",
}

Change = Callable[[dict[str, JSON]], object]
"""What somebody did to a cluster before we came, given the names of its objects: `eip-layer2`, `default/web`."""


def originals(*files: str) -> dict[str, JSON]:
    """The Eips, Services, BgpConfs and BgpPeers of these files by name. A later file tells what became of an object of an earlier one."""
    return deepcopy({_named(each): each for file in files for each in _read(file)})


@cache
def _read(file: str) -> list[JSON]:
    items = yaml.load((FIXTURES / f"{file}.yaml").read_text(), yaml.CSafeLoader)["items"]
    found = [each for each in items if each["kind"] in COLLECTIONS]
    for each in found:
        if each["kind"] == "Eip":  # the speakers of a story are on no LAN where they could ask
            each["spec"]["layer2"] = {"probe": "Off"}
    return found


def _named(each: JSON) -> str:
    namespace = each["metadata"].get("namespace", "")
    return f"{namespace}/{each['metadata']['name']}" if namespace else each["metadata"]["name"]


def service_of(each: JSON) -> Service:
    return decode.service(msgspec.convert(each, ServiceShape))


def pool_of(each: JSON) -> Pool:
    return decode_pools.pool(msgspec.convert(each, EipShape))


@dataclass
class Cluster:
    """A cluster as it was left, and what has been written in it since."""

    world: World
    before: Facts
    calls: int = 0
    """What the last manager asked of the server."""

    @classmethod
    def left(cls, objects: dict[str, JSON]) -> "Cluster":
        """With these objects. What we promise is asked of what we write, and not of what we find."""
        world = World()
        promises, world.storage.told = world.storage.told, lambda collection, before, after: None
        for each in sorted(objects.values(), key=lambda each: each["metadata"]["creationTimestamp"]):
            _load(world, each)
        world.facts.pools = {at.name: pool_of(each) for at, each in world.storage.all(EIPS).items()}
        world.facts.services = {at: service_of(each) for at, each in world.storage.all(SERVICES).items()}
        world.facts.shared = _shared(world.facts)
        world.tampered = not _agree(world.facts)
        world.storage.told = promises
        return cls(world, Facts(dict(world.facts.pools), dict(world.facts.services), world.facts.shared))

    async def settle(self, name: str = "first", fate: Fate = lives) -> Counter[str]:
        """A manager works until it rests. Returns how often it asked the server for what, reading aside."""
        async with Replica(self.world, name, fate).reading() as replica:
            await replica.work()
        self.calls, self.world.tampered = len(replica.asked), False
        self.world.facts.check_ledgers()
        return Counter(call for call in replica.asked if not call.startswith("get "))

    # What there is.

    @property
    def services(self) -> dict[str, str]:
        """For each Service, in words, what it has, or the reason why it has nothing."""
        return {str(at): outcome(service) for at, service in self.world.facts.services.items()}

    @property
    def ledgers(self) -> dict[str, dict[str, str]]:
        """For each Eip who holds what, as it is written there."""
        return {at.name: each.get("status", {}).get("used", {}) for at, each in self.world.storage.all(EIPS).items()}

    def service(self, name: str) -> Service:
        return self.world.facts.services[key(name)]

    def object(self, kind: str, name: str) -> JSON:
        """One as the server has it."""
        at = key(name) if "/" in name else ServiceKey("", name)
        found: JSON = self.world.storage.all(COLLECTIONS[kind])[at]
        return found

    def why(self, name: str) -> str:
        """What the Service is told of its address."""
        return {one.type: one.message for one in self.service(name).conditions}[names.ADDRESS_ALLOCATED]

    @property
    def in_order(self) -> dict[str, str]:
        """The Services that showed what they ask for when we came, of an Eip that was there, with what they showed."""
        pools = self.before.pools
        return {
            str(at): outcome(service)
            for at, service in self.before.services.items()
            if asks(service) and service.pool_label in pools and service.ingress
            if grants(service, service.ingress[0], service.pool_label)
        }

    # What its users do.

    def delete(self, *services: str) -> None:
        for name in services:
            self.world.storage.delete(SERVICES, key(name))

    def edit(self, service: str, change: Callable[[JSON], None]) -> None:
        self.world.storage.edit(SERVICES, key(service), change)

    def delete_bgp(self, kind: str, name: str) -> None:
        self.world.storage.delete(COLLECTIONS[kind], ServiceKey("", name))

    def delete_pools(self, *pools: str) -> None:
        for name in pools:
            self.world.storage.delete(EIPS, ServiceKey("", name))


def of_services(writes: Counter[str]) -> dict[str, int]:
    """Of these, the writes to Services."""
    return {call: count for call, count in writes.items() if call.startswith("patch services")}


async def taken_over(*files: str) -> Cluster:
    """The cluster of these files when our manager has done all that there is to do."""
    cluster = Cluster.left(originals(*files))
    await cluster.settle()
    return cluster


def _load(world: World, each: JSON) -> None:
    """Create it as the README of the files tells, and delete it again where it was being deleted."""
    collection = COLLECTIONS[each["kind"]]
    metadata = {name: value for name, value in each["metadata"].items() if name not in OF_THE_OLD_SERVER}
    stored = world.storage.create(collection, {**each, "metadata": metadata})
    if "deletionTimestamp" in each["metadata"]:
        at = stored["metadata"]
        world.storage.delete(collection, ServiceKey(at.get("namespace", ""), at["name"]))


def _agree(facts: Facts) -> bool:
    """Whether the ledgers have all that is shown. Where they do not, looks put that right, and nothing before them."""
    try:
        facts.check_ledgers()
    except AssertionError:
        return False
    return True


def _shared(facts: Facts) -> frozenset[str]:
    """The addresses that several Services have, by the ledgers or by what they show."""
    held = [str(at) for pool in facts.pools.values() for at, keys in pool.status.used.items() if len(keys) > 1]
    shown = Counter(text for service in facts.services.values() for text in service.ingress)
    return frozenset([*held, *(text for text, count in shown.items() if count > 1)])


def outcome(service: Service) -> str:
    """What it has, or the reason why it has nothing."""
    if service.ingress:
        return f"{', '.join(service.ingress)} of {service.pool_label}"
    told = {one.type: one.reason for one in service.conditions}
    return told.get(names.ADDRESS_ALLOCATED, "nothing")
