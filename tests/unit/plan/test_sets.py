"""Services that ask for more than one address: of both families, several of one, or another one to move to."""

from dataclasses import replace

import pytest

from openelb.model import names
from openelb.model.cluster import FamilyPolicy, Publication, Service
from openelb.model.findings import Reason
from openelb.plan import cluster
from tests.unit.builders import changed, condition, key, pool, service, snapshot, speaker

FOUR, SIX = "192.168.1.0", "2001:db8::"
WEB = key("web")
BOTH = pool(text="192.168.1.0/24, 2001:db8::/64", default=True)
PREFER = {"families": (4, 6), "family_policy": FamilyPolicy.PREFER_DUAL}
REQUIRE = {"families": (4, 6), "family_policy": FamilyPolicy.REQUIRE_DUAL}


def settled(*facts, now=0.0, looks=4, planner=None):
    """The facts after a manager has written what it planned, again and again until nothing is left."""
    planner = planner or cluster.Planner()
    seen = snapshot(*facts, speaker("node-a"))
    for _ in range(looks):
        found = planner.plan(seen, frozenset({"node-a"}), now)
        pools = {name: replace(seen.pools[name], status=status) for name, status in found.pools.items()}
        services = {one: carried(seen.services[one], told) for one, told in found.services.items()}
        seen = replace(seen, pools={**seen.pools, **pools}, services={**seen.services, **services})
    return seen


def carried(before: Service, told: Publication) -> Service:
    finalizers = (names.SERVICE_FINALIZER,) if told.guarded else ()
    return replace(
        before, ingress=told.ingress, pool_label=told.pool_label, finalizers=finalizers, conditions=told.conditions
    )


def shown(seen, name="web"):
    return seen.services[key(name)].ingress


def told(seen, name="web", type_=names.ADDRESS_ALLOCATED):
    return condition(seen.services[key(name)].conditions, type_)


def held(seen):
    return {str(one): str(keys[0]) for found in seen.pools.values() for one, keys in found.status.used.items()}


@pytest.mark.parametrize("policy", [PREFER, REQUIRE], ids=["preferred", "required"])
def test_a_dual_stack_service_gets_one_address_of_each_family_in_their_order(policy):
    assert shown(settled(BOTH, service(**policy))) == (FOUR, SIX)
    assert shown(settled(BOTH, service(**{**policy, "families": (6, 4)}))) == (SIX, FOUR)


def test_the_families_may_come_from_two_pools():
    four, six = pool("four", default=True), pool("six", "2001:db8::/64", default=True)
    assert shown(settled(four, six, service(**REQUIRE))) == (FOUR, SIX)
    named = service(pools="six, four", **REQUIRE)
    assert shown(settled(replace(four, default=False), replace(six, default=False), named)) == (FOUR, SIX)


def test_a_required_family_that_is_missing_keeps_the_other_back():
    seen = settled(pool(default=True), service(**REQUIRE))
    assert (shown(seen), held(seen)) == ((), {})
    assert told(seen).reason == Reason.FAMILY_MISMATCH


def test_a_preferred_family_that_is_missing_comes_later():
    seen = settled(pool(default=True), service(**PREFER))
    assert shown(seen) == (FOUR,)
    six = pool("six", "2001:db8::/64", default=True)
    assert shown(settled(*seen.pools.values(), six, *seen.services.values())) == (FOUR, SIX)


def test_who_prefers_a_family_that_is_missing_is_told_why():
    seen = settled(pool(default=True), service(**PREFER))
    assert told(seen).message.startswith(
        f"{FOUR} from Eip eip; it has no IPv6 address yet, since Eip eip has IPv4 addresses"
    )
    seen = settled(*seen.pools.values(), pool("six", "2001:db8::/64", default=True), *seen.services.values())
    assert told(seen).message == f"{FOUR} from Eip eip, {SIX} from Eip six"


