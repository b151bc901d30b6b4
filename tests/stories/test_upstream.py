"""Clusters that the older releases left behind are taken over: what is in use stays in use, what was left undone is done.

Each file of tests/fixtures/upstream is what those programs really wrote; its README says what each of them shows.
"""

from collections.abc import Callable
from typing import Any

import pytest

from openelb.model import names
from tests.stories.replicas import Fate, Killed, dies_after, dies_before
from tests.stories.upstream import BGP, FIXTURES, LAYER2, MASTER, VIP, Cluster, of_services, originals, taken_over

CLUSTERS = {
    "layer2": ("master/layer2",),
    "bgp": ("master/bgp",),
    "vip": ("master/vip",),
    "ipv6": ("master/ipv6",),
    "node-proxy": ("master/node-proxy",),
    "all of master": (*MASTER, "master/ipv6", "master/node-proxy"),
    "leftovers": (*MASTER, "master/leftovers-controller-down"),
    "leftovers alone": ("master/leftovers-controller-down",),
    "leftovers as upstream settles them": (*MASTER, "master/leftovers-as-upstream-settles-them"),
    "terminating Services": (*MASTER, "master/terminating-services-controller-down"),
    "terminating Services alone": ("master/terminating-services-controller-down",),
    "terminating Eips": (*MASTER, "master/terminating-eips-controller-down"),
    "terminating Eips alone": ("master/terminating-eips-controller-down",),
    "0.5.1": ("v0.5.1/eips", "v0.5.1/services", "v0.5.1/bgp", "v0.5.1/openelb-system"),
    "0.5.1, then master": tuple(f"v0.5.1-then-master/{file}" for file in ("eips", "services", "bgp", "openelb-system")),
    "layer2 with managedFields": ("master/managed-fields/layer2",),
    "bgp with managedFields": ("master/managed-fields/bgp",),
    "vip with managedFields": ("master/managed-fields/vip",),
    "ipv6 with managedFields": ("master/managed-fields/ipv6",),
    "node-proxy with managedFields": ("master/managed-fields/node-proxy",),
    "0.5.1 with managedFields": tuple(f"v0.5.1/managed-fields/{file}" for file in ("eips", "services", "bgp")),
    "0.5.1, then master, with managedFields": tuple(
        f"v0.5.1-then-master/managed-fields/{file}" for file in ("eips", "services", "bgp")
    ),
}

every_cluster = pytest.mark.parametrize("files", CLUSTERS.values(), ids=list(CLUSTERS))


def test_no_file_is_left_out() -> None:
    there = {str(path.relative_to(FIXTURES).with_suffix("")) for path in FIXTURES.rglob("*.yaml")}
    assert {file for files in CLUSTERS.values() for file in files} == there


# What holds for all of them.


@every_cluster
async def test_who_shows_what_it_asks_for_keeps_it(files: tuple[str, ...]) -> None:
    found = await taken_over(*files)
    assert {name: found.services[name] for name in found.in_order} == found.in_order


@every_cluster
async def test_who_asks_has_an_address_or_a_reason(files: tuple[str, ...]) -> None:
    found = await taken_over(*files)
    for at, service in found.world.facts.services.items():
        told = {one.type: one for one in service.conditions}.get(names.ADDRESS_ALLOCATED)
        if service.opt_in == "openelb" and service.load_balancer:
            assert told, f"{at} is told nothing"
            assert told.status == bool(service.ingress)
            assert told.message
        else:
            assert (told, service.ingress, service.pool_label) == (None, (), ""), at


@every_cluster
async def test_ledgers_labels_and_finalizers_agree_with_what_is_shown(files: tuple[str, ...]) -> None:
    found = await taken_over(*files)
    shown = {
        (str(at), text, service.pool_label)
        for at, service in found.world.facts.services.items()
        for text in service.ingress
    }
    assert {
        (holder, text, pool)
        for pool, used in found.ledgers.items()
        for text, holders in used.items()
        for holder in holders.split(";")
    } == shown
    for service in found.world.facts.services.values():
        assert (names.SERVICE_FINALIZER in service.finalizers) == bool(service.pool_label) == bool(service.ingress)


