"""The announcer of BGP keeps a gobgpd of values as it should be."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from openelb.announce.bgp import AGAIN, PATIENCE, SLICE_EVERY, Bgp
from openelb.announce.bgp_changes import NOTHING, Wish
from openelb.announce.bgp_readback import started
from openelb.model.bgp import Bfd, Instance, Path, Peer
from openelb.model.policy import Assignment, Policies, Policy, Verdict
from openelb.plan.policy import for_peers
from tests.fakes.gobgpd import Gobgpd

NODE = Instance(64512, "10.0.0.1")
ROUTER, OTHER = Peer(address="10.0.0.254", peer_asn=64513), Peer(address="10.0.0.253", peer_asn=64513)
PATHS = frozenset(Path(ip_network(f"192.0.2.{number}/32"), ip_address("10.0.0.1")) for number in range(3))
WISH = Wish(NODE, (ROUTER,), PATHS)


class World:
    """A gobgpd, a time, and who keeps it."""

    def __init__(self, there: Gobgpd) -> None:
        self.there = there
        self.now = 0.0
        self.news = 0
        self.released = 0
        self.bgp = Bgp(there.connect, changed=self._changed, release=self._released, clock=lambda: self.now)

    def _changed(self) -> None:
        self.news += 1

    def _released(self) -> None:
        self.released += 1

    async def made(self, wish: Wish) -> list[str]:
        """What is done for a wish."""
        before = len(self.there.calls)
        self.bgp.want(wish)
        await self.settled()
        return self.there.calls[before:]

    async def settled(self) -> None:
        async with asyncio.timeout(5):
            for _ in range(20):  # whatever was heard a moment ago is looked at
                await asyncio.sleep(0)
            await self.bgp.done()


@contextlib.asynccontextmanager
async def kept(there: Gobgpd) -> AsyncIterator[World]:
    world = World(there)
    running = asyncio.create_task(world.bgp.run())
    try:
        yield world
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_fresh_gobgpd_is_told_everything() -> None:
    async with kept(Gobgpd()) as world:
        assert await world.made(WISH) == ["start", "tell +3 -0", "add again 10.0.0.254"]
        assert world.bgp.paths == PATHS
        assert world.bgp.is_done


async def test_the_same_wish_again_does_nothing() -> None:
    async with kept(Gobgpd()) as world:
        await world.made(WISH)
        assert await world.made(replace(WISH)) == []


async def test_a_gobgpd_that_is_right_is_left_alone_by_a_speaker_that_comes_back() -> None:
    there = Gobgpd()
    async with kept(there) as world:
        await world.made(WISH)
    async with kept(there) as world:
        assert await world.made(WISH) == []
        assert world.bgp.paths == PATHS


async def test_a_path_is_told_without_a_look_at_the_others() -> None:
    async with kept(Gobgpd()) as world:
        await world.made(WISH)
        listings = world.there.listings
        more = Path(ip_network("192.0.2.99/32"), ip_address("10.0.0.1"))
        assert await world.made(replace(WISH, paths=PATHS | {more})) == ["tell +1 -0"]
        assert await world.made(WISH) == ["tell +0 -1"]
        assert world.there.listings == listings


async def test_a_gobgpd_that_was_killed_has_everything_again() -> None:
    async with kept(Gobgpd()) as world:
        first = await world.made(WISH)
        world.there.calls.clear()
        world.there.kill()
        async with asyncio.timeout(5):
            while len(world.there.calls) < len(first):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert world.there.calls == first


async def test_another_instance_is_had_by_another_gobgpd() -> None:
    async with kept(Gobgpd()) as world:
        first = await world.made(WISH)
        other = replace(WISH, instance=replace(NODE, asn=64999))
        assert await world.made(other) == ["stop", *first]
        assert world.there.running == started(replace(NODE, asn=64999))


async def test_nothing_wanted_ends_bgp() -> None:
    async with kept(Gobgpd()) as world:
        await world.made(WISH)
        assert await world.made(NOTHING) == ["stop"]
        assert world.released == 1
        assert await world.made(replace(NOTHING, paths=PATHS)) == []


async def test_a_gobgpd_of_which_nothing_is_wanted_is_let_go_of_and_left_alone() -> None:
    async with kept(Gobgpd()) as world:
        await world.made(NOTHING)
        assert world.released == 1
        world.there.away = "gobgpd is not there"
        for _ in range(50):
            await asyncio.sleep(0)
        assert world.bgp.trouble == ""
        world.there.away = ""
        await world.made(WISH)
        assert len(world.there.rib) == len(PATHS)


async def test_a_peer_that_is_refused_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async with kept(Gobgpd(refuses={ROUTER.key: "gobgpd refuses: no such interface"})) as world:
        await world.made(replace(WISH, peers=(ROUTER, OTHER)))
        assert world.there.known.keys() == {OTHER.key}
        assert world.bgp.refusals == {ROUTER.key: "gobgpd refuses: no such interface"}
        told = [record.message for record in caplog.records if "no such interface" in record.message]
        assert len(told) == 1
        world.there.refuses.clear()
        world.now += AGAIN
        world.there.say()
        await world.made(replace(WISH, peers=(ROUTER, OTHER), paths=frozenset()))
        assert world.there.known.keys() == {ROUTER.key, OTHER.key}
        assert world.bgp.refusals == {}


async def test_policies_that_are_refused_keep_new_paths_back() -> None:
    async with kept(Gobgpd()) as world:
        await world.made(WISH)
        world.there.refuses["policies"] = "gobgpd refuses: no regular expression"
        strict = Policies(definitions=(Policy("p"),), exports=Assignment(("p",), Verdict.REJECT))
        (left, *_), more = sorted(PATHS, key=str), Path(ip_network("192.0.2.99/32"), ip_address("10.0.0.1"))
        calls = await world.made(Wish(NODE, (ROUTER, OTHER), frozenset({left, more}), strict))
        assert calls == ["tell +0 -2"]
        assert list(world.bgp.refusals) == ["policies"]


async def test_who_was_to_be_sent_everything_anew_is_in_the_end() -> None:
    wish = replace(WISH, peers=(ROUTER, OTHER))
    limited = replace(wish, policies=for_peers({each.address: [] for each in (ROUTER, OTHER)}, {}))
    sent = [f"resend out {OTHER.address}", f"resend out {ROUTER.address}"]
    async with kept(Gobgpd()) as world:
        await world.made(wish)
        world.there.refuses[sent[0]] = "gobgpd refuses: it is busy"
        assert await world.made(limited) == ["policies", sent[1]]  # one that is refused holds up no other
        world.there.refuses.clear()
        world.now += AGAIN
        world.there.say()
        await world.settled()
        assert (world.there.calls[-2:], world.bgp.refusals) == (sent, {})

        world.there.breaks.add(sent[1])
        await world.made(wish)
        assert world.there.calls[-4:] == ["policies", sent[0], *sent]

        world.there.refuses[sent[0]] = "gobgpd refuses: there is no such peer"
        await world.made(limited)
        world.there.refuses.clear()
        await world.made(replace(limited, peers=(ROUTER,)))
        world.now += AGAIN
        world.there.say()
        await world.settled()
        assert world.there.calls[-1] != sent[0], "nobody is there any more"


async def test_bfd_follows_the_session() -> None:
    watched = replace(ROUTER, bfd=Bfd())
    async with kept(Gobgpd()) as world:
        await world.made(replace(WISH, peers=(watched,)))
        assert world.there.known[ROUTER.key].bfd is None
        for established in (True, False):
            world.there.established = {ROUTER.key} if established else set()
            news = world.news
            world.there.say()
            await world.settled()
            assert (world.there.known[ROUTER.key].bfd is not None) is established
            assert world.news > news
            assert world.bgp.sessions[ROUTER.key].is_established is established


async def test_a_path_that_was_lost_is_told_again() -> None:
    async with kept(Gobgpd()) as world:
        await world.made(WISH)
        world.there.rib.popitem()
        world.now += SLICE_EVERY
        world.there.say()
        await world.settled()
        assert world.there.calls[-1] == "tell +1 -0"


async def test_a_gobgpd_that_is_away_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with kept(Gobgpd(away="gobgpd is not there: no socket /x")) as world:
        world.bgp.want(WISH)
        async with asyncio.timeout(5):
            while world.bgp.trouble == "":  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert "not there" not in caplog.text  # whoever keeps it has only just heard that it is wanted
        world.now += PATIENCE
        async with asyncio.timeout(5):
            while "not there" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            while world.bgp.trouble == "":  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert world.bgp.sessions == {}
        with pytest.raises(OSError, match="not there"):
            await world.bgp.told(ROUTER.address)
        world.there.away = ""
        await world.settled()
        assert world.bgp.trouble == ""
    assert [record.message for record in caplog.records if "not there" in record.message] == [
        "BGP: gobgpd is not there: no socket /x; trying again"
    ]


async def test_who_leaves_for_good_is_forgotten_and_who_comes_back_is_not() -> None:
    for stays, call in ((True, "stop kept"), (False, "stop")):
        there = Gobgpd()
        async with kept(there) as world:
            await world.made(WISH)
        await world.bgp.leave(kept=stays)
        assert there.calls[-1] == call


async def test_who_is_cancelled_while_gobgpd_ends_does_not_run_on():
    """Python 3.11 forgets a cancellation that comes together with a failure in a group of tasks."""
    there = Gobgpd()
    world = World(there)
    running = asyncio.create_task(world.bgp.run())
    await world.made(WISH)
    there.kill()
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running], timeout=2)
    assert running.done()
