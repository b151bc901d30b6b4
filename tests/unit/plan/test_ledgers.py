"""What becomes of Services when pools are in trouble, and of ledgers that somebody else wrote, wiped or edited."""

from dataclasses import replace

import pytest

from openelb.model import names
from openelb.model.cluster import PoolStatus, Port
from openelb.model.findings import Reason
from tests.unit.builders import address, condition, key, ledger, pool, service
from tests.unit.plan.judged import of, plan, used

WEB = {"192.168.1.1": "default/web"}
SHOWN = {"shows": "192.168.1.1"}


@pytest.mark.parametrize(
    "trouble", [{"disabled": True}, {"deleting": True}, {"text": "192.168.1."}, {"text": "10.0.0.0/30"}]
)
def test_a_pool_in_trouble_keeps_its_services(trouble):
    before = PoolStatus(used=ledger(WEB), first="192.168.1.0", last="192.168.1.255", size=256, v4=True)
    facts = {"status": before, **trouble}
    found = plan(pool(**facts), service(**SHOWN))
    assert of(found).ingress == ("192.168.1.1",)
    assert used(found) == WEB


def test_a_spoilt_pool_s_services_stay_announced():
    before = PoolStatus(used=ledger(WEB), first="192.168.1.0", last="192.168.1.255", size=256, v4=True)
    said = of(plan(pool(text="192.168.1.", status=before), service(**SHOWN))).conditions
    assert condition(said, names.ANNOUNCED).status


def test_a_deleted_pool_stays_while_it_is_in_use():
    assert plan(pool(used=WEB, deleting=True), service(**SHOWN)).pool_finalizers == {}


def test_a_deleted_pool_goes_in_one_write_when_nothing_uses_it():
    found = plan(pool(deleting=True))
    assert (found.pool_finalizers, found.pools) == ({"eip": False}, {})


def test_a_deleted_pool_stays_until_its_clear_ledger_is_committed():
    found = plan(pool(used=WEB, deleting=True), gone=frozenset({key("web")}))
    assert (used(found), found.pool_finalizers) == ({}, {})


def test_a_spoilt_pool_of_which_nothing_is_known_is_not_full():
    assert plan(pool(text="nonsense", used=WEB), service()).pools["eip"].occupied is False


def test_a_deleted_pool_stays_when_only_its_ledger_was_wiped():
    found = plan(pool(deleting=True), service(**SHOWN))
    assert used(found) == WEB
    assert found.pool_finalizers == {}


def test_a_deleted_pool_that_never_was_guarded_is_not_guarded_any_more():
    assert plan(pool(deleting=True, finalizers=("example.org/other",))).pool_finalizers == {}


def test_a_service_whose_pool_vanished_moves_to_another():
    orphan = service(shows="10.0.0.1", of="gone")
    assert used(plan(pool(default=True), orphan)) == {"192.168.1.0": "default/web"}
    moving = plan(pool(default=True, used={"192.168.1.0": "web"}), orphan)
    assert of(moving).ingress == ("192.168.1.0",)


# Ledgers that somebody else wrote.


def test_a_wiped_ledger_is_rebuilt_before_anything_is_given_out():
    found = plan(pool(text="192.168.1.1-192.168.1.2"), service(**SHOWN), service("new", pool="eip"))
    assert used(found) == {**WEB, "192.168.1.2": "default/new"}


def test_a_wiped_ledger_is_rebuilt_from_services_on_their_way_out_too():
    found = plan(pool(text="192.168.1.1"), service(deleting=True, **SHOWN), service("new", pool="eip"))
    assert used(found) == WEB


def test_a_wiped_ledger_is_rebuilt_although_somebody_took_the_label_off():
    assert used(plan(pool(), service(ingress=("192.168.1.1",), finalizers=(names.SERVICE_FINALIZER,)))) == WEB


@pytest.mark.parametrize("label", ["other", "nowhere"])
def test_a_wiped_ledger_is_rebuilt_in_the_pool_that_has_the_address(label):
    found = plan(pool(), pool("other", "10.0.0.0/30"), service(shows="192.168.1.1", of=label))
    assert used(found) == WEB


def test_a_label_alone_makes_no_service_of_another_class_ours():
    """It has the name of the annotation that people copy; the other load balancer would publish the address again."""
    theirs = service(shows="192.168.1.1", load_balancer_class="example.org/other", opt_in="")
    found = plan(pool(), replace(theirs, finalizers=()))
    assert (of(found), used(found)) == (None, {})


def test_a_wiped_ledger_keeps_shared_addresses_shared():
    found = plan(pool(), service("b", **SHOWN), service("a", **SHOWN))
    assert used(found) == {"192.168.1.1": "default/a;default/b"}


