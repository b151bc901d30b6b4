"""What the authors of pools and reservations lay down: who may have which address, and what the objects say of themselves."""

from dataclasses import replace

import pytest

from openelb.model import names
from openelb.model.cluster import Port, Release
from openelb.model.findings import Reason
from openelb.model.selectors import Selector
from openelb.plan import cluster
from tests.unit.builders import address, changed, condition, key, page, pool, reservation, service, snapshot, speaker
from tests.unit.plan.test_allocation import chosen
from tests.unit.plan.test_sets import held, settled, shown, told

GREEN = {"team": "green"}


# Bound pools.


@pytest.mark.parametrize(
    ("facts", "is_for_it"),
    [
        ({"namespaces": ("default",)}, True),
        ({"namespaces": ("other",)}, False),
        ({"namespace_labels": (("team", "green"),)}, True),
        ({"namespace_labels": (("team", "green"), ("size", "big"))}, False),
        ({"service_selector": Selector((("app", "web"),))}, True),
        ({"service_selector": Selector((("app", "db"),))}, False),
        ({"namespaces": ("default",), "service_selector": Selector((("app", "db"),))}, False),
    ],
)
def test_a_bound_pool_serves_the_services_it_is_for_and_no_others(facts, is_for_it):
    bound, wish = pool(**facts), service(labels=(("app", "web"),))
    expected = "eip 192.168.1.0" if is_for_it else Reason.NO_POOL
    assert chosen(wish, bound, namespaces={"default": GREEN}) == expected


def test_bound_pools_come_by_priority_then_by_name_and_before_the_default_one():
    pools = [
        pool("c", "10.0.3.0/32", namespaces=("default",), priority=10),
        pool("b", "10.0.2.0/32", namespaces=("default",), priority=10),
        pool("a", "10.0.1.0/32", namespaces=("default",), priority=20),
        pool("z", "10.0.9.0/32", default=True),
    ]
    got = []
    while pools:
        choice = chosen(service(), *pools)
        got.append(choice.split()[0])
        pools = [one for one in pools if one.name != got[-1]]
    assert got == ["b", "c", "a", "z"]


def test_a_full_bound_pool_is_followed_by_the_default_one():
    bound = pool("a", "10.0.1.0", namespaces=("default",), used={"10.0.1.0": "db"})
    assert chosen(service(), bound, pool("z", "10.0.9.0/32", default=True)) == "z 10.0.9.0"


def test_a_protocol_offers_no_pool_that_is_bound_to_others():
    assert chosen(service(protocol="layer2"), pool(namespaces=("other",))) == Reason.NO_POOL


def test_who_names_a_pool_gets_it_though_it_is_bound_to_others():
    assert chosen(service(pool="eip"), pool(namespaces=("other",))) == "eip 192.168.1.0"


# What is given out.


def test_what_is_excluded_is_not_given_out():
    some = pool(text="10.0.0.0/30", exclude=("10.0.0.0-10.0.0.1",), default=True)
    assert chosen(service(), some) == "eip 10.0.0.2"
    assert chosen(service(address="10.0.0.1"), some) == Reason.ADDRESS_RESERVED


def test_network_and_broadcast_addresses_can_be_left_out():
    seen = settled(pool(text="10.0.0.0/30", skip_ends=True, default=True), service(count="2"))
    assert shown(seen) == ("10.0.0.1", "10.0.0.2")
    status = seen.pools["eip"].status
    assert (status.size, status.usage, status.free, status.occupied) == (4, 2, 0, True)
    assert condition(status.conditions, names.EXHAUSTED).status


def test_what_two_pools_have_is_given_out_by_the_older():
    young = pool("a", "10.0.0.0/30", default=True, created="2026-02-01T00:00:00Z")
    old = pool("b", "10.0.0.0/31", created="2026-01-01T00:00:00Z")
    assert chosen(service(), young, old) == "a 10.0.0.2"
    assert chosen(service(pool="a", address="10.0.0.0"), young, old) == Reason.ADDRESS_OUTSIDE_POOL
    assert chosen(service(address="10.0.0.0"), young, old) == "b 10.0.0.0"
    said = condition(settled(young, old).pools["a"].status.conditions, names.OVERLAPPING)
    assert (said.status, "10.0.0.0-10.0.0.1" in said.message, "b" in said.message) == (True, True, True)


def test_a_pool_that_is_split_moves_nobody():
    seen = settled(pool(text="10.0.0.0-10.0.0.9", default=True), service(address="10.0.0.7"))
    first = replace(pool(text="10.0.0.0-10.0.0.4", default=True), status=seen.pools["eip"].status)
    second = pool("second", "10.0.0.5-10.0.0.9", created="2026-02-01T00:00:00Z")
    seen = settled(first, second, *seen.services.values(), looks=6)
    assert shown(seen) == ("10.0.0.7",)
    assert seen.services[key("web")].pool_label == "second"
    assert seen.pools["eip"].status.used == {}


