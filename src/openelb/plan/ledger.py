"""The parts of a ledger: what names an entry and a page, and in which order pages are filled. Who holds what across all of
them is in `books`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from openelb.model.addresses import Address, parse_address
from openelb.model.cluster import Page, Release

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
