"""Layer 2 on a real wire: what a client on the LAN sees of a node that answers for addresses, by ARP and neighbour discovery."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab import arp, ndp
from lab.network import Host, Network
from lab.wait import require, until
from openelb.announce.layer2 import Layer2
from openelb.host.sockets import LinkPort
from openelb.model.announcements import Claim
from openelb.wire.arp import Operation, announcement
from tests.lab.wire import FOUR as ADDRESS
from tests.lab.wire import LONG, OTHER_FOUR, OTHER_SIX, SIX, Lan, answer_time, answers_soon, heard, question


@dataclass(frozen=True, slots=True)
class Family:
    """Two addresses of one family, and the kind of frames by which they are asked for."""

    address: str
    other: str
    ethertype: int


ARP, NDP = Family(ADDRESS, OTHER_FOUR, arp.ETHERTYPE), Family(SIX, OTHER_SIX, ndp.ETHERTYPE)


@pytest.fixture
def lan(network: Network) -> Iterator[Lan]:
    lan = Lan(network)
    yield lan
    lan.layer2.stop()


@pytest.fixture(params=[pytest.param(ARP, id="ARP"), pytest.param(NDP, id="neighbour discovery")])
def family(request: pytest.FixtureRequest) -> Family:
    assert isinstance(request.param, Family)
    return request.param


# Answers, in both families.


def test_a_probe_is_answered(lan: Lan, family: Family) -> None:
    lan.apply(family.address)
    lan.settle()
    assert answers_soon(lan, family.address, probe=True)


def test_nobody_answers_for_what_is_not_claimed(lan: Lan, family: Family) -> None:
    lan.apply(family.address)
    lan.settle()
    assert lan.client.who_has(family.other) == frozenset()


def test_a_dropped_claim_is_silent(lan: Lan, family: Family) -> None:
    lan.apply(family.address, family.other)
    lan.settle()
    lan.apply(family.other)
    assert lan.client.who_has(family.address) == frozenset()
    assert answers_soon(lan, family.other)


def test_claims_that_are_not_renewed_fall_silent_and_come_back(lan: Lan, family: Family) -> None:
    lan.apply(family.address, valid_for=1)
    lapse = time.monotonic() + 1
    assert answers_soon(lan, family.address)
    time.sleep(max(0, lapse - time.monotonic()))
    assert lan.client.who_has(family.address) == frozenset()
    lan.apply(family.address)
    assert answers_soon(lan, family.address)


def test_answers_come_within_milliseconds(lan: Lan, family: Family) -> None:
    lan.apply(family.address)
    lan.settle()
    with heard(lan.client, family.ethertype) as ears:
        asked = question(ears, family.address)
        times = sorted(answer_time(ears, asked, family.address) for _ in range(500))
    print(f"answer: median {times[250] * 1e6:.0f} µs, p99 {times[494] * 1e6:.0f} µs, worst {times[-1] * 1e6:.0f} µs")
    assert times[250] < 0.01


# Answers by ARP.


def test_the_node_answers_with_its_mac(lan: Lan) -> None:
    lan.apply(ADDRESS)
    lan.settle()
    assert answers_soon(lan, ADDRESS)


def test_answers_come_while_the_main_thread_is_busy(lan: Lan) -> None:
    lan.apply(ADDRESS)
    lan.settle()
    times: list[float] = []

    def ask() -> None:
        asked = question(ears, ADDRESS)
        times.extend(answer_time(ears, asked, ADDRESS) for _ in range(20))

    with heard(lan.client, arp.ETHERTYPE) as ears:
        asker = threading.Thread(target=ask)
        asker.start()
        while asker.is_alive():
            busy_until = time.monotonic() + 0.08
            while time.monotonic() < busy_until:
                pass
            asker.join(0.001)
    print(f"answer beside a busy main thread: worst {max(times) * 1e3:.1f} ms of {len(times)}")
    assert max(times) < 1, "a client asks again after a second"


def test_a_thousand_scattered_addresses_are_answered(lan: Lan) -> None:
    addresses = [f"10.80.{number // 100}.{2 * (number % 100)}" for number in range(1000)]
    lan.apply(*addresses)
    lan.settle()
    assert answers_soon(lan, addresses[-1])
    assert lan.client.who_has("10.80.0.1") == frozenset()


# Announcements.


def test_both_forms_of_announcement_are_on_the_wire(lan: Lan) -> None:
    with heard(lan.client, arp.ETHERTYPE) as ears:
        lan.apply(ADDRESS)
        frames = [ears.recv(2048) for _ in range(4)]
    mac = bytes.fromhex(lan.node.mac().replace(":", ""))
    forms = [announcement(IPv4Address(ADDRESS), form, mac=mac) for form in Operation]
    assert frames == [*forms, *forms]


def test_an_announcement_corrects_the_cache_of_a_client(lan: Lan) -> None:
    lan.client.ip("neigh", "add", ADDRESS, "lladdr", "02:00:5e:00:53:99", "nud", "stale", "dev", "eth0")
    lan.apply(ADDRESS)
    until(
        lambda: require(lan.node.mac() in (seen := lan.client.ip("neigh", "show", ADDRESS)), seen),
        what="the node's MAC in the client's cache",
        timeout=5,
        every=0.005,
    )


# What wakes the process.


def test_other_traffic_does_not_wake_the_process(lan: Lan) -> None:
    lan.apply(ADDRESS)
    lan.settle()
    with heard(lan.client, arp.ETHERTYPE) as ears:
        others = [question(ears, f"10.79.0.{last}") for last in (1, 11, 199, 201, 255)]
        asked = question(ears, ADDRESS)
        elsewhere = bytes.fromhex("02005e0053aa") + asked[6:]
        reply = announcement(IPv4Address(OTHER_FOUR), Operation.REPLY, mac=asked[6:12])
        tagged = asked[:12] + bytes.fromhex("81000005") + asked[12:]
        lan.node.ip("link", "set", "eth0", "promisc", "on")
        for frame in [*others, elsewhere, reply, tagged] * 20:
            ears.send(frame)
        answer_time(ears, asked, ADDRESS)
    assert lan.counts.received == 1


def test_a_thread_with_nothing_to_do_sleeps(lan: Lan) -> None:
    waits: list[float] = []

    class Counted(LinkPort):
        def wait(self, timeout: float) -> None:
            waits.append(timeout)
            super().wait(timeout)

    lan.layer2 = Layer2(Counted)
    for _ in range(10):
        lan.apply(ADDRESS)
        time.sleep(0.05)
    assert len(waits) < 30, "one for each bell and each announcement"


def test_a_question_with_a_priority_tag_is_one_of_this_lan(lan: Lan) -> None:
    lan.apply(ADDRESS)
    lan.settle()
    with heard(lan.client, arp.ETHERTYPE) as ears:
        asked = question(ears, ADDRESS)
        assert answer_time(ears, asked[:12] + bytes.fromhex("8100e000") + asked[12:], ADDRESS) < 1


# Links that come, go and change.


def test_a_link_that_was_down_answers_soon(lan: Lan, caplog: pytest.LogCaptureFixture) -> None:
    lan.apply(ADDRESS)
    lan.settle()
    lan.node.ip("link", "set", "eth0", "down")
    until(lambda: require(caplog.messages, "no word in the log"), what="word that the link is down", timeout=2)
    time.sleep(1.2)  # it is tried again after a second
    lan.node.ip("link", "set", "eth0", "up")
    assert answers_soon(lan, ADDRESS)
    assert caplog.messages == ["cannot answer on eth0: Network is down; trying again every 1 s"]


def test_a_link_that_was_replaced_answers_with_its_other_mac(lan: Lan) -> None:
    lan.apply(ADDRESS)
    lan.settle()
    lan.node.ip("link", "del", "eth0")
    lan.node.attach(lan.switch, "eth0", "10.79.0.11/24")
    lan.node.ip("link", "set", "eth0", "address", "02:00:5e:00:53:77")
    assert answers_soon(lan, ADDRESS)


def test_a_link_that_is_not_there_yet_answers_when_it_is(network: Network) -> None:
    lan = Lan(network)
    lan.node.ip("link", "set", "eth0", "down", "name", "later0")
    lan.apply(ADDRESS)
    lan.node.ip("link", "set", "later0", "name", "eth0", "up")
    assert answers_soon(lan, ADDRESS)
    lan.layer2.stop()


def test_a_link_that_is_no_ethernet_is_told_once(lan: Lan, caplog: pytest.LogCaptureFixture) -> None:
    lan.node.ip("tuntap", "add", "tun0", "mode", "tun")
    lan.node.ip("link", "set", "tun0", "up")
    with lan.node.inside():
        lan.layer2.apply(frozenset({Claim(IPv4Address(ADDRESS), "tun0")}), valid_until=time.monotonic() + LONG)
    time.sleep(1.2)  # it is tried again after a second
    told = "cannot answer on tun0: it is no Ethernet link, so there is no ARP; trying again every 1 s"
    assert caplog.messages == [told]


def test_another_mac_is_announced_with_the_next_renewal(lan: Lan) -> None:
    lan.apply(ADDRESS)
    lan.settle()
    lan.node.ip("link", "set", "eth0", "address", "02:00:5e:00:53:77")
    lan.apply(ADDRESS)
    assert lan.node.mac() == "02:00:5e:00:53:77"
    assert answers_soon(lan, ADDRESS)


# Rights.


@pytest.mark.parametrize("address", [ADDRESS, SIX])
def test_one_capability_is_enough(address: str, lan: Lan) -> None:
    program = f"""
