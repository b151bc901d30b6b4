"""What is told about objects, and what is not told again."""

import asyncio
from dataclasses import replace

import pytest

from openelb import complaints
from openelb.kube import report
from openelb.kube.client import Client
from openelb.kube.report import Reporter
from openelb.model.cluster import Pool, Service
from tests.fakes.apiserver import FakeApiServer, Refusal
from tests.fakes.clock import Clock
from tests.unit.builders import pool, service, unreadable

EVENTS = "/apis/events.k8s.io/v1/events"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reporter(client: Client, clock: Clock) -> Reporter:
    return Reporter(client, "openelb-manager", "m-1", clock=clock)


def waiting(reporter: Reporter) -> list[tuple[str, str]]:
    """What would be written next: reasons and sentences, taken out of the queue."""
    events = [reporter.next() for _ in range(reporter.waiting)]
    return [(event.reason, event.sentence) for event in events]


async def test_the_same_is_not_told_twice_within_ten_minutes(reporter: Reporter, clock: Clock) -> None:
    for _ in range(3):
        reporter.tell(service(), "Allocated", "gets 192.0.2.1", warning=False)
    assert len(waiting(reporter)) == 1
    clock.now += report.QUIET_SECONDS - 1
    reporter.tell(service(), "Allocated", "gets 192.0.2.1", warning=False)
    assert waiting(reporter) == []
    clock.now += 1
    reporter.tell(service(), "Allocated", "gets 192.0.2.1", warning=False)
    assert len(waiting(reporter)) == 1


async def test_another_sentence_reason_or_object_is_told(reporter: Reporter) -> None:
    reporter.tell(service(), "PoolExhausted", "the pool a is full", warning=True)
    reporter.tell(service(), "PoolExhausted", "the pool b is full", warning=True)
    reporter.tell(service("api"), "PoolExhausted", "the pool b is full", warning=True)
    reporter.tell(pool(), "PoolInvalid", "the pool b is full", warning=True)
    assert len(waiting(reporter)) == 4


