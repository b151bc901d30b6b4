"""What goes wrong between us and an API server, fault by fault, where more than one request or a long time is needed.

Faults of single requests are in test_client, of single watches in test_watch, of credentials in test_credentials and
test_plugin, of Leases in test_lease; those that a real API server can be brought to are in tests/contract as well.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from openelb.kube.client import Client, Patience
from openelb.kube.config import Access
from openelb.kube.credentials import Credential, FileToken
from openelb.kube.errors import ApiError, Conflict, Unauthorized, Unreachable
from openelb.kube.plugin import Grant, PluginLogin
from openelb.kube.report import Reporter
from openelb.kube.resources import SERVICES
from openelb.kube.shapes import ServiceShape
from openelb.kube.store import Store
from openelb.kube.watch import Reflector
from openelb.model import names
from openelb.model.cluster import ServiceKey
from openelb.process import runtime
from tests.fakes.apiserver import FakeApiServer, Refusal
from tests.fakes.clock import Clock
from tests.fakes.jumps import at_once
from tests.fakes.way import Way
from tests.unit import builders
from tests.unit.kube import objects
from tests.unit.kube.conftest import AT_ONCE, IMPATIENT
from tests.unit.kube.test_watch import Recorder
from tests.unit.replica import POOL, replica, wanting

WEB = "/api/v1/namespaces/default/services/web"
MINUTE = 60.0
FIRST_FEW = 6
SOON = 1.5
"""Seconds after the end of a trouble until everything goes on."""


@asynccontextmanager
async def storing(client: Client) -> AsyncIterator[Store]:
    """A store that lists and watches all the time."""
    store = Store.for_manager(client, names.NAMESPACE)
    task = asyncio.create_task(store.run())
    try:
        yield store
    finally:
        task.cancel()
        await asyncio.wait([task])


async def sees(store: Store, name: str) -> None:
    while ServiceKey("default", name) not in store.snapshot().services:
        await store.changed()


def end_every_stream(server: FakeApiServer) -> None:
    server.faults.end_watches_at_once = True


def refuse_everything(server: FakeApiServer) -> None:
    server.faults.refused = Refusal(500, "InternalError")


def take_no_credentials(server: FakeApiServer) -> None:
    server.faults.tokens = set()


def forget_everything(server: FakeApiServer) -> None:
    server.set_floor(1_000_000)


TROUBLES: dict[str, Callable[[FakeApiServer], None]] = {
    "every stream is closed at once": end_every_stream,
    "500 to everything": refuse_everything,
    "401 to everything": take_no_credentials,
    "410 to every watch": forget_everything,
}


@dataclass(frozen=True)
class Minute:
    """Of a store and a server in trouble: when Services were asked for, and how long after it the store saw a new one."""

    tries: list[float]
    back_after: float


async def a_minute_of(trouble: Callable[[FakeApiServer], None]) -> Minute:
    now = asyncio.get_running_loop().time
    async with (
        FakeApiServer().running() as server,
        Client(server.access, Patience(attempts=1)) as client,
        storing(client) as store,
    ):
        await store.synced()
        well = server.faults
        server.faults = replace(well)
        trouble(server)
        await server.end_watches()
        began = len(server.requests)
        await asyncio.sleep(MINUTE)
        asked = list(zip(server.requests, server.times, strict=True))[began:]
        server.faults = well
        server.set_floor(0)
        over = now()
        await server.put(objects.SERVICES, objects.service("late"))
        await sees(store, "late")
        # A list and the watch after it are one try.
        tries = {time for request, time in asked if request.endswith(objects.SERVICES)}
        return Minute(sorted(tries), now() - over)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_trouble_is_tried_at_most_once_a_second_after_the_first_few_and_over_soon_after_its_end(trouble: str) -> None:
    minute = at_once(a_minute_of(TROUBLES[trouble]))
    waits = [later - earlier for earlier, later in pairwise(minute.tries)]
    assert min(waits[FIRST_FEW:]) >= 1.0
    assert MINUTE / SOON < len(minute.tries) <= MINUTE + FIRST_FEW
    assert minute.back_after < SOON


Work = Callable[[Client], Awaitable[object]]


async def follow(client: Client) -> None:
    await Reflector(client, SERVICES, Recorder()).run()


async def look(client: Client) -> None:
    async def once() -> None:
        await client.patch(WEB, [], ServiceShape)

    async def never() -> None:
        await asyncio.Event().wait()

    await runtime.look_again(once, never, runtime.Progress(), rest=0.0, resync=3600.0)


async def tell(client: Client) -> None:
    reporter = Reporter(client, "openelb-manager", "m-1")
    reporter.tell(builders.pool(), "Valid", "one", warning=False)
    reporter.tell(builders.pool(), "Valid", "another", warning=False)
    await reporter.run()


ASKING: dict[str, tuple[Work, int, bool]] = {
    "a read": (lambda client: client.get(WEB, ServiceShape), 4, False),
    "a write": (lambda client: client.patch(WEB, [], ServiceShape), 4, False),
    "a list": (follow, 1, False),
    "a watch": (follow, 1, True),
    "a look": (look, 1, False),
    "an Event": (tell, 1, False),
}
"""What is asked, with how many attempts of the client's own, and whether it is the watch that is refused."""


