"""Leases and Events on a real API server: who leads, who is here, and what people are told."""

import asyncio
from ipaddress import ip_interface

from lab.controlplane import ControlPlane
from openelb.kube.client import Client
from openelb.kube.lease import Leadership, SpeakerLease, speaker_lease_name
from openelb.kube.lease_object import ApiLease
from openelb.kube.report import SERIES_SECONDS, Reporter
from openelb.kube.resources import leases_path
from openelb.model import names
from openelb.model.cluster import Link
from tests.contract.kube import SYSTEM, make_eip, make_service, raw, stored, until
from tests.fakes.clock import Clock


def candidate(client: Client, identity: str) -> Leadership:
    return Leadership(ApiLease(client, SYSTEM, names.LEADER_LEASE), identity)


async def test_of_two_candidates_one_leads_and_the_other_follows_a_clean_stop_at_once(client: Client) -> None:
    loop = asyncio.get_running_loop()
    a, b = candidate(client, "a"), candidate(client, "b")
    await a.attempt()
    await b.attempt()
    assert (a.held(loop.time()), b.held(loop.time())) == (True, False)
    await a.attempt()
    await a.release()
    await b.attempt()
    assert (a.held(loop.time()), b.held(loop.time())) == (False, True)
    lease = await raw(client, f"{leases_path(SYSTEM)}/{names.LEADER_LEASE}")
    assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]) == ("b", 1)


async def test_a_candidate_follows_a_leader_that_died(client: Client) -> None:
    leads, loop = asyncio.Event(), asyncio.get_running_loop()
    a = candidate(client, "a")
    b = Leadership(ApiLease(client, SYSTEM, names.LEADER_LEASE), "b", on_change=leads.set)
    await a.attempt()
    started = loop.time()
    following = asyncio.create_task(b.run())
    async with asyncio.timeout(15):
        await leads.wait()
    following.cancel()
    assert 5.0 <= loop.time() - started < 8.0
    assert not a.held(loop.time())


async def test_a_speaker_comes_is_renewed_and_leaves(client: Client) -> None:
    link = Link("eth0", (ip_interface("192.0.2.11/24"),))
    speaker = SpeakerLease(ApiLease(client, SYSTEM, speaker_lease_name("n1")), "n1", "pod-1")
    async with stored(client, speaker=True) as store:
        speaker.tell((link,))
        await speaker.renew()
        first = (await until(store, lambda s: "n1" in s.speakers)).speakers["n1"]
        await speaker.renew()
        await until(store, lambda s: s.speakers["n1"].renewal != first.renewal)
        await speaker.leave()
        await until(store, lambda s: "n1" not in s.speakers)
    assert (first.holder, first.links) == ("pod-1", (link,))


async def test_kubectl_describe_shows_what_was_told(plane: ControlPlane, client: Client) -> None:
    pool = await make_eip(client)
    service = await make_service(client)
    reporter = Reporter(client, "openelb-manager", "test")
    reporter.tell(service, "AssignIP", "success to assign ip: 192.0.2.1", warning=False)
    reporter.tell(pool, "InterfaceNotFound", "no node has eth7", warning=True)
    while reporter.waiting:
        await reporter.write(reporter.next())
    of_service = plane.kubectl("describe", "service", "web", "--namespace", SYSTEM)
    of_pool = plane.kubectl("describe", "eip", "office")
    assert lines_with(of_service, "AssignIP") == [
        ["Normal", "AssignIP", "openelb-manager", "success", "to", "assign", "ip:", "192.0.2.1"]
    ]
    assert lines_with(of_pool, "InterfaceNotFound") == [
        ["Warning", "InterfaceNotFound", "openelb-manager", "no", "node", "has", "eth7"]
    ]


async def test_kubectl_describe_shows_how_often_it_was_told(plane: ControlPlane, client: Client) -> None:
    waiting = await make_service(client, "waiting")
    clock = Clock()
    reporter = Reporter(client, "openelb-manager", "test", clock=clock)
    reporter.tell(waiting, "NoPool", "there is no pool", warning=True)
    for _ in range(3):
        while reporter.waiting:
            await reporter.write(reporter.next())
        reporter.repeat([(waiting, "NoPool", "there is no pool")])
        clock.now += SERIES_SECONDS
    assert "(x2 over" in plane.kubectl("describe", "service", "waiting", "--namespace", SYSTEM)


def lines_with(text: str, word: str) -> list[list[str]]:
    """The words of the lines that have the word, but for the age."""
    return [[w for i, w in enumerate(line.split()) if i != 2] for line in text.splitlines() if word in line]
