"""Upstream's own tables for its allocator, row by row, asked of the whole judgement: for IPv4, and again for IPv6.

The numbers are those of its `TestManager_ConstructAllocate`. There a row is what it would allocate and release next; here it is
what the Service has, and what the ledgers have given back, when nothing is left to write. Where the two differ on purpose, the
name of the row says how.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TypeVar

import pytest

from openelb.model import names
from openelb.model.cluster import Pool, Port, Publication, Service
from openelb.model.findings import Reason
from openelb.model.snapshot import Snapshot
from openelb.plan import cluster
from tests.unit.builders import key, pool, service, snapshot, speaker

WEB = "default/testsvc"
MOST_LOOKS = 9


@dataclass(frozen=True)
class Family:
    """Upstream's pools in one family: `eip` is network 1, with 256 addresses."""

    version: int
    networks: str

    def at(self, number: int, network: int = 1) -> str:
        return str(ip_address(self.networks.format(network)) + number)

    def pool(self, name: str = "eip", network: int = 1, *, last: int = 255, **facts: object) -> Pool:
        used = {self.at(number, network): who for number, who in facts.pop("holds", {}).items()}
        return pool(name, f"{self.at(0, network)}-{self.at(last, network)}", used=used, **facts)

    def web(self, name: str = "testsvc", **facts: object) -> Service:
        return service(name, **{"families": (self.version,), **facts})


IPV4 = Family(4, "192.168.{}.0")
IPV6 = Family(6, "2001:db8:{}::")
Fact = TypeVar("Fact", Pool, Service)
Given = Callable[[Family], list[Pool | Service]]
Has = tuple[str, int] | Reason | None
"""The pool and the number of the address; or why there is none; None for a Service that is told nothing, or is gone."""


def row(name: str, given: Given, has: Has, *gives_back: tuple[str, int]) -> object:
    return pytest.param(given, has, set(gives_back), id=name)


NETWORK = {"eip": 1, "eip1": 10, "eip2": 20}
HTTPS = Port("TCP", 443)


def gone(fact: Fact) -> Fact:
    """What its user has deleted, and what stays until nobody needs it."""
    return replace(fact, deleting=True)


CONSTRUCT_ALLOCATE = [
    row("1: no Service", lambda ip: [ip.pool()], None),
    row(
        "2: a ClusterIP with both annotations and no record",
        lambda ip: [ip.pool(), ip.web(load_balancer=False, pool="eip", address=ip.at(0))],
        None,
    ),
    row(
        "3: the same with a record and an address",
        lambda ip: [
            ip.pool(holds={0: WEB}),
            ip.web(load_balancer=False, pool="eip", address=ip.at(0), shows=ip.at(0)),
        ],
        None,
        ("eip", 0),
    ),
    row(
        "4: opted in, with a record and no default pool: keeps it, upstream takes it away",
        lambda ip: [ip.pool(holds={0: WEB}), ip.web(shows=ip.at(0))],
        ("eip", 0),
    ),
    row(
        "5: a record in the default pool, nothing on the Service: publishes it, upstream releases and allocates",
        lambda ip: [ip.pool(default=True, holds={3: WEB}), ip.web()],
        ("eip", 3),
    ),
    row("6: the pool annotation", lambda ip: [ip.pool(), ip.web(pool="eip")], ("eip", 0)),
    row(
        "7: a record, no label and no address: publishes it, upstream releases and allocates",
        lambda ip: [ip.pool(holds={3: WEB}), ip.web(pool="eip")],
        ("eip", 3),
    ),
    row(
        "8: spec.loadBalancerIP and the pool annotation",
        lambda ip: [ip.pool(), ip.web(pool="eip", load_balancer_ip=ip.at(50))],
        ("eip", 50),
    ),
    row(
        "9: the same, which it has",
        lambda ip: [ip.pool(holds={50: WEB}), ip.web(pool="eip", load_balancer_ip=ip.at(50), shows=ip.at(50))],
        ("eip", 50),
    ),
    row("10: the address annotation", lambda ip: [ip.pool(), ip.web(address=ip.at(100))], ("eip", 100)),
    row(
        "11: the address annotation beats spec.loadBalancerIP, as in 0.6",
        lambda ip: [ip.pool(), ip.web(address=ip.at(100), load_balancer_ip=ip.at(50))],
        ("eip", 100),
    ),
    row(
        "12: a pool that does not exist: told so, upstream fails later",
        lambda ip: [ip.pool(), ip.web(pool="none")],
        Reason.POOL_NOT_FOUND,
    ),
    row("13: deleted, with an address and no record", lambda ip: [ip.pool(), gone(ip.web(shows=ip.at(0)))], None),
    row(
        "14: deleted, with a record",
        lambda ip: [ip.pool(holds={0: WEB}), gone(ip.web(shows=ip.at(0)))],
        None,
        ("eip", 0),
    ),
    row(
        "15: the opt-in is removed",
        lambda ip: [ip.pool(holds={0: WEB}), ip.web(opt_in="", pool="eip", shows=ip.at(0))],
        None,
        ("eip", 0),
    ),
    row(
        "16: all is as it should be",
        lambda ip: [ip.pool(holds={0: WEB}), ip.web(pool="eip", shows=ip.at(0))],
        ("eip", 0),
    ),
    row(
        "17: the pool annotation changes",
        lambda ip: [
            ip.pool(),
            ip.pool("eip1", 10, holds={0: WEB}),
            ip.web(pool="eip", shows=ip.at(0, 10), of="eip1"),
        ],
        ("eip", 0),
        ("eip1", 0),
    ),
    row(
        "18: a pool bound to the namespace by name",
        lambda ip: [ip.pool(namespaces=("default",)), ip.web()],
        ("eip", 0),
    ),
    row(
        "19: a pool bound to the namespace by its labels",
        lambda ip: [ip.pool(namespace_labels=(("label", "test"),)), ip.web()],
        ("eip", 0),
    ),
    row(
        "20: of two bound pools the one whose priority is the lower number",
        lambda ip: [
            ip.pool("eip1", 10, namespaces=("default",), priority=20),
            ip.pool("eip2", 20, namespace_labels=(("label", "test"),), priority=10),
            ip.web(),
        ],
        ("eip2", 0),
    ),
    row("21: the default pool", lambda ip: [ip.pool(default=True), ip.web()], ("eip", 0)),
]

