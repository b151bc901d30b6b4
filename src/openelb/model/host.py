"""What of this machine's settings may keep it from announcing well."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HostSettings:
    """As the kernel has them at a moment. `arp_ignore` and `rp_filter` (net.ipv4.conf) are, by link, what really counts there;
    `default_links` are those of IPv4 default routes. `taken_ports` are TCP ports that a program listens on.
    """

    interfaces: frozenset[str] = frozenset()
    arp_ignore: Mapping[str, int] = field(default_factory=dict)
    rp_filter: Mapping[str, int] = field(default_factory=dict)
    default_links: frozenset[str] = frozenset()
    taken_ports: frozenset[int] = frozenset()
