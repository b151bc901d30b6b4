"""A real gobgpd as it should be, as its neighbours see it: they are gobgpds as well."""

import asyncio
import json
import socket
import statistics
import time
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path as File

import pytest

from lab.network import Host, Network
from openelb.announce.bgp_changes import NOTHING, Wish, changes
from openelb.host.gobgp.owner import owner
from openelb.model.bgp import Arm, Bfd, Family, GracefulRestart, Path, Peer, PeerFamily, Session
from openelb.model.policy import (
    NO_POLICIES,
    Actions,
    Assignment,
    Conditions,
    DefinedSet,
    Policies,
    Policy,
    PrefixRange,
    SetKind,
    SetMatch,
    Statement,
    Verdict,
)
from openelb.plan.policy import combined, for_peers
from tests.lab.gobgp.real import Speaker, path, until

ONE = frozenset({path("192.0.2.10/32", "10.77.0.1")})
RESTARTS = GracefulRestart(restart_time=30)
KEPT = (PeerFamily(Family.IPV4, graceful_restart=True),)


def rejecting(prefix: str, neighbor: str) -> Policies:
    """A prefix is not told to one neighbour."""
    return Policies(
        sets=(
            DefinedSet(SetKind.PREFIX, "prefixes", prefixes=(PrefixRange(prefix, 32, 32),)),
            DefinedSet(SetKind.NEIGHBOR, "neighbors", members=(neighbor,)),
        ),
        definitions=(
            Policy(
                "pools",
                (
                    Statement(
                        "pools-1",
                        Conditions(prefixes=SetMatch("prefixes"), neighbors=SetMatch("neighbors")),
                        Actions(verdict=Verdict.REJECT),
                    ),
                ),
            ),
        ),
        exports=Assignment(("pools",)),
    )


async def test_a_router_has_what_a_node_tells_it(node: Speaker, router: Speaker) -> None:
    told = path(
        "192.0.2.10/32",
        "10.77.0.1",
        communities=frozenset({"65000:100", "no-export"}),
        large_communities=frozenset({"64501:1:2"}),
        med=50,
    )
    began = time.monotonic()
    await router.made(node.peer())
    wish = await node.made(router.peer(), paths=frozenset({told}))
    await node.established(router)
    (received,) = await router.has(node, "192.0.2.10/32")
    print(f"from nothing to the route at the router: {time.monotonic() - began:.2f} s")
    assert received.next_hop == ip_address("10.77.0.1")
    assert received.communities == {"65000:100", "65535:65281"}
    assert received.large_communities == {"64501:1:2"}
    assert received.med == 50
    assert changes(await node.reality(wish), wish) == ()
    (sent,) = await node.bgp.told(router.address)
    assert sent.prefix == told.prefix
    counted = (await node.bgp.count())[router.address].counts
    assert dict(counted)[Family.IPV4].advertised == 1


async def test_a_router_of_the_same_system_has_the_local_preference(node: Speaker, router: Speaker) -> None:
    router.asn = node.asn
    await router.made(node.peer())
    await node.made(router.peer(), paths=frozenset({replace(*ONE, local_pref=250)}))
    (received,) = await router.has(node, "192.0.2.10/32")
    assert received.local_pref == 250


