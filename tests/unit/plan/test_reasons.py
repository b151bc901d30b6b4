"""Every reason of the documented list: the mistake that leads to it, and what its sentence tells the user."""

from dataclasses import replace

import pytest

from openelb.model import names
from openelb.model.cluster import PoolStatus, Protocol
from openelb.model.findings import Reason
from openelb.model.layer2 import Layer2Choices, Probing
from openelb.model.routers import ServiceRouting
from openelb.model.selectors import Selector
from openelb.plan import cluster
from openelb.plan.bgp_outlook import GOES_ON
from tests.unit.builders import address, condition, conf, node, pool, reservation, router, service, snapshot, speaker

SPEAKER = speaker("node-a")
HEARS_IPV6 = speaker("node-a", "eth0 fe80::1/64")
HOLDS_ONE = {"192.168.1.1": "default/web"}


def told(facts, type_=names.ADDRESS_ALLOCATED, alive=None):
    """What the Service `web` is told, once the manager has written."""
    alive = frozenset(facts.speakers) if alive is None else alive
    (publication,) = (said for key, said in cluster.plan(facts, alive).services.items() if key.name == "web")
    return condition(publication.conditions, type_)


def told_of_eip(facts):
    """What the condition Ready of the one Eip says."""
    (status,) = cluster.plan(facts, frozenset(facts.speakers)).pools.values()
    return condition(status.conditions, names.READY)


PROBED = Layer2Choices(probe=Probing.FAST)

NOT_ALLOCATED = {
    Reason.POOL_NOT_FOUND: (
        [service(pool="epi"), pool("eip")],
        ["Eip epi does not exist", "create it, or name another", "Eips there are: eip"],
    ),
    Reason.POOL_INVALID: (
        [service(pool="eip"), pool(text="192.168.1.9-192.168.1.1")],
        ["Eip eip cannot be used", "reversed", "write 192.168.1.1-192.168.1.9"],
    ),
    Reason.POOL_DISABLED: (
        [service(pool="eip"), pool(disabled=True)],
        ["Eip eip is disabled", "set its spec.disable to false"],
    ),
    Reason.POOL_DELETING: (
        [service(pool="eip"), pool(deleting=True)],
        ["Eip eip is being deleted", "name another"],
    ),
    Reason.POOL_EXHAUSTED: (
        [service(pool="eip"), pool(text="192.168.1.1/32", used={"192.168.1.1": "default/db"}), service("db")],
        ["all 1 addresses of Eip eip (192.168.1.1/32) are in use", "free one, enlarge it"],
    ),
    Reason.NO_POOL: (
        [service(), pool()],
        ["names no Eip, none is bound to it and there is no default one", names.REQUESTED_POOL, names.DEFAULT_POOL],
    ),
    Reason.FAMILY_MISMATCH: (
        [service(pool="eip", families=(6,)), pool()],
        ["Eip eip has IPv4 addresses and the Service asks for IPv6", "spec.ipFamilies"],
    ),
    Reason.ADDRESS_INVALID: (
        [service(address="192.168.1.300"), pool()],
        ["'192.168.1.300' is no IP address", "ask for one like 192.0.2.10"],
    ),
    Reason.ADDRESS_OUTSIDE_POOL: (
        [service(pool="eip", address="192.168.2.1"), pool()],
        ["192.168.2.1 lies outside Eip eip (192.168.1.0/24)", "ask for an address inside it"],
    ),
    Reason.ADDRESS_TAKEN: (
        [service(load_balancer_ip="192.168.1.1"), pool(used={"192.168.1.1": "default/db"}), service("db")],
        ["192.168.1.1 is in use by default/db", "ask for another address"],
    ),
    Reason.ADDRESS_RESERVED: (
        [service(address="192.168.1.1"), pool(), reservation(addresses=(address("192.168.1.1"),), service="db")],
        ["192.168.1.1 is reserved by EipReservation held", "ask for another address"],
    ),
    Reason.PROBING: (
        [service(pool="eip"), pool(layer2=PROBED)],
        ["asks on the LAN whether another machine has the next free addresses of Eip eip"],
    ),
    Reason.REQUEST_INVALID: (
        [service(count="many"), pool(default=True)],
        [names.COUNT, "'many'", "write a number from 1 to 16"],
    ),
    Reason.QUOTA_EXCEEDED: (
        [service(), pool(default=True, quota=1, used={"192.168.1.1": "default/db"}), service("db")],
        ["namespace default has the 1 addresses of Eip eip", "free one, raise the quota"],
    ),
    Reason.NODE_PROXY_UNSUPPORTED: (
        [service(node_proxy="daemonset"), pool()],
        [names.NODE_PROXY, "this version does not provide", "remove the annotation"],
    ),
}

