"""What the main loop and the watch over the other speakers tell each other, as values."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from openelb.model.layer2 import GRACE_SECONDS
from openelb.plan.heard import Standing, Way


@dataclass(frozen=True, slots=True)
class Orders:
    """What the main loop wants: whom to watch, and what to say of ourselves.

    Who the `peers` are is `settled` once the cluster has been read: none before may mean that nobody knows.
    `pieces` are what we tell (`wire.heartbeat.told`), as of `version`, and `knows` the nodes with which that was judged: others
    are told later. `answered_at` is when the API server last answered us. Addresses wait for a process that is gone for
    `grace` seconds at least.
    """

    peers: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)
    settled: bool = False
    fast: bool = False
    candidate: bool = False
    leaving: bool = False
    version: int = 0
    pieces: tuple[bytes, ...] = ()
    knows: frozenset[str] = frozenset()
    answered_at: float = -math.inf
    grace: float = float(GRACE_SECONDS)


@dataclass(frozen=True, slots=True)
class View:
    """What the main loop is to know: of each peer that was heard, its standing.

    `lapses` counts the times in which others may have taken us for lost, and `returns` the peers that came back from silence:
    who has announced the same meanwhile, the neighbours are to forget. A node that has not `joined` does not know what the
    others hold, and announces nothing new.
    """

    standings: Mapping[str, Standing] = field(default_factory=dict)
    lapses: int = 0
    returns: int = 0
    joined: bool = False
