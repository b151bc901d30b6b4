"""What draining a node would come to."""

from dataclasses import replace

from openelb.model import names
from openelb.model.cluster import Protocol
from openelb.model.layer2 import Layer2Choices
from openelb.plan.moves import Move, moves, routes_left, tells_routers, with_drained
from openelb.plan.placement import winner
from tests.unit.builders import address, conf, node, pool, router, service, snapshot, speaker

NODES = frozenset({"a", "b", "c"})
TEXTS = [f"192.168.1.{number}" for number in (1, 2, 3, 10)]
WEB = [service(f"s{number}", shows=text) for number, text in enumerate(TEXTS)]
FACTS = snapshot(pool(), *WEB, *map(speaker, sorted(NODES)), *map(node, sorted(NODES)))
OWNERS = {text: winner(address(text), NODES) for text in TEXTS}
ME = OWNERS[TEXTS[0]]


def drained(name=ME, facts=FACTS, alive=NODES):
    after = with_drained(facts, name, drained=True)
    return moves(facts, after, alive, names.LOAD_BALANCER_CLASS)


def test_a_drained_node_s_addresses_go_to_their_next_owners_and_all_others_stay():
    found = drained()
    assert [move.address for move in found] == TEXTS  # by number, not by text
    assert {move.address: move.before for move in found} == OWNERS
    heirs = {text: winner(address(text), NODES - {ME}) if owner == ME else owner for text, owner in OWNERS.items()}
    assert {move.address: move.after for move in found} == heirs
    assert found[0].services == ("default/s0",)


def test_what_no_other_node_can_answer_for_stays():
    local = service("s0", shows=TEXTS[0], local_traffic_only=True)
    facts = snapshot(pool(), local, *map(speaker, sorted(NODES)), endpoints={local.key: frozenset({ME})})
    assert drained(facts=facts) == (Move(TEXTS[0], ("default/s0",), ME, ME),)


def test_a_node_that_is_not_alive_has_nothing_to_hand_over():
    assert ME not in {move.before for move in drained(alive=NODES - {ME})}


def test_an_address_that_nobody_answers_for_is_nobody_s():
    local = service("s0", shows=TEXTS[0], local_traffic_only=True)
    facts = snapshot(pool(), local, *map(speaker, sorted(NODES)))
    assert drained(facts=facts) == (Move(TEXTS[0], ("default/s0",), "", ""),)


def test_an_address_that_a_node_holds_stays_there_when_the_one_before_it_is_undrained():
    heir = winner(address(TEXTS[0]), NODES - {ME})
    holding = speaker(heir, holds=frozenset({address(TEXTS[0])}))
    facts = with_drained(replace(FACTS, speakers={**FACTS.speakers, heir: holding}), ME, drained=True)
    found = moves(facts, with_drained(facts, ME, drained=False), NODES, names.LOAD_BALANCER_CLASS)
    assert (found[0].before, found[0].after) == (heir, heir)
    failing_back = replace(facts, pools={"eip": pool(layer2=Layer2Choices(failback=True))})
    after = with_drained(failing_back, ME, drained=False)
    assert moves(failing_back, after, NODES, names.LOAD_BALANCER_CLASS)[0].after == ME


ROUTED = pool(text="192.168.1.0/24", protocol=Protocol.BGP, interface="")


def test_what_bgp_announces_moves_nowhere_since_it_is_nobody_s():
    facts = snapshot(ROUTED, *WEB, *map(speaker, sorted(NODES)), conf(), router())
    assert drained(facts=facts) == ()


def test_what_a_node_that_leaves_still_tells_routers_is_what_nobody_else_can_serve():
    local = service("s0", shows=TEXTS[0], local_traffic_only=True)
    facts = snapshot(
        *(ROUTED, local, WEB[1], *map(speaker, sorted(NODES)), conf(), router()),
        endpoints={local.key: frozenset({"a"}), WEB[1].key: frozenset({"a"})},
    )
    leaves = with_drained(facts, "a", drained=True)
    assert tells_routers(facts, "a", names.LOAD_BALANCER_CLASS)
    assert routes_left(leaves, "a", NODES, names.LOAD_BALANCER_CLASS) == (Move(TEXTS[0], ("default/s0",), "a", "a"),)
    assert not tells_routers(FACTS, "a", names.LOAD_BALANCER_CLASS)