def test_shared_entries_of_upstream_are_kept():
    shared = {"192.168.1.1": "default/a;default/b"}
    found = plan(pool(used=shared), service("a", **SHOWN), service("b", **SHOWN))
    assert used(found) == shared
    assert of(found, "a").ingress == of(found, "b").ingress == ("192.168.1.1",)


def test_what_is_put_right_in_a_ledger_is_told_of_its_eip():
    stale = pool(used={"192.168.1.9": "default/gone"})
    found = plan(
        stale, *(service(f"s{n}", shows=f"192.168.1.{n}", of="eip") for n in range(1, 6)), gone=frozenset({key("gone")})
    )
    assert found.repairs == {
        "eip": "entered in status.used what Services show and it did not have: 192.168.1.1 of default/s1, 192.168.1.2 of "
        "default/s2, 192.168.1.3 of default/s3 and 2 more; took out of status.used what Services had that are gone: "
        "192.168.1.9 of default/gone"
    }


def test_a_ledger_that_is_right_is_no_news():
    assert plan(pool(used={"192.168.1.1": "default/a"}), service("a", **SHOWN)).repairs == {}


def test_who_shows_one_address_with_colliding_ports_is_told_on_both_sides_and_nobody_moves():
    found = plan(pool(used={"192.168.1.1": "default/a;default/b"}), service("a", **SHOWN), service("b", **SHOWN))
    assert of(found, "a").ingress == of(found, "b").ingress == ("192.168.1.1",)
    assert condition(of(found, "a").conditions, names.CONFLICT).message == (
        "192.168.1.1 is also an address of default/b, and their traffic collides: default/b has port TCP 80 too: give them "
        "different ports, or move one of them with the annotation openelb.io/migrate-to"
    )
    assert condition(of(found, "b").conditions, names.CONFLICT).reason == Reason.ADDRESS_CONFLICT
    told = [service(name, conditions=of(found, name).conditions, **SHOWN) for name in ("a", "b")]
    assert plan(pool(used={"192.168.1.1": "default/a;default/b"}), *told).services == {}


def test_who_shares_by_the_ledger_alone_and_collides_with_nobody_is_told_nothing():
    """So upstream left them: of two namespaces, without a key."""
    other = service("team/b", ports=(Port("TCP", 443),), **SHOWN)
    found = plan(pool(used={"192.168.1.1": "default/a;team/b"}), service("a", **SHOWN), other)
    assert {names.CONFLICT} & {one.type for name in ("a", "team/b") for one in of(found, name).conditions} == set()


def test_a_sharer_by_the_ledger_is_published_although_the_other_shows_the_address():
    other = service("b", ports=(Port("TCP", 443),))
    found = plan(pool(used={"192.168.1.1": "default/a;default/b"}), service("a", **SHOWN), other)
    assert of(found, "b").ingress == ("192.168.1.1",)


def test_a_sharer_by_the_ledger_alone_is_not_published_where_the_ports_are_the_same():
    found = plan(pool(used={"192.168.1.1": "default/a;default/b"}), service("a", **SHOWN), service("b"))
    assert (of(found, "b").ingress, used(found)) == ((), {"192.168.1.1": "default/a"})


def test_a_sharer_that_leaves_leaves_the_address_to_the_other():
    leaver = service("a", deleting=True, finalizers=(names.SERVICE_FINALIZER,))
    found = plan(pool(used={"192.168.1.1": "default/a;default/b"}), leaver, service("b", **SHOWN))
    assert used(found) == {"192.168.1.1": "default/b"}


def test_who_shows_an_address_is_entered_beside_whoever_the_ledger_has():
    found = plan(pool(default=True, used={"192.168.1.1": "default/db"}), service("db", **SHOWN), service(**SHOWN))
    assert used(found) == {"192.168.1.1": "default/db;default/web"}


def test_an_address_that_another_service_shows_is_not_published():
    """Two leaders at once can come to that: the one that shows the address keeps it, the other gets another."""
    found = plan(pool(used=WEB), service(pool="eip"), service("db", **SHOWN))
    assert of(found).ingress == ()
    assert "in use by default/db" in of(found).conditions[0].message
    assert used(found) == {"192.168.1.1": "default/db"}


def test_an_address_in_two_ledgers_is_published_once():
    overlap = pool("other", "192.168.1.1", used={"192.168.1.1": "db"})
    found = plan(pool(used=WEB), overlap, service(), service("db", created="2026-02-01T00:00:00Z"))
    assert (of(found).ingress, of(found, "db").ingress) == (("192.168.1.1",), ())
    assert used(found, "other") == {}


def test_an_address_entered_for_nobody_is_free():
    free = PoolStatus(used={address("192.168.1.1"): ()}, usage=1)
    assert plan(pool(status=free)).pools["eip"].usage == 0


def test_a_holder_entered_twice_counts_once():
    twice = PoolStatus(used={address("192.168.1.1"): (key("web"), key("web"))})
    assert used(plan(pool(status=twice), gone=frozenset({key("web")}))) == {}
