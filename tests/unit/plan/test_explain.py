from dataclasses import replace

from openelb.model import names
from openelb.model.cluster import FamilyPolicy, Protocol
from openelb.model.selectors import Selector
from openelb.plan.explain import explain, unserved
from openelb.plan.placement import winner
from tests.unit.builders import address, conf, key, node, pool, router, service, snapshot, speaker, unreadable

NODES = ("node-a", "node-b", "node-c")
SPEAKERS = [speaker(name) for name in NODES]
WEB = service(shows="192.168.1.1")
USED = {"192.168.1.1": "default/web"}
OWNER = winner(address("192.168.1.1"), NODES)


def told(*facts, alive=NODES, **others):
    """The explanation of the Service `web`."""
    return explain(snapshot(*facts, **others), frozenset(alive), key("web"))


def verdicts(explanation):
    """What is said of each node."""
    return {verdict.node: verdict.sentence for verdict in explanation.nodes}


def test_a_served_service_is_explained_by_its_address_its_pool_and_the_node_that_answers():
    said = told(pool(used=USED), WEB, *SPEAKERS)
    assert (said.address, said.pool, said.owner, said.served) == ("192.168.1.1", "eip", OWNER, True)
    assert said.sentences[0] == "192.168.1.1 from Eip eip (Allocated)"
    assert verdicts(said)[OWNER].startswith("answers")
    assert {verdict.node for verdict in said.nodes if verdict.may} == set(NODES)


def test_the_nodes_that_do_not_answer_say_why():
    alive = {"node-a", "node-c", "node-d"}
    others = [speaker("node-a"), speaker("node-b"), speaker("node-c", "eth1", "bond0"), speaker("node-d")]
    said = verdicts(told(pool(used=USED), WEB, *others, alive=alive))
    standby = ({"node-a", "node-d"} - {winner(address("192.168.1.1"), ["node-a", "node-d"])}).pop()
    assert said["node-b"] == "is lost: its speaker does not renew its Lease"
    assert said["node-c"] == "has no interface eth0 that is up; it has eth1, bond0"
    assert said[standby].startswith("stands by")


def test_a_node_without_an_endpoint_of_a_local_service_says_so():
    local = service(shows="192.168.1.1", local_traffic_only=True)
    said = told(pool(used=USED), local, *SPEAKERS, endpoints={local.key: frozenset({"node-b"})})
    assert said.owner == "node-b"
    assert "no ready endpoint" in verdicts(said)["node-a"]


def test_the_node_that_answers_for_a_shared_address_is_the_one_that_really_does():
    """Of two Local Services that share an address, both have to have an endpoint there."""
    one, two = (
        service(shows="192.168.1.1", local_traffic_only=True),
        service("b", shows="192.168.1.1", local_traffic_only=True),
    )
    endpoints = {one.key: frozenset({"node-a", "node-b"}), two.key: frozenset({"node-b", "node-c"})}
    said = told(pool(used={"192.168.1.1": "web;b"}), one, two, *SPEAKERS, endpoints=endpoints)
    assert said.owner == "node-b"


def test_nobody_answers_for_an_address_that_is_not_published_yet():
    said = told(pool(used=USED), service(), *SPEAKERS)
    assert (said.address, said.owner, said.served) == ("", "", False)
    assert "about to be published by the manager" in said.sentences[-1]


def test_a_service_without_an_address_is_explained_by_the_sentence_of_its_condition():
    said = told(pool(), service(pool="none"), *SPEAKERS)
    assert (said.address, said.served) == ("", False)
    assert "Eip none does not exist" in said.sentences[0]
    assert "(PoolNotFound)" in said.sentences[0]


def test_the_address_that_is_shown_is_explained_while_another_is_on_its_way():
    moving = service(shows="192.168.1.1", pool="other")
    said = told(pool(used=USED), pool("other", "10.0.0.1", used={"10.0.0.1": "web"}), moving, *SPEAKERS)
    assert (said.address, said.owner) == ("192.168.1.1", OWNER)
    assert "10.0.0.1 from Eip other" in said.sentences[0]
    assert said.sentences[-1].startswith("10.0.0.1 is chosen and about to be published")


