"""Which addresses the pools could still give out: how many, and the lowest, without going through those that are taken."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from openelb.model.addresses import Address
from openelb.model.ranges import Ranges
from openelb.plan.ledger import Holding

_NOTHING = Ranges()

Place = tuple[str, int, str]
"""Where a walk goes: a pool, a family, and which of the pool's addresses."""


class _Walk:
    """Through the addresses of a pool: the one that may be free, and those after it."""

    __slots__ = ("at", "rest")

    def __init__(self, addresses: Iterator[Address]) -> None:
        self.at, self.rest = next(addresses, None), addresses


class Free:
    """Of all pools. It is told of every entry that comes and goes."""

    def __init__(self) -> None:
        self._given: Mapping[str, Ranges] = {}
        self._used: Counter[str] = Counter()
        self._lowest: dict[Place, Address] = {}
        self._walks: dict[Place, _Walk] = {}
        self._walked: dict[Place, Ranges] = {}

    def give(self, given: Mapping[str, Ranges], in_use: Iterable[Holding]) -> None:
        """The pools give out these addresses. Costs time with all that is in use, and is told when it has changed."""
        self._given, self._lowest, self._walks, self._walked = given, {}, {}, {}
        self._used = Counter(one.pool for one in in_use if one.address in given.get(one.pool, _NOTHING))

    def begin(self) -> None:
        """Another look: what the last one has written is undone."""
        self._walks = {}

    def size(self, pool: str) -> int:
        """How many addresses the pool could still give out."""
        return self._given.get(pool, _NOTHING).size - self._used[pool]

    def lowest(
        self, place: Place, given: Ranges, is_taken: Callable[[Address], bool], *, lasts: bool
    ) -> Address | None:
        """The lowest of those `given` that is not taken, or None. What lies below is remembered as taken: in this look none
        becomes free. Where it `lasts`, beyond this look as well, for as long as the same are given.
        """
        walk = self._walks.get(place)
        if walk is None:
            before, self._walked[place] = self._walked.get(place), given
            if before is not given and before != given:
                self._lowest.pop(place, None)
            walk = self._walks[place] = _Walk(given.of_family(place[1], since=self._lowest.get(place)))
        while walk.at is not None and is_taken(walk.at):
            walk.at = next(walk.rest, None)
        lowest = walk.at or next((part.last for part in reversed(given.parts) if part.version == place[1]), None)
        if lasts and lowest is not None:  # of a full pool the last: it is not gone through again and again
            self._lowest[place] = lowest
        return walk.at

    def entered(self, holding: Holding) -> None:
        """An address is in use."""
        self._used[holding.pool] += holding.address in self._given.get(holding.pool, _NOTHING)

    def left(self, holding: Holding) -> None:
        """An address is not in use any more."""
        self._used[holding.pool] -= holding.address in self._given.get(holding.pool, _NOTHING)

    def may_be_free(self, address: Address) -> None:
        """Nobody holds or shows it, so it may be the lowest of any pool."""
        for place, lowest in self._lowest.items():
            if place[1] == address.version and int(address) < int(lowest):
                self._lowest[place] = address
