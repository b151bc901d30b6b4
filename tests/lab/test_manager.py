"""A hundred Services wait for a pool; the manager is disturbed while it serves them. All get addresses, none twice."""

from typing import Any

import pytest

from lab import faults
from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.wait import require, until
from openelb.model import names
from tests.lab import installed

COUNT = 100
STARTED = 5
"""Services that have an address when the manager is disturbed: it is in the middle of its work."""


@pytest.fixture
def waiting(openelb: Cluster) -> Cluster:
    """A hundred Services that wait for an Eip that does not exist."""
    until(lambda: installed.leader(openelb), what="a manager that leads")
    # Without pods, so that nothing but the manager has much to do with them.
    services = (
        installed.from_pool(f"s{number}", selector=None, allocateLoadBalancerNodePorts=False) for number in range(COUNT)
    )
    openelb.kubectl("create", "-f", "-", stdin="\n---\n".join(services))
    until(lambda: all_refused(openelb), what="all Services to wait")
    return openelb


def test_a_leader_killed_in_the_middle_of_its_work_leaves_nothing_undone(waiting: Cluster) -> None:
    begin(waiting)
    kill(waiting, installed.leader(waiting))
    assert_all_served(waiting)


def test_both_replicas_killed_in_the_middle_of_their_work_leave_nothing_undone(waiting: Cluster) -> None:
    begin(waiting)
    for pod in installed.pods(waiting, "app=openelb-manager"):
        kill(waiting, pod["metadata"]["name"])
    assert_all_served(waiting)


def test_a_leader_that_stood_still_is_replaced_and_writes_nothing_when_it_goes_on(waiting: Cluster) -> None:
    first = installed.leader(waiting)
    node = installed.node_of(waiting, first)
    begin(waiting)
    faults.pause(waiting, first, node)
    assert_all_served(waiting)
    second = installed.leader(waiting)
    assert second != first
    before = versions(waiting)
    faults.resume(waiting, first, node)
    until(lambda: gave_up(waiting, first), what="the end of the lead of who was resumed")
    assert versions(waiting) == before
    assert installed.leader(waiting) == second


def begin(cluster: Cluster) -> None:
    """Create the pool; returns while the Services are being served."""
    cluster.apply(installed.eip(address="10.80.0.0/24"))

    def look() -> None:
        got = len(addresses(cluster))
        require(got >= STARTED, f"{got} have an address")

    until(look, what="the first addresses", every=0.01)


def kill(cluster: Cluster, pod: str) -> None:
    faults.kill(cluster, pod, installed.node_of(cluster, pod))


def assert_all_served(cluster: Cluster) -> None:
    """Every Service gets an address within the time that a Lease takes to be free, and the ledger says the same."""

    def look() -> None:
        got = len(addresses(cluster))
        require(got == COUNT, f"{got} of {COUNT} have an address")

    until(look, what="all addresses", timeout=30)
    shown = addresses(cluster)
    assert len(set(shown.values())) == COUNT, "an address was given twice"
    assert ledger(cluster) == {address: f"default/{name}" for name, address in shown.items()}


def addresses(cluster: Cluster) -> dict[str, str]:
    """The address of every Service that has one."""
    items = cluster.get(installed.ALL_SERVICES)["items"]
    shown = {each["metadata"]["name"]: each["status"]["loadBalancer"].get("ingress") for each in items}
    return {name: ingress[0]["ip"] for name, ingress in shown.items() if ingress}


def ledger(cluster: Cluster) -> dict[str, str]:
    """Who holds which address, as the Eip has it."""
    return dict(installed.get_eip(cluster)["status"]["used"])


def versions(cluster: Cluster) -> dict[str, str]:
    """What changes with every write to one of our objects."""
    objects: list[Any] = [*cluster.get(installed.ALL_SERVICES)["items"], installed.get_eip(cluster)]
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in objects}


def gave_up(cluster: Cluster, pod: str) -> None:
    """A manager notices within a second that another leads; what it would write before, it has written by then."""
    told = [line for line in cluster.logs(pod, namespace=OPENELB).splitlines() if " lead" in line]
    require(told and not told[-1].endswith(f"{pod} leads"), f"it wrote last: {told[-1:]}")


def all_refused(cluster: Cluster) -> None:
    waiting = [
        each
        for each in cluster.get(installed.ALL_SERVICES)["items"]
        if any(c["type"] == names.ADDRESS_ALLOCATED for c in each["status"].get("conditions", ()))
    ]
    require(len(waiting) == COUNT, f"{len(waiting)} of {COUNT} are told that they wait")
