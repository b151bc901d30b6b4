"""Logs stay quiet: nothing while nothing changes, and one line a minute for a cause that comes and goes, wherever it is told."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Coroutine

import pytest

from openelb.kube.client import Client
from openelb.kube.errors import Unreachable
from openelb.kube.lease import Leadership, SpeakerLease
from openelb.kube.report import Reporter
from openelb.kube.resources import SERVICES
from openelb.kube.shelf import Shelf
from openelb.kube.views import KeyedView
from openelb.kube.watch import Reflector
from openelb.model.cluster import Link, Service, ServiceKey
from tests.fakes.apiserver import FakeApiServer, Refusal
from tests.fakes.leases import FakeLease
from tests.unit.builders import service
from tests.unit.kube.conftest import AT_ONCE, IMPATIENT
from tests.unit.kube.objects import LEASES, speaker_lease
from tests.unit.replica import ETH0, POOL, Replica, replica, wanting

TIMES = 20
"""So often a trouble comes and goes, in far less than a minute."""


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What OpenELB told, at INFO and above."""
    return [record.message for record in caplog.records if record.name.startswith("openelb")]


# While nothing changes.


async def test_a_manager_that_leads_says_nothing_while_nothing_changes(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(POOL, wanting("web"), wanting("lost", loadBalancerIP="198.51.100.1")) as manager:
        await manager.lead()
        await manager.settle()
        caplog.clear()
        with caplog.at_level(logging.INFO):
            for number in range(200):
                manager.now += 1.0
                await manager.lead()
                await renewed(manager, number)
                assert await manager.look() == []
    assert lines(caplog) == []


async def renewed(manager: Replica, number: int) -> None:
    """The speaker renews its Lease, and the watch brings it."""
    before = manager.store.snapshot().speakers["n1"].renewal
    await manager.server.put(LEASES, speaker_lease("n1", f"later {number}", ETH0))
    await manager.sees(lambda seen: seen.speakers["n1"].renewal != before)


# Troubles that come and go.


class Flapping(FakeLease):
    """A Lease that is out of reach again and again: every third time it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0
        self.over = asyncio.Event()

    def _reach(self) -> None:
        self.tries += 1
        if self.tries > TIMES:
            self.over.set()
        if self.tries % 3 == 1:
            raise Unreachable("the API server is away")


async def test_a_leaders_lease_that_comes_and_goes(caplog: pytest.LogCaptureFixture) -> None:
    lease = Flapping()
    seconds = itertools.count()
    leadership = Leadership(lease, "manager-1", clock=lambda: float(next(seconds)))
    with caplog.at_level(logging.INFO):
        await until(lease.over, leadership.run())
    assert [line for line in lines(caplog) if "Lease" in line] == [
        "the leader's Lease cannot be renewed or read: the API server is away",
        "the leader's Lease can be renewed or read again",
    ]


async def test_a_speakers_lease_that_comes_and_goes(caplog: pytest.LogCaptureFixture) -> None:
    lease = Flapping()
    speakers = SpeakerLease(lease, "n1", "pod", clock=lambda: float(lease.tries * 2))

    async def tell() -> None:
        for number in itertools.count():
            speakers.tell((Link(f"eth{number}", ()),))  # which it writes at once
            await asyncio.sleep(0)

    with caplog.at_level(logging.INFO):
        await until(lease.over, speakers.run(), tell())
    assert lines(caplog) == [
        "the Lease of this node cannot be renewed: the API server is away",
        "the Lease of this node is renewed again",
    ]


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer().running() as server:
        yield server


async def test_a_watch_that_comes_and_goes(server: FakeApiServer, caplog: pytest.LogCaptureFixture) -> None:
    server.faults.end_watches_at_once = True
    shelf = Shelf(KeyedView[ServiceKey, Service](lambda key: key), lambda: None)
    async with Client(server.access, IMPATIENT) as client:
        following = asyncio.create_task(Reflector(client, SERVICES, shelf, AT_ONCE).run())
        with caplog.at_level(logging.INFO):
            for number in range(TIMES):
                server.faults.watch_refusals.append(Refusal(410 if number % 3 else 403, "Away"))
                await server.until(lambda: not server.faults.watch_refusals)
        following.cancel()
    told = [line.partition("; ")[0].partition(": ")[2][:40] for line in lines(caplog)]
    assert len(told) == len(set(told)) <= 3, lines(caplog)
    assert told


async def test_events_that_are_refused_now_and_then(server: FakeApiServer, caplog: pytest.LogCaptureFixture) -> None:
    async with Client(server.access, IMPATIENT) as client:
        reporter = Reporter(client, "openelb-manager", "m-1")
        writing = asyncio.create_task(reporter.run())
        for number in range(4):
            if number % 2 == 0:
                server.faults.refusals.append(Refusal(403, "Forbidden"))
            reporter.tell(service(f"web-{number}"), "NoPool", "there is no pool", warning=True)
            await server.until(lambda number=number: len(server.requests) > number)  # type: ignore[misc]
        writing.cancel()
    assert [line.partition(":")[0] for line in lines(caplog)] == ["an Event is dropped"]


async def test_objects_that_are_refused_alike(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(POOL, *(wanting(f"web-{number}") for number in range(TIMES))) as manager:
        await manager.lead()
        for number in range(TIMES):
            down = f'calling the webhook for "web-{number}": connection refused'
            manager.server.refuse(f"services/web-{number}/", Refusal(500, "InternalError", message=down))
        for _ in range(TIMES):
            manager.now += 6.0
            await manager.lead()
            await manager.look()
    told = [line for line in lines(caplog) if "is left for 5 s" in line]
    assert len(told) == 1
    assert "connection refused" in told[0]


async def until(over: asyncio.Event, *work: Coroutine[None, None, None]) -> None:
    """Run these until it is over."""
    tasks = [asyncio.create_task(each) for each in work]
    async with asyncio.timeout(5):
        await over.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
