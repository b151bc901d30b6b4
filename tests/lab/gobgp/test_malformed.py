"""What a real gobgpd of ours makes of routers that speak BGP wrongly: each as a script says, octet by octet."""

import asyncio
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path as File

import pytest

from lab.network import Host
from openelb.host.gobgp.client import Client
from openelb.host.gobgp.owner import owner
from openelb.model.bgp import Family, Peer, PeerFamily
from openelb.model.policy import NO_POLICIES
from openelb.plan.policy import combined
from openelb.plan.sessions import problem
from tests.lab.gobgp.real import Speaker, path, until
from tests.lab.gobgp.scripted import (
    KEEPALIVE,
    LABELLED,
    NOTIFICATION,
    OPEN,
    ORIGIN,
    ROUTE_REFRESH,
    UPDATE,
    Wire,
    attribute,
    dialled,
    hop,
    message,
    opening,
    path_of,
    routes,
    update,
)

ASN, ID = 64510, "10.255.0.10"
NODE = "10.77.0.1"
ONE = frozenset({path("192.0.2.10/32", NODE)})
THEIRS = ["198.51.100.0/24"]
PROPER = (ORIGIN, path_of(ASN), hop("10.77.0.2"))
TOLD = b"".join(PROPER)

Answer = tuple[int, int] | None
"""Code and subcode of the NOTIFICATION that ends the session."""

OPENINGS: Mapping[str, tuple[bytes, Answer]] = {
    "no BGP at all": (b"GET / HTTP/1.1\r\nHost: n1\r\n\r\n", (1, 1)),
    "another marker": (message(KEEPALIVE, marker=b"\0" * 16), (1, 1)),
    "shorter than a header": (message(KEEPALIVE, length=18), (1, 2)),
    "longer than a message": (message(KEEPALIVE, length=5000), (1, 2)),
    "an unknown type": (message(9), (1, 3)),
    "an OPEN that is cut": (message(OPEN, b"\x04\xfb"), (1, 2)),
    "parameters past the end": (
        message(OPEN, struct.pack("!BHHIB", 4, ASN, 90, 0x0AFF000A, 200) + b"\x02\x06"),
        (1, 2),
    ),
    "another version": (opening(ASN, ID, version=3), (2, 1)),
    "another autonomous system": (opening(64999, ID), (2, 2)),
    "no router id": (opening(ASN, "0.0.0.0"), (2, 3)),
    "too short a hold time": (opening(ASN, ID, hold=1), (2, 6)),
    "UPDATE first": (update(THEIRS, PROPER), (5, 1)),
    "KEEPALIVE first": (message(KEEPALIVE), (5, 1)),
    "NOTIFICATION first": (message(NOTIFICATION, b"\x02\x02"), (5, 1)),
    "a NOTIFICATION that is cut": (message(NOTIFICATION, b"\x06"), (1, 2)),
}
"""What comes in the place of a proper OPEN, and how it is answered."""

RESETS: Mapping[str, tuple[bytes, Answer]] = {
    "attributes past the end": (message(UPDATE, struct.pack("!HH", 0, 500) + ORIGIN), (3, 1)),
    "withdrawn routes past the end": (message(UPDATE, struct.pack("!H", 500) + b"\0\0"), (3, 1)),
    "an unknown well-known attribute": (update(THEIRS, (*PROPER, attribute(0x40, 99, b"x"))), (3, 2)),
    "a prefix of 33 bits": (message(UPDATE, struct.pack("!HH", 0, len(TOLD)) + TOLD + b"\x21\1\2\3\4\5"), (3, 10)),
    "a prefix that is cut": (message(UPDATE, struct.pack("!HH", 0, len(TOLD)) + TOLD + b"\x18\1"), (3, 10)),
    "a next hop of MP_REACH_NLRI that is cut": (
        update([], (attribute(0x80, 14, b"\0\1\1\4"), *PROPER[:2])),
        (3, 5),
    ),
    # GoBGP 4.8 has no better words for it; RFC 4760 (section 7) would have it ignore the family.
    "a family that nobody agreed on": (
        update([], (attribute(0x80, 14, b"\0\x63\1\4\1\2\3\4\0"), *PROPER[:2])),
        (0, 0),
    ),
    "a ROUTE-REFRESH that is cut": (message(ROUTE_REFRESH, b"\0"), (7, 1)),
    "an unknown type": (message(9), (1, 3)),
    "nonsense": (b"A" * 40, (1, 1)),
    "a NOTIFICATION without a code": (message(NOTIFICATION), (1, 2)),
    "a NOTIFICATION": (message(NOTIFICATION, b"\x06\x02"), None),
    "a NOTIFICATION of another world": (message(NOTIFICATION, b"\x63\x63"), None),
}
"""What ends an established session (RFC 7606 leaves these), and the last word."""

