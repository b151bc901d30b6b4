"""Which settings of a machine trouble users."""

from openelb.model.host import HostSettings
from openelb.plan.hosting import GOSSIP, Trouble, troubles

BOTH = frozenset({"eth0", "eth1"})
IPVS = frozenset({"eth0", "eth1", "kube-ipvs0"})


def found(settings, announced=frozenset({"eth0"})):
    return troubles(settings, BOTH, announced)


def test_a_machine_as_most_are_troubles_nobody():
    assert found(HostSettings(BOTH, {"eth0": 0, "eth1": 0}, {"eth0": 1, "eth1": 1}, frozenset({"eth0"}))) == {}
    assert found(HostSettings()) == {}


def test_with_ipvs_the_kernel_answers_for_all_addresses_unless_it_is_told_not_to():
    told = found(HostSettings(IPVS, {"eth0": 0, "eth1": 1}))
    assert list(told) == [(Trouble.STRICT_ARP, "")]
    assert "answers ARP on eth0 for" in told[Trouble.STRICT_ARP, ""]
    assert "set ipvs.strictARP: true" in told[Trouble.STRICT_ARP, ""]
    assert found(HostSettings(IPVS, {"eth0": 1, "eth1": 2})) == {}


def test_strict_reverse_paths_drop_what_comes_by_another_way_than_the_default():
    settings = HostSettings(BOTH, {}, {"eth0": 1, "eth1": 1}, frozenset({"eth0"}))
    told = found(settings, BOTH)
    assert list(told) == [(Trouble.REVERSE_PATH, "eth1")]
    assert "Set net.ipv4.conf.eth1.rp_filter=2" in told[Trouble.REVERSE_PATH, "eth1"]
    assert found(HostSettings(BOTH, {}, {"eth1": 2}, frozenset({"eth0"})), BOTH) == {}
    assert found(HostSettings(BOTH, {}, {"eth1": 1}), BOTH) == {}  # it reaches its own networks alone


def test_another_load_balancer_is_told_by_its_port():
    assert list(found(HostSettings(taken_ports=frozenset({GOSSIP})))) == [(Trouble.ANOTHER, "")]
