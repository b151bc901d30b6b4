"""A speaker with heartbeats: what it makes of those it hears, and what it lets them know."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from openelb.announce.standings import View
from openelb.kube.lease import SEASONS
from openelb.model.layer2 import GRACE_SECONDS, Layer2Choices, Profile
from openelb.plan.gateways import SETTLED
from openelb.plan.heard import Standing, Way
from openelb.process.runtime import Progress
from openelb.speaker.company import UNHEARD_SECONDS
from tests.fakes.watch import FakeWatch
from tests.unit.builders import pool, service, speaker
from tests.unit.node import ADDRESS, ME, OTHER, World

THERE = Standing(known=True, candidate=True)
LOST = replace(THERE, silent=frozenset(Profile))


@pytest.fixture
def watch() -> FakeWatch:
    return FakeWatch(View({OTHER: THERE, ME: THERE}, joined=True))


@pytest.fixture
def other(watch: FakeWatch) -> Iterator[World]:
    """The speaker of the node that does not win the address."""
    world = World(OTHER, watch=watch)
    yield world
    world.layer2.stop()


@pytest.fixture
def world(watch: FakeWatch) -> Iterator[World]:
    """The speaker of the one that does."""
    world = World(watch=watch)
    yield world
    world.layer2.stop()


async def test_an_address_is_taken_over_at_once_when_its_node_is_not_heard_any_more(
    other: World, watch: FakeWatch, caplog: pytest.LogCaptureFixture
) -> None:
    await other.look()
    assert not other.ports
    watch.hears({ME: LOST})
    await other.look(after=0.1)
    assert other.answers()
    assert f"node {ME} is not heard any more: its addresses go to others" in caplog.messages


async def test_a_link_on_which_a_node_is_not_heard_any_more_is_told_of(
    other: World, watch: FakeWatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await other.look()
    for silent in ("eth1", "eth1", ""):
        links = {Profile.DEFAULT: frozenset({silent})} if silent else {}
        watch.hears({ME: replace(THERE, silent_links=links)})
        await other.look(after=0.1)
    lost = f"node {ME} is not heard any more on its link eth1: its addresses there go to others"
    assert [message for message in caplog.messages if "eth1" in message] == [
        lost,
        f"node {ME} is heard again on its link eth1",
    ]


async def test_what_was_taken_over_is_told_to_the_others_and_stays(other: World, watch: FakeWatch) -> None:
    await other.look()
    watch.hears({ME: LOST})
    await other.look(after=0.1)
    assert watch.told == (frozenset({ADDRESS}), ())
    version = watch.orders.version
    watch.hears({ME: THERE}, returns=1)
    await other.look(after=10.0)
    assert other.answers()
    assert watch.orders.version == version


async def test_what_another_holds_is_left_to_it(world: World, watch: FakeWatch) -> None:
    watch.hears({OTHER: replace(THERE, holds=frozenset({ADDRESS}))})
    await world.look()
    assert not world.ports


def lose_gateway(world: World, *nodes: str) -> None:
    """The Leases of these nodes say that they have lost the gateway of eth0."""
    speakers = world.sight.seen.speakers
    told = {
        node: replace(one, links=tuple(replace(link, gateway_lost=node in nodes) for link in one.links))
        for node, one in speakers.items()
    }
    world.sight.seen = replace(world.sight.seen, speakers=told)


async def test_an_address_goes_from_a_node_without_its_gateway_when_its_word_has_stood_for_a_while(
    other: World, world: World
) -> None:
    for each in (other, world):
        await each.look()
        lose_gateway(each, ME)
        again = await each.look(after=0.1)
        assert again is not None
        assert again <= SETTLED
        await each.look(after=SETTLED - 0.1)
    assert (world.answers(), other.answers()) == (True, False)
    for each in (other, world):
        await each.look(after=0.1)
    assert (world.answers(), other.answers()) == (True, True)  # for a moment, so that nobody is unanswered
    await world.look(after=1.0)
    assert (world.answers(), other.answers()) == (False, True)
    lose_gateway(other)
    await other.look(after=0.1)
    await other.look(after=SETTLED)
    assert other.answers()


async def test_a_router_that_is_gone_for_all_moves_nothing(other: World, world: World) -> None:
    for each in (other, world):
        await each.look()
        lose_gateway(each, ME)
        await each.look(after=1.0)
        lose_gateway(each, ME, OTHER)
        for _ in range(10):
            await each.look(after=1.0)
    assert (world.answers(), other.answers()) == (True, False)


async def test_with_failback_it_returns(other: World, watch: FakeWatch) -> None:
    other.see(pool(layer2=Layer2Choices(failback=True)), service(shows=str(ADDRESS)))
    watch.hears({ME: LOST})
    await other.look()
    assert other.answers()
    watch.hears({ME: THERE})
    await other.look(after=0.1)
    assert not other.answers()


async def test_a_process_that_is_gone_keeps_its_address_for_the_grace(other: World, watch: FakeWatch) -> None:
    await other.look()
    watch.hears({ME: replace(THERE, gone_since=other.now)})
    assert (await other.look() or GRACE_SECONDS) <= GRACE_SECONDS
    await other.look(after=GRACE_SECONDS - 0.1)
    assert not other.ports
    await other.look(after=0.1)
    assert other.answers()


async def test_who_begins_answers_when_it_knows_what_the_others_hold(world: World, watch: FakeWatch) -> None:
    watch.hears({OTHER: THERE}, joined=False)
    await world.look()
    assert not world.ports
    assert not watch.orders.candidate
    assert watch.orders.settled
    watch.hears({OTHER: THERE}, joined=True)
    await world.look(after=0.3)
    assert world.answers()
    assert watch.orders.candidate
    assert watch.orders.knows == {ME, OTHER}


async def test_who_was_taken_for_lost_forgets_what_it_had_and_asks(world: World, watch: FakeWatch) -> None:
    await world.look()
    watch.hears({OTHER: THERE}, lapses=1, joined=False)
    await world.look(after=1.0)
    assert not world.answers()
    watch.hears({OTHER: replace(THERE, holds=frozenset({ADDRESS}))}, lapses=1, joined=True)
    await world.look(after=0.1)
    assert not world.answers()


async def test_with_the_api_server_away_another_is_lost_all_the_same(other: World, watch: FakeWatch) -> None:
    await other.look()
    for _ in range(20):
        await other.look(after=1.0)
    assert not other.ports
    watch.hears({ME: LOST})
    await other.look(after=0.1)
    assert other.answers()


async def test_when_another_is_back_from_silence_the_neighbours_are_told_anew(world: World, watch: FakeWatch) -> None:
    await world.look()
    before = world.company.round
    watch.hears({OTHER: THERE}, returns=1)
    await world.look(after=0.1)
    assert world.company.round == before + 1


async def test_while_all_are_heard_the_api_server_is_asked_seldom(world: World, watch: FakeWatch) -> None:
    await world.look()
    await world.lease.renew()
    assert world.stored.stored is not None
    assert world.stored.stored.seconds == SEASONS[True][1]
    watch.hears({OTHER: LOST})
    await world.look(after=0.1)
    await world.lease.renew()
    assert world.stored.stored.seconds == SEASONS[False][1]
    assert (world.stored.stored.annotations or {})["openelb.io/unheard"] == OTHER


async def test_who_was_lost_before_we_began_is_told_to_be_lost_as_well(world: World, watch: FakeWatch) -> None:
    """Its Lease may say for long that all hear it."""
    watch.hears({})
    relaxed = replace(world.sight.seen.speakers[OTHER], seconds=SEASONS[True][1])
    world.sight.seen = replace(world.sight.seen, speakers={**world.sight.seen.speakers, OTHER: relaxed})
    for _ in range(4):
        await world.look(after=1.0)
    await world.lease.renew()
    assert world.stored.stored is not None
    assert (world.stored.stored.annotations or {})["openelb.io/unheard"] == OTHER


async def test_a_successor_watches_those_whom_the_one_before_it_watched(tmp_path: Path, watch: FakeWatch) -> None:
    """Before it has read the cluster, and with the API server away it may not for long."""
    links = speaker(ME, "eth0 192.168.1.1/24").links
    before = World(ME, file=tmp_path / "state", watch=watch, links=links)
    before.sight.seen = replace(
        before.sight.seen,
        speakers={
            ME: replace(before.sight.seen.speakers[ME], links=links),
            OTHER: speaker(OTHER, "eth0 192.168.1.2/24"),
        },
    )
    await before.look()
    await before.look(after=1.0)
    before.speaker.stop()
    heard = FakeWatch(View(joined=False))
    after = World(ME, file=tmp_path / "state", watch=heard, now=before.now + 1.0, links=links)

    async def synced() -> None:
        if not after.ports:
            raise TimeoutError

    await after.speaker.carry_on(after.inheritance(), synced, lambda: float("inf"), Progress())
    assert heard.orders.peers == {OTHER: (Way("eth0", "192.168.1.2", "eth0"),)}
    assert heard.orders.candidate
    assert after.answers()
    after.layer2.stop()


async def test_who_is_not_heard_by_those_it_hears_leaves_its_addresses_to_them(
    world: World, watch: FakeWatch, caplog: pytest.LogCaptureFixture
) -> None:
    await world.look()
    watch.hears({OTHER: replace(THERE, deaf=True)})
    await world.look(after=0.1)
    assert world.answers()
    await world.look(after=UNHEARD_SECONDS)
    assert not world.answers()
    assert "do the nodes let each other's UDP datagrams" in caplog.text
    watch.hears({OTHER: THERE})
    await world.look(after=0.1)
    assert world.answers()


async def test_what_a_node_has_that_does_not_hear_this_one_is_left_to_it_on_the_word_of_its_lease(
    watch: FakeWatch, caplog: pytest.LogCaptureFixture
) -> None:
    third = "n3"
    world = World(watch=watch)
    speakers = {**world.sight.seen.speakers, third: speaker(third)}
    speakers[OTHER] = replace(speakers[OTHER], holds=frozenset({ADDRESS}))
    world.sight.seen = replace(world.sight.seen, speakers=speakers)
    world.see(pool(), service(shows=str(ADDRESS)))
    watch.hears({OTHER: THERE, third: THERE})
    await world.look()
    assert world.answers()
    watch.hears({OTHER: replace(THERE, deaf=True), third: THERE})
    await world.look(after=0.1)
    assert world.answers()
    await world.look(after=UNHEARD_SECONDS)
    assert not world.answers()
    assert f"node {OTHER} is heard and hears nothing from here, so what it takes is left to it" in caplog.text
    world.layer2.stop()