async def seconds_between_tries(work: Work, attempts: int, *, watching: bool) -> float:
    busy = Refusal(429, "TooManyRequests", headers={"Retry-After": "7"})
    async with FakeApiServer().running() as server, Client(server.access, Patience(attempts=attempts)) as client:
        await server.put(objects.SERVICES, objects.service())
        (server.faults.watch_refusals if watching else server.faults.refusals).append(busy)
        task = asyncio.ensure_future(work(client))
        await asyncio.sleep(30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        refused = 1 if watching else 0  # the list before the watch was answered
        return server.times[refused + 1] - server.times[refused]


@pytest.mark.parametrize("asking", ASKING)
def test_a_server_that_asks_to_be_left_alone_is_left_alone_for_as_long(asking: str) -> None:
    work, attempts, watching = ASKING[asking]
    assert 7.0 <= at_once(seconds_between_tries(work, attempts, watching=watching)) < 10.0


# A write that went through although its answer was lost.


async def test_a_write_whose_answer_was_lost_is_made_once_and_not_called_done(
    server: FakeApiServer, client: Client
) -> None:
    stored = await server.put(objects.SERVICES, objects.service())
    server.faults.lost_answers = 1
    with pytest.raises(Unreachable, match="cannot patch services default/web"):
        await client.patch(WEB, [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}], ServiceShape)
    after = server.stored(objects.SERVICES, "web", "default")
    assert after["metadata"]["labels"] == {"a": "b"}
    assert int(after["metadata"]["resourceVersion"]) == int(stored["metadata"]["resourceVersion"]) + 1
    assert server.requests == [f"PATCH {WEB}"]


async def test_an_object_whose_answer_was_lost_is_not_made_twice(server: FakeApiServer, client: Client) -> None:
    server.faults.lost_answers = 1
    with pytest.raises(Unreachable):
        await client.create(
            "/apis/events.k8s.io/v1/namespaces/default/events", {"metadata": {"generateName": "web-"}}, msgspec.Raw
        )
    assert len(server.requests) == 1


async def test_an_update_that_is_sent_again_on_another_connection_changes_nothing_twice(
    server: FakeApiServer, client: Client
) -> None:
    """HTTP allows to repeat PUT when a kept connection turns out to be closed, and aiohttp does so (RFC 9110, 9.2.2)."""
    stored = await server.put(objects.SERVICES, objects.service())
    await client.get(WEB, ServiceShape)  # so that there is a connection to keep
    server.faults.lost_answers = 1
    with pytest.raises((Conflict, Unreachable)):
        await client.put(WEB, stored, ServiceShape)
    assert server.version == int(stored["metadata"]["resourceVersion"]) + 1


@pytest.mark.parametrize("nth", range(4))
async def test_the_next_look_finishes_what_was_written_although_its_answer_was_lost(nth: int) -> None:
    async with replica(POOL, wanting("a"), wanting("b")) as manager:
        await manager.lead()
        made = 0
        while made < 20 and (manager.ledger().keys() != {"192.0.2.1", "192.0.2.2"} or not manager.address("b")):
            manager.server.faults.lost_answers = 1 if made == nth else 0
            with contextlib.suppress(ApiError):
                await manager.look()
            made += 1
            await asyncio.sleep(0.01)
        manager.server.faults.lost_answers = 0
        await manager.settle()
        assert manager.ledger() == {"192.0.2.1": "default/a", "192.0.2.2": "default/b"}
        assert (manager.address("a"), manager.address("b")) == ("192.0.2.1", "192.0.2.2")


# Tokens.


