"""What authors of pools, reservations and namespaces have laid down."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.model.cluster import Pool, Protocol, Reservation, Service
from openelb.model.ranges import Ranges
from openelb.model.selectors import Operator, Requirement, Selector
from openelb.model.snapshot import Snapshot
from openelb.plan.terms import Terms, held, is_for, terms, usable
from tests.unit.builders import address, pool, reservation, service, snapshot, unreadable

OLD, NEW, NEWEST = (f"2026-0{month}-01T00:00:00Z" for month in (1, 2, 3))
SHOPS = Selector(equal=(("app", "shop"),))
NOT_TEST = Selector(requirements=(Requirement("stage", Operator.NOT_IN, frozenset({"test"})),))
NAMESPACES = {"default": {"team": "red", "size": "big"}, "blue": {"team": "blue"}, "bare": {}}


def laid_down(*facts: Pool | Reservation, now: float = 0.0, **others: Any) -> Terms:
    """The terms of a cluster with these facts."""
    return terms(snapshot(*facts, **others), now)


def texts(ranges: Ranges) -> list[str]:
    """The parts as people read them."""
    return [str(part) for part in ranges.parts]


# Pools that are for certain Services.


@pytest.mark.parametrize(
    ("facts", "bound"),
    [
        ({}, False),
        ({"default": True, "priority": 5, "protocol": Protocol.BGP}, False),
        ({"namespaces": ("default",)}, True),
        ({"namespace_labels": (("team", "red"),)}, True),
        ({"service_selector": SHOPS}, True),
        ({"service_selector": Selector()}, True),
    ],
)
def test_a_pool_is_bound_by_namespaces_their_labels_or_the_services_labels(facts, bound):
    assert Terms().is_bound(pool(**facts)) == bound


RED, BLUE = {"namespace_labels": (("team", "red"),)}, {"namespace_labels": (("team", "blue"),)}
HERE, THERE = {"namespaces": ("default",)}, {"namespaces": ("blue", "bare")}
FITS, MISFITS = {"service_selector": SHOPS}, {"service_selector": Selector(equal=(("app", "bank"),))}


@pytest.mark.parametrize(
    ("facts", "binds"),
    [
        pytest.param({}, False, id="bound to nobody"),
        pytest.param(HERE, True, id="its namespace"),
        pytest.param({"namespaces": ("blue", "default")}, True, id="its namespace among others"),
        pytest.param(THERE, False, id="other namespaces"),
        pytest.param(RED, True, id="labels of its namespace"),
        pytest.param({"namespace_labels": (("team", "red"), ("size", "big"))}, True, id="all labels of its namespace"),
        pytest.param({"namespace_labels": (("team", "red"), ("size", "small"))}, False, id="some of the labels"),
        pytest.param(BLUE, False, id="labels of another namespace"),
        pytest.param({"namespace_labels": (("none", ""),)}, False, id="a label that is not there is not empty"),
        pytest.param(FITS, True, id="its labels"),
        pytest.param({"service_selector": Selector()}, True, id="any labels"),
        pytest.param({"service_selector": NOT_TEST}, True, id="a label that is not there"),
        pytest.param(MISFITS, False, id="other labels"),
        pytest.param(HERE | BLUE, True, id="its namespace, labels of another"),
        pytest.param(THERE | RED, True, id="other namespaces, labels of its own"),
        pytest.param(THERE | BLUE, False, id="neither by name nor by labels"),
        pytest.param(HERE | FITS, True, id="its namespace and its labels"),
        pytest.param(HERE | MISFITS, False, id="its namespace, other labels"),
        pytest.param(THERE | FITS, False, id="other namespaces, its labels"),
        pytest.param(RED | FITS, True, id="labels of its namespace and its own"),
        pytest.param(RED | MISFITS, False, id="labels of its namespace, other labels"),
        pytest.param(BLUE | FITS, False, id="labels of another namespace, its own"),
        pytest.param(THERE | RED | FITS, True, id="all three, by labels"),
        pytest.param(HERE | RED | MISFITS, False, id="all three, other labels"),
    ],
)
def test_a_pool_serves_a_namespace_by_name_or_labels_and_there_what_is_selected(facts, binds):
    web = service("default/web", labels=(("app", "shop"), ("tier", "front")))
    assert Terms(namespaces=NAMESPACES).binds(pool(**facts), web) == binds


@pytest.mark.parametrize("namespace", ["bare", "unknown"])
def test_a_namespace_without_labels_is_only_bound_by_name(namespace):
    web = service(f"{namespace}/web")
    by_labels, by_name = pool(**RED), pool(namespaces=(namespace,))
    assert not Terms(namespaces=NAMESPACES).binds(by_labels, web)
    assert Terms(namespaces=NAMESPACES).binds(by_name, web)


SERVICES = st.builds(
    service,
    st.sampled_from(["a", "b", "blue/a", "bare/b"]),
    labels=st.sampled_from([(), (("app", "shop"),), (("stage", "test"),)]),
)
POOLS = st.builds(
    pool,
    namespaces=st.sampled_from([(), ("default",), ("blue", "bare")]),
    namespace_labels=st.sampled_from([(), (("team", "red"),)]),
    service_selector=st.sampled_from([None, Selector(), SHOPS, NOT_TEST]),
)
RESERVATIONS = st.builds(
    reservation,
    namespace=st.sampled_from(["", "default", "blue"]),
    service=st.sampled_from(["", "a"]),
    selector=st.sampled_from([None, SHOPS]),
)


@given(POOLS, st.lists(RESERVATIONS, max_size=1), SERVICES, SERVICES)
def test_services_of_one_kind_are_offered_the_same(
    one: Pool, reserved: list[Reservation], web: Service, api: Service
) -> None:
    found = laid_down(one, *reserved, namespaces=NAMESPACES)
    if found.kind(web) == found.kind(api):
        assert found.binds(one, web) == found.binds(one, api)
        assert found.reserved_for(web) == found.reserved_for(api)


def test_all_services_of_a_namespace_are_of_one_kind_where_no_labels_count():
    found = laid_down(pool(**HERE), namespaces=NAMESPACES)
    assert found.kind(service("a", labels=(("app", "shop"),))) == found.kind(service("b"))
    assert found.kind(service("a")) != found.kind(service("blue/a"))


@pytest.mark.parametrize("facts", [{"service": "a"}, {"selector": SHOPS}])
def test_a_reservation_makes_services_differ_by_name_and_labels(facts):
    found, web = laid_down(reservation(**facts)), service("a")
    assert found.kind(web) != found.kind(service("b"))
    assert found.kind(web) != found.kind(service("a", labels=(("app", "shop"),)))


# Pools that overlap.


def test_what_several_pools_have_belongs_to_the_oldest():
    pools = [
        pool("c", "10.0.0.0-10.0.0.9", created=OLD, uid="1"),
        pool("b", "10.0.0.5-10.0.0.14", created=NEW, uid="2"),
        pool("a", "10.0.0.8-10.0.0.19", created=NEWEST, uid="3"),
        pool("far", "10.0.1.0/24", created=NEWEST, uid="4"),
    ]
    for order in permutations(pools):
        found = laid_down(*order)
        assert {name: [one.name for one in elders] for name, elders in found.elders.items()} == {
            "b": ["c"],
            "a": ["c", "b"],
        }
        assert {name: texts(given_out) for name, given_out in found.given.items()} == {
            "c": ["10.0.0.0-10.0.0.9"],
            "b": ["10.0.0.10-10.0.0.14"],
            "a": ["10.0.0.15-10.0.0.19"],
            "far": ["10.0.1.0-10.0.1.255"],
        }
        owners = [found.source(address(f"10.0.0.{number}")) for number in (9, 10, 15, 20)]
        assert [owner and owner.name for owner in owners] == ["c", "b", "a", None]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"created": NEW, "uid": "1"}, {"created": OLD, "uid": "2"}),
        ({"created": OLD, "uid": "2"}, {"created": OLD, "uid": "1"}),
        ({"name": "z", "created": OLD, "uid": "1"}, {"name": "y", "created": OLD, "uid": "1"}),
    ],
)
def test_the_older_pool_is_the_one_created_before_then_that_of_the_lower_uid_and_name(mine, theirs):
    one, elder = pool(**{"name": "a", **mine}), pool(**{"name": "b", **theirs})
    assert laid_down(one, elder).elders == {one.name: (elder,)}


@pytest.mark.parametrize("trouble", [{"disabled": True}, {"deleting": True}, {"exclude": ("192.168.1.0/24",)}])
def test_an_older_pool_keeps_what_it_has_even_if_it_gives_nothing_out(trouble):
    found = laid_down(pool("a", created=OLD, **trouble), pool("b", "192.168.0.0/23", created=NEW))
    assert texts(found.given["b"]) == ["192.168.0.0-192.168.0.255"]


def test_a_pool_that_cannot_be_read_has_nothing():
    found = laid_down(pool("a", "nonsense", created=OLD), pool("b", created=NEW))
    assert not found.elders
    assert not found.given["a"]
    assert texts(found.given["b"]) == ["192.168.1.0-192.168.1.255"]


def test_what_is_excluded_and_what_belongs_to_an_older_pool_is_not_given_out():
    older = pool("a", "10.0.0.0-10.0.0.1,2001:db8::1", created=OLD)
    newer = pool("b", "10.0.0.0/29,2001:db8::/126", created=NEW, exclude=("10.0.0.3",), skip_ends=True)
    given_out = laid_down(older, newer).given["b"]
    assert texts(given_out) == ["10.0.0.2", "10.0.0.4-10.0.0.6", "2001:db8::2-2001:db8::3"]


SPANS = st.tuples(st.integers(0, 20), st.integers(0, 8)).map(lambda span: f"10.0.0.{span[0]}-10.0.0.{sum(span)}")


@given(st.lists(st.tuples(SPANS, st.sampled_from([OLD, NEW])), max_size=4))
def test_every_address_is_given_out_by_its_source_alone(spans: list[tuple[str, str]]) -> None:
    found = laid_down(*(pool(f"p{place}", text, created=at) for place, (text, at) in enumerate(spans)))
    for number in range(30):
        one = address(f"10.0.0.{number}")
        source = found.source(one)
        assert [name for name, given_out in found.given.items() if one in given_out] == (
            [source.name] if source else []
        )


def test_pools_are_named_in_the_order_of_their_names():
    assert [one.name for one in laid_down(pool("b"), pool("a", created=NEW)).by_name] == ["a", "b"]


# Reservations.

FIRST, SECOND = address("192.168.1.1"), address("192.168.1.2")


@pytest.mark.parametrize(
    ("facts", "now", "holds"),
    [
        ({}, 1e12, True),
        ({"expires": 50.0}, 49.9, True),
        ({"expires": 50.0}, 50.0, False),
        ({"expires": 50.0}, 51.0, False),
        ({"expires": -1.0}, 0.0, False),
        ({"problem": "give either spec.addresses or spec.count"}, 0.0, False),
    ],
)
def test_a_reservation_holds_until_it_expires(facts, now, holds):
    one = reservation(addresses=(FIRST,), **facts)
    found = laid_down(pool(), one, now=now)
    assert found.reservations == ((one,) if holds else ())
    assert found.reserved == ({FIRST: one} if holds else {})


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"created": NEW, "uid": "1"}, {"created": OLD, "uid": "2"}),
        ({"created": OLD, "uid": "2"}, {"created": OLD, "uid": "1"}),
        ({"name": "z", "uid": "1"}, {"name": "y", "uid": "1"}),
    ],
)
def test_of_several_reservations_of_an_address_the_oldest_counts(mine, theirs):
    one = reservation(**{"name": "a", **mine}, addresses=(FIRST, SECOND))
    elder = reservation(**{"name": "b", **theirs}, addresses=(FIRST,))
    found = laid_down(pool(), one, elder)
    assert found.reserved == {FIRST: elder, SECOND: one}
    assert found.reserved_for(service()) == [elder, one]


def test_when_the_oldest_has_expired_the_next_counts():
    elder = reservation("b", addresses=(FIRST,), created=OLD, expires=50.0)
    one = reservation("a", addresses=(FIRST,), created=NEW)
    assert laid_down(pool(), one, elder, now=50.0).reserved == {FIRST: one}


def test_a_reservation_keeps_nothing_back_in_another_pool():
    elsewhere = reservation(of="other", addresses=(FIRST,))
    assert laid_down(pool(), pool("other", "10.0.0.0/30"), elsewhere).reserved == {}
    assert laid_down(pool(), elsewhere).reserved == {}


def test_a_reservation_holds_the_addresses_it_names_or_those_chosen_for_it():
    assert held(reservation(addresses=(FIRST,))) == (FIRST,)
    assert held(reservation(count=2, held=(SECOND,))) == (SECOND,)
    assert held(reservation(addresses=(FIRST,), held=(SECOND,))) == (FIRST,)
    assert held(reservation(count=2)) == ()


@pytest.mark.parametrize(
    ("facts", "fits"),
    [
        pytest.param({}, True, id="its namespace"),
        pytest.param({"namespace": "blue"}, False, id="another namespace"),
        pytest.param({"namespace": ""}, True, id="any namespace"),
        pytest.param({"service": "web"}, True, id="its name"),
        pytest.param({"service": "api"}, False, id="another name"),
        pytest.param({"namespace": "blue", "service": "web"}, False, id="its name elsewhere"),
        pytest.param({"selector": SHOPS}, True, id="its labels"),
        pytest.param({"selector": Selector()}, True, id="any labels"),
        pytest.param({"selector": Selector(equal=(("app", "bank"),))}, False, id="other labels"),
        pytest.param({"namespace": "blue", "selector": SHOPS}, False, id="its labels elsewhere"),
        pytest.param({"namespace": "", "selector": SHOPS}, True, id="its labels anywhere"),
    ],
)
def test_a_reservation_is_for_a_service_by_name_or_for_those_of_a_namespace_that_are_selected(facts, fits):
    web = service("default/web", labels=(("app", "shop"),))
    one = reservation(**facts)
    assert is_for(one, web) == fits
    assert laid_down(one).reserved_for(web) == ([one] if fits else [])


# Services without a class.


@pytest.mark.parametrize(
    ("facts", "adopts"),
    [
        ({"adopts": True, "default": True}, True),
        ({"adopts": True}, False),
        ({"default": True}, False),
        ({"adopts": True, "default": True, "deleting": True}, False),
    ],
)
def test_a_default_pool_that_says_so_adopts_services_without_a_class(facts, adopts):
    assert laid_down(pool("a", **facts), pool("b", "10.0.0.0/24", default=True)).adopts == adopts


def test_without_pools_nothing_is_adopted():
    assert not terms(Snapshot(), 0.0).adopts


# Pools in trouble.


def test_a_pool_that_was_never_read_is_unseen():
    odd = unreadable("Eip", "odd") | unreadable("Eip", "eip") | unreadable("Service", "web")
    found = laid_down(pool(), unreadable=odd)
    assert [name for name in ("odd", "eip", "web", "none") if found.is_unseen(name)] == ["odd"]
    assert set(found.unreadable) == {"odd", "eip"}
    assert found.unreadable["odd"].startswith("cannot be read")


@pytest.mark.parametrize(
    ("facts", "fit"),
    [
        ({}, True),
        ({"name": "x" * 63}, True),
        ({"name": "x" * 64}, False),
        ({"text": "nonsense"}, False),
        ({"deleting": True}, False),
        ({"disabled": True}, False),
    ],
)
def test_a_pool_that_nothing_is_wrong_with_is_usable(facts, fit):
    one = pool(**facts)
    assert usable([one]) == ([one] if fit else [])
