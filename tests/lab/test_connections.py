"""Five hundred connections through a Service, and a warm flow of datagrams, while speakers are killed and rolled over."""

import contextlib
import itertools
import json
import selectors
import socket
import time
from collections.abc import Iterator, Sequence

import pytest

from lab import faults
from lab.asking import Answers, again_and_again, told
from lab.cluster import Cluster
from lab.demo import OPENELB, address_of
from lab.images import openelb_reference
from lab.network import Host
from lab.traffic import LATE, TCP_PORT, UDP_PORT, warm_flow
from lab.wait import WaitError, require, until
from tests.lab import installed
from tests.lab.test_failover import address_of_node, back
from tests.lab.watching import EVERY, questions

CONNECTIONS = 500
ROUND = 2.0
"""Seconds in which every connection is used once."""
ROLLS, IN_TIME = 3, 3.0
"""Seconds within which a speaker has to be back for its node to keep its addresses. On a busy machine a pod may take longer
to start, and what is promised is looked at when the speakers are rolled over once more."""
REPLIES = 10.0
"""Seconds within which each use is answered: a busy machine may take its time, and a segment that was lost is sent again."""

ECHO = f"""
import asyncio

class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, content, sender):
        self.transport.sendto(content, sender)

async def serve(reader, writer):
    while content := await reader.read(1024):
        writer.write(content)
    writer.close()

async def main():
    await asyncio.get_running_loop().create_datagram_endpoint(Datagrams, ("0.0.0.0", {UDP_PORT}))
    await (await asyncio.start_server(serve, "0.0.0.0", {TCP_PORT}, backlog=1024)).serve_forever()

asyncio.run(main())
"""

SENDS_BACK = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: echo}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: echo}}}}
  template:
    metadata: {{labels: {{app: echo}}}}
    spec:
      nodeSelector: {{kubernetes.io/hostname: cp}}
      tolerations: [{{operator: Exists}}]
      terminationGracePeriodSeconds: 0
      containers:
        - name: echo
          image: {openelb_reference(installed.REPOSITORY)}
          imagePullPolicy: IfNotPresent
          command: {json.dumps(["python3", "-c", ECHO])}
          readinessProbe: {{tcpSocket: {{port: {TCP_PORT}}}, periodSeconds: 1}}
"""
"""On the node that no test takes away, with what is in OpenELB's own image."""


@pytest.fixture
def address(pool: Cluster) -> Iterator[str]:
    """An address that n1 answers for, where a pod sends back what it gets."""
    pool.apply(SENDS_BACK)
    try:
        yield _served(pool)
    finally:
        # With its pod: one that is about to end would get some of what the next test begins.
        pool.kubectl("delete", "deployment", "echo", "--cascade=foreground", timeout=120)


def _served(pool: Cluster) -> str:
    pool.rolled_out("deployment/echo")
    ports = [
        {"name": protocol.lower(), "protocol": protocol, "port": port, "targetPort": port}
        for protocol, port in (("UDP", UDP_PORT), ("TCP", TCP_PORT))
    ]
    wanted = address_of_node(pool, "n1")
    pool.apply(installed.from_pool("echo", address=wanted, selector={"app": "echo"}, ports=ports))
    until(lambda: require(address_of(pool, "echo") == wanted, "none"), what="an address for Service echo")
    return wanted


def test_a_killed_speaker_costs_no_connection_and_no_datagram(pool: Cluster, address: str) -> None:
    with in_use(pool.client, address) as used, questions(pool, address) as answers:
        assert answers.settled() == "n1"
        killed = time.monotonic()
        faults.kill(pool, "speaker", "n1")
        until(lambda: back(pool, "n1", answers, killed), what="the speaker's return", timeout=30)
        assert answers.settled() == "n1"
        used.lost_nothing(since=killed)


def test_speakers_that_are_rolled_over_cost_no_connection_and_no_datagram(pool: Cluster, address: str) -> None:
    for _ in range(ROLLS):
        seen = Answers(address, EVERY)
        try:
            with in_use(pool.client, address) as used, questions(pool, address) as seen:
                owner = seen.settled()
                began = time.monotonic()
                pool.kubectl("-n", OPENELB, "rollout", "restart", installed.SPEAKER)
                pool.rolled_out(installed.SPEAKER, namespace=OPENELB)
                assert seen.settled() == owner, told(seen.since(began))
                used.lost_nothing(since=began)
        except (AssertionError, OSError, WaitError):
            if seen.longest_silence() < IN_TIME:
                raise
        else:
            print(f"silent for {seen.longest_silence():.2f} s: {told(seen.since(began))}")
            return
    pytest.fail(f"of {ROLLS} times no pod was back within {IN_TIME:g} s: this machine has other work")


class Used:
    """Connections that are used all the time, and a flow of datagrams beside them."""

    def __init__(self, established: Sequence[socket.socket], client: Host, address: str) -> None:
        self._established = established
        self._flow = warm_flow(client, address)
        self._sent, self._back = [0] * len(established), [0] * len(established)
        self._turns = itertools.cycle(range(len(established)))
        self._replies = selectors.DefaultSelector()
        for number, each in enumerate(established):
            self._replies.register(each, selectors.EVENT_READ, number)

    @contextlib.contextmanager
    def running(self) -> Iterator["Used"]:
        with self._replies, self._flow as self.datagrams, again_and_again(self._use_next):
            yield self

    def lost_nothing(self, *, since: float) -> None:
        """Wait until every connection has been used once more and answered, and look at the datagrams of that moment on."""
        wanted = [count + 1 for count in self._sent]
        until(lambda: self._require_back(wanted), what="an answer on every connection", timeout=ROUND + REPLIES)
        time.sleep(LATE)
        assert self.datagrams.lost(since) == 0

    def _require_back(self, wanted: Sequence[int]) -> None:
        silent = [number for number, count in enumerate(wanted) if self._back[number] < count]
        require(not silent, f"{len(silent)} of {len(wanted)} are silent, such as {silent[:5]}")

    def _use_next(self) -> None:
        """Raises ConnectionResetError, or AssertionError where the other side has closed."""
        at, number = time.monotonic(), next(self._turns)
        self._established[number].send(b".")
        self._sent[number] += 1
        while (left := at + ROUND / len(self._established) - time.monotonic()) > 0:
            for key, _ in self._replies.select(left):
                content = key.fileobj.recv(1024)  # type: ignore[union-attr]
                assert content, f"connection {key.data} was closed"
                self._back[key.data] += len(content)


@contextlib.contextmanager
def in_use(client: Host, address: str) -> Iterator[Used]:
    """Establish all connections and use them while the block runs, which is told at its end when one was reset."""
    with contextlib.ExitStack() as stack:
        established = list[socket.socket]()
        for _ in range(CONNECTIONS):
            with client.inside():
                one = until(lambda: socket.create_connection((address, TCP_PORT), timeout=5), what="a connection")
            established.append(stack.enter_context(one))
        # A kernel accepts connections for a process that does nothing.
        until(lambda: _echoes(established[0]), what=f"an answer on a connection to {address}")
        yield stack.enter_context(Used(established, client, address).running())


def _echoes(connection: socket.socket) -> None:
    connection.sendall(b"?")
    require(connection.recv(1) == b"?", "something else came back")
