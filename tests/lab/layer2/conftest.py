"""What the tests of failover share: an API server, a manager and three nodes that run nothing but a speaker of this checkout."""

import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest

from lab import controlplane, manifest, pki, setup
from lab import site as sites
from lab.cache import Cache, remove
from lab.clients import Watch, watch
from lab.controlplane import ControlPlane
from lab.network import Network
from lab.setup import Prepared
from lab.speakers import RANGE, Program, Speakers, speakers
from tests.conftest import PREFIX

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
    with ExitStack() as stack:
        stack.callback(remove, directory)
        network = stack.enter_context(Network(prefix))
        site = sites.build(network, workers=0)
        identities = pki.write(directory / "pki", server=sites.CONTROL_PLANE, names=controlplane.NAMES, nodes=[])
        plane = ControlPlane(site.control_plane, sites.CONTROL_PLANE, prepared.binaries, identities, directory / "cp")
        stack.callback(plane.stop)
        plane.start(controllers=False)
        manifest.install(plane, setup.REPOSITORY / "deploy" / "openelb.yaml")
        ours = {}
        for account in ("manager", "speaker"):
            path = directory / f"{account}.kubeconfig"
            manifest.write_kubeconfig(plane, f"openelb-{account}", path)
            words = (
                "env",
                f"PYTHONPATH={setup.REPOSITORY / 'src'}",
                f"KUBECONFIG={path}",
                sys.executable,
                "-m",
                "openelb",
            )
            ours[account] = Program(words, directory)
        there = stack.enter_context(speakers(network, plane, ours["manager"], ours["speaker"], count=3))
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