async def test_what_does_not_fit_is_dropped_counted_and_said_once(
    reporter: Reporter, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        for number in range(report.QUEUE + 3):
            reporter.tell(service(), "Allocated", f"sentence {number}", warning=False)
    assert reporter.dropped == 3
    assert len(caplog.records) == 1


async def test_an_event_says_who_tells_what_about_which_object(reporter: Reporter, server: FakeApiServer) -> None:
    reporter.tell(service("team/web"), "AddressTaken", "192.0.2.1 is taken", warning=True)
    await reporter.write(reporter.next())
    written = server.only(EVENTS)
    assert written["metadata"]["namespace"] == "team"
    assert (written["type"], written["reason"], written["note"]) == ("Warning", "AddressTaken", "192.0.2.1 is taken")
    assert (written["reportingController"], written["reportingInstance"]) == ("openelb-manager", "m-1")
    assert written["regarding"] == {
        "apiVersion": "v1",
        "kind": "Service",
        "namespace": "team",
        "name": "web",
        "uid": "uid of team/web",
    }


async def test_an_event_about_an_eip_is_where_kubectl_looks_for_it(reporter: Reporter, server: FakeApiServer) -> None:
    reporter.tell(pool("office"), "Ready", "answered by n1", warning=False)
    await reporter.write(reporter.next())
    written = server.only(EVENTS)
    assert written["metadata"]["namespace"] == "default"
    assert written["type"] == "Normal"
    assert (written["regarding"]["kind"], written["regarding"]["name"]) == ("Eip", "office")


@pytest.mark.parametrize("about", [pool("office"), service("team/web")])
async def test_an_event_about_an_object_that_cannot_be_read_is_beside_those_about_it_when_it_could_be(
    reporter: Reporter, about: Pool | Service
) -> None:
    of = ("Eip", about.name) if isinstance(about, Pool) else ("Service", str(about.key))
    (odd,) = unreadable(*of).values()
    reporter.tell(about, "Unreadable", odd.sentence, warning=True)
    reporter.tell(replace(odd, uid=about.uid), "Unreadable", odd.sentence, warning=True)
    assert len(waiting(reporter)) == 1


@pytest.mark.parametrize("letter", ["x", "é"])
async def test_a_sentence_too_long_for_an_event_is_cut_before_it_waits(
    reporter: Reporter, server: FakeApiServer, letter: str
) -> None:
    for end in ("one end", "another"):
        reporter.tell(service(), "NoPool", letter * 5000 + end, warning=True)
    assert reporter.waiting == 1
    await reporter.write(reporter.next())
    assert server.only(EVENTS)["note"] == letter * (1024 // len(letter.encode()))


async def test_that_events_do_not_fit_is_said_again_after_a_minute_whatever_was_dropped_before(
    client: Client, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    reporter = Reporter(client, "openelb-manager", "m-1", queue=0, clock=clock)
    with caplog.at_level("INFO"):
        for number in range(2):
            reporter.tell(service(), "Allocated", f"sentence {number}", warning=False)
            clock.now += complaints.QUIET_SECONDS
    assert len(caplog.records) == 2


async def test_while_it_runs_what_is_told_is_written_and_what_is_refused_is_counted(
    reporter: Reporter, server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults.refusals.append(Refusal(403, "Forbidden"))
    reporter.tell(service("a"), "NoPool", "there is no pool", warning=True)
    reporter.tell(service("b"), "NoPool", "there is no pool", warning=True)
    running = asyncio.create_task(reporter.run())
    await server.until(lambda: len(server.requests) == 2)
    await asyncio.sleep(0)
    running.cancel()
    assert server.only(EVENTS)["regarding"]["name"] == "b"
    assert reporter.dropped == 1
    assert "an Event is dropped" in caplog.text


async def test_refusals_are_said_once_while_they_last_and_again_when_they_come_back(
    client: Client, server: FakeApiServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    forbidden = Refusal(403, "Forbidden")
    reporter = Reporter(client, "openelb-manager", "m-1", per_second=1000, clock=clock)
    running = asyncio.create_task(reporter.run())

    async def write(name: str) -> None:
        reporter.tell(service(name), "NoPool", "there is no pool", warning=True)
        before = len(server.requests)
        await server.until(lambda: len(server.requests) > before)
        clock.now += complaints.QUIET_SECONDS

    server.faults.refusals += [forbidden, forbidden]
    for name in ("a", "b", "c"):
        await write(name)
    server.faults.refusals.append(forbidden)
    for name in ("d", "e"):
        await write(name)
    running.cancel()
    assert reporter.dropped == 3
    assert len(caplog.records) == 2


async def test_after_a_refusal_the_next_is_written_no_sooner_than_after_any_other(
    client: Client, server: FakeApiServer
) -> None:
    server.faults.refusals.append(Refusal(403, "Forbidden"))
    reporter = Reporter(client, "openelb-manager", "m-1", per_second=4)
    for name in ("a", "b"):
        reporter.tell(service(name), "NoPool", "there is no pool", warning=True)
    running = asyncio.create_task(reporter.run())
    await server.until(lambda: len(server.requests) == 2)
    running.cancel()
    refused, written = server.times
    assert written - refused > 0.2


# What lasts.

WAITS = [(service("team/web"), "NoPool", "there is no pool")]


async def told_and_written(reporter: Reporter) -> None:
    for about, reason, sentence in WAITS:
        reporter.tell(about, reason, sentence, warning=True)
    await written(reporter)


async def written(reporter: Reporter) -> int:
    """Write all that waits; how many that were."""
    count = reporter.waiting
    for _ in range(count):
        await reporter.write(reporter.next())
    return count


async def test_what_lasts_is_told_again_every_half_hour_as_one_series(
    reporter: Reporter, server: FakeApiServer, clock: Clock
) -> None:
    await told_and_written(reporter)
    for count in (2, 3):
        for _ in range(29):
            clock.now += 60
            reporter.repeat(WAITS)
            assert await written(reporter) == 0
        clock.now += 60
        reporter.repeat(WAITS)
        assert await written(reporter) == 1
        assert server.only(EVENTS)["series"]["count"] == count


async def test_what_another_told_is_told_half_an_hour_after_it_was_first_seen(
    reporter: Reporter, server: FakeApiServer, clock: Clock
) -> None:
    reporter.repeat(WAITS)
    assert await written(reporter) == 0
    clock.now += report.SERIES_SECONDS
    reporter.repeat(WAITS)
    assert await written(reporter) == 1
    assert "series" not in server.only(EVENTS)


async def test_what_does_not_last_is_not_told_again(reporter: Reporter, clock: Clock) -> None:
    await told_and_written(reporter)
    clock.now += report.SERIES_SECONDS - 1
    reporter.repeat([])
    clock.now += 1
    reporter.repeat(WAITS)
    assert await written(reporter) == 0


async def test_what_is_told_anew_counts_in_its_series_and_is_not_repeated_too_soon(
    reporter: Reporter, server: FakeApiServer, clock: Clock
) -> None:
    await told_and_written(reporter)
    reporter.repeat(WAITS)
    clock.now += report.SERIES_SECONDS - 1
    await told_and_written(reporter)
    assert server.only(EVENTS)["series"]["count"] == 2
    clock.now += 1
    reporter.repeat(WAITS)
    assert await written(reporter) == 0


async def test_a_series_that_the_api_server_forgot_begins_anew(
    reporter: Reporter, server: FakeApiServer, clock: Clock
) -> None:
    await told_and_written(reporter)
    reporter.repeat(WAITS)
    first = server.only(EVENTS)["metadata"]["name"]
    await server.remove(EVENTS, first, "team")
    clock.now += report.SERIES_SECONDS
    reporter.repeat(WAITS)
    await written(reporter)
    assert server.only(EVENTS)["metadata"]["name"] != first
    assert "series" not in server.only(EVENTS)


async def test_while_much_waits_nothing_is_told_again(reporter: Reporter, clock: Clock) -> None:
    reporter.repeat(WAITS)
    clock.now += report.SERIES_SECONDS
    for number in range(report.SERIES_QUEUED):
        reporter.tell(service(), "Allocated", f"sentence {number}", warning=False)
    reporter.repeat(WAITS)
    assert await written(reporter) == report.SERIES_QUEUED
    reporter.repeat(WAITS)
    assert await written(reporter) == 1
