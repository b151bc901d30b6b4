"""What the overview and the explanations say of a cluster in trouble, after listening for no time at all."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from openelb.cli import views
from openelb.model import names
from openelb.model.cluster import ServiceKey
from tests.fakes.steered import SteeredApiServer
from tests.unit.kube.objects import EIPS, LEASES, SERVICES, eip, service, speaker_lease

SPEC = {"protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}}
NOT_READY = {"type": "Ready", "status": "False", "reason": "NoSpeaker", "message": "no speaker is alive"}


@pytest.fixture
async def server() -> AsyncIterator[SteeredApiServer]:
    async with SteeredApiServer().running() as server:
        yield server


async def look(server: SteeredApiServer) -> views.Status:
    return await views.status(
        server.access, names.NAMESPACE, names.LOAD_BALANCER_CLASS, listen=0.0, listen_to_seldom=0.1
    )


async def test_who_does_not_renew_while_we_listen_does_not_lead(server: SteeredApiServer) -> None:
    leader = {"metadata": {"name": names.LEADER_LEASE, "namespace": names.NAMESPACE}, "spec": {"renewTime": "t"}}
    await server.put(LEASES, leader)
    told = await look(server)
    assert not told.is_good()
    assert told.text().splitlines()[0] == "manager    none leads: look at Deployment openelb-manager"


async def test_a_speaker_that_does_not_renew_while_we_listen_is_lost(server: SteeredApiServer) -> None:
    await server.put(LEASES, speaker_lease("n1", "t", '[{"name":"eth0","addresses":[]}]'))
    told = await look(server)
    assert told.speakers == (views.SpeakerLine("n1", False, ("eth0",)),)
    assert "n1       lost   eth0" in told.text()


async def test_a_speaker_that_renews_seldom_lives_until_another_has_lost_it(server: SteeredApiServer) -> None:
    seldom = speaker_lease("n1", datetime.now(UTC).isoformat())
    seldom["spec"]["leaseDurationSeconds"] = 40
    await server.put(LEASES, seldom)
    assert [line.alive for line in (await look(server)).speakers] == [True]
    other = speaker_lease("n2", "t")
    other["metadata"]["annotations"][names.UNHEARD] = "n1"
    await server.put(LEASES, other)
    assert [line.alive for line in (await look(server)).speakers] == [False, False]


async def test_speakers_that_renew_seldom_are_lost_when_none_of_them_does(server: SteeredApiServer) -> None:
    seldom = speaker_lease("n1", (datetime.now(UTC) - timedelta(minutes=1)).isoformat())
    seldom["spec"]["leaseDurationSeconds"] = 40
    await server.put(LEASES, seldom)
    assert [line.alive for line in (await look(server)).speakers] == [False]


async def test_without_any_speaker_something_is_wrong(server: SteeredApiServer) -> None:
    told = await look(server)
    assert told.speakers == ()
    assert "no speaker has a Lease: look at DaemonSet openelb-speaker" in told.text()


def test_a_cluster_without_speakers_is_not_good_even_if_a_manager_leads() -> None:
    assert not views.Status(manager=True, speakers=(), pools=(), served=0, unserved={}, unreadable={}).is_good()


async def test_an_eip_that_is_not_ready_says_why(server: SteeredApiServer) -> None:
    await server.put(EIPS, eip("pool", spec=SPEC, status={"conditions": [NOT_READY]}))
    (pool,) = (await look(server)).pools
    assert (pool.ready, pool.message) == (False, "no speaker is alive")


async def test_an_eip_that_no_manager_has_looked_at_says_so(server: SteeredApiServer) -> None:
    await server.put(EIPS, eip("pool", spec=SPEC))
    told = await look(server)
    assert told.pools[0].message == "the manager has not looked at it yet"
    assert "no: the manager has not looked at it yet" in told.text()


async def test_a_service_that_waits_for_a_manager_is_not_served(server: SteeredApiServer) -> None:
    await server.put(EIPS, eip("pool", spec=SPEC, finalizers=[names.POOL_FINALIZER]))
    annotations = {names.OPT_IN: "openelb", names.REQUESTED_POOL: "pool"}
    await server.put(SERVICES, service("web", annotations=annotations))
    told = await look(server)
    assert told.served == 0
    assert told.unserved == {
        "default/web": "an address is chosen and about to be published by the manager; is openelb-manager running?"
    }


async def test_without_a_live_speaker_nobody_answers(server: SteeredApiServer) -> None:
    used = {"used": {"192.0.2.1": "default/web"}}
    await server.put(EIPS, eip("pool", spec=SPEC, status=used, finalizers=[names.POOL_FINALIZER]))
    shown = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    annotations = {names.OPT_IN: "openelb", names.REQUESTED_POOL: "pool"}
    labels = {names.POOL_LABEL: "pool"}
    await server.put(SERVICES, service("web", annotations=annotations, labels=labels, status=shown))
    await server.put(LEASES, speaker_lease("n1", "t", '[{"name":"eth0","addresses":[]}]'))
    told = await views.explain_service(
        server.access, names.NAMESPACE, names.LOAD_BALANCER_CLASS, ServiceKey("default", "web"), listen=0.0
    )
    assert told is not None
    assert not told.served
    assert views.explanation_text(told).splitlines()[-2:] == [
        "No node answers for it.",
        "  n1 is lost: its speaker does not renew its Lease",
    ]


def test_a_cluster_with_an_object_that_cannot_be_read_is_not_good() -> None:
    speakers = (views.SpeakerLine("n1", True, ("eth0",)),)
    good = views.Status(manager=True, speakers=speakers, pools=(), served=0, unserved={}, unreadable={})
    spoilt = replace(good, unreadable={"Eip spoilt": "cannot be read"})
    assert (good.is_good(), spoilt.is_good()) == (True, False)
    assert "unreadable" not in good.text()
    assert spoilt.text().splitlines()[-2:] == ["unreadable", "  Eip spoilt: cannot be read"]