@every_cluster
async def test_eips_tell_what_is_true_of_them(files: tuple[str, ...]) -> None:
    found = await taken_over(*files)
    for pool in found.world.facts.pools.values():
        assert pool.status.usage == len(pool.status.used)
        assert pool.status.occupied == (pool.status.usage == pool.ranges.size)
        assert names.READY in {one.type for one in pool.status.conditions}
        assert names.POOL_FINALIZER in pool.finalizers


@every_cluster
async def test_a_takeover_writes_at_most_twice_to_a_service(files: tuple[str, ...]) -> None:
    cluster = Cluster.left(originals(*files))
    writes = await cluster.settle()
    assert {call: count for call, count in of_services(writes).items() if count > 2} == {}
    once = {call: count for call, count in of_services(writes).items() if call.split()[-1] in cluster.in_order}
    assert set(once.values()) <= {1}


@every_cluster
async def test_a_second_manager_finds_nothing_to_do(files: tuple[str, ...]) -> None:
    found = await taken_over(*files)
    assert await found.settle("second") == {}


@every_cluster
async def test_all_that_is_deleted_goes_with_its_finalizers(files: tuple[str, ...]) -> None:
    found = await taken_over(*files)
    ours = [str(at) for at in found.world.facts.services]
    found.delete_pools(*found.ledgers)
    found.delete(*ours)
    await found.settle("second")
    assert (found.ledgers, set(found.services) & set(ours)) == ({}, set())


# File by file.


async def test_layer2_is_kept_and_those_that_wait_are_told_why() -> None:
    found = await taken_over("master/layer2")
    assert found.services == LAYER2
    assert "eip-layer2-one" in found.why("default/l2-full-pending")
    assert "does-not-exist" in found.why("default/l2-nopool-pending")
    assert "203.0.113.9" in found.why("default/l2-bad-ip-pending")
    assert found.ledgers["eip-layer2"]["10.78.0.212"] == ("default/l2-share-a;default/l2-share-b;team-a/l2-share-c")


async def test_bgp_objects_stay_as_they_are_until_they_are_deleted_and_wait_for_nobody_then() -> None:
    found = await taken_over("master/bgp")
    before = originals("master/bgp")
    for kind, name in (("BgpConf", "default"), ("BgpPeer", "r1")):
        kept = found.object(kind, name)["metadata"]
        assert kept["finalizers"] == before[name]["metadata"]["finalizers"] == [names.BGP_FINALIZER]
        found.delete_bgp(kind, name)
        assert found.object(kind, name)
    writes = await found.settle("second")
    assert {call: count for call, count in writes.items() if call.startswith("patch bgp")} == {
        "patch bgpconfs default": 1,
        "patch bgppeers r1": 1,
    }
    for kind, name in (("BgpConf", "default"), ("BgpPeer", "r1")):
        with pytest.raises(KeyError):
            found.object(kind, name)


async def test_bgp_is_kept() -> None:
    found = await taken_over("master/bgp")
    assert found.services == BGP
    assert found.ledgers["eip-bgp"]["10.99.0.60"] == "default/bgp-share-a;default/bgp-share-b"


async def test_vip_is_kept() -> None:
    found = await taken_over("master/vip")
    assert found.services == VIP
    assert found.ledgers["eip-vip"]["10.78.0.246"] == "default/vip-share-a;default/vip-share-b"


async def test_ipv6_is_kept_and_a_64_that_upstream_took_for_full_serves() -> None:
    found = await taken_over("master/ipv6")
    assert found.services == {
        "default/v6-bgp": "fd99:: of eip-v6-bgp",
        "default/v6-l2": "fd78::200 of eip-v6-l2",
        "default/v6-huge": "fd9a:: of eip-v6-huge",
        "default/v6-wrongfam": "FamilyMismatch",
    }
    huge = found.object("Eip", "eip-v6-huge")["status"]
    assert (huge["firstIP"], huge["lastIP"]) == ("fd9a::", "fd9a::ffff:ffff:ffff:ffff")
    assert (huge["poolSize"], huge["usage"], huge.get("occupied", False)) == (2**63 - 1, 1, False)


