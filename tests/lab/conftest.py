"""What the tests of an installed OpenELB share: it is installed once for a run of pytest, and mended between tests."""

from collections.abc import Iterator

import pytest

from lab import faults, setup
from lab.cache import Cache
from lab.cluster import Cluster
from lab.progress import Progress
from lab.setup import RouterRoots
from tests.lab import installed


@pytest.fixture(scope="session")
def router_roots(machine: None) -> RouterRoots:
    """The files of FRR and BIRD; made when they are not there yet."""
    return setup.ready_routers(Progress(Cache.of_user().log))


@pytest.fixture(scope="session")
def installation(shared_cluster: Cluster) -> Cluster:
    """The run's cluster with OpenELB on it, in whatever state the last test left it: tests ask for `openelb`."""
    installed.install(shared_cluster)
    shared_cluster.apply(installed.PAGE_ON_THE_CONTROL_PLANE)
    shared_cluster.rolled_out("deployment/page")
    return shared_cluster


@pytest.fixture
def openelb(installation: Cluster) -> Iterator[Cluster]:
    """A cluster with OpenELB and a web server, without any Eip or Service; what the test breaks or leaves goes with it."""
    yield installation
    faults.undo(installation)
    installed.clear(installation)


@pytest.fixture
def pool(openelb: Cluster) -> Cluster:
    """The same with a pool of 40 addresses of the LAN."""
    openelb.apply(installed.eip())
    return openelb
