"""Single values of routing policies: prefixes, neighbours, communities, regular expressions, as GoBGP 4.8 reads them.

Each function has what gobgpd reports of the value when asked for its policies, so that what is wished can be compared with what is
there. Where GoBGP takes what cannot be meant (65536 of 16 bits becomes 65535, letters around a community are skipped), the value is
refused. Sources, by their functions: internal/pkg/table/policy.go (NewPrefix, NewNeighborSet, NewAsPathSet, ParseCommunity,
ParseCommunityRegexp, ParseExtCommunity, NewMedAction, NewNexthopAction), pkg/packet/bgp/bgp.go (ParseExtendedCommunity).
"""

import re
import struct
from ipaddress import IPv6Address, ip_address, ip_network

from openelb.model.addresses import Address
from openelb.model.policy import MedChange, NextHop, PrefixRange
from openelb.wire import go_regexp
from openelb.wire.communities import WELL_KNOWN

BITS_16, BITS_32 = 0xFFFF, 0xFFFFFFFF

LONGEST_EXPRESSION = 500
"""Characters. An expression cannot be nested deeper than it is long, and Go's limit of nesting is 1000."""

_ANY_AS = "(^|[,{}() ]|$)"
"""What `_` stands for in an expression for AS paths (ASPATH_REGEXP_MAGIC)."""

_TUNNELS = {
    "l2tp3": "L2TPv3 over IP",
    "gre": "GRE",
    "ip-in-ip": "IP in IP",
    "vxlan": "VXLAN",
    "nvgre": "NVGRE",
    "mpls": "MPLS",
    "mpls-in-gre": "MPLS in GRE",
    "vxlan-gre": "VXLAN GRE",
    "mpls-in-udp": "MPLS in UDP",
    "geneve": "GENEVE",
}
_STATES = frozenset(("valid", "not-found", "invalid"))
_KINDS = frozenset(("rt", "soo", "encap", "lb"))

_NUMBER = re.compile(r"[0-9]+")
_LITERAL = re.compile(r"(?:[0-9]+[^0-9\n])*[0-9]+:[0-9]+")  # _regexpCommunity2, in a form that is never read twice
_SINGLE_AS = re.compile(r"([_^])([0-9]+)([_$])")
_MED = re.compile(r"([+-]?)([0-9]+)")
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)")


class WrongError(Exception):
    """The sentence is what is wrong with a value, and what is to be written."""


def prefix(text: str, lengths: str | None) -> PrefixRange:
    """A prefix with the lengths that are meant; without, its own alone. Bits beyond its length are dropped."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise WrongError("this is no prefix: write one as 192.0.2.0/24 or 2001:db8::/32") from None
    if "/" not in text or not text.rpartition("/")[2].isdecimal():
        raise WrongError(f"a prefix has its length: write {network}")
    if _is_foreign(text, network.network_address):
        raise WrongError("write the prefix without a zone, and one of IPv4 not within IPv6")
    if lengths is None:
        return PrefixRange(str(network), network.prefixlen, network.prefixlen)
    found = _RANGE.fullmatch(lengths)
    ends = found.groups() if found and all(_fits(each, network.max_prefixlen) for each in found.groups()) else (1, 0)
    shortest, longest = map(int, ends)
    if shortest > longest:
        raise WrongError(
            f"these are no lengths of prefixes of IPv{network.version}: write them as {network.prefixlen}..{network.max_prefixlen}"
        )
    if longest < network.prefixlen:
        raise WrongError(f"no prefix within {network} is so short: write {network.prefixlen}..{network.max_prefixlen}")
    return PrefixRange(str(network), shortest, longest)


def neighbor(text: str) -> str:
    """A neighbour's address, or a prefix of neighbours; reported as a prefix."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise WrongError("this is no neighbour: write its address, or a prefix, as 192.0.2.1 or 192.0.2.0/24") from None
    if _is_foreign(text, network.network_address) or ("/" in text and not text.rpartition("/")[2].isdecimal()):
        raise WrongError("this is no neighbour: write its address without a zone, or a prefix with its length")
    return str(network)


