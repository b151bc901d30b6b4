"""Whether a change of an Eip or an EipReservation is accepted, and what its author is told of it.

Only what a change makes worse is refused: an object that breaks a rule already may be changed elsewhere, and one that is
being deleted always. A text begins as that of older releases where they had one, and ends in what to do.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from openelb.model import names
from openelb.model.addresses import AddressRange
from openelb.model.cluster import Node, Pool, Protocol, Reservation, ServiceKey
from openelb.model.findings import Finding, Reason
from openelb.model.ranges import EVERYTHING, Ranges, read
from openelb.model.routers import BgpPeer
from openelb.plan.books import Books
from openelb.plan.interfaces import flaw
from openelb.plan.ledger import Holding
from openelb.plan.placement import misnamed, trusted, unserved
from openelb.plan.pools import reservation_outlook
from openelb.plan.terms import Terms, held, seniority, usable
from openelb.plan.wording import first_of

NAMED = 5
FORCED = f'set the annotation {names.FORCE}: "true" on the Eip'

# What the schemas say too.
NO_ADDRESS = "the address does not parse"
NO_INTERFACE = (
    "if protocol is layer2 or vip, interface should not be empty: set spec.interface to the network interface of the "
    "nodes, for example eth0"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a change is accepted: `refusal` is empty then. Warnings are shown to the author, and refuse nothing."""

    refusal: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the cluster: what its authors have laid down, who has which address, the time (seconds since 1970), why
    BGP announces nothing where that is so, and which BgpPeers and nodes there are.
    """

    terms: Terms
    books: Books
    now: float = 0.0
    hindered: Finding | None = None
    peers: Mapping[str, BgpPeer] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)


# Eips. Of their status only the former address is looked at: who has what is in the books.


def eip_created(new: Pool, facts: Facts) -> Verdict:
    """Of an Eip that is to be there."""
    flaws = [flaw(new) for flaw in (misnamed, *_FLAWS)]
    other, overlap = _other_default(new, facts), _overlap(new, new.ranges, facts)
    if other:
        flaws.append(
            f"already exists a default EIP: take the annotation {names.DEFAULT_POOL} off {other} first, or create this "
            "one without it"
        )
    return _verdict([*flaws, "" if new.forced else overlap.refusal], [overlap.outcome, *_hints(new, facts)])


def eip_changed(old: Pool, new: Pool, facts: Facts) -> Verdict:
    """Of an Eip whose metadata or spec is to be another."""
    if new.deleting:
        return Verdict()
    flaws = [flaw(new) for flaw in _FLAWS if not flaw(old)]
    kept = [told for flaw in _FLAWS if flaw(old) and (told := flaw(new)) and told != flaw(old)]
    overlap, loss = _overlap(new, new.ranges.without(trusted(old)), facts), _loss(old, new, facts)
    before = _hints(old, facts)
    hints = [hint for hint in _hints(new, facts) if hint not in before]
    return _verdict(
        [*flaws, *([] if new.forced else [overlap.refusal, loss.refusal])],
        [*kept, overlap.outcome, loss.outcome, *hints, *_withheld(old, new, facts)],
    )


def eip_deleted(old: Pool, facts: Facts) -> Verdict:
    """Of an Eip that is to go. What another Eip has too does not count: that one takes the Services over."""
    if old.deleting or not facts.books.usage(old.name):
        return Verdict()
    users = _users(old, EVERYTHING.without(_elsewhere(old, usable(facts.terms.by_name))), facts)
    if not users:
        return Verdict()
    told = f"Eip {old.name} is in use by {users}"
    if old.forced:
        return Verdict(warnings=(f"{told}: it goes once they are deleted or moved to another Eip",))
    return Verdict(f"{told}: delete these Services or move them to another Eip first, or {FORCED}")


class _Objection(NamedTuple):
    """What an author may insist on: why it is refused, and what happens where it is not."""

    refusal: str = ""
    outcome: str = ""


def _verdict(refusals: Iterable[str], warnings: Iterable[str]) -> Verdict:
    refusal = next(filter(None, refusals), "")
    return Verdict(refusal) if refusal else Verdict(warnings=tuple(filter(None, warnings)))


def _unreadable(pool: Pool) -> str:
    if not pool.problem:
        return ""
    try:
        read(pool.address)
    except ValueError:
        return f"{NO_ADDRESS}: {pool.problem}"
    return pool.problem


def _unlinked(pool: Pool) -> str:
    if pool.protocol is Protocol.BGP:
        return ""
    if not pool.interface:
        return NO_INTERFACE
    return flaw(pool.interface)


_FLAWS: tuple[Callable[[Pool], str], ...] = (_unreadable, _unlinked)


def _other_default(pool: Pool, facts: Facts) -> str:
    if not pool.default:
        return ""
    others = (other.name for other in facts.terms.by_name if other.default and not other.deleting)
    return next((name for name in others if name != pool.name), "")


def _overlap(pool: Pool, added: Ranges, facts: Facts) -> _Objection:
    """What a pool comes to have in common with others. One that is being deleted is no reason to refuse it."""
    found = [
        (other, common)
        for other in facts.terms.by_name
        if other.name != pool.name and (common := other.ranges.common(added))
    ]
    staying = [one for one in found if not one[0].deleting]
    refusal = (
        f"eip address overlap with {_listed(staying)}: take these addresses out of one of them, or, to split or merge "
        f"pools, {FORCED}"
    )
    outcome = f"eip address overlap with {_listed(found)}: the oldest of them gives out what they have in common"
    return _Objection(refusal if staying else "", outcome if found else "")


def _listed(found: list[tuple[Pool, AddressRange]]) -> str:
    return first_of((f"{pool.name} ({common})" for pool, common in found), len(found), NAMED)


def _loss(old: Pool, new: Pool, facts: Facts) -> _Objection:
    """Addresses in use that would be in no Eip any more. A pool whose address is spoilt keeps what it had."""
    lost = Ranges() if new.problem else trusted(old).without(new.ranges)
    staying = [pool for pool in facts.terms.by_name if not pool.deleting]
    users = _users(old, lost.without(_elsewhere(old, staying)), facts) if lost else ""
    if not users:
        return _Objection()
    return _Objection(
        "the address field is not allowed to be modified so that addresses in use fall out of it: keep those of "
        f"{users}, or move these Services to another Eip first, or {FORCED}",
        f"no node answers any more for addresses of {users}, which they keep: put these addresses back, or move the Services",
    )


def _withheld(old: Pool, new: Pool, facts: Facts) -> list[str]:
    """Addresses in use that the pool still has, and that it gives out no more."""
    dropped = old.given.without(new.given)
    users = _users(old, dropped.without(dropped.without(new.ranges)), facts) if dropped else ""
    return [f"what is excluded stays with who has it: {users}"] if users else []


def _elsewhere(pool: Pool, others: Iterable[Pool]) -> Ranges:
    return Ranges.of(part for other in others if other.name != pool.name for part in trusted(other).parts)


def _users(pool: Pool, ranges: Ranges, facts: Facts) -> str:
    """Some of those who have an address of the pool within the ranges; nothing where nobody has. Looked for among the fewer,
    those in use or those of the ranges, and no longer than until there are enough to be named: it may be 10,000.
    """
    books = facts.books
    found: Iterable[tuple[ServiceKey, ...]]
    if ranges.size < books.usage(pool.name):
        found = (books.sharers(Holding(pool.name, address)) for address in ranges)
    else:
        found = ranges.among(books.in_use(pool.name))
    some: dict[ServiceKey, None] = {}
    for keys in found:
        some |= dict.fromkeys(keys)
        if len(some) > NAMED:
            break
    return ", ".join(map(str, islice(some, NAMED))) + (" and others" if len(some) > NAMED else "")


def _hints(pool: Pool, facts: Facts) -> list[str]:
    """What is accepted, and maybe not meant. Of a change only those are told that it brings."""
    other, finding = _other_default(pool, facts), None
    if not pool.left_to_cni:
        finding = facts.hindered if pool.protocol is Protocol.BGP else unserved(pool)
    hints = []
    if other:
        hints.append(
            f"already exists a default EIP: of several, {other} among them, the first by name comes first; take the "
            f"annotation {names.DEFAULT_POOL} off all but one"
        )
    if finding is not None:
        absent = " (an absent spec.protocol means bgp)" if pool.protocol is Protocol.BGP else ""
        hints.append(f"{finding.sentence}{absent}")
    if pool.default and pool.disabled:
        hints.append("a default pool that is disabled gives out nothing: make another Eip the default one")
    if pool.adopts and not pool.default:
        hints.append(
            f"spec.adoption has no effect on a pool that is not default: set the annotation {names.DEFAULT_POOL}"
        )
    if not pool.given:
        hints.append("all addresses are excluded, so none is given out: change spec.exclude or spec.address")
    return hints


# Reservations.

_REFUSED = frozenset({Reason.REQUEST_INVALID, Reason.ADDRESS_OUTSIDE_POOL})
_LATER = frozenset({Reason.READY, Reason.POOL_EXHAUSTED})  # which addresses are chosen is told when they are


def reservation_written(new: Reservation, old: Reservation | None, facts: Facts) -> Verdict:
    """Of an EipReservation that is to be there, or to be another than the `old` one."""
    found = _outlook(new, facts)
    before = _outlook(old, facts) if old is not None else None
    if found == before or found.reason in _LATER:
        return Verdict()
    if found.reason in _REFUSED and (before is None or before.reason not in _REFUSED):
        return Verdict(found.sentence)
    return Verdict(warnings=(found.sentence,))


def _outlook(one: Reservation, facts: Facts) -> Finding:
    pool = facts.terms.pools.get(one.pool)
    is_dark = pool.problem if pool is not None else facts.terms.is_unseen(one.pool)
    if is_dark and not one.problem:
        return Finding(Reason.READY, "nobody knows what its Eip has")
    wanted = set(one.addresses)
    others = [other for other in facts.terms.reservations if wanted.intersection(held(other))]
    terms = replace(facts.terms, reservations=tuple(sorted([*others, one], key=seniority)))
    return reservation_outlook(one, one if facts.now < one.expires else None, terms, facts.books)