async def test_node_proxy_is_left_alone_and_told_why() -> None:
    found = await taken_over("master/node-proxy")
    assert found.services == {"default/np-dep": "NodeProxyUnsupported", "default/np-ds": "NodeProxyUnsupported"}
    for name, before in originals("master/node-proxy").items():
        kept = found.object("Service", name)["metadata"]
        assert kept["annotations"] == before["metadata"]["annotations"]
        assert kept["finalizers"] == ["node-proxy.openelb.kubesphere.io/finalizer"]


def ask_for_node_proxy_no_more(service: dict[str, Any]) -> None:
    del service["metadata"]["annotations"][names.NODE_PROXY]


async def test_who_asks_for_node_proxy_no_more_is_served_and_keeps_no_finalizer_of_it() -> None:
    found = await taken_over("master/node-proxy", *MASTER)
    found.edit("default/np-dep", ask_for_node_proxy_no_more)
    await found.settle("second")
    assert found.services["default/np-dep"] == "10.78.0.204 of eip-layer2"
    assert found.object("Service", "default/np-dep")["metadata"]["finalizers"] == [names.SERVICE_FINALIZER]


LEFT = {
    "left/nil-annotations": "nothing",
    "left/type-changed": "nothing",
    "left/optin-removed": "nothing",
    "left/pool-changed": "10.78.0.225 of eip-layer2-team",
    "left/ip-changed": "10.78.0.217 of eip-layer2",
    "left/share-survivor": "10.78.0.219 of eip-layer2",
    "left/in-disabled": "10.78.0.220 of eip-disabled",
}


async def test_leftovers_of_an_absent_controller_are_settled() -> None:
    found = await taken_over(*MASTER, "master/leftovers-controller-down")
    assert found.services == LAYER2 | BGP | VIP | LEFT
    freed = {"10.78.0.204", "10.78.0.205", "10.78.0.206", "10.78.0.207", "10.78.0.208", "10.78.0.218"}
    assert freed.isdisjoint(found.ledgers["eip-layer2"])
    assert found.ledgers["eip-layer2"]["10.78.0.219"] == "left/share-survivor"


@pytest.mark.parametrize("name", ["left/nil-annotations", "left/type-changed", "left/optin-removed"])
async def test_who_does_not_ask_any_more_is_cleaned_of_ours_alone(name: str) -> None:
    found = await taken_over("master/leftovers-controller-down")
    before = originals("master/leftovers-controller-down")[name]["metadata"]
    kept = found.object("Service", name)
    assert kept["metadata"].get("annotations", {}) == before.get("annotations", {})
    assert names.POOL_LABEL not in kept["metadata"].get("labels", {})
    assert not kept["metadata"].get("finalizers")
    assert kept["status"].get("loadBalancer") == {}
    assert kept["spec"] == originals("master/leftovers-controller-down")[name]["spec"]


async def test_what_only_the_deleted_hold_is_free_again() -> None:
    found = await taken_over("master/leftovers-controller-down")
    assert found.services == LEFT
    assert found.ledgers == {
        "eip-layer2": {"10.78.0.217": "left/ip-changed", "10.78.0.219": "left/share-survivor"},
        "eip-layer2-team": {"10.78.0.225": "left/pool-changed"},
        "eip-disabled": {"10.78.0.220": "left/in-disabled"},
        "eip-bgp": {},
        "eip-vip": {},
    }


async def test_leftovers_are_settled_as_upstream_would_but_for_what_it_leaks() -> None:
    """It leaves the address with a Service whose annotations are all gone; nobody asks for that one any more."""
    theirs = Cluster.left(originals("master/leftovers-as-upstream-settles-them")).services
    found = await taken_over("master/leftovers-controller-down")
    assert found.services == theirs | {"left/nil-annotations": "nothing"} | {
        name: told for name, told in found.services.items() if name not in theirs
    }
    assert set(found.services) == set(theirs)


async def test_terminating_services_go_and_their_addresses_are_free() -> None:
    found = await taken_over(*MASTER, "master/terminating-services-controller-down")
    gone = {"default/l2-annip", "default/bgp-b", "default/vip-b"}
    rest = LAYER2 | BGP | VIP
    assert found.services == {name: told for name, told in rest.items() if name not in gone}
    assert "10.78.0.210" not in found.ledgers["eip-layer2"]
    assert "10.99.0.50" not in found.ledgers["eip-bgp"]
    assert "10.78.0.245" not in found.ledgers["eip-vip"]


