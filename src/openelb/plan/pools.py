"""What each Eip and EipReservation is to say of itself, and when our finalizer comes on and off an Eip."""

from collections.abc import Iterator
from dataclasses import replace

from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Page, Pool, PoolStatus, Reservation, Service
from openelb.model.findings import Condition, Finding, Reason
from openelb.plan.books import Books
from openelb.plan.clearance import told
from openelb.plan.ledger import PageKey
from openelb.plan.placement import pool_outlook
from openelb.plan.publishing import Look
from openelb.plan.terms import Terms, is_for
from openelb.plan.wording import named, taken

POOL_SIZE_SHOWN = 2**63 - 1  # the largest integer that the field holds
USERS_NAMED = 5


class Statuses:
    """Of all Eips, from look to look: one of which nothing has changed is not judged anew."""

    def __init__(self) -> None:
        self._judged: dict[str, tuple[tuple[object, ...], PoolStatus]] = {}

    def judge(self, look: Look) -> dict[str, PoolStatus]:
        """What differs, but where the finalizer changes first: of two writes to one Eip the second would meet a conflict, and
        where all of OpenELB is being removed, there is time for one.
        """
        found, pools = {}, look.snapshot.pools
        self._judged = {name: judged for name, judged in self._judged.items() if name in pools}
        for name, pool in pools.items():
            status = self._status(pool, look)
            if status is not pool.status and not _finalizer_changes(pool, look.books):
                found[name] = status
        return found

    def _status(self, pool: Pool, look: Look) -> PoolStatus:
        """The one that the Eip has, where it is as it should be."""
        books, terms = look.books, look.terms
        page = books.pages.draft(PageKey(pool.name))
        counts = books.usage(pool.name), books.free.size(pool.name)
        facts = look.reaches[pool.name], counts, terms.elders.get(pool.name), _elsewhere(pool, look)
        before = self._judged.get(pool.name)
        if (
            page is None
            and not pool.deleting
            and before is not None
            and before[0][0] is pool
            and before[0][1:] == facts
        ):
            return before[1]
        status = _status(pool, look, page)
        if status == pool.status:
            status = pool.status
        if page is None:
            self._judged[pool.name] = (pool, *facts), status
        return status


def finalizers(look: Look) -> dict[str, bool]:
    """For an Eip whether it is to carry ours, where that differs."""
    pools = look.snapshot.pools.values()
    return {pool.name: not pool.deleting for pool in pools if _finalizer_changes(pool, look.books)}


def _finalizer_changes(pool: Pool, books: Books) -> bool:
    guarded = names.POOL_FINALIZER in pool.finalizers
    if not pool.deleting:
        return not guarded
    return guarded and not pool.status.used and not books.usage(pool.name) and not books.pages.was_in_use(pool.name)


def _elsewhere(pool: Pool, look: Look) -> str:
    return told(look.chooser.vacancies.clear.taken, pool)


def _status(pool: Pool, look: Look, page: Page | None) -> PoolStatus:
    books = look.books
    outlook = pool_outlook(pool, look.reaches[pool.name])
    if outlook.reason is Reason.READY:
        outlook = replace(outlook, sentence=outlook.sentence + _elsewhere(pool, look))
    if pool.deleting:
        outlook = Finding(Reason.POOL_DELETING, _deleting(pool, books))
    ready = outlook.reason is Reason.READY
    usage, size, free = books.usage(pool.name), pool.ranges.size, books.free.size(pool.name)
    status = replace(
        pool.status,
        used=page.used if page else pool.status.used,
        released=page.released if page else pool.status.released,
        ready=ready,
        usage=usage,
        occupied=size > 0 and free <= 0,
        free=min(max(0, free), POOL_SIZE_SHOWN),
        conditions=(
            Condition.of(names.READY, outlook, status=ready),
            _exhausted(pool, is_full=size > 0 and free <= 0),
            _overlapping(pool, look.terms),
        ),
    )
    if pool.problem:  # what the pool was before its address was spoilt still tells speakers which addresses are its own
        return status
    first, last = pool.ranges.parts[0].first, pool.ranges.parts[-1].last
    return replace(
        status,
        address=pool.address,
        first=str(first),
        last=str(last),
        size=min(size, POOL_SIZE_SHOWN),
        v4=first.version == 4,
    )


def _exhausted(pool: Pool, *, is_full: bool) -> Condition:
    if is_full:
        told = Finding(Reason.IN_USE, "no address is free: free one, or enlarge spec.address")
    else:
        told = Finding(Reason.FREE, "addresses are free")
    return Condition.of(names.EXHAUSTED, told, status=is_full)


