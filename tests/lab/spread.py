"""A client behind the router that has many flows at once, which the router spreads over nodes: datagrams and TCP connections that
go on through whatever a test does. What they are answered by are pods on three nodes.
"""

import contextlib
import json
import selectors
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lab.asking import again_and_again
from lab.cluster import Cluster
from lab.demo import address_of
from lab.network import Host
from lab.wait import require, until
from tests.lab import installed

PORT = 7007
FLOWS = 12
"""Of each kind, to each address. That a node of three gets none of them happens once in 130 times, and does no harm."""

EVERY = 0.1
"""Seconds between two words of a flow: each takes its turn."""

AT_ONCE = 8
"""Words between two looks at what came back."""

LATE = 3.0
"""Seconds in which an echo may come, on a machine that is busy."""
LABEL = "spread"
"""Of its pods; others in the cluster echo too."""

_NUMBER = struct.Struct("!Q")

ECHO = f"""
import asyncio

class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, data, sender):
        self.transport.sendto(data, sender)

async def connection(reader, writer):
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()

async def main():
    await asyncio.get_running_loop().create_datagram_endpoint(Datagrams, local_addr=("0.0.0.0", {PORT}))
    async with await asyncio.start_server(connection, "0.0.0.0", {PORT}, backlog=1024) as server:
        await server.serve_forever()

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Flows:
    """What became of all words: datagrams by number, when they were sent and whether they came back; and of connections, which
    ended, and the last word each has sent and heard.
    """

    sent: list[float] = field(default_factory=list)
    back: set[int] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    """Connections that ended, or were refused, with why."""
    waiting: dict[int, float] = field(default_factory=dict)
    """Connections with a word that was not answered yet, since when."""
    begun: list[int] = field(default_factory=list)
    """The connections, by their numbers."""

    def lost(self, since: float = 0.0) -> list[int]:
        """The numbers of datagrams sent from that moment on that have not come back, and have had the time."""
        now = time.monotonic()
        return [at for at, when in enumerate(self.sent) if at not in self.back and since <= when < now - LATE]

    def well(self) -> None:
        """Return when all that was sent has come back or had its time. Raises NotYetError."""
        require(len(self.sent) - len(self.back) < FLOWS, "datagrams are under way")
        require(not any(time.monotonic() - at > LATE for at in self.waiting.values()), "a connection stands still")


def serve(cluster: Cluster, addresses: dict[str, str], pool: str, nodes: Sequence[str] = ("n1", "n2", "n3")) -> None:
    """Have pods on these nodes echo, by a Service for each external traffic policy, with its address."""
    [image] = [each for each in cluster.prepared.images if "openelb/openelb" in each]
    container = {
        "name": "echo",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-u", "-c", ECHO],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    }
    for node in nodes:
        spec = {
            "nodeName": node,
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
        }
        metadata = {"name": f"echo-{node}", "labels": {"app": LABEL}}
        cluster.apply(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
    ports = [{"name": kind.lower(), "protocol": kind, "port": PORT, "targetPort": PORT} for kind in ("TCP", "UDP")]
    for policy, address in addresses.items():
        spec = {"selector": {"app": LABEL}, "ports": ports, "externalTrafficPolicy": policy}
        cluster.apply(installed.from_pool(policy.lower(), pool, address, **spec))

    def shown() -> None:
        found = {policy: address_of(cluster, policy.lower()) for policy in addresses}
        require(found == addresses, f"{found}")

    until(shown, what="the addresses of both Services", timeout=60)


def remove(cluster: Cluster) -> None:
    """Take away the pods. Services go with the pool."""
    cluster.kubectl("delete", "pod", "--selector", f"app={LABEL}", "--wait=false")


@contextlib.contextmanager
def flows(client: Host, addresses: Sequence[str]) -> Iterator[Flows]:
    """Have flows to all addresses, each of which was answered before the block begins, while it runs."""
    for address in addresses:
        until(lambda to=address: _answers(client, to), what=f"an echo from {address}", timeout=120, every=0.3)
    seen, ears = Flows(), selectors.DefaultSelector()
    with contextlib.ExitStack() as opening:
        datagrams = [opening.enter_context(_datagrams(client, each)) for each in addresses for _ in range(FLOWS)]
        connections = [opening.enter_context(_connection(client, each)) for each in addresses for _ in range(FLOWS)]
        opening.pop_all()  # all are closed at the end
    for each in (*datagrams, *connections):
        each.setblocking(False)
    for each in datagrams:
        ears.register(each, selectors.EVENT_READ, None)
    for number, each in enumerate(connections):
        ears.register(each, selectors.EVENT_READ, number)
        seen.begun.append(number)
    turns = iter(())

    def step() -> None:
        nonlocal turns
        due = time.monotonic() + EVERY / (len(datagrams) + len(connections)) * AT_ONCE
        for _ in range(AT_ONCE):
            one = next(turns, None)
            if one is None:
                turns = iter([*enumerate(connections), *((None, each) for each in datagrams)])
                one = next(turns)
            _say(seen, ears, *one)
        while (left := due - time.monotonic()) > 0:
            for key, _ in ears.select(left):
                _hear(seen, ears, key.data, key.fileobj)  # type: ignore[arg-type]  # they are sockets

    try:
        with again_and_again(step):
            yield seen
    finally:
        for each in (*datagrams, *connections):
            each.close()
        ears.close()


def _datagrams(client: Host, address: str) -> socket.socket:
    with client.inside():
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.connect((address, PORT))
    return made


def _connection(client: Host, address: str) -> socket.socket:
    """Some node's kube-proxy may be later than others'."""

    def connect() -> socket.socket:
        with client.inside():
            return socket.create_connection((address, PORT), timeout=10)

    return until(connect, what=f"a connection to {address}")


def _answers(client: Host, address: str) -> None:
    """Look whether a new connection is answered. Raises OSError."""
    with client.inside(), socket.create_connection((address, PORT), timeout=1) as one:
        one.sendall(b"?")
        require(one.recv(1) == b"?", "no echo")


def _say(seen: Flows, ears: selectors.BaseSelector, number: int | None, through: socket.socket) -> None:
    if number is None:
        seen.sent.append(time.monotonic())
        with contextlib.suppress(OSError):  # that it was refused a moment ago
            through.send(_NUMBER.pack(len(seen.sent) - 1))
    elif number in seen.begun and number not in seen.waiting:
        seen.waiting[number] = time.monotonic()
        try:
            through.send(b"!")
        except OSError as error:
            _end(seen, ears, number, through, str(error))


def _hear(seen: Flows, ears: selectors.BaseSelector, number: int | None, through: socket.socket) -> None:
    try:
        said = through.recv(4096)
    except BlockingIOError:
        return
    except OSError as error:
        if number is not None:
            _end(seen, ears, number, through, str(error))
        return
    if number is None:
        seen.back.add(*_NUMBER.unpack(said))
    elif said:
        seen.waiting.pop(number, None)
    else:
        _end(seen, ears, number, through, "closed by the other side")


def _end(seen: Flows, ears: selectors.BaseSelector, number: int, through: socket.socket, why: str) -> None:
    ears.unregister(through)
    seen.begun.remove(number)
    seen.waiting.pop(number, None)
    seen.broken.append(f"connection {number} after {len(seen.sent)} datagrams: {why}")
