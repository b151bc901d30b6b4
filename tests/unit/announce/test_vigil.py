"""What a speaker's watch over the others concludes, on a simulated LAN."""

from dataclasses import replace

import pytest

from bench.simulated import LINK, Lan
from openelb.announce.heartbeats import MOST_A_SECOND
from openelb.announce.pace import ALL_HOSTS, ALL_NODES, LINKED
from openelb.announce.peer import all_on
from openelb.announce.ring import NEIGHBOURS, neighbours
from openelb.announce.standings import Orders
from openelb.announce.vigil import Vigil
from openelb.model.layer2 import Profile
from openelb.plan.heard import Standing, Way
from openelb.wire.heartbeat import Beat, Flag, Refusal, Sender, told
from tests.unit.builders import address

THREE = ("a", "b", "c")
TEN = tuple("abcdefghij")
MANY = tuple(f"node-{number}" for number in range(40))


def lan(names: tuple[str, ...] = THREE, **settings: object) -> Lan:
    """Nodes that have been together for three seconds."""
    made = Lan(names, **settings)
    made.run(3.0)
    return made


def standing(on: Lan, observer: str, of: str) -> Standing:
    found = on.standing(observer, of)
    assert found is not None
    return found


@pytest.mark.parametrize("names", [THREE, TEN, MANY], ids=len)
def test_nodes_that_live_are_heard_and_have_joined(names: tuple[str, ...]) -> None:
    on = lan(names)
    for node in on.nodes.values():
        assert node.vigil.view.joined
        assert all(found.known and not found.silent for found in node.vigil.view.standings.values())
        assert len(node.vigil.view.standings) == len(names) - 1


@pytest.mark.parametrize("peers", [{}, {"b": (Way(LINK, "b"),)}])
def test_nobody_has_joined_who_does_not_know_yet_whom_to_meet(peers: dict[str, tuple[Way, ...]]) -> None:
    """As a process without a state file, before it has read the cluster; it would answer, and fall silent when it meets others."""
    vigil = Vigil("a", "pod-a", 1, now=0.0)
    joined = {}
    for now, orders in (
        (0.0, Orders()),
        (5.0, Orders(answered_at=1.0)),
        (5.01, Orders(peers, settled=True)),
        (5.3, Orders(peers, settled=True)),
        (5.4, Orders(peers, settled=True)),
    ):
        vigil.follow(orders)
        vigil.due(now=now)
        joined[now] = vigil.view.joined
    assert joined == {0.0: False, 5.0: False, 5.01: not peers, 5.3: not peers, 5.4: True}


@pytest.mark.parametrize(("fast", "least", "most"), [(False, 0.4, 0.55), (True, 0.15, 0.24)])
def test_a_node_that_is_cut_off_is_lost_to_the_others_soon(fast: bool, least: float, most: float) -> None:
    on = lan(fast=fast)
    profile = Profile.FAST if fast else Profile.DEFAULT
    on.cut("b")
    took = on.run(3.0, lambda: on.lost("a", "b", profile) and on.lost("c", "b", profile))
    assert least < took < most


@pytest.mark.parametrize("count", [9, 10, 11, 12, 13, 14, 17, 18, 40])
@pytest.mark.parametrize("fast", [False, True])
def test_a_lost_node_is_lost_to_all_whoever_watches_it(count: int, fast: bool) -> None:
    """On a small ring, all that watch a node may watch those that do not."""
    on = lan(tuple(f"node-{number}" for number in range(count)), fast=fast)
    profile, bound = (Profile.FAST, 0.35) if fast else (Profile.DEFAULT, 0.65)
    for lost in list(on.nodes)[:4]:
        others = [name for name in on.nodes if name != lost]
        on.cut(lost)
        took = on.run(3.0, lambda lost=lost, others=others: all(on.lost(other, lost, profile) for other in others))
        assert took < bound
        on.heal()
        back = on.run(3.0, lambda lost=lost, others=others: not any(on.lost(other, lost) for other in others))
        assert back < 1.0
        on.run(2.0)


