"""What the authors of pools, reservations and namespaces have laid down: which pool gives out which address, and to whom.

All of it changes seldom, and is worked out once for all Services. Who holds what is not known here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from openelb.model.addresses import Address, AddressRange
from openelb.model.cluster import Pool, Reservation, Service
from openelb.model.ranges import Ranges
from openelb.model.snapshot import Snapshot
from openelb.plan.placement import age, misnamed

YOUNGEST = "9999"  # after every time of creation


@dataclass(frozen=True, slots=True)
class Division:
    """Which addresses each pool gives out where several have the same.

    `elders` has for a pool the older ones that have addresses of it, oldest first; only pools that overlap are in it. `given`
    is what a pool has, but for what is excluded and what belongs to an older one. `of` is what it was made from.
    """

    of: tuple[object, ...] = ()
    elders: Mapping[str, tuple[Pool, ...]] = field(default_factory=dict)
    given: Mapping[str, Ranges] = field(default_factory=dict)


@dataclass(frozen=True)
class Terms:
    """Pools by name, how they divide their addresses, reservations that hold at the moment, the labels of namespaces, and Eips
    that cannot be read.
    """

    pools: Mapping[str, Pool] = field(default_factory=dict)
    division: Division = field(default_factory=Division)
    reservations: tuple[Reservation, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> list[Pool]:
        """All pools, in the order in which they are named to people."""
        return sorted(self.pools.values(), key=lambda pool: pool.name)

    @cached_property
    def by_age(self) -> list[Pool]:
        """The oldest first: what several hold belongs to the first of them."""
        return sorted(self.pools.values(), key=age)

    @cached_property
    def adopts(self) -> bool:
        """Whether Services without a class are served that did not opt in."""
        return any(pool.adopts and pool.default and not pool.deleting for pool in self.pools.values())

    @property
    def elders(self) -> Mapping[str, tuple[Pool, ...]]:
        """For each pool the older ones that have addresses of it."""
        return self.division.elders

    @property
    def given(self) -> Mapping[str, Ranges]:
        """What each pool gives out."""
        return self.division.given

    @cached_property
    def reserved(self) -> Mapping[Address, Reservation]:
        """By address. Of several reservations the oldest counts."""
        found: dict[Address, Reservation] = {}
        for reservation in self.reservations:
            pool = self.pools.get(reservation.pool)
            for address in held(reservation) if pool else ():
                if pool and address in pool.ranges:
                    found.setdefault(address, reservation)
        return found

    def unreserved(self, pool: str) -> Ranges:
        """What a pool gives out to whoever comes."""
        if not self.reserved:
            return self.given[pool]
        if pool not in self._unreserved:
            kept = Ranges.of(AddressRange(one, one) for one in self.reserved)
            self._unreserved[pool] = self.given[pool].without(kept)
        return self._unreserved[pool]

    @cached_property
    def _unreserved(self) -> dict[str, Ranges]:
        """As far as it was asked for."""
        return {}

    def is_unseen(self, pool: str) -> bool:
        """Whether an Eip of that name is there and was never read, so that its ledger is not known either."""
        return pool in self.unreadable and pool not in self.pools

    def source(self, address: Address, *, besides: Pool | None = None) -> Pool | None:
        """The pool that an address belongs to, or would belong to without another; None where there is none."""
        return next((pool for pool in self.by_age if address in pool.ranges and pool is not besides), None)

    def is_bound(self, pool: Pool) -> bool:
        """Whether the pool is for certain Services."""
        return bool(pool.namespaces or pool.namespace_labels or pool.service_selector)

    def binds(self, pool: Pool, service: Service) -> bool:
        """Whether the Service is one of those: of a namespace that is named or has the labels, and with labels that match."""
        if not self.is_bound(pool):
            return False
        if pool.service_selector is not None and not pool.service_selector.matches(dict(service.labels)):
            return False
        if not (pool.namespaces or pool.namespace_labels):
            return True
        if service.key.namespace in pool.namespaces:
            return True
        labels = self.namespaces.get(service.key.namespace, {})
        return bool(pool.namespace_labels) and all(labels.get(key) == value for key, value in pool.namespace_labels)

    def kind(self, service: Service) -> object:
        """Equal for Services to which the same pools are offered."""
        by_labels = self.reservations or self._selects
        return service.key.namespace, (service.key.name, service.labels) if by_labels else ()

    @cached_property
    def _selects(self) -> bool:
        return any(pool.service_selector for pool in self.pools.values())

    def reserved_for(self, service: Service) -> list[Reservation]:
        """The reservations that are for the Service, oldest first."""
        return [reservation for reservation in self.reservations if is_for(reservation, service)]


def terms(snapshot: Snapshot, now: float, before: Division | None = None) -> Terms:
    """What holds at that moment (seconds since 1970). A division that was made `before` stands while its pools do."""
    alive = [one for one in snapshot.reservations.values() if now < one.expires and not one.problem]
    return Terms(
        pools=snapshot.pools,
        division=divide(snapshot.pools.values(), before),
        reservations=tuple(sorted(alive, key=seniority)),
        namespaces=snapshot.namespaces,
        unreadable={one.key.name: one.sentence for one in snapshot.unreadable.values() if one.kind == "Eip"},
    )


def divide(pools: Iterable[Pool], before: Division | None = None) -> Division:
    """The division among these pools, which takes long for many: the one `before`, while it was made from the same."""
    by_age = sorted(pools, key=age)
    of = tuple((pool.name, pool.ranges, pool.given) for pool in by_age)
    if before is not None and before.of == of:
        return before
    elders = {}
    for place, pool in enumerate(by_age):
        if older := tuple(elder for elder in by_age[:place] if elder.ranges.common(pool.ranges)):
            elders[pool.name] = older
    given = {pool.name: pool.given.without(_together(elders.get(pool.name, ()))) for pool in by_age}
    return Division(of, elders, given)


def _together(pools: Iterable[Pool]) -> Ranges:
    return Ranges.of(part for pool in pools for part in pool.ranges.parts)


def seniority(reservation: Reservation) -> tuple[str, str, str]:
    """The older a reservation, the lower. One that is yet to be created is the youngest."""
    return reservation.created or YOUNGEST, reservation.uid, reservation.name


def held(reservation: Reservation) -> tuple[Address, ...]:
    """The addresses that a reservation keeps from others."""
    return reservation.addresses or reservation.held


def is_for(reservation: Reservation, service: Service) -> bool:
    """Whether the Service may have what is reserved."""
    if reservation.namespace and reservation.namespace != service.key.namespace:
        return False
    if reservation.service:
        return reservation.service == service.key.name
    return reservation.selector is None or reservation.selector.matches(dict(service.labels))


def usable(pools: Iterable[Pool]) -> list[Pool]:
    """Those that nothing is wrong with that would keep every Service from an address."""
    return [pool for pool in pools if not (misnamed(pool) or pool.problem or pool.deleting or pool.disabled)]
