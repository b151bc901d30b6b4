"""The manager against an API server in memory: what it writes, in which order, and what it leaves alone."""

import asyncio
import logging
from itertools import chain, count

import pytest

from openelb.kube.errors import Forbidden
from openelb.manager.controller import AT_ONCE, PER_LOOK, REWORDING, Controller, Settings
from openelb.manager.refusals import BRIEFLY, FOR_NOW, RESYNC
from openelb.model import names
from tests.fakes.apiserver import Refusal
from tests.unit.builders import key
from tests.unit.kube.objects import EIPS, SERVICES, eip, service
from tests.unit.replica import POOL, SPEC, Replica, replica, wanting

DENIED = Refusal(403, "Forbidden", message='admission webhook "no.example.com" denied the request: no')
NO_RIGHT = Refusal(403, "Forbidden", message='services "web" is forbidden: User "x" cannot patch services/status')

# Who leads.


async def test_a_replica_that_does_not_lead_writes_nothing() -> None:
    async with replica(POOL, wanting("web")) as manager:
        assert await manager.look() == []


async def test_a_replica_that_does_not_lead_waits_for_news_alone() -> None:
    async with replica() as manager:
        assert await manager.controller.look() is None


async def test_the_leader_serves() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        assert manager.address("web") == "192.0.2.1"
        assert manager.ledger() == {"192.0.2.1": "default/web"}


async def test_a_leader_that_loses_the_lead_in_a_batch_writes_no_more() -> None:
    waiting = [wanting(f"web-{number}") for number in range(3 * AT_ONCE)]
    async with replica(POOL, *waiting) as manager:
        await manager.lead()
        assert await manager.look() == ["PATCH /apis/network.kubesphere.io/v1alpha2/eips/pool/status"]
        manager.server.before("PATCH /api/v1/", manager.lose_the_lead)
        batch = await manager.look()
        assert 1 <= len(batch) <= AT_ONCE
        assert await manager.look() == []


async def test_a_leader_that_loses_the_lead_while_it_asks_writes_nothing_and_soon_asks_no_more() -> None:
    used = {f"192.0.2.{number}": f"default/gone-{number}" for number in range(1, 3 * AT_ONCE)}
    async with replica({**POOL, "status": {"used": used}}, wanting("web")) as manager:
        await manager.lead()
        manager.server.before("GET /api/v1/namespaces/default/services/gone", manager.lose_the_lead)
        assert await manager.look() == []
        asked = [request for request in manager.server.requests if "services/gone" in request]
        assert 1 <= len(asked) <= AT_ONCE


# What comes before what.


async def test_the_ledger_has_an_address_before_its_service_shows_it() -> None:
    async with replica(POOL, wanting("web")) as manager:
        known: list[dict[str, str]] = []

        async def note() -> None:
            known.append(manager.ledger())

        manager.server.before("PATCH /api/v1/namespaces/default/services/web/status", note)
        await manager.lead()
        await manager.settle()
        assert known == [{"192.0.2.1": "default/web"}]


async def test_many_services_need_one_write_to_the_ledger() -> None:
    async with replica(POOL, *(wanting(f"web-{number}") for number in range(30))) as manager:
        await manager.lead()
        await manager.settle()
        assert sum("eips/pool" in write for write in manager.server.writes) == 1
        assert len({manager.address(f"web-{number}") for number in range(30)}) == 30


