"""Speakers of BGP for tests: hosts of the lab, each with a real gobgpd and with our announcer that keeps it as it should be."""

import asyncio
import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path as File

from lab.binaries import Binaries, programs
from lab.cache import Cache
from lab.network import Host
from lab.pins import pins
from openelb.announce.bgp import Bgp
from openelb.announce.bgp_changes import Reality, Wish
from openelb.announce.bgp_steps import read
from openelb.host.gobgp import paths
from openelb.host.gobgp.api import gobgp_pb2 as api
from openelb.host.gobgp.client import Client
from openelb.host.gobgp.errors import GobgpError
from openelb.host.gobgp.process import Gobgpd
from openelb.host.gobgp.reasons import Reasons
from openelb.host.gobgp.rpc import Rpc
from openelb.model.bgp import Family, Instance, Path, Peer, Session


def program() -> str:
    """The lab's own, or the one that the machine has: $OPENELB_GOBGPD, or the one on the PATH."""
    if chosen := os.environ.get("OPENELB_GOBGPD") or shutil.which("gobgpd"):
        return chosen
    (gobgpd,) = (each for each in programs(pins()) if each.name == "gobgpd")
    return str(Binaries(Cache.of_user(), pins()).file(gobgpd))


def path(prefix: str, hop: str, **more: object) -> Path:
    return Path(ip_network(prefix), ip_address(hop), **more)  # type: ignore[arg-type]


@dataclass
class Speaker:
    """One host with gobgpd."""

    host: Host
    address: str
    asn: int
    router_id: str
    socket: File
    daemon: Gobgpd
    bgp: Bgp
    keeping: list[asyncio.Task[None]]

    @property
    def instance(self) -> Instance:
        return Instance(self.asn, self.router_id)

    def peer(self, **more: object) -> Peer:
        """This one, as its neighbours have it."""
        return Peer(address=self.address, peer_asn=self.asn, **more)  # type: ignore[arg-type]

    def want(self, *peers: Peer, paths: frozenset[Path] = frozenset(), **more: object) -> Wish:
        wish = Wish(self.instance, peers, paths, **more)  # type: ignore[arg-type]
        self.bgp.want(wish)
        return wish

    async def made(self, *peers: Peer, paths: frozenset[Path] = frozenset(), **more: object) -> Wish:
        wish = self.want(*peers, paths=paths, **more)
        async with asyncio.timeout(20):
            await self.bgp.done()
        return wish

    def session(self, of: "Speaker") -> Session:
        return self.bgp.sessions.get(of.address, Session(of.address))

    async def established(self, *others: "Speaker", within: float = 20) -> None:
        await until(lambda: all(self.session(each).is_established for each in others), within=within)

    async def lost(self, *others: "Speaker", within: float = 20) -> None:
        await until(lambda: not any(self.session(each).is_established for each in others), within=within)

    async def received(self, of: "Speaker", *, address: str = "") -> list[Path]:
        """What has come from another speaker, before policies."""
        found: list[Path] = []
        rpc = Rpc(str(self.socket))
        try:
            for family in Family:
                request = api.ListPathRequest(
                    table_type=api.TABLE_TYPE_ADJ_IN,
                    name=address or of.address,
                    family=paths.family_message(family),
                )
                with contextlib.suppress(GobgpError):
                    async for answer in rpc.listing(request, api.ListPathResponse):
                        found += [each for one in answer.destination.paths if (each := paths.value(one))]
        finally:
            rpc.close()
        return found

    async def has(self, of: "Speaker", *prefixes: str, within: float = 10, address: str = "") -> list[Path]:
        """What it received, when that is of exactly these prefixes."""
        async with asyncio.timeout(within):
            while True:
                there = await self.received(of, address=address)
                if sorted({str(each.prefix) for each in there}) == sorted(prefixes):
                    return there
                await asyncio.sleep(0.02)

    async def count(self, of: "Speaker") -> int:
        rpc = Rpc(str(self.socket))
        try:
            asked = api.GetTableRequest(
                table_type=api.TABLE_TYPE_ADJ_IN, name=of.address, family=paths.family_message(Family.IPV4)
            )
            return (await rpc.call(asked, api.GetTableResponse)).num_path
        except GobgpError:
            return 0
        finally:
            rpc.close()

    async def reality(self, wish: Wish) -> Reality:
        """What its gobgpd has, read anew as a speaker does that has just been started."""
        client = Client(str(self.socket))
        try:
            return await read(client, wish)
        finally:
            client.close()

    def kill(self) -> None:
        self.daemon.kill()

    async def restart_of_ours(self, wish: Wish) -> None:
        """Another announcer takes the place of this one; gobgpd goes on."""
        self.keeping[1].cancel()
        self.bgp = Bgp(lambda: Client(str(self.socket)))
        self.keeping[1] = asyncio.create_task(self.bgp.run())
        self.bgp.want(wish)
        async with asyncio.timeout(10):
            await self.bgp.done()


async def until(holds: Callable[[], bool], *, within: float) -> float:
    """Wait, and say for how many seconds."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return time.monotonic() - began


@asynccontextmanager
async def speaker(host: Host, address: str, asn: int) -> AsyncIterator[Speaker]:
    """A host's gobgpd and what keeps it, both gone at the end."""
    directory = File(tempfile.mkdtemp(prefix="elb-bgp-"))
    within = directory / "gobgpd"
    within.write_text(f'#!/bin/sh\nexec ip netns exec {host.netns} {program()} "$@"\n')
    within.chmod(within.stat().st_mode | stat.S_IXUSR)
    socket = directory / "run" / "gobgp.sock"
    daemon, bgp = (
        Gobgpd(socket, program=str(within)),
        Bgp(lambda: Client(str(socket)), reasons=Reasons(socket.with_suffix(".log"))),
    )
    keeping = [asyncio.create_task(daemon.run()), asyncio.create_task(bgp.run())]
    try:
        yield Speaker(host, address, asn, f"10.255.0.{asn - 64500}", socket, daemon, bgp, keeping)
    finally:
        for each in keeping:
            each.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        daemon.kill()
        written = socket.with_suffix(".log")
        if written.exists():
            print(f"--- gobgpd of {host.name}\n{written.read_text()[-6000:]}")
        shutil.rmtree(directory, ignore_errors=True)
