"""What the manager writes next, given what it sees: each test is one state of a cluster and one judgement."""

from dataclasses import replace

import pytest

from openelb.model import names
from openelb.model.cluster import Publication
from openelb.model.findings import Condition, Reason
from openelb.plan import cluster
from tests.unit.builders import condition, key, pool, service, snapshot, speaker, unreadable
from tests.unit.plan.judged import of, plan, used

WEB = {"192.168.1.1": "default/web"}


def test_an_address_is_entered_in_the_ledger_before_anything_is_published():
    found = plan(pool(), service(pool="eip"))
    assert used(found) == {"192.168.1.0": "default/web"}
    assert of(found) is None


def test_an_address_in_the_ledger_is_published_with_label_guard_and_conditions():
    found = of(plan(pool(used=WEB), service()))
    assert (found.ingress, found.pool_label, found.guarded) == (("192.168.1.1",), "eip", True)
    assert [(said.type, said.status) for said in found.conditions] == [
        (names.ADDRESS_ALLOCATED, True),
        (names.ANNOUNCED, True),
    ]


def test_an_eip_gives_nothing_before_it_carries_our_finalizer():
    found = plan(pool(finalizers=()), service(pool="eip"))
    assert (found.pool_finalizers, found.pools, found.services) == ({"eip": True}, {}, {})


def test_the_status_of_an_eip_tells_what_is_in_it():
    status = plan(pool(text="192.168.1.0/31", used=WEB), service(), service("db", pool="eip")).pools["eip"]
    assert (status.first, status.last, status.size, status.v4) == ("192.168.1.0", "192.168.1.1", 2, True)
    assert (status.usage, status.occupied, status.ready) == (2, True, True)


def test_an_address_that_fell_out_of_an_eip_does_not_fill_it():
    moved = plan(
        pool(text="192.168.9.0/31", used={"192.168.1.1": "default/web", "192.168.1.2": "default/db"}), service()
    )
    assert (moved.pools["eip"].usage, moved.pools["eip"].occupied) == (2, False)


def test_the_size_of_a_huge_eip_is_the_largest_number_that_its_field_holds():
    assert plan(pool(text="2001:db8::/32")).pools["eip"].size == 2**63 - 1


def test_who_asks_for_a_certain_address_comes_before_who_takes_any():
    old = service("old", pool="eip", created="2020-01-01T00:00:00Z")
    found = plan(pool(), old, service(load_balancer_ip="192.168.1.0"))
    assert used(found) == {"192.168.1.0": "default/web", "192.168.1.1": "default/old"}


def test_of_two_that_take_any_the_older_comes_first():
    new = service("a", pool="eip", created="2026-02-01T00:00:00Z")
    old = service("b", pool="eip", created="2026-01-01T00:00:00Z")
    assert used(plan(pool(), new, old)) == {"192.168.1.0": "default/b", "192.168.1.1": "default/a"}


def test_of_two_that_ask_for_the_same_address_the_older_gets_it_and_the_other_is_told():
    wish = {"load_balancer_ip": "192.168.1.7"}
    found = plan(pool(), service("a", created="2026-02-01T00:00:00Z", **wish), service("b", **wish))
    assert used(found) == {"192.168.1.7": "default/b"}
    assert "in use by default/b" in of(found, "a").conditions[0].message


# Releases: status and label, then the ledger, then the finalizer.

SHOWN = {"shows": "192.168.1.1"}
REASONS_TO_RELEASE = [
    pytest.param({"deleting": True}, id="deleted"),
    pytest.param({"opt_in": ""}, id="opted out, or all annotations removed"),
    pytest.param({"opt_in": "porter"}, id="opted in elsewhere"),
    pytest.param({"node_proxy": "deployment"}, id="turned to node-proxy"),
    pytest.param({"opt_in": "", "load_balancer_class": "example.org/other"}, id="of another class"),
]


@pytest.mark.parametrize("facts", REASONS_TO_RELEASE)
def test_a_release_clears_the_status_and_the_label_first_while_the_ledger_holds(facts):
    found = plan(pool(used=WEB), service(**SHOWN, **facts))
    assert of(found) == Publication(guarded=True)
    assert used(found) == WEB


def test_a_service_of_others_keeps_its_address_though_it_has_our_label():
    theirs = {"opt_in": "", "load_balancer_class": "example.org/other", "shows": "203.0.113.9", "of": "eip"}
    assert of(plan(pool(), service(**theirs, finalizers=()))) is None


@pytest.mark.parametrize("facts", REASONS_TO_RELEASE)
def test_a_release_clears_the_ledger_when_nothing_is_shown_any_more(facts):
    found = plan(pool(used=WEB), service(finalizers=(names.SERVICE_FINALIZER,), **facts))
    assert of(found) is None
    assert used(found) == {}


@pytest.mark.parametrize("facts", REASONS_TO_RELEASE)
def test_a_release_takes_off_the_finalizer_when_the_ledger_is_clear(facts):
    found = plan(pool(), service(finalizers=("example.org/other", names.SERVICE_FINALIZER), **facts))
    assert of(found).guarded is False
    assert of(found).ingress == ()


