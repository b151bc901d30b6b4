"""A node that answers for addresses and a client, on one switch: what tests of frames on a real wire share."""

import contextlib
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address

from lab import arp, ndp
from lab.network import Host, Network
from lab.wait import require, until
from openelb.announce.counts import Counts
from openelb.announce.layer2 import Layer2
from openelb.host.sockets import LinkPort
from openelb.model.announcements import Claim

FOUR, OTHER_FOUR, CLIENT_FOUR = "10.79.0.200", "10.79.0.201", "10.79.0.100"
SIX, OTHER_SIX, CLIENT_SIX = "fd00:79::200", "fd00:79::201", "fd00:79::100"
LONG = 1000.0


class Lan:
    """A node that announces and a client, on one switch."""

    def __init__(self, network: Network) -> None:
        self.switch = network.switch("lan")
        self.node = network.host("n1")
        self.node.attach(self.switch, "eth0", "10.79.0.11/24", "fd00:79::11/64")
        self.client = network.host("client")
        self.client.attach(self.switch, "eth0", f"{CLIENT_FOUR}/24", f"{CLIENT_SIX}/64")
        self.layer2 = Layer2(LinkPort)

    def apply(self, *addresses: str, valid_for: float = LONG) -> None:
        claims = frozenset(Claim(ip_address(address), "eth0") for address in addresses)
        with self.node.inside():  # a thread stays on the host where it was started
            self.layer2.apply(claims, valid_until=time.monotonic() + valid_for)

    @property
    def counts(self) -> Counts:
        return self.layer2.counts["eth0"].arp

    @property
    def counts_ipv6(self) -> Counts:
        return self.layer2.counts["eth0"].ndp

    def settle(self) -> None:
        """Return when the thread follows its orders: it announces what is new."""
        until(
            lambda: require(self.counts.announced >= 2 or self.counts_ipv6.announced, "nothing is announced"),
            what="announcements",
            timeout=5,
            every=0.001,
        )


@contextlib.contextmanager
def heard(host: Host, ethertype: int) -> Iterator[socket.socket]:
    """A socket with every frame of that kind that reaches the host from now on."""
    with host.inside():
        ears = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
        ears.bind(("eth0", ethertype))
    with ears:
        ears.settimeout(2)
        yield ears


def question(ears: socket.socket, address: str) -> bytes:
    """What the client asks by: ARP or neighbour discovery."""
    mac = ears.getsockname()[4]
    if ":" in address:
        return ndp.question(address, sender_mac=mac, sender=CLIENT_SIX)
    return arp.question(address, sender_mac=mac, sender=CLIENT_FOUR)


def answer_time(ears: socket.socket, asked: bytes, address: str) -> float:
    """Seconds from the question to its answer."""
    protocol = ndp if ":" in address else arp
    begin = time.monotonic()
    ears.send(asked)
    while protocol.answering_mac(ears.recv(2048), address) is None:
        pass
    return time.monotonic() - begin


def answers_soon(lan: Lan, address: str, *, probe: bool = False) -> bool:
    """Whether the node answers, with the MAC it has, within a few seconds: a closed link is tried every second."""
    until(
        lambda: require(lan.client.who_has(address, within=0.1, probe=probe) == {lan.node.mac()}, "nobody answers"),
        what=f"an answer for {address}",
        timeout=5,
    )
    return True
