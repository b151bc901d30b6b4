"""With the API server away nobody stops answering and nobody moves; what was asked for meanwhile is done at its return."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lab import faults
from lab.asking import told
from lab.cluster import Cluster
from lab.demo import address_of
from lab.wait import until
from tests.lab import installed
from tests.lab.test_failover import address_of_node
from tests.lab.watching import HICCUP, page_views, questions

MINUTE = 60.0
HUNG = 15.0
"""Seconds: longer than any time after which something of ours is held to be lost."""
SOON = 3.0
"""Seconds from the return until a new Service has its address."""
AFTERWARDS = 8.0
"""Seconds after the return in which nothing moves either: two lives of a Lease."""


@pytest.fixture
def awake(pool: Cluster) -> Iterator[None]:
    """After the test, every node watches its pods and Services again at once."""
    yield
    installed.wake_nodes(pool)


@pytest.mark.usefixtures("awake")
@pytest.mark.parametrize(
    ("leave", "come_back", "seconds"),
    [
        pytest.param(faults.api_server_stop, faults.api_server_start, MINUTE, id="stopped for a minute"),
        pytest.param(faults.api_server_pause, faults.api_server_resume, HUNG, id="hung"),
    ],
)
def test_nobody_stops_answering_or_moves_while_the_api_server_is_away(
    leave: Callable[[Cluster], None], come_back: Callable[[Cluster], None], seconds: float, pool: Cluster
) -> None:
    owned = {node: address_of_node(pool, node) for node in ("n1", "n2", "n3")}
    for node, address in owned.items():
        installed.serve(pool, f"web-{node}", address=address)
    with ExitStack() as watches:
        answers = {node: watches.enter_context(questions(pool, address)) for node, address in owned.items()}
        pages = watches.enter_context(page_views(pool.client, owned["n1"], forgetful=True))
        began = time.monotonic()
        leave(pool)
        time.sleep(seconds)
        come_back(pool)
        back = time.monotonic()
        pool.apply(installed.from_pool("late"))
        until(lambda: address_of(pool, "late"), what="an address for the Service made at the return")
        waited = time.monotonic() - back
        time.sleep(AFTERWARDS)
        known = what_is_known_of_the_page(pool)
    for node, watch in answers.items():
        assert watch.everybody(began) == {node}, told(watch.since(began))
        assert watch.longest_silence(began) < 1.0, told(watch.since(began))
    assert pages.longest_gap() < HICCUP, f"{pages.told()}\n{known}"
    assert waited < SOON


def what_is_known_of_the_page(cluster: Cluster) -> str:
    """What Kubernetes makes of the web server and its node, for whom the page has failed."""
    slices = cluster.get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices")["items"]
    endpoints = [(each["metadata"]["name"], each.get("endpoints")) for each in slices]
    return f"{cluster.kubectl('get', 'nodes,pods,services', '-o', 'wide')}\n{endpoints}"