async def test_everything_that_can_be_chosen_of_a_peer_is_read_as_it_was_told(node: Speaker) -> None:
    peers = (
        Peer(address="10.77.0.21", peer_asn=4200000000, password="secret", hold_time=10, connect_retry=7),
        Peer(address="10.77.0.22", peer_asn=64501, passive=True, admin_down=True, description="words"),
        Peer(address="10.77.0.23", peer_asn=64999, multihop_ttl=5, remote_port=17900, local_address="10.77.0.1"),
        Peer(
            address="10.77.0.24", peer_asn=64999, ttl_min=254, local_asn=64777, allow_own_asn=2, replace_peer_asn=True
        ),
        Peer(
            address="10.77.0.25", peer_asn=64999, graceful_restart=GracefulRestart(long_lived=True, notification=True)
        ),
        Peer(
            address="fd77::26",
            peer_asn=64999,
            graceful_restart=GracefulRestart(60, 5, helper_only=True),
            families=(
                PeerFamily(Family.IPV6, 4, receive_paths=True, graceful_restart=True, long_lived=3600),
                PeerFamily(Family.IPV4, max_prefixes=100),
            ),
            bfd=Bfd(100, 200, 5, Arm.ALWAYS),
        ),
        Peer(prefix="10.78.0.0/24", peer_asn=64999, password="secret"),
    )
    wish = await node.made(*peers)
    assert node.bgp.refusals == {}
    have = await node.reality(wish)
    assert changes(have, wish) == ()
    fewer = Wish(node.instance, peers[:1])
    node.bgp.want(fewer)
    await node.bgp.done()
    assert (await node.reality(fewer)).peers.keys() == {"10.77.0.21"}


async def test_an_edit_of_a_timer_ends_that_session_alone(node: Speaker, router: Speaker, other: Speaker) -> None:
    await asyncio.gather(router.made(node.peer()), other.made(node.peer()))
    await node.made(router.peer(), other.peer(), paths=ONE)
    await node.established(router, other)
    before = (await node.bgp.count())[other.address]
    began = time.monotonic()
    await node.made(router.peer(hold_time=9), other.peer(), paths=ONE)
    await until(lambda: node.session(router).hold_time == 9, within=15)
    print(f"another hold time agreed on after {time.monotonic() - began:.2f} s")
    after = (await node.bgp.count())[other.address]
    assert after.since == before.since
    assert after.received.notification == after.sent.notification == 0


async def test_descriptions_and_policies_end_no_session(node: Speaker, router: Speaker, other: Speaker) -> None:
    await asyncio.gather(router.made(node.peer()), other.made(node.peer()))
    both = frozenset({*ONE, path("192.0.2.11/32", "10.77.0.1")})
    await node.made(router.peer(), other.peer(), paths=both)
    await node.established(router, other)
    before = await node.bgp.count()
    for policies, routers in (
        (rejecting("192.0.2.10/32", router.address), ["192.0.2.11/32"]),
        (rejecting("192.0.2.11/32", router.address), ["192.0.2.10/32"]),
        (Policies(), ["192.0.2.10/32", "192.0.2.11/32"]),
    ):
        wish = await node.made(router.peer(description=str(routers)), other.peer(), paths=both, policies=policies)
        await router.has(node, *routers)
        await other.has(node, "192.0.2.10/32", "192.0.2.11/32")
        assert changes(await node.reality(wish), wish) == ()
    after = await node.bgp.count()
    assert [each.since for each in after.values()] == [each.since for each in before.values()]
    assert all(each.sent.notification == 0 for each in after.values())


async def test_who_is_told_of_some_addresses_hears_of_each_once(node: Speaker, router: Speaker, other: Speaker) -> None:
    await asyncio.gather(router.made(node.peer()), other.made(node.peer()))
    peers = router.peer(), other.peer()
    await node.made(*peers)
    await node.established(router, other)
    before = (await node.bgp.count())[router.address].sent.update
    ten, eleven, twelve = (f"192.0.2.{last}/32" for last in (10, 11, 12))
    for there, allowed in (
        ([ten], [ten]),
        ([ten, eleven], [ten]),
        ([ten, eleven, twelve], [ten, twelve]),
        ([eleven, twelve], [twelve]),  # it is withdrawn from whoever may not be told of it any more
        ([eleven], []),
    ):
        policies = for_peers({router.address: [ip_network(each) for each in allowed]}, {})
        paths = frozenset(path(each, "10.77.0.1") for each in there)
        wish = await node.made(*peers, paths=paths, policies=policies)
        await other.has(node, *there)
        await router.has(node, *allowed)
        assert changes(await node.reality(wish), wish) == ()
    assert (await node.bgp.count())[router.address].sent.update - before == 4  # two came and went


