"""From Eips, EipAllocations and EipReservations to our values; what their authors wrote and nobody can understand becomes a
sentence in the value. As in `decode`, every function is total.
"""

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from openelb.kube.decode import condition, moment, pairs, shared
from openelb.kube.fields import Unclear, attributes, choice
from openelb.kube.rules import NO_EIP, NOT_EITHER
from openelb.kube.shapes import (
    AllocationShape,
    AllocationSpec,
    AnnouncedEipShape,
    BgpShape,
    EipShape,
    EipSpec,
    EipStatus,
    Layer2Shape,
    Meta,
    ObjectShape,
    RangeStatus,
    ReservationShape,
    ReservationSpec,
    ReservationStatus,
    ReservedFor,
    SelectorShape,
)
from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import Page, Pool, PoolStatus, Protocol, Release, Reservation, ServiceKey
from openelb.model.layer2 import DEFAULTS, MOST_GRACE_SECONDS, Layer2Choices
from openelb.model.ranges import Ranges, read
from openelb.model.routers import BY_HOSTS, Announce, BgpChoices
from openelb.model.selectors import Operator, Requirement, Selector

ADOPTS = "Unclassed"
"""The value of `spec.adoption` of a pool that serves Services without a class that did not opt in."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What the metadata of an Eip tells. The `edition` changes with what its author wrote, and not with its status."""

    uid: str
    edition: int
    left_to_cni: bool
    deleting: bool


def pool(eip: EipShape) -> Pool:
    """An Eip as a Pool; `problem` says why it cannot be used, when it cannot."""
    return _pool(eip.metadata, eip.spec or EipSpec(), _pool_status(eip.status or EipStatus()))


def announced_pool(eip: AnnouncedEipShape) -> Pool:
    """The same for who announces its addresses, whom the ledger does not concern: it stays empty."""
    status = eip.status or RangeStatus()
    former = PoolStatus(address=status.address or "", first=status.first or "", last=status.last or "")
    return _pool(eip.metadata, eip.spec or EipSpec(), former)


def outline(eip: ObjectShape) -> Outline:
    """What can be told of an Eip without its spec and status."""
    meta = eip.metadata
    return Outline(meta.uid, meta.generation or 0, left_to_cni(meta), bool(meta.deletion_timestamp))


def outlined(pool: Pool, outline: Outline) -> Pool:
    """The pool as a later outline of it tells."""
    return replace(pool, left_to_cni=outline.left_to_cni, deleting=outline.deleting)


def page(shape: AllocationShape) -> Page:
    """An EipAllocation: a part of the ledger that the Eip itself has no room for."""
    meta, spec = shape.metadata, shape.spec or AllocationSpec()
    return Page(
        spec.eip, meta.name, _ledger(spec.used or {}), _released(spec.released or {}), meta.uid, meta.resource_version
    )


def reservation(shape: ReservationShape) -> Reservation:
    """An EipReservation; `problem` says what is wrong with it."""
    meta, spec, status = shape.metadata, shape.spec or ReservationSpec(), shape.status or ReservationStatus()
    whom = spec.services or ReservedFor()
    addresses = [parse_address(text) for text in spec.addresses or ()]
    whose, problem = selector(whom.selector)
    expires = _moment(spec.expires)
    if not spec.eip:
        problem = NO_EIP
    elif None in addresses:
        problem = f"{(spec.addresses or [])[addresses.index(None)]!r} in spec.addresses is no IP address"
    elif bool(addresses) == bool(spec.count):
        problem = NOT_EITHER
    elif spec.count is not None and not 0 <= spec.count <= MOST_RESERVED:
        problem = f"spec.count is {spec.count}: reserve from 1 to {MOST_RESERVED} addresses"
    elif expires is None:
        problem = f"spec.expires {spec.expires!r} is no moment: write one like 2026-12-31T00:00:00Z"
    return Reservation(
        name=meta.name,
        pool=spec.eip or "",
        addresses=tuple(dict.fromkeys(one for one in addresses if one is not None)),
        count=spec.count or 0,
        namespace=whom.namespace or "",
        service=whom.name or "",
        selector=whose,
        expires=math.inf if expires is None else expires,
        problem=problem,
        held=tuple(one for text in status.addresses or () if (one := parse_address(text)) is not None),
        conditions=tuple(map(condition, status.conditions or ())),
        created=meta.creation_timestamp or "",
        uid=meta.uid,
        version=meta.resource_version,
    )


MOST_RESERVED = 1000
"""Addresses that one EipReservation may choose: all of them are in its status."""


def left_to_cni(meta: Meta) -> bool:
    """Whether its author leaves an object to the network plugin."""
    return names.CNI_LABEL in (meta.labels or {})


def _pool(meta: Meta, spec: EipSpec, status: PoolStatus) -> Pool:
    address = spec.address or ""
    ranges, given, problem = _ranges(spec)
    protocol = _protocol(spec.protocol or "")
    services, unclear = selector(spec.service_selector)
    node_selector, unclear_nodes = selector(spec.node_selector)
    layer2, unclear_layer2 = _layer2(spec.layer2)
    if protocol is None:
        unclear = f"{spec.protocol!r} is no protocol: write bgp, layer2 or vip"
    bgp, unclear_bgp = _bgp(spec.bgp)
    problem = problem or unclear or unclear_nodes or unclear_layer2 or unclear_bgp
    annotations = meta.annotations or {}
    quota = spec.quota.addresses_per_namespace if spec.quota else None
    return Pool(
        name=meta.name,
        address=address,
        ranges=ranges if not problem else Ranges(),
        given=given if not problem else Ranges(),
        problem=problem,
        protocol=protocol or Protocol.BGP,
        interface=spec.interface or "",
        node_selector=node_selector,
        layer2=layer2,
        bgp=bgp,
        disabled=bool(spec.disable),
        default=_is_true(annotations, names.DEFAULT_POOL),
        left_to_cni=left_to_cni(meta),
        namespaces=shared(spec.namespaces),
        namespace_labels=pairs(spec.namespace_selector),
        service_selector=services,
        priority=spec.priority or 0,
        cooldown=max(0, spec.cooldown_seconds or 0),
        quota=quota,
        adopts=spec.adoption == ADOPTS,
        forced=_is_true(annotations, names.FORCE),
        deleting=bool(meta.deletion_timestamp),
        created=meta.creation_timestamp or "",
        finalizers=shared(meta.finalizers),
        status=status,
        uid=meta.uid,
        version=meta.resource_version,
    )