def test_the_others_stay_when_one_is_lost() -> None:
    on = lan()
    on.lose("b")
    on.run(5.0)
    assert not on.lost("a", "c")
    assert not on.lost("c", "a")


def test_a_process_that_ended_is_gone_and_not_lost_while_its_kernel_says_so() -> None:
    on = lan()
    on.kill("b")
    on.run(0.3)
    gone = standing(on, "a", "b")
    assert gone.gone_since is not None
    assert not gone.silent
    on.run(10.0)
    assert standing(on, "a", "b") == gone


def test_a_process_that_follows_another_on_its_node_is_no_return_and_is_heard_at_once() -> None:
    on = lan()
    on.kill("b")
    on.run(1.0)
    on.begin("b")
    assert on.run(2.0, lambda: standing(on, "a", "b").gone_since is None) < 0.3
    on.run(1.0)
    assert on.nodes["a"].vigil.view.returns == on.nodes["a"].vigil.view.lapses == 0


def test_a_node_that_dies_after_its_process_is_lost_when_its_kernel_is_silent_too() -> None:
    on = lan()
    on.kill("b")
    on.run(1.0)
    on.lose("b")
    assert on.run(5.0, lambda: on.lost("a", "b")) < 2.0


@pytest.mark.parametrize("pause", [0.1, 0.3, 0.4])
def test_a_short_pause_changes_nothing(pause: float) -> None:
    on = lan()
    views = {name: node.vigil.view for name, node in on.nodes.items()}
    on.pause("b")
    on.run(pause)
    on.resume("b")
    on.run(2.0)
    assert {name: node.vigil.view for name, node in on.nodes.items()} == views


def test_who_stood_still_for_longer_knows_it_and_asks_the_others_what_they_hold() -> None:
    on = lan()
    on.pause("b")
    on.run(1.0)
    assert on.lost("a", "b")
    on.holds("a", frozenset({address("192.0.2.1")}))
    on.resume("b")
    assert on.nodes["b"].vigil.view.lapses == 1
    assert not on.nodes["b"].vigil.view.joined
    assert on.run(2.0, lambda: on.nodes["b"].vigil.view.joined) < 0.5
    assert standing(on, "b", "a").holds == {address("192.0.2.1")}
    assert not on.lost("a", "b")
    assert on.nodes["a"].vigil.view.returns == 1
    assert on.nodes["a"].vigil.view.lapses == 0


def test_who_was_alone_holds_itself_and_not_the_others_to_have_been_lost() -> None:
    on = lan()
    on.cut("b")
    on.run(5.0)
    on.heal()
    on.run(1.0)
    assert [on.nodes[name].vigil.view.lapses for name in THREE] == [0, 1, 0]
    assert not on.lost("a", "b")
    assert not on.lost("b", "a")


def test_of_two_nodes_the_one_that_the_api_server_answered_meanwhile_was_not_cut_off() -> None:
    on = lan(("a", "b"))
    on.cut("b")
    on.run(2.0)
    on.reaches_the_api("a", on.now)
    on.heal()
    on.run(1.0)
    assert [on.nodes[name].vigil.view.lapses for name in ("a", "b")] == [0, 1]


def test_what_the_api_server_answered_before_a_silence_says_nothing_of_it() -> None:
    on = lan(("a", "b"))
    on.reaches_the_api("a", on.now - 1.0)
    on.cut("b")
    on.run(2.0)
    on.heal()
    on.run(1.0)
    assert [on.nodes[name].vigil.view.lapses for name in ("a", "b")] == [1, 1]