def test_an_address_that_no_version_of_ours_announces_is_answered_by_nobody():
    said = told(pool(protocol=Protocol.VIP, used=USED), WEB, *SPEAKERS)
    assert (said.owner, said.served) == ("", False)
    assert verdicts(said)["node-a"] == "does not announce vip in this version"


def test_an_address_that_routers_are_told_of_is_served_by_all_nodes_that_may():
    eip, ready = pool(protocol=Protocol.BGP, used=USED), {WEB.key: frozenset({"node-a"})}
    said = told(eip, WEB, *SPEAKERS, conf(), router(), endpoints=ready)
    assert said.served
    assert set(verdicts(said).values()) == {"tells its routers that it is a way to the address"}
    local = replace(WEB, local_traffic_only=True)
    said = told(eip, local, *SPEAKERS, conf(), router(), endpoints=ready)
    assert said.owner == "node-a"
    assert verdicts(said)["node-b"] == "has no ready endpoint, and externalTrafficPolicy is Local"


def test_a_drained_node_says_why_it_tells_its_routers_nothing():
    eip, ready = pool(protocol=Protocol.BGP, used=USED), {WEB.key: frozenset({"node-a"})}
    drained = node("node-a", drained=True)
    said = verdicts(told(eip, WEB, *SPEAKERS, drained, conf(), router(), endpoints=ready))
    assert said["node-a"] == "is drained: would tell its routers of the address if no other node could"
    assert said["node-b"] == "tells its routers that it is a way to the address"
    hindered = told(eip, WEB, *SPEAKERS, drained, endpoints=ready)
    assert any("bgp needs a BgpConf" in sentence for sentence in hindered.sentences)
    assert verdicts(hindered)["node-a"] == "does not announce this address, as said above"


def test_an_ipv6_address_is_answered_by_nobody_where_ipv6_is_off():
    six = pool(text="2001:db8::/64", used={"2001:db8::1": "web"})
    said = told(six, service(shows="2001:db8::1", families=(6,)), *SPEAKERS)
    assert (said.address, said.owner, said.served) == ("2001:db8::1", "", False)
    assert any("none hears IPv6 there" in sentence for sentence in said.sentences)
    assert verdicts(said)["node-a"] == "has no IPv6 address on interface eth0, so it does not hear IPv6 there"


def test_of_several_addresses_it_is_told_who_answers_for_each():
    both = pool(text="192.168.1.0/24, 2001:db8::/64", used={"192.168.1.1": "web", "2001:db8::1": "web"})
    facts = {"families": (4, 6), "family_policy": FamilyPolicy.REQUIRE_DUAL}
    shown = replace(service(shows="192.168.1.1", **facts), ingress=("192.168.1.1", "2001:db8::1"))
    speakers = [speaker(name, "eth0 fe80::1/64") for name in NODES]
    said = told(both, shown, *speakers)
    assert (said.address, said.owner, said.served) == ("192.168.1.1, 2001:db8::1", OWNER, True)
    assert said.sentences[-1] == f"node {winner(address('2001:db8::1'), {*NODES} - {OWNER})} answers for 2001:db8::1"
    deaf = told(both, shown, *SPEAKERS)
    assert (deaf.owner, deaf.served, deaf.sentences[-1]) == (OWNER, False, "no node answers for 2001:db8::1")


def test_a_service_that_is_not_ours_says_why():
    for facts, words in (
        ({"opt_in": ""}, names.OPT_IN),
        ({"load_balancer": False}, "set spec.type to LoadBalancer"),
        ({"load_balancer_class": "example.org/other"}, "belongs to another load balancer; ours is openelb.io/openelb"),
        ({"node_proxy": "deployment"}, "asks for node-proxy"),
        ({"deleting": True}, "being deleted"),
    ):
        said = told(pool(), service(**facts), *SPEAKERS)
        assert (said.address, said.served, said.nodes) == ("", False, ())
        assert words in said.sentences[0]