NOT_ANNOUNCED = {
    Reason.INTERFACE_MISSING: ({"interface": ""}, [SPEAKER], ["layer2 needs spec.interface", "for example eth0"]),
    Reason.INTERFACE_NOT_FOUND: (
        {"interface": "bond0"},
        [speaker("node-a", "eth0", "eth1")],
        ["no node has an interface bond0 that is up", "correct spec.interface", "eth0, eth1"],
    ),
    Reason.NO_NODE: (
        {"node_selector": Selector((("rack", "one"),))},
        [SPEAKER, node(SPEAKER.node, rack="two")],
        ["no node with a live speaker has the labels of spec.nodeSelector", "kubectl label node NODE KEY=VALUE"],
    ),
    Reason.NO_SPEAKER: ({}, [], ["no speaker is alive", "DaemonSet openelb-speaker"]),
    Reason.PROTOCOL_NOT_SERVED: (
        {"protocol": Protocol.VIP},
        [SPEAKER],
        ["no speaker announces vip in this version", "set spec.protocol to layer2"],
    ),
    Reason.NO_BGP_CONF: ({"protocol": Protocol.BGP}, [SPEAKER], ["bgp needs a BgpConf default: create one"]),
    Reason.BGP_CONF_INVALID: (
        {"protocol": Protocol.BGP},
        [SPEAKER, conf(0)],
        [
            "BgpConf default has no autonomous system: give that of the cluster in spec.as; nodes that knew it before go on as it was then"
        ],
    ),
    Reason.NO_BGP_PEER: ({"protocol": Protocol.BGP}, [SPEAKER, conf()], ["create a BgpPeer for each"]),
    Reason.LEFT_TO_CNI: ({"left_to_cni": True}, [SPEAKER], [names.CNI_LABEL, "network plugin"]),
}

TOLD_ELSEWHERE = {
    Reason.ALLOCATED,
    Reason.ADOPTED,
    Reason.ANNOUNCED,
    Reason.MOVING,
    Reason.ADDRESS_CONFLICT,
    Reason.LEDGER_REPAIRED,
    Reason.ADDRESS_IN_USE_ELSEWHERE,
    Reason.ADDRESS_CLAIMED_ELSEWHERE,
    Reason.READY,
    Reason.IN_USE,
    Reason.FREE,
    Reason.OVERLAPPING,
    Reason.DISJOINT,
    Reason.EXPIRED,
    Reason.NO_LOCAL_ENDPOINT,
    Reason.NO_ENDPOINT,
    Reason.ESTABLISHED,
    Reason.NOT_ESTABLISHED,
    Reason.NOT_RUNNING,
    Reason.BGP_PEER_INVALID,
    Reason.SECRET_MISSING,
}


def test_every_reason_of_the_list_has_a_test_here():
    assert NOT_ALLOCATED.keys() | NOT_ANNOUNCED.keys() | TOLD_ELSEWHERE == set(Reason)


@pytest.mark.parametrize("reason", NOT_ALLOCATED)
def test_a_service_without_an_address_is_told_what_is_wrong_and_what_to_do(reason):
    facts, phrases = NOT_ALLOCATED[reason]
    said = told(snapshot(*facts, SPEAKER))
    assert (said.status, said.reason) == (False, reason)
    assert [phrase for phrase in phrases if phrase not in said.message] == []


@pytest.mark.parametrize("reason", NOT_ANNOUNCED)
def test_a_service_whose_address_nobody_announces_is_told_what_is_wrong_and_what_to_do(reason):
    trouble, speakers, phrases = NOT_ANNOUNCED[reason]
    said = told(snapshot(pool(used=HOLDS_ONE, **trouble), service(), *speakers), names.ANNOUNCED)
    assert (said.status, said.reason) == (False, reason)
    assert [phrase for phrase in ["Eip eip: ", *phrases] if phrase not in said.message] == []


