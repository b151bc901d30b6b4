"""Which addresses the pools could still give out: how many, and the lowest, without going through those that are taken."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from openelb.model.addresses import Address
from openelb.model.ranges import Ranges
from openelb.plan.ledger import Holding

_NOTHING = Ranges()


class Free:
    """Of all pools. It is told of every entry that comes and goes."""

    def __init__(self) -> None:
        self._given: Mapping[str, Ranges] = {}
        self._used: Counter[str] = Counter()
        self._lowest: dict[tuple[str, int], Address] = {}
        self._cursor: dict[tuple[str, int], Address] = {}

    def give(self, given: Mapping[str, Ranges], in_use: Iterable[Holding]) -> None:
        """The pools give out these addresses. Costs time with all that is in use, and is told when it has changed."""
        self._given, self._lowest, self._cursor = given, {}, {}
        self._used = Counter(one.pool for one in in_use if one.address in given.get(one.pool, _NOTHING))

    def begin(self) -> None:
        """Another look: what the last one has written is undone."""
        self._cursor = {}

    def size(self, pool: str) -> int:
        """How many addresses the pool could still give out."""
        return self._given.get(pool, _NOTHING).size - self._used[pool]

    def lowest(
        self, pool: str, given: Ranges, family: int, is_taken: Callable[[Address], bool], *, lasts: bool
    ) -> Iterator[Address]:
        """The addresses of a family that are not taken, lowest first. What lies below the first is remembered as taken: in
        this look none becomes free. Where it `lasts`, beyond this look as well.
        """
        place, first = (pool, family), True
        for address in given.of_family(family, since=self._cursor.get(place) or self._lowest.get(place)):
            if is_taken(address):
                continue
            if first:
                first, self._cursor[place] = False, address
                if lasts:
                    self._lowest[place] = address
            yield address

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
