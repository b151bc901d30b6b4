"""Datagrams between hosts that have no IPv4: from which of their addresses they come."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pytest

from lab.network import Host, Network
from lab.wait import require, until
from openelb.announce.pace import ALL_NODES
from openelb.host.datagrams import DatagramPort

NUMBER = 50055
ONE, OTHER = "fd00:79::11", "fd00:79::12"


@dataclass
class Pair:
    """Two hosts of one LAN; the first makes a temporary address beside the one that it has."""

    one: Host
    other: Host

    def sources(self, to: str) -> set[str]:
        """Where a datagram comes from that the first host sends there."""
        with opened(self.one) as sender, opened(self.other) as receiver:
            with self.one.inside():
                sender.send(to, b"beat")
            receiver.wait(5.0)
            return {source for _, source in iter(receiver.receive, None)}

    def has_a_temporary_address(self) -> None:
        """Raises NotYetError before it can be used."""
        require("temporary" in self.one.ip("-6", "addr", "show", "dev", "eth0", "-tentative"), "none")


@contextmanager
def opened(host: Host) -> Iterator[DatagramPort]:
    with closing(DatagramPort(NUMBER)) as port:
        with host.inside():
            port.open()
        yield port


@pytest.fixture
def pair(network: Network) -> Pair:
    switch = network.switch("lan")
    one, other = network.host("n1"), network.host("n2")
    one.write_settings({"net/ipv6/conf/default/use_tempaddr": "2"})
    one.attach(switch, "eth0")
    other.attach(switch, "eth0", f"{OTHER}/64")
    life = "valid_lft 8000 preferred_lft 4000"
    one.ip(*f"addr add {ONE}/64 dev eth0 mngtmpaddr nodad {life}".split())
    pair = Pair(one, other)
    until(pair.has_a_temporary_address, what="a temporary address", timeout=10.0)
    return pair


def test_they_come_from_an_address_that_peers_are_told_of(pair: Pair) -> None:
    assert pair.sources(OTHER) == {ONE}


def test_they_do_when_all_on_the_link_are_called_as_well(pair: Pair) -> None:
    assert pair.sources(f"{ALL_NODES}%eth0") == {ONE}