async def test_what_goes_is_withdrawn_where_another_path_to_it_is_left(
    node: Speaker, router: Speaker, other: Speaker
) -> None:
    """By one router a node hears of its own address from elsewhere, of which it tells the other router nothing."""
    await asyncio.gather(
        router.made(node.peer(), paths=frozenset({path("192.0.2.10/32", "10.77.0.2")})), other.made(node.peer())
    )
    peers, allowed = (
        (router.peer(), other.peer()),
        combined(for_peers({other.address: [ip_network("192.0.2.10/32")]}, {}), NO_POLICIES),
    )
    await node.made(*peers, paths=ONE, policies=allowed)
    await node.established(router, other)
    await other.has(node, "192.0.2.10/32")
    await node.has(router, "192.0.2.10/32")
    await node.made(*peers, policies=combined(for_peers({other.address: []}, {}), NO_POLICIES))
    await other.has(node)
    assert [str(each.prefix) for each in await node.received(router)] == ["192.0.2.10/32"]


async def test_policies_that_gobgpd_refuses_leave_those_that_are_in_force(node: Speaker, router: Speaker) -> None:
    await router.made(node.peer())
    good = rejecting("192.0.2.10/32", router.address)
    await node.made(router.peer(), policies=good)
    wrong = replace(good, sets=(*good.sets, DefinedSet(SetKind.AS_PATH, "paths", members=("(",))))
    await node.made(router.peer(), policies=wrong, paths=ONE)
    assert "gobgpd refuses" in node.bgp.refusals["policies"]
    assert (await node.reality(Wish(node.instance))).outline == good.outline
    await node.made(router.peer(), policies=good, paths=ONE)
    assert node.bgp.refusals == {}


async def test_a_password_has_to_be_the_same_on_both_sides(node: Speaker, router: Speaker) -> None:
    await router.made(node.peer(password="right"))
    await node.made(router.peer(password="right"), paths=ONE)
    await node.established(router)
    await node.made(router.peer(password="wrong"), paths=ONE)
    await asyncio.sleep(4)
    assert not node.session(router).is_established
    await asyncio.gather(node.made(router.peer(), paths=ONE), router.made(node.peer()))
    await node.established(router)


async def test_two_paths_of_one_prefix_reach_a_router_that_asks_for_them(node: Speaker, router: Speaker) -> None:
    two = frozenset(path("192.0.2.10/32", f"10.77.0.{n}", identifier=n) for n in (1, 9))
    await router.made(node.peer(families=(PeerFamily(Family.IPV4, receive_paths=True),)))
    wish = await node.made(router.peer(families=(PeerFamily(Family.IPV4, send_max=8),)), paths=two)
    await node.established(router)
    await router.has(node, "192.0.2.10/32")
    await asyncio.sleep(0.2)
    received = await router.received(node)
    assert {str(each.next_hop) for each in received} == {"10.77.0.1", "10.77.0.9"}
    assert changes(await node.reality(wish), wish) == ()


async def test_both_families_by_an_ipv6_session(node: Speaker, router: Speaker) -> None:
    families = (PeerFamily(Family.IPV4), PeerFamily(Family.IPV6))
    node.address, router.address = "fd77::1", "fd77::2"
    told = frozenset({path("192.0.2.10/32", "fd77::1"), path("2001:db8::10/128", "fd77::1")})
    await router.made(node.peer(families=families))
    wish = await node.made(router.peer(families=families), paths=told)
    await node.established(router)
    received = await router.has(node, "192.0.2.10/32", "2001:db8::10/128")
    assert {str(each.next_hop) for each in received} == {"fd77::1"}
    assert changes(await node.reality(wish), wish) == ()


