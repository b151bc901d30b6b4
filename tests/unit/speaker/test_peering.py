"""The BGP of one node: from what the cluster has to gobgpd, and from its sessions to what the cluster is told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps

import pytest

from openelb.kube.errors import Forbidden, Unreachable
from openelb.kube.resources import NODES_PATH
from openelb.model import names
from openelb.model.bgp import Bfd, Reach, SessionState
from openelb.model.routers import Drain, NextHops, SecretKey
from openelb.model.selectors import Selector
from openelb.plan.turns import mark
from openelb.speaker.node_report import ANOTHER, BURST, COUNTERS_EVERY
from tests.fakes.gobgpd import Gobgpd
from tests.fakes.jumps import at_once
from tests.unit.builders import conf, node, router, service, speaker
from tests.unit.peered import CLUSTER, CONFIG_MAPS, EIP, LEAF, ME, SECRETS, WEB, peered, whole

POLICY = """
[[policy-definitions]]
  name = "nothing"
[global.apply-policy.config]
  export-policy-list = ["nothing"]
"""
SECRET = SecretKey("leaf", "password")


def minutes(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """A test whose minutes pass at once."""

    @wraps(test)
    def run() -> None:
        at_once(test())

    return run


@minutes
async def test_an_address_is_announced_to_the_routers():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        assert world.announced == {"10.99.0.1/32"}
        assert (world.gobgpd.running.asn, world.gobgpd.running.router_id) == (65001, "192.0.2.11")
        assert list(world.gobgpd.known) == [LEAF]


@minutes
async def test_without_a_bgp_conf_gobgpd_is_not_even_asked_for():
    async with peered() as world:
        world.see(*CLUSTER, router())
        await world.live(60)
        assert (world.gobgpd.calls, world.asked, world.bgp.trouble) == ([], [], "")
        assert not world.gobgpd.listings


@minutes
async def test_a_bgp_conf_that_went_while_no_speaker_ran_ends_bgp():
    there = Gobgpd()
    async with peered(there) as world:
        world.see(*whole())
        await world.live()
    async with peered(there, has_run=True) as world:
        world.see(*CLUSTER)
        await world.live()
        assert (there.running, world.announced) == (None, set())


@minutes
async def test_a_bgp_conf_that_is_deleted_ends_bgp_and_takes_back_what_was_told():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        assert world.told("BgpPeer", "leaf")
        world.see(*CLUSTER, router())
        assert "stop" in await world.live()
        assert (world.gobgpd.running, world.told("BgpPeer", "leaf")) == (None, {})


@minutes
async def test_a_successor_changes_nothing_that_is_right():
    there = Gobgpd()
    facts = whole(router(secret=SECRET), policy="policy")
    for _ in range(2):
        async with peered(there) as world:
            world.secret("s3cret")
            world.policy(POLICY)
            world.see(*facts)
            first = await world.live()
    assert first == []


@minutes
async def test_a_speaker_that_cannot_read_a_password_leaves_its_gobgpd_as_it_is():
    there = Gobgpd()
    async with peered(there) as world:
        world.secret("s3cret")
        world.see(*whole(router(secret=SECRET)))
        await world.live()
    async with peered(there) as world:
        world.secret("s3cret")
        world.see(*whole(router(secret=SECRET)))
        world.trouble = Unreachable("no answer")
        assert await world.live(60) == []
        world.trouble = None
        assert await world.live(20) == []
        assert there.known[LEAF].password == "s3cret"


@minutes
async def test_a_secret_that_appears_is_read_soon_and_meanwhile_told_to_be_missing():
    async with peered() as world:
        world.see(*whole(router(secret=SECRET)))
        await world.live()
        assert world.told("BgpPeer", "leaf")["problem"].startswith("there is no key password in a Secret leaf")
        assert not world.gobgpd.known
        world.secret("s3cret\n")
        await world.live(10)
        assert world.gobgpd.known[LEAF].password == "s3cret"
        assert world.told("BgpPeer", "leaf")["problem"] == "there is no session yet"


@minutes
async def test_the_password_of_a_peer_that_is_new_is_read_at_once():
    async with peered() as world:
        world.see(*whole())
        world.secret("s3cret")
        await world.live(5)
        world.see(*whole(router(secret=SECRET)))
        await world.live(1)
        assert world.gobgpd.known[LEAF].password == "s3cret"


@minutes
async def test_a_password_that_changes_is_taken_over_and_one_that_is_deleted_ends_the_session():
    async with peered() as world:
        world.see(*whole(router(secret=SECRET)))
        world.secret("s3cret")
        await world.live()
        world.remove(SECRETS, "leaf", names.NAMESPACE)
        world.secret("other")
        await world.live(31)
        assert world.gobgpd.known[LEAF].password == "other"
        world.remove(SECRETS, "leaf", names.NAMESPACE)
        await world.live(31)
        assert not world.gobgpd.known


@minutes
async def test_no_secret_is_asked_for_that_this_node_has_no_use_for():
    async with peered() as world:
        world.see(*whole(router(secret=SECRET, node_selector=Selector((("leaf", "one"),)))))
        await world.live(60)
        assert not [asked for asked in world.asked if "secret" in asked]


@minutes
async def test_one_that_must_not_be_read_counts_as_missing():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        world.see(*whole(router(), router("spine", "192.0.2.2", secret=SECRET)))
        world.trouble = Forbidden("get secrets leaf", 403)
        await world.live()
        world.trouble = None
        assert list(world.gobgpd.known) == [LEAF]


@minutes
async def test_a_policy_that_comes_later_is_put_in_force():
    async with peered() as world:
        world.see(*whole(policy="policy"))
        await world.live()
        assert world.announced
        world.policy(POLICY)
        assert "policies" in await world.live()


@minutes
async def test_of_a_policy_with_a_fault_the_one_before_stays_and_the_fault_is_told():
    async with peered() as world:
        world.policy(POLICY)
        world.see(*whole(policy="policy"))
        await world.live()
        before = world.gobgpd.policies
        world.remove(CONFIG_MAPS, "policy", names.NAMESPACE)
        world.policy(POLICY.replace("name", "nmae"))
        await world.live()
        assert world.gobgpd.policies == before
        assert "nmae" in world.told("BgpConf", "default")["problem"]
        assert world.told("BgpPeer", "leaf")["problem"] == "there is no session yet"
        world.see(*whole())
        await world.live()
        assert "problem" not in world.told("BgpConf", "default")


@minutes
async def test_a_policy_whose_config_map_goes_stays_in_force_and_its_author_is_told():
    async with peered() as world:
        world.policy(POLICY)
        world.see(*whole(policy="policy"))
        await world.live()
        before = world.gobgpd.policies
        world.remove(CONFIG_MAPS, "policy", names.NAMESPACE)
        await world.live()
        assert world.gobgpd.policies == before
        assert "there is none in OpenELB's namespace with the key" in world.told("BgpConf", "default")["problem"]
        world.see(*whole())
        await world.live()
        assert world.gobgpd.policies != before


@minutes
async def test_who_may_not_read_the_policy_tells_routers_nothing_and_says_so():
    async with peered(unlisted=frozenset({"configmaps"})) as world:
        world.see(*whole(policy="policy"))
        await world.live()
        assert world.announced == set()
        assert "speakers may not read" in world.told("BgpConf", "default")["problem"]


@minutes
async def test_who_may_not_read_bgp_confs_leaves_gobgpd_as_it_was():
    there = Gobgpd()
    async with peered(there) as world:
        world.see(*whole())
        await world.live()
    async with peered(there, has_run=True) as world:
        world.see(*CLUSTER)
        world.seen = replace(world.seen, without_confs=True)
        assert await world.live() == []


@minutes
async def test_who_is_left_alone_keeps_its_router_id_and_its_sessions():
    facts = whole(router_id="192.0.2.200")
    async with peered() as world:
        world.see(*facts)
        await world.live()
        assert world.gobgpd.running.router_id == "192.0.2.11"
        world.see(*(fact for fact in facts if fact != speaker("b")))
        assert await world.live() == []
    async with peered() as alone:
        alone.see(*(fact for fact in facts if fact != speaker("b")))
        await alone.live()
        assert alone.gobgpd.running.router_id == "192.0.2.200"


@minutes
async def test_a_password_that_cannot_be_read_holds_nothing_else_up():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        world.trouble, world.troubled = Unreachable("no answer"), "secrets"
        world.see(*whole(router(), router("spine", "192.0.2.9", secret=SECRET)), endpoints={})
        await world.live(30)
        assert world.announced == set()
        assert "could not be read yet" in world.told("BgpPeer", "spine")["problem"]


@minutes
async def test_a_session_whose_password_a_successor_cannot_read_stays_as_it_was():
    there = Gobgpd()
    facts = whole(router(secret=SECRET))
    async with peered(there) as world:
        world.secret("s3cret")
        world.see(*facts)
        await world.live()
    async with peered(there) as world:
        world.trouble, world.troubled = Unreachable("no answer"), "secrets"
        world.see(*facts)
        assert await world.live(30) == []
        assert there.known[LEAF].password == "s3cret"
        assert "could not be read yet" in world.told("BgpPeer", "leaf")["problem"]


@minutes
async def test_a_successor_that_cannot_read_the_policy_leaves_the_one_in_force_and_says_so():
    there = Gobgpd()
    async with peered(there) as world:
        world.policy(POLICY)
        world.see(*whole(policy="policy"))
        await world.live()
    before = there.policies
    async with peered(there) as world:
        world.policy(POLICY.replace("name", "nmae"))
        world.see(*whole(policy="policy"))
        assert await world.live(60) == []
        assert there.policies == before
        assert "nmae" in world.told("BgpConf", "default")["problem"]
        assert "nmae" in world.told("BgpPeer", "leaf")["problem"]
        world.remove(CONFIG_MAPS, "policy", names.NAMESPACE)
        world.policy(POLICY)
        assert await world.live() == []
        assert "problem" not in world.told("BgpConf", "default")


@minutes
async def test_of_a_node_the_cluster_knows_no_address_of_it_waits_for_one():
    async with peered() as world:
        world.remove(NODES_PATH, ME)
        world.see(*whole())
        await world.live(10)
        assert "no address" in world.told("BgpConf", "default")["problem"]
        assert world.gobgpd.calls == []
        world.put(NODES_PATH, ME, status={"addresses": [{"type": "InternalIP", "address": "192.0.2.11"}]})
        await world.live(15)
        assert world.announced


@minutes
async def test_who_announces_all_nodes_learns_of_one_that_joins():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        world.see(*whole(next_hops=NextHops.NODES))
        await world.live()
        assert {str(path.next_hop) for path in world.gobgpd.rib.values()} == {"192.0.2.11", "192.0.2.12"}
        world.put(NODES_PATH, "c", status={"addresses": [{"type": "InternalIP", "address": "192.0.2.13"}]})
        world.see(*whole(next_hops=NextHops.NODES), node("c"))
        await world.live()
        assert {str(path.next_hop) for path in world.gobgpd.rib.values()} == {"192.0.2.11", "192.0.2.12", "192.0.2.13"}


@minutes
async def test_who_announces_the_nodes_of_its_rack_follows_their_labels():
    async with peered() as world:
        racks = {"next_hops": NextHops.NODES, "asn_per_rack": (("one", 65101), ("two", 65102))}

        def see(**of: str) -> None:
            labelled = (replace(node(name), labels={names.RACK_LABEL: rack}) for name, rack in of.items())
            world.see(*whole(**racks), *labelled)

        see(a="one", b="one")
        await world.live(5)
        assert len(world.gobgpd.rib) == 2
        see(a="one", b="two")
        await world.live(5)
        assert len(world.gobgpd.rib) == 1


@minutes
async def test_a_peer_known_by_its_interface_may_be_restricted_too():
    async with peered() as world:
        bare = replace(router(pools=frozenset({"other"})).peer, address="", interface="eth1")
        world.see(*whole(replace(router(pools=frozenset({"other"})), peer=bare)))
        assert "policies" in await world.live()
        assert list(world.gobgpd.known) == ["eth1"]


# What the cluster is told.


@minutes
async def test_a_session_is_told_at_once_and_nothing_twice():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        await world.establish()
        assert world.told("BgpPeer", "leaf")["peerState"]["sessionState"] == "ESTABLISHED"
        assert world.told("BgpConf", "default")["routerId"] == "192.0.2.11"
        before = len(world.written)
        await world.live(int(COUNTERS_EVERY / 2))
        assert world.written[before:] == []


@minutes
async def test_bfd_that_has_changed_waits_for_the_end_of_the_session_and_is_told_to():
    async with peered() as world:
        world.see(*whole(router(bfd=Bfd())))
        await world.live()
        await world.establish()
        await world.live(40)
        assert world.gobgpd.known[LEAF].bfd == Bfd()
        world.see(*whole(router(bfd=Bfd(500, 500))))
        await world.live(5)
        assert world.gobgpd.known[LEAF].bfd == Bfd()
        assert world.told("BgpPeer", "leaf")["problem"].startswith("spec.bfd has changed: BFD goes on as it was")
        world.gobgpd.established.clear()
        world.gobgpd.say()
        await world.live(5)
        await world.establish()
        await world.live(5)
        assert world.gobgpd.known[LEAF].bfd == Bfd(500, 500)
        assert "problem" not in world.told("BgpPeer", "leaf")


@minutes
async def test_what_is_left_to_the_network_plugin_ends_and_comes_back():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        world.see(*whole(router(left_to_cni=True)))
        assert await world.live() == ["drop 192.0.2.1"]
        world.see(*whole(left_to_cni=True))
        assert await world.live() == ["stop"]
        assert world.peering.routed == frozenset()
        world.see(*whole())
        await world.live()
        assert world.announced == {"10.99.0.1/32"}
        assert world.peering.routed == {"10.99.0.1"}


@minutes
async def test_a_session_that_flaps_is_told_seldom_and_that_it_does():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        before = len(world.written)
        for turn in range(600):
            world.gobgpd.established = {LEAF} if turn % 2 else set()
            world.gobgpd.say()
            await asyncio.sleep(0.1)
        assert len(world.written) - before <= BURST + 60 / ANOTHER + 1
        assert world.told("BgpPeer", "leaf")["problem"].startswith("the session comes and goes")
        await world.establish()
        await world.live(700)
        assert "problem" not in world.told("BgpPeer", "leaf")


@minutes
async def test_a_session_that_is_tried_in_vain_again_and_again_is_told_once():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        before = len(world.written)
        for _ in range(50):
            for state in (SessionState.OPENSENT, SessionState.IDLE):
                world.gobgpd.states[LEAF] = state
                world.gobgpd.say()
                await asyncio.sleep(1)
        assert world.written[before:] == []


@minutes
async def test_why_there_is_no_session_is_found_out_by_a_connection_to_the_router():
    async with peered() as world:
        world.reach = Reach.REFUSED
        world.see(*whole(router(), router("inner", "192.0.2.2", asn=65001)))
        await world.live(20)
        assert sorted(world.tried) == [LEAF, "192.0.2.2 inside"]
        assert "connection refused: nothing listens at 192.0.2.1 port 179" in world.told("BgpPeer", "leaf")["problem"]
        await world.live(60)
        assert len(world.tried) == 4
        await world.establish()
        await world.live(100)
        assert len(world.tried) == 4
        assert "problem" not in world.told("BgpPeer", "leaf")


@minutes
async def test_no_router_is_tried_that_is_to_come_itself_or_is_kept_down():
    async with peered() as world:
        passive, down = router(), router("down", "192.0.2.2")
        world.see(
            *whole(
                replace(passive, peer=replace(passive.peer, passive=True)),
                replace(down, peer=replace(down.peer, admin_down=True)),
            )
        )
        await world.live(60)
        assert world.tried == []


@minutes
async def test_what_the_server_refused_is_told_later():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        world.trouble = Unreachable("no answer")
        await world.establish()
        world.trouble = None
        await world.live(32)
        assert world.told("BgpPeer", "leaf")["peerState"]["sessionState"] == "ESTABLISHED"


@minutes
async def test_while_gobgpd_is_away_the_cluster_is_told_so_and_it_comes_back_as_it_was():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        world.gobgpd.away = "gobgpd cannot be reached"
        world.gobgpd.kill()
        await world.live()
        assert world.told("BgpPeer", "leaf")["problem"] == "gobgpd cannot be reached"
        assert world.told("BgpConf", "default")["problem"] == "gobgpd cannot be reached"
        world.gobgpd.away = ""
        await world.live(5)
        assert world.announced == {"10.99.0.1/32"}
        assert "problem" not in world.told("BgpConf", "default")


@minutes
async def test_a_peer_that_is_not_for_this_node_any_more_is_struck_out():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        world.see(*whole(router(node_selector=Selector((("leaf", "one"),)))))
        await world.live()
        assert world.told("BgpPeer", "leaf") == {}
        assert not world.gobgpd.known


@minutes
async def test_a_peer_that_is_made_anew_is_told_of_anew():
    async with peered() as world:
        world.see(*whole(router(uid="1")))
        await world.live()
        world.see(*whole(router("spine", "192.0.2.2")))
        world.see(*whole(router(uid="2")))
        assert world.told("BgpPeer", "leaf") == {}
        await world.live()
        assert world.told("BgpPeer", "leaf")


@minutes
async def test_what_somebody_took_off_is_put_back_in_time():
    async with peered() as world:
        world.see(*whole(router(uid="1")))
        await world.live()
        world.see(*whole(router("spine", "192.0.2.2")))
        world.see(*whole(router(uid="1")))
        await world.live(int(COUNTERS_EVERY) + 40)
        assert world.told("BgpPeer", "leaf")


@minutes
async def test_a_bgp_conf_that_cannot_be_used_is_told_where_it_matters():
    async with peered() as world:
        world.see(*CLUSTER, conf(0), router())
        await world.live()
        assert world.told("BgpConf", "default")["problem"].startswith("spec.as is missing")
        assert "spec.as is missing" in world.told("BgpPeer", "leaf")["problem"]
        assert world.gobgpd.calls == []


@minutes
async def test_of_a_bgp_conf_that_is_spoilt_later_the_former_stays_in_force_and_all_else_goes_on():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        for spoilt in (conf(0), conf(65001, problem="spec.routerId 'x' is no router id")):
            world.see(*CLUSTER, spoilt, router())
            assert await world.live() == []
            problem = world.told("BgpConf", "default")["problem"]
            assert problem.endswith("what was in force before stays")
            assert world.told("BgpPeer", "leaf")["problem"] == "there is no session yet"
        world.see(*CLUSTER[:1], *CLUSTER[2:], conf(0), router())
        assert await world.live() == ["tell +0 -1"]
        world.see(*whole())
        await world.live()
        assert world.announced
        assert "problem" not in world.told("BgpConf", "default")


@minutes
async def test_a_successor_that_finds_a_spoilt_bgp_conf_leaves_gobgpd_as_it_is():
    there = Gobgpd()
    async with peered(there) as world:
        world.see(*whole())
        await world.live()
    async with peered(there, has_run=True) as world:
        world.see(*CLUSTER, conf(0), router())
        assert await world.live(60) == []
        assert world.told("BgpConf", "default")["problem"].endswith("gobgpd is left as it was found")
        assert (there.running.asn, world.announced) == (65001, {"10.99.0.1/32"})


@minutes
async def test_settings_that_end_all_sessions_are_told_before_and_taken_over_in_turn():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        await world.establish()
        old = world.marks[-1]
        speakers = (replace(speaker("Z"), bgp=old), speaker("a"))  # Z comes before a
        changed = (EIP, WEB, node("a"), node("Z"), *speakers, conf(65001, listen_port=17900), router())
        world.see(*changed)
        assert await world.live(100) == []
        assert "when Z has done so" in world.told("BgpConf", "default")["problem"]
        assert world.marks[-1] == old
        done = (replace(speaker("Z"), bgp=mark(world.seen.confs["default"])), speaker("a"))
        world.see(*changed[:4], *done, *changed[6:])
        assert "stop" in await world.live(5)
        assert world.gobgpd.running.listen_port == 17900
        assert world.marks[-1] == old  # its router is not back yet
        await world.establish()
        assert world.marks[-1] == mark(world.seen.confs["default"])
        assert "problem" not in world.told("BgpConf", "default")


@minutes
async def test_the_first_node_gives_notice_too():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        world.see(*whole(router_id="192.0.2.99", multipath=True))
        assert await world.live(4) == []
        assert "begins anew here in a moment" in world.told("BgpConf", "default")["problem"]
        assert "stop" in await world.live(4)


@minutes
async def test_of_peers_accepted_from_a_range_the_session_is_told():
    async with peered() as world:
        ranged = router()
        world.see(*whole(replace(ranged, peer=replace(ranged.peer, address="", prefix="192.0.2.0/24"))))
        await world.live()
        assert world.told("BgpPeer", "leaf")["problem"] == "no router has connected from 192.0.2.0/24 yet"


# How a node leaves.


@minutes
async def test_who_stops_for_good_asks_routers_to_prefer_others_first():
    async with peered() as world:
        world.see(*whole())
        await world.live()
        await world.establish()
        before, began = len(world.gobgpd.calls), world.clock()
        await world.peering.leave(for_good=True)
        assert world.clock() - began == pytest.approx(Drain().wait_seconds)
        calls = world.gobgpd.calls[before:]
        assert calls.index("policies") < calls.index("stop")
        await world.live()


@minutes
async def test_who_announces_nothing_leaves_at_once():
    async with peered() as world:
        world.see(*CLUSTER[2:], conf(), router())
        await world.live()
        await world.establish()
        began = world.clock()
        await world.peering.leave(for_good=True)
        assert world.clock() == began
        await world.live()


@minutes
async def test_who_never_had_bgp_has_nothing_to_leave():
    async with peered() as world:
        world.see(*CLUSTER)
        await world.live()
        await world.peering.leave(for_good=True)
        assert world.gobgpd.calls == []


@minutes
async def test_a_drained_node_withdraws_what_others_have_when_the_time_is_over():
    async with peered() as world:
        drained = replace(node(ME), drained=True)
        world.see(*whole())
        await world.live()
        world.see(EIP, WEB, drained, node("b"), speaker("a"), speaker("b"), conf(), router())
        await world.live(Drain().wait_seconds - 1)
        assert world.announced
        await world.live(2)
        assert world.announced == set()
        world.see(*whole())
        await world.live()
        assert world.announced == {"10.99.0.1/32"}


@minutes
async def test_a_speaker_that_begins_on_a_drained_node_announces_nothing_for_a_moment_either():
    there = Gobgpd()
    drained = (EIP, WEB, replace(node(ME), drained=True), node("b"), speaker("a"), speaker("b"), conf(), router())
    async with peered(there) as world:
        world.see(*drained)
        await world.live(10)
        assert world.announced == set()
    async with peered(there) as world:
        world.see(*drained)
        assert await world.live(10) == []


@minutes
async def test_a_drained_node_keeps_what_nobody_else_can_serve():
    async with peered() as world:
        drained, local = replace(node(ME), drained=True), replace(WEB, local_traffic_only=True)
        world.see(
            *(EIP, local, drained, node("b"), speaker("a"), speaker("b"), conf(), router()),
            endpoints={service().key: frozenset({ME})},
        )
        await world.live(20)
        assert world.announced == {"10.99.0.1/32"}
