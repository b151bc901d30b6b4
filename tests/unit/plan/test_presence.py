"""Who can answer, by Leases and heartbeats together."""

from dataclasses import replace

import pytest

from openelb.model.cluster import Speaker
from openelb.model.layer2 import DEFAULTS, Layer2Choices, Profile
from openelb.plan.heard import Standing
from openelb.plan.liveness import Hearing, listen, ttls
from openelb.plan.presence import Alive, Heard, Presence, all_heard, presence, unheard
from tests.unit.builders import address, speaker

THERE = Standing(known=True, candidate=True)
LOST = replace(THERE, silent=frozenset(Profile))
FAST = Layer2Choices(profile=Profile.FAST)
PATIENT = Layer2Choices(restart_grace=10)
RELAXED = 40


def hearing(*speakers: Speaker, until: float = 0.0, silent: tuple[str, ...] = ()) -> Hearing:
    """What Leases tell after so many seconds, in which all renewed once a second but the silent ones."""
    heard, now = Hearing(), 0.0
    there = {each.node: each for each in speakers}
    while now <= until:
        renewals = {node: "1" if node in silent else f"{now}" for node in there}
        heard = listen(heard, f"{now}", renewals, now, ttls(there))
        now += 1.0
    return heard


def here(
    *speakers: Speaker,
    standings: dict[str, Standing] | None = None,
    until: float = 0.0,
    silent: tuple[str, ...] = (),
    since: float = 0.0,
    choices: tuple[Layer2Choices, ...] = (),
    now: float | None = None,
) -> Presence:
    """What node `a` holds of `a` and these others."""
    there = (speaker("a"), *speakers)
    return presence(
        "a",
        {each.node: each for each in there},
        Heard(standings or {}, since),
        hearing(*there, until=until, silent=silent),
        choices,
        until if now is None else now,
    )


def test_who_was_never_heard_counts_by_its_lease() -> None:
    assert here(speaker("b"), until=10.0).alive.nodes == {"a", "b"}
    assert here(speaker("b"), until=10.0, silent=("b",)).alive.nodes == {"a"}


def test_who_is_heard_needs_no_lease_and_who_is_lost_is_not_saved_by_one() -> None:
    assert here(speaker("b"), standings={"b": THERE}, until=10.0, silent=("b",)).alive.nodes == {"a", "b"}
    assert here(speaker("b"), standings={"b": LOST}, until=10.0).alive.nodes == {"a"}


def test_a_profile_may_lose_a_node_sooner() -> None:
    doubted = replace(THERE, silent=frozenset({Profile.FAST}))
    alive = here(speaker("b"), standings={"b": doubted}, choices=(FAST, DEFAULTS)).alive
    assert alive.of(FAST) == {"a"}
    assert alive.of(DEFAULTS) == alive.nodes == {"a", "b"}


@pytest.mark.parametrize("standing", [replace(THERE, candidate=False), replace(THERE, leaving=True)])
def test_who_begins_or_goes_does_not_answer(standing: Standing) -> None:
    assert here(speaker("b"), standings={"b": standing}).alive.nodes == {"a"}


def test_a_process_that_is_gone_keeps_its_addresses_for_the_grace_of_the_pool() -> None:
    gone = replace(THERE, gone_since=7.0)
    at = {
        after: here(speaker("b"), standings={"b": gone}, until=10.0, choices=(DEFAULTS, PATIENT), now=7.0 + after)
        for after in (2.9, 3.0, 9.9, 10.0)
    }
    assert ["b" in present.alive.nodes for present in at.values()] == [True, False, False, False]
    assert ["b" in present.alive.of(PATIENT) for present in at.values()] == [True, True, True, False]
    assert at[2.9].again == pytest.approx(0.1)
    assert at[3.0].again == pytest.approx(7.0)


def test_a_link_that_is_not_heard_or_does_not_work_by_its_own_word_is_none() -> None:
    two = speaker("b", "eth0", "eth1")
    silent = replace(THERE, silent_links={Profile.DEFAULT: frozenset({"eth1"})})
    assert [link.name for link in here(two, standings={"b": silent}).speakers["b"].links] == ["eth0"]
    said = replace(THERE, links=("eth1",))
    assert [link.name for link in here(two, standings={"b": said}).speakers["b"].links] == ["eth1"]
    assert here(two).speakers["b"].links == two.links


def test_what_a_speaker_holds_is_known_by_heartbeats_before_its_lease_says_so() -> None:
    held = frozenset({address("192.168.1.1")})
    assert here(speaker("b"), standings={"b": replace(THERE, holds=held)}).speakers["b"].holds == held
    assert here(replace(speaker("b"), holds=held)).speakers["b"].holds == held
    assert here(replace(speaker("b"), holds=held), standings={"b": THERE}).speakers["b"].holds == frozenset()


def test_of_one_to_which_we_are_lost_what_its_lease_says_counts_too() -> None:
    """It tells by heartbeats when it is asked to, and it is not."""
    told, said = frozenset({address("192.168.1.1")}), frozenset({address("192.168.1.2")})
    deaf = replace(THERE, holds=told, deaf=True)
    there = (speaker("a"), replace(speaker("b"), holds=said))
    for word, near, holds in (({"b"}, {"b"}, told | said), ({"b"}, set(), told | said), (set(), {"b"}, told)):
        heard = Heard({"b": deaf}, 0.0, frozenset(word), frozenset(near))
        present = presence("a", {each.node: each for each in there}, heard, hearing(*there), (), 0.0)
        assert present.speakers["b"].holds == holds
        assert present.alive == Alive(frozenset({"a", "b"}), {}, frozenset(word), frozenset(word & near))


def test_who_is_not_heard_though_its_lease_says_that_all_hear_it_is_lost_soon() -> None:
    """It may have died before we began; its Lease would be good for long."""
    found = replace(speaker("b"), seconds=RELAXED)
    assert here(found, until=2.0, silent=("b",)).alive.nodes == {"a", "b"}
    assert here(found, until=3.0, silent=("b",)).alive.nodes == {"a"}
    assert here(found, until=3.0, silent=("b",), since=float("inf")).alive.nodes == {"a", "b"}


def test_a_lease_that_is_good_for_long_is_so_until_another_speaker_says_that_its_node_is_lost() -> None:
    relaxed, witness = replace(speaker("b"), seconds=RELAXED), replace(speaker("c"), unheard=frozenset({"b"}))
    without = {each.node: each for each in (relaxed, speaker("c"))}
    assert ttls(without) == {"b": 40, "c": 4}
    assert ttls({**without, "c": witness}) == {"b": 4, "c": 4}


def test_all_are_heard_or_not() -> None:
    nodes = ("a", "b", "c")
    assert all_heard("a", nodes, {"b": THERE, "c": THERE})
    for other in (LOST, replace(THERE, gone_since=1.0), Standing()):
        assert not all_heard("a", nodes, {"b": THERE, "c": other})
    assert not all_heard("a", nodes, {"b": THERE})
    assert unheard({"b": THERE, "c": LOST}) == {"c"}


def test_who_is_given_up_is_without_itself() -> None:
    present = here(speaker("b"), choices=(FAST,)).without("a")
    assert present.alive.nodes == {"b"}
    assert present.alive.of(FAST) == {"b"}