@pytest.mark.parametrize("reason", NOT_ANNOUNCED)
def test_an_eip_that_nobody_announces_says_so_itself(reason):
    trouble, speakers, phrases = NOT_ANNOUNCED[reason]
    said = told_of_eip(snapshot(pool(**trouble), *speakers))
    assert (said.status, said.reason) == (False, reason)
    assert [phrase for phrase in phrases if phrase not in said.message] == []


def test_a_service_that_is_served_is_told_its_address_and_that_a_node_answers():
    facts = snapshot(pool(used=HOLDS_ONE), service(), SPEAKER)
    assert told(facts).message == "192.168.1.1 from Eip eip"
    assert told(facts).reason == Reason.ALLOCATED
    assert told(facts, names.ANNOUNCED).reason == Reason.ANNOUNCED
    assert "interface eth0 answers" in told(facts, names.ANNOUNCED).message


def test_an_eip_that_can_be_used_is_ready():
    assert told_of_eip(snapshot(pool(), SPEAKER)).reason == Reason.READY


def test_a_local_service_without_a_ready_endpoint_is_told_to_look_at_its_pods():
    said = told(snapshot(pool(used=HOLDS_ONE), service(local_traffic_only=True), SPEAKER), names.ANNOUNCED)
    assert said.reason == Reason.NO_LOCAL_ENDPOINT
    assert "look at the Service's pods, or set externalTrafficPolicy to Cluster" in said.message


def test_an_address_that_routers_are_told_of_is_announced_while_an_endpoint_is_ready():
    facts = [pool(protocol=Protocol.BGP, used=HOLDS_ONE), service(), SPEAKER, conf(), router()]
    said = told(snapshot(*facts, endpoints={service().key: frozenset({"a"})}), names.ANNOUNCED)
    assert (said.reason, said.message) == (Reason.ANNOUNCED, "nodes tell routers that they are a way to it (bgp)")
    assert told(snapshot(*facts), names.ANNOUNCED).reason == Reason.NO_ENDPOINT


def test_attributes_of_routes_that_nobody_understands_are_told_beside():
    wrong = service(routing=ServiceRouting(problem="openelb.io/med is 'x'"))
    facts = [pool(protocol=Protocol.BGP, used=HOLDS_ONE), wrong, SPEAKER, conf(), router()]
    said = told(snapshot(*facts, endpoints={wrong.key: frozenset({"a"})}), names.ANNOUNCED)
    assert (said.reason, said.status) == (Reason.ANNOUNCED, True)
    assert said.message.endswith("(bgp), without the attributes that annotations ask for: openelb.io/med is 'x'")


def test_a_bgp_conf_or_peers_that_cannot_be_used_are_named():
    eip = pool(protocol=Protocol.BGP)
    spoilt = told_of_eip(snapshot(eip, SPEAKER, replace(conf(), problem="spec.as is -1")))
    assert (spoilt.reason, spoilt.message) == (
        Reason.BGP_CONF_INVALID,
        f"BgpConf default cannot be used: spec.as is -1; {GOES_ON}",
    )
    none = told_of_eip(snapshot(eip, SPEAKER, conf(), replace(router(), problem="spec.conf is missing")))
    assert (none.reason, none.message) == (Reason.NO_BGP_PEER, "no BgpPeer can be used: kubectl describe bgppeer leaf")


def test_an_address_that_fell_out_of_its_pool_is_told_to_be_unanswered():
    said = told(snapshot(pool(text="192.168.1.128/25", used=HOLDS_ONE), service(), SPEAKER), names.ANNOUNCED)
    assert said.reason == Reason.ADDRESS_OUTSIDE_POOL
    assert "put the address back into spec.address" in said.message


def test_ipv6_addresses_are_announced():
    facts = snapshot(pool(text="2001:db8::/64", used={"2001:db8::1": "web"}), service(families=(6,)), HEARS_IPV6)
    assert told(facts, names.ANNOUNCED).reason == Reason.ANNOUNCED


def test_ipv6_addresses_that_no_node_can_answer_for_are_told_to_be_unanswered():
    facts = snapshot(pool(text="2001:db8::/64", used={"2001:db8::1": "web"}), service(families=(6,)), SPEAKER)
    assert told(facts, names.ANNOUNCED).reason == Reason.INTERFACE_NOT_FOUND
    assert "switch IPv6 on there" in told(facts, names.ANNOUNCED).message