WITHDRAWN: Mapping[str, bytes] = {
    "no ORIGIN": update(THEIRS, PROPER[1:]),
    "no NEXT_HOP": update(THEIRS, PROPER[:2]),
    "an unknown ORIGIN": update(THEIRS, (attribute(0x40, 1, b"\x05"), *PROPER[1:])),
    "an ORIGIN of two octets": update(THEIRS, (attribute(0x40, 1, b"\0\0"), *PROPER[1:])),
    "an AS_PATH that is cut": update(THEIRS, (ORIGIN, attribute(0x40, 2, b"\x02\x05\0\0"), PROPER[2])),
    "an unknown segment of AS_PATH": update(THEIRS, (ORIGIN, attribute(0x40, 2, b"\x09\x01\0\0\0\1"), PROPER[2])),
    "a NEXT_HOP of three octets": update(THEIRS, (*PROPER[:2], attribute(0x40, 3, b"\1\2\3"))),
    "a NEXT_HOP of nobody": update(THEIRS, (*PROPER[:2], hop("0.0.0.0"))),
    "flags of another attribute": update(THEIRS, (attribute(0x80, 1, b"\0"), *PROPER[1:])),
    "communities of three octets": update(THEIRS, (*PROPER, attribute(0xC0, 8, b"abc"))),
    "a MED of three octets": update(THEIRS, (*PROPER, attribute(0x80, 4, b"abc"))),
    "an attribute past the end": update(THEIRS, (*PROPER[:2], attribute(0x40, 3, b"\1\2\3\4", length=200))),
}
"""Routes that are held to be withdrawn (RFC 7606, section 7), while the session goes on."""


class Routers:
    """As many routers as are asked for, each known to the node by an address of its own on the host r2."""

    def __init__(self, node: Speaker, host: Host, router: Speaker) -> None:
        self._node, self._host, self._router = node, host, router
        self.addresses: list[str] = []

    async def made(self, count: int) -> None:
        self.addresses = [f"10.77.0.{number}" for number in range(100, 100 + count)]
        for each in self.addresses:
            self._host.ip("address", "add", f"{each}/24", "dev", "eth0")
        peers = [Peer(address=each, peer_asn=ASN, passive=True) for each in self.addresses]
        await self._router.made(self._node.peer())
        await self._node.made(self._router.peer(), *peers, paths=ONE)
        await self._node.established(self._router)

    async def waiting(self, address: str) -> None:
        """Until gobgpd takes connections of it: just after it has heard of it, or after the last one, it takes none."""
        await until(lambda: self._node.bgp.sessions[address].state.value == "ACTIVE", within=60)

    def reason(self, address: str) -> str:
        return self._node.bgp.sessions[address].reason


@pytest.fixture
async def routers(node: Speaker, router: Speaker, hosts: dict[str, Host]) -> Routers:
    return Routers(node, hosts["r2"], router)


async def test_who_opens_a_session_wrongly_gets_none_and_is_told_why(
    node: Speaker, router: Speaker, routers: Routers, hosts: dict[str, Host]
) -> None:
    await routers.made(len(OPENINGS))
    pid, since = owner(str(node.socket)), node.session(router).since

    async def answer(address: str, said: bytes) -> Answer:
        await routers.waiting(address)
        async with dialled(hosts["r2"], NODE, source=address) as wire:
            await wire.say(said)
            return await wire.refused()

    answers = await asyncio.gather(
        *(answer(address, said) for address, (said, _) in zip(routers.addresses, OPENINGS.values(), strict=True))
    )
    assert dict(zip(OPENINGS, answers, strict=True)) == {name: wanted for name, (_, wanted) in OPENINGS.items()}
    await until(lambda: all(map(routers.reason, routers.addresses)), within=10)
    for name, address in zip(OPENINGS, routers.addresses, strict=True):
        print(f"{name}: {routers.reason(address)}")
    assert owner(str(node.socket)) == pid
    assert (await node.bgp.count())[router.address].since == since