def test_who_hears_the_others_on_its_link_was_not_alone_whatever_the_names_of_theirs() -> None:
    four = ("a", "b", "c", "d")
    on = lan(four)
    for node in on.nodes.values():
        peers = {name: (Way("ens3" if name == "d" else LINK, name, LINK),) for name in four}
        node.orders = replace(node.orders, peers=peers)
        node.vigil.follow(node.orders)
    on.cut("d")
    on.run(2.0)
    on.heal()
    on.run(1.0)
    assert [on.nodes[name].vigil.view.lapses for name in four] == [0, 0, 0, 1]


@pytest.mark.parametrize("names", [THREE, TEN, MANY], ids=len)
def test_what_a_node_holds_is_known_to_all_soon(names: tuple[str, ...]) -> None:
    on = lan(names)
    holds = frozenset(address(f"10.0.{high}.{low}") for high in range(4) for low in range(250)) | {address("fd00::1")}
    on.holds(names[0], holds)
    assert on.run(5.0, lambda: all(standing(on, name, names[0]).holds == holds for name in names[1:])) < 1.0
    assert standing(on, names[1], names[0]).links == (LINK,)


def test_a_node_that_leaves_says_so_at_once() -> None:
    on = lan()
    on.leaves("b")
    assert on.run(1.0, lambda: standing(on, "a", "b").leaving and standing(on, "c", "b").leaving) < 0.02


def test_in_a_large_cluster_all_hear_of_a_loss_and_of_a_return() -> None:
    on = lan(MANY)
    watched = neighbours(MANY[0], MANY)
    assert len(watched) == NEIGHBOURS
    on.cut(MANY[0])
    others = MANY[1:]
    assert on.run(5.0, lambda: all(on.lost(name, MANY[0]) for name in others)) < 1.0
    on.heal()
    assert on.run(5.0, lambda: not any(on.lost(name, MANY[0]) for name in others)) < 1.5
    on.run(2.0)
    assert not any(on.lost(one, other) for one in MANY for other in MANY if one != other)


def test_who_is_watched_watches() -> None:
    for node in MANY:
        assert all(node in neighbours(other, MANY) for other in neighbours(node, MANY))


def test_what_a_node_sends_does_not_grow_with_the_cluster() -> None:
    sent = {}
    for count in (9, 40):
        on = lan(tuple(f"node-{number}" for number in range(count)))
        on.run(2.0)
        before = {name: node.sent for name, node in on.nodes.items()}
        on.run(10.0)
        sent[count] = max(node.sent - before[name] for name, node in on.nodes.items())
    assert sent[40] <= 1.1 * sent[9]


@pytest.mark.parametrize("names", [THREE, TEN], ids=len)
def test_a_fifth_of_all_datagrams_may_vanish_and_nobody_is_lost(names: tuple[str, ...]) -> None:
    on = lan(names, loss=0.2)
    on.run(30.0)
    assert all(not node.vigil.view.returns and not node.vigil.view.lapses for node in on.nodes.values())


def test_a_node_whose_datagrams_do_not_arrive_is_told_so_by_those_it_hears() -> None:
    on = lan()
    on.mute.add("b")
    on.run(1.0)
    assert on.lost("a", "b")
    assert standing(on, "b", "a").deaf
    assert standing(on, "b", "c").deaf
    assert not standing(on, "a", "c").deaf
    on.mute.clear()
    on.run(1.0)
    assert not standing(on, "b", "a").deaf
    assert on.nodes["b"].vigil.view.lapses == 0


def test_a_node_whose_kernel_is_back_before_its_speaker_is_not_alive() -> None:
    on = lan()
    on.lose("b")
    on.run(10.0)
    on.nodes["b"].up = True
    on.run(1.0)
    assert on.lost("a", "b")
    assert standing(on, "a", "b").gone_since is None


def test_word_of_a_closed_port_is_not_believed_of_a_node_that_is_heard() -> None:
    on = lan()
    for _ in range(50):
        on.nodes["a"].vigil.refused("b", now=on.now)
        on.run(0.01)
    assert standing(on, "a", "b").gone_since is None