def test_a_preferred_family_of_an_eip_that_is_going_is_kept_though_another_has_it():
    """The named Eip is no wish to move, and what is preferred is no less than what is there."""
    four, six = pool("four", "192.168.1.0/24"), pool("six", "2001:db8::/64")
    seen = settled(four, six, service(pools="four, six", **PREFER))
    assert shown(seen) == (FOUR, SIX)
    heir = pool("heir", "2001:db8::/64")
    pools = [one if one.name != "six" else replace(one, deleting=True) for one in seen.pools.values()]
    seen = settled(*pools, heir, *seen.services.values())
    assert shown(seen) == (FOUR, SIX)
    assert told(seen).message == (
        f"{FOUR} from Eip four, {SIX} from Eip heir; keeps {SIX} from Eip heir, since Eip six is being deleted: name another one"
    )


def test_a_preferred_family_whose_address_is_taken_costs_nothing_that_is_held():
    seen = settled(BOTH, service("db", address="2001:db8::5", families=(6,)), service(**PREFER))
    asks = changed(seen.services[WEB], address="2001:db8::5")
    seen = settled(*seen.pools.values(), seen.services[key("db")], asks)
    assert shown(seen) == (FOUR, SIX)
    assert "2001:db8::5 is in use by default/db" in told(seen).message


def test_of_families_that_are_preferred_one_is_whole():
    few = pool(text="192.168.1.0/31, 2001:db8::/127", default=True)
    assert shown(settled(few, service(count="3", **PREFER))) == ()
    more = pool(text="192.168.1.0/30, 2001:db8::/127", default=True)
    assert shown(settled(more, service(count="3", **PREFER))) == ("192.168.1.0", "192.168.1.1", "192.168.1.2")


def test_a_family_that_its_user_takes_away_is_given_back():
    seen = settled(BOTH, service(**REQUIRE))
    single = changed(seen.services[WEB], families=(4,), family_policy=FamilyPolicy.SINGLE)
    seen = settled(*seen.pools.values(), single)
    assert (shown(seen), held(seen)) == ((FOUR,), {FOUR: "default/web"})


def test_an_address_that_is_held_of_two_eips_is_one_of_several_and_not_two():
    """After a split was undone in the middle, neither Eip has it any more."""
    web = service(count="2", shows=FOUR, of="eip", ingress=(FOUR, "10.0.0.0"))
    small = pool(text="192.168.1.9", used={FOUR: "default/web"})
    going = pool("half", text=f"{FOUR}/31", deleting=True, used={FOUR: "default/web"})
    seen = settled(small, going, pool("other", "10.0.0.0/24", used={"10.0.0.0": "default/web"}), web)
    assert set(shown(seen)) == {FOUR, "10.0.0.0"}


def test_several_addresses_of_one_family_are_published_together():
    assert shown(settled(pool(default=True), service(count="3"))) == ("192.168.1.0", "192.168.1.1", "192.168.1.2")


def test_a_set_that_cannot_be_whole_takes_nothing():
    seen = settled(pool(text="192.168.1.0/31", default=True), service(count="3"))
    assert (shown(seen), held(seen)) == ((), {})
    assert told(seen).reason == Reason.POOL_EXHAUSTED


def test_who_has_a_set_and_asks_for_more_than_there_is_keeps_it():
    seen = settled(pool(text="192.168.1.0/31", default=True), service(count="2"))
    seen = settled(*seen.pools.values(), changed(seen.services[WEB], count="3"))
    assert shown(seen) == ("192.168.1.0", "192.168.1.1")
    assert told(seen).message.startswith(
        "keeps 192.168.1.0 from Eip eip, 192.168.1.1 from Eip eip, since all 2 addresses"
    )


def test_who_asks_for_fewer_gives_the_others_back():
    seen = settled(pool(default=True), service(count="3"))
    seen = settled(*seen.pools.values(), changed(seen.services[WEB], count=""))
    assert held(seen) == {"192.168.1.0": "default/web"}


def test_certain_addresses_are_given_in_the_order_of_the_families():
    asked = service(addresses="2001:db8::7, 192.168.1.7", **REQUIRE)
    assert shown(settled(BOTH, asked)) == ("192.168.1.7", "2001:db8::7")


