"""The pages of ledgers: what names an entry and a page, in which order pages are filled, and what a look writes in them. Who
holds what across all of them is in `books`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import Page, Pool, Release, ServiceKey

ROOM = 1000
"""Entries of one page. A write of a page takes the API server longer the more there are; one object may have about 15,000."""


class Holding(NamedTuple):
    """An address of a pool."""

    pool: str
    address: Address


class PageKey(NamedTuple):
    """A page: of the Eip itself (`name` is empty), or an EipAllocation."""

    pool: str
    name: str = ""


NO_PAGE = Page("")


class Draft:
    """A page that a look writes in."""

    __slots__ = ("_pool", "_seen", "name", "released", "used")

    def __init__(self, key: PageKey, seen: Page) -> None:
        self._pool, self.name = key
        self._seen = seen
        self.used = dict(seen.used)
        self.released = seen.released

    def page(self) -> Page:
        """The page as it is to become."""
        return Page(self._pool, self.name, self.used, self.released, self._seen.uid, self._seen.version)


def page_order(key: PageKey) -> tuple[str, int, str]:
    """The Eip's own first, then by number."""
    number = key.name.rpartition("-")[2]
    return key.pool, int(number) if number.isdecimal() and number.isascii() and len(number) < 10 else 0, key.name


def next_page(pool: str, taken: frozenset[str]) -> PageKey:
    """A page of that pool which is not there yet."""
    number = 1
    while f"{pool}-{number}" in taken:
        number += 1
    return PageKey(pool, f"{pool}-{number}")


class Pages:
    """All pages as they were seen, and as a look makes them. A page has `room` for so many entries."""

    def __init__(self, room: int) -> None:
        self._most = room
        self._seen: dict[PageKey, Page] = {}
        self._drafts: dict[PageKey, Draft] = {}
        self._of: dict[str, list[PageKey]] = {}
        self._added: list[PageKey] = []

    def follow(self, pools: Iterable[Pool], pages: Iterable[Page]) -> list[tuple[PageKey, Page, Page]]:
        """Forget all drafts and take in what is in the cluster. Returns what has changed, as it was and as it is."""
        self._drafts = {}
        for place in self._added:
            self._of[place.pool].remove(place)
        self._added = []
        now = {PageKey(pool.name): self._first(pool) for pool in pools}
        for page in pages:
            if PageKey(page.pool) in now:  # one whose Eip is gone goes with it
                now[PageKey(page.pool, page.name)] = page
        before, self._seen = self._seen, now
        changed = {place for place, page in now.items() if before.get(place) is not page} | (before.keys() - now.keys())
        if before.keys() != now.keys():
            self._of = defaultdict(list)
            for place in sorted(now, key=page_order):
                self._of[place.pool].append(place)
        return [(place, before.get(place, NO_PAGE), now.get(place, NO_PAGE)) for place in sorted(changed)]

    def _first(self, pool: Pool) -> Page:
        """The page in an Eip's status; the same object while it is the same, whatever else of the Eip has changed."""
        seen, status = self._seen.get(PageKey(pool.name)), pool.status
        if seen is not None and seen.used is status.used and seen.released is status.released:
            return seen
        return Page(pool.name, "", status.used, status.released)

    def seen(self, place: PageKey) -> Page:
        """The page as it was seen."""
        return self._seen.get(place, NO_PAGE)

    def now(self, place: PageKey) -> Page | Draft:
        """The page as this look has made it."""
        return self._drafts.get(place) or self._seen.get(place, NO_PAGE)

    def of(self, pool: str) -> Iterator[Page | Draft]:
        """The pages of a pool, as this look has made them."""
        return map(self.now, self._of.get(pool, ()))

    def was_in_use(self, pool: str) -> bool:
        """Whether the pages that were seen have any address of the pool."""
        return any(self.seen(place).used for place in self._of.get(pool, ()))

    def write(
        self, place: PageKey, address: Address, keys: tuple[ServiceKey, ...], released: Mapping[Address, Release]
    ) -> tuple[ServiceKey, ...]:
        """Make an entry; without `keys`, take it out. Returns who had the address before."""
        draft = self._drafts.get(place)
        if draft is None:
            draft = self._drafts[place] = Draft(place, self.seen(place))
        before = draft.used.pop(address, ())
        draft.released = released
        if keys:
            draft.used[address] = keys
        return before

    def with_room(self, pool: str) -> PageKey:
        """A page of the pool that has room, maybe one that is not there yet."""
        places = self._of.setdefault(pool, [])
        for place in places:
            if len(self.now(place).used) < self._most:
                return place
        place = next_page(pool, frozenset(place.name for place in places))
        places.append(place)
        self._added.append(place)
        return place

    def changed(self) -> Iterator[tuple[PageKey, Page]]:
        """Those that this look has made different, as they are to become."""
        for place, draft in self._drafts.items():
            seen = self.seen(place)
            if (draft.used, draft.released) != (seen.used, seen.released):
                yield place, draft.page()

    def draft(self, place: PageKey) -> Page | None:
        """The page as it is to become, where this look has written in it."""
        draft = self._drafts.get(place)
        return draft.page() if draft else None


def noted(released: Mapping[Address, Release], address: Address, release: Release) -> dict[Address, Release]:
    """With one more, and without the oldest of too many: they were given back in that order."""
    kept = [(at, one) for at, one in released.items() if at != address]
    return {**dict(kept[max(0, len(kept) - ROOM + 1) :]), address: release}


def take(index: dict, key: object, values: tuple[object, ...]) -> None:  # type: ignore[type-arg]
    """Take these out of an entry, each once; an empty entry goes."""
    rest = list(index.get(key, ()))
    for value in values:
        if value in rest:
            rest.remove(value)
    if rest:
        index[key] = tuple(rest)
    else:
        index.pop(key, None)


def addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    """Those of the texts that are addresses."""
    return tuple([address for text in texts if (address := parse_address(text)) is not None])
