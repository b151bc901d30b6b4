"""EipConflicts at a server in memory: made, kept and removed as what was found changes."""

import json
from ipaddress import IPv4Address, IPv6Address

import pytest

from openelb.kube.client import Client
from openelb.kube.conflicts import MOST, Taken, name_of, record
from openelb.kube.resources import CONFLICTS_PATH
from openelb.model.addresses import Address
from tests.fakes.apiserver import FakeApiServer

A, B = IPv4Address("192.0.2.10"), IPv4Address("192.0.2.11")
FOREIGN = "02:00:5e:00:53:09"
BY = Taken("office", "uid of office", FOREIGN)
NOTHING = frozenset[Address]()


async def there(client: Client) -> dict[str, tuple[str, str, str]]:
    items = json.loads(await client.page(CONFLICTS_PATH, {}))["items"]
    specs = {one["metadata"]["name"]: one["spec"] for one in items}
    return {name: (spec["ip"], spec["mac"], spec["node"]) for name, spec in specs.items()}


async def test_what_somebody_has_becomes_an_object_that_goes_with_its_eip(
    server: FakeApiServer, client: Client
) -> None:
    await record(client, "n1", {A: BY}, NOTHING, frozenset({A}))
    made = server.stored(CONFLICTS_PATH, "192.0.2.10")
    assert {key: made["spec"][key] for key in ("eip", "ip", "mac", "node")} == {
        "eip": "office",
        "ip": "192.0.2.10",
        "mac": FOREIGN,
        "node": "n1",
    }
    assert made["metadata"]["ownerReferences"][0]["uid"] == "uid of office"


async def test_telling_it_again_writes_nothing(server: FakeApiServer, client: Client) -> None:
    await record(client, "n1", {A: BY}, NOTHING, frozenset({A}))
    before = server.stored(CONFLICTS_PATH, "192.0.2.10")["metadata"]["resourceVersion"]
    await record(client, "n1", {A: BY}, NOTHING, frozenset({A}))
    assert server.stored(CONFLICTS_PATH, "192.0.2.10")["metadata"]["resourceVersion"] == before


async def test_another_machine_or_another_node_is_written_over_it(server: FakeApiServer, client: Client) -> None:
    await record(client, "n1", {A: BY}, NOTHING, frozenset({A}))
    await record(client, "n2", {A: BY._replace(mac="02:00:5e:00:53:0a")}, NOTHING, frozenset({A}))
    assert await there(client) == {"192.0.2.10": ("192.0.2.10", "02:00:5e:00:53:0a", "n2")}


async def test_what_is_found_free_goes_whoever_wrote_it(server: FakeApiServer, client: Client) -> None:
    await record(client, "n1", {A: BY, B: BY}, NOTHING, frozenset({A, B}))
    await record(client, "n2", {}, frozenset({A}), frozenset({A, B}))
    assert set(await there(client)) == {"192.0.2.11"}


@pytest.mark.parametrize(("node", "left"), [("n1", set()), ("n2", {"192.0.2.10"})])
async def test_what_is_not_asked_about_any_more_is_taken_away_by_who_wrote_it(
    server: FakeApiServer, client: Client, node: str, left: set[str]
) -> None:
    await record(client, "n1", {A: BY}, NOTHING, frozenset({A}))
    await record(client, node, {}, NOTHING, NOTHING)
    assert set(await there(client)) == left


async def test_what_is_asked_about_and_has_no_answer_yet_stays(server: FakeApiServer, client: Client) -> None:
    await record(client, "n1", {A: BY}, NOTHING, frozenset({A}))
    await record(client, "n1", {}, NOTHING, frozenset({A}))
    assert set(await there(client)) == {"192.0.2.10"}


async def test_a_machine_that_has_everything_is_told_by_some_objects(server: FakeApiServer, client: Client) -> None:
    await record(client, "n1", {A + number: BY for number in range(MOST + 50)}, NOTHING, NOTHING)
    assert len(await there(client)) == MOST


def test_the_name_of_an_ipv6_address_is_a_name() -> None:
    assert name_of(IPv6Address("fd00:79::")) == "fd00-0079-0000-0000-0000-0000-0000-0000"