def test_a_service_that_became_a_cluster_ip_is_released_though_the_server_cleared_its_status():
    left = service(load_balancer=False, pool_label="eip", finalizers=(names.SERVICE_FINALIZER,))
    assert of(plan(pool(used=WEB), left)) == Publication(guarded=True)


def test_a_service_that_never_was_ours_is_left_alone():
    foreign = service(opt_in="", ingress=("10.9.9.9",), finalizers=("example.org/other",))
    assert plan(pool(), foreign).services == {}


def test_the_address_of_another_load_balancer_stays_when_our_finalizer_comes_off():
    left = service(opt_in="", ingress=("10.9.9.9",), finalizers=(names.SERVICE_FINALIZER,))
    assert of(plan(pool(), left)) == Publication(ingress=("10.9.9.9",))


def test_a_holder_that_is_not_in_the_store_keeps_its_address_until_it_is_shown_to_be_gone():
    found = plan(pool(used=WEB))
    assert found.unknown == {key("web")}
    assert used(found) == WEB


def test_a_holder_that_is_gone_is_struck_out():
    found = plan(pool(used=WEB), gone=frozenset({key("web")}))
    assert found.unknown == frozenset()
    assert used(found) == {}


def test_a_namesake_of_a_service_that_is_gone_keeps_the_address():
    found = plan(pool(used=WEB), service(uid="another"), gone=frozenset({key("web")}))
    assert of(found).ingress == ("192.168.1.1",)
    assert used(found) == WEB


def test_an_address_that_is_struck_out_is_free_only_at_the_next_look():
    """In one look both could be right, yet of two ledgers that overlap either write may fail."""
    overlap = pool("other", "192.168.1.1")
    found = plan(pool(used=WEB), overlap, service("db", pool="other"), gone=frozenset({key("web")}))
    assert used(found, "other") == {}
    assert of(found, "db").conditions[0].reason == Reason.POOL_EXHAUSTED


# The user's own changes: make before break.

OTHER = pool("other", "10.0.0.0/30")


def test_a_change_of_pool_reserves_the_new_address_while_the_old_one_is_shown():
    found = plan(pool(used=WEB), OTHER, service(pool="other", **SHOWN))
    assert (used(found), used(found, "other")) == (WEB, {"10.0.0.0": "default/web"})
    assert of(found) is None


def test_a_change_of_pool_replaces_the_address_in_one_write():
    reserved = pool("other", "10.0.0.0/30", used={"10.0.0.0": "web"})
    found = plan(pool(used=WEB), reserved, service(pool="other", **SHOWN))
    assert (of(found).ingress, of(found).pool_label) == (("10.0.0.0",), "other")
    assert used(found) == WEB


def test_a_change_of_pool_gives_the_old_address_back_when_the_new_one_is_shown():
    moved = service(pool="other", shows="10.0.0.0", of="other")
    assert used(plan(pool(used=WEB), pool("other", "10.0.0.0/30", used={"10.0.0.0": "web"}), moved)) == {}


def test_a_change_of_address_is_made_before_the_old_one_is_given_back():
    found = plan(pool(used=WEB), service(load_balancer_ip="192.168.1.9", **SHOWN))
    assert used(found) == {**WEB, "192.168.1.9": "default/web"}
    assert of(found) is None


def test_an_address_moves_to_an_overlapping_pool_without_ever_being_free():
    overlap = pool("other", "192.168.1.1", used=WEB)
    moving = service(pool="other", **SHOWN)
    assert used(plan(pool(used=WEB), overlap, moving)) == WEB
    assert of(plan(pool(used=WEB), overlap, moving)).pool_label == "other"
    moved = service(pool="other", shows="192.168.1.1", of="other")
    assert used(plan(pool(used=WEB), overlap, moved)) == {}


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"pool": "none"}, Reason.POOL_NOT_FOUND),
        ({"load_balancer_ip": "10.9.9.9"}, Reason.ADDRESS_OUTSIDE_POOL),
        ({"address": "192.168.1.2"}, Reason.ADDRESS_TAKEN),
        ({"address": "nonsense"}, Reason.ADDRESS_INVALID),
        ({"pool": "full"}, Reason.POOL_EXHAUSTED),
        ({"pool": "off"}, Reason.POOL_DISABLED),
        ({"pool": "six"}, Reason.FAMILY_MISMATCH),
    ],
)
def test_a_change_that_cannot_be_met_keeps_the_old_address_and_says_so(wish, reason):
    pools = [
        pool(used={**WEB, "192.168.1.2": "db"}),
        pool("full", "10.0.0.1", used={"10.0.0.1": "db"}),
        pool("off", "10.0.1.0/24", disabled=True),
        pool("six", "2001:db8::/64"),
    ]
    found = of(plan(*pools, service("db"), service(**SHOWN, **wish)))
    said = condition(found.conditions, names.ADDRESS_ALLOCATED)
    assert (found.ingress, found.pool_label, found.guarded) == (("192.168.1.1",), "eip", True)
    assert (said.status, said.reason) == (True, reason)
    assert said.message.startswith("keeps 192.168.1.1 from Eip eip, since ")


