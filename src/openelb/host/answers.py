"""A packet socket on one link that puts questions by ARP or neighbour discovery and hears the answers to them. It needs the
capability NET_RAW.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

from openelb.host.sockets import FRAME_SIZE, NO_ROOM, attach, bind, packet_socket
from openelb.model.addresses import Address
from openelb.wire import arp, ndp
from openelb.wire.bpf import answers_filter, kernel_filter_ipv6

_MOST = 256
"""Frames that are read at once: whoever floods a link with answers gets no more of our time."""


class AnswerPort:
    """As `gateways.Port` describes it."""

    def __init__(self, link: str, asked: Iterable[Address]) -> None:
        """Only of those who are `asked`, all of one family, is anything heard. Raises OSError when the link is gone or down, or
        without NET_RAW.
        """
        four = [one for one in asked if isinstance(one, IPv4Address)]
        six = [one for one in asked if isinstance(one, IPv6Address)]
        self._packets = packet_socket()
        try:
            attach(self._packets, answers_filter(four) if four else kernel_filter_ipv6(six))
            bind(self._packets, link, arp.ETHERTYPE if four else ndp.ETHERTYPE)
        except OSError:
            self._packets.close()
            raise

    def send(self, frame: bytes) -> bool:
        """Send a frame; False when there was no room for it. Raises OSError when the link is gone or down."""
        try:
            self._packets.send(frame)
        except OSError as error:
            if error.errno in NO_ROOM:
                return False
            raise
        return True

    def receive(self) -> Iterator[bytes]:
        """The frames that are there. Raises OSError when the link is gone or down."""
        for _ in range(_MOST):
            try:
                yield self._packets.recv(FRAME_SIZE)
            except BlockingIOError:
                return

    def close(self) -> None:
        self._packets.close()
