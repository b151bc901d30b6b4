"""The multicast groups of one link that this host belongs to, held by sockets: it leaves them when these are closed.

By sockets of IPv6, so that the kernel reports each group to the LAN (MLD, RFC 3810): a switch that snoops passes a group's
frames on to those who reported it, and to nobody else. The kernel has the NIC let them in as well. Source: ipv6(7).
"""

import contextlib
import errno
import socket
import struct
from ipaddress import IPv6Address


class Groups:
    """The groups joined on one link, by as many sockets as they need.

    Linux charges each group to its socket, up to net.core.optmem_max: at 128 KiB, 2,340 groups; at 20 KiB, 365.
    """

    def __init__(self, link: str) -> None:
        self._link = link
        self._joined: dict[IPv6Address, socket.socket] = {}
        self._with_room: list[socket.socket] = []

    def follow(self, groups: frozenset[IPv6Address]) -> bool:
        """Belong to exactly these groups; False when the kernel refuses one: no IPv6 on the link, or no memory."""
        try:
            index = socket.if_nametoindex(self._link)
            for group in self._joined.keys() - groups:
                self._leave(group, index)
            for group in groups - self._joined.keys():
                self._join(group, index)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Leave all of them."""
        for each in {*self._joined.values(), *self._with_room}:
            each.close()
        self._joined, self._with_room = {}, []

    def _join(self, group: IPv6Address, index: int) -> None:
        while self._with_room:
            try:
                self._add(self._with_room[-1], group, index)
            except OSError as refusal:
                if refusal.errno != errno.ENOMEM:
                    raise
                self._with_room.pop()
            else:
                return
        fresh = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        try:
            self._add(fresh, group, index)
        except OSError:
            fresh.close()
            raise
        self._with_room.append(fresh)

    def _add(self, to: socket.socket, group: IPv6Address, index: int) -> None:
        to.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, _membership(group, index))
        self._joined[group] = to

    def _leave(self, group: IPv6Address, index: int) -> None:
        left = self._joined.pop(group)
        with contextlib.suppress(OSError):  # the link may be another one of that name, without the membership
            left.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, _membership(group, index))
        if left not in self._with_room:
            self._with_room.append(left)


def _membership(group: IPv6Address, index: int) -> bytes:
    """`struct ipv6_mreq`."""
    return group.packed + struct.pack("@I", index)
