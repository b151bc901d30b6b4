"""Many routers and thousands of addresses: one edit, how soon it is told everywhere, and what else it makes gobgpd say.

The routers are sessions of one BIRD, each from an address of its own: what they do with routes is not what is measured.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import table
from bench.bgp_many import publish, route_count
from bench.bgp_stage import ADDRESSES, ASN, ROUTER, ROUTER_ASN, Stage, thing
from bench.bgp_told import SERVICES_PATH, SLICES_PATH, endpoints, name_of, service
from bench.bgp_wire import Wire, listening
from bench.table import Row
from lab import routers
from lab.bird import BIRD_3
from lab.routers import Router
from lab.wait import require, until
from openelb.kube.client import Client
from openelb.kube.config import from_kubeconfig
from openelb.model import names

TIMES, LONGEST = 5, 0.2
SILENCE = 2.0
"""Seconds without an UPDATE after which none is taken to come."""

_PEERS = "/apis/network.kubesphere.io/v1alpha2/bgppeers"


@dataclass(frozen=True, slots=True)
class Edit:
    """Something that is changed for the so many-eth time, and by how many sessions it has to be heard."""

    said: str
    make: Callable[[Client, int], Coroutine[None, None, None]]
    sessions: int


def rows(stage: Stage, sessions: int, addresses: int) -> Iterator[Row]:
    """The rows of one node that has so many sessions and addresses."""
    (node,) = stage.there.nodes
    own = [f"10.79.1.{1 + number}" for number in range(sessions)]
    for one in own:
        stage.host.ip("addr", "add", f"{one}/32", "dev", "eth0")
        node.host.ip("route", "add", one, "via", ROUTER)
    told = _text(own, node.host.address())
    router = routers.start(stage.host, BIRD_3, told, stage.roots, stage.directory / "router")
    try:
        print(f"{sessions} sessions, {addresses} Services …", file=sys.stderr)
        publish(stage, addresses + TIMES)
        stage.apply(*(_peer(number, one) for number, one in enumerate(own)))
        until(lambda: _require_established(router, sessions), what=f"{sessions} sessions", timeout=240, every=1.0)
        wanted = addresses + TIMES
        until(lambda: require(route_count(stage) == wanted, "not all"), what="all routes", timeout=240, every=1.0)
        _until_silent(stage)
        for edit in _edits(addresses, sessions):
            yield from _apply(stage, edit, f"{sessions} sessions, {addresses:,} addresses")
    finally:
        router.stop()


def _edits(addresses: int, sessions: int) -> Sequence[Edit]:
    async def create(client: Client, number: int, **annotations: str) -> None:
        address = str(ADDRESSES[addresses + TIMES + 1 + number])
        await client.create(SLICES_PATH, endpoints(name_of(address), ["n1"]), msgspec.Raw)
        await asyncio.sleep(0.5)
        await client.create(SERVICES_PATH, service(address, **annotations), msgspec.Raw)

    async def create_for_one(client: Client, number: int) -> None:
        await create(client, TIMES + number, **{names.PEERS: "r1"})

    async def annotate(client: Client, number: int) -> None:
        said = {"metadata": {"annotations": {"openelb.io/communities": f"{ASN}:{number + 1}"}}}
        await client.merge(f"{SERVICES_PATH}/{name_of(str(ADDRESSES[1]))}", said, msgspec.Raw)

    async def prefer(client: Client, number: int) -> None:
        await client.merge(f"{_PEERS}/r1", {"spec": {"communities": [f"{ASN}:{number + 1}"]}}, msgspec.Raw)

    async def time_out(client: Client, number: int) -> None:
        said = {"spec": {"timers": {"config": {"connectRetry": str(30 + number)}}}}
        await client.merge(f"{_PEERS}/r1", said, msgspec.Raw)

    async def choose(client: Client, number: int) -> None:
        said = {"metadata": {"annotations": {names.PEERS: "r1"}}}
        await client.merge(f"{SERVICES_PATH}/{name_of(str(ADDRESSES[2 + number]))}", said, msgspec.Raw)

    return (
        Edit("one Service more", create, sessions),
        Edit("one Service more, for one BgpPeer alone", create_for_one, 1),
        Edit("communities of one Service", annotate, sessions),
        Edit("communities of one BgpPeer", prefer, 1),
        Edit("connectRetry of one BgpPeer", time_out, 0),
        Edit("one Service is for one BgpPeer alone", choose, sessions - 1),
    )


def _apply(stage: Stage, edit: Edit, on: str) -> Iterator[Row]:
    (node,) = stage.there.nodes
    log = node.state / "gobgpd" / "socket.log"
    took, bytes_, heard = list[float](), list[int](), list[int]()
    ended = _ends(log)
    for number in range(TIMES):
        _until_silent(stage)
        with listening(stage.host) as wire:
            with stage.plane.host.inside():
                began = asyncio.run(_make(stage.plane.kubeconfig, edit, number))
            _until_told(wire, node.host.address(), edit.sessions)
            updates = [each for each in wire.sent if each.sender == node.host.address() and each.at >= began - 1.0]
        took.append(max([each.at for each in updates], default=began) - began)
        bytes_.append(sum(each.size for each in updates))
        heard.append(len({each.receiver for each in updates}))
    what, reset = f"{on}, {edit.said}, {TIMES} times", f"{_ends(log) - ended} sessions ended"
    if not edit.sessions:
        yield table.bound(f"{what}: sessions that hear of it", max(heard), at_most=0, compared=reset)
        return
    told = f"{max(heard)} sessions heard of it, which concerns {edit.sessions}; {max(bytes_) / 1e3:.0f} kB; {reset}"
    yield table.bound(
        f"{what}: written → last UPDATE on the wire, p50",
        table.percentile(took, 50),
        at_most=LONGEST,
        unit="s",
        compared=f"at most {max(took):.2f} s; {told}",
    )


async def _make(kubeconfig: Path, edit: Edit, number: int) -> float:
    async with Client(from_kubeconfig([kubeconfig])) as client:
        await edit.make(client, number)
        return time.time()


def _until_told(wire: Wire, sender: str, sessions: int = 0) -> None:
    """Until so many sessions at least were told, and nothing was said for a while."""
    began = time.time()

    def look() -> None:
        sent = [each for each in wire.sent if each.sender == sender]
        heard = len({each.receiver for each in sent})
        require(heard >= sessions, f"{heard} of {sessions} sessions were told")
        require(time.time() - max([began, *(each.at for each in sent)]) > SILENCE, "it goes on")

    until(look, what="the end of all UPDATEs", timeout=120, every=0.1)


def _until_silent(stage: Stage) -> None:
    (node,) = stage.there.nodes
    with listening(stage.host) as wire:
        _until_told(wire, node.host.address())


def _ends(log: Path) -> int:
    return log.read_text(errors="replace").count('"Peer Down"')


def _require_established(router: Router, sessions: int) -> None:
    found = router.ask("show", "protocols").count("Established")
    require(found == sessions, f"{found} of {sessions} sessions")


def _peer(number: int, address: str) -> dict[str, object]:
    return thing("BgpPeer", f"r{number}", {"conf": {"neighborAddress": address, "peerAs": ROUTER_ASN}})


def _text(own: Sequence[str], node: str) -> str:
    """The first session takes routes in."""
    return "\n".join(
        [
            f"log stderr all; router id {ROUTER}; protocol device {{ }}",
            'protocol direct { ipv4; interface "eth0"; }',
            "protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }",
            *(
                f"protocol bgp peer{number} {{ local {one} as {ROUTER_ASN}; neighbor {node} as {ASN}; strict bind yes; "
                f"multihop 2; hold time 90; connect delay time 1; error wait time 1, 2; "
                f"ipv4 {{ import {'none' if number else 'all'}; export none; }}; }}"
                for number, one in enumerate(own)
            ),
        ]
    )
