"""Which address a Service gets: what it asks for, whether what it holds is that, and what is chosen for it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from openelb.model import names
from openelb.model.addresses import Address, order, parse_address
from openelb.model.cluster import Ledger, Pool, Service, ServiceKey
from openelb.model.findings import Finding, Reason
from openelb.plan.placement import misnamed

HOLDERS_NAMED = 3
POOLS_NAMED = 8
REFUSALS_TOLD = 3  # of all pools that were tried; the API server limits a condition's message to 32 KiB


class Holding(NamedTuple):
    """An address of a pool."""

    pool: str
    address: Address


class Books:
    """The ledgers of all pools, and what Services show, while one look fills them in.

    `unreadable` are Eips that cannot be read at present, by name, with a sentence that says why. What was known of one before,
    if anything, is among the pools; nothing new can be written to its ledger.
    """

    def __init__(
        self, pools: Mapping[str, Pool], services: Iterable[Service], unreadable: Mapping[str, str] | None = None
    ) -> None:
        self.pools = pools
        self.unreadable = unreadable or {}
        self.by_name = sorted(pools.values(), key=lambda pool: pool.name)
        self.used = {pool.name: _in_order(pool.status.used) for pool in self.by_name}
        self._holders: dict[Address, list[ServiceKey]] = defaultdict(list)
        self._holdings: dict[ServiceKey, list[Holding]] = defaultdict(list)
        self._shared: set[Holding] = set()
        self._showers: dict[Address, list[ServiceKey]] = defaultdict(list)
        self._shown: dict[ServiceKey, tuple[Address, ...]] = {}
        self._free: dict[tuple[str, tuple[int, ...]], Iterator[Address]] = {}
        for name, ledger in self.used.items():
            for address, keys in ledger.items():
                holding = Holding(name, address)
                for key in keys:
                    self._note(key, holding)
                if len(keys) > 1:
                    self._shared.add(holding)
        for service in services:
            if service.ingress:
                self.show(service.key, service.ingress)

    def _note(self, key: ServiceKey, holding: Holding) -> None:
        self._holders[holding.address].append(key)
        self._holdings[key].append(holding)

    def show(self, key: ServiceKey, texts: Iterable[str]) -> None:
        """The Service shows these addresses, or is about to."""
        shown = tuple([address for text in texts if (address := parse_address(text)) is not None])
        self._shown[key] = shown
        for address in shown:
            self._showers[address].append(key)

    def sole(self, key: ServiceKey) -> Holding | None:
        """What a Service holds, where that is one address and nobody shares it. Before anything was entered or struck."""
        held = self._holdings.get(key, ())
        return held[0] if len(held) == 1 and not (self._shared and held[0] in self._shared) else None

    def is_held(self, address: Address) -> bool:
        """Whether anybody holds the address, in whatever pool."""
        return address in self._holders

    def holders(self, address: Address) -> frozenset[ServiceKey]:
        """Who holds the address, in whatever pool: where pools overlap, one address is still one address.

        Whoever this look strikes out counts until the next: of two ledgers that overlap, either may be written first.
        """
        return frozenset(self._holders.get(address, ()))

    def others(self, key: ServiceKey, address: Address) -> frozenset[ServiceKey]:
        """Who else holds or shows the address."""
        return frozenset((*self._holders.get(address, ()), *self._showers.get(address, ()))) - {key}

    def rivals(self, key: ServiceKey, holding: Holding) -> frozenset[ServiceKey]:
        """Who shows the address that the Service holds, and does not share it by the ledger."""
        sharers = self.used[holding.pool].get(holding.address, ())
        return frozenset(self._showers.get(holding.address, ())).difference(sharers, (key,))

    def holdings(self, key: ServiceKey) -> tuple[Holding, ...]:
        """What a Service holds, what it shows first."""
        held = self._holdings.get(key, ())
        if len(held) < 2:
            return tuple(held)
        shown = self.shown(key)
        return tuple(sorted(held, key=lambda one: (one.address not in shown, one.pool, order(one.address))))

    def shown(self, key: ServiceKey) -> tuple[Address, ...]:
        """The addresses that a Service shows, whoever published them."""
        return self._shown.get(key, ())

    def everybody(self) -> frozenset[ServiceKey]:
        """All who hold an address."""
        return frozenset(key for key, holdings in self._holdings.items() if holdings)

    def enter(self, key: ServiceKey, holding: Holding) -> None:
        """Give an address to a Service."""
        ledger = self.used[holding.pool]
        ledger[holding.address] = (*ledger.get(holding.address, ()), key)
        self._note(key, holding)

    def strike(self, key: ServiceKey, holding: Holding) -> None:
        """Take an address back from a Service; its sharers keep it. It is free at the next look."""
        ledger = self.used[holding.pool]
        rest = tuple(other for other in ledger[holding.address] if other != key)
        if rest:
            ledger[holding.address] = rest
        else:
            del ledger[holding.address]
        self._holdings[key].remove(holding)

    def lowest_free(self, pool: Pool, families: tuple[int, ...]) -> Address | None:
        """The lowest address of the pool, in one of these families, that nobody holds or shows."""
        free = self._free.get((pool.name, families))
        if free is None:
            free = chain.from_iterable(addresses for addresses in pool.ranges if addresses.version in families)
            self._free[pool.name, families] = free
        return next(
            (address for address in free if address not in self._holders and address not in self._showers), None
        )


def _in_order(used: Ledger) -> dict[Address, tuple[ServiceKey, ...]]:
    """A copy to write in. Whoever edited it by hand may have named a holder twice, or none."""
    copy = dict(used)
    for address, keys in used.items():
        if len(keys) != 1:
            copy[address] = tuple(dict.fromkeys(keys))
        if not keys:
            del copy[address]
    return copy


def wants_address(service: Service, lb_class: str) -> bool:
    """Whether the Service is ours to serve: opted in by annotation without a class, or of our class."""
    if service.deleting or not service.load_balancer or service.node_proxy in names.NODE_PROXY_KINDS:
        return False
    if service.load_balancer_class:
        return service.load_balancer_class == lb_class
    return service.opt_in == names.OPT_IN_VALUE


def address_asked_for(service: Service) -> str:
    """The annotation wins over `spec.loadBalancerIP`, as in upstream 0.6."""
    return service.requested_address or service.load_balancer_ip


def disagreement(service: Service) -> str:
    """A sentence for a user who asked for two different addresses, or nothing."""
    if not service.load_balancer_ip or service.requested_address in ("", service.load_balancer_ip):
        return ""
    return (
        f"; spec.loadBalancerIP {service.load_balancer_ip} is not looked at, since the annotation "
        f"{names.REQUESTED_ADDRESS} asks for {service.requested_address}: remove one of them"
    )


def satisfies(service: Service, holding: Holding) -> bool:
    """Whether what the Service holds is what it asks for. What it did not ask for never makes it move."""
    text = address_asked_for(service)
    return service.requested_pool in ("", holding.pool) and (not text or parse_address(text) == holding.address)


def choose(service: Service, books: Books) -> Holding | Finding:
    """An address for a Service that holds none it asked for, or why there is none."""
    text = address_asked_for(service)
    asked = parse_address(text)
    if text and asked is None:
        return Finding(Reason.ADDRESS_INVALID, f"{text!r} is no IP address: ask for one like 192.0.2.10, or for none")
    if service.requested_pool:
        return _from_named_pool(service, asked, books)
    if asked is not None:
        return _at_address(service, asked, books)
    return _automatic(service, books)


def _from_named_pool(service: Service, asked: Address | None, books: Books) -> Holding | Finding:
    pool = books.pools.get(service.requested_pool)
    if pool is None and service.requested_pool in books.unreadable:
        return _unreadable(service.requested_pool, books)
    if pool is None:
        return Finding(
            Reason.POOL_NOT_FOUND,
            f"Eip {service.requested_pool} does not exist: create it, or name another one in the annotation "
            f"{names.REQUESTED_POOL}; {_existing(books)}",
        )
    return _from(pool, service, asked, books)


def _at_address(service: Service, asked: Address, books: Books) -> Holding | Finding:
    pool = next((pool for pool in books.by_name if asked in pool), None)
    if pool is None:
        return Finding(
            Reason.ADDRESS_OUTSIDE_POOL,
            f"{asked} lies in no Eip: ask for an address of one, or create an Eip that holds it; {_existing(books)}",
        )
    return _from(pool, service, asked, books)


def _automatic(service: Service, books: Books) -> Holding | Finding:
    pools = _offered(service, books)
    if not pools:
        return Finding(Reason.NO_POOL, _no_pool(service, books))
    refusals = []
    for pool in pools:
        choice = _from(pool, service, None, books)
        if isinstance(choice, Holding):
            return choice
        refusals.append(choice)
    if len(refusals) == 1:
        return refusals[0]
    sentences = [refusal.sentence for refusal in refusals[:REFUSALS_TOLD]]
    more = len(refusals) - len(sentences)
    return Finding(refusals[0].reason, "; ".join(sentences) + (f"; and {more} more Eips refuse" if more else ""))


def _offered(service: Service, books: Books) -> list[Pool]:
    """Default pools first; then, where the Service names a protocol, all pools of it. A protocol named is a filter."""
    protocol = service.requested_protocol
    default = [pool for pool in books.by_name if pool.default and protocol in ("", pool.protocol.value)]
    others = [pool for pool in books.by_name if not pool.default and pool.protocol.value == protocol]
    return default + others


def _no_pool(service: Service, books: Books) -> str:
    if service.requested_protocol:
        return (
            f"no Eip has the protocol {service.requested_protocol} that the annotation {names.REQUESTED_PROTOCOL} "
            f"asks for: create one, or correct the annotation; {_existing(books)}"
        )
    return (
        f"the Service names no Eip and there is no default one: name one in the annotation {names.REQUESTED_POOL}, "
        f'or annotate an Eip with {names.DEFAULT_POOL}: "true"; {_existing(books)}'
    )


def _from(pool: Pool, service: Service, asked: Address | None, books: Books) -> Holding | Finding:
    obstacle = _unreadable(pool.name, books) if pool.name in books.unreadable else _obstacle(pool, service)
    if obstacle is not None:
        return obstacle
    if asked is None:
        lowest = books.lowest_free(pool, service.families)
        return Holding(pool.name, lowest) if lowest is not None else _exhausted(pool, books)
    if asked not in pool:
        return Finding(
            Reason.ADDRESS_OUTSIDE_POOL,
            f"{asked} lies outside Eip {pool.name} ({pool.address}): ask for an address inside it, or for none",
        )
    others = books.others(service.key, asked)
    return taken(asked, others) if others else Holding(pool.name, asked)


def _unreadable(name: str, books: Books) -> Finding:
    return Finding(Reason.POOL_INVALID, f"Eip {name} cannot be used: it {books.unreadable[name]}")


def taken(address: Address, others: Iterable[ServiceKey]) -> Finding:
    """Why the Service cannot have the address."""
    return Finding(
        Reason.ADDRESS_TAKEN, f"{address} is in use by {_named(others)}: ask for another address, or free it there"
    )


def _obstacle(pool: Pool, service: Service) -> Finding | None:
    """Why a pool gives no address to this Service, whichever it asks for."""
    flaw = misnamed(pool) or pool.problem
    if flaw:
        return Finding(Reason.POOL_INVALID, f"Eip {pool.name} cannot be used: {flaw}")
    if pool.deleting:
        return Finding(Reason.POOL_DELETING, f"Eip {pool.name} is being deleted: name another one")
    if pool.disabled:
        return Finding(
            Reason.POOL_DISABLED, f"Eip {pool.name} is disabled: set its spec.disable to false, or name another one"
        )
    versions = {addresses.version for addresses in pool.ranges}
    if not versions & set(service.families):
        return Finding(
            Reason.FAMILY_MISMATCH,
            f"Eip {pool.name} has {_families(versions)} addresses and the Service asks for {_families(service.families)}: "
            "name an Eip of its family, or change spec.ipFamilies",
        )
    return None


def _exhausted(pool: Pool, books: Books) -> Finding:
    size = sum(addresses.size for addresses in pool.ranges)
    return Finding(
        Reason.POOL_EXHAUSTED,
        f"all {size} addresses of Eip {pool.name} ({pool.address}) are in use: free one, enlarge it, or name another Eip",
    )


def _existing(books: Books) -> str:
    named = ", ".join(pool.name for pool in books.by_name[:POOLS_NAMED])
    more = len(books.by_name) - POOLS_NAMED
    return f"Eips there are: {named}" + (f" and {more} more" if more > 0 else "") if named else "there is no Eip yet"


def _named(keys: Iterable[ServiceKey]) -> str:
    texts = sorted(str(key) for key in keys)
    more = len(texts) - HOLDERS_NAMED
    return ", ".join(texts[:HOLDERS_NAMED]) + (f" and {more} more" if more > 0 else "")


def _families(versions: Iterable[int]) -> str:
    return " and ".join(f"IPv{version}" for version in sorted(set(versions)))
