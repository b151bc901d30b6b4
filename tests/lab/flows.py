"""A client that sends a datagram every 10 ms through one socket, and counts the echoes: a flow that never begins anew."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.cluster import Cluster
from lab.demo import address_of
from lab.network import Host
from lab.wait import require, until
from tests.lab import installed

EVERY = 0.01
"""Seconds between two datagrams."""
PORT = 7007
LATE = 1.0
"""Seconds in which an echo may come."""

ECHO = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", {PORT}))
while True:
    s.sendto(*s.recvfrom(64))
"""


@dataclass(frozen=True, slots=True)
class Flow:
    """When each datagram was sent, and when its echo came (monotonic seconds), by number."""

    sent: list[float] = field(default_factory=list)
    back: dict[int, float] = field(default_factory=dict)

    def lost(self) -> list[int]:
        """The numbers of those that have not come back and should have."""
        return [number for number, at in enumerate(self.sent) if number not in self.back and at < self.sent[-1] - LATE]

    def slowest(self) -> float:
        """The longest time an echo took."""
        return max((at - self.sent[number] for number, at in self.back.items()), default=0.0)


def serve_echo(cluster: Cluster, name: str, address: str) -> None:
    """Have a pod on the control plane's node echo datagrams, by a Service with that address; returns when it does."""
    [image] = [each for each in cluster.prepared.images if "openelb/openelb" in each]
    container = {
        "name": "echo",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-u", "-c", ECHO],
    }
    spec = {
        "nodeName": "cp",
        "tolerations": [{"operator": "Exists"}],
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    metadata = {"name": "echo", "labels": {"app": "echo"}}
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
    ports = [{"name": "echo", "protocol": "UDP", "port": PORT, "targetPort": PORT}]
    cluster.apply(installed.from_pool(name, address=address, selector={"app": "echo"}, ports=ports))
    until(lambda: require(address_of(cluster, name) == address, "another address"), what=f"{address} for {name}")
    until(lambda: require(echoed(cluster.client, address), "no echo"), what=f"an echo from {address}", timeout=60)


def echoed(client: Host, address: str) -> bool:
    """Whether one datagram comes back."""
    with client.inside():
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with contextlib.closing(one):
        one.settimeout(0.2)
        one.sendto(b"?", (address, PORT))
        with contextlib.suppress(OSError):
            return one.recv(64) == b"?"
    return False


@contextlib.contextmanager
def flow(client: Host, address: str) -> Iterator[Flow]:
    """Send while the block runs, and hear what comes back until a moment later."""
    seen, stop = Flow(), threading.Event()
    with client.inside():
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.settimeout(0.1)
    one.connect((address, PORT))

    def send() -> None:
        due = time.monotonic()
        while not stop.is_set():
            number = len(seen.sent)
            seen.sent.append(time.monotonic())
            with contextlib.suppress(OSError):
                one.send(str(number).encode())
            due += EVERY
            time.sleep(max(0.0, due - time.monotonic()))

    def hear() -> None:
        quiet_since = None
        while quiet_since is None or time.monotonic() < quiet_since + LATE:
            quiet_since = quiet_since or (time.monotonic() if stop.is_set() else None)
            with contextlib.suppress(OSError):
                seen.back.setdefault(int(one.recv(64)), time.monotonic())

    threads = [threading.Thread(target=each, daemon=True) for each in (send, hear)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        one.close()