ASSIGN = [
    row("assign 1: nothing is asked for", lambda ip: [ip.pool(), ip.web(opt_in="")], None),
    row("assign 2: an unknown pool", lambda ip: [ip.pool(), ip.web(pool="unknown")], Reason.POOL_NOT_FOUND),
    row("assign 3: a certain address", lambda ip: [ip.pool(), ip.web(pool="eip", address=ip.at(100))], ("eip", 100)),
    row("assign 4: any address", lambda ip: [ip.pool(), ip.web(pool="eip")], ("eip", 0)),
    row("assign 5: a pool on its way out", lambda ip: [gone(ip.pool()), ip.web(pool="eip")], Reason.POOL_NOT_FOUND),
    row(
        "assign 5: a pool on its way out that another still uses",
        lambda ip: [gone(ip.pool(holds={9: "db"})), ip.web("db", pool="eip", shows=ip.at(9)), ip.web(pool="eip")],
        Reason.POOL_DELETING,
    ),
    row("assign 6: a disabled pool", lambda ip: [ip.pool(disabled=True), ip.web(pool="eip")], Reason.POOL_DISABLED),
    row(
        "assign 7: an address out of range",
        lambda ip: [ip.pool(), ip.web(pool="eip", address=ip.at(1, 2))],
        Reason.ADDRESS_OUTSIDE_POOL,
    ),
    row(
        "assign 8: a full pool of two addresses",
        lambda ip: [
            ip.pool(last=1, holds={0: "a", 1: "b"}),
            ip.web("a", pool="eip", shows=ip.at(0)),
            ip.web("b", pool="eip", shows=ip.at(1)),
            ip.web(pool="eip"),
        ],
        Reason.POOL_EXHAUSTED,
    ),
    row(
        "assign 9: an address that another uses is shared where the ports differ",
        lambda ip: [
            ip.pool(holds={100: "db"}),
            ip.web("db", ports=(HTTPS,), shows=ip.at(100)),
            ip.web(pool="eip", address=ip.at(100)),
        ],
        ("eip", 100),
    ),
    row(
        "assign 9: an address that another uses with the same port: refused, upstream shares it",
        lambda ip: [
            ip.pool(holds={100: "db"}),
            ip.web("db", shows=ip.at(100)),
            ip.web(pool="eip", address=ip.at(100)),
        ],
        Reason.ADDRESS_TAKEN,
    ),
    row(
        "assign 9: an address that another namespace uses: refused without a sharing key, upstream shares it",
        lambda ip: [
            ip.pool(holds={100: "other/db"}),
            replace(ip.web("db", ports=(HTTPS,), shows=ip.at(100)), key=key("other/db")),
            ip.web(pool="eip", address=ip.at(100)),
        ],
        Reason.ADDRESS_TAKEN,
    ),
    row(
        "assign 10: its own address",
        lambda ip: [ip.pool(holds={100: WEB}), ip.web(pool="eip", address=ip.at(100), shows=ip.at(100))],
        ("eip", 100),
    ),
    row(
        "assign 11: another address than its own: moves and gives the old one back, upstream has both recorded",
        lambda ip: [ip.pool(holds={100: WEB}), ip.web(pool="eip", address=ip.at(101), shows=ip.at(100))],
        ("eip", 101),
        ("eip", 100),
    ),
]

