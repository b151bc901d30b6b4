"""Following one kind through everything that goes wrong with watches."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from openelb.kube.backoff import Backoff
from openelb.kube.client import Client
from openelb.kube.reader import Seen
from openelb.kube.resources import SERVICES
from openelb.kube.watch import Reflector
from openelb.model.cluster import Service
from tests.fakes.apiserver import FakeApiServer, Refusal
from tests.unit.kube import objects
from tests.unit.kube.conftest import AT_ONCE, NOT_JSON, Verbatim


@dataclass
class Recorder:
    """A sink that remembers what it was told and knows what is there."""

    told: list[str] = field(default_factory=list)
    there: dict[str, Service | None] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def listing(self) -> None:
        self._tell("listing")

    def known(self, seen: Seen[Service]) -> Seen[Service]:
        return seen

    def listed(self, seen: list[Seen[Service]]) -> None:
        self.there = {entry.key.name: entry.value for entry in seen}
        self._tell("listed " + " ".join(sorted(self.there)))

    def put(self, seen: Seen[Service]) -> None:
        self.there[seen.key.name] = seen.value
        self._tell(f"put {seen.key.name}")

    def drop(self, seen: Seen[Service]) -> None:
        self.there.pop(seen.key.name, None)
        self._tell(f"drop {seen.key.name}")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self._news.clear()
                await self._news.wait()


@dataclass(frozen=True)
class Recorded(Backoff):
    """A backoff that never waits and remembers after how many failures it was asked."""

    asked: list[int] = field(default_factory=list)

    def wait(self, failures: int) -> float:
        self.asked.append(failures)
        return 0.0


@asynccontextmanager
async def following(client: Client, backoff: Backoff = AT_ONCE, *, silence: float = 5.0) -> AsyncIterator[Recorder]:
    sink = Recorder()
    reflector = Reflector(client, replace(SERVICES, silence=silence), sink, backoff)
    task = asyncio.create_task(reflector.run())
    try:
        yield sink
    finally:
        task.cancel()
        await asyncio.wait([task])


async def settled(server: FakeApiServer) -> None:
    """Return when the watch is open, so that what happens next is an event."""
    await server.until(lambda: server.watches_open > 0)


async def test_a_list_comes_first_and_changes_follow(server: FakeApiServer, client: Client) -> None:
    await server.put(objects.SERVICES, objects.service("a"))
    async with following(client) as sink:
        await sink.until(lambda: "listed a" in sink.told)
        await server.put(objects.SERVICES, objects.service("b"))
        await server.put(objects.SERVICES, objects.service("a"))
        await server.remove(objects.SERVICES, "b", "default")
        await sink.until(lambda: "drop b" in sink.told)
    assert sink.told == ["listing", "listed a", "put b", "put a", "drop b"]


async def test_a_long_list_is_read_in_pages(server: FakeApiServer, client: Client) -> None:
    server.faults.page_size = 2
    for name in "abcde":
        await server.put(objects.SERVICES, objects.service(name))
    async with following(client) as sink:
        await sink.until(lambda: "listed a b c d e" in sink.told)
        await settled(server)
    assert server.requests == ["GET /api/v1/services"] * 3 + ["WATCH /api/v1/services"]


async def test_a_list_whose_pages_expire_is_read_again_from_the_start(server: FakeApiServer, client: Client) -> None:
    server.faults.page_size = 2
    for name in "abc":
        await server.put(objects.SERVICES, objects.service(name))
    await server.forget()
    async with following(client) as sink:
        await sink.until(lambda: "listed a b c" in sink.told)
    assert sink.told == ["listing", "listing", "listed a b c"]


async def test_an_ended_watch_goes_on_where_it_was(server: FakeApiServer, client: Client) -> None:
    async with following(client) as sink:
        await settled(server)
        await server.put(objects.SERVICES, objects.service("a"))
        await sink.until(lambda: "put a" in sink.told)
        await server.end_watches()
        await server.put(objects.SERVICES, objects.service("b"))
        await sink.until(lambda: "put b" in sink.told)
    assert sink.told == ["listing", "listed ", "put a", "put b"]


@pytest.mark.parametrize("gone_inside", [True, False])
async def test_a_server_that_forgot_where_we_were_is_listed_again(
    server: FakeApiServer, client: Client, gone_inside: bool
) -> None:
    server.faults.gone_inside = gone_inside
    await server.put(objects.SERVICES, objects.service("a"))
    await server.put(objects.SERVICES, objects.service("b"))
    async with following(client) as sink:
        await settled(server)
        await server.remove(objects.SERVICES, "a", "default")
        await sink.until(lambda: "drop a" in sink.told)
        await server.forget()
        await sink.until(lambda: sink.told[-1] == "listed b")
    assert list(sink.there) == ["b"]
    # One watch that ended, one that was told; no third one to hear the same again.
    assert [request.split()[0] for request in server.requests][:4] == ["GET", "WATCH", "WATCH", "GET"]


async def test_a_bookmark_moves_the_place_to_go_on_from(server: FakeApiServer, client: Client) -> None:
    async with following(client) as sink:
        await settled(server)
        await server.bookmark(objects.SERVICES)
        await server.until(lambda: server.watched == server.version)
        server.set_floor(server.version)
        await server.end_watches()
        await server.put(objects.SERVICES, objects.service("a"))
        await sink.until(lambda: "put a" in sink.told)
    assert sink.told.count("listing") == 1


async def test_lines_are_read_whole_however_they_are_cut(server: FakeApiServer, client: Client) -> None:
    server.faults.piece = 7
    async with following(client) as sink:
        await settled(server)
        for name in "abc":
            await server.put(objects.SERVICES, objects.service(name))
        await sink.until(lambda: "put c" in sink.told)
    assert sorted(sink.there) == ["a", "b", "c"]


@pytest.mark.parametrize("separator", ["\u0085", "\u2028", "\u2029", "\x0c"])
async def test_only_a_line_feed_ends_a_line(server: FakeApiServer, client: Client, separator: str) -> None:
    async with following(client) as sink:
        await settled(server)
        await server.put(objects.SERVICES, objects.service("a", annotations={"note": f"one{separator}two"}))
        await sink.until(lambda: "put a" in sink.told)
    assert sink.told.count("listing") == 1


async def test_a_large_event_is_read(server: FakeApiServer, client: Client) -> None:
    async with following(client) as sink:
        await settled(server)
        await server.put(objects.SERVICES, objects.service("a", annotations={"note": "x" * 400_000}))
        await sink.until(lambda: "put a" in sink.told)
    assert sink.told.count("listing") == 1


async def test_an_object_that_cannot_be_read_costs_itself_alone(
    server: FakeApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    await server.put(objects.SERVICES, objects.service("bad") | {"spec": "no object"})
    await server.put(objects.SERVICES, objects.service("good"))
    async with following(client) as sink:
        await settled(server)
        await server.put(objects.SERVICES, objects.service("worse") | {"status": 7})
        await server.say(objects.SERVICES, b"no json at all")
        await server.say(objects.SERVICES, b'{"type":"BOOKMARK","object":7}')
        for content in NOT_JSON:
            await server.say(objects.SERVICES, content)
            await server.say(objects.SERVICES, b'{"type":"ADDED","object":%s}' % content)
        await server.put(objects.SERVICES, objects.service("fine"))
        await sink.until(lambda: "put fine" in sink.told)
    assert sink.there["good"] is not None
    assert sink.there["fine"] is not None
    # They are there, unread: absence would mean that they were deleted.
    assert (sink.there["bad"], sink.there["worse"]) == (None, None)
    assert "default/bad cannot be read and stays as it was known" in caplog.text
    assert sink.told.count("listing") == 1


@pytest.mark.parametrize("content", NOT_JSON)
async def test_a_list_that_is_no_json_is_asked_for_again(
    server: FakeApiServer, client: Client, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults.refusals.append(Verbatim(200, content=content))
    await server.put(objects.SERVICES, objects.service("a"))
    async with following(client) as sink:
        await sink.until(lambda: "a" in sink.there)
    assert "the answer to watch services is no list" in caplog.text


async def test_a_server_that_ends_every_watch_at_once_is_asked_ever_more_slowly(
    server: FakeApiServer, client: Client
) -> None:
    server.faults.end_watches_at_once = True
    backoff = Recorded()
    async with following(client, backoff):
        await server.until(lambda: len(backoff.asked) > 5)
    assert backoff.asked[:6] == [1, 2, 3, 4, 5, 6]


def test_the_waits_grow_to_a_second_and_a_bit_and_no_two_clients_wait_alike() -> None:
    waits = [Backoff().wait(failures) for failures in range(1, 12)]
    assert waits[0] < 0.2
    assert all(1.0 <= wait <= 1.25 for wait in waits[6:])
    assert len(set(waits[6:])) == len(waits[6:])
    assert Backoff().wait(0) == 0.0


async def test_a_watch_in_which_nothing_is_heard_is_opened_anew_without_a_word(
    server: FakeApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(client, silence=0.05) as sink:
        await sink.until(lambda: "listed " in sink.told)
        await server.until(lambda: server.requests.count("WATCH /api/v1/services") == 3)
    assert sink.told == ["listing", "listed "]
    assert caplog.records == []


async def test_a_server_that_keeps_refusing_the_watch_is_listed_again(server: FakeApiServer, client: Client) -> None:
    server.faults.watch_refusals.extend([Refusal(504, "Timeout")] * 4)
    async with following(client) as sink:
        await sink.until(lambda: sink.told.count("listing") == 2)
        await settled(server)


async def test_one_complaint_is_logged_for_a_lasting_trouble_and_one_line_when_it_is_over(
    server: FakeApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.faults.refusals.extend([Refusal(403, "Forbidden")] * 5)
    async with following(client) as sink:
        await sink.until(lambda: "listed " in sink.told)
    lines = [record.message for record in caplog.records]
    assert [line.split(":")[0] for line in lines] == ["watch services", "watch services"]
    assert "grant that verb" in lines[0]
    assert lines[1] == "watch services: going on"