def test_a_lost_speaker_counts_as_none():
    said = told(snapshot(pool(used=HOLDS_ONE), service(), SPEAKER), names.ANNOUNCED, alive=frozenset())
    assert said.reason == Reason.NO_SPEAKER


@pytest.mark.parametrize("interface", ["can_reach:172.16.0.1", "can_reach:router", "can_reach:"])
def test_an_interface_that_reaches_nothing_is_a_finding_however_it_is_written(interface):
    said = told_of_eip(snapshot(pool(interface=interface), SPEAKER))
    assert said.reason == Reason.INTERFACE_NOT_FOUND
    assert f"whose network holds {interface.removeprefix('can_reach:')}" in said.message


def test_an_eip_that_cannot_be_read_says_so():
    said = told_of_eip(snapshot(pool(text="192.168.1.0/33"), SPEAKER))
    assert (said.status, said.reason) == (False, Reason.POOL_INVALID)
    assert "'192.168.1.0/33' is no CIDR" in said.message


def test_an_eip_whose_name_fits_no_label_gives_nothing_and_says_so():
    """The label of its Services would be refused by the API server, again and again."""
    name = "a" * 64
    assert told_of_eip(snapshot(pool(name), SPEAKER)).reason == Reason.POOL_INVALID
    said = told(snapshot(pool(name), service(pool=name), SPEAKER))
    assert said.reason == Reason.POOL_INVALID
    assert "longer than the 63 characters" in said.message
    assert told_of_eip(snapshot(pool("a" * 63), SPEAKER)).reason == Reason.READY


def test_an_eip_that_is_being_deleted_names_a_few_of_its_users():
    used = {f"192.168.1.{number}": f"default/s{number}" for number in range(1, 9)}
    users = [service(f"s{number}") for number in range(1, 9)]
    said = told_of_eip(snapshot(pool(used=used, deleting=True), *users, SPEAKER))
    assert said.reason == Reason.POOL_DELETING
    assert "default/s1, default/s2, default/s3, default/s4, default/s5 and 3 more" in said.message


def test_two_wishes_that_disagree_are_told_along_with_the_address():
    wishes = {"address": "192.168.1.1", "load_balancer_ip": "192.168.1.50"}
    said = told(snapshot(pool(used=HOLDS_ONE), service(**wishes), SPEAKER))
    assert (said.status, said.reason) == (True, Reason.ALLOCATED)
    assert "spec.loadBalancerIP 192.168.1.50 is not looked at" in said.message
    assert "remove one of them" in said.message


def test_all_pools_that_refuse_are_told_up_to_a_few():
    full = [pool(f"eip-{number}", f"10.0.0.{number}", used={f"10.0.0.{number}": "db"}) for number in range(6)]
    said = told(snapshot(service(protocol="layer2"), service("db"), *full, SPEAKER))
    assert said.reason == Reason.POOL_EXHAUSTED
    assert [f"Eip eip-{number} " in said.message for number in range(6)] == [True] * 3 + [False] * 3
    assert said.message.endswith("and 3 more Eips refuse")


def test_a_protocol_that_no_eip_has_is_told():
    said = told(snapshot(service(protocol="vip"), pool(default=True), SPEAKER))
    assert said.reason == Reason.NO_POOL
    assert "no Eip has the protocol vip" in said.message


def test_a_cluster_without_any_eip_is_told():
    assert "there is no Eip yet" in told(snapshot(service(pool="eip"), SPEAKER)).message


def test_only_a_few_eips_are_named_as_alternatives():
    pools = [pool(f"eip-{number:02}", f"10.0.{number}.0/24") for number in range(12)]
    assert "eip-07 and 4 more" in told(snapshot(service(pool="none"), *pools, SPEAKER)).message


def test_a_refusal_that_quotes_a_huge_annotation_stays_short():
    assert len(told(snapshot(service(address="9" * 40_000), pool(), SPEAKER)).message) <= 1000


def test_a_spoilt_eip_keeps_in_its_status_what_it_was():
    before = PoolStatus(first="192.168.1.0", last="192.168.1.255", size=256, v4=True)
    (status,) = cluster.plan(
        snapshot(pool(text="192.168.1", status=before), SPEAKER), frozenset({"node-a"})
    ).pools.values()
    assert (status.first, status.last, status.size, status.v4, status.ready) == (
        "192.168.1.0",
        "192.168.1.255",
        256,
        True,
        False,
    )
