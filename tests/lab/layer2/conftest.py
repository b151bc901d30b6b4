"""What the tests of failover share: an API server, a manager and three nodes that run nothing but a speaker of this checkout."""

from collections.abc import Generator, Iterator

import pytest

from lab.cache import Cache
from lab.clients import Watch, watch
from lab.setup import Prepared
from lab.speakers import RANGE, Speakers
from tests.conftest import PREFIX
from tests.lab import outside

LAST_LINES = 25
ADDRESS = RANGE.replace("160/27", "170")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the speakers wrote last beside the failure of a test."""
    report = yield
    there = getattr(item, "funcargs", {}).get("three")
    if report.failed and there:
        for node in there.nodes:
            lines = node.log.read_text(errors="replace").splitlines()
            report.sections.append((f"the speaker of {node.name}", "\n".join(lines[-LAST_LINES:])))
    return report


@pytest.fixture(scope="session")
def shared_speakers(prepared: Prepared) -> Iterator[Speakers]:
    """Three nodes that serve `ADDRESS`, in whatever state the last test left them: tests ask for `three`."""
    prefix = f"{PREFIX}s"
    directory = Cache.of_user().path("run", prefix)
    with outside.put_up(prefix, directory, prepared, count=3) as (there, _):
        there.serve([ADDRESS])
        yield there


@pytest.fixture
def three(shared_speakers: Speakers) -> Iterator[Speakers]:
    """Three nodes that are well, one of which answers for `ADDRESS`; what the test breaks is mended after it."""
    yield shared_speakers
    shared_speakers.mend()


@pytest.fixture
def watched(three: Speakers) -> Iterator[Watch]:
    """A client that watches `ADDRESS`, when all is well."""
    with watch(three, ADDRESS) as watched:
        watched.well()
        yield watched