async def test_the_only_neighbour_of_an_interface(
    node: Speaker, router: Speaker, hosts: dict[str, Host], network: Network
) -> None:
    cable = network.switch("cable")
    for name in ("n1", "r1"):
        hosts[name].attach(cable, "eth1")
    await router.made(Peer(interface="eth1", peer_asn=node.asn))
    wish = await node.made(Peer(interface="eth1", peer_asn=router.asn), paths=ONE)
    if node.bgp.refusals:
        print(f"before the neighbour is known: {node.bgp.refusals}")
    await asyncio.sleep(2)  # until both have tried their link-local addresses
    hosts["n1"].run(["ping", "-c", "1", "-w", "3", "ff02::1%eth1"])
    hosts["n1"].run(["ping", "-c", "2", "-w", "3", link_local(hosts["r1"])])
    await until(lambda: node.bgp.sessions.get("eth1", Session("eth1")).is_established, within=30)
    assert node.bgp.refusals == {}
    assert changes(await node.reality(wish), wish) == ()
    await node.made(paths=ONE)
    assert node.bgp.sessions == {}
    assert node.bgp.refusals == {}


def link_local(host: Host) -> str:
    (link,) = json.loads(host.ip("-j", "-6", "addr", "show", "dev", "eth1", "scope", "link"))
    return f"{link['addr_info'][0]['local']}%eth1"


async def test_a_killed_gobgpd_is_back_with_everything(node: Speaker, router: Speaker) -> None:
    await router.made(node.peer())
    wish = await node.made(router.peer(), paths=ONE, policies=rejecting("192.0.2.99/32", router.address))
    await node.established(router)
    began = time.monotonic()
    node.kill()
    await until(lambda: not node.bgp.is_done, within=5)
    await until(lambda: node.bgp.is_done, within=5)
    took = time.monotonic() - began
    print(f"everything is in another gobgpd after {took:.2f} s")
    assert changes(await node.reality(wish), wish) == ()
    await router.has(node, "192.0.2.10/32")
    print(f"and at the router after {time.monotonic() - began:.2f} s")
    assert took < 1


async def test_a_speaker_that_comes_back_changes_nothing(node: Speaker, router: Speaker) -> None:
    await router.made(node.peer())
    wish = await node.made(
        router.peer(graceful_restart=RESTARTS), paths=ONE, policies=rejecting("192.0.2.99/32", router.address)
    )
    await node.established(router)
    await router.has(node, "192.0.2.10/32")
    before = (await router.bgp.count())[node.address]
    await node.restart_of_ours(wish)
    await asyncio.sleep(0.5)
    after = (await router.bgp.count())[node.address]
    assert (after.since, after.received.update) == (before.since, before.received.update)


async def test_ten_thousand_paths(node: Speaker, router: Speaker) -> None:
    many = frozenset(Path(ip_network((0x0A800000 + number, 32)), ip_address("10.77.0.1")) for number in range(10_000))
    await router.made(node.peer())
    began = time.monotonic()
    wish = await node.made(router.peer(), paths=many)
    told = time.monotonic() - began
    async with asyncio.timeout(30):
        while await router.count(node) < len(many):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    print(f"10,000 paths: in gobgpd after {told:.2f} s, at the router after {time.monotonic() - began:.2f} s")
    began = time.monotonic()
    await node.restart_of_ours(wish)
    print(f"recognised by a speaker that comes back in {time.monotonic() - began:.2f} s")
    each = []
    for number in range(20):
        more = path(f"198.51.100.{number}/32", "10.77.0.1")
        began = time.monotonic()
        await node.made(router.peer(), paths=many | {more})
        each.append((time.monotonic() - began) * 1000)
    print(f"one more: told in {statistics.median(each):.1f} ms (p50), {max(each):.1f} ms at most")
    print(f"gobgpd: {memory(node)}")


def memory(node: Speaker) -> str:
    status = File(f"/proc/{owner(str(node.socket))}/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmRSS"))
    return line


