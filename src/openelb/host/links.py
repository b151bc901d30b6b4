"""The network interfaces of this machine, read from the kernel, and word that they changed.

Nothing here writes to the kernel or needs a capability.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable

from openelb.host.netlink import BUFFER, asked, listening, overflow_is_a_word, waiting
from openelb.model.addresses import order
from openelb.model.cluster import Link
from openelb.wire.rtnetlink import (
    Interface,
    InterfaceAddress,
    addresses_question,
    interfaces_question,
)

_WHOLES = frozenset({"bridge", "bond", "team", "openvswitch"})
"""A port of one of these has no voice of its own: the bridge or bond answers."""

_NICS = frozenset({"", "bond", "team", "vlan"})
"""Kinds that are kept without an address: hardware, which has no kind, and what is put together from it.

A layer2 network may need no address of its own on the node. Anything else without one, above all the hundreds of veths
that lead into pods, is a part of the node's inside.
"""

_GROUPS = 0x1 | 0x10 | 0x100  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR

_SETTLE = 0.05
"""Seconds to wait after a change for the others that come with it: a link that comes up sends about ten."""


def links() -> tuple[Link, ...]:
    """The interfaces of this machine on which layer 2 can be spoken, chosen by `layer2_links`.

    Raises OSError when the kernel does not answer.
    """
    addresses = [address for part in asked(addresses_question()) for address in part.addresses]
    return layer2_links(_interfaces(), addresses)


def mac_of(name: str) -> bytes | None:
    """The MAC of an interface, whatever its state; None when there is no such interface."""
    return next((interface.mac for interface in _interfaces() if interface.name == name), None)


def layer2_links(interfaces: Iterable[Interface], addresses: Iterable[InterfaceAddress]) -> tuple[Link, ...]:
    """The Ethernet interfaces that are up and have a carrier, with their addresses, both in order.

    Left out are loopback, ports of bridges and bonds, and what has no global address unless it is a NIC. An IPv6 address of
    the link alone says that IPv6 is on there; of IPv4 such addresses say nothing.
    """
    steady = [found for found in addresses if found.steady and not _is_passing(found)]
    links = []
    for interface in interfaces:
        own = [found.address for found in steady if found.index == interface.index]
        if _speaks(interface) and (interface.kind in _NICS or not all(address.is_link_local for address in own)):
            own.sort(key=lambda address: (order(address.ip), address.network.prefixlen))
            links.append(Link(interface.name, tuple(own), interface.mac.hex(":")))
    return tuple(sorted(links, key=lambda link: link.name))


async def link_changes() -> AsyncIterator[None]:
    """Say "look again" once at the start, then after changes of interfaces or addresses; changes that come together are one."""
    with contextlib.closing(listening(_GROUPS)) as news:
        while True:
            yield
            await _word(news)
            await asyncio.sleep(_SETTLE)
            for _ in waiting(news):
                pass


def _is_passing(found: InterfaceAddress) -> bool:
    return found.address.version == 4 and found.address.is_link_local


def _speaks(interface: Interface) -> bool:
    return interface.ethernet and interface.running and interface.port_of not in _WHOLES


def _interfaces() -> list[Interface]:
    return [interface for part in asked(interfaces_question()) for interface in part.interfaces]


async def _word(news: socket.socket) -> None:
    """Return when the kernel has something to say."""
    with overflow_is_a_word():
        await asyncio.get_running_loop().sock_recv(news, BUFFER)