import time
from ipaddress import ip_address
from openelb.announce.layer2 import Layer2
from openelb.host.links import links, mac_of
from openelb.host.sockets import LinkPort
from openelb.model.announcements import Claim
assert links()[0].name == "eth0" and mac_of("eth0")
Layer2(LinkPort).apply(frozenset({{Claim(ip_address("{address}"), "eth0")}}), valid_until=time.monotonic() + 60)
print("ready", flush=True)
time.sleep(60)
"""
    with limited(lan.node, program, capabilities="-all,+net_raw") as speaker:
        assert speaker.stdout is not None
        assert speaker.stdout.readline() == "ready\n"
        assert answers_soon(lan, address)


def test_without_the_capability_the_sentence_names_it(lan: Lan) -> None:
    program = "from openelb.host.sockets import LinkPort; LinkPort('eth0')"
    with limited(lan.node, program, capabilities="-all") as speaker:
        _, complaint = speaker.communicate(timeout=20)
    assert "PermissionError: [Errno 1] layer2 needs the capability NET_RAW" in complaint


@contextlib.contextmanager
def limited(host: Host, program: str, *, capabilities: str) -> Iterator[subprocess.Popen[str]]:
    """The Python program as root on the host, as in a pod: with these capabilities and no way to more."""
    source = str(Path(__file__).parents[2] / "src")
    limits = ["setpriv", "--no-new-privs", f"--bounding-set={capabilities}", f"--inh-caps={capabilities}"]
    running = subprocess.Popen(
        ["ip", "netns", "exec", host.netns, *limits, sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": source},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        yield running
        running.kill()