async def test_routes_stay_through_a_restart_of_gobgpd(node: Speaker, router: Speaker) -> None:
    keeps = {"graceful_restart": RESTARTS, "families": KEPT}
    await router.made(node.peer(**keeps))
    await node.made(router.peer(**keeps), paths=ONE)
    await node.established(router)
    await router.has(node, "192.0.2.10/32")
    assert node.session(router).restarts
    for restart in (node.kill, None):
        if restart:
            restart()
        else:
            await node.bgp.leave(kept=True)
        gone, began, away = 0, time.monotonic(), 0.0
        while time.monotonic() - began < 6:
            gone += not await router.received(node)
            away = away or (0.0 if router.session(node).is_established else time.monotonic() - began)
            await asyncio.sleep(0.02)
        print(f"session away after {away:.2f} s; looks without the route: {gone}")
        assert away
        assert gone == 0
        await node.established(router)


async def test_who_leaves_for_good_is_forgotten_at_once(node: Speaker, router: Speaker) -> None:
    keeps = {"graceful_restart": RESTARTS, "families": KEPT}
    await router.made(node.peer(**keeps))
    await node.made(router.peer(**keeps), paths=ONE)
    await router.has(node, "192.0.2.10/32")
    node.bgp.want(NOTHING)
    await router.has(node, within=2)


async def test_routers_of_a_range_are_let_in(node: Speaker, router: Speaker) -> None:
    await node.made(Peer(prefix="10.77.0.0/29", peer_asn=router.asn, password="secret"), paths=ONE)
    await router.made(node.peer(password="secret"))
    await node.established(router)
    await router.has(node, "192.0.2.10/32")
    assert node.session(router).prefix == "10.77.0.0/29"
    await node.made(paths=ONE)
    await router.lost(node)


async def test_bfd_watches_sessions_that_are_established(
    node: Speaker, router: Speaker, hosts: dict[str, Host]
) -> None:
    watched = {"bfd": Bfd(100, 100, 3)}
    await router.made(node.peer(**watched))
    await node.made(router.peer(**watched), paths=ONE)
    await node.established(router)
    await until(lambda: bool(node.session(router).bfd_up and router.session(node).bfd_up), within=10)
    since = node.session(router).since
    await asyncio.sleep(3)
    assert node.session(router).since == since
    began = time.monotonic()
    hosts["n1"].cut()
    await router.lost(node)
    print(f"a cut is seen after {time.monotonic() - began:.2f} s")
    await node.lost(router)
    await until(lambda: node.session(router).bfd_up is None, within=3)
    hosts["n1"].heal()
    began = time.monotonic()
    await node.established(router, within=40)
    print(f"established again {time.monotonic() - began:.2f} s after the cable was mended")
    await until(lambda: bool(node.session(router).bfd_up), within=10)
    since = node.session(router).since
    await asyncio.sleep(5)
    assert node.session(router).since == since


async def test_another_instance_is_another_gobgpd(node: Speaker, router: Speaker) -> None:
    await router.made(node.peer())
    await node.made(router.peer(), paths=ONE)
    await node.established(router)
    began = time.monotonic()
    node.bgp.want(Wish(replace(node.instance, router_id="10.255.0.77"), (router.peer(),), ONE))
    await until(lambda: router.session(node).router_id == "10.255.0.77", within=15)
    print(f"another router id after {time.monotonic() - began:.2f} s")
    await router.has(node, "192.0.2.10/32")


async def test_why_there_is_no_session_is_told(node: Speaker, router: Speaker) -> None:
    await router.made(node.peer())
    await node.made(replace(router.peer(), peer_asn=64999))
    await until(lambda: "bad peer AS" in node.session(router).reason, within=15)
    # Of what it hears before a session is established gobgpd 4.8 writes nothing, so the router knows of no reason.
    await node.made(router.peer())
    await node.established(router)
    assert node.session(router).reason == ""


async def test_a_port_that_is_taken_is_told_of(
    node: Speaker, hosts: dict[str, Host], caplog: pytest.LogCaptureFixture
) -> None:
    with hosts["n1"].inside(), socket.create_server(("", 179)):
        node.want()
        await until(lambda: "address already in use" in node.bgp.trouble, within=10)
        assert "listenPort" in node.bgp.trouble
    await until(lambda: node.bgp.is_done, within=15)