def test_a_change_that_cannot_be_met_gives_back_what_was_reserved_for_the_change_before():
    reserved = pool("other", "10.0.0.0/30", used={"10.0.0.0": "web"})
    assert used(plan(pool(used=WEB), reserved, service(pool="none", **SHOWN)), "other") == {}


@pytest.mark.parametrize("name", ["a", "z"])
def test_a_change_taken_back_keeps_what_is_shown(name):
    reserved = pool(name, "10.0.0.0/30", used={"10.0.0.0": "web"})
    found = plan(pool(used=WEB), reserved, service(**SHOWN))
    assert of(found).ingress == ("192.168.1.1",)
    assert used(found, name) == {}


def test_a_better_pool_moves_nobody():
    found = plan(pool(used=WEB), pool("a", "10.0.0.0/30", default=True), service(**SHOWN))
    assert of(found).ingress == ("192.168.1.1",)
    assert used(found, "a") == {}


# Writing nothing.


def settled(*facts):
    """The facts as they are once this plan was written: the second look of a manager that met no conflict."""
    found = plan(*facts)
    pools = [pool(fact.name, fact.address, status=found.pools.get(fact.name, fact.status)) for fact in facts[:1]]
    said = of(found)
    web = service(shows=said.ingress[0], of=said.pool_label, conditions=said.conditions)
    return plan(*pools, web)


def test_what_was_written_is_not_written_again():
    again = settled(pool(used=WEB), service())
    assert (again.pools, again.pool_finalizers, again.services) == ({}, {}, {})


def test_the_order_and_the_age_of_conditions_are_no_reason_to_write():
    said = of(plan(pool(used=WEB), service())).conditions
    aged = tuple(Condition(c.type, c.status, c.reason, c.message, since="2026-01-01T00:00:00Z") for c in reversed(said))
    assert of(plan(pool(used=WEB), service(conditions=aged, **SHOWN))) is None


def test_a_failover_writes_nothing():
    facts = snapshot(pool(used=WEB), service(), speaker("node-a"), speaker("node-b"))
    both, one = (cluster.plan(facts, frozenset(alive)) for alive in (("node-a", "node-b"), ("node-b",)))
    assert both == one


def test_who_has_an_address_of_an_eip_that_was_never_read_keeps_it():
    other = pool("other", "192.168.2.0/24")
    for wish in ({}, {"pool": "eip"}, {"pool": "other"}, {"opt_in": ""}):
        found = plan(other, service(shows="192.168.1.1", **wish), unreadable=unreadable("Eip", "eip"))
        assert found.services == {}
    assert plan(other, service(shows="192.168.1.1", pool="eip")).services != {}


@pytest.mark.parametrize("known", [(), (pool(default=True),)], ids=["never", "any more"])
def test_a_service_that_comes_to_an_eip_that_cannot_be_read_is_told_so(known):
    spoilt = unreadable("Eip", "eip")
    wishes = [{"pool": "eip"}]
    if known:
        wishes += [{}, {"address": "192.168.1.7"}]
    for wish in wishes:
        found = plan(*known, service(**wish), unreadable=spoilt)
        (told,) = of(found).conditions
        assert (told.reason, told.message) == (
            "PoolInvalid",
            f"Eip eip cannot be used: it {spoilt['Eip eip'].sentence}",
        )
        assert all(status.used == {} for status in found.pools.values())


def test_a_service_gets_an_address_of_another_default_eip_when_one_cannot_be_read():
    found = plan(
        pool(default=True), pool("other", "10.0.0.0/30", default=True), service(), unreadable=unreadable("Eip", "eip")
    )
    assert list(used(found, "other").values()) == ["default/web"]


def test_who_holds_an_address_of_an_eip_that_cannot_be_read_any_more_is_judged_as_it_was_known():
    facts = (pool(used=WEB), service(shows="192.168.1.1"))
    assert plan(*facts, unreadable=unreadable("Eip", "eip")) == plan(*facts)


@pytest.mark.parametrize("known", [(), (pool(used=WEB),)], ids=["never", "any more"])
def test_a_deleted_service_goes_though_its_eip_cannot_be_read(known):
    """First its address, then the finalizer; an overlapping Eip does not enter it meanwhile."""
    other, spoilt = pool("other", "192.168.1.0/24"), unreadable("Eip", "eip")
    found = plan(*known, other, service(deleting=True, **SHOWN), unreadable=spoilt)
    assert of(found) == Publication(guarded=True)
    assert used(found, "other") == {}
    going = replace(service(deleting=True), finalizers=(names.SERVICE_FINALIZER,))
    assert of(plan(*known, other, going, unreadable=spoilt)) == Publication(guarded=False)


def test_the_entry_of_a_deleted_service_is_struck_when_its_eip_can_be_read_again():
    assert used(plan(pool(used=WEB), gone=frozenset({key("web")}))) == {}


def test_a_holder_that_cannot_be_read_is_not_asked_for():
    assert plan(pool(used=WEB)).unknown == {key("web")}
    found = plan(pool(used=WEB), unreadable=unreadable("Service", "web"))
    assert (found.unknown, used(found)) == (frozenset(), WEB)
