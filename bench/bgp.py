"""BGP's figures, with real routers: each is taken where nothing is but what it is about."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bench import bgp_crowd, bgp_loss, bgp_many, bgp_told
from bench.bgp_stage import Stage, stage
from bench.place import Place
from bench.table import Row


@dataclass(frozen=True, slots=True)
class Part:
    """Figures that are taken together, on so many nodes."""

    nodes: int
    rows: Callable[[Stage], Iterator[Row]]


PARTS = ("told", "many", "crowd", "loss")


def parts(*, told: int, many: int, sessions: int, times: int) -> Mapping[str, Part]:
    """All parts by their names. Routers of each kind are `told` of so many Services one at a time, and one node has `many`, or half as many and so
    many `sessions`. A node is lost so many `times`, and leaves a fifth as often."""
    return {
        "told": Part(3, lambda at: bgp_told.rows(at, told)),
        "many": Part(1, lambda at: bgp_many.rows(at, many)),
        "crowd": Part(1, lambda at: bgp_crowd.rows(at, sessions, many // 2)),
        "loss": Part(3, lambda at: bgp_loss.rows(at, times)),
    }


def rows(at: Place, part: Part) -> list[Row]:
    """The rows of a part."""
    with stage(at, nodes=part.nodes) as there:
        return [_told(row) for row in part.rows(there)]


def _told(row: Row) -> Row:
    """Say it at once: the table comes later, or never."""
    print(f"  {row.what}: {row.ours} ({row.compared})", file=sys.stderr)
    return row
