"""What a speaker sees of Eips, and what it asks for."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from openelb.kube import bodies
from openelb.kube.bodies import Bodies
from openelb.kube.client import Client
from openelb.kube.resources import ANNOUNCED_EIPS, EIP_OUTLINES
from openelb.kube.shelf import Shelf
from openelb.kube.views import KeyedView
from openelb.kube.watch import Reflector
from openelb.model import names
from openelb.model.cluster import Pool, ServiceKey
from tests.fakes.apiserver import Refusal
from tests.fakes.steered import SteeredApiServer
from tests.unit.kube.conftest import AT_ONCE, IMPATIENT
from tests.unit.kube.objects import EIPS, JSON, eip

GET = f"GET {EIPS}/eip"


@pytest.fixture
async def server() -> AsyncIterator[SteeredApiServer]:
    async with SteeredApiServer().running() as server:
        yield server


class Speaker:
    """What a speaker follows of Eips, as it stands."""

    def __init__(self, client: Client) -> None:
        self.changed = asyncio.Event()
        self.view = KeyedView[str, Pool](lambda key: key.name)
        self.bodies = Bodies(client, ANNOUNCED_EIPS, self.view, self.changed.set, AT_ONCE)
        self.outlines = Shelf(self.bodies, self.changed.set)
        self.runs = (Reflector(client, EIP_OUTLINES, self.outlines, AT_ONCE).run, self.bodies.run)

    @property
    def knows_all(self) -> bool:
        return self.outlines.complete and self.bodies.complete

    @property
    def pools(self) -> dict[str, Pool]:
        return dict(self.view.sheet.read())

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def speaking(client: Client) -> AsyncIterator[Speaker]:
    speaker = Speaker(client)
    tasks = [asyncio.create_task(run()) for run in speaker.runs]
    try:
        yield speaker
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@asynccontextmanager
async def knowing(server: SteeredApiServer, client: Client, *eips: JSON) -> AsyncIterator[Speaker]:
    """A speaker that has read these Eips and watches for more."""
    for each in eips:
        await server.put(EIPS, each)
    async with speaking(client) as speaker:
        await speaker.until(lambda: speaker.knows_all)
        await server.until(lambda: server.watches_open == 1)
        yield speaker


def answer_once(server: SteeredApiServer, answer: Callable[[], Awaitable[Refusal]]) -> None:
    """Answer the next reading of the Eip like this."""

    async def rule(asked: str) -> Refusal | None:
        if asked != GET or rule not in server.rules:
            return None
        server.rules.remove(rule)
        return await answer()

    server.rules.append(rule)


def used(*addresses: str) -> JSON:
    return {"used": dict.fromkeys(addresses, "default/web"), "firstIP": "192.0.2.0", "lastIP": "192.0.2.255"}


async def test_an_eip_is_read_once_and_without_its_ledger(server: SteeredApiServer, client: Client) -> None:
    async with knowing(server, client, eip(status=used("192.0.2.1"))) as speaker:
        (pool,) = speaker.pools.values()
    assert (pool.name, pool.address, pool.status.first, pool.status.last) == (
        *("eip", "192.0.2.0/24"),
        *("192.0.2.0", "192.0.2.255"),
    )
    assert pool.status.used == {}
    assert server.requests.count(GET) == 1


async def test_an_allocation_is_not_asked_for_and_changes_nothing(server: SteeredApiServer, client: Client) -> None:
    async with knowing(server, client, eip()) as speaker:
        before = speaker.view.sheet.read()
        await server.put(EIPS, eip(status=used("192.0.2.1")))
        await server.put(EIPS, eip(status=used("192.0.2.1", "192.0.2.2")))
        await server.put(EIPS, eip("later"))
        await speaker.until(lambda: "later" in speaker.pools)
        assert speaker.pools["eip"] is before["eip"]
    assert server.requests.count(GET) == 1


async def test_what_the_author_changes_is_read_again(server: SteeredApiServer, client: Client) -> None:
    async with knowing(server, client, eip()) as speaker:
        await server.put(EIPS, eip(address="nonsense", status=used()))
        await speaker.until(lambda: speaker.pools["eip"].address == "nonsense")
        assert speaker.pools["eip"].problem
        assert speaker.pools["eip"].status.first == "192.0.2.0"


async def test_a_label_is_seen_without_a_reading(server: SteeredApiServer, client: Client) -> None:
    async with knowing(server, client, eip()) as speaker:
        await server.put(EIPS, eip(labels={names.CNI_LABEL: ""}))
        await speaker.until(lambda: speaker.pools["eip"].left_to_cni)
    assert server.requests.count(GET) == 1


async def test_its_end_is_seen_while_no_eip_can_be_read(server: SteeredApiServer, client: Client) -> None:
    async with knowing(server, client, eip(), eip("other")) as speaker:
        server.refuse(GET, Refusal(500))
        await server.put(EIPS, eip(address="198.51.100.0/24"))
        await server.put(EIPS, eip("other", deletionTimestamp="2026-01-01T00:00:00Z"))
        await speaker.until(lambda: speaker.pools["other"].deleting)
        assert speaker.pools["eip"].address == "192.0.2.0/24"
        await server.remove(EIPS, "eip")
        await speaker.until(lambda: "eip" not in speaker.pools)


async def test_not_all_is_known_before_every_eip_was_read(
    server: SteeredApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults.refused_paths[f"{EIPS}/eip"] = Refusal(403, "Forbidden")
    await server.put(EIPS, eip())
    await server.put(EIPS, eip("other"))
    with caplog.at_level(logging.INFO):
        async with speaking(client) as speaker:
            await speaker.until(lambda: "other" in speaker.pools)
            await server.until(lambda: server.requests.count(GET) > 3)
            assert not speaker.knows_all
            server.faults.refused_paths.clear()
            await speaker.until(lambda: speaker.knows_all)
            assert speaker.pools.keys() == {"eip", "other"}
    first, last = caplog.messages
    assert "refused to get eips eip: 403" in first
    assert last == "get eips: going on"


async def test_one_that_goes_before_it_is_read_holds_nothing_up(server: SteeredApiServer, client: Client) -> None:
    server.before(GET, lambda: server.remove(EIPS, "eip"))
    await server.put(EIPS, eip())
    async with speaking(client) as speaker:
        await speaker.until(lambda: speaker.knows_all)
        assert speaker.pools == {}


async def test_one_made_anew_while_the_former_is_read_is_read(server: SteeredApiServer, client: Client) -> None:
    async with knowing(server, client) as speaker:

        async def make_anew() -> Refusal:
            await server.remove(EIPS, "eip")
            await server.put(EIPS, eip(uid="another"))
            await server.put(EIPS, eip("later"))
            await speaker.until(lambda: "later" in speaker.pools)
            return Refusal(404, "NotFound")

        answer_once(server, make_anew)
        await server.put(EIPS, eip())
        await speaker.until(lambda: "eip" in speaker.pools)
        assert speaker.pools["eip"].uid == "another"


@pytest.mark.parametrize("answer", [Refusal(404, "NotFound"), Refusal(200)])
async def test_one_of_which_a_server_knew_nothing_once_is_read(
    server: SteeredApiServer, client: Client, answer: Refusal
) -> None:
    async def say() -> Refusal:
        return answer

    answer_once(server, say)
    await server.put(EIPS, eip())
    async with speaking(client) as speaker:
        await speaker.until(lambda: speaker.knows_all)
        assert "eip" in speaker.pools


async def test_those_that_cannot_be_read_keep_no_other_from_being_read(
    server: SteeredApiServer, client: Client
) -> None:
    for number in range(2 * bodies.AT_ONCE):
        await server.put(EIPS, eip(f"bad-{number}"))
        server.faults.refused_paths[f"{EIPS}/bad-{number}"] = Refusal(500)
    async with speaking(client) as speaker:
        await server.until(lambda: len(server.requests) > 2 * bodies.AT_ONCE)
        await server.put(EIPS, eip())
        await speaker.until(lambda: "eip" in speaker.pools)
        assert not speaker.knows_all


async def test_what_was_being_read_when_the_work_broke_off_is_read_when_it_goes_on(
    server: SteeredApiServer, client: Client
) -> None:
    server.faults.refused_paths[f"{EIPS}/eip"] = Refusal(500)
    await server.put(EIPS, eip())
    async with speaking(client) as speaker:
        await server.until(lambda: GET in server.requests)
    server.faults.refused_paths.clear()
    reading = asyncio.create_task(speaker.bodies.run())
    await speaker.until(lambda: speaker.knows_all)
    reading.cancel()
    await asyncio.wait([reading])
    assert "eip" in speaker.pools


async def test_one_that_changes_while_it_is_read_is_read_again(server: SteeredApiServer, client: Client) -> None:
    async with knowing(server, client, eip()) as speaker:
        server.before(GET, lambda: server.put(EIPS, eip(address="198.51.100.0/24")))
        await server.put(EIPS, eip(address="203.0.113.0/24"))
        await speaker.until(lambda: speaker.pools["eip"].address == "198.51.100.0/24")


async def test_a_namesake_is_another_one_and_is_unknown_until_it_is_read(
    server: SteeredApiServer, client: Client
) -> None:
    async with knowing(server, client, eip()) as speaker:
        server.refuse(GET, Refusal(500))
        await server.put(EIPS, eip(address="198.51.100.0/24", uid="another"))
        await speaker.until(lambda: "eip" not in speaker.pools)
        server.rules.clear()
        await speaker.until(lambda: "eip" in speaker.pools)
        assert speaker.pools["eip"].uid == "another"


async def test_one_that_cannot_be_understood_stays_as_it_was_known(
    server: SteeredApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with knowing(server, client, eip()) as speaker:
        odd = eip()
        await server.put(EIPS, odd | {"spec": {"address": ["no", "text"]}})
        await server.until(lambda: server.requests.count(GET) == 2)
        await speaker.until(lambda: speaker.bodies.complete)
        assert speaker.pools["eip"].address == "192.0.2.0/24"
        await server.put(EIPS, eip(address="198.51.100.0/24"))
        await speaker.until(lambda: speaker.pools["eip"].address == "198.51.100.0/24")
    assert "cannot be read and stays as it was known" in caplog.text
    assert server.requests.count(GET) == 3


async def test_a_list_anew_reads_nothing_that_is_known(server: SteeredApiServer, client: Client) -> None:
    async with knowing(server, client, eip()) as speaker:
        await server.forget()
        await server.put(EIPS, eip("later"))
        await speaker.until(lambda: "later" in speaker.pools)
    assert server.requests.count(GET) == 1


async def test_only_so_many_are_read_at_once(server: SteeredApiServer) -> None:
    for number in range(3 * bodies.AT_ONCE):
        await server.put(EIPS, eip(f"eip-{number}"))
    async with Client(server.access, IMPATIENT) as client, speaking(client) as speaker:
        await speaker.until(lambda: speaker.knows_all)
        assert len(speaker.pools) == 3 * bodies.AT_ONCE
    # Two more: the list and the watch.
    assert len(set(server.connections)) <= bodies.AT_ONCE + 2


async def test_what_is_told_of_nothing_known_is_no_pool(client: Client) -> None:
    speaker = Speaker(client)
    speaker.bodies.remove(ServiceKey("", "eip"))
    assert speaker.pools == {}
