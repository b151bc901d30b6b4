"""Many addresses of one node at once: those of a node that leaves are warm, those of one that is lost are only listened for."""

import contextlib
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network

from lab import arp
from lab.asking import again_and_again
from lab.network import Host
from lab.speakers import Speakers
from lab.traffic import LATE, echo, flow
from lab.wait import require, until
from openelb.model.addresses import parse_address
from openelb.plan.placement import winner

MOVED, LOST = 200, 1000
"""So many addresses are a node's when it leaves, on the average, and when it is lost."""

_LEFT, _GONE = IPv4Network("10.101.0.0/17"), IPv4Network("10.101.128.0/17")
_AT_ONCE = 20
"""Datagrams every hundredth of a second: each of 200 addresses gets one ten times a second."""

_HANDED_OVER = 3.0
"""Seconds after which a node that left has handed everything over."""

_SENDER = slice(28, 32)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a warm flow to all addresses of a node: how many addresses and datagrams, and how many of these were lost."""

    addresses: int
    sent: int
    lost: int


def warm(there: Speakers, profile: str) -> list[str]:
    """Serve enough addresses for every node to have so many."""
    there.pool("planned", str(_LEFT), profile=profile)
    addresses = [str(_LEFT[number]) for number in range(1, MOVED * len(there.nodes) + 1)]
    there.serve(addresses, "planned")
    return addresses


def leave(there: Speakers, name: str) -> None:
    """Have a node leave for good, by a cordon and SIGTERM, and come back when others have taken its addresses over."""
    there.cordon(name, cordoned=True)
    there.node(name).stop()
    time.sleep(_HANDED_OVER)
    there.cordon(name, cordoned=False)
    there.node(name).start()


def drain(there: Speakers, name: str) -> None:
    """Drain a node as `openelb drain` does, until it answers for nothing, and take that back."""
    there.drain(name, drained=True)
    until(partial(_require_nothing, there, name), what=f"{name} to answer for nothing", timeout=60)
    there.drain(name, drained=False)


def warm_through(change: Callable[[Speakers, str], None], there: Speakers, addresses: Sequence[str]) -> Moved:
    """What becomes of a warm flow to all addresses of the node that has most of them, while this is done to it."""
    with echo([node.host for node in there.nodes]):
        owners = _owners(there, addresses)
        (name, _), *_ = Counter(owners.values()).most_common(1)
        own = [address for address, owner in owners.items() if owner == name]
        with flow(there.client, own, at_once=_AT_ONCE) as seen:
            time.sleep(2 * LATE)
            began = time.monotonic()
            change(there, name)
            there.all_alive()
            time.sleep(_HANDED_OVER + LATE)
            return Moved(len(own), sum(at >= began for at in seen.sent), seen.lost(began))


def _require_nothing(there: Speakers, name: str) -> None:
    found = there.node(name).announced()
    require(not found, f"it answers for {found}")


def _owners(there: Speakers, addresses: Sequence[str]) -> dict[str, str]:
    """Which node the client's kernel holds to have each, when it knows one for all."""
    names = there.names()

    def look() -> dict[str, str]:
        found = json.loads(there.client.ip("-j", "neigh", "show", "dev", "eth0"))
        known = {each["dst"]: names[each["lladdr"]] for each in found if each.get("lladdr") in names}
        missing = set(addresses) - known.keys()
        require(not missing, f"it knows {len(missing)} of {len(addresses)} not")
        return {address: known[address] for address in addresses}

    with flow(there.client, addresses, at_once=_AT_ONCE):
        return until(look, what="the client's kernel to know who has which address", timeout=60)


def crowd(there: Speakers, profile: str) -> frozenset[str]:
    """Serve so many addresses that are all the first node's, where it is there."""
    nodes = [node.name for node in there.nodes]
    own = (text for text in map(str, _GONE) if (at := parse_address(text)) and winner(at, nodes) == nodes[0])
    addresses = [text for text, _ in zip(own, range(LOST), strict=False)]
    there.pool("lost", str(_GONE), profile=profile, failback=True)
    there.serve(addresses, "lost")
    return frozenset(addresses)


def lose(there: Speakers, addresses: frozenset[str]) -> tuple[float, float]:
    """Cut the first node off: the seconds until the first of its addresses was announced by another, and from that to the last."""
    first = there.nodes[0]
    until(partial(_require_announced, there, len(addresses)), what=f"all addresses on {first.name}", timeout=60)
    time.sleep(2 * LATE)
    with announcements(there.client) as heard:
        began = time.monotonic()
        first.host.cut()
        until(lambda: require(addresses <= heard.keys(), f"{len(heard)} announced"), what="all to be announced")
        times = [heard[address] for address in addresses]
    first.host.heal()
    there.all_alive()
    return min(times) - began, max(times) - min(times)


def _require_announced(there: Speakers, count: int) -> None:
    found = there.nodes[0].announced()
    require(found >= count, f"{found} of {count}")


@contextlib.contextmanager
def announcements(client: Host) -> Iterator[dict[str, float]]:
    """When each address was first announced by ARP while the block runs, as the client hears it."""
    first: dict[str, float] = {}
    with client.inside():
        ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(arp.ETHERTYPE))
    ears.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
    ears.bind(("eth0", arp.ETHERTYPE))
    ears.settimeout(0.2)

    def step() -> None:
        with contextlib.suppress(TimeoutError):
            frame = ears.recv(2048)
            first.setdefault(str(IPv4Address(frame[_SENDER])), time.monotonic())

    with ears, again_and_again(step):
        yield first
