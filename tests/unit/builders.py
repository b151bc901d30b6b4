"""Builders of facts that show only what matters to a test; everything else is as in a cluster where all is well."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_interface

from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.bgp import Peer
from openelb.model.cluster import (
    Link,
    Node,
    Page,
    Pool,
    PoolStatus,
    Port,
    Protocol,
    Reservation,
    Service,
    ServiceKey,
    Speaker,
    Wishes,
)
from openelb.model.findings import Condition
from openelb.model.layer2 import Layer2Choices, Probing
from openelb.model.ranges import Ranges, read
from openelb.model.routers import CONF, BgpConf, BgpPeer
from openelb.model.snapshot import Snapshot, Unreadable

UNPROBED = Layer2Choices(probe=Probing.OFF)


def address(text: str) -> Address:
    """An address that is one."""
    parsed = parse_address(text)
    assert parsed is not None, text
    return parsed


def key(text: str) -> ServiceKey:
    """`namespace/name`, or a name in the namespace `default`."""
    namespace, slash, name = text.partition("/")
    return ServiceKey(namespace, name) if slash else ServiceKey("default", text)


def ledger(used: Mapping[str, str]) -> dict[Address, tuple[ServiceKey, ...]]:
    """A ledger as upstream writes it: `{"192.0.2.10": "default/web;default/api"}`."""
    return {address(text): tuple(map(key, holders.split(";"))) for text, holders in used.items()}


def pool(
    name: str = "eip",
    text: str = "192.168.1.0/24",
    *,
    used: Mapping[str, str] | None = None,
    protocol: Protocol = Protocol.LAYER2,
    interface: str = "eth0",
    **facts: object,
) -> Pool:
    """A layer2 pool on eth0, of which no address is asked about before it is used. An address that cannot be read is kept with the problem, as the decoder does."""
    ranges, given, problem = _ranges(text, facts)
    ours = {"status": PoolStatus(used=ledger(used or {})), "finalizers": (names.POOL_FINALIZER,), "layer2": UNPROBED}
    facts = {**ours, **facts}
    return Pool(name, text, ranges, given, problem=problem, protocol=protocol, interface=interface, **facts)


def _ranges(text: str, facts: dict[str, object]) -> tuple[Ranges, Ranges, str]:
    exclude, skip_ends = facts.pop("exclude", ()), facts.pop("skip_ends", False)
    try:
        return (*read(text, exclude, skip_ends=skip_ends), "")
    except ValueError as error:
        return Ranges(), Ranges(), str(error)


def service(name: str = "web", *, shows: str = "", of: str = "", **facts: object) -> Service:
    """An opted-in LoadBalancer Service; with `shows`, one that carries that address `of` a pool and all that goes with it."""
    ours: dict[str, object] = {
        "opt_in": names.OPT_IN_VALUE,
        "created": "2026-01-01T00:00:00Z",
        "uid": f"uid of {name}",
        "ports": (Port("TCP", 80),),
    }
    if shows:
        ours |= {"ingress": (shows,), "pool_label": of or "eip", "finalizers": (names.SERVICE_FINALIZER,)}
    wishes = {wish: facts.pop(wish) for wish in Wishes.__slots__ if wish in facts}
    return Service(key(name), **{**ours, "wishes": Wishes(**wishes), **facts})


def changed(before: Service, **facts: object) -> Service:
    """A Service after its user's edit, of wishes as well."""
    wishes = {wish: facts.pop(wish) for wish in Wishes.__slots__ if wish in facts}
    return replace(before, wishes=replace(before.wishes, **wishes), **facts)


def rewritten(before: Pool, text: str) -> Pool:
    """A pool after an edit of its address, as the decoder has it."""
    ranges, given, problem = _ranges(text, {})
    return replace(before, address=text, ranges=ranges, given=given, problem=problem)


def page(name: str, of: str = "eip", *, used: Mapping[str, str], **facts: object) -> Page:
    """An EipAllocation."""
    return Page(of, name, ledger(used), **{"uid": f"uid of {name}", "version": "1", **facts})


def reservation(name: str = "held", of: str = "eip", **facts: object) -> Reservation:
    """An EipReservation for all Services of the namespace `default`, unless told otherwise."""
    return Reservation(name, of, **{"namespace": "default", "created": "2026-01-01T00:00:00Z", **facts})


def node(name: str, *, rack: str = "", excluded: bool = False, **facts: object) -> Node:
    """A node, maybe with a label `rack`."""
    labels = {**({"rack": rack} if rack else {}), **({names.EXCLUDED: ""} if excluded else {})}
    return Node(name, labels, **facts)


def speaker(node: str, *links: str, renewal: str = "1", **facts: object) -> Speaker:
    """A speaker with the given links, `name` or `name address/prefix`; without any, with eth0."""
    words = [link.split() for link in links or ("eth0",)]
    return Speaker(
        node,
        f"pod on {node}",
        renewal,
        tuple(Link(name, tuple(map(ip_interface, on))) for name, *on in words),
        **facts,
    )


def conf(asn: int = 65001, **facts: object) -> BgpConf:
    """The BgpConf that counts."""
    return BgpConf(CONF, asn, **facts)


def router(name: str = "leaf", address: str = "192.0.2.1", *, asn: int = 65000, **facts: object) -> BgpPeer:
    """A BgpPeer that was created first of all."""
    peer = {field: facts.pop(field) for field in Peer.__slots__ if field in facts}
    return BgpPeer(name, Peer(address=address, peer_asn=asn, **peer), **facts)


Fact = Pool | Service | Speaker | Node | Page | Reservation | BgpConf | BgpPeer


def snapshot(*facts: Fact, **others: object) -> Snapshot:
    """All these facts; `endpoints`, `gone`, `namespaces`, `unreadable` and `leader_renewal` by name."""
    return Snapshot(
        pools={fact.name: fact for fact in facts if isinstance(fact, Pool)},
        services={fact.key: fact for fact in facts if isinstance(fact, Service)},
        speakers={fact.node: fact for fact in facts if isinstance(fact, Speaker)},
        nodes={fact.name: fact for fact in facts if isinstance(fact, Node)},
        pages={fact.name: fact for fact in facts if isinstance(fact, Page)},
        reservations={fact.name: fact for fact in facts if isinstance(fact, Reservation)},
        confs={fact.name: fact for fact in facts if isinstance(fact, BgpConf)},
        peers={fact.name: fact for fact in facts if isinstance(fact, BgpPeer)},
        **others,
    )


def unreadable(kind: str, name: str) -> dict[str, Unreadable]:
    """One object that cannot be read, for a snapshot."""
    one = Unreadable(kind, ServiceKey("", name) if kind == "Eip" else key(name), f"uid of {name}", "`$.spec` is odd")
    return {str(one): one}


def condition(conditions: tuple[Condition, ...], type_: str) -> Condition:
    """The one condition of that type."""
    (found,) = (condition for condition in conditions if condition.type == type_)
    return found
