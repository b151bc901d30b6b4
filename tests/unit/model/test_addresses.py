import sys

import pytest

from openelb.model.addresses import AddressRange, order, parse_address
from tests.unit.builders import address


@pytest.mark.parametrize(
    ("text", "first", "last", "size"),
    [
        ("192.168.0.1", "192.168.0.1", "192.168.0.1", 1),
        ("192.168.0.1/24", "192.168.0.0", "192.168.0.255", 256),
        ("192.168.0.1-192.168.0.100", "192.168.0.1", "192.168.0.100", 100),
        ("192.168.0.7-192.168.0.7", "192.168.0.7", "192.168.0.7", 1),
        ("192.0.2.9/30", "192.0.2.8", "192.0.2.11", 4),
        ("192.0.2.9/31", "192.0.2.8", "192.0.2.9", 2),
        ("192.0.2.9/32", "192.0.2.9", "192.0.2.9", 1),
        ("10.1.2.3/255.255.0.0", "10.1.0.0", "10.1.255.255", 65536),
        ("0.0.0.0/0", "0.0.0.0", "255.255.255.255", 2**32),
        ("2001:db8::1", "2001:db8::1", "2001:db8::1", 1),
        ("2001:db8::5/126", "2001:db8::4", "2001:db8::7", 4),
        ("2001:db8::5/127", "2001:db8::4", "2001:db8::5", 2),
        ("2001:db8::5/128", "2001:db8::5", "2001:db8::5", 1),
        ("2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", 2**64),
        ("2001:db8::1-2001:db8::ff", "2001:db8::1", "2001:db8::ff", 255),
    ],
)
def test_a_range_is_read_from_an_address_a_network_or_two_ends(text, first, last, size):
    found = AddressRange.parse(text)
    assert (str(found.first), str(found.last), found.size) == (first, last, size)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("192.168.0.100-192.168.0.1", "write 192.168.0.1-192.168.0.100"),
        ("192.168.0.1-2001:db8::1", "write a range whose ends are of one family"),
        ("192.168.0.0/33", "for example 192.0.2.0/24"),
        ("192.168.0.0/", "for example 192.0.2.0/24"),
        ("10.0.0.0/255.0.255.0", "for example 192.0.2.0/24"),
        ("2001:db8::/129", "for example 192.0.2.0/24"),
        ("2001:db8::/ffff::", "for example 192.0.2.0/24"),
        ("xxxx", "write for example"),
        ("192.168.0.1-192.168.0.5-192.168.0.9", "write for example"),
        ("192.168.0.10-20", "write for example"),
        ("192.168.0.256", "write for example"),
        ("fe80::1%eth0", "write for example"),
        ("-", "write for example"),
        ("", "write for example"),
    ],
)
def test_what_is_no_range_is_refused_with_the_text_and_an_example_of_a_right_one(text, advice):
    with pytest.raises(ValueError, match=f"^{text!r} ") as refusal:
        AddressRange.parse(text)
    assert advice in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("192.168.0.99", False),
        ("192.168.0.100", True),
        ("192.168.0.150", True),
        ("192.168.0.200", True),
        ("192.168.0.201", False),
        ("::c0a8:96", False),
    ],
)
def test_a_range_holds_both_its_ends_and_what_lies_between(text, inside):
    assert (address(text) in AddressRange.parse("192.168.0.100-192.168.0.200")) == inside


def test_a_range_holds_no_text():
    assert "192.168.0.1" not in AddressRange.parse("192.168.0.1")


def test_a_range_is_written_as_people_write_it():
    assert str(AddressRange.parse("192.0.2.0/30")) == "192.0.2.0-192.0.2.3"
    assert str(AddressRange.parse("192.0.2.1")) == "192.0.2.1"


@pytest.mark.parametrize("text", ["10.0.0.0/8", "2001:db8::/64"])
def test_the_first_addresses_of_a_huge_range_come_at_once(text):
    found = AddressRange.parse(text)
    assert next(iter(found)) == found.first


def test_all_addresses_of_a_range_come_lowest_first():
    assert [str(one) for one in AddressRange.parse("192.0.2.254-192.0.3.1")] == [
        "192.0.2.254",
        "192.0.2.255",
        "192.0.3.0",
        "192.0.3.1",
    ]


@pytest.mark.parametrize("text", ["", "web", "192.0.2", "192.0.2.01", "192.0.2.1/32", "fe80::1%eth0", " 192.0.2.1"])
def test_what_is_no_address_is_none(text):
    assert parse_address(text) is None


def test_the_longest_text_of_an_address_is_read():
    longest = "2001:0db8:ffff:ffff:ffff:ffff:255.255.255.255"
    assert parse_address(longest) == address("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")
    assert parse_address(f"{longest}0") is None


def test_a_text_too_long_for_an_address_is_not_kept():
    text = "x" * 10_000
    before = sys.getrefcount(text)
    assert parse_address(text) is None
    assert sys.getrefcount(text) == before


def test_addresses_of_both_families_have_one_order():
    texts = ["2001:db8::1", "192.0.2.10", "192.0.2.9"]
    assert sorted(map(address, texts), key=order) == [address(text) for text in reversed(texts)]