def test_a_service_that_gives_its_address_back_says_so():
    said = told(pool(used=USED), service(shows="192.168.1.1", opt_in=""), *SPEAKERS)
    assert said.sentences == ("its address is being released",)


def test_the_overview_has_every_service_with_something_wrong_and_no_other():
    facts = snapshot(pool(used=USED), WEB, service("db", pool="none"), service("other", opt_in=""), *SPEAKERS)
    wrong = unserved(facts, frozenset(NODES))
    assert wrong.keys() == {"default/db"}
    assert "Eip none does not exist" in wrong["default/db"]


def test_the_overview_has_services_that_no_manager_has_served_yet():
    assert (
        "is openelb-manager running"
        in unserved(snapshot(pool(used=USED), service(), *SPEAKERS), frozenset(NODES))["default/web"]
    )


def test_a_service_that_cannot_be_read_says_so_with_what_was_known_of_it():
    spoilt = unreadable("Service", "web")
    said = told(pool(used=USED), WEB, *SPEAKERS, unreadable=spoilt)
    assert (said.address, said.owner, said.served) == ("192.168.1.1", OWNER, False)
    assert said.sentences[-1] == f"Service default/web {spoilt['Service default/web'].sentence} (Unreadable)"
    assert told(pool(), service("other"), unreadable=spoilt).sentences == said.sentences[-1:]


def test_a_service_says_that_its_eip_cannot_be_read():
    spoilt = unreadable("Eip", "eip")
    known = told(pool(used=USED), WEB, *SPEAKERS, unreadable=spoilt)
    assert (known.address, known.served) == ("192.168.1.1", True)
    for said in (known, told(WEB, *SPEAKERS, unreadable=spoilt)):
        assert said.sentences[-1] == f"Eip eip {spoilt['Eip eip'].sentence} (Unreadable)"
    for facts in ((), (pool(),)):  # never known, and known before
        waiting = told(*facts, service(pool="eip"), *SPEAKERS, unreadable=spoilt)
        assert waiting.sentences == (f"Eip eip cannot be used: it {spoilt['Eip eip'].sentence} (PoolInvalid)",)
    assert (
        told(pool(used=USED), WEB, *SPEAKERS, unreadable=unreadable("Eip", "other")).sentences == known.sentences[:-1]
    )


def test_each_node_says_what_about_it_keeps_it_from_answering():
    selecting = pool(used=USED, interface="auto", node_selector=Selector((("rack", "one"),)))
    near = [speaker(f"node-{name}", "eth0 192.168.1.11/24") for name in "abcd"]
    nodes = [
        node("node-a", rack="one", drained=True),
        node("node-b", rack="one", excluded=True),
        node("node-c", rack="two"),
        node("node-d", rack="one"),
        node("node-e", rack="one"),
        node("node-f", rack="one"),
    ]
    cut_off = speaker("node-f", "eth0 192.168.1.11/24")
    cut_off = replace(cut_off, links=tuple(replace(link, gateway_lost=True) for link in cut_off.links))
    facts = [selecting, WEB, *near, speaker("node-e", "eth0 10.0.0.11/24"), cut_off, *nodes]
    assert verdicts(told(*facts, alive={one.name for one in nodes})) == {
        "node-a": "is drained: would answer if no other node could",
        "node-b": f"announces nothing: it has the label {names.EXCLUDED}",
        "node-c": "is not one of the nodes that spec.nodeSelector of Eip eip selects",
        "node-d": "answers: it has the highest weight for this address among the nodes that may",
        "node-e": "has no interface in a network that holds 192.168.1.1; it has eth0",
        "node-f": "has lost its gateway on interface eth0: would answer if no other node could",
    }
