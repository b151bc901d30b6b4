"""A plan of the manager, and what it says of one Eip or Service."""

from openelb.plan import cluster
from tests.unit.builders import key, snapshot, speaker


def plan(*facts, **others):
    """The plan for these facts and a node on which all can be announced."""
    return cluster.plan(snapshot(*facts, speaker("node-a"), **others), frozenset({"node-a"}))


def used(found, name="eip"):
    """The ledger of a pool after the plan, as upstream writes it; None when the plan leaves the Eip alone."""
    status = found.pools.get(name)
    return status and {str(one): ";".join(map(str, keys)) for one, keys in status.used.items()}


def of(found, name="web"):
    """What the Service is to carry; None when the plan leaves it alone."""
    return found.services.get(key(name))
