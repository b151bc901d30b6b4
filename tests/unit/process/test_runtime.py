"""The loop, the supervision of a process's parts, and what it says of its health."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily

from openelb.kube.backoff import Backoff
from openelb.kube.client import Patience
from openelb.kube.errors import Forbidden, Unavailable, Unreachable
from openelb.manager.refusals import RESYNC
from openelb.process import metrics, runtime
from openelb.speaker.speaker import TICK
from tests.fakes.clock import Clock

AT_ONCE = Backoff(first=0.0, last=0.0)
NEVER = 1e9

Part = Callable[[], Awaitable[None]]


class Looks:
    """A look that does what it is told, one thing after the other: wait for so long, or fail; then the loop ends."""

    def __init__(self, *outcomes: float | Exception | None) -> None:
        self.made = 0
        self.progress = runtime.Progress()
        self._outcomes = outcomes
        self._changed = asyncio.Event()
        self._over = asyncio.Event()

    async def look(self) -> float | None:
        if self.made == len(self._outcomes):
            self._over.set()
            await asyncio.Event().wait()
        outcome = self._outcomes[self.made]
        self.made += 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def change(self) -> None:
        self._changed.set()

    async def changed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def run(self, *, rest: float = 0.0, resync: float = NEVER) -> None:
        """Until all is done; a loop that does not look again ends in TimeoutError."""
        loop = asyncio.create_task(
            runtime.look_again(self.look, self.changed, self.progress, rest=rest, resync=resync, backoff=AT_ONCE)
        )
        try:
            await asyncio.wait_for(self._over.wait(), 5)
        finally:
            loop.cancel()


async def test_a_change_leads_to_another_look() -> None:
    looks = Looks(None)
    looks.change()
    await looks.run()
    assert looks.made == 1


async def test_a_look_that_asks_for_a_time_is_repeated_then() -> None:
    looks = Looks(0.0, 0.0)
    await looks.run()
    assert looks.made == 2


async def test_without_any_news_everything_is_looked_at_again_after_a_while() -> None:
    looks = Looks(None, NEVER)
    await looks.run(resync=0.0)
    assert looks.made == 2


async def test_changes_that_come_soon_after_a_look_wait_for_one_look_together() -> None:
    looks = Looks(None, None)
    loop = asyncio.create_task(runtime.look_again(looks.look, looks.changed, looks.progress, rest=0.05, resync=NEVER))
    for _ in range(10):
        looks.change()
        await asyncio.sleep(0)
    assert looks.made == 1
    loop.cancel()


def test_after_a_quiet_while_a_few_looks_need_no_rest() -> None:
    rests = runtime.Rests(0.1, spare=2)
    assert [rests.after(1.0) for _ in range(3)] == pytest.approx([0.0, 0.0, 0.1])
    assert [rests.after(2.0) for _ in range(3)] == pytest.approx([0.0, 0.0, 0.1])


@pytest.mark.parametrize("spare", [0, 1, 4])
def test_in_the_long_run_there_are_no_more_looks_than_rests_allow(spare: int) -> None:
    rests, now, looks = runtime.Rests(0.1, spare), 0.0, 0
    while now < 10.0:
        now += rests.after(now)
        looks += 1
    assert looks == pytest.approx(100 + spare, abs=1)


async def test_a_look_that_fails_is_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    away = Unreachable("cannot list services: connection refused")
    looks = Looks(away, away, away, 0.0)
    with caplog.at_level(logging.INFO):
        await looks.run()
    assert caplog.messages == [
        "trying again: cannot list services: connection refused",
        "working again after 3 failed tries",
    ]


async def test_another_cause_is_told_as_well(caplog: pytest.LogCaptureFixture) -> None:
    looks = Looks(Unreachable("away"), Unavailable("list eips", 503), Unreachable("away"), 0.0)
    await looks.run()
    assert caplog.messages == [
        "trying again: away",
        "trying again: the API server refused to list eips: 503 no reason: ",
    ]


async def test_a_trouble_that_comes_and_goes_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    looks = Looks(*[Unreachable("away"), 0.0] * 10)
    with caplog.at_level(logging.INFO):
        await looks.run()
    assert caplog.messages == ["trying again: away", "working again after 1 failed tries"]


async def test_a_right_that_is_missing_is_told_for_each_verb_and_resource(caplog: pytest.LogCaptureFixture) -> None:
    denied = [Forbidden(f"patch {about}", 403) for about in ("eips/status a", "eips/status b", "services/status d/w")]
    await Looks(*denied, *denied).run()
    assert ["eips/status a" in caplog.messages[0], "services/status d/w" in caplog.messages[1]] == [True, True]
    assert len(caplog.messages) == 2


async def test_a_bug_of_ours_is_told_once_whatever_it_stumbles_over(caplog: pytest.LogCaptureFixture) -> None:
    await Looks(*(KeyError(f"web-{number}") for number in range(10)), 0.0).run()
    assert caplog.messages == ["trying again: KeyError: 'web-0'"]


async def test_a_bug_of_ours_is_told_with_its_place_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    looks = Looks(KeyError("web"), 0.0)
    await looks.run()
    assert caplog.messages == ["trying again: KeyError: 'web'"]
    assert caplog.records[0].exc_info
    assert looks.made == 2


async def test_nothing_is_told_when_nothing_goes_wrong(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="openelb"):
        await Looks(0.0, 0.0, 0.0).run()
    assert caplog.messages == []


@pytest.mark.parametrize("turns", range(5))
async def test_a_stop_in_the_moment_of_a_change_is_heard(turns: int) -> None:
    looks, waits = Looks(*[None] * 10), asyncio.Event()

    async def changed() -> None:
        waits.set()
        await looks.changed()

    loop = asyncio.create_task(runtime.look_again(looks.look, changed, looks.progress, rest=0.0, resync=NEVER))
    await waits.wait()
    looks.change()
    for _ in range(turns):
        await asyncio.sleep(0)
    loop.cancel()
    assert await asyncio.wait([loop], timeout=5) == ({loop}, set())
    assert loop.cancelled()


# Parts of a process.


async def kept(stop: asyncio.Event, **parts: Part) -> None:
    async with asyncio.timeout(5):
        await runtime.until(stop, parts, backoff=AT_ONCE)


async def test_a_part_that_fails_is_started_again_and_stops_no_other() -> None:
    stop, thrice = asyncio.Event(), asyncio.Event()
    steps: list[str] = []

    async def failing() -> None:
        steps.append("failing")
        if steps.count("failing") == 3:
            thrice.set()
        raise OSError("no such device")

    async def steady() -> None:
        steps.append("begins")
        await thrice.wait()
        steps.append("ends")
        stop.set()

    await kept(stop, failing=failing, steady=steady)
    assert [step for step in steps if step != "failing"] == ["begins", "ends"]


async def test_a_part_that_keeps_failing_in_one_way_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    stop, troubles = asyncio.Event(), iter([OSError(19, "no such device")] * 3 + [OSError(1, "no right")] * 3)

    async def failing() -> None:
        for trouble in troubles:
            raise trouble
        stop.set()

    await kept(stop, links=failing)
    assert caplog.messages == [
        "links failed and is started again: OSError: [Errno 19] no such device",
        "links failed and is started again: PermissionError: [Errno 1] no right",
    ]
    assert all(record.exc_info for record in caplog.records)


async def in_a_task_group(trouble: Exception) -> None:
    """Fail of it as a part does that has tasks of its own."""

    async def fail() -> None:
        raise trouble

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fail())


async def test_a_part_with_tasks_of_its_own_tells_each_way_in_which_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    away, busy = Unreachable("connection refused"), Unavailable("list eips", 503)
    stop, troubles = asyncio.Event(), iter([away, away, busy, away, busy])

    async def failing() -> None:
        for trouble in troubles:
            await in_a_task_group(trouble)
        stop.set()

    await kept(stop, watching=failing)
    assert caplog.messages == [
        "watching failed and is started again: connection refused",
        "watching failed and is started again: the API server refused to list eips: 503 no reason: ",
    ]
    assert not any(record.exc_info for record in caplog.records)


async def test_the_cause_of_what_a_task_group_wraps_is_the_first_error() -> None:
    inner = ExceptionGroup("tasks", [Unavailable("list eips", 503), OSError(19, "no such device")])
    assert runtime.cause(ExceptionGroup("tasks", [inner, KeyError("web")])) == "503 list eips"
    assert runtime.cause(ExceptionGroup("tasks", [KeyError("web")])) == "KeyError"


async def test_all_parts_have_ended_when_it_returns() -> None:
    stop, ended = asyncio.Event(), []

    async def part() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    asyncio.get_running_loop().call_soon(asyncio.get_running_loop().call_soon, stop.set)
    await kept(stop, one=part, two=part)
    assert ended == [True, True]


# Health.


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"


async def answer(page: str, progress: runtime.Progress, registry: CollectorRegistry | None = None) -> tuple[int, str]:
    address = free_address()
    async with runtime.health(address, progress, registry or CollectorRegistry()), aiohttp.ClientSession() as session:
        found = await session.get(f"http://{address}/{page}")
        return found.status, await found.text()


async def test_a_loop_that_makes_steps_is_healthy() -> None:
    clock = Clock()
    progress = runtime.Progress(clock)
    clock.now += runtime.LIVENESS_SECONDS
    assert await answer("healthz", progress) == (200, "ok\n")


async def test_a_look_that_asks_for_another_at_once_gets_it_without_a_rest() -> None:
    waits = iter([0.0, 0.0, None])
    done = asyncio.Event()

    async def look() -> float | None:
        wait = next(waits)
        if wait is None:
            done.set()
        return wait

    loop = asyncio.create_task(
        runtime.look_again(look, asyncio.Event().wait, runtime.Progress(), rest=3600.0, resync=3600.0)  # type: ignore[arg-type]
    )
    async with asyncio.timeout(10):
        await done.wait()
    loop.cancel()
    assert next(waits, "all asked for") == "all asked for"


async def test_a_stuck_loop_is_not_healthy_until_it_makes_a_step() -> None:
    clock = Clock()
    progress = runtime.Progress(clock)
    clock.now += runtime.LIVENESS_SECONDS + 1
    assert await answer("healthz", progress) == (200, "ok\n")  # there was nothing to do yet
    progress.step()
    clock.now += runtime.LIVENESS_SECONDS + 1
    assert await answer("healthz", progress) == (503, "the main loop makes no progress\n")
    progress.step()
    assert await answer("healthz", progress) == (200, "ok\n")


async def test_a_loop_is_not_healthy_while_it_stands_and_is_again_when_it_goes_on() -> None:
    clock, stands, goes_on = Clock(), asyncio.Event(), asyncio.Event()
    progress = runtime.Progress(clock)

    async def look() -> None:
        stands.set()
        await goes_on.wait()

    loop = asyncio.create_task(runtime.look_again(look, asyncio.Event().wait, progress, rest=0.0, resync=NEVER))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        await stands.wait()
        clock.now += runtime.LIVENESS_SECONDS + 1
        assert await answer("healthz", progress) == (503, "the main loop makes no progress\n")
        goes_on.set()
        assert await answer("healthz", progress) == (200, "ok\n")
    loop.cancel()


async def test_a_thread_that_stands_is_not_healthy_until_it_makes_a_step() -> None:
    clock, stepped = Clock(), Clock()
    progress = runtime.Progress(clock, others=stepped)
    assert await answer("healthz", progress) == (200, "ok\n")
    clock.now += runtime.LIVENESS_SECONDS + 1
    assert await answer("healthz", progress) == (503, "a thread that announces makes no progress\n")
    stepped.now = clock.now
    assert await answer("healthz", progress) == (200, "ok\n")


async def test_the_age_of_the_last_step_is_known() -> None:
    clock = Clock()
    progress = runtime.Progress(clock)
    clock.now += 5
    assert progress.age() == 0.0
    progress.step()
    clock.now += 3
    assert progress.age() == 3.0


async def test_the_event_loop_tells_how_late_it_is() -> None:
    clock, lags = Clock(), list[float]()
    due = asyncio.Event()

    def beat(lag: float) -> None:
        lags.append(lag)
        due.set()

    beating = asyncio.create_task(runtime.heartbeat(beat, clock=clock))
    await asyncio.sleep(0)  # it begins to wait
    clock.now += runtime.PULSE_SECONDS + 0.75
    async with asyncio.timeout(5):
        await due.wait()
    beating.cancel()
    assert lags[0] == pytest.approx(0.75)


async def test_each_look_is_a_step_also_one_that_fails() -> None:
    clock = Clock()
    looks = Looks(Unreachable("away"))
    looks.progress = runtime.Progress(clock)
    clock.now += runtime.LIVENESS_SECONDS + 1
    await looks.run()
    assert looks.progress.trouble() == ""


def test_who_waits_as_long_as_it_should_is_not_taken_for_stuck() -> None:
    silent_server = Patience().attempts * Patience().request
    assert max(silent_server, RESYNC, TICK) < runtime.LIVENESS_SECONDS


async def test_it_is_not_ready_before_it_has_read_the_cluster() -> None:
    progress = runtime.Progress()
    assert await answer("readyz", progress) == (503, "not everything has been read from the cluster yet\n")
    progress.ready = True
    assert await answer("readyz", progress) == (200, "ok\n")


async def test_metrics_are_what_is_at_the_moment_of_the_scrape() -> None:
    number = 0.0

    def facts() -> Iterable[GaugeMetricFamily]:
        yield GaugeMetricFamily("openelb_answers", "To everything.", value=number)

    registry = metrics.registry(facts)
    number = 42.0
    status, page = await answer("metrics", runtime.Progress(), registry)
    assert status == 200
    assert "openelb_answers 42.0\n" in page


async def test_without_an_address_nothing_is_served() -> None:
    async with runtime.health("", runtime.Progress(), CollectorRegistry()):
        pass


async def test_an_address_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(runtime.NoPort, match=rf"cannot be served on {address}: .*in use"):
            async with runtime.health(address, runtime.Progress(), CollectorRegistry()):
                raise AssertionError


async def test_an_ipv6_address_is_written_in_brackets() -> None:
    async with runtime.health("[::1]:0", runtime.Progress(), CollectorRegistry()):
        pass
