"""Which addresses a node is a way to, as BGP tells routers: a node judges for itself, and asks nobody.

Not known here: which routers are told, and how (`plan/bgp.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from openelb.model.addresses import Address
from openelb.model.announcements import Route
from openelb.model.cluster import Pool, Protocol, Service, ServiceKey
from openelb.model.routers import CONF, NO_CONF, Attributes, NextHops
from openelb.model.snapshot import Snapshot
from openelb.plan.placement import candidates
from openelb.plan.showing import read, showing, source, touched
from openelb.plan.standing import best, has_session, is_excluded, is_selected, leaving


@dataclass(frozen=True, slots=True)
class Routing:
    """The routes of a node, with what they were made from, so that the next ones need not be made from nothing.

    Addresses are texts here, and there is one for each. `empty_since` has the moments from which on addresses had no ready
    endpoint anywhere (monotonic seconds). `heirs` are the nodes that a node leaves its addresses to; None: it stays. The nodes that
    are `shunned` are no next hops where there are others.
    """

    snapshot: Snapshot = field(default_factory=Snapshot)
    shown: Mapping[str, tuple[ServiceKey, ...]] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    empty_since: Mapping[str, float] = field(default_factory=dict)
    heirs: frozenset[str] | None = None
    shunned: frozenset[str] = frozenset()

    def agrees_with(self, snapshot: Snapshot, heirs: frozenset[str] | None, shunned: frozenset[str]) -> bool:
        """Whether all that concerns every address is as it was, so that each can be judged on its own."""
        if (self.heirs, self.shunned) != (heirs, shunned):
            return False
        before = self.snapshot
        same_nodes = before.nodes == snapshot.nodes and before.speakers.keys() == snapshot.speakers.keys()
        return before.pools == snapshot.pools and before.confs == snapshot.confs and same_nodes


def judge(
    before: Routing,
    snapshot: Snapshot,
    me: str,
    lb_class: str,
    now: float,
    heirs: frozenset[str] | None = None,
    shunned: frozenset[str] = frozenset(),
) -> Routing:
    """What routers are to be told by node `me`, made from what they were `before`: only what Services show that have changed is
    judged anew, and what had no endpoint at all. Who leaves to `heirs` is still the way to what none of them can serve. Where nodes
    announce each other, those that are `shunned` are announced only where there is no other.
    """
    conf = snapshot.confs.get(CONF, NO_CONF)
    if not before.agrees_with(snapshot, heirs, shunned):
        before = replace(before, snapshot=Snapshot(), shown={})
    concerned = touched(before.snapshot, snapshot, local_only=False)
    found = showing(before.snapshot, lambda text: before.shown.get(text, ()), snapshot, concerned, lb_class)
    found |= {text: keys for text in before.empty_since if (keys := before.shown.get(text)) and text not in found}
    if not found and before.snapshot.services:
        return replace(before, snapshot=snapshot)
    anew = not before.shown
    shown = dict(before.shown)
    routes = {} if anew else dict(before.routes)
    empty = {} if anew else dict(before.empty_since)
    for text, keys in found.items():
        routes.pop(text, None)
        since = empty.pop(text, before.empty_since.get(text, now))
        if not keys:
            shown.pop(text, None)
            continue
        shown[text] = keys
        address, services = read(text), [snapshot.services[key] for key in keys]
        pool = _pool(address, services, snapshot.pools)
        if pool.protocol is not Protocol.BGP or pool.left_to_cni:
            continue
        nodes = _nodes(pool, services, snapshot)
        if not any(snapshot.endpoints.get(service.key) for service in services):
            empty[text] = since
            if now - since >= conf.linger or text not in before.routes:
                continue
        if heirs is not None and nodes & heirs:
            continue
        among = frozenset({me}) if conf.next_hops is NextHops.SELF else best(nodes, shunned)
        if among & nodes:
            routes[text] = _route(address, pool, services, among if conf.next_hops is NextHops.NODES else frozenset())
    return Routing(snapshot, shown, routes, empty, heirs, shunned)


def _pool(address: Address, services: list[Service], pools: Mapping[str, Pool]) -> Pool:
    """Where the labels of its Services disagree, the first pool by name counts: every node has to judge alike."""
    sources = [source(address, service.pool_label, pools) for service in services]
    return min([one for one in sources if one is not None], key=lambda pool: pool.name)


def _nodes(pool: Pool, services: list[Service], snapshot: Snapshot) -> frozenset[str]:
    """The nodes that may serve an address."""
    able = frozenset(
        name
        for name in snapshot.speakers.keys() | snapshot.nodes.keys()
        if not is_excluded(snapshot.nodes.get(name)) and is_selected(pool.node_selector, snapshot.nodes.get(name))
    )
    return candidates(able, services, snapshot.endpoints)


def _route(address: Address, pool: Pool, services: list[Service], nodes: frozenset[str]) -> Route:
    ordered = sorted(services, key=lambda service: service.key)
    wanted = [service.routing.peers for service in ordered]
    return Route(
        address,
        pool.name,
        tuple((service.key, service.labels) for service in ordered),
        _attributes(pool.bgp.attributes, [service.routing.attributes for service in ordered]),
        None if None in wanted else frozenset[str]().union(*(peers or () for peers in wanted)),
        nodes,
    )


def _attributes(of_pool: Attributes, of_services: list[Attributes]) -> Attributes:
    """Communities of the pool and of all Services; of what there is one of, the Services' before the pool's."""
    found = of_pool
    for one in reversed(of_services):
        found = Attributes(
            found.communities | one.communities,
            found.large_communities | one.large_communities,
            found.local_pref if one.local_pref is None else one.local_pref,
            found.med if one.med is None else one.med,
        )
    return found


def heirs(snapshot: Snapshot, me: str, alive: frozenset[str]) -> frozenset[str]:
    """The nodes to which `me` can leave its addresses when it goes: their speakers are alive, they stay, and some router is told by
    them.
    """
    usable = [peer for peer in snapshot.peers.values() if not (peer.deleting or peer.problem or peer.left_to_cni)]
    staying = (snapshot.speakers.keys() & alive) - leaving(snapshot.nodes, snapshot.speakers) - {me}
    return frozenset(name for name in staying if any(has_session(peer, snapshot.nodes.get(name)) for peer in usable))


def shunned(snapshot: Snapshot, alive: frozenset[str]) -> frozenset[str]:
    """The nodes that are not to be announced by others: they leave, or their speakers have died. Of a node that never had a speaker
    nothing is known.
    """
    if snapshot.confs.get(CONF, NO_CONF).next_hops is NextHops.SELF:
        return frozenset()
    return leaving(snapshot.nodes, snapshot.speakers) | (snapshot.speakers.keys() - alive)