async def test_a_service_goes_with_its_address_in_the_order_that_frees_none_too_early() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        stored = manager.server.stored(SERVICES, "web", "default")
        going = {**stored["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        await manager.put(SERVICES, {**stored, "metadata": going})
        ledgers = []
        while writes := await manager.look():
            ledgers.append((writes[0].split("/")[-2], manager.ledger()))
        assert ledgers == [("web", {"192.0.2.1": "default/web"}), ("pool", {}), ("web", {})]
        assert (
            names.SERVICE_FINALIZER not in manager.server.stored(SERVICES, "web", "default")["metadata"]["finalizers"]
        )


async def test_an_eip_carries_the_finalizer_before_it_gives_out_addresses() -> None:
    async with replica({**POOL, "metadata": {"name": "pool"}}, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        path = "PATCH /apis/network.kubesphere.io/v1alpha2/eips/pool"
        assert manager.server.writes == [
            path,  # the finalizer
            f"{path}/status",  # ready, and the ledger
            "PATCH /api/v1/namespaces/default/services/web/status",
        ]


# Holders that nobody knows.


async def test_an_unknown_holder_is_asked_for_before_its_address_is_free() -> None:
    full = eip("pool", "192.0.2.1", spec=SPEC, status={"used": {"192.0.2.1": "default/gone"}})
    async with replica({**POOL, **full, "metadata": POOL["metadata"]}, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        asked = manager.server.requests.index("GET /api/v1/namespaces/default/services/gone")
        given = manager.server.requests.index("PATCH /api/v1/namespaces/default/services/web/status")
        assert asked < given
        assert manager.address("web") == "192.0.2.1"


async def test_a_holder_that_has_only_not_arrived_keeps_its_address() -> None:
    """Also from one that would come before it if it were free."""
    full = eip("pool", "192.0.2.1", spec=SPEC, status={"used": {"192.0.2.1": "default/late"}})
    async with replica({**POOL, **full, "metadata": POOL["metadata"]}, wanting("eager")) as manager:
        late = wanting("late")
        manager.server.before(
            "GET /api/v1/namespaces/default/services/late", lambda: manager.server.put(SERVICES, late)
        )
        await manager.lead()
        await manager.look()
        await manager.sees(lambda seen: key("late") in seen.services)
        await manager.settle()
        assert (manager.address("late"), manager.address("eager")) == ("192.0.2.1", "")


# What goes wrong.


async def test_a_conflict_is_no_error_and_leads_to_another_look(caplog: pytest.LogCaptureFixture) -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.look()
        changed = wanting("web", loadBalancerIP="192.0.2.50")
        manager.server.before("PATCH /api/v1/", lambda: manager.server.put(SERVICES, changed))
        with caplog.at_level(logging.WARNING):
            await manager.look()
        assert caplog.messages == []
        await manager.sees(lambda seen: seen.services[key("web")].wishes.load_balancer_ip == "192.0.2.50")
        await manager.settle()
        assert manager.address("web") == "192.0.2.50"


async def test_an_eip_that_is_deleted_meanwhile_is_no_error() -> None:
    async with replica(POOL) as manager:
        await manager.lead()
        manager.server.before("PATCH", lambda: manager.server.remove(EIPS, "pool"))
        await manager.look()
        await manager.sees(lambda seen: not seen.pools)
        assert await manager.look() == []


@pytest.mark.parametrize(
    "refusal", [pytest.param(DENIED, id="a webhook's no"), pytest.param(Refusal(400, "BadRequest"), id="400")]
)
async def test_a_service_that_is_refused_is_left_alone_for_a_while_and_the_others_are_served(
    refusal: Refusal, caplog: pytest.LogCaptureFixture
) -> None:
    async with replica(POOL, wanting("bad"), wanting("good")) as manager:
        manager.server.refuse("PATCH /api/v1/namespaces/default/services/bad/status", refusal)
        await manager.lead()
        await manager.look()
        await manager.look()
        assert manager.address("good")
        assert await manager.look() == []
        assert [text.partition(": ")[0] for text in caplog.messages] == ["Service default/bad is left for 30 s"]


async def test_a_service_that_was_refused_is_tried_again_later() -> None:
    async with replica(POOL, wanting("bad")) as manager:
        manager.server.refuse("services/bad/status", DENIED)
        await manager.lead()
        await manager.look()
        await manager.look()
        manager.server.rules.clear()
        manager.now += RESYNC
        await manager.lead()
        await manager.settle()
        assert manager.address("bad") == "192.0.2.1"


async def test_a_service_that_was_refused_is_tried_again_at_once_when_it_changes() -> None:
    async with replica(POOL, wanting("bad")) as manager:
        manager.server.refuse("services/bad/status", DENIED)
        await manager.lead()
        await manager.look()
        await manager.look()
        manager.server.rules.clear()
        await manager.put(SERVICES, wanting("bad", externalTrafficPolicy="Cluster"))
        await manager.settle()
        assert manager.address("bad") == "192.0.2.1"


async def served_after(manager: Replica, name: str, *, looks: int) -> bool:
    """Whether the Service has an address after so many looks, before each of which all that were refused are due again."""
    for _ in range(looks):
        manager.now += FOR_NOW
        await manager.lead()
        await manager.look()
    return bool(manager.address(name))


WIDE = eip("pool", "192.0.2.0/23", spec=SPEC, finalizers=[names.POOL_FINALIZER])


@pytest.mark.parametrize("was_refused", [False, True], ids=["one that comes", "one that was refused as well"])
async def test_services_that_are_refused_hold_up_no_other_however_many_they_are(was_refused: bool) -> None:
    refused = [wanting(f"bad-{number}") for number in range(PER_LOOK)]
    async with replica(WIDE, *refused, wanting("good")) as manager:
        manager.server.refuse("services/bad-", Refusal(500))
        if was_refused:
            manager.server.refuse("services/good", Refusal(500))
            assert not await served_after(manager, "good", looks=3)  # the ledger, and all of them in two bursts
            manager.server.rules.pop()
        assert await served_after(manager, "good", looks=3)


async def test_a_look_that_leaves_some_unwritten_asks_for_another_at_once() -> None:
    many = [service(f"web-{number}", annotations={names.OPT_IN: "openelb"}) for number in range(PER_LOOK + 1)]
    async with replica(*many) as manager:
        manager.server.refuse("services/", Refusal(500))
        await manager.lead()
        assert await manager.controller.look() == 0.0
        assert await manager.controller.look() != 0.0


@pytest.mark.parametrize("finalizers", [[], [names.POOL_FINALIZER]], ids=["its finalizer", "its status"])
async def test_an_eip_that_is_refused_is_left_alone_for_a_while_and_the_others_serve(
    finalizers: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    bad = eip("bad", "198.51.100.0/24", spec=SPEC, finalizers=finalizers)
    async with replica(bad, POOL, wanting("web")) as manager:
        manager.server.refuse("eips/bad", DENIED)
        await manager.lead()
        await manager.settle()
        assert manager.address("web") == "192.0.2.1"
        assert [text.partition(": ")[0] for text in caplog.messages] == ["Eip bad is left for 30 s"]


async def test_a_write_that_fails_keeps_no_other_from_being_tried() -> None:
    trouble = eip("a", "198.51.100.0/24", spec=SPEC)
    async with replica(trouble, POOL, wanting("web")) as manager:
        manager.server.refuse("eips/a", Refusal(500, "InternalError"))
        await manager.lead()
        await manager.look()
        await manager.look()
        assert manager.address("web") == "192.0.2.1"


@pytest.mark.parametrize(("refusal", "seconds"), [(Refusal(409, "Conflict"), BRIEFLY), (Refusal(500), FOR_NOW)])
async def test_a_write_that_was_refused_is_not_repeated_at_once(refusal: Refusal, seconds: float) -> None:
    async with replica(POOL, wanting("web")) as manager:
        manager.server.refuse("services/web", refusal)
        await manager.lead()
        asked = [await manager.look() for _ in range(4)]
        assert len([write for writes in asked for write in writes if "services/web" in write]) == 1
        manager.now += seconds
        await manager.lead()
        assert len(await manager.look()) == 1


async def test_a_missing_right_is_an_error_with_advice() -> None:
    async with replica(POOL, wanting("web")) as manager:
        manager.server.refuse("services/web", NO_RIGHT)
        await manager.lead()
        await manager.look()
        with pytest.raises(Forbidden, match="install the RBAC rules"):
            await manager.look()


async def test_in_a_burst_addresses_come_before_bad_news() -> None:
    nowhere = service("a", annotations={names.OPT_IN: "openelb", names.REQUESTED_POOL: "none"})
    async with replica(POOL, nowhere, wanting("b")) as manager:
        await manager.lead()
        manager.server.refuse("services/a", Refusal(500))
        await manager.look()
        manager.now += FOR_NOW
        await manager.lead()
        await manager.look()
        order = [write for write in manager.server.writes if "/services/" in write]
        assert order[-2:] == [f"PATCH /api/v1/namespaces/default/services/{name}/status" for name in ("b", "a")]


async def test_one_look_writes_so_many_services_and_no_more() -> None:
    many = [service(f"web-{number}", annotations={names.OPT_IN: "openelb"}) for number in range(PER_LOOK + 1)]
    async with replica(*many) as manager:
        await manager.lead()
        assert [len(await manager.look()) for _ in range(3)] == [PER_LOOK, 1, 0]


async def test_a_look_that_took_long_to_judge_writes_for_longer() -> None:
    """Otherwise a burst would cost the square of its size: each look judges all that wait."""
    many = [service(f"web-{number}", annotations={names.OPT_IN: "openelb"}) for number in range(PER_LOOK + 40)]
    async with replica(*many) as manager:
        await manager.lead()
        times = chain([manager.now], count(manager.now + 1.0, 0.001))  # judged for a second
        manager.controller = Controller(
            manager.client,
            manager.store,
            manager.leadership,
            manager.reporter,
            Settings("manager-1"),
            clock=times.__next__,
        )
        assert len(await manager.look()) == len(many)


async def test_a_service_that_has_one_condition_twice_is_no_reason_to_look_for_ever() -> None:
    async with replica(POOL, wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        stored = manager.server.stored(SERVICES, "web", "default")
        conditions = stored["status"]["conditions"]
        await manager.put(
            SERVICES, {**stored, "status": {**stored["status"], "conditions": [*conditions, conditions[0]]}}
        )
        await manager.settle()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await manager.store.changed()


# Words.


OTHERS = [
    eip(name, address, spec=SPEC, finalizers=[names.POOL_FINALIZER])
    for name, address in (("a", "198.51.100.0/25"), ("b", "203.0.113.0/25"))
]
"""Eips that are named to a Service which asks for one that is not there."""


def told(manager: Replica) -> str:
    """Why the Service has no address."""
    conditions = manager.server.stored(SERVICES, "web", "default")["status"]["conditions"]
    (allocated,) = (one for one in conditions if one["type"] == names.ADDRESS_ALLOCATED)
    assert isinstance(allocated["message"], str)
    return allocated["message"]


async def test_the_same_in_other_words_is_told_a_second_later() -> None:
    async with replica(wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        await manager.put(EIPS, OTHERS[0])
        await manager.settle()
        assert "there is no Eip yet" in told(manager)
        manager.now += REWORDING / 2
        assert await manager.look() == []
        due = await manager.controller.look()
        assert due is not None
        assert due <= REWORDING / 2
        manager.now += REWORDING / 2
        assert len(await manager.look()) == 1
        assert "Eips there are: a" in told(manager)


async def test_an_address_does_not_wait_for_words() -> None:
    async with replica(wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        await manager.put(EIPS, OTHERS[0])
        await manager.settle()
        await manager.put(EIPS, POOL)
        await manager.settle()
        assert manager.address("web") == "192.0.2.1"


async def test_each_change_of_words_waits_anew() -> None:
    async with replica(wanting("web")) as manager:
        await manager.lead()
        await manager.settle()
        await manager.put(EIPS, OTHERS[0])
        await manager.settle()
        manager.now += REWORDING
        await manager.settle()
        await manager.put(EIPS, OTHERS[1])
        await manager.settle()
        assert told(manager).endswith("Eips there are: a")
        manager.now += REWORDING
        assert len(await manager.look()) == 1
        assert "Eips there are: a, b" in told(manager)
