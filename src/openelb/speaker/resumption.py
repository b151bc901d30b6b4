"""A speaker's first moments: it answers again for what the process before it announced, and says so to the others, while the rest
of the program is still being read from the disk. That takes two seconds of a fast machine and ten of a small one, more than
addresses wait. So little is imported here, and nothing that talks to the API server.
"""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from openelb.announce.heartbeats import Heartbeats
from openelb.announce.layer2 import Layer2
from openelb.announce.responder import FRAMES_PER_SECOND
from openelb.announce.standings import Orders
from openelb.announce.vigil import Vigil
from openelb.host.datagrams import DatagramPort
from openelb.host.key_files import key_files, keys
from openelb.host.links import links
from openelb.host.sockets import LinkPort
from openelb.host.state_file import StateFile
from openelb.model.cluster import Protocol
from openelb.plan.liveness import TTL_SECONDS
from openelb.speaker import succession

log = logging.getLogger(__name__)

HEARTBEAT_PORT = 50055
LOADING = 15.0
"""Seconds for which others that hear us wait for the rest of the program; others, by their Leases alone, no longer than ever."""
WHY = "the speaker before this one did"


@dataclass(frozen=True, slots=True)
class First:
    """What is to be known from the first moment on. Without `heartbeat_keys`, a directory, or a `state_file`, nothing is resumed."""

    node: str
    holder: str
    state_file: Path | None = None
    heartbeat_port: int = HEARTBEAT_PORT
    heartbeat_keys: Path | None = None
    frames_per_second: int = FRAMES_PER_SECOND


class Resumption:
    """What begins first, and belongs to the rest of the speaker once that is there: it gives `is_well` and `changed` then, which
    the thread of heartbeats asks and calls.
    """

    def __init__(self, first: First, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin."""
        self.state = StateFile(first.state_file)
        self.links = links()
        self.layer2 = Layer2(LinkPort, pace=first.frames_per_second)
        self.is_well: Callable[[], bool] = lambda: clock() < self.valid_until
        self.changed: Callable[[], None] = lambda: None
        self.heartbeats = Heartbeats(
            partial(DatagramPort, first.heartbeat_port),
            lambda now: Vigil(first.node, first.holder, secrets.randbits(63) | 1, now=now),
            may_beat=lambda: self.is_well(),
            changed=lambda: self.changed(),
        )
        names = frozenset(link.name for link in self.links)
        self.inheritance = succession.inherited(self.state.left(), names, [Protocol.LAYER2])
        self.valid_until = clock() + (LOADING if self.inheritance.peers else TTL_SECONDS)
        if self.inheritance.claims:
            self._begin(first)

    def _begin(self, first: First) -> None:
        """What fails is tried again, and told, when the rest is there."""
        claims, peers = self.inheritance.claims, self.inheritance.peers
        try:
            self.layer2.apply(claims, valid_until=self.valid_until, why=dict.fromkeys(claims, WHY))
            if found := keys(key_files(first.heartbeat_keys)):
                self.heartbeats.follow(Orders(peers=peers, candidate=True))
                self.heartbeats.use(found)
        except OSError as trouble:
            log.debug("cannot go on at once: %s", trouble)
