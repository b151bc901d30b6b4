"""What `openelb peers` and `openelb routes` show: sessions as nodes tell of them, and routes by the judgement that nodes make."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from openelb.cli.views import reading, table
from openelb.kube import peer_words
from openelb.kube.config import Access
from openelb.kube.errors import NotFound
from openelb.model.bgp import Prefix
from openelb.model.routers import BgpPeer
from openelb.model.snapshot import Snapshot
from openelb.plan import bgp, paths, peers, routes
from openelb.plan.bgp_outlook import hindrance, standstill
from openelb.plan.peers import Told
from openelb.plan.standing import is_leaving


@dataclass(frozen=True, slots=True)
class PeerLine:
    """A session of a node with a BgpPeer: its state as GoBGP has it, since when (RFC 3339), and what is wrong with it."""

    peer: str
    address: str
    node: str
    state: str
    since: str
    problem: str

    HEADER: ClassVar[tuple[str, ...]] = ("PEER", "ADDRESS", "NODE", "STATE", "SINCE", "PROBLEM")

    def cells(self) -> tuple[str, ...]:
        return self.peer, self.address, self.node, self.state, self.since, self.problem


@dataclass(frozen=True, slots=True)
class Peers:
    """All sessions that there are to be. A BgpPeer with which no node is to have one has a line without a node."""

    peers: tuple[PeerLine, ...]
    problem: str = ""

    def is_good(self) -> bool:
        return not self.problem and all(line.state == "ESTABLISHED" for line in self.peers)

    def text(self) -> str:
        rows = table(PeerLine.HEADER, [line.cells() for line in self.peers]) if self.peers else []
        return "\n".join([*([self.problem] if self.problem else []), *rows])


@dataclass(frozen=True, slots=True)
class RouteLine:
    """A prefix that a node tells routers it is a way to. `peers` are the BgpPeers of the node that may have it."""

    node: str
    prefix: str
    eip: str
    services: tuple[str, ...]
    peers: tuple[str, ...]

    HEADER: ClassVar[tuple[str, ...]] = ("NODE", "PREFIX", "EIP", "SERVICES", "PEERS")

    def cells(self) -> tuple[str, ...]:
        return self.node, self.prefix, self.eip, ", ".join(self.services), ", ".join(self.peers) or "none"


@dataclass(frozen=True, slots=True)
class Routes:
    """What each node tells, as far as the cluster tells. `problem` says why nobody tells anything, where that is so."""

    routes: tuple[RouteLine, ...]
    problem: str = ""

    def text(self) -> str:
        rows = table(RouteLine.HEADER, [line.cells() for line in self.routes]) if self.routes else []
        return "\n".join([*([self.problem] if self.problem else []), *rows]) or "no node announces anything by BGP"


async def peers_of(access: Access, namespace: str) -> Peers:
    """Read what nodes say of each BgpPeer. Raises ApiError."""
    async with reading(access, namespace) as (client, store):
        snapshot, told = store.snapshot(), dict[str, Told]()
        for name in snapshot.peers:
            try:
                told[name] = await peer_words.read(client, "BgpPeer", name)
            except NotFound:
                continue  # deleted a moment ago
    return sessions(snapshot, told)


def sessions(snapshot: Snapshot, told: Mapping[str, Told]) -> Peers:
    """Each node's session with each BgpPeer, by what is `told` of these."""
    lines = [line for name, words in sorted(told.items()) for line in _sessions(snapshot.peers[name], words, snapshot)]
    hindered = hindrance(snapshot)
    return Peers(tuple(lines), hindered.sentence if hindered else "")


def _sessions(peer: BgpPeer, told: Told, snapshot: Snapshot) -> Iterator[PeerLine]:
    among = peers.meant(peer, snapshot.speakers, snapshot.nodes)
    if peer.problem or not among:
        yield PeerLine(peer.name, peer.peer.key, "", "", "", peers.established(peer, told, among).message)
        return
    for node in sorted(among):
        word = told.words.get(node)
        state, since = (word.state, word.since) if word else ("", "")
        yield PeerLine(peer.name, peer.peer.key, node, state, since, peers.why(word))


async def routes_of(access: Access, namespace: str, lb_class: str) -> Routes:
    """Judge for each node which routes it tells. Raises ApiError."""
    async with reading(access, namespace) as (_, store):
        return announced(store.snapshot(), lb_class)


def announced(snapshot: Snapshot, lb_class: str) -> Routes:
    """What each node tells, if it knows what this snapshot has, has known it for a while, and holds all speakers to be alive."""
    if hindered := standstill(snapshot):
        return Routes((), hindered.sentence)
    lines = [line for node in sorted(snapshot.speakers) for line in _announced(snapshot, node, lb_class)]
    return Routes(tuple(lines), hindered.sentence if (hindered := hindrance(snapshot)) else "")


def _announced(snapshot: Snapshot, node: str, lb_class: str) -> Iterator[RouteLine]:
    leaves = is_leaving(snapshot.nodes.get(node), snapshot.speakers.get(node))
    alive = frozenset(snapshot.speakers)
    gone = routes.heirs(snapshot, node, alive) if leaves else None
    shunned = routes.shunned(snapshot, alive)
    told = routes.judge(routes.Routing(), snapshot, node, lb_class, 0.0, gone, shunned).routes.values()
    # Which passwords there are only the speaker may read; it tells of those that are missing (openelb peers).
    there = dict.fromkeys(bgp.secrets(snapshot, node), "there")
    known = bgp.configuration(snapshot, paths.Here(node), there).peers
    allowed = bgp.restrictions(told, snapshot, known)
    found: dict[Prefix, tuple[str, set[str]]] = {}
    for route in told:
        for prefix in paths.prefixes(route, snapshot.pools.get(route.pool)):
            _, services = found.setdefault(prefix, (route.pool, set()))
            services.update(str(key) for key, _ in route.services)
    for prefix in sorted(found, key=lambda one: (one.version, one)):
        pool, services = found[prefix]
        may = sorted(name for name in known if name not in allowed or prefix in allowed[name])
        yield RouteLine(node, str(prefix), pool, tuple(sorted(services)), tuple(may))
