"""The latest of everything we read from the cluster, as one immutable snapshot at a time.

The store belongs to one task and takes no locks. Events only change what it holds and say "look again"; nobody is told
what changed. Before every kind has been listed once there is no snapshot: until then absence means nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import Protocol, Self, TypeVar

from openelb.kube.bodies import Bodies
from openelb.kube.client import Client
from openelb.kube.reader import Seen
from openelb.kube.resources import (
    ALLOCATIONS,
    ANNOUNCED_EIPS,
    BGP_CONFS,
    BGP_PEERS,
    CORDONED_NODES,
    EIP_OUTLINES,
    EIPS,
    LABELLED_SERVICES,
    NAMESPACES,
    NODES,
    RESERVATIONS,
    SERVICES,
    SLICES,
    WRITTEN_BGP_CONFS,
    WRITTEN_BGP_PEERS,
    Resource,
    leases,
)
from openelb.kube.shapes import ObjectShape
from openelb.kube.shelf import Shelf
from openelb.kube.views import Both, EndpointView, KeyedView, LeaseView, NodeView
from openelb.kube.watch import Reflector
from openelb.model.cluster import BgpObject, Page, Pool, Reservation, Service, ServiceKey
from openelb.model.probes import Questions
from openelb.model.routers import BgpConf, BgpPeer
from openelb.model.snapshot import Snapshot, Unreadable

Shape = TypeVar("Shape", bound=ObjectShape)
Value = TypeVar("Value")


class Part(Protocol):
    """What has to be complete before anything is judged."""

    @property
    def complete(self) -> bool: ...


class Store:
    """What the API server has told, kept up to date while `run` runs. It has one reader."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._changed = asyncio.Event()
        self._synced = asyncio.Event()
        self._gone: frozenset[ServiceKey] = frozenset()
        self._pools = KeyedView[str, Pool](lambda key: key.name)
        self._services = KeyedView[ServiceKey, Service](lambda key: key)
        self._pages = KeyedView[str, Page](lambda key: key.name)
        self._reservations = KeyedView[str, Reservation](lambda key: key.name)
        self._namespaces = KeyedView[str, Mapping[str, str]](lambda key: key.name)
        self._bgp_confs = KeyedView[str, BgpObject](lambda key: key.name)
        self._bgp_peers = KeyedView[str, BgpObject](lambda key: key.name)
        self._confs = KeyedView[str, BgpConf](lambda key: key.name)
        self._peers = KeyedView[str, BgpPeer](lambda key: key.name)
        self._endpoints = EndpointView()
        self._leases = LeaseView()
        self._nodes = NodeView()
        self._pool_shelf = Shelf(self._pools, self.poke)
        self._service_shelf = Shelf(self._services, self.poke)
        self._page_shelf = Shelf(self._pages, self.poke)
        confs = Bodies(client, WRITTEN_BGP_CONFS, self._confs, self.poke)
        peers = Bodies(client, WRITTEN_BGP_PEERS, self._peers, self.poke)
        self._bgp_shelves = {
            "BgpConf": Shelf(Both(self._bgp_confs, confs), self.poke),
            "BgpPeer": Shelf(Both(self._bgp_peers, peers), self.poke),
        }
        self._reservation_shelf = Shelf(self._reservations, self.poke)
        self._unread: list[Callable[[], Iterator[Unreadable]]] = []
        self._parts: list[Part] = []
        self._runs: list[Callable[[], Coroutine[None, None, None]]] = []
        self._follow("EndpointSlice", SLICES, Shelf(self._endpoints, self.poke))
        self._follow("Lease", leases(namespace), Shelf(self._leases, self.poke))
        self._follow("Node", NODES, Shelf(self._nodes, self.poke))
        self._follow("Node", CORDONED_NODES, Shelf(self._nodes.cordons, self.poke))
        self._follow("BgpConf", BGP_CONFS, self._bgp_shelves["BgpConf"])
        self._follow("BgpPeer", BGP_PEERS, self._bgp_shelves["BgpPeer"])
        self._add(confs, confs.run)
        self._add(peers, peers.run)

    @classmethod
    def for_manager(cls, client: Client, namespace: str) -> Self:
        """With all Services: one that left the type LoadBalancer while nobody led still has to be cleared."""
        store = cls(client, namespace)
        store._follow("Eip", EIPS, store._pool_shelf)
        store._follow("Service", SERVICES, store._service_shelf)
        store._follow("EipAllocation", ALLOCATIONS, store._page_shelf)
        store._follow("EipReservation", RESERVATIONS, store._reservation_shelf)
        store._follow("Namespace", NAMESPACES, Shelf(store._namespaces, store.poke))
        return store

    @classmethod
    def for_speaker(cls, client: Client, namespace: str) -> Self:
        """With Services of type LoadBalancer alone, and Eips without their ledger: what a node is sent and holds grows
        neither with other Services nor with the addresses in use. Of both there is only what announcing asks for.
        """
        store = cls(client, namespace)
        bodies = Bodies(client, ANNOUNCED_EIPS, store._pools, store.poke)
        store._follow("Eip", EIP_OUTLINES, Shelf(bodies, store.poke))
        store._add(bodies, bodies.run)
        store._follow("Service", LABELLED_SERVICES, store._service_shelf)
        return store

    def _follow(self, kind: str, resource: Resource[Shape, Value], shelf: Shelf[Value]) -> None:
        self._add(shelf, Reflector(self._client, resource, shelf, do_without=shelf.do_without).run)
        self._unread.append(partial(shelf.unread, kind))

    def _add(self, part: Part, run: Callable[[], Coroutine[None, None, None]]) -> None:
        self._parts.append(part)
        self._runs.append(run)

    async def run(self) -> None:
        """List and watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for run in self._runs:
                tasks.create_task(run())

    async def synced(self) -> None:
        """Return when every kind has been listed once."""
        await self._synced.wait()

    async def changed(self) -> None:
        """Return when anything has changed since the last snapshot, at once if it already has."""
        await self._changed.wait()

    def snapshot(self) -> Snapshot:
        """Everything at this moment. Costs nothing to make and never changes.

        Raises RuntimeError before every kind has been listed once.
        """
        if not self._synced.is_set():
            raise RuntimeError("no snapshot before every kind has been listed: wait for synced()")
        self._changed.clear()
        services = self._services.sheet.read()
        if self._gone:
            self._gone = frozenset(key for key in self._gone if key not in services)
        return Snapshot(
            pools=self._pools.sheet.read(),
            services=services,
            endpoints=self._endpoints.sheet.read(),
            speakers=self._leases.sheet.read(),
            nodes=self._nodes.sheet.read(),
            leader_renewal=self._leases.leader_renewal,
            questions=self._leases.questions,
            gone=self._gone,
            pages=self._pages.sheet.read(),
            reservations=self._reservations.sheet.read(),
            namespaces=self._namespaces.sheet.read(),
            bgp_confs=self._bgp_confs.sheet.read(),
            bgp_peers=self._bgp_peers.sheet.read(),
            confs=self._confs.sheet.read(),
            peers=self._peers.sheet.read(),
            without_confs=self._bgp_shelves["BgpConf"].is_done_without,
            unreadable={str(one): one for unread in self._unread for one in unread()},
        )

    def absorb(self, written: Pool | Service | Page | Reservation | BgpObject) -> None:
        """Take in the answer to a write of ours before the watch brings it, so that the next look sees it."""
        version = int(written.version)
        match written:
            case Pool():
                seen = None if _is_finished(written) else written
                self._pool_shelf.absorb(Seen(ServiceKey("", written.name), written.uid, version, seen))
            case Service():
                gone = None if _is_finished(written) else written
                self._service_shelf.absorb(Seen(written.key, written.uid, version, gone))
            case Page():
                self._page_shelf.absorb(Seen(ServiceKey("", written.name), written.uid, version, written))
            case BgpObject():
                left = None if _is_finished(written) else written
                self._bgp_shelves[written.kind].absorb(Seen(ServiceKey("", written.name), written.uid, version, left))
            case Reservation():
                self._reservation_shelf.absorb(Seen(ServiceKey("", written.name), written.uid, version, written))

    def note_questions(self, questions: Questions) -> None:
        """They were written: the next look sees them."""
        self._leases.questions = questions
        self.poke()

    def note_gone(self, key: ServiceKey) -> None:
        """A direct read has shown that there is no such Service. Holds until it appears."""
        self._gone |= {key}
        self.poke()

    def poke(self) -> None:
        """Something may have changed: have the reader look again."""
        if not self._synced.is_set() and all(part.complete for part in self._parts):
            self._synced.set()
        self._changed.set()


def _is_finished(written: Pool | Service | BgpObject) -> bool:
    """An object that is being deleted goes with its last finalizer; the answer still shows it."""
    return written.deleting and not written.finalizers
