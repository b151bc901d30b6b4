"""Times are seconds of the observer's own monotonic clock; a renewal is any text that changes."""

from collections.abc import Iterable, Mapping

import pytest

from openelb.plan.liveness import TTL_FOUND_SECONDS, TTL_SECONDS, Hearing, alive, is_given_up, listen, next_loss

Look = tuple[float, str, Mapping[str, str]]


def heard(looks: Iterable[Look]) -> Hearing:
    """What is heard after these looks: (when, the observer's own renewal, the peers' renewals)."""
    hearing = Hearing()
    for now, own, peers in looks:
        hearing = listen(hearing, own, peers, now)
    return hearing


def every_second(
    start: int, end: int, *peers: str, silent: Mapping[str, str] | None = None, own: bool = True
) -> list[Look]:
    """A look a second; `peers` renew in each, the `silent` stay at their renewal, and so does the observer if not `own`."""
    return [
        (
            float(second),
            f"own {second}" if own else f"own {start}",
            {**{peer: f"{peer} {second}" for peer in peers}, **(silent or {})},
        )
        for second in range(start, end)
    ]


def test_a_peer_that_renews_is_alive():
    assert alive(heard(every_second(0, 100, "a")), 100.0) == {"a"}


def test_a_peer_that_is_seen_for_the_first_time_is_alive_however_old_its_renewal_is():
    assert alive(heard([(1000.0, "own", {"a": "of last year"})]), 1000.0) == {"a"}


def test_a_peer_that_stops_renewing_is_lost_after_the_ttl():
    looks = every_second(0, 10, "a", "b") + every_second(10, 20, "b", silent={"a": "a 9"})
    assert alive(heard(looks[:13]), 12.9) == {"a", "b"}
    assert alive(heard(looks[:14]), 13.0) == {"b"}


def test_a_lost_peer_is_found_out_within_five_seconds_of_its_last_renewal():
    looks = every_second(0, 10, "a") + every_second(10, 15, silent={"a": "a 9"})
    assert alive(heard(looks), 14.0) == frozenset()


def test_a_lease_that_was_found_and_is_not_renewed_counts_for_a_shorter_time():
    looks = every_second(0, 10, "a", silent={"dead": "of last year"})
    assert alive(heard(looks[:3]), 2.4) == {"a", "dead"}
    assert alive(heard(looks[:4]), 3.0) == {"a"}


def test_who_alone_cannot_renew_is_given_up_when_the_others_have_given_it_up():
    looks = every_second(0, 5, "a", "me") + every_second(5, 20, "a", silent={"me": "me 4"}, own=False)
    assert [is_given_up(heard(looks[:count]), "me", count - 1.0) for count in (9, 10, 20)] == [False, True, True]


def test_in_an_outage_nobody_is_given_up():
    looks = every_second(0, 5, "a", "me") + every_second(5, 65, silent={"a": "a 4", "me": "me 4"}, own=False)
    assert not is_given_up(heard(looks), "me", 65.0)


def test_who_renews_again_is_not_given_up_any_more():
    looks = every_second(0, 5, "a", "me") + every_second(5, 20, "a", silent={"me": "me 4"}, own=False)
    assert not is_given_up(heard([*looks, *every_second(20, 22, "a", "me")]), "me", 21.0)


def test_a_peer_that_comes_back_is_alive_at_once():
    looks = every_second(0, 10, "a") + every_second(10, 30, silent={"a": "a 9"}) + every_second(30, 31, "a")
    assert alive(heard(looks), 30.0) == {"a"}


def test_a_peer_that_left_is_forgotten():
    assert alive(heard([*every_second(0, 5, "a", "b"), (5.0, "own 5", {"a": "a 5"})]), 5.0) == {"a"}


def test_a_peer_that_left_and_comes_back_starts_anew():
    looks = [*every_second(0, 5, "a"), (5.0, "own 5", {}), (60.0, "own 6", {"a": "a 4"})]
    assert alive(heard(looks), 60.0) == {"a"}


def test_nobody_expires_while_the_api_server_is_away_for_a_minute():
    hearing = heard(every_second(0, 10, "a", "b"))
    for second in range(10, 70):
        hearing = listen(hearing, "own 9", {"a": "a 9", "b": "b 9"}, float(second))
        assert alive(hearing, float(second)) == {"a", "b"}


@pytest.mark.parametrize("late", [0, 1, 2])
def test_nobody_expires_after_an_outage_when_peers_come_back_within_two_seconds(late):
    """Even when our own renewal was the last that got through before the outage."""
    hearing = heard(every_second(0, 10, "a") + every_second(10, 70, silent={"a": "a 9"}, own=False))
    for second in range(70, 90):
        renewal = f"a {second}" if second >= 70 + late else "a 9"
        hearing = listen(hearing, f"own {second}", {"a": renewal}, float(second))
        assert alive(hearing, float(second)) == {"a"}


def test_a_peer_that_does_not_come_back_after_an_outage_is_lost():
    looks = (
        every_second(0, 10, "a")
        + every_second(10, 70, silent={"a": "a 9"}, own=False)
        + every_second(70, 75, silent={"a": "a 9"})
    )
    assert alive(heard(looks), 74.0) == frozenset()


def test_an_observer_that_was_frozen_takes_nobody_for_lost_when_it_looks_before_it_listens():
    hearing = heard(every_second(0, 10, "a"))
    assert alive(hearing, 600.0) == {"a"}


def test_an_observer_that_was_frozen_takes_nobody_for_lost_when_it_has_listened():
    hearing = heard(every_second(0, 10, "a") + every_second(600, 620, "a"))
    assert alive(hearing, 620.0) == {"a"}


def test_many_looks_in_one_second_age_nobody():
    looks = every_second(0, 10, "a") + [(9.0 + n / 100, "own 9", {"a": "a 9"}) for n in range(100)]
    assert alive(heard(looks), 9.99) == {"a"}


def test_many_own_renewals_within_the_ttl_expire_nobody():
    looks = [(0.0, "own", {"a": "a 0"}), *((n / 100, f"own {n}", {"a": "a 0"}) for n in range(1, 100))]
    assert alive(heard(looks), 1.0) == {"a"}


def test_an_own_lease_that_is_away_for_a_moment_is_no_sign_that_time_passes():
    flicker = [(10.0 + n, "own 9" if n % 2 else "", {"a": "a 9"}) for n in range(20)]
    assert alive(heard(every_second(0, 10, "a") + flicker), 30.0) == {"a"}


def test_the_next_loss_is_a_ttl_after_the_oldest_renewal_that_still_counts():
    hearing = heard([(0.0, "own 0", {"a": "a", "b": "b"}), (1.5, "own 1", {"a": "a", "b": "b'"})])
    assert next_loss(hearing, 2.0) == TTL_FOUND_SECONDS
    assert next_loss(hearing, TTL_FOUND_SECONDS) == 1.5 + TTL_SECONDS
    assert next_loss(hearing, 10.0) is None


def test_without_peers_nobody_can_get_lost():
    assert next_loss(Hearing(), 0.0) is None
