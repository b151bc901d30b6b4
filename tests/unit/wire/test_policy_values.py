"""Single values of policies: in the form in which gobgpd 4.8 reports them, held against it; and what it would take for another."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model.policy import MedChange, NextHop, PrefixRange
from openelb.wire import policy_values as values
from openelb.wire.policy_values import WrongError

AS_REPORTED = [
    (values.neighbor, "192.0.2.1", "192.0.2.1/32"),
    (values.neighbor, "192.0.2.129/25", "192.0.2.128/25"),
    (values.neighbor, "2001:DB8::0:1", "2001:db8::1/128"),
    (values.neighbor, "fe80::1", "fe80::1/128"),
    (values.neighbor, "::/0", "::/0"),
    (values.as_path, "^65001_", "^65001_"),
    (values.as_path, "_065001$", "_65001$"),
    (values.as_path, "_4294967295_", "_4294967295_"),
    (values.as_path, "^65001$", "^65001$"),
    (values.as_path, "^65001_65002", "^65001(^|[,{}() ]|$)65002"),
    (values.as_path, "65001", "65001"),
    (values.community_pattern, "65000:100", "^65000:100$"),
    (values.community_pattern, "4259840100", "^65000:100$"),
    (values.community_pattern, "99999999999", "99999999999"),
    (values.community_pattern, "NO_EXPORT", "^65535:65281$"),
    (values.community_pattern, "planned-shut", "^65535:0$"),
    (values.community_pattern, "blackhole", "^65535:666$"),
    (values.community_pattern, "internet", "^0:0$"),
    (values.community_pattern, "1.2:3", "^1.2:3$"),
    (values.community_pattern, "1..2:3", "1..2:3"),
    (values.community_pattern, "^65000:100$", "^65000:100$"),
    (values.ext_community_pattern, "RT:65000:200", "rt:^65000:200$"),
    (values.ext_community_pattern, "soo:192.0.2.1:100", "soo:^192.0.2.1:100$"),
    (values.ext_community_pattern, "encap:VXLAN", "encap:VXLAN"),
    (values.ext_community_pattern, "LB:65000:.*", "lb:65000:.*"),
    (values.large_community_pattern, "65000:1:2", "^65000:1:2$"),
    (values.large_community_pattern, "65000:1:.*", "65000:1:.*"),
    (values.community, "65000:100", "65000:100"),
    (values.community, "065000:0100", "65000:100"),
    (values.community, "4259840100", "65000:100"),
    (values.community, "no-export", "65535:65281"),
    (values.community, "llgr-stale", "65535:6"),
    (values.large_community, "4294967295:01:2", "4294967295:1:2"),
    (values.ext_community, "RT:65000:4294967295", "rt:65000:4294967295"),
    (values.ext_community, "soo:192.0.2.1:100", "soo:192.0.2.1:100"),
    (values.ext_community, "rt:1.4464:100", "rt:1.4464:100"),
    (values.ext_community, "rt:2001:db8::1:100", "rt:2001:db8::1:100"),
    (values.ext_community, "encap:vxlan", "encap:VXLAN"),
    (values.ext_community, "encap:MPLS in UDP", "encap:MPLS in UDP"),
    (values.ext_community, "lb:65000:125000", "lb:65000:125000"),
    (values.ext_community, "lb:65000:16777217", "lb:65000:16777216"),
    (values.ext_community, "valid", "valid"),
    (values.next_hop, "192.0.2.1", "192.0.2.1"),
    (values.next_hop, "2001:DB8::0:1", "2001:db8::1"),
    (values.next_hop, "SELF", NextHop.SELF),
    (values.next_hop, "peer-address", NextHop.PEER),
]


@pytest.mark.parametrize(("reading", "text", "reported"), AS_REPORTED)
def test_what_is_read_is_what_gobgpd_reports(reading: Callable[[str], str], text: str, reported: str) -> None:
    assert reading(text) == reported
    assert reading(reported) == reported


def test_a_prefix_is_reported_without_the_bits_beyond_its_length() -> None:
    assert values.prefix("192.0.2.129/25", "25..32") == PrefixRange("192.0.2.128/25", 25, 32)
    assert values.prefix("2001:db8::/32", None) == PrefixRange("2001:db8::/32", 32, 32)


def test_a_med_is_set_or_changed() -> None:
    assert values.med("100") == MedChange(100)
    assert values.med("+10") == MedChange(10, relative=True)
    assert values.med("-010") == MedChange(-10, relative=True)


REFUSED = [
    (values.neighbor, "leaf1", "this is no neighbour"),
    (values.neighbor, "fe80::1%eth0", "this is no neighbour: write its address without a zone"),
    (values.neighbor, "192.0.2.0/255.255.255.0", "this is no neighbour"),
    (values.neighbor, "::ffff:192.0.2.1", "this is no neighbour"),
    (values.as_path, "_4294967296_", "AS numbers end at 4294967295"),
    (values.as_path, "^65001[_0-9]", "this is no regular expression of Go: a ) closes nothing"),
    (values.as_path, "x" * 501, "this expression has 501 characters, and 500 are read: write several members"),
    (values.community_pattern, "1(2:3", "this is no regular expression of Go: a ( is not closed"),
    (values.ext_community_pattern, "65000:200", "write the kind before it"),
    (values.ext_community_pattern, "rt", "write the kind before it"),
    (values.large_community_pattern, "65000:1:[", "this is no regular expression of Go: a [ is not closed"),
    (values.community, "65536:1", "this is no community"),  # GoBGP: 65535:1
    (values.community, "x65000:100y", "this is no community"),  # GoBGP: 65000:100
    (values.community, "65000:1:2", "this is no community"),
    (values.large_community, "65000:1", "this is no large community"),
    (values.large_community, "4294967296:1:2", "this is no large community"),
    (values.ext_community, "rt:70000:100", "GoBGP takes an AS number of four octets in two parts: write 1.4464:100"),
    (values.ext_community, "rt:1.4464:65536", "this is no extended community"),
    (values.ext_community, "rt:::1:100", "this is no extended community"),
    (values.ext_community, "encap:sr-policy", "this is no extended community"),
    (values.ext_community, "lb:1.2:100", "this is no extended community"),
    (values.ext_community, "VALID", "this is no extended community"),
    (values.next_hop, "192.0.2.0/24", "write self, unchanged, peer-address, or an address"),
    (values.next_hop, "fe80::1%eth0", "write self, unchanged, peer-address, or an address"),
    (values.med, "", "write the MED itself"),
    (values.med, "+4294967296", "write the MED itself"),
    (values.med, "-0", "a change by nothing would become the MED 0"),
    (values.as_number, "0", "write an AS number from 1 to 4294967295, or last-as"),
    (values.as_number, "1.1", "write an AS number"),
]


@pytest.mark.parametrize(("reading", "text", "why"), REFUSED)
def test_what_cannot_be_meant_is_refused(reading: Callable[[str], str], text: str, why: str) -> None:
    with pytest.raises(WrongError) as wrong:
        reading(text)
    assert str(wrong.value).startswith(why)


@pytest.mark.parametrize(
    ("text", "lengths", "why"),
    [
        ("192.0.2.1", None, "a prefix has its length: write 192.0.2.1/32"),
        ("192.0.2.0/255.255.255.0", None, "a prefix has its length: write 192.0.2.0/24"),
        ("192.0.2.0/33", None, "this is no prefix"),
        ("::ffff:192.0.2.0/120", None, "write the prefix without a zone, and one of IPv4 not within IPv6"),
        ("192.0.2.0/24", "32..24", "these are no lengths of prefixes of IPv4: write them as 24..32"),
        ("192.0.2.0/24", "24..33", "these are no lengths of prefixes of IPv4"),
        ("192.0.2.0/24", "x24..32", "these are no lengths of prefixes of IPv4"),
        ("192.0.2.0/24", "8..23", "no prefix within 192.0.2.0/24 is so short: write 24..32"),
    ],
)
def test_prefixes_that_match_nothing_are_refused(text: str, lengths: str | None, why: str) -> None:
    with pytest.raises(WrongError) as wrong:
        values.prefix(text, lengths)
    assert str(wrong.value).startswith(why)


READINGS = [
    *(values.neighbor, values.as_path, values.community, values.community_pattern, values.ext_community, values.med),
    *(values.ext_community_pattern, values.large_community, values.large_community_pattern, values.next_hop),
    *(values.as_number, values.address),
]


@given(st.sampled_from(READINGS), st.text() | st.text(alphabet="0123456789.:/_^$+-rtsoelb%", max_size=20))
def test_whatever_is_written_it_is_read_or_refused(reading: Callable[[str], object], text: str) -> None:
    with suppress(WrongError):
        assert reading(text) is not None
