"""Settings of this machine, read from the kernel. Nothing here writes, or needs a capability; what cannot be read is left out."""

import contextlib
import errno
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from openelb.model.host import HostSettings

CONF = Path("/proc/sys/net/ipv4/conf")
ROUTES = Path("/proc/net/route")
_ALL = "00000000"  # the destination and the mask of a default route


def read(links: Iterable[str], ports: frozenset[int] = frozenset()) -> HostSettings:
    """The settings of these links. `ports` are those known to be taken."""
    names = tuple(links)
    return HostSettings(
        interfaces=frozenset(name for _, name in socket.if_nameindex()),
        arp_ignore=dict(_settings(names, "arp_ignore")),
        rp_filter=dict(_settings(names, "rp_filter")),
        default_links=frozenset(_default_links()),
        taken_ports=ports,
    )


def taken(ports: Iterable[int]) -> frozenset[int]:
    """Those of the TCP ports that a program of this machine has. To ask, each is bound for a moment and never listened on."""
    return frozenset(port for port in ports if _is_taken(port))


def _is_taken(port: int) -> bool:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as one:
        try:
            one.bind(("", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _settings(links: Iterable[str], name: str) -> Iterator[tuple[str, int]]:
    """The larger of a link's own and that of all, which counts (Documentation/networking/ip-sysctl)."""
    for link in links:
        with contextlib.suppress(OSError, ValueError):
            yield link, max(int((CONF / each / name).read_text()) for each in ("all", link))


def _default_links() -> Iterator[str]:
    with contextlib.suppress(OSError):
        for line in ROUTES.read_text().splitlines()[1:]:
            words = line.split()
            if len(words) > 7 and words[1] == words[7] == _ALL:
                yield words[0]
