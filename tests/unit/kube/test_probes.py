"""What manager and speakers tell each other about addresses that are asked about."""

from openelb.kube.probes import LONGEST, found, found_texts
from openelb.model.addresses import AddressRange
from openelb.model.probes import NOTHING_FOUND, Found
from openelb.model.ranges import Ranges, read
from tests.unit.builders import address

MAC = "02:00:5e:00:53:09"
EVERY_OTHER = [address(f"2001:db8:1234:5678:9abc:def0:1234:{number:x}") for number in range(0, 8192, 2)]


def test_what_was_found_is_read_as_it_was_written() -> None:
    ranges = read("10.79.0.240-10.79.0.250,2001:db8::1")[0]
    said = Found(ranges, {address("10.79.0.241"): MAC, address("10.79.0.242"): MAC, address("10.79.0.9"): "other"})
    texts = found_texts(said)
    assert texts[1] == f'{{"other":"10.79.0.9","{MAC}":"10.79.0.241-10.79.0.242"}}'
    assert found(*texts) == said


def test_nothing_found_says_nothing() -> None:
    assert found_texts(NOTHING_FOUND) == ("", "{}")
    assert found("", "") == NOTHING_FOUND


def test_a_router_that_answers_for_all_addresses_costs_a_few_octets() -> None:
    taken = {address(f"10.79.{number >> 8}.{number & 255}"): MAC for number in range(4096)}
    texts = found_texts(Found(Ranges(), taken))
    assert texts[1] == f'{{"{MAC}":"10.79.0.0-10.79.15.255"}}'
    assert found(*texts).taken == taken


def test_an_enemy_with_a_mac_for_each_address_makes_no_lease_too_long() -> None:
    taken = {one: f"02:00:5e:00:{number >> 8:02x}:{number & 255:02x}" for number, one in enumerate(EVERY_OTHER)}
    free = Ranges.of(AddressRange(one, one) for one in EVERY_OTHER)
    texts = found_texts(Found(free, taken))
    assert all(LONGEST / 2 < len(text) < 1.1 * LONGEST for text in texts)
    said = found(*texts)
    assert said.taken.items() <= taken.items()
    assert len(said.taken) > 500
    assert all(part.first in free for part in said.free.parts)


def test_what_cannot_be_read_says_nothing() -> None:
    for free, taken in (("x", ""), ("", "["), ("", '{"a":"b"}'), ("", '{"a":7}'), ("10.0.0.9-10.0.0.1", "")):
        assert found(free, taken) == NOTHING_FOUND
