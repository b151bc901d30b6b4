"""Clusters of the older releases whose records somebody spoilt: they are put right by what is shown, and nobody moves."""

import pytest

from openelb.model import names
from tests.fakes.direct import JSON
from tests.stories.upstream import BGP, LAYER2, MASTER, VIP, Change, Cluster, of_services, originals, taken_over


def wipe_the_ledgers(objects: dict[str, JSON]) -> None:
    for each in objects.values():
        if each["kind"] == "Eip":
            each["status"] = {}


def take_off_labels(objects: dict[str, JSON]) -> None:
    for each in objects.values():
        each["metadata"].pop("labels", None)


def forget_the_addresses(objects: dict[str, JSON]) -> None:
    """As after a restore of objects without their status."""
    for each in objects.values():
        if each["kind"] == "Service":
            each["status"] = {"loadBalancer": {}}


def take_off_finalizers(objects: dict[str, JSON]) -> None:
    for each in objects.values():
        each["metadata"].pop("finalizers", None)


def enter_twice(objects: dict[str, JSON]) -> None:
    """Two records for one Service, as when the older program was stopped between two writes."""
    objects["eip-layer2"]["status"]["used"]["10.78.0.205"] = "default/l2-explicit"
    objects["eip-layer2-team"]["status"]["used"]["10.78.0.225"] = "default/l2-explicit"


def show_without_record(objects: dict[str, JSON]) -> None:
    del objects["eip-layer2"]["status"]["used"]["10.78.0.200"]


def record_without_status(objects: dict[str, JSON]) -> None:
    objects["default/l2-annip"]["status"] = {"loadBalancer": {}}


def enter_a_stranger(objects: dict[str, JSON]) -> None:
    """The record of an address that a Service shows names another one beside it, which is not there."""
    objects["eip-layer2"]["status"]["used"]["10.78.0.200"] = "default/ghost;default/l2-explicit"


def enter_what_nobody_can_read(objects: dict[str, JSON]) -> None:
    objects["eip-layer2"]["status"]["used"] |= {
        "10.78.0.216": "",
        "nonsense": "default/l2-explicit",
        "10.78.0.217": "x",
    }


def lose_ledgers_and_labels(objects: dict[str, JSON]) -> None:
    wipe_the_ledgers(objects)
    take_off_labels(objects)


def lose_ledgers_and_finalizers(objects: dict[str, JSON]) -> None:
    wipe_the_ledgers(objects)
    take_off_finalizers(objects)


def name_another_pool_in_the_label(objects: dict[str, JSON]) -> None:
    objects["default/l2-explicit"]["metadata"]["labels"][names.POOL_LABEL] = "eip-layer2-team"


def lose_a_shared_record(objects: dict[str, JSON]) -> None:
    del objects["eip-layer2"]["status"]["used"]["10.78.0.212"]


def enter_two_crosswise(objects: dict[str, JSON]) -> None:
    """Each of two is recorded with what the other shows."""
    used = objects["eip-layer2"]["status"]["used"]
    used["10.78.0.200"], used["10.78.0.201"] = used["10.78.0.201"], used["10.78.0.200"]


def enter_one_that_has_another_address(objects: dict[str, JSON]) -> None:
    objects["eip-layer2"]["status"]["used"]["10.78.0.200"] = "default/l2-default"


def enter_one_that_cannot_have_it(objects: dict[str, JSON]) -> None:
    objects["eip-layer2"]["status"]["used"]["10.78.0.216"] = "default/l2-full-pending"


def enter_one_that_waits(objects: dict[str, JSON]) -> None:
    """In the place of the one that shows the address."""
    objects["eip-layer2-one"]["status"]["used"] = {"10.78.0.230": "default/l2-full-pending"}


def enter_one_that_is_gone(objects: dict[str, JSON]) -> None:
    """In the place of the one that shows the address."""
    objects["eip-layer2"]["status"]["used"]["10.78.0.200"] = "default/ghost"


def forget_one_of_those_who_share(objects: dict[str, JSON]) -> None:
    objects["eip-layer2"]["status"]["used"]["10.78.0.212"] = "default/l2-share-a;default/l2-share-b"


DAMAGE = [
    wipe_the_ledgers,
    take_off_labels,
    forget_the_addresses,
    take_off_finalizers,
    enter_twice,
    show_without_record,
    record_without_status,
    enter_a_stranger,
    enter_what_nobody_can_read,
    lose_ledgers_and_labels,
    lose_ledgers_and_finalizers,
    name_another_pool_in_the_label,
    lose_a_shared_record,
    enter_two_crosswise,
    enter_one_that_has_another_address,
    enter_one_that_cannot_have_it,
    pytest.param(enter_one_that_waits),
    pytest.param(enter_one_that_is_gone),
    pytest.param(forget_one_of_those_who_share),
]


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damaged_records_are_put_right_and_nobody_moves(damage: Change) -> None:
    objects = originals(*MASTER)
    damage(objects)
    found = Cluster.left(objects)
    writes = await found.settle()
    assert found.services == LAYER2 | BGP | VIP
    assert {call: count for call, count in of_services(writes).items() if count > 2} == {}
    whole = await taken_over(*MASTER)
    assert {pool: by_holders(used) for pool, used in found.ledgers.items()} == {
        pool: by_holders(used) for pool, used in whole.ledgers.items()
    }


def by_holders(used: dict[str, str]) -> dict[str, set[str]]:
    """The order of those who share says nothing."""
    return {text: set(holders.split(";")) for text, holders in used.items()}
