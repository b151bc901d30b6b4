"""A speaker of BGP that says what a test tells it to, octet by octet, and takes apart what it hears (RFC 4271, section 4)."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address, ip_network

from lab.network import Host

OPEN, UPDATE, NOTIFICATION, KEEPALIVE, ROUTE_REFRESH = 1, 2, 3, 4, 5
MARKER = b"\xff" * 16
AS_TRANS = 23456
PORT = 179
SECONDS = 20.0
"""For an answer. What is waited for comes within one second where a machine has nothing else to do."""

IPV4 = b"\x00\x01\x00\x01"
"""The capability of several protocols: AFI 1, SAFI 1 (RFC 4760)."""
LABELLED = b"\x00\x01\x00\x04"


def message(kind: int, body: bytes = b"", *, marker: bytes = MARKER, length: int | None = None) -> bytes:
    """Any message; its header is right unless told otherwise."""
    return marker + struct.pack("!HB", 19 + len(body) if length is None else length, kind) + body


def opening(
    asn: int, router_id: str, *, version: int = 4, hold: int = 90, families: Iterable[bytes] = (IPV4,)
) -> bytes:
    """OPEN, with the capability of four-octet autonomous systems."""
    capabilities = [(1, family) for family in families] + [(2, b""), (65, struct.pack("!I", asn))]
    told = b"".join(struct.pack("!BB", code, len(value)) + value for code, value in capabilities)
    parameters = struct.pack("!BB", 2, len(told)) + told
    short = asn if asn < 1 << 16 else AS_TRANS
    head = struct.pack("!BHH", version, short, hold) + ip_address(router_id).packed
    return message(OPEN, head + bytes([len(parameters)]) + parameters)


def update(prefixes: Iterable[str] = (), attributes: Iterable[bytes] = (), withdrawn: Iterable[str] = ()) -> bytes:
    """UPDATE with these attributes, whatever they are."""
    gone, told, of = b"".join(map(_prefix, withdrawn)), b"".join(attributes), b"".join(map(_prefix, prefixes))
    return message(UPDATE, struct.pack("!H", len(gone)) + gone + struct.pack("!H", len(told)) + told + of)


def _prefix(text: str) -> bytes:
    network = ip_network(text)
    return bytes([network.prefixlen]) + network.network_address.packed[: (network.prefixlen + 7) // 8]


def attribute(flags: int, code: int, value: bytes, *, length: int | None = None) -> bytes:
    return struct.pack("!BBB", flags, code, len(value) if length is None else length) + value


ORIGIN = attribute(0x40, 1, b"\x00")


def path_of(*asns: int) -> bytes:
    return attribute(0x40, 2, struct.pack("!BB", 2, len(asns)) + b"".join(struct.pack("!I", asn) for asn in asns))


def hop(address: str) -> bytes:
    return attribute(0x40, 3, ip_address(address).packed)


def routes(asn: int, address: str, networks: Iterable[IPv4Network], *, at_once: int = 700) -> Iterator[bytes]:
    """Proper UPDATEs that announce all of these."""
    pending: list[str] = []
    attributes = (ORIGIN, path_of(asn), hop(address))
    for network in networks:
        pending.append(str(network))
        if len(pending) == at_once:
            yield update(pending, attributes)
            pending = []
    if pending:
        yield update(pending, attributes)


@dataclass(frozen=True, slots=True)
class Heard:
    """A message, taken apart. Raises ValueError for one that nobody should send."""

    kind: int
    body: bytes

    @property
    def error(self) -> tuple[int, int]:
        """Code and subcode of a NOTIFICATION."""
        return self.body[0], self.body[1]

    @property
    def opened(self) -> tuple[int, str, int, dict[int, list[bytes]]]:
        """Autonomous system, router id, hold time and capabilities of an OPEN."""
        version, asn, hold = struct.unpack("!BHH", self.body[:5])
        parameters = self.body[10:]
        if version != 4 or len(parameters) != self.body[9]:
            raise ValueError("no OPEN of version 4")
        capabilities: dict[int, list[bytes]] = {}
        while parameters:
            kind, length = parameters[:2]
            told, parameters = parameters[2 : 2 + length], parameters[2 + length :]
            while kind == 2 and told:
                code, size = told[:2]
                capabilities.setdefault(code, []).append(told[2 : 2 + size])
                told = told[2 + size :]
        four = capabilities.get(65)
        return struct.unpack("!I", four[0])[0] if four else asn, str(ip_address(self.body[5:9])), hold, capabilities


@dataclass
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[Heard] = field(default_factory=list)

    async def say(self, *messages: bytes) -> None:
        self.writer.write(b"".join(messages))
        async with asyncio.timeout(SECONDS):
            await self.writer.drain()

    async def hear(self) -> Heard | None:
        """The next message; None when the other side has closed. Raises ValueError for what is no message."""
        async with asyncio.timeout(SECONDS):
            try:
                head = await self.reader.readexactly(19)
                length, kind = struct.unpack("!HB", head[16:])
                if head[:16] != MARKER or not 19 <= length <= 4096 or kind not in (1, 2, 3, 4, 5):
                    raise ValueError(f"no message: {head.hex()}")
                body = await self.reader.readexactly(length - 19)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
        self.heard.append(Heard(kind, body))
        return self.heard[-1]

    async def until(self, kind: int) -> Heard | None:
        """The next message of that kind; None when the other side closes before."""
        while (told := await self.hear()) and told.kind != kind:
            pass
        return told

    async def refused(self) -> tuple[int, int] | None:
        """Code and subcode of the NOTIFICATION with which the other side ends the session; None without one."""
        told = await self.until(NOTIFICATION)
        return told.error if told else None

    async def establish(self, asn: int, router_id: str, **how: object) -> None:
        await self.say(opening(asn, router_id, **how))  # type: ignore[arg-type]
        assert await self.until(OPEN), "no OPEN"
        await self.say(message(KEEPALIVE))
        assert await self.until(KEEPALIVE), "no KEEPALIVE"

    async def stays(self, seconds: float = 0.5) -> bool:
        """Whether the session goes on for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.until(NOTIFICATION)
                return False
        return True

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def dialled(host: Host, address: str, *, source: str = "", port: int = PORT) -> AsyncIterator[Wire]:
    """A connection from that host, from that address of it where one is given."""
    with host.inside():
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    made.setblocking(False)
    if source:
        made.bind((source, 0))
    async with asyncio.timeout(SECONDS):
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    wire = Wire(*await asyncio.open_connection(sock=made))
    try:
        yield wire
    finally:
        wire.close()


@asynccontextmanager
async def listening(host: Host, port: int = PORT) -> AsyncIterator["asyncio.Queue[Wire]"]:
    """Connections to that host, as they come."""
    came: asyncio.Queue[Wire] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.put_nowait(Wire(reader, writer))

    with host.inside():
        made = socket.create_server(("", port))
    server = await asyncio.start_server(take, sock=made)
    try:
        yield came
    finally:
        server.close()
        while not came.empty():
            came.get_nowait().close()
