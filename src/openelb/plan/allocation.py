"""Which addresses a Service gets: what is chosen for it, from which pools, and why there is none."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from openelb.model import names
from openelb.model.addresses import Address
from openelb.model.cluster import Pool, Service, ServiceKey
from openelb.model.findings import Finding, Reason
from openelb.plan import sharing
from openelb.plan.books import Books
from openelb.plan.ledger import Holding
from openelb.plan.placement import misnamed
from openelb.plan.request import Request, Slot
from openelb.plan.terms import Terms
from openelb.plan.vacancies import Vacancies
from openelb.plan.wording import brief, existing, families, going, taken

REFUSALS_TOLD = 3  # of all pools that were tried; the API server limits a condition's message to 32 KiB


def wants_address(service: Service, terms: Terms, lb_class: str) -> bool:
    """Whether the Service is ours to serve: of our class; or without a class, and opted in or adopted."""
    if service.deleting or not service.load_balancer or service.node_proxy in names.NODE_PROXY_KINDS:
        return False
    if service.load_balancer_class:
        return service.load_balancer_class == lb_class
    return service.opt_in == names.OPT_IN_VALUE or (not service.opt_in and (terms.adopts or was_adopted(service)))


def was_adopted(service: Service) -> bool:
    """Whether it got its address without asking. It keeps that when the pool adopts no more."""
    return any(
        condition.type == names.ADDRESS_ALLOCATED and condition.status and condition.reason == Reason.ADOPTED
        for condition in service.conditions
    )


def satisfies(request: Request, slot: Slot, holding: Holding) -> bool:
    """Whether an address of that pool is what a slot asks for. What nobody asked for never makes a Service move."""
    if slot.address is not None and slot.address != holding.address:
        return False
    return slot.family == holding.address.version and (not request.pools or holding.pool in request.pools)


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses for one look. `due` gathers when time alone makes another choice possible (seconds since 1970)."""

    books: Books
    terms: Terms
    vacancies: Vacancies
    due: list[float]
    offers: dict[object, list[Pool]] = field(default_factory=dict)
    """The pools that were offered to Services alike."""
    groups: dict[str, list[ServiceKey]] = field(default_factory=dict)
    """The Services with each sharing key."""

    def choose(self, service: Service, request: Request, slot: Slot, besides: Collection[Address]) -> Holding | Finding:
        """An address for a slot, none of those `besides`; or why there is none."""
        if slot.family not in service.families:
            return Finding(
                Reason.FAMILY_MISMATCH,
                f"{slot.address} is IPv{slot.family} and the Service asks for {families(service.families)}: ask for an "
                "address of its family, or change spec.ipFamilies",
            )
        if request.pools:
            return self._from_first(service, request, slot, besides, [*map(self._named, request.pools)])
        if slot.address is not None:
            return self._at(service, request, slot, slot.address, besides)
        pools = self._offered(service, request)
        if not pools:
            return Finding(Reason.NO_POOL, self._no_pool(request))
        return self._from_first(service, request, slot, besides, pools)

    def _from_first(
        self,
        service: Service,
        request: Request,
        slot: Slot,
        besides: Collection[Address],
        pools: Iterable[Pool | Finding],
    ) -> Holding | Finding:
        refusals = []
        for pool in pools:
            choice = pool if isinstance(pool, Finding) else self._from(pool, service, request, slot, besides)
            if isinstance(choice, Holding) or choice.reason is Reason.PROBING:  # a moment later it is no refusal
                return choice
            refusals.append(choice)
        if len(refusals) == 1:
            return refusals[0]
        sentences = [refusal.sentence for refusal in refusals[:REFUSALS_TOLD]]
        more = len(refusals) - len(sentences)
        return Finding(refusals[0].reason, "; ".join(sentences) + (f"; and {more} more Eips refuse" if more else ""))

    def missing(self, name: str) -> Finding | None:
        """Why there is no such pool, or not for long."""
        pool = self._named(name)
        return pool if isinstance(pool, Finding) else going(pool)

    def _named(self, name: str) -> Pool | Finding:
        pool = self.terms.pools.get(name)
        if pool is not None:
            return pool
        if name in self.terms.unreadable:
            return self._unreadable(name)
        return Finding(
            Reason.POOL_NOT_FOUND,
            f"Eip {name} does not exist: create it, or name another one in the annotation "
            f"{names.REQUESTED_POOL}; {existing(self.terms)}",
        )

    def _at(
        self, service: Service, request: Request, slot: Slot, asked: Address, besides: Collection[Address]
    ) -> Holding | Finding:
        pool = self.terms.source(asked)
        if pool is None:
            return Finding(
                Reason.ADDRESS_OUTSIDE_POOL,
                f"{asked} lies in no Eip: ask for an address of one, or create an Eip that holds it; "
                f"{existing(self.terms)}",
            )
        return self._from(pool, service, request, slot, besides)

    def _offered(self, service: Service, request: Request) -> list[Pool]:
        alike = self.terms.kind(service), request.protocol
        if alike not in self.offers:
            self.offers[alike] = self._in_order(service, request)
        return self.offers[alike]

    def _in_order(self, service: Service, request: Request) -> list[Pool]:
        """In the order in which they are tried: where something is reserved, those bound, the default ones, and, where the
        Service names a protocol, all that are not bound. A protocol named is a filter.
        """
        terms = self.terms
        reserved = {one.pool for one in terms.reserved_for(service)}

        def rank(pool: Pool) -> tuple[int, int, str]:
            if pool.name in reserved:
                return 0, 0, pool.name
            if terms.binds(pool, service):
                return 1, pool.priority, pool.name
            return (2 if pool.default else 3), 0, pool.name

        fitting = [pool for pool in terms.by_name if request.protocol in ("", pool.protocol.value)]
        ranked = [(rank(pool), pool) for pool in fitting]
        last = 3 if request.protocol else 2
        return [
            pool
            for place, pool in sorted(ranked, key=lambda pair: pair[0])
            if place[0] <= last and not (place[0] == 3 and terms.is_bound(pool))
        ]

    def _from(
        self, pool: Pool, service: Service, request: Request, slot: Slot, besides: Collection[Address]
    ) -> Holding | Finding:
        obstacle = self._obstacle(pool, slot)
        if obstacle is not None:
            return obstacle
        if slot.address is not None:
            return self._certain(pool, service, request, slot.address, besides)
        if request.sharing_key and (joined := self._joined(pool, service, request, slot, besides)):
            return joined
        return self._over_quota(pool, service, besides) or self._any(pool, service, slot, besides)

    def _certain(
        self, pool: Pool, service: Service, request: Request, asked: Address, besides: Collection[Address]
    ) -> Holding | Finding:
        if asked not in pool:
            return Finding(
                Reason.ADDRESS_OUTSIDE_POOL,
                f"{asked} lies outside Eip {pool.name} ({brief(pool.address)}): ask for an address inside it, or for none",
            )
        is_own = service.key in self.books.holders(asked)
        if asked not in self.terms.given[pool.name] and not is_own:
            return self._not_given(pool, asked)
        if not self._may_have(service, asked):
            return Finding(
                Reason.ADDRESS_RESERVED,
                f"{asked} is reserved by EipReservation {self.terms.reserved[asked].name}: ask for another address, or for none",
            )
        others = self.books.others(service.key, asked)
        if others:
            entry = self.books.entry(asked)
            if entry is None or (entry.pool != pool.name and request.pools):
                return taken(asked, others)
            return self._unshared(service, asked, others) or entry
        return (
            self._over_quota(pool, service, besides)
            or self.vacancies.clear.obstacle(pool, asked)
            or Holding(pool.name, asked)
        )

    def _not_given(self, pool: Pool, asked: Address) -> Finding:
        elder = next((elder for elder in self.terms.elders.get(pool.name, ()) if asked in elder), None)
        if elder is not None:
            return Finding(
                Reason.ADDRESS_OUTSIDE_POOL,
                f"{asked} belongs to Eip {elder.name}, which is older than Eip {pool.name} and has it too: name that one, "
                "or take the address out of either",
            )
        return Finding(
            Reason.ADDRESS_RESERVED,
            f"Eip {pool.name} does not give out {asked}: spec.exclude or spec.skipNetworkAndBroadcast takes it out; ask "
            "for another address, or for none",
        )

    def _unshared(self, service: Service, address: Address, others: frozenset[ServiceKey]) -> Finding | None:
        """Why the Service cannot share the address with these, or None where it can."""
        known = [self.books.services.get(key) for key in sorted(others)]
        sharers = [one for one in known if one is not None]
        if len(sharers) < len(known):
            return taken(address, others)
        why = next((why for one in sharers if (why := sharing.obstacle(service, one))), "")
        if not why:
            return None
        return Finding(Reason.ADDRESS_TAKEN, f"{taken(address, others).sentence}; it cannot be shared, since {why}")

    def _may_have(self, service: Service, address: Address) -> bool:
        """Whether it is not reserved for others."""
        reservation = self.terms.reserved.get(address)
        return reservation is None or reservation in self.terms.reserved_for(service)

    def _joined(
        self, pool: Pool, service: Service, request: Request, slot: Slot, besides: Collection[Address]
    ) -> Holding | None:
        """The lowest address of the pool that Services with the same sharing key have, where this one fits in."""
        if not self.groups:
            self.groups.update(sharing.groups(self.books.services.values()))
        addresses = {
            holding.address
            for key in self.groups.get(request.sharing_key, ())
            if key != service.key
            for holding in self.books.holdings(key)
            if holding.pool == pool.name and holding.address.version == slot.family and holding.address not in besides
            if self._may_have(service, holding.address)
        }
        for address in sorted(addresses, key=int):
            others = self.books.others(service.key, address)
            if not self._collides(service, others) and self._unshared(service, address, others) is None:
                return Holding(pool.name, address)
        return None

    def _collides(self, service: Service, others: Collection[ServiceKey]) -> bool:
        """Whether one of these has a port of the Service: of thousands that is found out sooner than what else is wrong."""
        ports = frozenset(service.ports)
        known = (self.books.services.get(key) for key in others)
        return any(one is not None and not ports.isdisjoint(one.ports) for one in known)

    def _any(self, pool: Pool, service: Service, slot: Slot, besides: Collection[Address]) -> Holding | Finding:
        chosen = self.vacancies.best(pool, service, slot.family, besides)
        return chosen if isinstance(chosen, Finding) else Holding(pool.name, chosen)

    def _over_quota(self, pool: Pool, service: Service, besides: Collection[Address]) -> Finding | None:
        """What the Service has of the pool counts by what it is to have: an address that it changes is not two."""
        if pool.quota is None:
            return None
        namespace = service.key.namespace
        own = sum(holding.pool == pool.name for holding in self.books.holdings(service.key))
        others = self.books.usage_of(namespace, pool.name) - own
        if others + sum(address in pool for address in besides) < pool.quota:
            return None
        return Finding(
            Reason.QUOTA_EXCEEDED,
            f"namespace {namespace} has the {pool.quota} addresses of Eip {pool.name} that spec.quota.addressesPerNamespace "
            "allows: free one, raise the quota, or name another Eip",
        )

    def _unreadable(self, name: str) -> Finding:
        return Finding(Reason.POOL_INVALID, f"Eip {name} cannot be used: it {self.terms.unreadable[name]}")

    def _obstacle(self, pool: Pool, slot: Slot) -> Finding | None:
        """Why a pool gives no address of that family, whoever asks."""
        if pool.name in self.terms.unreadable:
            return self._unreadable(pool.name)
        flaw = misnamed(pool) or pool.problem
        if flaw:
            return Finding(Reason.POOL_INVALID, f"Eip {pool.name} cannot be used: {flaw}")
        if leaving := going(pool):
            return leaving
        if pool.disabled:
            return Finding(
                Reason.POOL_DISABLED, f"Eip {pool.name} is disabled: set its spec.disable to false, or name another one"
            )
        if slot.family not in pool.ranges.versions:
            return Finding(
                Reason.FAMILY_MISMATCH,
                f"Eip {pool.name} has {families(pool.ranges.versions)} addresses and the Service asks for IPv{slot.family}: "
                "name an Eip of its family, or change spec.ipFamilies",
            )
        return None

    def _no_pool(self, request: Request) -> str:
        if request.protocol:
            return (
                f"no Eip has the protocol {request.protocol} that the annotation {names.REQUESTED_PROTOCOL} "
                f"asks for: create one, or correct the annotation; {existing(self.terms)}"
            )
        return (
            f"the Service names no Eip, none is bound to it and there is no default one: name one in the annotation "
            f'{names.REQUESTED_POOL}, or annotate an Eip with {names.DEFAULT_POOL}: "true"; {existing(self.terms)}'
        )
