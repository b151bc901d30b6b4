"""Whether gobgpd still has the paths that it was told: some of many at a time, until each had its turn."""

import logging
from collections.abc import Iterator
from itertools import islice

from openelb.announce.bgp_changes import Wish, recognised
from openelb.announce.gobgpd import Gobgpd
from openelb.model.bgp import Path

log = logging.getLogger(__name__)

SLICE = 200


class Sample:
    """Where it was left off."""

    def __init__(self) -> None:
        self._rest: Iterator[Path] = iter(())

    async def missing(self, gobgpd: Gobgpd, told: frozenset[Path], wish: Wish) -> frozenset[Path]:
        """Of the next ones of those that it was told, the ones that it does not have. Raises OSError."""
        some = [path for path in self._next(told) if path in wish.paths]
        if not some:
            return frozenset()
        lost = frozenset(some) - recognised(await gobgpd.paths(some), some, loosely=wish.is_loose)
        if lost:
            log.warning("BGP: gobgpd has lost %d of %d paths: telling them again", len(lost), len(some))
        return lost

    def _next(self, told: frozenset[Path]) -> list[Path]:
        some = list(islice(self._rest, SLICE))
        if not some:
            self._rest = iter(told)
            some = list(islice(self._rest, SLICE))
        return some
