"""Which free address of a pool a Service gets that asks for none in particular, without going through those that are in use."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from openelb.model.addresses import Address
from openelb.model.cluster import Pool, Release, Service, ServiceKey
from openelb.model.findings import Finding, Reason
from openelb.plan.books import Books
from openelb.plan.terms import Terms, held
from openelb.plan.wording import brief


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
    given_back: dict[str, _GivenBack] = field(default_factory=dict)
    """By pool: many Services ask in one look."""

    def best(self, pool: Pool, service: Service, family: int, besides: Collection[Address]) -> Address | Finding:
        """What the Service had before, what is reserved for it, or what anybody could have; none of those `besides`."""
        if pool.cooldown or self.terms.reservations:
            own = next(self._own(pool, service, family, besides), None)
            if own is not None:
                return own
        if pool.cooldown:
            return self._coolest(pool, family, besides)
        given = self.terms.unreserved(pool.name)
        lowest = self.books.lowest(pool.name, given, family, "unreserved")
        if lowest in besides:
            free = self.books.lowest_free(pool.name, given, family, "unreserved")
            lowest = next((one for one in free if one not in besides), None)
        return self._exhausted(pool) if lowest is None else lowest

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
        given = self.terms.unreserved(pool.name)
        fresh = self.books.lowest_free(pool.name, given, family, "fresh", self.books.is_taken_or_released(pool.name))
        never = next((one for one in fresh if one not in besides), None)
        if never is not None:
            return never
        by_age = self._given_back(pool).by_age
        longest = next((pair for pair in by_age if self._may_have(pair[0], family, besides) and pair[0] in given), None)
        if longest is None:
            return self._exhausted(pool)
        address, release = longest
        if release.at + pool.cooldown <= self.now:
            return address
        self.due.append(release.at + pool.cooldown)
        return Finding(
            Reason.POOL_EXHAUSTED,
            f"all free addresses of Eip {pool.name} were given back less than {pool.cooldown} s ago (spec.cooldownSeconds): "
            "wait, enlarge it, or name another Eip",
        )

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