async def test_a_request_with_an_expired_token_is_made_again_with_the_one_that_is_in_the_file_by_then(
    server: FakeApiServer, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("first.")
    await server.put(objects.SERVICES, objects.service())
    async with Client(replace(server.access, login=FileToken(path)), IMPATIENT) as client:
        server.faults.tokens = {"first."}
        await client.get(WEB, ServiceShape)
        stat = path.stat()
        path.write_text("second")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # so that nothing shows the change but the 401
        server.faults.tokens = {"second"}
        await client.patch(WEB, [], ServiceShape)
    assert server.requests == [f"GET {WEB}", f"PATCH {WEB}", f"PATCH {WEB}"]


async def test_a_token_that_nobody_takes_is_shown_once(server: FakeApiServer, client: Client) -> None:
    server.faults.tokens = {"another"}
    with pytest.raises(Unauthorized, match="are not valid here"):
        await client.get(WEB, ServiceShape)
    assert len(server.requests) == 1


async def test_an_exec_plugin_is_asked_for_another_token_when_the_server_refuses_the_first(
    server: FakeApiServer,
) -> None:
    given = iter(("first", "second"))

    async def ask() -> Grant:
        return Grant(next(given))

    clock = Clock()
    login = PluginLogin(ask, lambda grant: Credential(grant.token), clock=clock)
    await server.put(objects.SERVICES, objects.service())
    server.faults.tokens = {"second"}
    await login.credential()
    clock.now += 60
    async with Client(replace(server.access, login=login), IMPATIENT) as client:
        await client.get(WEB, ServiceShape)
    assert len(server.requests) == 2


async def test_a_watch_outlives_its_token_and_the_next_one_is_opened_with_another(
    server: FakeApiServer, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    server.faults.tokens = {"first"}
    async with Client(replace(server.access, login=FileToken(path)), IMPATIENT) as client:
        reader = Recorder()
        following = asyncio.create_task(Reflector(client, SERVICES, reader, AT_ONCE).run())
        await server.until(lambda: server.watches_open == 1)
        path.write_text("the second")
        server.faults.tokens = {"the second"}
        await server.put(objects.SERVICES, objects.service("during"))
        await reader.until(lambda: "put during" in reader.told)
        await server.end_watches()
        await server.put(objects.SERVICES, objects.service("after"))
        await reader.until(lambda: "put after" in reader.told)
        following.cancel()
    assert reader.told.count("listing") == 1


# Connections that are open and dead.


@asynccontextmanager
async def by_a_way(server: FakeApiServer) -> AsyncIterator[tuple[Way, Client]]:
    way = Way(int(server.access.server.rpartition(":")[2]))
    async with way.open(), Client(Access(f"http://127.0.0.1:{way.port}"), IMPATIENT) as client:
        yield way, client


async def test_a_read_on_a_dead_connection_is_made_again_on_another(server: FakeApiServer) -> None:
    await server.put(objects.SERVICES, objects.service())
    async with by_a_way(server) as (way, client):
        await client.get(WEB, ServiceShape)
        await way.go_dead()
        await client.get(WEB, ServiceShape)
        assert way.made == 2


async def test_a_watch_on_a_dead_connection_goes_on_where_it_was_on_another(server: FakeApiServer) -> None:
    async with by_a_way(server) as (way, client):
        reader = Recorder()
        following = asyncio.create_task(Reflector(client, replace(SERVICES, silence=0.2), reader, AT_ONCE).run())
        await server.until(lambda: server.watches_open == 1)
        await way.go_dead()
        await server.put(objects.SERVICES, objects.service("late"))
        await reader.until(lambda: "put late" in reader.told)
        following.cancel()
    assert reader.told.count("listing") == 1


# An event of a megabyte, and odd characters.


async def test_an_event_of_a_megabyte_in_small_pieces_is_read(server: FakeApiServer, client: Client) -> None:
    """etcd takes objects of up to 1.5 MiB; the event arrives in pieces of a few kilobytes."""
    reader = Recorder()
    server.faults.piece = 4096
    following = asyncio.create_task(Reflector(client, SERVICES, reader, AT_ONCE).run())
    await server.until(lambda: server.watches_open == 1)
    await server.put(objects.SERVICES, objects.service("large", annotations={"note": "\u0085x" * 500_000}))
    await reader.until(lambda: "put large" in reader.told)
    following.cancel()
    assert reader.told.count("listing") == 1
    assert reader.there["large"] is not None


@pytest.mark.parametrize("odd", ["\r\n", "\ufeff", "\x00", "\U0001f600", "\ufffd", '"\\', "\u202e"])
async def test_an_odd_character_in_an_annotation_costs_nothing(server: FakeApiServer, client: Client, odd: str) -> None:
    reader = Recorder()
    await server.put(objects.SERVICES, objects.service("listed", annotations={f"example.org/{odd}": odd}))
    following = asyncio.create_task(Reflector(client, SERVICES, reader, AT_ONCE).run())
    await server.until(lambda: server.watches_open == 1)
    await server.put(objects.SERVICES, objects.service("put", annotations={"note": odd}))
    await reader.until(lambda: "put put" in reader.told)
    following.cancel()
    assert all(reader.there[name] is not None for name in ("listed", "put"))
