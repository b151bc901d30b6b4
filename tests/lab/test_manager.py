"""The manager in its pods: 500 Services wait for a pool, and who serves them is killed. All get addresses, none twice.

Only once, since kubelet starts a container that was killed before after ten seconds, then twenty, then forty: that would be
what is measured. What else may happen to leaders is in test_manager_under_fire.py, outside pods.
"""

import signal

import pytest

from lab import faults, processes
from lab.cluster import Cluster
from lab.wait import require, until
from openelb.model import names
from tests.lab import installed

COUNT = 500
STARTED = 5
"""Services that have an address when the manager is disturbed: it is in the middle of its work."""
LIMIT = 90.0
"""Seconds: who follows takes over after six, and a container that was killed twice before is back after twenty."""


@pytest.fixture
def waiting(openelb: Cluster) -> Cluster:
    """500 Services that wait for an Eip that does not exist."""
    until(lambda: installed.leader(openelb), what="a manager that leads")
    # Without pods, so that nothing but the manager has much to do with them.
    services = (
        installed.from_pool(f"s{number}", selector=None, allocateLoadBalancerNodePorts=False) for number in range(COUNT)
    )
    openelb.kubectl("create", "-f", "-", stdin="---\n" + "\n---\n".join(services))
    until(lambda: all_refused(openelb), what="all Services to wait")
    return openelb


def test_a_leader_killed_in_the_middle_of_its_work_leaves_nothing_undone(waiting: Cluster) -> None:
    leader = installed.leader(waiting)
    container = faults.find(waiting, leader, installed.node_of(waiting, leader))
    begin(waiting)
    processes.send(container, signal.SIGKILL)
    assert len(addresses(waiting)) < COUNT, "it had finished before it was killed"
    until(lambda: all_served(waiting), what="all addresses", timeout=LIMIT)
    shown = addresses(waiting)
    assert len(set(shown.values())) == COUNT, "an address was given twice"
    assert ledger(waiting) == {address: f"default/{name}" for name, address in shown.items()}


def begin(cluster: Cluster) -> None:
    """Create the pool; returns while the Services are being served."""
    cluster.apply(installed.eip(address="10.80.0.0/22"))

    def look() -> None:
        got = len(addresses(cluster))
        require(got >= STARTED, f"{got} have an address")

    until(look, what="the first addresses", every=0.01)


def all_served(cluster: Cluster) -> None:
    got = len(addresses(cluster))
    require(got == COUNT, f"{got} of {COUNT} have an address")


def addresses(cluster: Cluster) -> dict[str, str]:
    """The address of every Service that has one."""
    items = cluster.get(installed.ALL_SERVICES)["items"]
    shown = {each["metadata"]["name"]: each["status"]["loadBalancer"].get("ingress") for each in items}
    return {name: ingress[0]["ip"] for name, ingress in shown.items() if ingress}


def ledger(cluster: Cluster) -> dict[str, str]:
    """Who holds which address, as the Eip has it."""
    return dict(installed.get_eip(cluster)["status"]["used"])


def all_refused(cluster: Cluster) -> None:
    waiting = [
        each
        for each in cluster.get(installed.ALL_SERVICES)["items"]
        if any(c["type"] == names.ADDRESS_ALLOCATED for c in each["status"].get("conditions", ()))
    ]
    require(len(waiting) == COUNT, f"{len(waiting)} of {COUNT} are told that they wait")