async def test_terminating_services_go_although_their_eips_are_gone() -> None:
    found = await taken_over("master/terminating-services-controller-down")
    assert found.services == {}


async def test_a_terminating_eip_stays_with_its_user_and_goes_after_it() -> None:
    found = await taken_over(*MASTER, "master/terminating-eips-controller-down")
    assert found.services == LAYER2 | BGP | VIP | {"default/l2-full-pending": "PoolDeleting"}
    assert found.ledgers["eip-layer2-one"] == {"10.78.0.230": "default/l2-full-holder"}
    assert "good" not in found.ledgers
    found.delete("default/l2-full-holder")
    await found.settle("second")
    assert "eip-layer2-one" not in found.ledgers
    assert found.services["default/l2-full-pending"] == "PoolNotFound"


async def test_terminating_eips_go_when_their_users_are_gone() -> None:
    found = await taken_over("master/terminating-eips-controller-down")
    assert found.ledgers == {"eip-bgp": {}, "eip-layer2": {}, "eip-layer2-team": {}, "eip-vip": {}}


V0_5 = {
    "default/l2-explicit": "10.78.0.200 of eip-layer2",
    "default/l2-proto-only": "10.78.0.201 of eip-layer2",
    "default/plain-nothing": "10.78.0.202 of eip-layer2",
    "default/l2-local": "10.78.0.203 of eip-layer2",
    "default/l2-noproto": "10.78.0.204 of eip-layer2",
    "default/l2-annip": "10.78.0.210 of eip-layer2",
    "default/l2-specip": "10.78.0.211 of eip-layer2",
    "default/l2-share-a": "10.78.0.212 of eip-layer2",
    "default/l2-share-b": "10.78.0.212 of eip-layer2",
    "default/bgp-a": "10.99.0.0 of eip-bgp",
    "default/vip-a": "10.78.0.240 of eip-vip",
    "default/bgp-b": "AddressOutsidePool",
    "default/np-dep": "NodeProxyUnsupported",
    "default/kubernetes": "nothing",
}


async def test_0_5_is_kept_and_who_named_a_pool_without_its_protocol_is_served() -> None:
    found = await taken_over(*CLUSTERS["0.5.1"])
    assert found.services == V0_5
    assert "10.99.0.50" in found.why("default/bgp-b")


async def test_0_5_that_was_taken_over_before_is_kept() -> None:
    found = await taken_over(*CLUSTERS["0.5.1, then master"])
    assert found.services == V0_5


@pytest.mark.parametrize("release", ["v0.5.1", "v0.5.1-then-master"])
async def test_what_0_5_wrote_on_services_is_left_there(release: str) -> None:
    """Its annotations name the node that it chose; a Service that no load balancer is for is not touched at all."""
    files = f"{release}/eips", f"{release}/services"
    cluster = Cluster.left(originals(*files))
    writes = await cluster.settle()
    assert not any(call.endswith("default/kubernetes") for call in writes)
    for name, before in originals(f"{release}/services").items():
        assert cluster.object("Service", name)["metadata"].get("annotations") == before["metadata"].get("annotations")


DYING = {
    "leftovers": ("master/leftovers-controller-down",),
    "terminating": (*MASTER, "master/terminating-services-controller-down"),
    "0.5.1": ("v0.5.1/eips", "v0.5.1/services"),
}


@pytest.mark.parametrize("dies", [dies_before, dies_after])
@pytest.mark.parametrize("files", DYING.values(), ids=list(DYING))
async def test_a_takeover_that_is_cut_off_is_finished_by_the_next(
    files: tuple[str, ...], dies: Callable[[int], Fate]
) -> None:
    whole = await taken_over(*files)
    for number in range(whole.calls):
        cluster = Cluster.left(originals(*files))
        with pytest.raises(Killed):
            await cluster.settle(fate=dies(number))
        writes = await cluster.settle("second")
        assert (cluster.services, cluster.ledgers) == (whole.services, whole.ledgers), f"cut off at {number}"
        assert {call: count for call, count in of_services(writes).items() if count > 2} == {}