def address(text: str) -> str:
    """An address."""
    try:
        found = ip_address(text)
    except ValueError:
        raise WrongError("this is no address: write one as 192.0.2.1 or 2001:db8::1") from None
    if _is_foreign(text, found):
        raise WrongError("write the address without a zone, and one of IPv4 not within IPv6")
    return str(found)


def _is_foreign(text: str, found: Address) -> bool:
    return "%" in text or (isinstance(found, IPv6Address) and found.ipv4_mapped is not None)


def next_hop(text: str) -> str | NextHop:
    """`self`, `unchanged`, `peer-address` in any case, or an address."""
    if text.lower() in list(NextHop):
        return NextHop(text.lower())
    try:
        return address(text)
    except WrongError:
        raise WrongError("write self, unchanged, peer-address, or an address") from None


def med(text: str) -> MedChange:
    """`100` replaces, `+10` and `-10` change."""
    found = _MED.fullmatch(text)
    if not found or _beyond(found[2], BITS_32):
        raise WrongError(f"write the MED itself (100), or by how much it changes (+10, -10), up to {BITS_32}")
    value = int(text)
    if found[1] and not value:
        raise WrongError("a change by nothing would become the MED 0: write 0 if that is meant, or leave it out")
    return MedChange(value, relative=bool(found[1]))


def as_number(text: str) -> int:
    """An autonomous system; 0 is `last-as`, the leftmost of the path."""
    if text == "last-as":
        return 0
    if not _NUMBER.fullmatch(text) or _beyond(text, BITS_32) or not int(text):
        raise WrongError(f"write an AS number from 1 to {BITS_32}, or last-as, which is the leftmost of the path")
    return int(text)


def as_path(text: str) -> str:
    """An expression for AS paths. `^65001_`, `_65001_`, `_65001$` and `^65001$` are no expressions for GoBGP but compared as numbers."""
    if found := _SINGLE_AS.fullmatch(text):
        if _beyond(found[2], BITS_32):
            raise WrongError(f"AS numbers end at {BITS_32}")
        return f"{found[1]}{int(found[2])}{found[3]}"
    return _expression(text.replace("_", _ANY_AS), text)


def is_single_as(text: str) -> bool:
    """Whether GoBGP reports it before the expressions of its set."""
    return _SINGLE_AS.fullmatch(text) is not None


def community_pattern(text: str) -> str:
    """A community, its name, or an expression for communities; reported as an expression."""
    if _NUMBER.fullmatch(text) and not _beyond(text, BITS_32):
        return f"^{_pair(int(text))}$"
    if _LITERAL.fullmatch(text):
        return _expression(f"^{text}$", text)
    if (name := _name(text)) in WELL_KNOWN:
        return f"^{_pair(WELL_KNOWN[name])}$"
    return _expression(text, text)


def ext_community_pattern(text: str) -> str:
    """An expression for the value of extended communities of one kind: `rt:65000:100`, `soo:^65000:.*$`."""
    kind, colon, value = text.partition(":")
    if not colon or kind.lower() not in _KINDS:
        raise WrongError("write the kind before it: rt:, soo:, encap: or lb:, as in rt:65000:100")
    return f"{kind.lower()}:{community_pattern(value)}"


def large_community_pattern(text: str) -> str:
    """A large community, or an expression for them."""
    return _expression(f"^{text}$" if re.fullmatch(r"[0-9]+:[0-9]+:[0-9]+", text) else text, text)


def community(text: str) -> str:
    """A community of a route: two numbers, one, or a name; reported as two."""
    if _NUMBER.fullmatch(text) and not _beyond(text, BITS_32):
        return _pair(int(text))
    if (name := _name(text)) in WELL_KNOWN:
        return _pair(WELL_KNOWN[name])
    numbers = _numbers(text, 2, BITS_16)
    if not numbers:
        raise WrongError("this is no community: write two numbers up to 65535, as 65000:100, or a name, as no-export")
    return ":".join(map(str, numbers))


