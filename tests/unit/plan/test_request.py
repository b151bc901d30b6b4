"""What a Service asks for, in every form in which people write it."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model import names
from openelb.model.cluster import FamilyPolicy, Wishes
from openelb.model.findings import Reason
from openelb.plan.request import MOST, MOVING_SECONDS, Move, Request, Slot, disagreement, move, request
from tests.unit.builders import address, service

SINGLE, PREFER, REQUIRE = FamilyPolicy.SINGLE, FamilyPolicy.PREFER_DUAL, FamilyPolicy.REQUIRE_DUAL
BOTH = {"families": (4, 6), "family_policy": REQUIRE}


def slots(*words: int | str) -> tuple[Slot, ...]:
    """A family for any address of it, or the text of a certain one."""
    return tuple(Slot(word) if isinstance(word, int) else Slot(address(word).version, address(word)) for word in words)


def asked(**facts: Any) -> Request:
    """What a Service asks for that is understood."""
    found = request(service(**facts))
    assert found.problem is None, found.problem
    return found


# Families.


@pytest.mark.parametrize(
    ("families", "policy", "wanted", "is_content"),
    [
        ((4,), SINGLE, (4,), False),
        ((6,), SINGLE, (6,), False),
        ((4, 6), SINGLE, (4,), False),
        ((4, 6), REQUIRE, (4, 6), False),
        ((6, 4), REQUIRE, (6, 4), False),
        ((4, 6), PREFER, (4, 6), True),
        ((6, 4), PREFER, (6, 4), True),
        ((4,), PREFER, (4,), True),
    ],
)
def test_one_address_is_asked_for_of_each_family_in_their_order(families, policy, wanted, is_content):
    found = asked(families=families, family_policy=policy)
    assert (found.slots, found.is_content) == (slots(*wanted), is_content)
    assert not any(slot.address for slot in found.slots)


def test_nothing_else_is_asked_for_where_nothing_is_written():
    assert asked() == Request(slots(4))


# Certain addresses.


@pytest.mark.parametrize("wish", ["address", "load_balancer_ip"])
@pytest.mark.parametrize(
    ("facts", "text", "wanted"),
    [
        ({}, "192.0.2.1", ("192.0.2.1",)),
        ({"families": (6,)}, "2001:DB8:0::1", ("2001:db8::1",)),
        (BOTH, "192.0.2.1", ("192.0.2.1", 6)),
        (BOTH, "2001:db8::1", (4, "2001:db8::1")),
        (BOTH | {"families": (6, 4)}, "192.0.2.1", (6, "192.0.2.1")),
        ({"count": "3"}, "192.0.2.1", ("192.0.2.1", 4, 4)),
        (BOTH | {"count": "2"}, "2001:db8::1", (4, 4, "2001:db8::1", 6)),
    ],
)
def test_a_certain_address_takes_the_first_place_of_its_family(wish, facts, text, wanted):
    found = asked(**facts, **{wish: text})
    assert (found.slots, found.is_content) == (slots(*wanted), False)
    assert any(slot.address for slot in found.slots)


@pytest.mark.parametrize("wish", ["address", "load_balancer_ip", "addresses"])
def test_an_address_of_a_family_that_the_service_has_not_is_asked_for_alone(wish):
    assert asked(**{wish: "2001:db8::1"}).slots == slots("2001:db8::1")
    assert asked(families=(4, 6), **{wish: "2001:db8::1"}).slots == slots("2001:db8::1")


def test_the_annotation_beats_the_spec_and_the_list_beats_both():
    assert asked(address="192.0.2.1", load_balancer_ip="192.0.2.2").slots == slots("192.0.2.1")
    listed = asked(addresses="192.0.2.3", address="192.0.2.1", load_balancer_ip="192.0.2.2")
    assert listed.slots == slots("192.0.2.3")


NO_ADDRESSES = ["nonsense", "192.0.2", "192.0.2.01", "192.0.2.1/32", "192.0.2.1-192.0.2.2", "fe80::1%eth0", "١٩٢.0.2.1"]


@pytest.mark.parametrize("wish", ["address", "load_balancer_ip", "addresses"])
@pytest.mark.parametrize("text", [*NO_ADDRESSES, "9" * 300])
def test_what_is_no_address_is_told_with_an_example_of_one(wish, text):
    found = request(service(**{wish: text}))
    assert not found.slots
    assert found.problem.reason == Reason.ADDRESS_INVALID
    assert found.problem.sentence.startswith(repr(text[:60])[:-1])
    assert "ask for one like 192.0.2.10" in found.problem.sentence


# Lists of addresses.


@pytest.mark.parametrize(
    ("families", "text", "wanted"),
    [
        ((4,), "192.0.2.2, 192.0.2.1", ("192.0.2.2", "192.0.2.1")),
        ((4,), " ,192.0.2.2,, ", ("192.0.2.2",)),
        ((4, 6), "2001:db8::1,192.0.2.1", ("192.0.2.1", "2001:db8::1")),
        (
            (6, 4),
            "192.0.2.2,2001:db8::2,192.0.2.1,2001:db8::1",
            ("2001:db8::2", "2001:db8::1", "192.0.2.2", "192.0.2.1"),
        ),
        ((6,), "192.0.2.1,2001:db8::1", ("2001:db8::1", "192.0.2.1")),
    ],
)
@pytest.mark.parametrize("policy", FamilyPolicy)
def test_a_list_is_wanted_whole_with_the_families_in_their_order(families, text, wanted, policy):
    found = asked(families=families, family_policy=policy, addresses=text)
    assert (found.slots, found.is_content) == (slots(*wanted), False)


def test_an_address_is_not_listed_twice_in_two_spellings():
    found = request(service(addresses="2001:db8::1,2001:DB8:0::1"))
    assert found.problem.reason == Reason.REQUEST_INVALID
    assert "names an address twice: name each once" in found.problem.sentence


def test_more_than_a_service_may_have_is_not_listed():
    found = request(service(addresses=",".join(f"192.0.2.{number}" for number in range(2 * MOST + 1))))
    assert found.problem.reason == Reason.REQUEST_INVALID
    assert found.problem.sentence == (
        f"the annotation {names.ADDRESSES} names more than {MOST} addresses of one family: name fewer"
    )


@pytest.mark.parametrize("text", [",", " ", " , "])
def test_a_list_of_nothing_is_told_or_taken_for_none(text):
    found = request(service(addresses=text))
    assert found.slots or found.problem


def test_no_more_of_one_family_are_listed_than_can_be_counted():
    assert request(service(addresses=",".join(f"192.0.2.{number}" for number in range(MOST + 1)))).problem


def test_an_address_is_not_listed_twice_in_one_spelling():
    assert request(service(addresses="192.0.2.1,192.0.2.1")).problem


# Several of one family.


@pytest.mark.parametrize(
    ("families", "policy", "wanted", "is_content"),
    [
        ((4,), SINGLE, (4, 4, 4), False),
        ((4, 6), REQUIRE, (4, 4, 4, 6, 6, 6), False),
        ((6, 4), PREFER, (6, 6, 6, 4, 4, 4), True),
    ],
)
def test_so_many_are_asked_for_of_each_family(families, policy, wanted, is_content):
    found = asked(families=families, family_policy=policy, count="3")
    assert (found.slots, found.is_content) == (slots(*wanted), is_content)


@pytest.mark.parametrize("count", [1, MOST])
def test_one_may_be_asked_for_and_as_many_as_are_allowed(count):
    assert len(asked(count=str(count)).slots) == count


@pytest.mark.parametrize(
    "text", ["0", "00", "17", "99", "-1", "+1", "1.0", "1e1", " 1", "0x1", "two", "٣", "²", "9" * 5000, "1,2"]
)
def test_what_is_no_such_number_is_told_with_the_limits(text):
    found = request(service(count=text))
    assert not found.slots
    assert found.problem.reason == Reason.REQUEST_INVALID
    assert found.problem.sentence.startswith(f"the annotation {names.COUNT} is {repr(text[:60])[:-1]}")
    assert found.problem.sentence.endswith(f"write a number from 1 to {MOST}")


def test_a_list_needs_no_count():
    assert asked(addresses="192.0.2.1", count="nonsense").slots == slots("192.0.2.1")


# Pools, protocol, sharing.


@pytest.mark.parametrize(
    ("wishes", "pools"),
    [
        ({}, ()),
        ({"pool": "office"}, ("office",)),
        ({"pools": "office"}, ("office",)),
        ({"pools": " b, a ,, b"}, ("b", "a")),
        ({"pool": "office", "pools": "b,a"}, ("b", "a")),
        ({"pool": "office", "pools": " , "}, ("office",)),
    ],
)
def test_pools_are_tried_in_the_order_in_which_they_are_named(wishes, pools):
    assert asked(**wishes).pools == pools


def test_the_protocol_and_the_sharing_key_are_taken_as_they_are_written():
    found = asked(protocol="Layer2 ", sharing_key=" Key ")
    assert (found.protocol, found.sharing_key) == ("Layer2 ", " Key ")


def test_what_else_was_asked_for_is_known_beside_a_problem():
    found = request(service(pool="office", protocol="bgp", count="none"))
    assert (found.pools, found.protocol, found.slots) == (("office",), "bgp", ())


# Moving.


def test_who_does_not_ask_to_move_does_not():
    assert move(service(pool="office")) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("office", MOVING_SECONDS),
        ("  office\n", MOVING_SECONDS),
        ("office for 30s", 30),
        ("office for 30m", 1800),
        ("office  for\t2h ", 7200),
        ("office for 0s", 0),
        ("office for 999999s", 999_999),
    ],
)
def test_a_service_moves_to_a_pool_and_keeps_both_for_a_while(text, seconds):
    assert move(service(migrate_to=text)) == Move(Request(slots(4), pools=("office",)), seconds)


@pytest.mark.parametrize(("text", "seconds"), [("192.0.2.1", MOVING_SECONDS), ("192.0.2.1 for 5m", 300)])
def test_a_service_moves_to_an_address_and_keeps_both_for_a_while(text, seconds):
    assert move(service(migrate_to=text)) == Move(Request(slots("192.0.2.1")), seconds)


def test_who_moves_takes_its_other_wishes_along_but_for_pool_and_address():
    wishes = {
        "pool": "old",
        "pools": "older",
        "address": "192.0.2.1",
        "load_balancer_ip": "192.0.2.1",
        "protocol": "bgp",
    }
    there = move(service(migrate_to="office", count="2", sharing_key="key", **wishes, **BOTH))
    assert there.request == Request(slots(4, 4, 6, 6), pools=("office",), sharing_key="key")
    listed = move(service(migrate_to="2001:db8::9", addresses="192.0.2.1,192.0.2.2", **BOTH))
    assert listed.request == Request(slots(4, "2001:db8::9"))


NO_TIMES = ["", "ever", "30", "m", "-5m", "1.5h", "30 m", "30M", "1d", "٣m", f"{'9' * 300}s", "5m for 5m"]


@pytest.mark.parametrize("text", [" ", "a, b", "office 30m", *(f"office for {time}" for time in NO_TIMES)])
def test_a_move_that_is_not_understood_is_told_with_an_example(text):
    there = move(service(migrate_to=text))
    assert not there.request.slots
    assert there.request.problem.reason == Reason.REQUEST_INVALID
    assert 'as in "office for 30m"' in there.request.problem.sentence


def test_a_wish_that_stands_and_is_not_understood_stands_in_the_way_of_moving():
    assert move(service(migrate_to="office", count="none")).request.problem.reason == Reason.REQUEST_INVALID


# Two wishes for one thing.


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"load_balancer_ip": "192.0.2.1"},
        {"address": "192.0.2.1"},
        {"addresses": "192.0.2.1,192.0.2.2"},
        {"address": "192.0.2.1", "load_balancer_ip": "192.0.2.1"},
        {"addresses": "192.0.2.2, 192.0.2.1", "load_balancer_ip": "192.0.2.1"},
        {"addresses": "192.0.2.1", "address": "192.0.2.2", "load_balancer_ip": "192.0.2.1"},
        {"pool": "office", "load_balancer_ip": "192.0.2.1"},
    ],
)
def test_wishes_that_say_the_same_do_not_disagree(wishes):
    assert disagreement(service(**wishes)) == ""


@pytest.mark.parametrize(
    ("wish", "text", "name"),
    [("address", "192.0.2.20", names.REQUESTED_ADDRESS), ("addresses", "192.0.2.1,192.0.2.3", names.ADDRESSES)],
)
def test_wishes_that_disagree_are_both_named_with_what_to_do(wish, text, name):
    said = disagreement(service(load_balancer_ip="192.0.2.2", **{wish: text}))
    assert said == (
        f"; spec.loadBalancerIP 192.0.2.2 is not looked at, since the annotation {name} asks for {text}: remove one of them"
    )


def test_two_spellings_of_one_address_do_not_disagree():
    assert disagreement(service(address="2001:DB8::1", load_balancer_ip="2001:db8::1")) == ""


# Whatever people write.

WORDS = ["192.0.2.1", "2001:db8::1", "office", "for", "30m", "3", ",", " ", "%", "/", "-", "9" * 300, "٣"]
TEXTS = st.just("") | st.text() | st.lists(st.sampled_from(WORDS), max_size=6).map("".join)
WISHES = st.fixed_dictionaries({wish.name: TEXTS for wish in fields(Wishes)})
FAMILIES = st.sampled_from([(4,), (6,), (4, 6), (6, 4)])


@given(WISHES, FAMILIES, st.sampled_from(FamilyPolicy))
def test_any_wishes_give_addresses_to_look_for_or_a_sentence(wishes, families, policy):
    # A list of nothing has a test of its own.
    listed = wishes["addresses"] if wishes["addresses"].replace(",", "").strip() else ""
    one = service(families=families, family_policy=policy, **{**wishes, "addresses": listed})
    there = move(one)
    assert disagreement(one) == "" or one.wishes.load_balancer_ip
    assert (there is None) == (not one.wishes.migrate_to)
    for found in (request(one), *([] if there is None else [there.request])):
        if found.problem is None:
            assert 1 <= len(found.slots) <= 2 * MOST
            certain = [slot.address for slot in found.slots if slot.address is not None]
            assert len(set(certain)) == len(certain)
            assert all(slot.address is None or slot.address.version == slot.family for slot in found.slots)
        else:
            assert found.problem.sentence
            assert not found.slots
