"""What tests of BGP share: the standard site, on whose hosts routers and raw speakers are started one by one."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import gobgpd, routers
from lab.cache import Cache, remove
from lab.gobgpd import GoBgp
from lab.network import Host
from lab.peering import Neighbour, Peering, Software
from lab.routers import Router
from lab.setup import Prepared, RouterRoots
from lab.site import Site
from tests.conftest import PREFIX
from tests.lab.bgp import cluster as clusters
from tests.lab.bgp.cluster import ROUTER, ROUTER_ASN, Cluster, address

SPEAKERS_ASN = 64000
"""Node n1 has the number after it, and so on."""
HOLD = 9
"""Seconds of silence after which a session ends."""
LAST_LINES = 25


@dataclass(frozen=True, slots=True)
class Lan:
    """The site of one test. What is started on it is gone after the test."""

    site: Site
    prepared: Prepared
    roots: RouterRoots
    directory: Path
    ending: ExitStack
    """What is done after the test."""

    def router(self, software: Software, *neighbours: Neighbour, hold: int = HOLD) -> Router:
        """Make the site's router one of BGP, with sessions to these."""
        return self.router_of(software, Peering(ROUTER_ASN, ROUTER, neighbours, hold, hold // 3))

    def router_of(self, software: Software, told: Peering | str) -> Router:
        """The same with all settings given, as values or as the text of the software's own file."""
        router = routers.start(self.site.router, software, told, self.roots, self.directory / "router")
        self.ending.callback(router.kill)
        return router

    def speaker(
        self, number: int, *neighbours: Neighbour, options: Sequence[str] = (), hold: int = HOLD, restart_time: int = 0
    ) -> GoBgp:
        """Start gobgpd on a node, with a session to the router unless it is told of others."""
        sessions = neighbours or (Neighbour(ROUTER, ROUTER_ASN),)
        told = Peering(asn(number), address(number), sessions, hold, hold // 3)
        speaker = gobgpd.start(
            self.node(number), self.prepared.binaries, told, self.directory, *options, restart_time=restart_time
        )
        self.ending.callback(speaker.kill)
        return speaker

    def node(self, number: int) -> Host:
        return self.site.nodes[number - 1]


def asn(number: int) -> int:
    """That of the speaker on node n1, n2, …"""
    return SPEAKERS_ASN + number


@pytest.fixture
def lan(site: Site, prepared: Prepared, router_roots: RouterRoots) -> Iterator[Lan]:
    """The site, with nothing on it yet."""
    directory = Cache.of_user().path("run", f"{PREFIX}n")
    with ExitStack() as ending:
        ending.callback(remove, directory)
        directory.mkdir(parents=True)
        yield Lan(site, prepared, router_roots, directory, ending)


@pytest.fixture(scope="package")
def started(prepared: Prepared, router_roots: RouterRoots) -> Iterator[Cluster]:
    """The cluster of all tests of BGP, in whatever state the last one left it: tests ask for `cluster`."""
    prefix = f"{PREFIX}g"
    with clusters.put_up(prefix, Cache.of_user().path("run", prefix), prepared, router_roots) as cluster:
        yield cluster


@pytest.fixture
def bare_cluster(started: Cluster) -> Iterator[Cluster]:
    """A cluster without a router, with a BgpConf and a pool and nothing else; what a test adds goes with it."""
    yield started
    started.end_routers()
    started.clear()


@pytest.fixture
def cluster(bare_cluster: Cluster) -> Cluster:
    """The same with a router."""
    bare_cluster.build_router()
    return bare_cluster


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the routers, the speakers and each gobgpd wrote last beside the failure of a test."""
    report = yield
    given = getattr(item, "funcargs", {})
    if report.failed and (there := given.get("lan") or given.get("bare_cluster")):
        for log in (*there.directory.glob("*.log"), *there.directory.glob("*/log"), *there.directory.glob("*/*/*.log")):
            lines = log.read_text(errors="replace").splitlines()
            report.sections.append((str(log.relative_to(there.directory)), "\n".join(lines[-LAST_LINES:])))
    return report
