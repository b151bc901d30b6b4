"""Which free address is given: what it costs does not grow with what is in use, whatever is reserved or cools down."""

import time

import pytest

from openelb.model.cluster import PoolStatus, Release
from openelb.plan.cluster import Planner
from tests.unit.builders import address, key, pool, reservation, service, snapshot, speaker

SERVICES = 1500
GONE = {address(f"10.0.0.{last}"): Release(key("gone"), 0.0) for last in range(200)}


def cost(*facts, wishes=lambda number: {}):
    """Seconds of the processor to give each of many Services an address in one look, the less of two times."""
    return min(_cost(*facts, wishes=wishes) for _ in range(2))


def _cost(*facts, wishes):
    services = (service(f"s{number}", **wishes(number)) for number in range(SERVICES))
    world = snapshot(*facts, *services, speaker("node-a"))
    began = time.process_time()
    planned = Planner(room=SERVICES).plan(world, frozenset({"node-a"}), 1.0)
    assert len(planned.pools["eip"].used) == SERVICES
    return time.process_time() - began


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            [
                pool(text="10.0.0.0/8", default=True),
                reservation(addresses=(address("10.0.0.1"),), namespace="other"),
            ],
            id="one address reserved for others",
        ),
        pytest.param(
            [
                pool(text="10.0.0.0/8", default=True),
                *(reservation(f"r{number}", count=3, namespace="other") for number in range(50)),
            ],
            id="many reservations",
        ),
        pytest.param(
            [pool(text="10.0.0.0/8", default=True, cooldown=60, status=PoolStatus(released=GONE))],
            id="addresses that cool down",
        ),
    ],
)
def test_a_free_address_is_found_without_going_through_those_in_use(facts):
    """Going through them, 1,500 Services would take thirty times as long, and 10,000 longer than a leader leads."""
    assert cost(*facts) < 8 * cost(pool(text="10.0.0.0/8", default=True))


def test_who_shares_with_few_is_not_looked_for_among_all_services():
    alone = pool(text="10.0.0.0/8", default=True)
    assert cost(alone, wishes=lambda number: {"sharing_key": f"team-{number}"}) < 8 * cost(alone)