def test_the_users_of_a_pool_that_goes_are_taken_over_by_the_one_that_has_their_addresses():
    seen = settled(pool(text="10.0.0.0-10.0.0.4", default=True), service())
    going = replace(seen.pools["eip"], deleting=True)
    heir = pool("heir", "10.0.0.0-10.0.0.9", created="2026-02-01T00:00:00Z")
    seen = settled(replace(going, created="2026-03-01T00:00:00Z"), heir, *seen.services.values(), looks=6)
    assert (shown(seen), seen.services[key("web")].pool_label) == (("10.0.0.0",), "heir")
    assert seen.pools["eip"].status.used == {}


# Cooling down.


def cooling(**released):
    last = {address(f"10.0.0.{octet[1:]}"): Release(key(who), at) for octet, (who, at) in released.items()}
    cool = pool(text="10.0.0.0/31", default=True, cooldown=60)
    return replace(cool, status=replace(cool.status, released=last))


def test_an_address_that_was_given_back_goes_to_another_only_after_a_while():
    hot = cooling(_0=("db", 100.0))
    assert chosen(service(), hot, now=110.0) == "eip 10.0.0.1"
    both = cooling(_0=("db", 100.0), _1=("db", 105.0))
    assert chosen(service(), both, now=110.0) == Reason.POOL_EXHAUSTED
    assert chosen(service(), both, now=161.0) == "eip 10.0.0.0"


def test_the_address_that_has_waited_longest_comes_first():
    assert chosen(service(), cooling(_0=("db", 105.0), _1=("db", 100.0)), now=300.0) == "eip 10.0.0.1"


def test_a_service_of_the_same_name_gets_its_address_back():
    assert chosen(service("db"), cooling(_1=("db", 100.0)), now=101.0) == "eip 10.0.0.1"


def test_it_is_noted_who_gave_an_address_back_and_when():
    seen = settled(pool(default=True, cooldown=60), service())
    seen = settled(*seen.pools.values(), replace(seen.services[key("web")], deleting=True), now=7.0)
    assert seen.pools["eip"].status.released == {address("192.168.1.0"): Release(key("web"), 7.0)}


def test_a_planner_says_when_an_address_has_cooled_down():
    both = cooling(_0=("db", 100.0), _1=("db", 105.0))
    facts = snapshot(both, service(), speaker("node-a"))
    assert cluster.plan(facts, frozenset({"node-a"}), now=110.0).due == 160.0


# Quotas.


def test_a_namespace_gets_no_more_than_its_quota():
    facts = [service(name) for name in ("a", "b", "c")]
    seen = settled(pool(default=True, quota=2), *facts, service("other/d"))
    assert [bool(shown(seen, name)) for name in ("a", "b", "c", "other/d")] == [True, True, False, True]
    assert told(seen, "c").reason == Reason.QUOTA_EXCEEDED
    assert "namespace default has the 2 addresses of Eip eip" in told(seen, "c").message


# Reservations.


def test_a_reserved_address_goes_to_nobody_else():
    kept = reservation(addresses=(address("192.168.1.0"),), service="db")
    assert chosen(service(), pool(default=True), kept) == "eip 192.168.1.1"
    assert chosen(service(address="192.168.1.0"), pool(default=True), kept) == Reason.ADDRESS_RESERVED
    assert chosen(service("db"), pool(), kept) == "eip 192.168.1.0"


def test_a_reservation_that_has_expired_holds_nothing():
    kept = reservation(addresses=(address("192.168.1.0"),), service="db", expires=50.0)
    assert chosen(service(), pool(default=True), kept, now=49.0) == "eip 192.168.1.1"
    assert chosen(service(), pool(default=True), kept, now=50.0) == "eip 192.168.1.0"


def test_a_number_of_addresses_is_chosen_and_kept():
    planned = cluster.plan(snapshot(pool(default=True), reservation(count=2), service("other/web")), frozenset())
    wanted = planned.reservations["held"]
    assert [str(one) for one in wanted.held] == ["192.168.1.0", "192.168.1.1"]
    assert condition(wanted.conditions, names.READY).status
    assert [str(one) for one in planned.pools["eip"].used] == ["192.168.1.2"]
    again = snapshot(pool(default=True), wanted, service("other/web"))
    assert cluster.plan(again, frozenset()).reservations == {}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"pool": "none"}, Reason.POOL_NOT_FOUND),
        ({"addresses": (address("10.9.9.9"),)}, Reason.ADDRESS_OUTSIDE_POOL),
        ({"count": 300}, Reason.POOL_EXHAUSTED),
        ({"problem": "give either spec.addresses or spec.count"}, Reason.REQUEST_INVALID),
        ({"count": 1, "expires": -1.0}, Reason.EXPIRED),
    ],
)
def test_a_reservation_that_holds_not_all_says_why(facts, reason):
    (wanted,) = cluster.plan(snapshot(pool(), replace(reservation(), **facts)), frozenset()).reservations.values()
    said = condition(wanted.conditions, names.READY)
    assert (said.status, said.reason, bool(said.message)) == (False, reason, True)


