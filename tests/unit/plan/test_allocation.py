"""Which address a Service gets. Numbered rows are those of upstream's own table for building a request, and agree with it
but where this implementation differs on purpose: what is held stays held.
"""

import pytest

from openelb.model import names
from openelb.model.cluster import Protocol
from openelb.model.findings import Reason
from openelb.plan.allocation import Chooser, satisfies, wants_address
from openelb.plan.books import Books
from openelb.plan.ledger import Holding
from openelb.plan.request import disagreement, request
from openelb.plan.terms import Terms, terms
from openelb.plan.vacancies import Vacancies
from tests.unit.builders import address, pool, service, snapshot


def chosen(wish, *facts, now=0.0, **others):
    """What is chosen: `pool address` for each address, or the reason why there is none."""
    world = snapshot(*facts, **others)
    books, laid_down = Books(), terms(world, now)
    books.update(world)
    books.give(laid_down.given)
    chooser, asked, found = Chooser(books, laid_down, Vacancies(books, laid_down, now, []), []), request(wish), []
    if asked.problem:
        return asked.problem.reason
    for slot in asked.slots:
        choice = chooser.choose(wish, asked, slot, [one.address for one in found if isinstance(one, Holding)])
        found.append(choice)
    return ", ".join(f"{one.pool} {one.address}" if isinstance(one, Holding) else one.reason for one in found)


DEFAULT = pool(default=True)
BY_LAST_ROWS = [
    pytest.param({"pool": "eip"}, [pool()], "eip 192.168.1.0", id="6: by pool"),
    pytest.param({"pool": "eip", "load_balancer_ip": "192.168.1.50"}, [pool()], "eip 192.168.1.50", id="8: both"),
    pytest.param({"address": "192.168.1.100"}, [pool()], "eip 192.168.1.100", id="10: by address"),
    pytest.param(
        {"address": "192.168.1.100", "load_balancer_ip": "192.168.1.50"},
        [pool()],
        "eip 192.168.1.100",
        id="11: the annotation beats spec.loadBalancerIP",
    ),
    pytest.param({"pool": "none"}, [pool()], Reason.POOL_NOT_FOUND, id="12: a pool that does not exist"),
    pytest.param({}, [DEFAULT], "eip 192.168.1.0", id="21: by default"),
    pytest.param({}, [pool()], Reason.NO_POOL, id="no default"),
    pytest.param({"load_balancer_ip": "192.168.1.50"}, [pool()], "eip 192.168.1.50", id="spec.loadBalancerIP alone"),
    pytest.param({"protocol": "layer2"}, [pool()], "eip 192.168.1.0", id="the protocol alone"),
    pytest.param({"protocol": "bgp"}, [DEFAULT], Reason.NO_POOL, id="the protocol filters the default"),
    pytest.param({"protocol": "bgp", "pool": "eip"}, [pool()], "eip 192.168.1.0", id="an explicit pool"),
    pytest.param({"protocol": "bgp", "address": "192.168.1.9"}, [pool()], "eip 192.168.1.9", id="an address"),
]


@pytest.mark.parametrize(("wish", "pools", "expected"), BY_LAST_ROWS)
def test_a_service_gets_what_it_asks_for_or_what_is_there_by_default(wish, pools, expected):
    assert chosen(service(**wish), *pools) == expected


TWO = [pool("a", "10.0.0.0/30"), pool("b", "10.0.1.0/30", default=True)]


@pytest.mark.parametrize("pools", [TWO, TWO[::-1]], ids=["default last", "default first"])
def test_the_default_pool_is_taken_in_whatever_order_pools_arrive(pools):
    assert chosen(service(), *pools) == "b 10.0.1.0"


@pytest.mark.parametrize("pools", [TWO, TWO[::-1]], ids=["default last", "default first"])
def test_the_default_pool_comes_before_the_others_of_its_protocol(pools):
    assert chosen(service(protocol="layer2"), *pools) == "b 10.0.1.0"


def test_the_first_of_several_default_pools_by_name_comes_first():
    assert (
        chosen(service(), pool("b", "10.0.1.0/30", default=True), pool("a", "10.0.0.0/30", default=True))
        == "a 10.0.0.0"
    )


def test_a_full_default_pool_is_followed_by_the_next():
    full = pool("a", "10.0.0.1", default=True, used={"10.0.0.1": "db"})
    assert chosen(service(), full, pool("b", "10.0.1.1", default=True)) == "b 10.0.1.1"


@pytest.mark.parametrize(
    "trouble", [{"disabled": True}, {"deleting": True}, {"text": "nonsense"}, {"text": "2001:db8::/64"}]
)
def test_a_pool_in_trouble_is_followed_by_the_next(trouble):
    first = pool("a", default=True, **trouble)
    assert chosen(service(), first, pool("b", "10.0.1.1", default=True)) == "b 10.0.1.1"


def test_a_protocol_takes_any_pool_of_it_that_has_room():
    pools = [pool("a", protocol=Protocol.BGP), pool("b", "10.0.1.1", used={"10.0.1.1": "db"}), pool("c", "10.0.2.1")]
    assert chosen(service(protocol="layer2"), *pools) == "c 10.0.2.1"


def test_the_lowest_free_address_is_given_with_the_first_and_the_last_of_a_network():
    assert chosen(service(pool="eip"), pool(text="10.0.0.0/30")) == "eip 10.0.0.0"
    used = {"10.0.0.0": "a", "10.0.0.1": "b", "10.0.0.2": "c"}
    assert chosen(service(pool="eip"), pool(text="10.0.0.0/30", used=used)) == "eip 10.0.0.3"


