"""Facts that count how often they are read."""

from collections.abc import ValuesView

from openelb.model.cluster import Pool


class CountedPools(dict[str, Pool]):
    """Pools that count how often they are all read, as every plan does."""

    read = 0

    def values(self) -> ValuesView[Pool]:
        self.read += 1
        return super().values()