RELEASE = [
    row("release 1: nothing", lambda ip: [ip.pool(), ip.web(load_balancer=False)], None),
    row("release 2: of a pool that is missing", lambda ip: [gone(ip.web(shows=ip.at(0)))], None),
    row("release 3: with an empty record", lambda ip: [ip.pool(), gone(ip.web(shows=ip.at(0)))], None),
    row(
        "release 4: what another holds stays",
        lambda ip: [
            ip.pool(holds={1: "db"}),
            ip.web("db", pool="eip", shows=ip.at(1)),
            gone(ip.web(finalizers=(names.SERVICE_FINALIZER,))),
        ],
        None,
    ),
    row(
        "release 5: its own",
        lambda ip: [ip.pool(holds={0: WEB}), gone(ip.web(pool="eip", shows=ip.at(0)))],
        None,
        ("eip", 0),
    ),
    row(
        "release 6: of a shared address the others keep theirs",
        lambda ip: [
            ip.pool(holds={0: f"db;{WEB}"}),
            ip.web("db", pool="eip", shows=ip.at(0), ports=(HTTPS,)),
            gone(ip.web(pool="eip", shows=ip.at(0))),
        ],
        None,
        ("eip", 0),
    ),
]


@pytest.mark.parametrize("ip", [IPV4, IPV6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize(("given", "has", "gives_back"), [*CONSTRUCT_ALLOCATE, *ASSIGN, *RELEASE])
def test_upstream_s_tables(ip: Family, given: Given, has: Has, gives_back: set[tuple[str, int]]) -> None:
    facts = given(ip)
    before = snapshot(*facts, speaker("node-a"), namespaces={"default": {"label": "test"}})
    after = at_rest(before)
    assert _has(after) == (_named(has, ip) if isinstance(has, tuple) else has)
    assert _holdings(before) - _holdings(after) == {_named(one, ip) for one in gives_back}


def at_rest(world: Snapshot) -> Snapshot:
    """The cluster when all is written that is planned, look after look."""
    for _ in range(MOST_LOOKS):
        found = cluster.plan(world, frozenset(world.speakers))
        if found == cluster.ClusterPlan():
            return world
        world = _written(world, found)
    raise AssertionError(f"it never rests: {found}")


def _written(world: Snapshot, found: cluster.ClusterPlan) -> Snapshot:
    """What has no finalizer any more goes, if it was deleted; whom the cluster does not have, a direct read does not find."""
    pools = {name: replace(one, status=found.pools.get(name, one.status)) for name, one in world.pools.items()}
    for name, guarded in found.pool_finalizers.items():
        pools[name] = replace(pools[name], finalizers=(names.POOL_FINALIZER,) if guarded else ())
    services = {at: _published(one, found.services.get(at)) for at, one in world.services.items()}
    return replace(
        world,
        pools={name: one for name, one in pools.items() if one.finalizers or not one.deleting},
        services={at: one for at, one in services.items() if one.finalizers or not one.deleting},
        gone=world.gone | found.unknown,
    )


def _published(one: Service, found: Publication | None) -> Service:
    if found is None:
        return one
    return replace(
        one,
        ingress=found.ingress,
        pool_label=found.pool_label,
        finalizers=(names.SERVICE_FINALIZER,) if found.guarded else (),
        conditions=found.conditions,
    )


def _has(world: Snapshot) -> tuple[str, str] | str | None:
    web = world.services.get(key(WEB))
    if web is None:
        return None
    if web.ingress:
        return web.pool_label, web.ingress[0]
    return next((one.reason for one in web.conditions if one.type == names.ADDRESS_ALLOCATED), None)


def _holdings(world: Snapshot) -> set[tuple[str, str]]:
    """What the ledgers say that the Service holds."""
    return {
        (pool.name, str(at))
        for pool in world.pools.values()
        for at, keys in pool.status.used.items()
        if key(WEB) in keys
    }


def _named(one: tuple[str, int], ip: Family) -> tuple[str, str]:
    return one[0], ip.at(one[1], NETWORK[one[0]])
