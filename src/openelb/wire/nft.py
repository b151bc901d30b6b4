"""Our table of nftables: what it says, and how it is changed, in the words of `nft -f`.

It is for packets that reach the node for an address that it announces and that no Service serves: kube-proxy translates those
it serves, so whatever is still for the address when it is about to be forwarded is for nobody. Whether the program `nft` is
there, and what the kernel has at present, is not known here. Sources: nft(8); the hooks' order, linux/netfilter_ipv4.h.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from hashlib import sha256

TABLE = "openelb"
FOUR, SIX = "ipv4", "ipv6"
"""The sets of the addresses of each family."""

FOUR_NETWORKS, SIX_NETWORKS = "ipv4_networks", "ipv6_networks"
"""The sets of whole networks that packets come here for: whichever of their addresses is served, another one is not."""

SETS = {
    FOUR: "type ipv4_addr;",
    SIX: "type ipv6_addr;",
    FOUR_NETWORKS: "type ipv4_addr; flags interval;",
    SIX_NETWORKS: "type ipv6_addr; flags interval;",
}

_OWN = f"inet {TABLE}"

# Before kube-proxy's rules for destinations (dstnat, -100), which know no ping. The kernel answers as itself, and translates
# its answer back to the address that was asked.
_PING = """\
  chain ping {{ type nat hook prerouting priority dstnat - 10; policy accept;
    ip daddr @ipv4 icmp type echo-request redirect comment "{mark}"
    ip6 daddr @ipv6 icmpv6 type echo-request redirect comment "{mark}"
  }}
"""

# After everybody's filters (0): a firewall that drops without a word is obeyed, and so is kube-proxy.
_UNSERVED = """\
  chain unserved {{ type filter hook forward priority filter + 10; policy accept;
    ip daddr @ipv4 meta l4proto tcp reject with tcp reset comment "{mark}"
    ip6 daddr @ipv6 meta l4proto tcp reject with tcp reset comment "{mark}"
    ip daddr @ipv4 reject with icmpx port-unreachable comment "{mark}"
    ip6 daddr @ipv6 reject with icmpx port-unreachable comment "{mark}"
    ip daddr @ipv4_networks reject with icmpx host-unreachable comment "{mark}"
    ip6 daddr @ipv6_networks reject with icmpx host-unreachable comment "{mark}"
  }}
"""


@dataclass(frozen=True, slots=True)
class Table:
    """What the table holds: the comment of each rule, in order by chains, and the addresses and networks as texts."""

    marks: tuple[tuple[str, str], ...] = ()
    addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with packets that nobody serves. Without either there is to be no table."""

    ping: bool = True
    reject: bool = True

    def __bool__(self) -> bool:
        return self.ping or self.reject

    def table(self, addresses: frozenset[str]) -> Table:
        """The table that does it for these addresses."""
        mark = self._mark
        rules = [("ping", self._chains.count("redirect")), ("unserved", self._chains.count("reject with"))]
        return Table(tuple((chain, mark) for chain, count in rules for _ in range(count)), addresses)

    def written(self, addresses: Iterable[str]) -> str:
        """The command that puts the table there as a whole, in place of whatever it was. The kernel does so at one stroke."""
        sets = "".join(f"  set {name} {{ {kind} }}\n" for name, kind in SETS.items())
        rules = self._chains.format(mark=self._mark)
        table = f"table {_OWN} {{\n{sets}{rules}}}\n"
        return f"add table {_OWN}\ndelete table {_OWN}\n{table}{_elements('add', addresses)}"

    @property
    def _chains(self) -> str:
        return (_PING if self.ping else "") + (_UNSERVED if self.reject else "")

    @property
    def _mark(self) -> str:
        """Of rules that say exactly this: those of another version are told from them."""
        return f"OpenELB {sha256(self._chains.encode()).hexdigest()[:12]}"


NOTHING = Wish(ping=False, reject=False)


def changed(gained: Set[str], lost: Set[str]) -> str:
    """The command that adds these addresses and takes those away: both or, when one of those is not there, neither."""
    return _elements("add", gained) + _elements("delete", lost)


def difference(have: Table | None, wish: Wish, addresses: frozenset[str]) -> str:
    """The command that makes of what is there what is wished for; empty when it is so. None is no table."""
    if not wish:
        return "" if have is None else removed()
    want = wish.table(addresses)
    if have is None or have.marks != want.marks:
        return wish.written(addresses)
    return changed(want.addresses - have.addresses, have.addresses - want.addresses)


def removed() -> str:
    """The command after which there is no table, also when there was none."""
    return f"add table {_OWN}\ndelete table {_OWN}\n"


def _elements(verb: str, addresses: Iterable[str]) -> str:
    found: dict[str, list[str]] = {name: [] for name in SETS}
    for each in sorted(addresses):
        found[_set(each)].append(each)
    return "".join(f"{verb} element {_OWN} {name} {{ {', '.join(own)} }}\n" for name, own in found.items() if own)


def _set(text: str) -> str:
    if "/" in text:
        return SIX_NETWORKS if ":" in text else FOUR_NETWORKS
    return SIX if ":" in text else FOUR
