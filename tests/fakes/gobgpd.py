"""A gobgpd of values: it holds what it is told, as the real one does, and can be killed, stopped, and say no."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace

from openelb.announce.bgp_changes import Found
from openelb.announce.bgp_readback import started
from openelb.announce.gobgpd import Refusal
from openelb.model.bgp import Instance, Path, Peer, Prefix, Session, SessionState
from openelb.model.policy import Outline, Policies


@dataclass
class Gobgpd:
    """The process that is there at the moment. `calls` are all that changed anything, of every process."""

    running: Instance | None = None
    known: dict[str, Peer] = field(default_factory=dict)
    established: set[str] = field(default_factory=set)
    states: dict[str, SessionState] = field(default_factory=dict)
    rib: dict[tuple[Prefix, int], Path] = field(default_factory=dict)
    policies: Outline = Outline()  # noqa: RUF009 - a frozen value
    calls: list[str] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    breaks: set[str] = field(default_factory=set)
    """The calls, once each, at which connections are lost."""
    away: str = ""
    process: int = 1
    word: asyncio.Event = field(default_factory=asyncio.Event)
    listings: int = 0

    def connect(self) -> "Connection":
        return Connection(self, self.process)

    def kill(self) -> None:
        """Another process takes its place, which knows nothing."""
        self.running, self.policies = None, Outline()
        self.known.clear()
        self.established.clear()
        self.rib.clear()
        self.process += 1
        self.word.set()

    def say(self) -> None:
        """Let it be heard that sessions changed."""
        self.word.set()


@dataclass
class Connection:
    """What `announce.gobgpd.Gobgpd` asks for."""

    there: Gobgpd
    process: int

    def close(self) -> None:
        pass

    async def _reached(self, call: str = "", *, key: str = "") -> Gobgpd:
        await asyncio.sleep(0)
        if self.there.away or self.there.process != self.process:
            raise OSError(self.there.away or "the connection was lost")
        if call in self.there.breaks:
            self.there.breaks.remove(call)
            raise OSError("the connection was lost")
        if sentence := self.there.refuses.get(key or call):
            raise Refusal(sentence)
        if call:
            self.there.calls.append(f"{call} {key}".strip())
        return self.there

    async def instance(self) -> Instance | None:
        return (await self._reached()).running

    async def start(self, instance: Instance) -> None:
        (await self._reached("start")).running = started(instance)

    async def stop(self, *, kept: bool = False) -> None:
        (await self._reached("stop kept" if kept else "stop")).kill()

    async def peers(self, *, advertised: bool = False) -> tuple[dict[str, Found], tuple[Session, ...]]:
        there = await self._reached()
        up, else_ = SessionState.ESTABLISHED, SessionState.ACTIVE
        sessions = {
            key: Session(
                key,
                state=up if key in there.established else there.states.get(key, else_),
                bfd_up=key in there.established if peer.bfd else None,
                bfd=peer.bfd,
            )
            for key, peer in there.known.items()
        }
        return {key: Found(peer, sessions[key]) for key, peer in there.known.items()}, tuple(sessions.values())

    async def add(self, peer: Peer, *, restarting: bool = False) -> None:
        there = await self._reached("add again" if restarting else "add", key=peer.key)
        if peer.key in there.known:
            raise Refusal("it is there")
        # Of a range it tells little but the mark that it was given.
        there.known[peer.key] = Peer(prefix=peer.prefix, description=peer.description) if peer.prefix else peer

    async def update(self, peer: Peer) -> None:
        (await self._reached("update", key=peer.key)).known[peer.key] = peer

    async def drop(self, key: str) -> None:
        there = await self._reached("drop", key=key)
        del there.known[key]
        there.established.discard(key)

    async def resend(self, address: str = "", *, inbound: bool, outbound: bool) -> None:
        await self._reached("resend" + " in" * inbound + " out" * outbound + f" {address}" * bool(address))

    async def paths(self, some: Collection[Path] = ()) -> list[Path]:
        there = await self._reached()
        there.listings += not some
        prefixes = {path.prefix for path in some}
        return [replace(path) for path in there.rib.values() if not some or path.prefix in prefixes]

    async def told(self, address: str) -> list[Path]:
        return list((await self._reached()).rib.values())

    async def tell(self, gained: Sequence[Path], lost: Sequence[Path] = ()) -> None:
        there = await self._reached(f"tell +{len(gained)} -{len(lost)}")
        for path in lost:
            del there.rib[path.prefix, path.identifier]
        there.rib |= {(path.prefix, path.identifier): path for path in gained}

    async def outline(self) -> Outline:
        return (await self._reached()).policies

    async def set_policies(self, wanted: Policies) -> None:
        (await self._reached("policies")).policies = wanted.outline

    async def changes(self) -> AsyncIterator[str]:
        while True:
            await self._reached()
            yield ""
            self.there.word.clear()
            await self.there.word.wait()