def test_a_certain_address_that_is_taken_keeps_the_others_back():
    seen = settled(BOTH, service("db", address="192.168.1.7"), service(addresses="2001:db8::7, 192.168.1.7", **REQUIRE))
    assert (shown(seen), told(seen).reason) == ((), Reason.ADDRESS_TAKEN)
    assert held(seen) == {"192.168.1.7": "default/db"}


# Moving.

TWO = pool(default=True), pool("other", "10.0.0.0/24")


def test_who_moves_to_another_pool_shows_both_addresses_until_the_time_is_over():
    seen = settled(*TWO, service())
    moving = changed(seen.services[WEB], migrate_to="other for 30s")
    both = settled(*seen.pools.values(), moving, now=100.0, looks=2)
    assert shown(both) == ("10.0.0.0", FOUR)
    assert told(both, type_=names.MOVING).message == f"moving to other; {FOUR} from Eip eip stays for 30 s"
    later = replace(both.services[WEB], moving_since=100.0)
    still = settled(*both.pools.values(), later, now=129.0)
    assert shown(still) == ("10.0.0.0", FOUR)
    done = settled(*both.pools.values(), later, now=131.0)
    assert (shown(done), held(done)) == (("10.0.0.0",), {"10.0.0.0": "default/web"})
    assert done.services[WEB].pool_label == "other"
    assert names.MOVING not in {one.type for one in done.services[WEB].conditions}


@pytest.mark.parametrize(("families", "order"), [((4, 6), ("10.0.0.0", SIX)), ((6, 4), (SIX, "10.0.0.0"))])
def test_who_moves_keeps_the_family_that_is_not_to_be_had_there(families, order):
    seen = settled(BOTH, TWO[1], service(**{**PREFER, "families": families}))
    moving = changed(seen.services[WEB], migrate_to="other for 30s")
    done = settled(*seen.pools.values(), replace(moving, moving_since=100.0), now=131.0)
    assert shown(done) == order
    assert held(done) == {"10.0.0.0": "default/web", SIX: "default/web"}
    assert "it has no" not in told(done).message


def test_who_is_sent_elsewhere_in_the_middle_of_a_move_has_the_whole_time_again():
    third = pool("third", "172.16.0.0/24")
    seen = settled(*TWO, third, service())
    both = settled(*seen.pools.values(), changed(seen.services[WEB], migrate_to="other for 30s"), now=100.0, looks=2)
    sent_on = replace(changed(both.services[WEB], migrate_to="third for 30s"), moving_since=100.0)
    assert set(shown(settled(*both.pools.values(), sent_on, now=131.0, looks=2))) == {"172.16.0.0", "10.0.0.0", FOUR}


def test_a_planner_says_when_the_time_is_over():
    seen = settled(*TWO, service())
    seen = settled(*seen.pools.values(), changed(seen.services[WEB], migrate_to="other for 30s"), now=100.0, looks=2)
    assert cluster.plan(seen, frozenset({"node-a"}), now=100.0).due == 130.0


def test_who_cannot_move_stays_and_says_why():
    seen = settled(*TWO, service())
    seen = settled(*seen.pools.values(), changed(seen.services[WEB], migrate_to="nowhere"))
    assert shown(seen) == (FOUR,)
    assert "it cannot move to nowhere, since Eip nowhere does not exist" in told(seen).message


def test_who_moves_to_an_address_gets_that_one():
    seen = settled(*TWO, service())
    seen = settled(*seen.pools.values(), changed(seen.services[WEB], migrate_to="10.0.0.9 for 0s"))
    assert shown(seen) == ("10.0.0.9",)


def test_a_service_that_is_new_goes_there_at_once():
    assert shown(settled(*TWO, service(migrate_to="other"))) == ("10.0.0.0",)


def test_who_has_moved_and_asks_for_more_than_is_there_keeps_what_it_has():
    pools = pool(text="192.168.1.0/30"), pool("new", "192.168.2.1")
    seen = settled(*pools, service(pool="eip", migrate_to="new for 1m"))
    assert shown(seen) == ("192.168.2.1",)
    more = changed(seen.services[key("web")], count="2")
    seen = settled(*seen.pools.values(), more)
    assert (shown(seen), told(seen).reason) == (("192.168.2.1",), Reason.POOL_EXHAUSTED)
