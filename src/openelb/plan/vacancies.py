"""Which free address of a pool a Service gets that asks for none in particular, without going through those that are in use."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

from openelb.model.addresses import Address
from openelb.model.cluster import Pool, Release, Service, ServiceKey
from openelb.model.findings import Finding, Reason
from openelb.model.ranges import Ranges
from openelb.plan.books import Books
from openelb.plan.clearance import Clearance
from openelb.plan.terms import Terms, held
from openelb.plan.wording import brief

MOST_LOOKED_AT = 4096  # addresses that other machines have, passed over to find one that is free


@dataclass(frozen=True, slots=True)
class _GivenBack:
    """What is remembered of a pool: who gave back what, the latest first, and all of it, the oldest first."""

    by_service: dict[ServiceKey, list[Address]]
    by_age: list[tuple[Address, Release]]


@dataclass(frozen=True, slots=True)
class Vacancies:
    """Of all pools, in one look. `now` is in seconds since 1970; `due` gathers when an address will have cooled down."""

    books: Books
    terms: Terms
    now: float
    due: list[float]
    clear: Clearance = field(default_factory=Clearance)
    given_back: dict[str, _GivenBack] = field(default_factory=dict)
    """By pool: many Services ask in one look."""

    def best(self, pool: Pool, service: Service, family: int, besides: Collection[Address]) -> Address | Finding:
        """What the Service had before, what is reserved for it, or what anybody could have; none of those `besides`."""
        if pool.cooldown or self.terms.reservations:
            own = self._cleared_own(pool, service, family, besides)
            if own is not None:
                return own
        if pool.cooldown:
            return self._coolest(pool, family, besides)
        every = self.terms.unreserved(pool.name)
        given = self.clear.narrowed(pool, every)
        of = "unreserved" if given is every else "cleared"
        lowest = self.books.lowest(pool.name, given, family, of)
        if lowest in besides:
            free = self.books.lowest_free(pool.name, given, family, of)
            lowest = next((one for one in free if one not in besides), None)
        if lowest is None and given is not every and self._has_more(pool, every, family, besides):
            return self.clear.wait(pool, family) or self._exhausted(pool)
        return self._exhausted(pool) if lowest is None else lowest

    def _cleared_own(
        self, pool: Pool, service: Service, family: int, besides: Collection[Address]
    ) -> Address | Finding | None:
        """The first of them that may be given out, or that it is waited for; not one that another machine has."""
        for one in self._own(pool, service, family, besides):
            obstacle = self.clear.obstacle(pool, one)
            if obstacle is None or obstacle.reason is Reason.PROBING:
                return obstacle or one
        return None

    def _has_more(self, pool: Pool, every: Ranges, family: int, besides: Collection[Address]) -> bool:
        """Whether addresses are free that are not cleared yet."""
        free = self.books.lowest_free(pool.name, every, family, "unreserved")
        return any(one not in besides and one not in self.clear.taken for one in islice(free, MOST_LOOKED_AT))

    def _own(self, pool: Pool, service: Service, family: int, besides: Collection[Address]) -> Iterator[Address]:
        """Free ones that the Service comes first for: its former ones of a pool that cools down, and those reserved for it."""
        given, mine = self.terms.given[pool.name], self.terms.reserved_for(service)
        former = self._given_back(pool).by_service.get(service.key, ()) if pool.cooldown else ()
        yield from (
            one
            for one in former
            if self._may_have(one, family, besides) and one in given and self.terms.reserved.get(one) in (None, *mine)
        )
        for reservation in mine:
            for one in held(reservation) if reservation.pool == pool.name else ():
                if (
                    self._may_have(one, family, besides)
                    and one in given
                    and self.terms.reserved.get(one) is reservation
                ):
                    yield one

    def _may_have(self, one: Address, family: int, besides: Collection[Address]) -> bool:
        return one.version == family and one not in besides and not self.books.is_taken(one)

    def _given_back(self, pool: Pool) -> _GivenBack:
        if pool.name not in self.given_back:
            released = self.books.all_released(pool.name).items()
            by_age = sorted(released, key=lambda entry: (entry[1].at, int(entry[0])))
            by_service: dict[ServiceKey, list[Address]] = {}
            for address, release in reversed(by_age):
                by_service.setdefault(release.key, []).append(address)
            self.given_back[pool.name] = _GivenBack(by_service, by_age)
        return self.given_back[pool.name]

    def _coolest(self, pool: Pool, family: int, besides: Collection[Address]) -> Address | Finding:
        """One that was not given back of late; of those that were and have cooled down, the one that has waited longest."""
        every = self.terms.unreserved(pool.name)
        given, taken = self.clear.narrowed(pool, every), self.books.is_taken_or_released(pool.name)
        of = "fresh" if given is every else "cleared"
        fresh = self.books.lowest_free(pool.name, given, family, of, taken)
        never = next((one for one in fresh if one not in besides), None)
        if never is not None:
            return never
        if given is not every and self._has_fresh(pool, every, family, besides):
            return self.clear.wait(pool, family) or self._exhausted(pool)
        by_age = self._given_back(pool).by_age
        longest = next((pair for pair in by_age if self._may_have(pair[0], family, besides) and pair[0] in every), None)
        if longest is None:
            return self._exhausted(pool)
        address, release = longest
        if release.at + pool.cooldown <= self.now:
            return self.clear.obstacle(pool, address) or address
        self.due.append(release.at + pool.cooldown)
        return Finding(
            Reason.POOL_EXHAUSTED,
            f"all free addresses of Eip {pool.name} were given back less than {pool.cooldown} s ago (spec.cooldownSeconds): "
            "wait, enlarge it, or name another Eip",
        )

    def _has_fresh(self, pool: Pool, every: Ranges, family: int, besides: Collection[Address]) -> bool:
        taken = self.books.is_taken_or_released(pool.name)
        free = self.books.lowest_free(pool.name, every, family, "fresh", taken)
        return any(one not in besides and one not in self.clear.taken for one in islice(free, MOST_LOOKED_AT))

    def _exhausted(self, pool: Pool) -> Finding:
        given = self.terms.given[pool.name]
        if given == pool.ranges and not self.terms.reserved:
            return Finding(
                Reason.POOL_EXHAUSTED,
                f"all {pool.ranges.size} addresses of Eip {pool.name} ({brief(pool.address)}) are in use: free one, enlarge "
                "it, or name another Eip",
            )
        return Finding(
            Reason.POOL_EXHAUSTED,
            f"all addresses of Eip {pool.name} ({brief(pool.address)}) that this Service could have are in use, reserved or "
            "excluded: free one, enlarge the Eip, or name another one",
        )
