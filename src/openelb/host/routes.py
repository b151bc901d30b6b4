"""The gateways of this machine's default routes, by link, read from the kernel. Nothing here writes or needs a capability."""

import contextlib
import socket
from collections.abc import Mapping
from itertools import chain

from openelb.host.netlink import asked, listening, waiting
from openelb.model.addresses import Address, order
from openelb.wire.rtnetlink import may_change_gateways, routes_question

# RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400


class DefaultRoutes:
    """Those of the main table. All routes are read again when one of these may have changed, and not before: there may be
    thousands of others.
    """

    def __init__(self) -> None:
        self._news = listening(_GROUPS)
        self._known: Mapping[str, tuple[Address, ...]] | None = None

    def gateways(self) -> Mapping[str, tuple[Address, ...]]:
        """The gateways by each link, in order. Raises OSError when the kernel does not answer."""
        words = list(waiting(self._news))
        if self._known is None or any(not word or may_change_gateways(word) for word in words):
            self._known = _read()
        return self._known

    def close(self) -> None:
        self._news.close()


def _read() -> Mapping[str, tuple[Address, ...]]:
    found: dict[str, set[Address]] = {}
    for part in chain.from_iterable(asked(routes_question(version)) for version in (4, 6)):
        for gateway in part.gateways:
            with contextlib.suppress(OSError):  # the link is gone meanwhile, which will be told
                found.setdefault(socket.if_indextoname(gateway.index), set()).add(gateway.address)
    return {link: tuple(sorted(addresses, key=order)) for link, addresses in found.items()}