def _overlapping(pool: Pool, terms: Terms) -> Condition:
    elders = terms.elders.get(pool.name, ())
    if not elders:
        told = Finding(Reason.DISJOINT, "no older Eip has an address of it")
        return Condition.of(names.OVERLAPPING, told, status=False)
    common = elders[0].ranges.common(pool.ranges)
    others = ", ".join(elder.name for elder in elders[:USERS_NAMED])
    told = Finding(
        Reason.OVERLAPPING,
        f"{common} and what else it has in common with {others} is not given out here, since that Eip is older: take it "
        "out of either",
    )
    return Condition.of(names.OVERLAPPING, told, status=True)


def _deleting(pool: Pool, books: Books) -> str:
    users = {key for _, keys in books.in_use(pool.name) for key in keys}
    if not users:
        return "being deleted, nothing in use"
    return f"being deleted once nothing uses it: delete these Services or move them to another Eip: {named(users, USERS_NAMED)}"


# Reservations.


def hold(terms: Terms, books: Books) -> Terms:
    """The terms with addresses chosen for the reservations that ask for a number of them. What one holds it keeps, while
    nobody else has it and the pool gives it out.
    """
    if not any(one.count for one in terms.reservations):
        return terms
    kept: dict[Address, str] = {}
    for one in terms.reservations:
        for address in one.addresses or one.held:
            kept.setdefault(address, one.name)
    found = []
    for one in terms.reservations:
        if not one.count or one.addresses:
            found.append(one)
            continue
        given = terms.given.get(one.pool)
        mine = [at for at in one.held if given and at in given and kept[at] == one.name and _is_theirs(one, at, books)]
        for address in _more(one, terms, books, kept) if len(mine) < one.count else ():
            mine.append(address)
            kept[address] = one.name
            if len(mine) == one.count:
                break
        found.append(replace(one, held=tuple(mine[: one.count])))
    return replace(terms, reservations=tuple(found))


def _more(one: Reservation, terms: Terms, books: Books, kept: dict[Address, str]) -> Iterator[Address]:
    given = terms.given.get(one.pool)
    for version in sorted(given.versions) if given else ():
        yield from (at for at in books.lowest_free(one.pool, given, version) if at not in kept)  # type: ignore[arg-type]


def _is_theirs(one: Reservation, address: Address, books: Books) -> bool:
    """Whether nobody has the address but Services that the reservation is for."""
    holders: list[Service | None] = [books.services.get(key) for key in books.holders(address)]
    return all(holder is not None and is_for(one, holder) for holder in holders)


def reservations(look: Look) -> dict[str, Reservation]:
    """Every reservation whose status differs, as it is to be."""
    now = {one.name: one for one in look.terms.reservations}
    found = {}
    for name, seen in look.snapshot.reservations.items():
        told = reservation_outlook(seen, now.get(name), look.terms, look.books)
        held = now[name].held if name in now else ()
        wanted = replace(
            seen, held=held, conditions=(Condition.of(names.READY, told, status=told.reason is Reason.READY),)
        )
        if (wanted.held, wanted.conditions) != (seen.held, seen.conditions):
            found[name] = wanted
    return found


def reservation_outlook(seen: Reservation, now: Reservation | None, terms: Terms, books: Books) -> Finding:
    """Whether a reservation is kept (reason Ready), or why not. `now` is what holds of it at the moment, if anything does."""
    if seen.problem:
        return Finding(Reason.REQUEST_INVALID, seen.problem)
    if now is None:
        return Finding(
            Reason.EXPIRED, "it has expired, so its addresses are free: delete it, or set a later spec.expires"
        )
    pool = terms.pools.get(seen.pool)
    if pool is None:
        return Finding(
            Reason.POOL_NOT_FOUND, f"Eip {seen.pool} does not exist: create it, or name another one in spec.eip"
        )
    outside = [address for address in seen.addresses if address not in pool]
    if outside:
        return Finding(
            Reason.ADDRESS_OUTSIDE_POOL, f"{outside[0]} lies outside Eip {pool.name}: reserve addresses inside it"
        )
    others = next((terms.reserved[at].name for at in seen.addresses if terms.reserved[at].name != seen.name), "")
    if others:
        return Finding(
            Reason.ADDRESS_RESERVED,
            f"EipReservation {others}, which is older, has some of its addresses: take them out of one of the two",
        )
    strangers = {at: books.holders(at) for at in seen.addresses if not _is_theirs(now, at, books)}
    if strangers:
        address, holders = next(iter(strangers.items()))
        return taken(address, holders)
    if len(now.held) < seen.count and not seen.addresses:
        return Finding(
            Reason.POOL_EXHAUSTED,
            f"of {seen.count} addresses, Eip {pool.name} has {len(now.held)} to reserve: enlarge it, or ask for fewer",
        )
    return Finding(Reason.READY, "its addresses are kept for the Services it names")