def test_a_gap_is_filled():
    assert chosen(service(pool="eip"), pool(used={"192.168.1.0": "a", "192.168.1.2": "b"})) == "eip 192.168.1.1"


def test_a_full_pool_gives_nothing():
    full = pool(text="10.0.0.0/31", used={"10.0.0.0": "a", "10.0.0.1": "b"})
    assert chosen(service(pool="eip"), full) == Reason.POOL_EXHAUSTED


def test_an_ipv6_service_gets_an_address_of_an_ipv6_pool():
    assert chosen(service(pool="eip", families=(6,)), pool(text="2001:db8::/64")) == "eip 2001:db8::"


def test_a_service_of_one_family_gets_that_one():
    assert chosen(service(pool="eip", families=(6, 4)), pool()) == Reason.FAMILY_MISMATCH


def test_a_pool_of_both_families_gives_each_service_an_address_of_its_own():
    both = pool(text="10.0.0.1, 2001:db8::1")
    assert chosen(service(pool="eip", families=(6,)), both) == "eip 2001:db8::1"
    assert chosen(service(pool="eip", families=(4,)), both) == "eip 10.0.0.1"


def test_an_address_that_another_service_holds_is_refused_and_not_shared():
    assert chosen(service(load_balancer_ip="192.168.1.1"), pool(used={"192.168.1.1": "db"})) == Reason.ADDRESS_TAKEN


def test_an_address_outside_every_pool_is_refused():
    assert chosen(service(load_balancer_ip="10.9.9.9"), pool()) == Reason.ADDRESS_OUTSIDE_POOL


def test_an_address_held_through_an_overlapping_pool_is_taken():
    overlap = pool("other", "192.168.1.1-192.168.1.9", used={"192.168.1.1": "db"})
    assert chosen(service(pool="eip", address="192.168.1.1"), pool(), overlap) == Reason.ADDRESS_TAKEN
    first = pool(text="192.168.1.1-192.168.1.9")
    assert chosen(service(pool="eip"), first, overlap) == "eip 192.168.1.2"


def test_an_address_that_another_load_balancer_publishes_is_taken():
    foreign = service("metal", opt_in="", load_balancer_class="example.org/other", ingress=("192.168.1.0",))
    assert chosen(service(pool="eip"), pool(), foreign) == "eip 192.168.1.1"
    assert chosen(service(load_balancer_ip="192.168.1.0"), pool(), foreign) == Reason.ADDRESS_TAKEN


def test_a_service_may_move_its_own_address_to_an_overlapping_pool():
    mine = service(pool="other", address="192.168.1.1", shows="192.168.1.1")
    pools = pool(used={"192.168.1.1": "web"}), pool("other", "192.168.1.1-192.168.1.9")
    assert chosen(mine, mine, *pools) == "other 192.168.1.1"


HELD = Holding("eip", address("192.168.1.1"))


@pytest.mark.parametrize(
    ("wish", "content"),
    [
        ({}, True),
        ({"pool": "eip"}, True),
        ({"address": "192.168.1.1"}, True),
        ({"load_balancer_ip": "192.168.1.1"}, True),
        ({"protocol": "bgp"}, True),
        ({"pool": "other"}, False),
        ({"address": "192.168.1.2"}, False),
        ({"load_balancer_ip": "192.168.1.2"}, False),
        ({"address": "192.168.1.2", "load_balancer_ip": "192.168.1.1"}, False),
        ({"address": "192.168.1.1", "load_balancer_ip": "192.168.1.2"}, True),
        ({"address": "nonsense"}, False),
    ],
)
def test_only_what_a_service_asks_for_makes_it_move(wish, content):
    assert wished(service(**wish)) == content


def wished(one):
    asked = request(one)
    return not asked.problem and satisfies(asked, asked.slots[0], HELD)


OURS = "openelb.io/openelb"


@pytest.mark.parametrize(
    ("facts", "wants"),
    [
        ({}, True),
        ({"opt_in": ""}, False),
        ({"opt_in": "porter"}, False),
        ({"load_balancer": False}, False),
        ({"deleting": True}, False),
        ({"opt_in": "", "load_balancer_class": OURS}, True),
        ({"load_balancer_class": OURS}, True),
        ({"load_balancer_class": "example.org/other"}, False),
        ({"opt_in": "", "load_balancer_class": OURS, "deleting": True}, False),
        ({"node_proxy": "deployment"}, False),
        ({"node_proxy": "daemonset"}, False),
    ],
)
def test_a_service_is_ours_by_annotation_or_by_class(facts, wants):
    assert wants_address(service(**facts), Terms(), OURS) == wants


def test_the_class_that_is_ours_can_be_another():
    assert wants_address(service(load_balancer_class="example.org/other"), Terms(), "example.org/other")
    assert not wants_address(service(load_balancer_class=OURS), Terms(), "example.org/other")


def test_equal_wishes_do_not_disagree():
    assert disagreement(service(address="192.168.1.1", load_balancer_ip="192.168.1.1")) == ""
    assert disagreement(service(address="192.168.1.1")) == ""
    assert disagreement(service(load_balancer_ip="192.168.1.1")) == ""


def test_wishes_that_disagree_name_both_places():
    said = disagreement(service(address="192.168.1.1", load_balancer_ip="192.168.1.2"))
    assert "192.168.1.2" in said
    assert names.REQUESTED_ADDRESS in said
