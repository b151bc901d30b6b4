"""Sets of addresses, and what people write in `spec.address`. Sets of Python are the measure: they have the same addresses."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model.addresses import Address, AddressRange, order
from openelb.model.ranges import Ranges, read, unusable
from tests.unit.builders import address

SPAN = 24
STARTS = (IPv4Address(0), IPv4Address("255.255.255.232"), IPv6Address(0), IPv6Address(2**128 - SPAN))
"""Where small spans lie: at the ends of both families, so that the last of one is followed by the first of the other."""
NEAR = [start + offset for start in STARTS for offset in range(SPAN)]


@st.composite
def spans(draw: st.DrawFn) -> AddressRange:
    """A few addresses side by side, or one."""
    start, first = draw(st.sampled_from(STARTS)), draw(st.integers(0, SPAN - 1))
    return AddressRange(start + first, start + draw(st.integers(first, min(first + 6, SPAN - 1))))


PARTS = st.lists(spans(), max_size=10)
ANY = PARTS.map(Ranges.of)


def members(parts: Ranges | list[AddressRange]) -> set[Address]:
    """The addresses one by one."""
    return {one for part in (parts.parts if isinstance(parts, Ranges) else parts) for one in part}


def texts(ranges: Ranges) -> list[str]:
    """The parts as people read them."""
    return [str(part) for part in ranges.parts]


def ranges(*words: str) -> Ranges:
    """The addresses of all these."""
    return Ranges.of(AddressRange.parse(word) for word in words)


@given(PARTS)
def test_all_addresses_of_the_parts_are_there_and_no_others(parts: list[AddressRange]) -> None:
    assert members(Ranges.of(parts)) == members(parts)


@given(PARTS, st.randoms())
def test_the_same_addresses_are_equal_in_whatever_order_and_pieces_they_come(parts: list[AddressRange], chance) -> None:
    pieces = [AddressRange(one, one) for one in members(parts)] + parts
    chance.shuffle(pieces)
    assert Ranges.of(pieces) == Ranges.of(parts)


@given(PARTS)
def test_parts_are_in_order_with_a_gap_between_them(parts: list[AddressRange]) -> None:
    found = Ranges.of(parts).parts
    for one, following in pairwise(found):
        assert order(one.last) < order(following.first)
        assert one.version != following.version or one.last + 1 < following.first


@given(ANY, ANY)
def test_what_is_taken_out_is_gone_and_the_rest_stays(these: Ranges, those: Ranges) -> None:
    left = these.without(those)
    assert members(left) == members(these) - members(those)
    assert left == Ranges.of(left.parts)


@given(ANY, ANY)
def test_what_is_common_is_the_first_stretch_of_it(these: Ranges, those: Ranges) -> None:
    both, found = members(these) & members(those), these.common(those)
    assert found == those.common(these)
    if found is None:
        assert not both
        return
    assert set(found) <= both
    assert found.first == min(both, key=order)
    assert (found.version, int(found.last) + 1) not in map(order, both)


@given(ANY)
def test_size_families_and_members_are_those_of_the_set(these: Ranges) -> None:
    inside = members(these)
    assert these.size == len(inside)
    assert bool(these) == bool(inside)
    assert these.versions == {one.version for one in inside}
    assert {one for one in NEAR if one in these} == inside
    assert list(these.among((one, str(one)) for one in NEAR)) == [str(one) for one in NEAR if one in inside]


@given(ANY, st.sampled_from((4, 6)))
def test_all_and_those_of_one_family_come_lowest_first(these: Ranges, version: int) -> None:
    assert list(these) == sorted(members(these), key=order)
    assert list(these.of_family(version)) == [one for one in these if one.version == version]


@given(ANY, st.sampled_from(NEAR))
def test_those_below_a_given_address_are_left_out(these: Ranges, since: Address) -> None:
    wanted = [one for one in these if one.version == since.version and one >= since]
    assert list(these.of_family(since.version, since=since)) == wanted


@pytest.mark.parametrize("stranger", ["10.0.0.1", 167772161, None, ranges("10.0.0.1").parts[0]])
def test_what_is_no_address_is_in_no_set(stranger: object) -> None:
    assert stranger not in ranges("10.0.0.0/8", "::/0")


@pytest.mark.parametrize(
    ("words", "merged"),
    [
        (["10.0.0.5-10.0.0.9", "10.0.0.0-10.0.0.4"], ["10.0.0.0-10.0.0.9"]),
        (["10.0.0.0/24", "10.0.0.7"], ["10.0.0.0-10.0.0.255"]),
        (["10.0.0.1", "10.0.0.1-10.0.0.3", "10.0.0.1"], ["10.0.0.1-10.0.0.3"]),
        (["::", "255.255.255.255"], ["255.255.255.255", "::"]),
        ([], []),
    ],
)
def test_what_touches_or_overlaps_is_one_part(words: list[str], merged: list[str]) -> None:
    assert texts(ranges(*words)) == merged


@pytest.mark.parametrize(
    ("one", "shared"),
    [
        ("192.168.0.1-192.168.0.99", False),
        ("192.168.0.201-192.168.0.250", False),
        ("192.168.0.1-192.168.0.100", True),
        ("192.168.0.200-192.168.0.250", True),
        ("192.168.0.0/16", True),
        ("::c0a8:64-::c0a8:c8", False),
    ],
)
def test_pools_overlap_where_they_have_one_address_in_common(one: str, shared: bool) -> None:
    other = ranges("192.168.0.100-192.168.0.200")
    assert (ranges(one).common(other) is not None) == shared
    assert (other.common(ranges(one)) is not None) == shared


@pytest.mark.parametrize("text", ["10.0.0.0/8", "2001:db8::/32"])
def test_a_huge_set_costs_what_a_small_one_costs(text: str) -> None:
    huge = ranges(text)
    one = huge.parts[0].first + 2**23
    left = huge.without(ranges(str(one)))
    assert left.size == huge.size - 1
    assert len(left.parts) == 2
    assert next(left.of_family(one.version, since=one)) == one + 1


@pytest.mark.parametrize("prefix", range(33))
def test_a_prefix_length_and_its_mask_are_one_network_of_ipv4(prefix: int) -> None:
    mask = IPv4Address(2**32 - 2 ** (32 - prefix))
    (network,) = ranges(f"203.0.113.77/{prefix}").parts
    assert network.size == 2 ** (32 - prefix)
    assert int(network.first) == int(address("203.0.113.77")) & int(mask)
    assert ranges(f"203.0.113.77/{mask}").parts == (network,)


@pytest.mark.parametrize("prefix", range(129))
def test_a_network_of_ipv6_begins_with_its_host_bits_cleared(prefix: int) -> None:
    (network,) = ranges(f"2001:db8::ffff:7777/{prefix}").parts
    assert network.size == 2 ** (128 - prefix)
    assert int(network.first) == int(address("2001:db8::ffff:7777")) >> (128 - prefix) << (128 - prefix)


# What `spec.address` says.


@pytest.mark.parametrize(
    ("text", "parts", "size"),
    [
        ("192.168.0.1", ["192.168.0.1"], 1),
        ("192.168.0.1/24", ["192.168.0.0-192.168.0.255"], 256),
        ("192.168.0.1-192.168.0.100", ["192.168.0.1-192.168.0.100"], 100),
        ("192.168.0.1/255.255.255.0", ["192.168.0.0-192.168.0.255"], 256),
        ("192.168.0.1-192.168.0.1", ["192.168.0.1"], 1),
        ("2001:db8::1", ["2001:db8::1"], 1),
        ("2001:DB8:0::1-2001:db8::a", ["2001:db8::1-2001:db8::a"], 10),
        ("2001:db8::1/64", ["2001:db8::-2001:db8::ffff:ffff:ffff:ffff"], 2**64),
        ("10.0.0.9,10.0.0.1-10.0.0.3", ["10.0.0.1-10.0.0.3", "10.0.0.9"], 4),
        ("10.0.0.0/30, 10.0.0.2-10.0.0.5,\n\t10.0.0.6 ", ["10.0.0.0-10.0.0.6"], 7),
        (" 2001:db8::/126 , 10.0.0.1", ["10.0.0.1", "2001:db8::-2001:db8::3"], 5),
    ],
)
def test_a_pool_is_an_address_a_network_a_range_or_several_of_these(text: str, parts: list[str], size: int) -> None:
    pool, given_out = read(text)
    assert (texts(pool), pool.size) == (parts, size)
    assert given_out == pool


# fmt: off
NO_RANGE = [
    "xxxx", "192.168.0.1-192.168.0.5-192.168.0.9", "192.168.0.1-", "-192.168.0.1", "192.168.0.1-xxxx",
    "192.168.0.10-20", "192.168.0.1 - 192.168.0.5", "192.168.0.1 192.168.0.2", "192.168.0.1;192.168.0.2", "192.168.0",
    "192.168.0.256", "192.168.0.01", "192.168.0.0x1", "3232235521", "9" * 300, f"192.168.0.{'9' * 300}",
    f"192.168.0.{'0' * 300}1", f"2001:db8::{'f' * 300}", "١٩٢.168.0.1", "192.168.0.１", "192。168。0。1", "2001:db8::１",
    "192.168.0.1\u00a0", "fe80::1%eth0", "2001:db8::1%eth0", "2001:db8::1%eth0-2001:db8::2%eth0", "2001:db8:::1",
    "[2001:db8::1]",
]
NO_NETWORK = [
    "192.168.0.0/", "/24", "192.168.0.0/33", "192.168.0.0/-1", "192.168.0.0/+24", "192.168.0.0/ 24",
    "192.168.0.0/2_4", "192.168.0.0/0x18", "192.168.0.0/２４", "192.168.0.0/24/24", "192.168.0.0/24-192.168.0.255",
    "192.168.0.256/24", "192.168.00.0/24", f"192.168.0.0/{'9' * 300}", f"192.168.0.0/{'9' * 5000}",
    "192.168.0.0/255.0.255.0", "192.168.0.0/255.255.255.1", "192.168.0.0/0.0.0.255", "192.168.0.0/0.255.255.255",
    "192.168.0.0/255.255.255", "192.168.0.0/ffff::", "2001:db8::/129", "2001:db8::/255.255.255.0",
    "2001:db8::/ffff::", f"2001:db8::/{'9' * 300}", "xxxx/24",
]
# fmt: on


@pytest.mark.parametrize(
    ("texts", "advice"), [(NO_RANGE, "is no address, CIDR or range: write"), (NO_NETWORK, "is no CIDR: write")]
)
def test_what_is_no_range_is_quoted_as_far_as_it_is_read_with_a_right_one(texts: list[str], advice: str) -> None:
    for text in texts:
        # Quoted, and cut short where it is long.
        begins = repr(text.strip(" \t\r\n")[:60])[:-1]
        for whole in (text, f"10.0.0.1, {text}", f"{text},10.0.0.1"):
            with pytest.raises(ValueError, match=advice) as refusal:
                read(whole)
            assert str(refusal.value).startswith(begins)
            assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("text", ["2001:db8::1%eth0/128", "2001:db8::%1/64"])
def test_a_network_with_a_zone_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no CIDR"):
        read(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("192.168.0.100-192.168.0.1", "is reversed: .* write 192.168.0.1-192.168.0.100"),
        ("192.168.0.1-2001:db8::1", "mixes IPv4 and IPv6"),
        ("2001:db8::1-192.168.0.1", "mixes IPv4 and IPv6"),
        ("", "^it is empty: write"),
        (" \n", "^it is empty: write"),
        ("10.0.0.1,", "^'' is no address"),
        ("10.0.0.1,,10.0.0.2", "^'' is no address"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read(text)


@given(st.text() | st.text("0123456789abcdef.:/-, %", max_size=40), st.lists(st.text(max_size=20), max_size=2))
def test_any_text_is_read_or_refused_with_a_sentence(text: str, exclude: list[str]) -> None:
    try:
        pool, given_out = read(text, tuple(exclude), skip_ends=True)
    except ValueError as refusal:
        assert str(refusal)  # noqa: PT017
    else:
        assert pool
        assert pool.without(given_out).without(pool) == Ranges()


def test_a_pool_may_have_ten_thousand_parts() -> None:
    words = [f"10.{number // 100}.{number % 100}.1" for number in range(10_000)]
    pool, given_out = read(",".join(words), tuple(words[::2]), skip_ends=True)
    assert (len(pool.parts), pool.size) == (10_000, 10_000)
    assert texts(given_out) == words[1::2]


# What is not given out.


@pytest.mark.parametrize(
    ("text", "exclude", "left"),
    [
        ("10.0.0.0/29", ["10.0.0.3"], ["10.0.0.0-10.0.0.2", "10.0.0.4-10.0.0.7"]),
        ("10.0.0.0/29", ["10.0.0.0/30", " 10.0.0.7 "], ["10.0.0.4-10.0.0.6"]),
        ("10.0.0.0/29", ["10.0.1.0/24", "2001:db8::/64"], ["10.0.0.0-10.0.0.7"]),
        ("10.0.0.0/29", ["10.0.0.0/8"], []),
        ("10.0.0.1,2001:db8::1-2001:db8::3", ["2001:db8::2"], ["10.0.0.1", "2001:db8::1", "2001:db8::3"]),
    ],
)
def test_what_is_excluded_is_of_the_pool_and_not_given_out(text: str, exclude: list[str], left: list[str]) -> None:
    pool, given_out = read(text, tuple(exclude))
    assert texts(given_out) == left
    assert pool == read(text)[0]


@pytest.mark.parametrize("exclude", ["xxxx", "", "10.0.0.9-10.0.0.1", "10.0.0.1,10.0.0.2"])
def test_what_cannot_be_excluded_is_refused(exclude: str) -> None:
    with pytest.raises(ValueError, match=r"write|cannot be given out"):
        read("10.0.0.0/29", (exclude,))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("10.0.0.0/29", ["10.0.0.1-10.0.0.6"]),
        ("10.0.0.0/255.255.255.248", ["10.0.0.1-10.0.0.6"]),
        ("10.0.0.5/30", ["10.0.0.5-10.0.0.6"]),
        ("10.0.0.4/31", ["10.0.0.4-10.0.0.5"]),
        ("10.0.0.0-10.0.0.7", ["10.0.0.0-10.0.0.7"]),
        ("10.0.0.0", ["10.0.0.0"]),
        ("10.0.0.0/30,10.0.0.4/30", ["10.0.0.1-10.0.0.2", "10.0.0.5-10.0.0.6"]),
        ("2001:db8::/126", ["2001:db8::1-2001:db8::3"]),
        ("2001:db8::/127", ["2001:db8::-2001:db8::1"]),
        ("2001:db8::/128", ["2001:db8::"]),
    ],
)
def test_the_ends_of_a_network_that_are_no_hosts_are_skipped(text: str, left: list[str]) -> None:
    assert texts(read(text, skip_ends=True)[1]) == left
    assert texts(read(text, (left[0],), skip_ends=True)[1]) == left[1:]


# What no Service can have.

UNUSABLE = [
    ("0.0.0.0", "0.255.255.255", "means this network"),
    ("127.0.0.0", "127.255.255.255", "is loopback"),
    ("169.254.0.0", "169.254.255.255", "is link-local"),
    ("224.0.0.0", "239.255.255.255", "is multicast"),
    ("255.255.255.255", "255.255.255.255", "is the broadcast address"),
    ("::", "::", "is the unspecified address"),
    ("::1", "::1", "is loopback"),
    ("::ffff:0:0", "::ffff:ffff:ffff", "write the IPv4 address"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "is link-local"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "is multicast"),
]
REFUSED = [AddressRange(ip_address(first), ip_address(last)) for first, last, _ in UNUSABLE]


@pytest.mark.parametrize(("first", "last", "why"), UNUSABLE)
def test_what_no_machine_could_be_reached_at_is_refused_with_the_reason(first: str, last: str, why: str) -> None:
    for text in {first, last, f"{first}-{last}"}:
        with pytest.raises(ValueError, match=f"cannot be given out, since .*{why}"):
            read(f"10.0.0.1,{text}")


@pytest.mark.parametrize("refused", REFUSED, ids=str)
def test_what_lies_just_beside_is_not(refused: AddressRange) -> None:
    for beside in (int(refused.first) - 1, int(refused.last) + 1):
        if 0 <= beside < (2**32 if refused.version == 4 else 2**128):
            one = type(refused.first)(beside)
            assert not unusable(AddressRange(one, one)) or any(one in other for other in REFUSED)


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "::/0", "124.0.0.0/6", "126.0.0.0-128.0.0.0", "240.0.0.0/4", "fc00::/6", "::ffff:192.0.2.1"]
)
def test_a_range_that_has_any_such_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be given out, since "):
        read(text)
