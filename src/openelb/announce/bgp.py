"""Keeps gobgpd as it should be: looks at what it has, and does what differs.

gobgpd outlives this process and may end before it, so nothing is remembered that could be asked: whenever there is another
gobgpd, or the same one after a restart of ours, it is read first. While the connection lasts, paths are not listed again, which
would cost as much as telling them; a few at a time are looked at instead. Not known here: what is wanted, and gRPC.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import MappingProxyType

from openelb.announce.alone import alone
from openelb.announce.bgp_changes import (
    NOTHING,
    Add,
    Drop,
    Reality,
    Resend,
    SetPolicies,
    Start,
    Step,
    Stop,
    Tell,
    Update,
    Wish,
    after,
    changes,
    owed,
    still_owed,
    told,
)
from openelb.announce.bgp_sample import Sample
from openelb.announce.bgp_sessions import Reasons, Sessions
from openelb.announce.bgp_steps import make, read, subject
from openelb.announce.gobgpd import Gobgpd, Refusal
from openelb.complaints import Complaints
from openelb.model.bgp import Path, Peer, Session

log = logging.getLogger(__name__)

LOOK = 30.0
"""Seconds between two looks at peers and sessions where nothing was heard: gobgpd tells of every change by itself."""

LOOK_AT_BFD = 1.0
"""Seconds between two looks while BFD is not up where it should be, of which gobgpd tells nothing."""

SLICE_EVERY = 10.0
"""Seconds between two looks at some paths. All of 10,000 are seen in eight minutes."""

SOON, LATEST = 0.02, 1.0
"""Seconds between tries to reach a gobgpd that is not there: it comes back within a few hundredths of one."""

PATIENCE = 5.0
"""Seconds for gobgpd to be started for the first time, which whoever keeps it does only when it is wanted."""

AGAIN = 5.0
"""Seconds after which gobgpd is asked once more for what it has refused."""


class Bgp:
    """One node's BGP. `connect` makes a connection to gobgpd; `changed` is called when there is news of sessions or refusals, and
    `release` when gobgpd has nothing to do any more.
    """

    def __init__(
        self,
        connect: Callable[[], Gobgpd],
        *,
        changed: Callable[[], None] = lambda: None,
        release: Callable[[], None] = lambda: None,
        reasons: Reasons | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._changed = changed
        self._release = release
        self._clock = clock
        self._complaints = Complaints(clock=clock)
        self._wish: Wish | None = None
        self._rests = False
        self._bell = asyncio.Event()
        self._heard = True  # of sessions
        self._gobgpd: Gobgpd | None = None
        self._have = Reality()
        self._sessions = Sessions(reasons, clock=clock)
        self._refused: dict[Step, tuple[float, str]] = {}
        self._set: dict[str, Peer] = {}  # as told to this gobgpd
        self._read_back: dict[str, Peer] = {}  # and as it then told of them
        self._made: Wish | None = None
        self._owed = frozenset[Resend]()
        self._trouble = ""
        self._sample = Sample()
        self._done = asyncio.Event()
        self._wanted_at = math.inf
        self._was_there = False

    @property
    def sessions(self) -> Mapping[str, Session]:
        """Every session by its key, as it was when last heard of; none while gobgpd is away."""
        return self._sessions.now

    @property
    def losses(self) -> Mapping[str, int]:
        """How often sessions were lost since this process began, by their keys."""
        return self._sessions.losses

    @property
    def paths(self) -> frozenset[Path]:
        """The paths that gobgpd has from us. What of them a peer was sent says `told`."""
        return self._have.paths

    @property
    def trouble(self) -> str:
        """Why nothing can be done at all, as a sentence; empty while gobgpd does as it is told."""
        return self._trouble

    @property
    def refusals(self) -> Mapping[str, str]:
        """What gobgpd does not do, and why, as sentences: by the key of a peer, or by `policies`."""
        return MappingProxyType({subject(step): sentence for step, (_, sentence) in self._refused.items()})

    @property
    def is_done(self) -> bool:
        """Whether gobgpd has everything that is wanted, but for what it refuses."""
        return self._done.is_set()

    async def done(self) -> None:
        """Wait until it has."""
        await self._done.wait()

    def want(self, wish: Wish) -> None:
        """What this node is to be from now on. Returns at once."""
        if wish == self._wish:
            return
        self._wish, self._rests = wish, False
        self._done.clear()
        self._bell.set()

    async def told(self, address: str) -> list[Path]:
        """The paths that the peer with this address was sent. Costs gobgpd a walk through all of them. Raises OSError."""
        if self._gobgpd is None:
            raise OSError(self._trouble or "gobgpd was not reached yet")
        return await self._gobgpd.told(address)

    async def count(self) -> Mapping[str, Session]:
        """Sessions with the number of paths that were advertised to each. Costs as much as `told` for each. Raises OSError."""
        if self._gobgpd is None:
            raise OSError(self._trouble or "gobgpd was not reached yet")
        _, sessions = await self._gobgpd.peers(advertised=True)
        return MappingProxyType({each.key: each for each in sessions})

    async def leave(self, *, kept: bool) -> None:
        """End BGP on this node, when nothing runs here any more. Never raises.

        `kept`: routers that agreed to graceful restart keep our routes until we are back. Who only starts this process anew has
        nothing to end: gobgpd goes on, and what comes next finds it right.
        """
        gobgpd = self._connect()
        try:
            await gobgpd.stop(kept=kept)
        except OSError as error:
            log.warning("BGP cannot be ended: %s", error)
        finally:
            gobgpd.close()

    async def run(self) -> None:
        """Keep gobgpd as is wanted, until cancelled."""
        tries = 0
        while True:
            while self._wish is None or self._rests:
                await self._rung(LOOK)
            self._wanted_at = min(self._wanted_at, self._clock())
            try:
                await alone(self._serve())
                self._forget()
                tries = 0
                if self._wish.instance is None:
                    self._rest()
            except* OSError as troubles:
                tries = 0 if self._have.instance else tries + 1
                self._lost(troubles)
                refused = troubles.subgroup(Refusal) is not None
                await asyncio.sleep(AGAIN if refused else min(SOON * 1.5**tries, LATEST))
            except* Exception as bugs:  # no reason for the other protocols to fall silent
                self._lost(bugs)
                await asyncio.sleep(AGAIN)

    def _rest(self) -> None:
        """Until something is wanted: gobgpd has no BGP, and needs not be there."""
        self._rests = True
        self._well()
        self._release()
        self._done.set()

    def _lost(self, troubles: BaseExceptionGroup[Exception]) -> None:
        error = troubles.exceptions[0]
        expected = isinstance(error, OSError)
        self._forget()
        self._trouble = str(error) if expected else f"{type(error).__name__}: {error}"
        if expected and not self._was_there and self._clock() - self._wanted_at < PATIENCE:
            return  # it is just being started
        if self._complaints.begins(self._trouble):
            log.warning("BGP: %s; trying again", self._trouble, exc_info=None if expected else error)

    def _forget(self) -> None:
        self._gobgpd, self._have = None, Reality()
        self._sessions.forget()
        self._refused.clear()
        self._set.clear()
        self._read_back.clear()
        self._made = None
        self._done.clear()
        self._changed()

    async def _serve(self) -> None:
        """With one gobgpd, until it ends."""
        gobgpd = self._connect()
        try:
            async with asyncio.TaskGroup() as group:
                self._have = await read(gobgpd, self._wish or NOTHING)
                self._was_there = True
                self._gobgpd = gobgpd
                watching = group.create_task(self._watch(gobgpd))
                await self._follow(gobgpd)
                watching.cancel()
        finally:
            gobgpd.close()

    async def _watch(self, gobgpd: Gobgpd) -> None:
        async for _ in gobgpd.changes():
            self._heard = True
            self._bell.set()

    async def _follow(self, gobgpd: Gobgpd) -> None:
        """Returns when this gobgpd was stopped."""
        looked = verified = -float("inf")
        while True:
            self._bell.clear()
            wish, now = self._wish or NOTHING, self._clock()
            if self._have.instance is None:
                self._heard = False  # there are no sessions
            elif self._heard or now - looked >= self._pace:
                looked = now
                await self._look(gobgpd)
            if now - verified >= SLICE_EVERY and self._have.paths == wish.paths:
                verified = now
                missing = await self._sample.missing(gobgpd, self._have.paths, wish)
                self._have = replace(self._have, paths=self._have.paths - missing)
            if await self._make(gobgpd, wish) or wish.instance is None:
                return
            self._well()
            if not self._heard and self._wish is wish:
                self._done.set()
                await self._rung(min(self._pace, SLICE_EVERY if not self._refused else AGAIN))

    @property
    def _pace(self) -> float:
        return LOOK_AT_BFD if any(each.bfd_up is False for each in self.sessions.values()) else LOOK

    async def _rung(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        self._bell.clear()

    def _well(self) -> None:
        self._trouble = ""
        if self._complaints.ends():
            log.info("BGP: gobgpd does as it is told again")

    async def _look(self, gobgpd: Gobgpd) -> None:
        """At peers and sessions as they are."""
        self._heard, self._made = False, None
        peers, sessions = await gobgpd.peers()
        for key, found in peers.items():
            # Whatever gobgpd makes of what it was told, nobody's session ends again and again for it.
            if key in self._set and self._read_back.setdefault(key, found.peer) == found.peer:
                peers[key] = replace(found, peer=self._set[key])
        self._have = replace(self._have, peers=MappingProxyType(peers))
        if self._sessions.hear(sessions):
            self._changed()

    async def _make(self, gobgpd: Gobgpd, wish: Wish) -> bool:
        """Do what differs. True when gobgpd was stopped for it."""
        made, self._made = self._made, None
        if wish.differs_in_paths_alone(made):
            steps: tuple[Step, ...] = (told(self._have.paths, wish.paths),)
        else:
            steps = changes(self._have, wish)
            self._owed = frozenset(still_owed(self._owed, self._have))
            steps += tuple(self._owed.difference(steps))
        if self._refused:
            self._refused = {step: why for step, why in self._refused.items() if step in steps}
        held_back = False
        for step in steps:
            if held_back and isinstance(step, Add | Resend):
                continue  # policies that were to keep something from somebody are not in force
            doing = Tell(lost=step.lost) if held_back and isinstance(step, Tell) else step
            if not self._is_left_alone(doing):
                with self._noted(doing):
                    await make(gobgpd, doing)
            if isinstance(step, Stop):
                return True
            held_back |= isinstance(step, SetPolicies) and step in self._refused
            if step not in self._refused:
                self._owed = owed(self._owed, step, steps)
        if not (self._refused or self._heard or self._owed):
            self._made = wish
        return False

    def _is_left_alone(self, step: Step) -> bool:
        """Whether it was refused a moment ago."""
        if not self._refused or isinstance(step, Tell):
            return False
        until, _ = self._refused.get(step, (0.0, ""))
        return self._clock() < until

    @contextmanager
    def _noted(self, step: Step) -> Iterator[None]:
        """What comes of a step."""
        try:
            yield
        except Refusal as refusal:
            if isinstance(step, Start | Tell):
                raise
            self._refused[step] = (self._clock() + AGAIN, str(refusal))
            if self._complaints.is_due(f"{subject(step)}: {refusal}"):
                log.warning("BGP, %s: %s; trying again", subject(step), refusal)
            self._changed()
        else:
            if self._refused and not isinstance(step, Tell):
                self._refused.pop(step, None)
            self._have = after(self._have, step)
            if isinstance(step, Add | Update):
                self._set[step.peer.key] = step.peer
                self._read_back.pop(step.peer.key, None)
            if isinstance(step, Add):
                self._sessions.begin(step.peer.key)
            if isinstance(step, Add | Update | Drop):
                self._heard = True
