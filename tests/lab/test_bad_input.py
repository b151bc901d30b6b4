"""What users get wrong is said where they look, harms nobody else, and is served as soon as its cause is gone.

They look at conditions, at `kubectl describe` and at `openelb explain`; nothing is restarted. Nobody is asked before it is
stored: what the webhook refuses is in test_webhook.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab import site
from lab.cluster import Cluster
from lab.wait import require, until
from openelb.model import names
from openelb.model.findings import Reason
from tests.lab import installed
from tests.lab.installed import eip, from_pool, service

LAN = site.LAN
FULL = f"{LAN}.210"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What was there before, what the user wrote, what he is told, and how he puts it right.

    The Service is called `web` and the Eip, where the mistake is in it, `spoilt`. `type` is the Service's condition.
    """

    wrote: tuple[str, ...]
    reason: Reason
    sentence: str
    cure: tuple[str, ...] = ()
    delete: str = ""
    before: tuple[str, ...] = ()
    of_the_eip: bool = False
    type: str = names.ADDRESS_ALLOCATED


MISTAKES = {
    "a range that cannot be read": Mistake(
        wrote=(eip("spoilt", f"{LAN}.210-{LAN}.999"), from_pool("web", "spoilt")),
        reason=Reason.POOL_INVALID,
        sentence=f"{LAN}.999",
        cure=(eip("spoilt", f"{LAN}.210-{LAN}.219"),),
        of_the_eip=True,
    ),
    "a range that is reversed": Mistake(
        wrote=(eip("spoilt", f"{LAN}.219-{LAN}.210"), from_pool("web", "spoilt")),
        reason=Reason.POOL_INVALID,
        sentence=f"write {LAN}.210-{LAN}.219",
        cure=(eip("spoilt", f"{LAN}.210-{LAN}.219"),),
        of_the_eip=True,
    ),
    "an interface that no node has": Mistake(
        wrote=(eip("spoilt", f"{LAN}.210-{LAN}.219", interface="eth7"), from_pool("web", "spoilt")),
        reason=Reason.INTERFACE_NOT_FOUND,
        sentence="no node has an interface eth7 that is up: correct spec.interface of the Eip",
        cure=(eip("spoilt", f"{LAN}.210-{LAN}.219"),),
        of_the_eip=True,
        type=names.ANNOUNCED,
    ),
    "an address outside every pool": Mistake(
        wrote=(service("web", loadBalancerIP=f"{LAN}.215"),),
        reason=Reason.ADDRESS_OUTSIDE_POOL,
        sentence=f"{LAN}.215 lies in no Eip",
        cure=(eip("wider", f"{LAN}.210-{LAN}.219"),),
    ),
    "an address that is taken": Mistake(
        before=(eip("small", f"{LAN}.210-{LAN}.219"), from_pool("other", "small", f"{LAN}.215")),
        wrote=(from_pool("web", "small", f"{LAN}.215"),),
        reason=Reason.ADDRESS_TAKEN,
        sentence=f"{LAN}.215 is in use by default/other",
        delete="other",
    ),
    "a pool that does not exist": Mistake(
        wrote=(from_pool("web", "nowhere"),),
        reason=Reason.POOL_NOT_FOUND,
        sentence="Eip nowhere does not exist",
        cure=(eip("nowhere", f"{LAN}.210-{LAN}.219"),),
    ),
    "a pool that is full": Mistake(
        before=(eip("small", FULL), from_pool("other", "small")),
        wrote=(from_pool("web", "small"),),
        reason=Reason.POOL_EXHAUSTED,
        sentence="all 1 addresses of Eip small",
        delete="other",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def unasked(installation: Cluster) -> Iterator[None]:
    with installed.unasked(installation):
        yield


@pytest.mark.parametrize("mistake", [pytest.param(each, id=name) for name, each in MISTAKES.items()])
def test_a_mistake_is_told_harms_nobody_and_is_forgotten_when_it_is_put_right(
    mistake: Mistake, openelb: Cluster
) -> None:
    cluster = openelb
    cluster.apply("\n---\n".join((eip("good", f"{LAN}.200-{LAN}.209"), *mistake.before)))
    if mistake.before:
        installed.served(cluster, "other")
    until(lambda: cluster.apply("\n---\n".join(mistake.wrote)), what="the API server to ask nobody")

    told = until(lambda: refusal(cluster, mistake), what="the condition that tells of the mistake")
    until(lambda: event(cluster, "service", "web", mistake.reason, told), what="the Event of the Service")
    if mistake.of_the_eip:
        until(lambda: eip_tells(cluster, mistake), what="the condition and the Event of the Eip")
    assert told in installed.explain(cluster, "web")

    installed.serve(cluster, "bystander", "good")

    if mistake.delete:
        cluster.kubectl("delete", "service", mistake.delete)
    if mistake.cure:
        cluster.apply("\n---\n".join(mistake.cure))
    address = installed.served(cluster, "web")
    assert installed.owners(cluster, address)
    until(lambda: all_is_well(cluster), what="conditions that say that all is well")


def refusal(cluster: Cluster, mistake: Mistake) -> str:
    """The sentence of the Service's condition."""
    found = installed.condition(installed.get_service(cluster, "web"), mistake.type)
    require((found["status"], found["reason"]) == ("False", mistake.reason.value), f"the condition {found}")
    assert mistake.sentence in found["message"]
    return str(found["message"])


def eip_tells(cluster: Cluster, mistake: Mistake) -> None:
    """The Eip that is at fault says so itself."""
    found = installed.condition(installed.get_eip(cluster, "spoilt"), names.READY)
    require((found["status"], found["reason"]) == ("False", mistake.reason.value), f"the condition {found}")
    assert mistake.sentence in found["message"]
    event(cluster, "eip", "spoilt", mistake.reason, found["message"])


def event(cluster: Cluster, kind: str, name: str, reason: Reason, sentence: str) -> None:
    """`kubectl describe` shows an Event with reason and sentence. Raises `NotYetError` with what it shows."""
    shown = cluster.kubectl("describe", kind, name)
    events = shown.partition("\nEvents:")[2]
    lines = [line for line in events.splitlines() if sentence in line]
    require(lines, f"no Event with {sentence!r}: {events}")
    assert lines[0].split()[:2] == ["Warning", reason.value]


def all_is_well(cluster: Cluster) -> None:
    conditions = [
        installed.condition(installed.get_service(cluster, "web"), kind)
        for kind in (names.ADDRESS_ALLOCATED, names.ANNOUNCED)
    ]
    require(all(each["status"] == "True" for each in conditions), f"{conditions}")