def large_community(text: str) -> str:
    """A large community of a route (RFC 8092)."""
    numbers = _numbers(text, 3, BITS_32)
    if not numbers:
        raise WrongError("this is no large community: write three numbers, as 65000:1:2")
    return ":".join(map(str, numbers))


def ext_community(text: str) -> str:
    """An extended community of a route: `rt:65000:100`, `soo:192.0.2.1:100`, `encap:vxlan`, `lb:65000:125000`, `valid`."""
    if text in _STATES:
        return text
    kind, _, value = text.partition(":")
    kind = kind.lower()
    said = ""
    if kind == "encap":
        said = _TUNNELS.get(value) or (value if value in _TUNNELS.values() else "")
    elif kind == "lb":
        said = _bandwidth(value)
    elif kind in _KINDS:
        said = _administered(value)
    if not said:
        raise WrongError(
            "this is no extended community: write it as rt:65000:100, soo:192.0.2.1:100, encap:vxlan, lb:65000:125000"
        )
    return f"{kind}:{said}"


def _bandwidth(text: str) -> str:
    system, _, rate = text.partition(":")
    if not (_fits(system, BITS_16) and _fits(rate, BITS_32)):
        return ""
    (rounded,) = struct.unpack("f", struct.pack("f", int(rate)))  # carried as a float of 32 bits
    return f"{int(system)}:{int(rounded)}"


def _administered(text: str) -> str:
    """Two octets of an AS and four of the value, four (`1.2`) and two, or an address and two."""
    owner, _, value = text.rpartition(":")
    if _fits(owner, BITS_16):
        return f"{int(owner)}:{int(value)}" if _fits(value, BITS_32) else ""
    if _fits(owner, BITS_32):
        raise WrongError(
            f"GoBGP takes an AS number of four octets in two parts: write {int(owner) >> 16}.{int(owner) & BITS_16}:{shortened(value)}"
        )
    if not _fits(value, BITS_16):
        return ""
    upper, dot, lower = owner.partition(".")
    if dot and _fits(upper, BITS_16) and _fits(lower, BITS_16):
        return f"{int(upper)}.{int(lower)}:{int(value)}"
    try:
        found = ip_address(owner)
    except ValueError:
        return ""
    if (
        _is_foreign(owner, found) or str(found)[0] == ":" or str(found)[-1] == ":"
    ):  # no match of _regexpRouteDistinguisher
        return ""
    return f"{found}:{int(value)}"


def shortened(text: str) -> str:
    """A part of a user's word that fits into a sentence."""
    return text if len(text) <= 20 else text[:20] + "…"


def _pair(number: int) -> str:
    return f"{number >> 16}:{number & BITS_16}"


def _name(text: str) -> str:
    return text.lower().replace("_", "-")


def _numbers(text: str, count: int, most: int) -> tuple[int, ...]:
    parts = text.split(":")
    return tuple(map(int, parts)) if len(parts) == count and all(_fits(part, most) for part in parts) else ()


def _fits(text: str, most: int) -> bool:
    return bool(_NUMBER.fullmatch(text)) and not _beyond(text, most)


def _beyond(digits: str, most: int) -> bool:
    """Whether a number is too large, without making one of thousands of digits."""
    significant = digits.lstrip("0")
    return len(significant) > 10 or int(significant or "0") > most


def _expression(pattern: str, text: str) -> str:
    if len(text) > LONGEST_EXPRESSION:
        raise WrongError(
            f"this expression has {len(text)} characters, and {LONGEST_EXPRESSION} are read: write several members"
        )
    if why := go_regexp.flaw(pattern):
        raise WrongError(f"this is no regular expression of Go: {why}")
    return pattern
