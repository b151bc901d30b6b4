"""The ledgers of all pools and what Services show, as an index that follows the snapshots and that a look may write in.

What a look writes is undone before the next one: only what has come back from the cluster stays.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from itertools import filterfalse
from typing import NamedTuple

from openelb.model.addresses import Address
from openelb.model.cluster import Page, Release, Service, ServiceKey
from openelb.model.ranges import Ranges
from openelb.model.snapshot import Snapshot
from openelb.plan.free import Free
from openelb.plan.ledger import ROOM, Holding, PageKey, Pages, addresses, noted, page_order, take


class _Written(NamedTuple):
    """An entry that a look has made: who had the address before, and who has it."""

    place: PageKey
    address: Address
    before: tuple[ServiceKey, ...]
    keys: tuple[ServiceKey, ...]


class Books:
    """All pages, who holds what and who shows what. `update` brings the next snapshot."""

    def __init__(self, room: int = ROOM) -> None:
        self.services: Mapping[ServiceKey, Service] = {}
        self.pages = Pages(room)
        self._holders: dict[Address, tuple[ServiceKey, ...]] = {}
        self._holdings: dict[ServiceKey, tuple[Holding, ...]] = {}
        self._showers: dict[Address, tuple[ServiceKey, ...]] = {}
        self._shown: dict[ServiceKey, tuple[Address, ...]] = {}
        self._place: dict[Holding, tuple[PageKey, ...]] = {}
        self._released: dict[Holding, Release] = {}
        self._usage: Counter[str] = Counter()
        self._by_namespace: Counter[tuple[str, str]] = Counter()
        self.drafted: set[ServiceKey] = set()
        """Those of whom this look has written anything: only what comes back from the cluster is settled."""
        self.free = Free()
        self._struck: dict[Address, tuple[ServiceKey, ...]] = {}
        self._undo: list[Callable[[], None]] = []
        self._written: list[_Written] = []

    # From snapshot to snapshot.

    def update(self, snapshot: Snapshot) -> set[ServiceKey]:
        """Forget what the last look wrote and take in the snapshot. Returns the Services whose entries or addresses changed,
        and those that have to do with the same addresses.
        """
        while self._written:
            self._unwrite(*self._written.pop())
        while self._undo:
            self._undo.pop()()
        self.drafted, self._struck = set(), {}
        self.free.begin()
        return {
            *self._follow_pages(self.pages.follow(snapshot.pools.values(), snapshot.pages.values())),
            *self._follow_services(snapshot.services),
        }

    def _follow_pages(self, changed: Iterable[tuple[PageKey, Page, Page]]) -> set[ServiceKey]:
        touched: set[ServiceKey] = set()
        for key, before, page in changed:
            if before.used is not page.used:
                touched |= self._follow_ledger(key, before, page)
            for address in before.released:
                self._released.pop(Holding(key.pool, address), None)
                self.free.may_be_free(address)
            for address, release in page.released.items():
                self._released[Holding(key.pool, address)] = release
        return touched

    def _follow_ledger(self, key: PageKey, before: Page, page: Page) -> set[ServiceKey]:
        touched: set[ServiceKey] = set()
        for address, keys in before.used.items():
            if page.used.get(address) != keys:
                touched.update(self._about(address))
                self._remove(key, address, keys)
        for address, keys in page.used.items():
            if before.used.get(address) != keys:
                self._add(key, address, keys)
                touched.update(self._about(address))
        return touched

    def _follow_services(self, services: Mapping[ServiceKey, Service]) -> set[ServiceKey]:
        """Told by identity: the store replaces what has changed and nothing else."""
        before, self.services = self.services, services
        if before is services:
            return set()
        changed = {key for key, service in services.items() if before.get(key) is not service}
        if len(before) + sum(key not in before for key in changed) != len(services):
            changed |= before.keys() - services.keys()
        touched = set(changed)
        for key in changed:
            service = services.get(key)
            shown = addresses(service.ingress) if service else ()
            if shown != self._shown.get(key, ()):
                for address in self._shown.get(key, ()):
                    touched.update(self._about(address))
                self._show(key, shown)
                for address in shown:
                    touched.update(self._about(address))
            for holding in self._holdings.get(key, ()):
                touched.update(self._about(holding.address))
        return touched

    def _about(self, address: Address) -> Iterator[ServiceKey]:
        yield from self._holders.get(address, ())
        yield from self._showers.get(address, ())

    # What is asked.

    def holders(self, address: Address) -> frozenset[ServiceKey]:
        """Who holds the address, in whatever pool: where pools overlap, one address is still one address."""
        return frozenset(self._holders.get(address, ()))

    def is_taken(self, address: Address) -> bool:
        """Whether anybody holds or shows it, or did until this look: of two pages, either may be written first."""
        return address in self._holders or address in self._showers or address in self._struck

    def others(self, key: ServiceKey, address: Address) -> frozenset[ServiceKey]:
        """Who else holds or shows the address, or did until this look."""
        return frozenset((*self._about(address), *self._struck.get(address, ()))) - {key}

    def showers(self, address: Address) -> frozenset[ServiceKey]:
        """Who shows the address, whoever published it."""
        return frozenset(self._showers.get(address, ()))

    def sharers(self, holding: Holding) -> tuple[ServiceKey, ...]:
        """All who hold that address of that pool."""
        return tuple(
            dict.fromkeys(
                key for place in self._place.get(holding, ()) for key in self.pages.now(place).used[holding.address]
            )
        )

    def is_committed(self, key: ServiceKey, holding: Holding) -> bool:
        """Whether the ledger that was seen has it."""
        for place in self._place.get(holding, ()):
            if key in self.pages.seen(place).used.get(holding.address, ()):
                return True
        return False

    def holdings(self, key: ServiceKey) -> tuple[Holding, ...]:
        """What a Service holds, what it shows first."""
        held = self._holdings.get(key, ())
        if len(held) < 2:
            return held
        shown = self.shown(key)
        return tuple(
            sorted(held, key=lambda one: (one.address not in shown, one.pool, one.address.version, one.address))
        )

    def shown(self, key: ServiceKey) -> tuple[Address, ...]:
        """The addresses that a Service shows, whoever published them."""
        return self._shown.get(key, ())

    def is_disputed(self, holding: Holding) -> bool:
        """Whether somebody holds the same address in another page."""
        return len(self._holders.get(holding.address, ())) > len(self.sharers(holding))

    def entry(self, address: Address) -> Holding | None:
        """The pool in whose ledger an address is, the first by name; None where it is in none."""
        pools = [
            holding.pool
            for key in self._holders.get(address, ())
            for holding in self._holdings[key]
            if holding.address == address
        ]
        return Holding(min(pools), address) if pools else None

    def neighbours(self, key: ServiceKey) -> set[ServiceKey]:
        """All who hold or show an address that the Service holds or shows."""
        addresses = {*self.shown(key), *(holding.address for holding in self._holdings.get(key, ()))}
        return {other for address in addresses for other in self._about(address)}

    def everybody(self) -> Set[ServiceKey]:
        """All who hold an address."""
        return self._holdings.keys()

    def usage(self, pool: str) -> int:
        """How many addresses of the pool are in use."""
        return self._usage[pool]

    def usage_of(self, namespace: str, pool: str) -> int:
        """How many of them the Services of a namespace hold; who shares one holds it as well."""
        return self._by_namespace[pool, namespace]

    def in_use(self, pool: str) -> Iterator[tuple[Address, tuple[ServiceKey, ...]]]:
        """All addresses of a pool in use, with their holders."""
        for page in self.pages.of(pool):
            yield from page.used.items()

    def all_released(self, pool: str) -> dict[Address, Release]:
        """All that is remembered of a pool."""
        return {address: release for page in self.pages.of(pool) for address, release in page.released.items()}

    def lowest(
        self, pool: str, given: Ranges, family: int, of: str = "", is_taken: Callable[[Address], bool] | None = None
    ) -> Address | None:
        """The lowest address of a family that is not taken. Who asks `of` others than all that a pool gives says which: where
        each of them begins is remembered.
        """
        lasts = not (self._written or self._undo)
        return self.free.lowest((pool, family, of), given, is_taken or self.is_taken, lasts=lasts)

    def lowest_free(
        self, pool: str, given: Ranges, family: int, of: str = "", is_taken: Callable[[Address], bool] | None = None
    ) -> Iterator[Address]:
        """All of them, lowest first."""
        is_taken = is_taken or self.is_taken
        lowest = self.lowest(pool, given, family, of, is_taken)
        return iter(()) if lowest is None else filterfalse(is_taken, given.of_family(family, since=lowest))

    def is_taken_or_released(self, pool: str) -> Callable[[Address], bool]:
        """Of an address of the pool, whether it is taken or was given back of late."""
        return lambda address: self.is_taken(address) or Holding(pool, address) in self._released

    def give(self, given: Mapping[str, Ranges]) -> None:
        """The pools give out these addresses."""
        self.free.give(given, self._place)

    # What a look writes.

    def enter(self, key: ServiceKey, holding: Holding) -> None:
        """Give an address to a Service."""
        place = next(iter(self._place.get(holding, ())), None) or self.pages.with_room(holding.pool)
        page = self.pages.now(place)
        keys = (*page.used.get(holding.address, ()), key)
        released = {at: release for at, release in page.released.items() if at != holding.address}
        self._write(place, holding.address, keys, released if holding.address in page.released else page.released)

    def strike(self, key: ServiceKey, holding: Holding, *, release: Release | None = None) -> None:
        """Take an address back from a Service; its sharers keep it. It is free at the next look."""
        for place in self._place.get(holding, ()):
            page = self.pages.now(place)
            if key in page.used.get(holding.address, ()):
                rest = tuple(other for other in page.used[holding.address] if other != key)
                left = noted(page.released, holding.address, release) if release and not rest else page.released
                self._struck[holding.address] = (*self._struck.get(holding.address, ()), key)
                self._write(place, holding.address, rest, left)

    def show(self, key: ServiceKey, addresses: tuple[Address, ...]) -> None:
        """The Service is about to show these."""
        before = self._shown.get(key, ())
        self.drafted.add(key)
        self._undo.append(lambda: self._show(key, before))
        self._show(key, addresses)

    def _write(
        self, place: PageKey, address: Address, keys: tuple[ServiceKey, ...], released: Mapping[Address, Release]
    ) -> None:
        self.drafted.update(keys)
        before = self.pages.write(place, address, keys, released)
        if before:
            self.drafted.update(before)
            self._remove(place, address, before)
        if keys:
            self._add(place, address, keys)
        self._written.append(_Written(place, address, before, keys))

    def _unwrite(
        self, place: PageKey, address: Address, before: tuple[ServiceKey, ...], keys: tuple[ServiceKey, ...]
    ) -> None:
        if keys:
            self._remove(place, address, keys)
        if before:
            self._add(place, address, before)

    # The index.

    def _add(self, place: PageKey, address: Address, keys: tuple[ServiceKey, ...]) -> None:
        if not keys:  # somebody has edited it
            return
        holding = Holding(place.pool, address)
        others = self._place.get(holding)
        self._place[holding] = tuple(sorted((*others, place), key=page_order)) if others else (place,)
        holders = self._holders.get(address)
        self._holders[address] = (*holders, *keys) if holders else keys
        if not others:
            self._usage[place.pool] += 1
            self.free.entered(holding)
        for key in keys if len(keys) == 1 else dict.fromkeys(keys):
            self._holdings[key] = (*self._holdings.get(key, ()), holding)
            self._by_namespace[place.pool, key.namespace] += 1

    def _remove(self, place: PageKey, address: Address, keys: tuple[ServiceKey, ...]) -> None:
        if not keys:
            return
        holding = Holding(place.pool, address)
        take(self._place, holding, (place,))
        take(self._holders, address, keys)
        if holding not in self._place:
            self._usage[place.pool] -= 1
            self.free.left(holding)
        for key in dict.fromkeys(keys):
            take(self._holdings, key, (holding,))
            self._by_namespace[place.pool, key.namespace] -= 1
        self.free.may_be_free(address)

    def _show(self, key: ServiceKey, addresses: tuple[Address, ...]) -> None:
        for address in self._shown.pop(key, ()):
            take(self._showers, address, (key,))
            self.free.may_be_free(address)
        if addresses:
            self._shown[key] = addresses
        for address in addresses:
            self._showers[address] = (*self._showers.get(address, ()), key)
