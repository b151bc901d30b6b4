"""What tests share: hosts only (`network`, `site`), an API server only (`control_plane`), a whole cluster (`cluster`).

The first takes a third of a second for each test; the others are put up once for a run of pytest, when a test first asks.
"""

import os
import sys
import time
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from lab import cluster as clusters
from lab import controlplane, faults, pki, processes, setup
from lab import site as sites
from lab.cache import Cache, remove
from lab.cluster import Cluster
from lab.controlplane import ControlPlane
from lab.network import Network, stale_prefixes
from lab.progress import Progress
from lab.setup import Prepared
from lab.site import Site
from tests.stillness import Stillness

_STEM = "elbt"
PREFIX = f"{_STEM}{os.getpid()}"
"""One prefix for each run of pytest: two runs at once have hosts of their own."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`lab.lanes` runs the suite in parts."""
    told = "Run one part: tests of an installed OpenELB; of failover, on nodes that run nothing but a speaker; or the rest."
    parser.addoption("--part", choices=("installed", "failover", "rest"), help=told)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out those that are not asked for."""
    part = config.getoption("--part")
    if part is None:
        return
    wanted, others = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        (wanted if part_of(item) == part else others).append(item)
    items[:] = wanted
    config.hook.pytest_deselected(items=others)


def part_of(item: pytest.Item) -> str:
    """The part of the suite that a test belongs to."""
    if "installation" in getattr(item, "fixturenames", ()):
        return "installed"
    return "failover" if item.path.is_relative_to(item.config.rootpath / "tests/lab/layer2") else "rest"


@cache
def stillness() -> Stillness:
    """Of this run of pytest, from the first test on that watches the clock."""
    return Stillness()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test that watches the clock once more where it failed while this machine stood still, and say so."""
    if part_of(item) == "rest":
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    began, watched = time.monotonic(), stillness()
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    still = watched.longest(began)
    if still and any(report.failed for report in reports):
        print(f"\n{item.nodeid} failed while this machine stood still for {still:.2f} s: once more")
        item._initrequest()  # type: ignore[attr-defined]
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="session")
def machine() -> None:
    """A machine that can hold a lab, cleared of what killed runs of pytest left. Fails, never skips, where there is none."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.fail(
            "this test makes network namespaces and needs root on Linux: run `make test`, which uses sudo, "
            "or choose tests that need neither: `lab/bootstrap python -m pytest tests/unit`",
            pytrace=False,
        )
    processes.unwind_when_told()
    for prefix in stale_prefixes(_STEM):
        clusters.clear(prefix)
        remove(_directory(prefix))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what pods wrote last beside the failure of a test that uses the cluster."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("shared_cluster")
    if report.failed and cluster:
        for pods, namespace in (("OpenELB's pods", "openelb-system"), ("the test's own pods", "default")):
            lines = cluster.logs("", namespace=namespace).splitlines()
            report.sections.append((pods, "\n".join(lines[-100:])))
    return report


@pytest.fixture
def network(machine: None) -> Iterator[Network]:
    """An empty network of this test."""
    with Network(f"{PREFIX}n") as network:
        yield network


@pytest.fixture
def site(network: Network) -> Site:
    """The standard site, with no program running on any of its hosts."""
    return sites.build(network)


@pytest.fixture(scope="session")
def prepared(machine: None) -> Prepared:
    """Binaries, images and the nodes' root; made when they are not there yet."""
    return setup.ready(Progress(Cache.of_user().log))


@pytest.fixture(scope="session")
def control_plane(prepared: Prepared) -> Iterator[ControlPlane]:
    """An API server with its controllers and no nodes, shared by the whole run: a test removes what it made."""
    prefix = f"{PREFIX}a"
    directory = _directory(prefix)
    with Network(prefix) as network:
        site = sites.build(network, workers=0)
        identities = pki.write(directory / "pki", server=sites.CONTROL_PLANE, names=controlplane.NAMES, nodes=[])
        plane = ControlPlane(site.control_plane, sites.CONTROL_PLANE, prepared.binaries, identities, directory / "cp")
        try:
            plane.start()
            yield plane
        finally:
            plane.stop()
            remove(directory)


@pytest.fixture
def beside_control_plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane, with the test itself on its host: a client in the test reaches it as any program there does."""
    with control_plane.host.inside():
        yield control_plane


@pytest.fixture(scope="session")
def shared_cluster(prepared: Prepared) -> Iterator[Cluster]:
    """A cluster with three workers, in whatever state the last test left it: tests ask for `cluster`."""
    prefix = f"{PREFIX}c"
    with Cluster(prefix, _directory(prefix), prepared) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Iterator[Cluster]:
    """The run's cluster with every node and pod Ready; whatever the test breaks is mended after it."""
    yield shared_cluster
    faults.undo(shared_cluster)


def _directory(prefix: str) -> Path:
    return Cache.of_user().path("run", prefix)
