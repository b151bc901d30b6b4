"""A speaker says by its Lease that it is there, and which links its node has."""

import asyncio
import json
from ipaddress import ip_interface

import pytest

from openelb.kube import decode
from openelb.kube.decode import links
from openelb.kube.errors import Unreachable
from openelb.kube.lease import RENEW_SECONDS, SpeakerLease, links_text, speaker_lease_name
from openelb.model import names
from openelb.model.cluster import Link
from tests.fakes.leases import FakeLease
from tests.unit.builders import address

ETH0 = Link("eth0", (ip_interface("192.0.2.11/24"), ip_interface("2001:db8::11/64")), "02:00:5e:00:53:01")


@pytest.fixture
def lease() -> FakeLease:
    return FakeLease()


async def test_a_speaker_says_that_it_is_alive_and_which_links_it_has(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    speaker.tell((ETH0,))
    await speaker.renew()
    first = lease.stored
    await speaker.renew()
    assert first is not None
    assert lease.stored is not None
    assert (first.name, first.holder, first.seconds) == ("openelb-speaker-n1", "pod-1", 4)
    assert first.annotations is not None
    assert (first.annotations[names.NODE], links(first.annotations[names.LINKS])) == ("n1", (ETH0,))
    assert first.renewal != lease.stored.renewal


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_speaker_says_whether_it_leaves_when_its_node_is_cordoned(lease: FakeLease, leaves: bool) -> None:
    await SpeakerLease(lease, "n1", "pod-1", leaves_when_cordoned=not leaves).renew()  # before it was started anew
    await SpeakerLease(lease, "n1", "pod-1", leaves_when_cordoned=leaves).renew()
    assert lease.stored is not None
    told = decode.speaker(lease.stored)
    assert told is not None
    assert told.leaves_when_cordoned == leaves


async def test_a_speaker_says_the_taint_for_which_its_node_is_left_and_a_later_one_knows_of_none(
    lease: FakeLease,
) -> None:
    before = SpeakerLease(lease, "n1", "pod-1")
    before.taint("example.com/maintenance")
    for one, taint in ((before, "example.com/maintenance"), (SpeakerLease(lease, "n1", "pod-2"), "")):
        await one.renew()
        assert lease.stored is not None
        told = decode.speaker(lease.stored)
        assert told is not None
        assert told.tainted == taint


async def test_a_later_speaker_of_the_node_takes_the_lease_over(lease: FakeLease) -> None:
    await SpeakerLease(lease, "n1", "pod-1").renew()
    await SpeakerLease(lease, "n1", "pod-2").renew()
    assert lease.stored is not None
    assert (lease.stored.holder, lease.stored.transitions) == ("pod-2", 1)


async def test_a_speaker_whose_lease_somebody_deleted_makes_it_again(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    await speaker.renew()
    lease.stored = None
    await speaker.renew()
    assert lease.writes == ["pod-1", "pod-1"]


async def test_a_renewal_whose_answer_was_lost_is_followed_by_another(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    lease.loses_answers = True
    with pytest.raises(Unreachable):
        await speaker.renew()
    lease.loses_answers = False
    await speaker.renew()
    assert lease.writes == ["pod-1", "pod-1"]


async def test_a_speaker_that_leaves_is_gone_and_does_not_come_back(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    await speaker.renew()
    await speaker.leave()
    await speaker.renew()
    assert lease.stored is None
    assert lease.writes == ["pod-1", "deleted"]


async def test_a_speaker_that_leaves_does_not_take_a_later_one_with_it(lease: FakeLease) -> None:
    first, second = SpeakerLease(lease, "n1", "pod-1"), SpeakerLease(lease, "n1", "pod-2")
    await first.renew()
    await second.renew()
    await first.leave()
    assert lease.stored is not None
    assert lease.stored.holder == "pod-2"


async def test_a_change_of_links_is_told_at_once(lease: FakeLease) -> None:
    speaker = SpeakerLease(lease, "n1", "pod-1")
    running = asyncio.create_task(speaker.run())
    await lease.until(lambda: len(lease.writes) == 1)
    speaker.tell((ETH0,))
    async with asyncio.timeout(RENEW_SECONDS / 2):
        await lease.until(lambda: len(lease.writes) == 2)
    speaker.tell((ETH0,))
    running.cancel()
    assert lease.stored is not None
    assert lease.stored.annotations is not None
    assert links(lease.stored.annotations[names.LINKS]) == (ETH0,)


def test_the_longest_name_of_a_node_still_makes_a_name_of_a_lease() -> None:
    assert speaker_lease_name("n1") == "openelb-speaker-n1"
    longest = [speaker_lease_name("n" * 252 + end) for end in "ab"]
    assert all(len(name) <= 253 for name in longest)
    assert longest[0] != longest[1]


def test_links_are_compact_json() -> None:
    text = links_text((ETH0, Link("eth1")))
    assert text == (
        '[{"name":"eth0","addresses":["192.0.2.11/24","2001:db8::11/64"],"mac":"02:00:5e:00:53:01"},'
        '{"name":"eth1","addresses":[]}]'
    )
    assert links_text((Link("eth1", gateway_lost=True),)) == '[{"name":"eth1","addresses":[],"gatewayLost":true}]'
    assert json.loads(text)[1] == {"name": "eth1", "addresses": []}


async def test_a_speaker_that_does_not_do_its_work_does_not_renew(lease: FakeLease) -> None:
    fit = False
    speaker = SpeakerLease(lease, "n1", "pod", fit=lambda: fit)
    running = asyncio.create_task(speaker.run())
    await asyncio.sleep(0)
    assert await lease.read() is None
    fit = True
    speaker.tell((ETH0,))
    for _ in range(20):
        await asyncio.sleep(0)
    assert await lease.read() is not None
    running.cancel()


async def test_a_later_speaker_that_holds_nothing_takes_back_what_the_one_before_held(lease: FakeLease) -> None:
    before, after = SpeakerLease(lease, "n1", "pod-1"), SpeakerLease(lease, "n1", "pod-2")
    for one, holds in ((before, frozenset({address("10.79.0.200")})), (after, frozenset())):
        one.hold(holds, frozenset())
        await one.renew()
        assert lease.stored is not None
        told = decode.speaker(lease.stored)
        assert told is not None
        assert told.holds == holds
