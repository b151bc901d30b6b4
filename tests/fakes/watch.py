"""Heartbeats that a test makes up: what is heard, and what was to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from openelb.announce.standings import Orders, View
from openelb.plan.heard import Standing
from openelb.wire.heartbeat import understood


@dataclass
class FakeWatch:
    """Behaves as `announce.heartbeats.Heartbeats` does for who looks at it."""

    view: View | None = field(default_factory=lambda: View(joined=True))
    orders: Orders = field(default_factory=Orders)

    def follow(self, orders: Orders) -> None:
        self.orders = orders

    def hears(self, standings: Mapping[str, Standing], **others: int | bool) -> None:
        """This is what is heard from now on."""
        self.view = replace(self.view or View(), standings=standings, **others)

    @property
    def told(self) -> tuple[frozenset[object], tuple[str, ...]] | None:
        """What others would understand."""
        return understood(self.orders.pieces)
