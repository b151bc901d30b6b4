"""What the manager tells people, and when it looks again."""

import logging
from dataclasses import dataclass, replace

import pytest

from openelb.kube import news
from openelb.kube.client import Client
from openelb.kube.config import Access
from openelb.kube.lease import Leadership
from openelb.kube.report import QUIET_SECONDS, SERIES_SECONDS, Reporter
from openelb.manager.controller import Controller, Settings
from openelb.model import names
from openelb.model.snapshot import Snapshot
from openelb.plan.liveness import TTL_FOUND_SECONDS
from tests.fakes.counted import CountedPools
from tests.fakes.leases import FakeLease
from tests.unit.builders import key, speaker
from tests.unit.kube.objects import EIPS, LEASES, SERVICES, service, speaker_lease
from tests.unit.replica import ETH0, POOL, SPEC, replica, wanting

# What is told.


async def test_an_address_is_told_in_the_words_that_scripts_look_for(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        with caplog.at_level(logging.INFO, logger="openelb.kube.news"):
            await manager.settle()
        assert manager.told() == [
            "Ready: nodes with interface eth0 announce its addresses",
            "AssignIP: success to assign ip: 192.0.2.1",
        ]
        assert caplog.messages == [
            "Eip pool: nodes with interface eth0 announce its addresses",
            "Service default/web: gets 192.0.2.1 from Eip pool",
        ]


async def test_an_address_that_is_given_back_is_told() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        manager.told()
        stored = manager.server.stored(SERVICES, "web", "default")
        await manager.put(SERVICES, {**stored, "metadata": {**stored["metadata"], "annotations": {}}})
        await manager.settle()
        assert manager.told() == [
            "ReleaseIP: success to release ip: 192.0.2.1; it has not opted in: set the annotation "
            'lb.kubesphere.io/v1alpha1: "openelb"'
        ]
        assert (manager.address("web"), manager.ledger()) == ("", {})


async def test_a_service_that_waits_is_told_why_once(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        (event,) = manager.told()
        assert event.startswith("PoolNotFound: Eip pool does not exist: create it")
        assert [text[:45] for text in caplog.messages] == ["Service default/web: Eip pool does not exist:"]
        await manager.put(SERVICES, wanting("other"))
        await manager.settle()
        assert len(caplog.messages) == 2


async def test_of_services_that_wait_alone_it_is_told_again() -> None:
    async with replica(POOL, wanting("web"), wanting("other", loadBalancerIP="10.0.0.1")) as manager:
        await manager.lead()
        await manager.settle()
        assert len(manager.told()) == 3
        for _ in range(2):
            news.repeat_refusals(manager.reporter, manager.store.snapshot().services.values())
            manager.now += SERIES_SECONDS
        (event,) = manager.told()
        assert event.startswith("AddressOutsidePool: 10.0.0.1 lies outside Eip pool")


async def test_what_was_wrong_in_a_ledger_is_told_once_it_is_right(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        manager.told()
        stored = manager.server.stored(EIPS, "pool")
        await manager.put(EIPS, {**stored, "status": {**stored["status"], "used": {}}})
        await manager.settle()
        assert manager.told() == [
            "LedgerRepaired: entered in status.used what Services show and it did not have: 192.0.2.1 of default/web"
        ]
        assert manager.ledger() == {"192.0.2.1": "default/web"}


async def test_a_write_tells_of_what_it_changes_alone(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = {**POOL, "spec": {**POOL["spec"], "interface": "eth9"}}
    async with replica(nowhere, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        caplog.clear()
        stored = manager.server.stored(SERVICES, "web", "default")
        await manager.put(SERVICES, {**stored, "spec": {**stored["spec"], "loadBalancerIP": "203.0.113.1"}})
        await manager.settle()
        assert [text.partition(",")[0] for text in caplog.messages] == [
            "Service default/web: keeps 192.0.2.1 from Eip pool"
        ]


async def test_nothing_is_told_or_written_when_nothing_has_changed(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(POOL, wanting("web"), service("not-ours")) as manager:
        await manager.lead()
        await manager.settle()
        manager.told()
        caplog.clear()
        with caplog.at_level(logging.INFO):
            for renewal in range(2, 5):
                await manager.server.put(LEASES, speaker_lease("n1", f"t{renewal}", ETH0))
                await manager.sees(lambda seen, t=f"t{renewal}": seen.speakers["n1"].renewal.endswith(t))
                manager.now += 1
                await manager.lead()
                assert await manager.look() == []
        assert (caplog.messages, manager.told()) == ([], [])


# What cannot be read.

ODD = {**POOL, "spec": {**SPEC, "address": 7}}
SENTENCE = (
    "cannot be read, and what was known of it before stands: Expected `str | null`, got `int` - at `$.spec.address`; "
    "correct that field"
)


async def test_the_author_of_an_object_that_cannot_be_read_is_told_once() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        manager.told()
        for renewal in range(3):
            # Other fields change, and time goes on: it is the same all the while.
            await manager.server.put(EIPS, {**ODD, "metadata": {**POOL["metadata"], "labels": {"try": str(renewal)}}})
            await manager.sees(lambda seen: "Eip pool" in seen.unreadable)
            manager.now += QUIET_SECONDS
            await manager.lead()
            await manager.look()
        assert manager.told() == [f"Unreadable: {SENTENCE}"]
        await manager.server.put(EIPS, {**ODD, "spec": {**SPEC, "address": "192.0.2.1", "disable": "no"}})
        await manager.sees(lambda seen: "disable" in seen.unreadable["Eip pool"].problem)
        await manager.look()
        (event,) = manager.told()
        assert "Expected `bool | null`, got `str` - at `$.spec.disable`" in event


async def test_an_object_that_cannot_be_read_is_left_alone_and_served_when_it_can_be() -> None:
    async with replica(POOL) as manager:
        await manager.lead()
        await manager.settle()
        await manager.server.put(EIPS, ODD)
        await manager.put(SERVICES, wanting("web"))
        await manager.sees(lambda seen: "Eip pool" in seen.unreadable)
        manager.told()
        assert await manager.look() == ["PATCH /api/v1/namespaces/default/services/web/status"]
        assert manager.told() == [f"Unreadable: {SENTENCE}", f"PoolInvalid: Eip pool cannot be used: it {SENTENCE}"]
        assert await manager.look() == []
        await manager.put(EIPS, POOL)
        await manager.settle()
        assert manager.address("web") == "192.0.2.1"


@pytest.mark.parametrize("known", [False, True], ids=["never read", "known before"])
async def test_a_service_can_be_deleted_while_its_eip_cannot_be_read(known: bool) -> None:
    """It loses its address, then our finalizer; the ledger keeps it until it can be read."""
    held = {**POOL, "status": {"used": {"192.0.2.1": "default/web"}}}
    web = wanting("web")
    web["metadata"] |= {
        "labels": {names.POOL_LABEL: "pool"},
        "finalizers": [names.SERVICE_FINALIZER, "example.com/own"],
    }
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    async with replica(held if known else {**held, "spec": ODD["spec"]}, web) as manager:
        await manager.lead()
        if known:
            await manager.server.put(EIPS, {**held, "spec": ODD["spec"]})
            await manager.sees(lambda seen: "Eip pool" in seen.unreadable)
        stored = manager.server.stored(SERVICES, "web", "default")
        going = {**stored["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        await manager.put(SERVICES, {**stored, "metadata": going})
        await manager.settle()
        assert manager.server.stored(SERVICES, "web", "default")["metadata"]["finalizers"] == ["example.com/own"]
        assert manager.ledger() == {"192.0.2.1": "default/web"}
        await manager.server.remove(SERVICES, "web", "default")
        await manager.sees(lambda seen: key("web") not in seen.services)
        await manager.put(EIPS, held)
        await manager.settle()
        assert manager.ledger() == {}


async def test_nobody_tells_leases_and_slices_that_they_cannot_be_read() -> None:
    async with replica(POOL) as manager:
        await manager.lead()
        await manager.settle()
        manager.told()
        await manager.server.put(LEASES, speaker_lease("n2", "t1") | {"spec": 7})
        await manager.sees(lambda seen: len(seen.unreadable) == 1)
        await manager.look()
        assert manager.told() == []


async def test_a_new_leader_takes_nothing_from_services_whose_eip_it_cannot_read() -> None:
    held = {**ODD, "status": {"used": {"192.0.2.1": "default/web"}}}
    web = wanting("web")
    web["metadata"] |= {"labels": {names.POOL_LABEL: "pool"}, "finalizers": [names.SERVICE_FINALIZER]}
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    async with replica(held, web) as manager:
        await manager.lead()
        assert await manager.look() == []
        assert manager.address("web") == "192.0.2.1"
        await manager.put(EIPS, {**held, "spec": POOL["spec"]})
        await manager.settle()
        assert (manager.address("web"), manager.ledger()) == ("192.0.2.1", {"192.0.2.1": "default/web"})


async def test_a_service_that_a_new_leader_cannot_read_keeps_its_address_and_holds_nobody_up() -> None:
    held = {**POOL, "status": {"used": {"192.0.2.1": "default/spoilt"}}}
    async with replica(held, wanting("spoilt") | {"spec": 7}, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        assert manager.ledger() == {"192.0.2.1": "default/spoilt", "192.0.2.2": "default/web"}
        assert not [
            asked for asked in manager.server.requests if asked == "GET /api/v1/namespaces/default/services/spoilt"
        ]


# When to look again.


async def test_the_leader_looks_again_when_a_speaker_could_be_lost() -> None:
    async with replica(POOL) as manager:
        await manager.lead()
        await manager.settle()
        manager.now += 1.5
        assert await manager.controller.look() == pytest.approx(TTL_FOUND_SECONDS - 1.5)


async def test_a_speaker_that_is_silent_is_lost_while_the_leader_hears_itself() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        leader = {"metadata": {"name": names.LEADER_LEASE, "namespace": names.NAMESPACE}}
        for second in range(6):
            await manager.server.put(LEASES, {**leader, "spec": {"renewTime": f"t{second}"}})
            await manager.sees(lambda seen, t=f"t{second}": seen.leader_renewal.endswith(t))
            manager.now += 1
            await manager.lead()
            await manager.look()
        ready = manager.server.stored(EIPS, "pool")["status"]["conditions"][0]
        assert (ready["status"], ready["reason"]) == ("False", "NoSpeaker")
        assert manager.address("web") == "192.0.2.1"


@dataclass
class Sight:
    """What the store has, as the test says."""

    seen: Snapshot

    def snapshot(self) -> Snapshot:
        return self.seen


async def test_the_plan_is_not_made_anew_when_only_leases_were_renewed() -> None:
    pools, clock = CountedPools(), lambda: 1000.0
    sight = Sight(Snapshot(pools=pools, speakers={"n1": speaker("n1")}))
    leadership = Leadership(FakeLease(), "manager-1", clock=clock)
    client = Client(Access(""))
    manager = Controller(client, sight, leadership, Reporter(client, "", ""), Settings("manager-1"), clock=clock)
    await leadership.attempt()
    await manager.look()
    made = pools.read
    for renewal in range(5):
        speakers = {"n1": speaker("n1", renewal=f"t{renewal}")}
        sight.seen = replace(sight.seen, speakers=speakers, leader_renewal=f"t{renewal}")
        await manager.look()
    assert pools.read == made > 0
    sight.seen = replace(sight.seen, gone=frozenset({key("web")}))
    await manager.look()
    assert pools.read > made