def test_a_lost_node_stays_lost_when_the_way_to_it_changes() -> None:
    """As when our own link lost its carrier meanwhile, or somebody edited spec.interface."""
    on = lan()
    on.lose("c")
    on.run(0.2)
    for name in ("a", "b"):
        node = on.nodes[name]
        peers = {other: (Way("eth1", other, "eth1"),) for other in THREE}
        node.orders = replace(node.orders, peers=peers)
        node.vigil.follow(node.orders)
    on.run(2.0)
    assert on.lost("a", "c")
    assert on.lost("b", "c")
    assert not on.lost("a", "b")


def test_a_way_that_is_added_and_was_never_heard_is_no_lost_one() -> None:
    """As where the port is closed on the link of a pool that is made now: at the start, nothing would follow from it either."""
    on = lan()
    for node in on.nodes.values():
        peers = {name: (Way(LINK, name, LINK), Way("eth1", f"{name}-closed", "eth1")) for name in THREE}
        node.orders = replace(node.orders, peers=peers)
        node.vigil.follow(node.orders)
    on.nodes.update({f"{name}-closed": replace(on.nodes[name], up=False) for name in THREE})
    on.run(3.0)
    assert standing(on, "a", "b").silent_links == standing(on, "b", "c").silent_links == {}
    assert not on.lost("a", "b")


@pytest.mark.parametrize("count", [11, 12, 20])
def test_nobody_is_lost_because_another_node_left_and_the_ring_has_changed(count: int) -> None:
    names = tuple(f"node-{number}" for number in range(count))
    on = lan(names)
    on.lose(names[4])
    on.run(3.0)
    del on.nodes[names[4]]
    for node in on.nodes.values():
        peers = {name: (Way(LINK, name, LINK),) for name in on.nodes}
        node.orders = replace(node.orders, peers=peers, knows=frozenset(on.nodes))
        node.vigil.follow(node.orders)
    on.run(3.0)
    assert not any(on.lost(one, other) for one in on.nodes for other in on.nodes if one != other)
    assert not any(node.vigil.view.lapses for node in on.nodes.values())


def test_addresses_wait_for_a_process_that_has_begun_and_is_no_candidate_yet() -> None:
    on = lan()
    on.kill("b")
    on.run(0.5)
    gone = standing(on, "a", "b").gone_since
    on.begin("b")
    on.holds("b", frozenset(), candidate=False)
    on.run(0.5)
    there = standing(on, "a", "b")
    assert (there.candidate, there.gone_since) == (True, gone)
    on.holds("b", frozenset())
    on.run(0.5)
    there = standing(on, "a", "b")
    assert (there.candidate, there.gone_since) == (True, None)


def test_what_was_recorded_proves_nothing() -> None:
    on = lan(("a", "b"))
    vigil, nonce = on.nodes["a"].vigil, 77
    old = Beat(Sender("b", "pod-b", nonce, 5), Flag.CANDIDATE, (1234, 1))
    assert vigil.receive(old, "b", now=on.now) is None
    assert standing(on, "a", "b").known
    on.lose("b")
    on.run(2.0)
    assert on.lost("a", "b")
    vigil.receive(replace(old, sender=replace(old.sender, counter=9)), "b", now=on.now)
    vigil.due(now=on.now)
    assert on.lost("a", "b")


def test_a_beat_that_came_before_is_refused_and_so_is_one_from_elsewhere() -> None:
    vigil = Vigil("a", "pod-a", 1, now=0.0)
    vigil.follow(replace(Lan(("a", "b")).nodes["a"].orders, peers={"b": (Way(LINK, "b"),)}))
    vigil.due(now=0.0)
    beat = Beat(Sender("b", "pod-b", 7, 5), Flag.CANDIDATE, (1, 0))
    assert vigil.receive(beat, "b", now=0.01) is None
    assert vigil.receive(beat, "b", now=0.02) is Refusal.REPLAYED
    assert vigil.receive(beat, "x", now=0.02) is Refusal.UNKNOWN_SENDER
    assert vigil.receive(replace(beat, sender=Sender("x", "", 7, 6)), "b", now=0.02) is Refusal.UNKNOWN_SENDER