def _is_true(annotations: Mapping[str, str], name: str) -> bool:
    return annotations.get(name, "").lower() == "true"


def _ranges(spec: EipSpec) -> tuple[Ranges, Ranges, str]:
    if not spec.address:
        return Ranges(), Ranges(), "spec.address is empty: write one address, a CIDR or a range first-last"
    skip = bool(spec.skip_network_and_broadcast)
    try:
        ranges, given = read(spec.address, tuple(spec.exclude or ()), skip_ends=skip)
    except ValueError as error:
        return Ranges(), Ranges(), str(error)
    return ranges, given, ""


def _protocol(text: str) -> Protocol | None:
    try:
        return Protocol(text or Protocol.BGP)
    except ValueError:
        return None


def selector(shape: SelectorShape | None) -> tuple[Selector | None, str]:
    """A selector, and what is wrong with it: one of the two."""
    if shape is None:
        return None, ""
    requirements = []
    for one in shape.match_expressions or ():
        try:
            operator = Operator(one.operator)
        except ValueError:
            return None, f"{one.operator!r} is no operator of a selector: write In, NotIn, Exists or DoesNotExist"
        requirements.append(Requirement(one.key, operator, frozenset(one.values or ())))
    return Selector(pairs(shape.match_labels), tuple(requirements)), ""


def _layer2(shape: Layer2Shape | None) -> tuple[Layer2Choices, str]:
    """What is chosen, and what is wrong with it."""
    if shape is None:
        return DEFAULTS, ""
    grace = shape.restart_grace_seconds
    if grace is not None and not 0 <= grace <= MOST_GRACE_SECONDS:
        return DEFAULTS, f"spec.layer2.restartGraceSeconds is {grace}: write 0 to {MOST_GRACE_SECONDS}"
    try:
        return (
            Layer2Choices(
                choice("spec.layer2.profile", shape.profile, DEFAULTS.profile),
                bool(shape.failback),
                choice("spec.layer2.probe", shape.probe, DEFAULTS.probe),
                choice("spec.layer2.onConflict", shape.on_conflict, DEFAULTS.on_conflict),
                choice("spec.layer2.answer", shape.answer, DEFAULTS.answer),
                DEFAULTS.restart_grace if grace is None else grace,
            ),
            "",
        )
    except Unclear as problem:
        return DEFAULTS, str(problem)


def _bgp(shape: BgpShape | None) -> tuple[BgpChoices, str]:
    """What the author of a pool chose, and what is wrong with it."""
    if shape is None:
        return BY_HOSTS, ""
    try:
        announce = choice("spec.bgp.announce", shape.announce, Announce.HOSTS)
        return BgpChoices(announce, attributes("spec.bgp", shape)), ""
    except Unclear as problem:
        return BY_HOSTS, str(problem)


def _pool_status(status: EipStatus) -> PoolStatus:
    return PoolStatus(
        used=_ledger(status.used or {}),
        released=_released(status.released or {}),
        address=status.address or "",
        first=status.first or "",
        last=status.last or "",
        size=status.pool_size or 0,
        free=status.free or 0,
        v4=bool(status.v4),
        ready=bool(status.ready),
        usage=status.usage or 0,
        occupied=bool(status.occupied),
        conditions=tuple(map(condition, status.conditions or ())),
    )


def _ledger(used: Mapping[str, str]) -> dict[Address, tuple[ServiceKey, ...]]:
    """The record of an Eip's status: `{"192.0.2.10": "default/web;default/api"}`. What is no address or no holder is left out."""
    ledger = {}
    for text, holders in used.items():
        address, keys = parse_address(text), _holders(holders)
        if address is not None and keys:
            ledger[address] = keys
    return ledger


def _holders(text: str) -> tuple[ServiceKey, ...]:
    if ";" not in text:
        return tuple(_keys([text]))
    return tuple(dict.fromkeys(_keys(text.split(";"))))


def _keys(words: Iterable[str]) -> Iterable[ServiceKey]:
    pairs = (word.split("/") for word in words)
    return (ServiceKey(sys.intern(pair[0]), pair[1]) for pair in pairs if len(pair) == 2 and all(pair))


def _released(texts: Mapping[str, str]) -> dict[Address, Release]:
    """`{"192.0.2.10": "default/web 2026-01-01T00:00:00Z"}`, in the order of the moments."""
    found = {}
    for text, told in texts.items():
        who, _, when = told.partition(" ")
        address, keys, moment = parse_address(text), _holders(who), _moment(when)
        if address is not None and keys and moment is not None and moment < math.inf:
            found[address] = Release(keys[0], max(0.0, moment))
    return dict(sorted(found.items(), key=lambda entry: entry[1].at))


def _moment(text: str | None) -> float | None:
    """As `decode.moment`; `inf` where there is no text."""
    return moment(text) if text else math.inf
