"""Which changes of Eips and EipReservations are refused, and what their authors are told."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.kube.decode_pools import pool as decoded
from openelb.kube.shapes import EipShape, EipSpec, Meta
from openelb.model import names
from openelb.model.cluster import Page, Pool, Protocol, Reservation, Service
from openelb.plan.admission import (
    Facts,
    Verdict,
    eip_changed,
    eip_created,
    eip_deleted,
    reservation_written,
)
from openelb.plan.bgp_outlook import hindrance
from openelb.plan.books import Books
from openelb.plan.terms import terms
from tests.unit.builders import address, page, pool, reservation, rewritten, service, snapshot, unreadable

ALLOWED = Verdict()
YOUNG = "2026-02-01T00:00:00Z"
REMEDY = re.compile(
    r"[:,;] (?:or )?(?:first )?"
    r"(?:write|set|take|leave|keep|put|move|delete|create|name|make|change|give|reserve|correct|enlarge|ask)\b"
)


def facts(*things: Pool | Page | Service | Reservation, now: float = 0.0, **others: Any) -> Facts:
    """What a manager knows of a cluster with these objects."""
    seen, books = snapshot(*things, **others), Books()
    books.update(seen)
    return Facts(terms(seen, now), books, now, hindrance(seen))


def created(new: Pool, *things: Pool) -> Verdict:
    return eip_created(new, facts(*things))


def changed(old: Pool, new: Pool, *others: Pool | Page | Reservation) -> Verdict:
    return eip_changed(old, new, facts(old, *others))


def deleted(old: Pool, *others: Pool | Page) -> Verdict:
    return eip_deleted(old, facts(old, *others))


def users(count: int, used: str = "10.0.0.{}") -> dict[str, str]:
    """So many Services, each with one address."""
    return {used.format(number): f"default/s{number}" for number in range(1, count + 1)}


# What is created.

WRONG = [
    pytest.param({"text": "10.0.0.x"}, "the address does not parse: '10.0.0.x' is no address", id="address"),
    pytest.param({"text": ""}, "the address does not parse: it is empty", id="no address"),
    pytest.param({"text": "127.0.0.1"}, "the address does not parse: 127.0.0.1 cannot be given out", id="loopback"),
    pytest.param({"exclude": ("x",)}, "spec.exclude: 'x' is no address", id="exclude"),
    pytest.param({"interface": ""}, "if protocol is layer2 or vip, interface should not be empty", id="layer2"),
    pytest.param(
        {"interface": "", "protocol": Protocol.VIP},
        "if protocol is layer2 or vip, interface should not be empty",
        id="vip",
    ),
    pytest.param({"interface": "can_reach:nowhere"}, "invalid can_reach address nowhere", id="can_reach"),
]


@pytest.mark.parametrize(("facts_of_it", "told"), WRONG)
def test_what_cannot_work_is_refused_with_what_to_do(facts_of_it: dict[str, Any], told: str) -> None:
    refusal = created(pool(**facts_of_it)).refusal
    assert refusal.startswith(told)
    assert REMEDY.search(refusal)


@pytest.mark.parametrize("interface", ["eth0", "can_reach:192.0.2.1", "can_reach:2001:db8::1"])
def test_what_can_work_is_accepted_without_a_word(interface: str) -> None:
    assert created(pool(interface=interface), pool("other", "10.0.0.0/24")) == ALLOWED


def test_bgp_needs_no_interface() -> None:
    assert not created(pool(interface="", protocol=Protocol.BGP)).refusal


def test_a_name_that_no_label_can_hold_is_refused() -> None:
    assert "create it under a shorter name" in created(pool("n" * 64)).refusal
    assert created(pool("n" * 63)) == ALLOWED


def test_addresses_of_another_pool_are_refused_with_its_name_and_which_they_are() -> None:
    others = [pool("b", "10.0.0.8-10.0.0.20"), pool("a", "10.0.0.2"), pool("c", "10.0.1.0/24")]
    refusal = created(pool("new", "10.0.0.0-10.0.0.9"), *others).refusal
    assert refusal.startswith("eip address overlap with a (10.0.0.2), b (10.0.0.8-10.0.0.9): take these addresses out")
    assert f'{names.FORCE}: "true"' in refusal


def test_of_many_pools_that_overlap_a_few_are_named() -> None:
    others = [pool(f"p{number}", f"10.0.0.{number}") for number in range(8)]
    assert "p4 (10.0.0.4) and 3 more: " in created(pool("new", "10.0.0.0/24"), *others).refusal


def test_who_insists_gets_an_overlapping_pool_and_is_told_who_gives_out_what_both_have() -> None:
    verdict = created(pool("new", "10.0.0.0/24", forced=True), pool("a", "10.0.0.2"))
    assert verdict == Verdict(
        warnings=("eip address overlap with a (10.0.0.2): the oldest of them gives out what they have in common",)
    )


def test_a_pool_that_is_going_is_no_reason_to_refuse_its_addresses_to_another() -> None:
    verdict = created(pool("new", "10.0.0.0/24"), pool("a", "10.0.0.2", deleting=True))
    assert (verdict.refusal, len(verdict.warnings)) == ("", 1)


def test_a_second_default_pool_is_refused() -> None:
    first = pool("main", "10.0.0.1", default=True)
    refusal = created(pool(default=True), first).refusal
    assert refusal.startswith("already exists a default EIP: take the annotation")
    assert "off main first" in refusal
    assert created(pool(default=True), replace(first, deleting=True)) == ALLOWED
    assert created(pool(default=True, forced=True), first).refusal


@pytest.mark.parametrize(
    ("facts_of_it", "told"),
    [
        ({"protocol": Protocol.BGP}, "bgp needs a BgpConf default: create one.*an absent spec.protocol means bgp"),
        ({"protocol": Protocol.VIP}, "no speaker announces vip in this version"),
        ({"default": True, "disabled": True}, "gives out nothing: make another"),
        ({"adopts": True}, "spec.adoption has no effect"),
        ({"text": "10.0.0.1", "exclude": ("10.0.0.0/24",)}, "all addresses are excluded"),
    ],
)
def test_what_may_not_be_meant_is_accepted_with_a_warning(facts_of_it: dict[str, Any], told: str) -> None:
    verdict = created(pool(**facts_of_it))
    assert verdict.refusal == ""
    (warning,) = verdict.warnings
    assert re.search(told, warning)
    assert REMEDY.search(warning)


def test_a_default_pool_may_adopt() -> None:
    assert created(pool(default=True, adopts=True)) == ALLOWED


def test_a_pool_that_was_seen_already_is_not_in_its_own_way() -> None:
    assert created(pool(default=True), pool(default=True)) == ALLOWED


def test_a_pool_that_the_network_plugin_announces_needs_no_speaker() -> None:
    assert created(pool(protocol=Protocol.BGP, left_to_cni=True)) == ALLOWED


# What is changed.


@pytest.mark.parametrize(("facts_of_it", "told"), WRONG)
def test_what_cannot_work_any_more_is_refused_and_what_never_could_may_be_changed(
    facts_of_it: dict[str, Any], told: str
) -> None:
    good, bad = pool(), pool(**facts_of_it)
    assert changed(good, bad).refusal.startswith(told)
    assert changed(bad, replace(bad, priority=5)) == ALLOWED
    assert changed(bad, good).refusal == ""


def test_one_mistake_in_the_place_of_another_is_told_and_makes_nothing_worse() -> None:
    whole = pool(text="10.0.0.0/24", used=users(3))
    old = replace(rewritten(whole, "x"), status=replace(whole.status, address="10.0.0.0/24"))
    verdict = changed(old, rewritten(old, "y"))
    assert verdict.refusal == ""
    assert verdict.warnings[0].startswith("the address does not parse: 'y'")


def test_a_mistake_beside_another_is_refused() -> None:
    assert changed(pool(text="x"), pool(text="x", interface="")).refusal.startswith("if protocol is layer2")


@pytest.mark.parametrize(
    "anything",
    [{"text": "nonsense"}, {"interface": ""}, {"text": "10.0.9.9"}, {"text": "10.0.1.0/24"}, {"exclude": ("x",)}],
)
def test_what_is_being_deleted_may_always_be_changed(anything: dict[str, Any]) -> None:
    old = pool(text="10.0.0.0/24", used=users(1))
    assert changed(old, pool(**{"text": "10.0.0.0/24", **anything}, deleting=True), pool("b", "10.0.1.0/24")) == ALLOWED


@pytest.mark.parametrize(
    "metadata",
    [
        {"finalizers": ()},
        {"finalizers": (names.POOL_FINALIZER, "other")},
        {"version": "7"},
        {"left_to_cni": True},
        {"forced": True},
        {"default": False},
    ],
)
@pytest.mark.parametrize(
    "old",
    [
        pool(text="10.0.0.0/24", used=users(3), protocol=Protocol.BGP),
        pool(text="10.0.0.0/24", used=users(3), default=True, interface=""),
        pool(text="nonsense", used=users(3)),
        pool(text="10.0.9.0/24", used=users(3)),
    ],
    ids=["good", "no interface", "unreadable", "long fallen out"],
)
def test_metadata_may_always_be_changed(old: Pool, metadata: dict[str, Any]) -> None:
    others = [pool("other", "10.0.0.0/16", default=True)]
    assert changed(old, replace(old, **metadata), *others) == ALLOWED


def test_a_second_default_by_annotation_is_accepted_with_a_warning() -> None:
    first, second = pool("first", "10.0.0.1", default=True), pool("second", "10.0.0.2")
    verdict = changed(second, replace(second, default=True), first)
    assert verdict.refusal == ""
    assert verdict.warnings[0].startswith("already exists a default EIP")
    assert REMEDY.search(verdict.warnings[0])


def test_a_pool_may_grow_but_not_into_another() -> None:
    old, other = pool(text="10.0.0.0/30"), pool("other", "10.0.1.0/30")
    assert changed(old, rewritten(old, "10.0.0.0/29"), other) == ALLOWED
    wide = rewritten(old, "10.0.0.0/23")
    assert changed(old, wide, other).refusal.startswith("eip address overlap with other (10.0.1.0-10.0.1.3): take")
    assert changed(old, replace(wide, forced=True), other).warnings[0].startswith("eip address overlap with other")


def test_a_pool_that_overlaps_already_may_grow_elsewhere_and_not_further_into_the_other() -> None:
    old, other = pool(text="10.0.0.0/30"), pool("other", "10.0.0.2-10.0.0.5")
    assert changed(old, rewritten(old, "10.0.0.0/30,10.0.0.9"), other) == ALLOWED
    assert "other (10.0.0.4)" in changed(old, rewritten(old, "10.0.0.0-10.0.0.4"), other).refusal


def test_a_pool_may_shrink_where_nothing_is_in_use() -> None:
    old = pool(text="10.0.0.0/24", used=users(3))
    assert changed(old, rewritten(old, "10.0.0.0/30")) == ALLOWED
    assert changed(old, rewritten(old, "10.0.0.1,10.0.0.2,10.0.0.3")) == ALLOWED


def test_a_pool_may_not_lose_what_is_in_use_and_its_services_are_named() -> None:
    old = pool(text="10.0.0.0/24", used=users(9) | {"10.0.0.9": "default/s9;default/t"})
    refusal = changed(old, rewritten(old, "10.0.0.1-10.0.0.7")).refusal
    assert refusal.startswith("the address field is not allowed to be modified")
    assert "keep those of default/s8, default/s9, default/t, or move" in refusal
    named = changed(old, rewritten(old, "10.0.0.1")).refusal
    assert "default/s2, default/s3, default/s4, default/s5, default/s6 and others" in named
    assert changed(old, rewritten(old, "192.168.0.0/24")).refusal


@pytest.mark.parametrize("gap", ["10.0.0.0-10.0.0.127", "10.0.0.0-10.0.0.2,10.0.0.4-10.0.0.255"])
def test_it_makes_no_difference_which_are_fewer_those_in_use_or_those_that_fall_out(gap: str) -> None:
    old = pool(text="10.0.0.0/24", used={"10.0.0.3": "default/three", "10.0.0.200": "default/high"})
    lost = {"10.0.0.0-10.0.0.127": "default/high"}.get(gap, "default/three")
    assert f"keep those of {lost}," in changed(old, rewritten(old, gap)).refusal


def test_who_insists_may_take_out_what_is_in_use_and_is_told_what_happens_then() -> None:
    old = pool(text="10.0.0.0/24", used=users(1))
    verdict = changed(old, replace(rewritten(old, "10.0.0.8"), forced=True))
    assert verdict.refusal == ""
    assert verdict.warnings[0].startswith("no node answers any more for addresses of default/s1, which they keep")


def test_the_parts_of_a_ledger_that_are_in_other_objects_count() -> None:
    old = pool(text="10.0.0.0/24")
    more = page("eip-1", used={"10.0.0.77": "default/far"})
    assert "default/far" in changed(old, rewritten(old, "10.0.0.0/28"), more).refusal
    assert "default/far" in deleted(old, more).refusal


def test_what_another_pool_has_too_does_not_fall_out() -> None:
    old, shrunk = pool(text="10.0.0.0/24", used=users(3)), "10.0.0.1"
    part = pool("part", "10.0.0.2-10.0.0.9", created=YOUNG)
    assert changed(old, rewritten(old, shrunk), part) == ALLOWED
    assert changed(old, rewritten(old, shrunk), replace(part, disabled=True)) == ALLOWED
    assert "default/s2" in changed(old, rewritten(old, shrunk), replace(part, deleting=True)).refusal


def test_a_pool_whose_address_was_spoilt_is_mended_and_may_not_lose_what_it_had() -> None:
    whole = pool(text="10.0.0.0/24", used=users(3))
    spoilt = replace(rewritten(whole, "10.0.0.0/24x"), status=replace(whole.status, address="10.0.0.0/24"))
    other = pool("other", "10.0.0.128/25")
    assert changed(spoilt, whole, other) == ALLOWED
    assert "default/s2" in changed(spoilt, rewritten(spoilt, "10.0.0.1"), other).refusal


def test_what_is_in_use_may_be_excluded_and_stays() -> None:
    old = pool(text="10.0.0.0/24", used=users(3))
    new = pool(text="10.0.0.0/24", exclude=("10.0.0.2",))
    assert changed(old, new) == Verdict(warnings=("what is excluded stays with who has it: default/s2",))
    assert changed(old, pool(text="10.0.0.0/24", exclude=("10.0.0.20",))) == ALLOWED


def test_network_and_broadcast_addresses_in_use_stay_when_they_are_skipped() -> None:
    old = pool(text="10.0.0.0/30", used={"10.0.0.3": "default/last"})
    assert "default/last" in changed(old, pool(text="10.0.0.0/30", skip_ends=True)).warnings[0]


def test_a_change_is_warned_of_what_it_brings_and_not_of_what_was_there() -> None:
    old = pool(protocol=Protocol.BGP)
    assert changed(old, replace(old, priority=3)) == ALLOWED
    assert len(changed(pool(), pool(protocol=Protocol.BGP)).warnings) == 1
    assert len(changed(old, replace(old, default=True, disabled=True)).warnings) == 1


# What is deleted.


def test_a_pool_in_use_is_not_deleted_and_its_services_are_named() -> None:
    refusal = deleted(pool(text="10.0.0.0/24", used=users(7))).refusal
    assert refusal.startswith(
        "Eip eip is in use by default/s1, default/s2, default/s3, default/s4, default/s5 and others"
    )
    assert REMEDY.search(refusal)
    assert f'{names.FORCE}: "true"' in refusal


def test_a_pool_that_nobody_uses_is_deleted() -> None:
    assert deleted(pool(text="10.0.0.0/24")) == ALLOWED


def test_who_insists_deletes_a_pool_in_use_and_is_told_when_it_goes() -> None:
    verdict = deleted(pool(text="10.0.0.0/24", used=users(1), forced=True))
    assert verdict == Verdict(
        warnings=("Eip eip is in use by default/s1: it goes once they are deleted or moved to another Eip",)
    )


def test_a_pool_that_goes_already_may_be_deleted_again() -> None:
    assert deleted(pool(text="10.0.0.0/24", used=users(1), deleting=True)) == ALLOWED


def test_a_pool_is_deleted_whose_services_another_one_takes_over() -> None:
    old, heir = pool(text="10.0.0.0/24", used=users(3)), pool("heir", "10.0.0.0-10.0.0.3", created=YOUNG)
    assert deleted(old, heir) == ALLOWED
    assert "in use by default/s3:" in deleted(old, rewritten(heir, "10.0.0.1,10.0.0.2")).refusal
    for useless in ({"disabled": True}, {"deleting": True}):
        assert "default/s1" in deleted(old, replace(heir, **useless)).refusal


def test_what_fell_out_of_a_pool_long_ago_is_in_use_too() -> None:
    assert "default/s1" in deleted(pool(text="10.0.9.0/24", used=users(1))).refusal


def test_a_pool_is_split_and_merged_again_as_the_page_on_eips_says() -> None:
    old, part = pool(text="10.0.0.0-10.0.0.9", used=users(5)), pool("part", "10.0.0.4-10.0.0.9", created=YOUNG)
    assert created(part, old).refusal
    assert not created(replace(part, forced=True), old).refusal
    small = rewritten(old, "10.0.0.0-10.0.0.3")
    assert changed(old, small, part) == ALLOWED
    assert changed(small, old, part).refusal
    assert not changed(small, replace(old, forced=True), part).refusal
    assert deleted(replace(part, status=old.status), old) == ALLOWED


# Reservations.


def written(new: Reservation, old: Reservation | None, *things: Any, **others: Any) -> Verdict:
    return reservation_written(new, old, facts(*things, **others))


def of(*texts: str) -> dict[str, Any]:
    return {"addresses": tuple(map(address, texts))}


POOL = pool(text="10.0.0.0/24", used={"10.0.0.3": "other/theirs", "10.0.0.4": "default/ours"})


@pytest.mark.parametrize("what", [of("10.0.0.1"), {"count": 2}, of("10.0.0.4"), {"count": 1000}])
def test_a_reservation_that_can_be_kept_is_accepted(what: dict[str, Any]) -> None:
    assert written(reservation(**what), None, POOL, service("ours")) == ALLOWED


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ({"problem": "give either spec.addresses or spec.count"}, "give either"),
        (of("10.0.0.1", "10.0.9.9"), "10.0.9.9 lies outside Eip eip: reserve addresses inside it"),
    ],
)
def test_a_reservation_that_nobody_could_keep_is_refused_and_an_old_one_may_be_changed(
    what: dict[str, Any], told: str
) -> None:
    wrong, right = reservation(**what), reservation(**of("10.0.0.1"))
    assert written(wrong, None, POOL).refusal.startswith(told)
    assert written(wrong, right, POOL).refusal.startswith(told)
    assert written(replace(wrong, service="web"), wrong, POOL) == ALLOWED
    assert written(right, wrong, POOL) == ALLOWED
    assert written(replace(wrong, problem="something else"), wrong, POOL).warnings == ("something else",)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ({"of": "later", "count": 1}, "Eip later does not exist: create it"),
        (of("10.0.0.2"), "EipReservation older, which is older, has some"),
        (of("10.0.0.3"), "10.0.0.3 is in use by other/theirs"),
        (of("10.0.0.1") | {"expires": 5.0}, "it has expired"),
    ],
)
def test_what_may_be_kept_later_is_accepted_with_a_warning_when_it_comes(what: dict[str, Any], told: str) -> None:
    older, new = reservation("older", **of("10.0.0.2")), reservation("new", **what, uid="z")
    for fresh in (new, replace(new, created="", uid="")):
        verdict = written(fresh, None, POOL, older, now=10.0)
        assert verdict.refusal == ""
        assert verdict.warnings[0].startswith(told)
        assert REMEDY.search(verdict.warnings[0])
    assert written(replace(new, version="2"), new, POOL, older, now=10.0) == ALLOWED


def test_a_reservation_of_a_pool_that_nobody_can_read_is_accepted() -> None:
    assert written(reservation(**of("10.0.0.1")), None, pool(text="nonsense")) == ALLOWED
    assert written(reservation(**of("10.0.0.1")), None, unreadable=unreadable("Eip", "eip")) == ALLOWED
    assert written(reservation(problem="name an Eip"), None, pool(text="nonsense")).refusal == "name an Eip"


# Whatever is written.

WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["10.0.0.0/24", "10.0.0.1-10.0.0.9", "10.0.0.4", "2001:db8::/64", "0.0.0.0/0", "10.0.0.9,::1", ""]),
)
SPECS = st.builds(
    EipSpec,
    address=WORDS,
    protocol=st.sampled_from(["", "bgp", "layer2", "vip", "arp"]),
    interface=st.sampled_from(["", "eth0", "can_reach:10.0.0.1", "can_reach:", "can_reach:x", "lo"]),
    disable=st.booleans(),
    exclude=st.lists(WORDS, max_size=2),
    skip_network_and_broadcast=st.booleans(),
    adoption=st.sampled_from(["OptedIn", "Unclassed", ""]),
)
METAS = st.builds(
    Meta,
    name=st.just("eip"),
    annotations=st.dictionaries(
        st.sampled_from([names.FORCE, names.DEFAULT_POOL]), st.sampled_from(["true", "TRUE", "x"])
    ),
    deletion_timestamp=st.sampled_from(["", "", "2026-01-01T00:00:00Z"]),
)
EIPS = st.builds(EipShape, metadata=METAS, spec=SPECS).map(decoded)
IN_USE = st.sampled_from([{}, users(3), users(12), {"2001:db8::1": "a/b;c/d"}])
OTHERS = (pool("older", "10.0.0.0/29", default=True), pool("going", "10.0.0.8", deleting=True), pool("odd", "x"))


@given(EIPS, EIPS, IN_USE)
def test_any_change_is_judged_and_every_refusal_says_what_to_do(old: Pool, new: Pool, used: dict[str, str]) -> None:
    known = facts(replace(old, status=pool(used=used).status), *OTHERS)
    for verdict in (eip_created(new, known), eip_changed(old, new, known), eip_deleted(old, known)):
        assert not verdict.refusal or REMEDY.search(verdict.refusal), verdict.refusal
        assert not (verdict.refusal and verdict.warnings)
        assert all(verdict.warnings)


@given(EIPS, st.booleans(), st.booleans(), IN_USE)
def test_whatever_an_eip_is_its_metadata_may_be_changed(
    old: Pool, forced: bool, default: bool, used: dict[str, str]
) -> None:
    new = replace(old, forced=forced, default=default, finalizers=(), version="9")
    known = facts(replace(old, status=pool(used=used).status), *OTHERS)
    assert eip_changed(old, new, known).refusal == ""
