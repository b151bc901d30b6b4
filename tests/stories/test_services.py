"""Services from their creation to their end, write by write."""

from dataclasses import replace

import pytest

from openelb.model import names
from openelb.model.cluster import Service
from tests.stories.memory import Cluster
from tests.unit.builders import address, changed, key, pool, rewritten, service

WEB = key("web")


def cluster(*facts, **others):
    """A cluster in which these were created and the manager has done its work."""
    made = Cluster(**others)
    for fact in facts:
        made.create(fact)
    made.settle()
    return made


def scene(found: Cluster) -> tuple[str, str, str]:
    """Of the Service `web`: what is shown, whether the ledger of `eip` holds anything for it, and its guard."""
    one = found.services.get(WEB, Service(WEB))
    held = [str(at) for at, keys in found.pools["eip"].status.used.items() if WEB in keys]
    return ",".join(one.ingress), ",".join(held), "guarded" if one.finalizers else ""


def scenes(found: Cluster) -> list[tuple[str, str, str]]:
    """The scenes that the writes of the manager lead through, from the one that is there."""
    seen = [scene(found)]

    def watch() -> None:
        if scene(found) != seen[-1]:
            seen.append(scene(found))

    found.settle(watch=watch)
    found.check_ledgers()
    found.check_rest()
    return seen


def edit(found: Cluster, **facts) -> Cluster:
    """A user changes the Service `web`."""
    found.edit_service(WEB, lambda before: changed(before, **facts))
    return found


def test_a_service_gets_its_address_in_the_ledger_first():
    found = cluster(pool(finalizers=()))
    found.create(service(pool="eip"))
    assert scenes(found) == [("", "", ""), ("", "192.168.1.0", ""), ("192.168.1.0", "192.168.1.0", "guarded")]


SERVED = (pool(finalizers=()), service(pool="eip"))


@pytest.mark.parametrize(
    "change",
    [{"opt_in": "", "pool": ""}, {"opt_in": ""}, {"node_proxy": "deployment"}],
    ids=["all annotations removed", "opted out", "node-proxy"],
)
def test_a_service_that_wants_nothing_any_more_gives_back_in_the_safe_order(change):
    assert scenes(edit(cluster(*SERVED), **change)) == [
        ("192.168.1.0", "192.168.1.0", "guarded"),
        ("", "192.168.1.0", "guarded"),
        ("", "", "guarded"),
        ("", "", ""),
    ]


def test_a_service_that_becomes_a_cluster_ip_gives_back_in_the_safe_order():
    found = edit(cluster(*SERVED), load_balancer=False)
    assert scenes(found) == [("", "192.168.1.0", "guarded"), ("", "", "guarded"), ("", "", "")]
    assert found.services[WEB].pool_label == ""


def test_a_deleted_service_vanishes_last():
    found = cluster(*SERVED)
    found.delete(found.services[WEB])
    assert scenes(found)[-3:] == [("", "192.168.1.0", "guarded"), ("", "", "guarded"), ("", "", "")]
    assert WEB not in found.services


def test_a_service_that_was_torn_out_with_its_finalizer_leaves_nothing_behind():
    found = cluster(*SERVED)
    edit(found, finalizers=())
    found.delete(found.services[WEB])
    found.settle()
    assert found.pools["eip"].status.used == {}


def test_a_namesake_created_at_once_is_served_too():
    found = cluster(*SERVED)
    edit(found, finalizers=())
    found.delete(found.services[WEB])
    found.create(service(pool="eip", load_balancer_ip="192.168.1.9"))
    found.settle()
    found.check_rest()
    assert found.services[WEB].ingress == ("192.168.1.9",)


def test_a_change_of_address_is_made_before_the_old_one_goes():
    assert scenes(edit(cluster(*SERVED), load_balancer_ip="192.168.1.5")) == [
        ("192.168.1.0", "192.168.1.0", "guarded"),
        ("192.168.1.0", "192.168.1.0,192.168.1.5", "guarded"),
        ("192.168.1.5", "192.168.1.0,192.168.1.5", "guarded"),
        ("192.168.1.5", "192.168.1.5", "guarded"),
    ]


def test_a_wish_that_cannot_be_met_is_met_as_soon_as_its_obstacle_is_gone():
    found = edit(cluster(*SERVED), pool="other")
    found.settle()
    assert found.services[WEB].ingress == ("192.168.1.0",)
    found.create(pool("other", "10.0.0.1", finalizers=()))
    found.settle()
    assert found.services[WEB].ingress == ("10.0.0.1",)