async def test_an_established_session_ends_for_what_cannot_be_understood_and_for_nothing_else(
    node: Speaker, router: Speaker, routers: Routers, hosts: dict[str, Host]
) -> None:
    await routers.made(len(RESETS) + len(WITHDRAWN))
    pid, since = owner(str(node.socket)), node.session(router).since

    async def answer(address: str, said: bytes, *, ends: bool) -> Answer | bool:
        await routers.waiting(address)
        async with dialled(hosts["r2"], NODE, source=address) as wire:
            await wire.establish(ASN, ID)
            await wire.say(update(["198.51.100.0/25"], PROPER), said)
            if ends:
                return await wire.refused()
            await node.has(node, "198.51.100.0/25", address=address)
            return await wire.stays()

    said = [(what, True) for what, _ in RESETS.values()] + [(what, False) for what in WITHDRAWN.values()]
    answers = await asyncio.gather(
        *(answer(address, what, ends=ends) for address, (what, ends) in zip(routers.addresses, said, strict=True))
    )
    wanted = {name: how for name, (_, how) in RESETS.items()} | dict.fromkeys(WITHDRAWN, True)
    assert dict(zip([*RESETS, *WITHDRAWN], answers, strict=True)) == wanted
    ended = routers.addresses[: len(RESETS)]
    await until(lambda: all(map(routers.reason, ended)), within=10)
    for name, address in zip(RESETS, ended, strict=True):
        print(f"{name}: {routers.reason(address)}")
    assert owner(str(node.socket)) == pid
    assert (await node.bgp.count())[router.address].since == since
    assert await router.received(node)


async def test_a_router_with_the_router_id_of_the_node_is_told_of(
    node: Speaker, router: Speaker, routers: Routers, hosts: dict[str, Host]
) -> None:
    """Within one autonomous system. Between two it may be (RFC 6286)."""
    await routers.made(1)
    (address,) = routers.addresses
    inner = Peer(address=address, peer_asn=node.asn, passive=True)
    await node.made(router.peer(), inner, paths=ONE)
    await routers.waiting(address)
    async with dialled(hosts["r2"], NODE, source=address) as wire:
        await wire.say(opening(node.asn, node.router_id))
        assert await wire.refused() == (2, 3)
    await until(lambda: "router id of this node" in problem(inner, node.bgp.sessions[address]), within=10)


async def test_half_a_message_and_silence_hold_up_nobody(
    node: Speaker, router: Speaker, routers: Routers, hosts: dict[str, Host]
) -> None:
    await routers.made(3)
    since, proper = node.session(router).since, opening(ASN, ID)
    for address in routers.addresses:
        await routers.waiting(address)
    silent, cut, slow = routers.addresses
    async with (
        dialled(hosts["r2"], NODE, source=silent),
        dialled(hosts["r2"], NODE, source=cut) as half,
        dialled(hosts["r2"], NODE, source=slow) as wire,
    ):
        await half.say(proper[:25])
        for octet in proper + message(KEEPALIVE):
            await wire.say(bytes([octet]))
        await until(lambda: node.bgp.sessions[slow].is_established, within=20)
        more = path("192.0.2.11/32", NODE)
        await node.made(router.peer(), *_peers(routers), paths=ONE | {more})
        await router.has(node, "192.0.2.10/32", "192.0.2.11/32")
    assert (await node.bgp.count())[router.address].since == since


def _peers(routers: Routers) -> list[Peer]:
    return [Peer(address=each, peer_asn=ASN, passive=True) for each in routers.addresses]


async def test_what_a_node_says_is_proper_bgp(
    node: Speaker, router: Speaker, routers: Routers, hosts: dict[str, Host]
) -> None:
    """As a router sees it that takes it apart by the octet."""
    await routers.made(1)
    (address,) = routers.addresses
    await routers.waiting(address)
    async with dialled(hosts["r2"], NODE, source=address) as wire:
        await wire.establish(ASN, ID)
        opened = next(each for each in wire.heard if each.kind == OPEN).opened
        asn, router_id, hold, capabilities = opened
        assert (asn, router_id, hold) == (node.asn, node.router_id, 90)
        assert capabilities[1] == [b"\0\1\0\1"]  # IPv4 unicast alone
        assert capabilities[65] == [struct.pack("!I", node.asn)]
        told = await wire.until(UPDATE)
        assert told is not None
        assert _taken_apart(told.body) == (
            [],
            {1: b"\0", 2: struct.pack("!BBI", 2, 1, node.asn), 3: bytes([10, 77, 0, 1])},
            [str(next(iter(ONE)).prefix)],
        )
        node.want(router.peer(), *_peers(routers))
        while (told := await wire.until(UPDATE)) and _taken_apart(told.body)[0] != ["192.0.2.10/32"]:
            pass
        assert told is not None