# Adoption.


def test_a_default_pool_may_serve_services_that_did_not_opt_in():
    plain = service(opt_in="")
    assert shown(settled(pool(default=True), plain)) == ()
    seen = settled(pool(default=True, adopts=True), plain)
    assert (shown(seen), told(seen).reason) == (("192.168.1.0",), Reason.ADOPTED)
    assert (
        shown(settled(pool(default=True, adopts=True), service(opt_in="", load_balancer_class="example.org/x"))) == ()
    )


def test_who_was_adopted_keeps_its_address_when_the_pool_adopts_no_more():
    seen = settled(pool(default=True, adopts=True), service(opt_in=""))
    later = replace(seen.pools["eip"], adopts=False)
    assert shown(settled(later, *seen.services.values())) == ("192.168.1.0",)


def test_who_was_adopted_and_waits_for_another_address_gets_it_when_it_is_free():
    pools = pool(default=True, adopts=True)
    seen = settled(pools, service(opt_in=""), service("db", load_balancer_ip="192.168.1.9"))
    wish = changed(seen.services[key("web")], load_balancer_ip="192.168.1.9")
    seen = replace(seen, services={**seen.services, wish.key: wish})
    planner = cluster.Planner()
    seen = settled(*seen.pools.values(), *seen.services.values(), planner=planner)
    assert shown(seen) == ("192.168.1.0",)
    gone = replace(seen.services[key("db")], deleting=True)
    seen = settled(*seen.pools.values(), seen.services[key("web")], gone, planner=planner)
    assert shown(seen) == ("192.168.1.9",)


# Sharing.


def test_services_with_different_ports_share_the_address_that_both_ask_for():
    web = service(address="192.168.1.5", created="2026-01-01T00:00:00Z")
    db = service("db", address="192.168.1.5", ports=(Port("TCP", 5432),), created="2026-02-01T00:00:00Z")
    seen = settled(pool(), web, db)
    assert (shown(seen), shown(seen, "db")) == (("192.168.1.5",), ("192.168.1.5",))
    same = settled(pool(), web, replace(db, ports=web.ports))
    assert (shown(same), shown(same, "db")) == (("192.168.1.5",), ())
    assert "default/web has port TCP 80 too: give them different ports" in told(same, "db").message


def test_services_of_two_namespaces_share_by_a_key_that_both_have():
    web = service(sharing_key="ours", created="2026-01-01T00:00:00Z")
    db = service("other/db", sharing_key="ours", ports=(Port("TCP", 5432),), created="2026-02-01T00:00:00Z")
    seen = settled(pool(default=True), web)
    seen = settled(*seen.pools.values(), *seen.services.values(), db)
    assert shown(seen, "other/db") == shown(seen) == ("192.168.1.0",)
    assert held(seen) == {"192.168.1.0": "default/web"}


# Ledgers of several pages.


def test_a_ledger_that_is_full_goes_on_in_another_page():
    planner = cluster.Planner(room=2)
    facts = snapshot(pool(default=True), *(service(name) for name in "abcde"))
    found = planner.plan(facts, frozenset())
    assert len(found.pools["eip"].used) == 2
    assert {name: len(one.used) for name, one in found.pages.items()} == {"eip-1": 2, "eip-2": 1}
    assert found.pools["eip"].usage == 5


def test_an_address_in_any_page_is_taken_published_and_given_back():
    full = pool(text="192.168.1.0/31", default=True, used={"192.168.1.0": "db"})
    facts = [full, page("eip-1", used={"192.168.1.1": "web"}), service("db", shows="192.168.1.0")]
    assert cluster.plan(snapshot(*facts, service()), frozenset()).services[key("web")].ingress == ("192.168.1.1",)
    late = cluster.plan(snapshot(*facts, service(), service("late")), frozenset()).services[key("late")]
    assert condition(late.conditions, names.ADDRESS_ALLOCATED).reason == Reason.POOL_EXHAUSTED
    freed = cluster.plan(snapshot(*facts, gone=frozenset({key("web")})), frozenset())
    assert freed.pages["eip-1"].used == {}


def test_an_eip_goes_when_all_of_its_pages_are_clear():
    going = pool(deleting=True)
    assert cluster.plan(snapshot(going, page("eip-1", used={"192.168.1.1": "web"})), frozenset()).pool_finalizers == {}
    assert cluster.plan(snapshot(going), frozenset()).pool_finalizers == {"eip": False}


def test_who_joins_by_a_sharing_key_gets_nothing_that_is_reserved_for_others():
    kept = reservation(addresses=(address("192.168.1.5"),), namespace="default", service="web")
    other = service("other", sharing_key="one", ports=(Port("TCP", 443),), pool="eip", created="2026-05-01T00:00:00Z")
    web = service("web", shows="192.168.1.5", sharing_key="one")
    assert shown(settled(pool(used={"192.168.1.5": "default/web"}), kept, web, other), "other") == ("192.168.1.0",)
