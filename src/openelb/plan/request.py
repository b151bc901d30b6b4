"""What a Service asks for, read from its annotations and its spec, whatever people write there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from openelb.model import names
from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import FamilyPolicy, Service, Wishes
from openelb.model.findings import Finding, Reason

MOST = 16
"""Addresses of one family that one Service may ask for."""

MOVING_SECONDS = 600.0
"""For so long a Service that moves has both addresses, unless it says otherwise."""

_REMEMBERED = 1000  # characters

_UNITS = {"s": 1, "m": 60, "h": 3600}
_MOVE = re.compile(r"(\S+?)(?:\s+for\s+([0-9]{1,6})([smh]))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Slot:
    """One address that is asked for: that one, or any of the family."""

    family: int
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """The addresses asked for. All are needed before any is published, but where it `is_content` with those of one family.

    `pools` are the only ones to take them from, in order; without any, they are chosen. `problem` says what cannot be
    understood; then nothing is asked for.
    """

    slots: tuple[Slot, ...] = ()
    is_content: bool = False
    pools: tuple[str, ...] = ()
    protocol: str = ""
    sharing_key: str = ""
    problem: Finding | None = None

    def whole(self, filled: Sequence[bool]) -> frozenset[int]:
        """The families of which every slot is filled."""
        missing = {slot.family for slot, is_filled in zip(self.slots, filled, strict=True) if not is_filled}
        return frozenset(slot.family for slot in self.slots) - missing

    def is_met(self, filled: Sequence[bool]) -> bool:
        """Whether what is filled of the slots may be published. An address that is named has to be among it."""
        if all(filled):
            return True
        named = all(done for slot, done in zip(self.slots, filled, strict=True) if slot.address is not None)
        return self.is_content and named and bool(self.whole(filled))


@dataclass(frozen=True, slots=True)
class Move:
    """Where a Service is to move to, and for how many seconds it keeps what it has beside that."""

    request: Request
    seconds: float


def request(service: Service) -> Request:
    """What a Service asks for. Never raises, whatever was written."""
    return _of(service.wishes, service.families, service.family_policy)


def move(service: Service) -> Move | None:
    """Where the Service is to move to, or None where it is not asked to. Its other wishes stand but for pool and address."""
    if not service.wishes.migrate_to:
        return None
    return _move(service.wishes, service.families, service.family_policy)


def _of(wishes: Wishes, families: tuple[int, ...], policy: FamilyPolicy) -> Request:
    """Most Services of a cluster ask alike, and are remembered. Not with long texts, which anybody may write."""
    w = wishes  # in one string: twice as fast as to add nine lengths
    texts = f"{w.pool}{w.address}{w.load_balancer_ip}{w.protocol}{w.pools}{w.addresses}{w.count}{w.sharing_key}{w.migrate_to}"
    is_short = len(texts) <= _REMEMBERED
    return (_request if is_short else _request.__wrapped__)(wishes, families, policy)


@lru_cache(maxsize=4096)
def _request(wishes: Wishes, families: tuple[int, ...], policy: FamilyPolicy) -> Request:
    pools = _words(wishes.pools) or ((wishes.pool,) if wishes.pool else ())
    families = families[:1] if policy is FamilyPolicy.SINGLE else families
    try:
        slots, named = _slots(wishes, families)
    except ValueError as error:
        return Request(pools=pools, protocol=wishes.protocol, problem=Finding(Reason.REQUEST_INVALID, str(error)))
    except _NoAddressError as error:
        return Request(pools=pools, protocol=wishes.protocol, problem=Finding(Reason.ADDRESS_INVALID, str(error)))
    return Request(slots, policy is FamilyPolicy.PREFER_DUAL and not named, pools, wishes.protocol, wishes.sharing_key)


class _NoAddressError(Exception):
    """What was written as an address is none."""


def _slots(wishes: Wishes, families: tuple[int, ...]) -> tuple[tuple[Slot, ...], bool]:
    """The addresses asked for, in the order of the families, and whether they are a list. Raises ValueError with a sentence."""
    if _words(wishes.addresses):
        return _listed(wishes.addresses, families), True
    count = _count(wishes.count)
    text = wishes.address or wishes.load_balancer_ip
    asked = _address(text) if text else None
    if asked is not None and asked.version not in families:
        # With another family than the Service has, no packet would reach it.
        families = (asked.version,)
    slots = [Slot(family) for family in families for _ in range(count)]
    if asked is not None:
        slots[slots.index(Slot(asked.version))] = Slot(asked.version, asked)
    return tuple(slots), False


def _listed(text: str, families: tuple[int, ...]) -> tuple[Slot, ...]:
    addresses = [_address(word.strip()) for word in text.split(",") if word.strip()]
    if len(set(addresses)) != len(addresses):
        raise ValueError(f"the annotation {names.ADDRESSES} names an address twice: name each once")
    if max(sum(one.version == family for one in addresses) for family in (4, 6)) > MOST:
        raise ValueError(f"the annotation {names.ADDRESSES} names more than {MOST} addresses of one family: name fewer")
    order = {family: place for place, family in enumerate(families)}
    return tuple(
        Slot(one.version, one) for one in sorted(addresses, key=lambda one: order.get(one.version, len(order)))
    )


def _address(text: str) -> Address:
    address = parse_address(text)
    if address is None:
        raise _NoAddressError(f"{_quoted(text)} is no IP address: ask for one like 192.0.2.10, or for none")
    return address


def _count(text: str) -> int:
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= MOST):
        raise ValueError(f"the annotation {names.COUNT} is {_quoted(text)}: write a number from 1 to {MOST}")
    return int(text)


def _move(wishes: Wishes, families: tuple[int, ...], policy: FamilyPolicy) -> Move:
    found = _MOVE.fullmatch(wishes.migrate_to.strip())
    if found is None:
        told = (
            f"the annotation {names.MIGRATE_TO} is {_quoted(wishes.migrate_to)}: name an Eip or an address, and if you "
            'like for how long both are kept, as in "office for 30m"'
        )
        return Move(Request(problem=Finding(Reason.REQUEST_INVALID, told)), MOVING_SECONDS)
    target, number, unit = found.groups()
    address = parse_address(target)
    there = Wishes(
        pool="" if address else target,
        address=target if address else "",
        count=wishes.count,
        sharing_key=wishes.sharing_key,
    )
    return Move(_of(there, families, policy), int(number) * _UNITS[unit] if number else MOVING_SECONDS)


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in (word.strip() for word in text.split(",")) if word))


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def disagreement(service: Service) -> str:
    """A sentence for a user who asked for two different addresses, or nothing."""
    wishes = service.wishes
    other = wishes.addresses or wishes.address
    asked = {parse_address(word) or word for word in _words(other)}
    if not asked or not wishes.load_balancer_ip or (parse_address(wishes.load_balancer_ip) in asked):
        return ""
    return (
        f"; spec.loadBalancerIP {wishes.load_balancer_ip} is not looked at, since the annotation "
        f"{names.ADDRESSES if wishes.addresses else names.REQUESTED_ADDRESS} asks for {other}: remove one of them"
    )
