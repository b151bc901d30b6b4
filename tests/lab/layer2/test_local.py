"""With externalTrafficPolicy Local, an address is where the Service's endpoints are."""

import json
import time

import pytest

from lab.asking import told
from lab.cluster import Cluster
from lab.wait import until
from tests.lab import installed
from tests.lab.test_failover import address_of_node
from tests.lab.watching import questions

SOON = 1.0
"""Seconds: five times what is promised, since other programs run on this machine."""


def endpoints(**nodes: dict[str, bool]) -> str:
    """The slice of a Service without a selector: an endpoint on each node, with those conditions."""
    return json.dumps(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "endpoints": [
                {"addresses": [f"10.244.9.{number}"], "nodeName": node, "conditions": conditions}
                for number, (node, conditions) in enumerate(nodes.items(), 1)
            ],
            "ports": [{"name": "http", "port": 80}],
        }
    )


READY, ENDING = {"ready": True}, {"ready": False, "serving": True, "terminating": True}


@pytest.mark.parametrize(
    ("before", "after", "owner"),
    [
        pytest.param({"n1": READY}, {"n1": ENDING, "n2": READY}, "n2", id="to where a pod is ready"),
        pytest.param(
            {"n2": READY, "n3": ENDING}, {"n2": {"ready": False}, "n3": ENDING}, "n3", id="to where one serves yet"
        ),
    ],
)
def test_an_address_follows_the_endpoints_of_its_service(
    before: dict[str, dict[str, bool]], after: dict[str, dict[str, bool]], owner: str, pool: Cluster
) -> None:
    address = address_of_node(pool, "n1")
    pool.apply(installed.from_pool("web", address=address, selector=None, externalTrafficPolicy="Local"))
    pool.apply(endpoints(**before))
    (first,) = (node for node, conditions in before.items() if conditions == READY)
    try:
        with questions(pool, address) as answers:
            assert answers.settled() == first
            pool.apply(endpoints(**after))
            changed = time.monotonic()
            until(lambda: answers.answered_without(first, changed), what=f"{owner} to answer")
            took = answers.answered_without(first, changed)
            assert answers.settled() == owner
            assert took < SOON, told(answers.since(changed))
        print(f"answered by {owner} {took:.2f} s after the change was written")
    finally:
        pool.kubectl("delete", "endpointslice", "web-1")