def _taken_apart(body: bytes) -> tuple[list[str], dict[int, bytes], list[str]]:
    """Withdrawn prefixes, attributes by their codes, and prefixes of an UPDATE."""
    (gone,) = struct.unpack_from("!H", body)
    (told,) = struct.unpack_from("!H", body, 2 + gone)
    rest, found = body[4 + gone : 4 + gone + told], dict[int, bytes]()
    while rest:
        flags, code = rest[:2]
        wide = bool(flags & 0x10)  # extended length
        size, start = (struct.unpack_from("!H", rest, 2)[0], 4) if wide else (rest[2], 3)
        found[code], rest = rest[start : start + size], rest[start + size :]
    return _prefixes(body[2 : 2 + gone]), found, _prefixes(body[4 + gone + told :])


def _prefixes(told: bytes) -> list[str]:
    found = []
    while told:
        size = (told[0] + 7) // 8
        found.append(str(ip_network((told[1 : 1 + size].ljust(4, b"\0"), told[0]))))
        told = told[1 + size :]
    return found


async def test_a_router_without_a_common_family_is_told_nothing(
    node: Speaker, router: Speaker, routers: Routers, hosts: dict[str, Host]
) -> None:
    await routers.made(1)
    (address,) = routers.addresses
    await routers.waiting(address)
    async with dialled(hosts["r2"], NODE, source=address) as wire:
        await wire.establish(ASN, ID, families=[LABELLED])
        assert await _stays_silent(wire)
    await until(lambda: node.bgp.sessions[address].unshared == (Family.IPV4,), within=10)


async def _stays_silent(wire: Wire) -> bool:
    """Of routes."""
    return await wire.stays() and not [each for each in wire.heard if each.kind == UPDATE]


FULL, LIMIT = 100_000, 1_000


async def test_a_full_table_goes_nowhere_and_is_bounded(
    node: Speaker, router: Speaker, routers: Routers, hosts: dict[str, Host]
) -> None:
    """It is neither in the kernel nor told other routers. A limit shuts out who sends more, until it is another one."""
    await routers.made(2)
    free, limited = routers.addresses
    shut = (PeerFamily(Family.IPV4, max_prefixes=LIMIT),)
    peers = (
        Peer(address=free, peer_asn=ASN, passive=True),
        Peer(address=limited, peer_asn=ASN, passive=True, families=shut),
    )
    kept = combined(NO_POLICIES, NO_POLICIES)
    await node.made(router.peer(), *peers, paths=ONE, policies=kept)
    empty = memory(node)
    networks = [ip_network((0x0B000000 + (number << 8), 24)) for number in range(FULL)]
    for address, count in ((limited, 10 * LIMIT), (free, FULL)):
        await routers.waiting(address)
        async with dialled(hosts["r2"], NODE, source=address) as wire:
            await wire.establish(ASN, ID)
            reading = asyncio.ensure_future(wire.refused())
            with suppress(ConnectionError):
                for told in routes(ASN, address, networks[:count]):
                    await wire.say(told)
            if address == limited:
                assert await reading in ((6, 1), None)  # its last word may be lost with what was still under way
                await until(lambda: node.bgp.sessions[limited].over_limit, within=20)
                assert problem(peers[1], node.bgp.sessions[limited]).startswith("it sent more prefixes")
                continue
            async with asyncio.timeout(60):
                while await accepted(node, free) < FULL:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            full = memory(node)
            print(f"gobgpd with {FULL} routes of a router: {empty >> 10} -> {full >> 10} MiB")
            more = path("192.0.2.11/32", NODE)
            began = time.monotonic()
            await node.made(router.peer(), *peers, paths=ONE | {more}, policies=kept)
            await router.has(node, "192.0.2.10/32", "192.0.2.11/32")
            print(f"another path reaches the other router in {time.monotonic() - began:.2f} s")
            assert "11.0." not in hosts["n1"].ip("route")
            reading.cancel()
    assert node.session(router).is_established


async def accepted(node: Speaker, address: str) -> int:
    client = Client(str(node.socket))
    try:
        _, sessions = await client.peers()
    finally:
        client.close()
    (session,) = (each for each in sessions if each.key == address)
    return dict(session.counts)[Family.IPV4].received


def memory(node: Speaker) -> int:
    """KiB of gobgpd."""
    status = File(f"/proc/{owner(str(node.socket))}/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1])