def test_a_peer_may_answer_from_another_address_of_its_link() -> None:
    vigil = Vigil("a", "pod-a", 1, now=0.0)
    vigil.follow(replace(Lan(("a", "b")).nodes["a"].orders, peers={"b": (Way(LINK, "b", LINK, ("b2",)),)}))
    vigil.due(now=0.0)
    assert vigil.expects("b2")
    assert vigil.receive(Beat(Sender("b", "pod-b", 7, 5), Flag.CANDIDATE, (1, 0)), "b2", now=0.01) is None
    vigil.due(now=0.02)
    assert vigil.view.standings["b"].known
    vigil.refused("b2", now=1.0)
    vigil.due(now=1.0)
    assert vigil.view.standings["b"].gone_since == 1.0


def test_who_holds_ten_thousand_addresses_tells_it_no_faster_than_others_listen() -> None:
    holds = frozenset(address(f"2001:db8::{number:x}") for number in range(10_000))
    orders = Lan(("a", "b")).nodes["a"].orders
    vigil = Vigil("a", "pod-a", 1, now=0.0)
    vigil.follow(replace(orders, version=1, pieces=told(holds, [LINK]), candidate=True, knows=frozenset({"b"})))
    sent = 0
    for count in range(1, 101):
        now = count * 0.01
        ask = Beat(Sender("b", "pod-b", 7, count), Flag.CANDIDATE | Flag.TELL, (1, count))
        vigil.receive(ask, "b", now=now)
        sent += sum(to == "b" for to, _ in vigil.due(now=now))
        vigil.follow(replace(orders, version=count + 1, pieces=told(holds, [LINK]), knows=frozenset({"b"})))
    assert len(told(holds, [LINK])) < sent < MOST_A_SECOND


def test_who_was_without_its_link_calls_and_tells_everybody_on_it_for_a_while() -> None:
    """Until its kernel asks for their MACs again, nothing leaves that is sent to one of them."""
    with_link, without = ((Way(LINK, "b", by),) for by in (LINK, ""))
    orders = replace(
        Lan(("a", "b")).nodes["a"].orders, version=1, pieces=told(frozenset(), [LINK]), knows=frozenset({"b"})
    )
    vigil = Vigil("a", "pod-a", 1, now=0.0)
    heard = Beat(Sender("b", "pod-b", 7, 1), Flag.CANDIDATE, (1, 0))

    def sent(now: float, ways: tuple[Way, ...], *flags: Flag) -> set[tuple[str, str]]:
        vigil.follow(replace(orders, peers={"b": ways}))
        said = replace(
            heard, sender=replace(heard.sender, counter=int(now * 100)), flags=Flag.CANDIDATE | Flag(sum(flags))
        )
        vigil.receive(said, "b", now=now)
        return {(type(message).__name__, to) for to, message in vigil.due(now=now)}

    vigil.follow(replace(orders, peers={"b": with_link}))
    vigil.due(now=0.0)
    assert sent(0.1, with_link) == {("Beat", "b")}
    assert sent(0.2, without) == {("Beat", "b")}
    everybody = f"{ALL_HOSTS}%{LINK}"
    assert sent(0.35, with_link) == {("Beat", "b"), ("Beat", everybody)}
    both = {("State", "b"), ("State", everybody)}
    assert sent(0.5, with_link, Flag.TELL) >= both
    assert sent(0.35 + LINKED + 0.1, with_link, Flag.TELL) == {("Beat", "b"), ("State", "b")}


@pytest.mark.parametrize(("address", "group"), [("192.0.2.12", ALL_HOSTS), ("2001:db8::12", ALL_NODES)])
def test_all_are_called_by_the_family_by_which_they_are_spoken_to(address: str, group: str) -> None:
    assert all_on(Way(LINK, address, "eth9")) == f"{group}%eth9"
