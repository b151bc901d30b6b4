"""The speaker of a node, at times that the tests say, on a link in memory: when it answers, when it is silent, what it tells."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from openelb.plan.handover import SECONDS
from openelb.plan.liveness import TTL_FOUND_SECONDS, TTL_SECONDS
from openelb.speaker.speaker import HANDOVER
from openelb.wire import arp
from openelb.wire.arp import Operation
from tests.fakes.counted import CountedPools
from tests.fakes.ports import OURS
from tests.unit.builders import node, pool, service, speaker
from tests.unit.node import ADDRESS, ME, NODES, OTHER, World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.layer2.stop()


# Who answers, and for how long.


async def test_the_owner_answers(world: World) -> None:
    await world.look()
    assert world.answers()


async def test_who_does_not_win_is_silent() -> None:
    world = World(OTHER)
    await world.look()
    assert not world.ports


async def test_every_look_makes_what_is_answered_valid_for_another_while(world: World) -> None:
    for _ in range(10):
        world.renew(*NODES)
        await world.look(after=1.0)
    assert world.answers(after=TTL_SECONDS - 0.5)
    assert not world.answers(after=0.5)


async def test_a_loop_that_hangs_is_silent_after_a_while(world: World) -> None:
    await world.look()
    assert not world.answers(after=TTL_SECONDS)


async def test_with_the_api_server_away_nobody_stops_answering(world: World) -> None:
    for _ in range(60):
        await world.look(after=1.0)
        assert world.answers()


async def test_a_service_that_is_gone_is_not_answered_for(world: World) -> None:
    await world.look()
    world.see(pool())
    await world.look()
    assert not world.answers()


async def test_the_addresses_of_a_node_that_is_lost_are_answered_by_another() -> None:
    world = World(OTHER)
    await world.look()
    world.renew("n1")
    taken_over = []
    for _ in range(6):
        await world.look(after=1.0)
        world.renew(OTHER)
        taken_over.append(world.answers())
    world.layer2.stop()
    assert taken_over == [False, False, False, False, True, True]


async def test_a_drained_node_goes_on_until_the_next_owner_has_begun_and_is_silent_then(world: World) -> None:
    web = service(shows=str(ADDRESS))
    world.see(pool(), web, *map(node, NODES))
    await world.look()
    world.see(pool(), web, node(ME, drained=True), node(OTHER))
    due = await world.look(after=0.1)
    assert due is not None
    assert due <= SECONDS
    assert world.answers(after=SECONDS - 0.1)
    await world.look(after=0.1)
    assert not world.answers()


async def test_it_looks_again_when_a_peer_could_be_lost(world: World) -> None:
    await world.look()
    assert await world.look(after=1.5) == pytest.approx(TTL_FOUND_SECONDS - 1.5)


async def test_it_is_fit_while_its_looks_succeed(world: World) -> None:
    assert not world.speaker.is_fit()
    await world.look()
    assert world.speaker.is_fit()
    world.now += TTL_SECONDS
    assert not world.speaker.is_fit()


# After a pause.


async def test_after_a_pause_it_is_silent_until_a_renewal_of_its_own_has_come_back(world: World) -> None:
    await world.look()
    await world.look(after=TTL_SECONDS + 1)
    assert not world.answers()
    await world.look(after=1.0)
    assert not world.answers()
    world.renew(ME)
    await world.look(after=1.0)
    assert world.answers()


async def test_a_pause_shorter_than_the_ttl_changes_nothing(world: World) -> None:
    await world.look()
    await world.look(after=TTL_SECONDS - 0.1)
    assert world.answers()


async def test_a_pause_is_told_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.look()
    await world.look(after=7.0)
    await world.look(after=1.0)
    said = [record.message for record in caplog.records if record.name == "openelb.speaker.speaker"]
    assert said == ["stood still for 7.0 s: silent until the cluster has been heard again"]


async def test_the_time_it_took_to_read_the_cluster_first_is_no_pause(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.look(after=60.0)
    assert world.answers()
    assert caplog.messages == []


async def test_after_a_silence_of_its_own_renewals_the_neighbours_are_told_again(world: World) -> None:
    await world.look()
    for _ in range(10):
        await world.look(after=1.0)
    world.ports["eth0"].settle()
    world.renew(*NODES)
    await world.look()
    assert arp.announcement(ADDRESS, Operation.REQUEST, mac=OURS) in world.ports["eth0"].settle()


# Leaving.


async def test_who_hands_over_goes_on_answering_until_the_others_do_and_is_silent_then(world: World) -> None:
    await world.look()
    meanwhile: list[tuple[bool, bool, bool]] = []

    async def sleep(seconds: float) -> None:
        is_said = all(claim.ending for claim in world.layer2.claims)
        meanwhile.append((world.stored.stored is None, world.answers(after=seconds / 2), is_said))

    await world.speaker.hand_over(sleep)
    assert meanwhile == [(True, True, True)]
    assert not world.answers()
    assert world.layer2.claims == frozenset()


async def test_who_hands_over_is_silent_soon_even_if_it_hangs(world: World) -> None:
    await world.look()
    answered: list[bool] = []

    async def sleep(seconds: float) -> None:
        assert seconds == HANDOVER
        answered.append(world.answers(after=HANDOVER))

    await world.speaker.hand_over(sleep)
    assert answered == [False]


async def test_a_restart_is_silent_at_once_and_keeps_the_lease(world: World) -> None:
    await world.look()
    world.speaker.stop()
    assert not world.answers()
    assert world.stored.stored is not None


# When layer 2 fails.


async def test_it_is_not_fit_while_layer_2_cannot_be_announced(world: World) -> None:
    world.refused = True
    await world.look()
    assert not world.speaker.is_fit()
    world.refused = False
    await world.look(after=1.0)
    assert world.speaker.is_fit()
    assert world.answers()


async def test_an_address_is_told_when_it_is_really_answered(world: World) -> None:
    world.refused = True
    await world.look()
    assert world.told() == []
    world.refused = False
    await world.look(after=1.0)
    assert world.told() == [f"SetBalancer: node {ME} answers for {ADDRESS} on eth0"]


async def test_it_is_not_fit_while_a_thread_that_answers_stands(world: World) -> None:
    await world.look()
    world.ports["eth0"].settle()
    world.ports["eth0"].deaf = True
    for _ in range(4):
        assert world.speaker.is_fit()
        await world.look(after=1.0)
    assert not world.speaker.is_fit()
    world.ports["eth0"].deaf = False


# What is told.


async def test_nothing_is_logged_while_nothing_changes(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.look()
    with caplog.at_level(logging.INFO):
        for _ in range(200):
            world.renew(*NODES)
            await world.look(after=1.0)
    assert caplog.messages == []


async def test_an_address_that_is_won_is_told_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            world.renew(*NODES)
            await world.look(after=1.0)
    assert caplog.messages == [f"answering for {ADDRESS} on eth0: for default/web: won over {OTHER}"]
    assert world.told() == [f"SetBalancer: node {ME} answers for {ADDRESS} on eth0"]


async def test_an_address_that_goes_to_another_node_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.look()
    local = service(shows=str(ADDRESS), local_traffic_only=True)
    world.see(pool(), local, endpoints={local.key: frozenset({OTHER})})
    with caplog.at_level(logging.INFO):
        await world.look()
    assert caplog.messages == [f"no longer answering for {ADDRESS} on eth0: {OTHER} does"]


async def test_an_address_that_nobody_shows_any_more_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.look()
    world.see(pool())
    with caplog.at_level(logging.INFO):
        await world.look()
    (line,) = caplog.messages
    assert line.endswith("eth0: no Service that this node may announce shows it")


async def test_the_number_of_those_alive_is_that_of_the_moment(world: World) -> None:
    await world.look()
    assert world.speaker.alive() == 2


# How often the plan is made.


async def test_the_plan_is_not_made_anew_when_only_leases_were_renewed(world: World) -> None:
    pools = CountedPools(eip=pool())
    world.sight.seen = replace(world.sight.seen, pools=pools)
    await world.look()
    made = pools.read
    for _ in range(5):
        world.renew(*NODES)
        await world.look(after=1.0)
    assert pools.read == made > 0


async def test_the_plan_is_not_made_anew_for_endpoints_that_do_not_matter(world: World) -> None:
    pools, web = CountedPools(eip=pool()), service(shows=str(ADDRESS))
    world.sight.seen = replace(world.sight.seen, pools=pools)
    await world.look()
    made = pools.read
    world.sight.seen = replace(world.sight.seen, endpoints={web.key: frozenset({OTHER})})
    await world.look()
    assert pools.read == made > 0


async def test_the_plan_is_made_anew_when_endpoints_change(world: World) -> None:
    local = service(shows=str(ADDRESS), local_traffic_only=True)
    world.see(pool(), local, endpoints={local.key: frozenset({ME})})
    await world.look()
    assert world.answers()
    world.see(pool(), local, endpoints={local.key: frozenset({OTHER})})
    await world.look()
    assert not world.answers()


async def test_the_plan_is_made_anew_when_a_link_changes(world: World) -> None:
    await world.look()
    world.sight.seen = replace(
        world.sight.seen, speakers={**world.sight.seen.speakers, ME: speaker(ME, "eth1", renewal="1")}
    )
    await world.look()
    assert not world.answers()