OBSTACLES = {
    "no pool": ([], lambda found: found.create(pool(finalizers=()))),
    "disabled": ([pool(disabled=True)], lambda found: found.edit_pool("eip", lambda one: replace(one, disabled=False))),
    "full": (
        [pool(text="192.168.1.0"), service("db", pool="eip")],
        lambda found: found.delete(found.services[key("db")]),
    ),
    "too small": (
        [pool(text="192.168.1.0"), service("db", pool="eip")],
        lambda found: found.edit_pool("eip", lambda one: rewritten(one, pool().address)),
    ),
    "spoilt": (
        [pool(text="192.168.1.0-192.168.0.0")],
        lambda found: found.edit_pool("eip", lambda one: rewritten(one, pool().address)),
    ),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_pending_service_has_a_reason_and_is_served_when_it_is_gone(obstacle):
    facts, remove = OBSTACLES[obstacle]
    found = cluster(*facts, service(pool="eip", created="2026-02-01T00:00:00Z"))
    (said,) = found.services[WEB].conditions
    assert (said.status, bool(said.message)) == (False, True)
    remove(found)
    found.settle()
    found.check_rest()
    assert found.services[WEB].ingress


def test_a_pool_edited_to_garbage_keeps_its_services():
    found = cluster(*SERVED)
    found.edit_pool("eip", lambda one: rewritten(one, "x"))
    assert scenes(found) == [("192.168.1.0", "192.168.1.0", "guarded")]
    assert all(said.status for said in found.services[WEB].conditions)


def test_a_pool_deleted_in_use_stays_until_its_last_service_is_gone():
    found = cluster(*SERVED)
    found.delete(found.pools["eip"])
    assert scenes(found) == [("192.168.1.0", "192.168.1.0", "guarded")]
    found.delete(found.services[WEB])
    found.settle()
    assert found.pools == {}


def test_a_wiped_ledger_comes_back_and_nobody_moves():
    found = cluster(*SERVED, service("new", pool="eip", load_balancer_ip="192.168.1.9"))
    before = {one.key: one.ingress for one in found.services.values()}
    found.edit_pool("eip", lambda one: replace(one, status=replace(one.status, used={})))
    found.create(service("late", pool="eip"))
    found.settle()
    found.check_rest()
    assert {who: found.services[who].ingress for who in before} == before


@pytest.mark.parametrize("part", ["ingress", "pool_label", "finalizers", "conditions"])
def test_what_somebody_took_off_is_put_back(part):
    found = cluster(*SERVED)
    before = found.services[WEB]
    edit(found, **{part: type(getattr(before, part))()})
    found.settle()
    assert replace(found.services[WEB], version=before.version) == before


def test_what_upstream_shared_stays_shared_until_one_leaves():
    shown = {"shows": "192.168.1.1", "pool": "eip"}
    found = cluster(
        pool(used={"192.168.1.1": "web;db"}),
        service(**shown),
        service("db", **shown),
        shared=frozenset({"192.168.1.1"}),
    )
    assert found.pools["eip"].status.used == {address("192.168.1.1"): (WEB, key("db"))}
    found.delete(found.services[key("db")])
    found.settle()
    found.check_rest()
    assert found.services[WEB].ingress == ("192.168.1.1",)


def test_a_manager_that_dies_after_the_ledger_is_finished_by_the_next():
    found = cluster(pool(finalizers=()))
    found.create(service(pool="eip"))
    (ledger,) = found.look()
    found.write(ledger)
    found.settle()
    assert found.services[WEB].ingress == ("192.168.1.0",)


def test_of_two_managers_that_planned_the_same_only_one_wins_the_ledger():
    found = cluster(pool(finalizers=()))
    found.create(service("a", pool="eip"))
    first = found.look()
    found.create(service("b", pool="eip", created="2025-01-01T00:00:00Z"))
    second = found.look()
    assert [found.write(write) for write in (*second, *first)] == [True, False]
    found.settle()
    found.check_rest()


def test_a_hundred_services_are_served_in_a_few_looks():
    found = Cluster()
    found.create(pool(finalizers=()))
    for number in range(100):
        found.create(service(f"s{number:03}", pool="eip"))
    assert found.settle() <= 4
    assert len({one.ingress for one in found.services.values()}) == 100


def test_services_of_others_are_never_written():
    foreign = service(opt_in="", ingress=("10.9.9.9",), finalizers=("example.org/other",))
    found = cluster(pool(finalizers=()))
    found.create(foreign)
    before = found.services[WEB]
    found.settle()
    assert found.services[WEB] == before
    assert names.SERVICE_FINALIZER not in before.finalizers
