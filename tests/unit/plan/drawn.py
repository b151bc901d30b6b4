"""Whole clusters by chance, the same for a seed every time: small, so that everybody is in everybody's way.

Hypothesis was no help here: it tries near relatives of what it has tried, and most of its clusters had nothing in them.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from openelb.model import names
from openelb.model.cluster import FamilyPolicy, Node, Pool, PoolStatus, Port, Service, Speaker
from openelb.model.selectors import Selector
from openelb.model.snapshot import Snapshot
from tests.unit import builders
from tests.unit.builders import address, key, node, page, pool, reservation, snapshot, speaker

ADDRESSES = [f"192.0.2.{number}" for number in range(1, 9)]
SIX = [f"2001:db8::{number}" for number in range(1, 4)]
TEXTS = (
    "192.0.2.1-192.0.2.3",
    "192.0.2.1-192.0.2.6",
    "192.0.2.3-192.0.2.6",
    "192.0.2.7/32",
    "192.0.2.2, 2001:db8::1-2001:db8::2",
    "2001:db8::/126",
    "nonsense",
)
POOLS = ("x", "y", "z")
SERVICES = ("a", "b", "c", "d", "e", "f")
NODES = ("node-a", "node-b", "node-c", "node-d")
LINKS = ("eth0", "eth0", "eth1 192.0.2.100/24", "bond0", "vlan7 2001:db8::100/64")


class Draw:
    """The `facts` of a cluster, the nodes that are `living`, and chance for more."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.whim = Random(f"nodes {seed}")  # apart, so that what else there is stays as it was
        self.gateways = Random(f"gateways {seed}")
        self.facts = self._cluster()
        self.living = frozenset(name for name in NODES if self.chance.random() < 0.8)

    def maybe(self, odds: float) -> bool:
        return self.chance.random() < odds

    def _some(self, things: tuple[str, ...], odds: float) -> list[str]:
        return [thing for thing in things if self.maybe(odds)]

    def _cluster(self) -> Snapshot:
        """Any cluster of a few small things."""
        things = [
            *map(self._pool, POOLS),
            *map(self.service, self._some(SERVICES, 0.8)),
            *(
                self._with_gateways(speaker(name, *sorted({self.chance.choice(LINKS) for _ in range(3)})))
                for name in self._some(NODES, 0.8)
            ),
        ]
        things += [self._node(name) for name in NODES if self.whim.random() < 0.8]
        things += [
            page(f"{name}-1", name, used={self.chance.choice(ADDRESSES): f"default/{self.chance.choice(SERVICES)}"})
            for name in self._some(POOLS, 0.3)
        ]
        things += [
            reservation(
                name,
                self.chance.choice(POOLS),
                service=self.chance.choice(("", *SERVICES)),
                created=self.chance.choice(("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")),
                **self.chance.choice(
                    ({"count": 2}, {"addresses": (address(self.chance.choice(ADDRESSES)),), "expires": 50.0})
                ),
            )
            for name in self._some(("r", "s"), 0.3)
        ]
        endpoints = {key(name): frozenset(self._some(NODES, 0.5)) for name in self._some(SERVICES, 0.5)}
        return snapshot(*things, endpoints=endpoints, gone=frozenset(map(key, self._some(SERVICES, 0.2))))

    def _with_gateways(self, one: Speaker) -> Speaker:
        """Some links have lost theirs."""
        return replace(one, links=tuple(replace(link, gateway_lost=self.gateways.random() < 0.2) for link in one.links))

    def _node(self, name: str) -> Node:
        """Any node: most have a rack, few are in anybody's way."""
        return node(
            name,
            rack=self.whim.choice(("", "one", "one", "two")),
            excluded=self.whim.random() < 0.1,
            drained=self.whim.random() < 0.2,
            cordoned=self.whim.random() < 0.2,
            address=self.whim.choice(("", "", "", "192.0.2.0/24")),
        )

    def _pool(self, name: str) -> Pool:
        """Any pool, also one whose ledger nobody ever wrote like that."""
        used = {
            address(text): tuple(map(key, keys))
            for text in ADDRESSES
            if self.maybe(0.3) and (keys := self._some(SERVICES, 0.2))
        }
        return pool(
            name,
            self.chance.choice(TEXTS),
            status=PoolStatus(used=used),
            disabled=self.maybe(0.2),
            default=self.maybe(0.6),
            created=self.chance.choice(("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")),
            namespaces=("default",) if self.maybe(0.2) else (),
            quota=self.chance.choice((None, None, None, 1, 2)),
            cooldown=self.chance.choice((0, 0, 0, 30)),
            adopts=self.maybe(0.1),
            exclude=("192.0.2.3",) if self.maybe(0.1) else (),
            deleting=self.maybe(0.2),
            finalizers=(names.POOL_FINALIZER,) if self.maybe(0.8) else (),
            interface=self.whim.choice(("auto", "eth*", *[""] * 8))
            or self.chance.choice(("eth0", "eth0", "eth1", "eth1", "wlan9", "")),
            node_selector=self.whim.choice((None, None, None, Selector((("rack", "one"),)))),
        )

    def service(self, name: str) -> Service:
        """Any Service, also one that shows what it never got."""
        return builders.service(
            name,
            count=self.chance.choice(("", "", "", "", "2", "many")),
            pools=self.chance.choice(("", "", "", "", "x, y")),
            addresses=self.chance.choice(("", "", "", "", "", "192.0.2.1, 2001:db8::1")),
            sharing_key=self.chance.choice(("", "", "", "ours")),
            migrate_to=self.chance.choice(("", "", "", "", "z for 30s", "192.0.2.5")),
            families=(families := self.chance.choice(((4,), (4,), (4,), (6,), (4, 6), (6, 4)))),
            family_policy=self.chance.choice(tuple(FamilyPolicy)) if len(families) > 1 else FamilyPolicy.SINGLE,
            ports=(Port("TCP", self.chance.choice((80, 80, 443))),),
            ingress=tuple(self.chance.sample([*ADDRESSES[:6], *SIX[:1]], self.chance.choice((0, 1, 2)))),
            pool_label=self.chance.choice(("", *POOLS, *POOLS, "gone")),
            finalizers=(names.SERVICE_FINALIZER,) if self.maybe(0.6) else (),
            pool=self.chance.choice(("", "", "", *POOLS, "none")),
            address=self.chance.choice(("", "", "", "", *ADDRESSES, "nonsense")),
            load_balancer_ip=self.chance.choice(("", "", "", "", *ADDRESSES[:4])),
            protocol=self.chance.choice(("", "layer2")),
            opt_in=names.OPT_IN_VALUE if self.maybe(0.9) else "",
            load_balancer=self.maybe(0.9),
            deleting=self.maybe(0.1),
            local_traffic_only=self.maybe(0.3),
            created=self.chance.choice(("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")),
        )

    def with_other_services(self) -> Snapshot:
        """The same cluster after users have changed about half of its Services."""
        changed = {one: self.service(one.name) for one in self.facts.services if self.maybe(0.5)}
        return replace(self.facts, services={**self.facts.services, **changed})

    def shuffled(self) -> Snapshot:
        """The same facts, arrived in another order."""
        pools = {
            name: replace(one, status=replace(one.status, used=self._mixed(one.status.used)))
            for name, one in self.facts.pools.items()
        }
        return replace(
            self.facts,
            pools=self._mixed(pools),
            pages=self._mixed(self.facts.pages),
            reservations=self._mixed(self.facts.reservations),
            services=self._mixed(self.facts.services),
            endpoints=self._mixed(self.facts.endpoints),
            speakers=self._mixed(self.facts.speakers),
        )

    def _mixed(self, things: Mapping[Any, Any]) -> dict[Any, Any]:
        return dict(self.chance.sample([*things.items()], len(things)))
