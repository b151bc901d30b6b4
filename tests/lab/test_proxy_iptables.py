"""Where kube-proxy works by iptables: an address is given, its page comes from outside, and it moves from a lost node.

On a cluster of its own with two nodes: one is lost, the other has the page.
"""

import os
import time
from collections.abc import Iterator

import pytest

from lab import faults
from lab.asking import told
from lab.cache import Cache
from lab.cluster import Cluster
from lab.demo import address_of
from lab.setup import Prepared
from lab.wait import until
from openelb.model import names
from tests.lab import installed
from tests.lab.test_dual_stack import BOTH, REQUIRED, addresses, open_all
from tests.lab.test_failover import PROMISED, serve_from
from tests.lab.test_quickstart import EXAMPLES
from tests.lab.watching import page_views, questions


@pytest.fixture(scope="module")
def openelb(prepared: Prepared) -> Iterator[Cluster]:
    """A cluster of one worker in that mode, with OpenELB and the page on the control plane's node."""
    prefix = f"elbt{os.getpid()}i"
    with Cluster(prefix, Cache.of_user().path("run", prefix), prepared, workers=1, proxy_mode="iptables") as cluster:
        installed.install(cluster)
        cluster.apply(installed.PAGE_ON_THE_CONTROL_PLANE)
        cluster.rolled_out("deployment/page")
        yield cluster


def test_kube_proxy_says_that_it_works_by_iptables(openelb: Cluster) -> None:
    modes = {node.host.get("http://127.0.0.1:10249/proxyMode") for node in openelb.nodes}
    assert modes == {"iptables"}


def test_the_quick_start_is_opened_from_the_lan_and_from_behind_the_router(openelb: Cluster) -> None:
    openelb.apply(EXAMPLES / "eip.yaml")
    openelb.apply(EXAMPLES / "nginx.yaml")
    address = until(lambda: address_of(openelb, "nginx"), what="an address for Service nginx")
    until(lambda: installed.opened(openelb.client, address), what="the page on the LAN")
    until(lambda: installed.opened(openelb.remote, address), what="the page behind the router")
    installed.clear(openelb)


def test_a_dual_stack_service_is_opened_by_both_families_and_answers_pings(openelb: Cluster) -> None:
    openelb.apply(installed.eip("both", BOTH))
    openelb.apply(installed.service("web", {**installed.OPTED_IN, names.POOLS: "both"}, **REQUIRED))
    there = addresses(openelb, count=2)
    open_all(openelb, there)
    for address in there:
        installed.answers_pings(openelb.remote, address)
        installed.refuses_another_port(openelb.remote, address)
    installed.clear(openelb)


def test_the_address_of_a_lost_node_is_answered_elsewhere_and_its_page_is_back(openelb: Cluster) -> None:
    openelb.apply(installed.eip())
    address = serve_from(openelb, "n1")
    with questions(openelb, address) as answers, page_views(openelb.client, address) as pages:
        answers.settled()
        lost = time.monotonic()
        faults.cut(openelb, "n1")
        assert answers.answered_without("n1", lost) < PROMISED, told(answers.since(lost))
        assert pages.back_after(lost) < PROMISED + installed.PATIENCE
        assert answers.settled() == "cp"
