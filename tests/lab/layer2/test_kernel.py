"""ARP answered by the kernel: the program itself, on frames nobody sent, and a node that answers by it on a real wire."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from lab.arp import answering_mac, question
from lab.network import Network, run
from lab.wait import require, until
from openelb.announce.layer2 import Layer2
from openelb.host import bpf, kernel
from openelb.host.kernel import KernelAnswers, Refused
from openelb.host.sockets import LinkPort
from openelb.host.state_file import boottime
from openelb.model.announcements import Claim
from openelb.model.layer2 import AnsweredBy, Layer2Choices
from openelb.wire import arp, ebpf
from openelb.wire.arp import Request
from openelb.wire.ebpf import KEY, TIME, VALUE
from tests.lab.wire import CLIENT_FOUR as CLIENT
from tests.lab.wire import FOUR as ADDRESS
from tests.lab.wire import LONG, Lan, heard
from tests.lab.wire import OTHER_FOUR as OTHER

OURS, ASKER = bytes.fromhex("02005e005301"), bytes.fromhex("02005e005302")
KERNEL, AUTO = (Layer2Choices(answer=by) for by in (AnsweredBy.KERNEL, AnsweredBy.AUTO))
SOURCE = Path(__file__).parents[3] / "src"
NANO = 1_000_000_000


# The program.


class Program:
    """The program in the kernel, with one address of ours that it may answer for during the next minute."""

    def __init__(self) -> None:
        addresses = bpf.create_map(bpf.HASH, KEY.size, VALUE.size, 16, "addresses")
        self.deadlines = bpf.create_map(bpf.ARRAY, 4, TIME.size, ebpf.DEADLINES, "deadlines")
        self.counts = bpf.create_map(bpf.ARRAY, 4, TIME.size, 1, "counts")
        self.descriptor = bpf.load(ebpf.answers(addresses, self.deadlines, self.counts), "test")
        self.descriptors = (addresses, self.deadlines, self.counts, self.descriptor)
        bpf.write(addresses, IPv4Address(ADDRESS).packed, VALUE.pack(OURS, 3))
        self.valid_for(60)

    def valid_for(self, seconds: float) -> None:
        bpf.write(self.deadlines, bytes([3, 0, 0, 0]), TIME.pack(int((boottime() + seconds) * NANO)))

    def run(self, frame: bytes) -> bytes | None:
        """Its answer; None when it passes the frame on, untouched."""
        returned, after = bpf.test_run(self.descriptor, frame)
        if returned == ebpf.NEXT:
            assert after == frame
            return None
        assert returned == ebpf.REDIRECT
        return after

    @property
    def count(self) -> int:
        return int(TIME.unpack(bpf.look_up(self.counts, bytes(4), TIME.size))[0])


@pytest.fixture
def program(machine: None) -> Iterator[Program]:
    program = Program()
    yield program
    for descriptor in program.descriptors:
        os.close(descriptor)


def asked(address: str = ADDRESS, *, sender: str = CLIENT) -> bytes:
    """A question to the loopback interface, where the kernel tries programs: to others it counts as another host's."""
    return (bytes(6) + question(address, sender_mac=ASKER, sender=sender)[6:]).ljust(60, b"\0")


def expected(frame: bytes) -> bytes | None:
    """What the process would answer; the padding of an answer is that of its question."""
    read = arp.parse(frame)
    if not isinstance(read, Request) or read.target != IPv4Address(ADDRESS):
        return None
    return arp.reply(read, mac=OURS)[:42] + frame[42:]


def test_a_question_is_answered_as_the_process_would(program: Program) -> None:
    assert program.run(asked()) == expected(asked())
    assert program.run(asked()) == arp.reply(Request(ASKER, IPv4Address(CLIENT), IPv4Address(ADDRESS)), mac=OURS)
    assert program.count == 2


def test_a_probe_is_answered(program: Program) -> None:
    probe = asked(sender="0.0.0.0")
    assert expected(probe)
    assert program.run(probe) == expected(probe)


def test_others_questions_and_those_that_come_too_late_are_passed_on(program: Program) -> None:
    assert program.run(asked(OTHER)) is None
    program.valid_for(-1)
    assert program.run(asked()) is None
    assert program.count == 0


def test_short_long_and_tagged_frames_are_passed_on_or_answered_in_full(program: Program) -> None:
    whole = asked()
    for size in range(14, 42):
        assert program.run(whole[:size]) is None
    for size in (42, 59, 60, 61, 1500):
        assert program.run(whole[:size].ljust(size, b"\x5a")) == expected(whole[:size].ljust(size, b"\x5a"))
    assert program.run(whole[:12] + bytes.fromhex("81000005") + whole[12:]) is None


@pytest.mark.parametrize("place", range(6, 42))
def test_with_any_other_octet_it_does_what_the_process_would(program: Program, place: int) -> None:
    """But for the destination: whom the loopback interface takes a frame to be for depends on it."""
    for octet in range(256):
        frame = bytearray(asked())
        frame[place] = octet
        assert program.run(bytes(frame)) == expected(bytes(frame)), frame.hex()


def test_a_hundred_thousand_spoilt_frames_are_judged_as_the_process_would(program: Program) -> None:
    """Octets changed here and there, and frames of chance."""
    chance = random.Random(826)
    answered = 0
    for _ in range(100_000):
        frame = bytearray(asked() if chance.random() < 0.9 else chance.randbytes(chance.randint(60, 80)))
        for _ in range(chance.randint(0, 4)):
            frame[chance.randrange(min(12, len(frame)), len(frame))] = chance.choice(
                (0, 1, 2, 255, chance.randrange(256))
            )
        frame[:6] = bytes(6)
        told = expected(bytes(frame))
        answered += told is not None
        assert program.run(bytes(frame)) == told, frame.hex()
    assert answered > 10_000


# A node.


class KernelLan(Lan):
    """A LAN whose node may keep answers of the kernel beside its process."""

    def __init__(self, network: Network, pins: Path) -> None:
        super().__init__(network)
        self.pins = pins
        self.layer2 = Layer2(partial(LinkPort, pins=pins))

    def claim(self, *addresses: str, choices: Layer2Choices = KERNEL, valid_for: float = LONG) -> None:
        claims = frozenset(Claim(ip_address(address), "eth0", choices=choices) for address in addresses)
        with self.node.inside():
            self.layer2.apply(claims, valid_until=time.monotonic() + valid_for)
        self.settle()

    def answers(self, address: str = ADDRESS, *, within: float = 0.2) -> list[bytes]:
        """Every answer to one question, as it comes."""
        with heard(self.client, arp.ETHERTYPE) as ears:
            mac = ears.getsockname()[4]
            ears.send(question(address, sender_mac=mac, sender=CLIENT))
            return list(_answers(ears, address, within))

    @property
    def by_kernel(self) -> int:
        """How many of its answers were the kernel's, when it last looked."""
        return self.layer2.counts["eth0"].by_kernel


def _answers(ears: socket.socket, address: str, within: float) -> Iterator[bytes]:
    end = time.monotonic() + within
    while (left := end - time.monotonic()) > 0:
        ears.settimeout(left)
        try:
            frame = ears.recv(2048)
        except TimeoutError:
            return
        if answering_mac(frame, address) and frame[:6] != b"\xff" * 6:
            yield frame


@pytest.fixture
def pins(tmp_path: Path, machine: None) -> Iterator[Path]:
    """A place to keep links, on a bpf file system of its own."""
    run(["mount", "-t", "bpf", "bpf", str(tmp_path)])
    yield tmp_path / "openelb"
    run(["umount", str(tmp_path)])


@pytest.fixture
def lan(network: Network, pins: Path) -> Iterator[KernelLan]:
    lan = KernelLan(network, pins)
    yield lan
    lan.layer2.stop()


def kept(pins: Path) -> int:
    """How many links are kept."""
    return len(list(pins.iterdir())) if pins.exists() else 0


def answered_once(lan: KernelLan, address: str = ADDRESS) -> None:
    """Every question has one answer, the node's."""
    for _ in range(20):
        assert [answering_mac(frame, address) for frame in lan.answers(address, within=0.02)] == [lan.node.mac()]


@pytest.mark.parametrize("choices", [KERNEL, AUTO], ids=["kernel", "auto"])
def test_the_kernel_answers_each_question_once(lan: KernelLan, choices: Layer2Choices) -> None:
    lan.claim(ADDRESS, choices=choices)
    answered_once(lan)
    assert lan.counts.answered == lan.counts.received == 0, "the process was not even woken"
    lan.claim(ADDRESS, choices=choices, valid_for=2000)
    until(lambda: require(lan.by_kernel == 20, f"{lan.by_kernel}"), what="the kernel's count", timeout=5)


def test_the_kernel_of_a_client_finds_the_node(lan: KernelLan) -> None:
    lan.claim(ADDRESS)
    lan.client.forget_neighbours()
    with lan.client.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"", (ADDRESS, 9))
    until(
        lambda: require("REACHABLE" in (seen := lan.client.ip("neigh", "show", ADDRESS)), seen),
        what="the node in the client's cache",
        timeout=5,
    )
    assert lan.node.mac() in lan.client.ip("neigh", "show", ADDRESS)


def test_addresses_of_the_process_and_of_the_kernel_are_answered_on_one_link(lan: KernelLan) -> None:
    with lan.node.inside():
        mixed = frozenset({Claim(IPv4Address(ADDRESS), "eth0", choices=KERNEL), Claim(IPv4Address(OTHER), "eth0")})
        lan.layer2.apply(mixed, valid_until=time.monotonic() + 1000)
    lan.settle()
    answered_once(lan)
    assert lan.counts.answered == 0
    answered_once(lan, OTHER)
    assert lan.counts.answered == 20
    assert lan.answers("10.79.0.202") == []


def test_another_choice_is_followed_and_every_question_goes_on_to_have_one_answer(lan: KernelLan) -> None:
    lan.claim(ADDRESS, choices=Layer2Choices())
    for choices in (KERNEL, Layer2Choices(), KERNEL):
        lan.claim(ADDRESS, choices=choices)
        until(lambda choices=choices: require(kept(lan.pins) == (choices is KERNEL), ""), what="it", timeout=5)
        answered_once(lan)


def test_what_is_not_claimed_any_more_is_silent(lan: KernelLan) -> None:
    lan.claim(ADDRESS, OTHER)
    lan.claim(OTHER)
    until(lambda: require(not lan.answers(), "it is answered"), what="silence", timeout=2)
    answered_once(lan, OTHER)
    with lan.node.inside():
        lan.layer2.apply(frozenset(), valid_until=time.monotonic() + 1000)
    assert lan.answers(OTHER) == []
    assert kept(lan.pins) == 0


def test_who_is_not_renewed_falls_silent(lan: KernelLan) -> None:
    lan.claim(ADDRESS, choices=Layer2Choices(answer=AnsweredBy.KERNEL, restart_grace=0), valid_for=1.0)
    end = time.monotonic() + 1.0
    assert lan.answers()
    time.sleep(max(0.0, end - time.monotonic()))
    assert lan.answers() == []
    lan.claim(ADDRESS)
    until(lambda: require(lan.answers(), "nobody answers"), what="an answer", timeout=5)
    answered_once(lan)


def test_another_mac_is_answered_with_the_next_renewal(lan: KernelLan) -> None:
    lan.claim(ADDRESS)
    lan.node.ip("link", "set", "eth0", "address", "02:00:5e:00:53:77")
    lan.claim(ADDRESS, valid_for=2000)
    until(
        lambda: require(lan.client.who_has(ADDRESS, within=0.1) == {"02:00:5e:00:53:77"}, "another MAC"),
        what="an answer with the other MAC",
        timeout=5,
    )


def test_a_link_that_was_replaced_is_answered_on_again(lan: KernelLan) -> None:
    lan.claim(ADDRESS)
    lan.node.ip("link", "del", "eth0")
    lan.node.attach(lan.switch, "eth0", "10.79.0.11/24")
    lan.claim(ADDRESS, valid_for=2000)
    until(lambda: require(lan.answers(), "nobody answers"), what="an answer", timeout=5)
    assert len(lan.answers()) == 1


def test_a_link_that_somebody_detached_is_attached_again(lan: KernelLan) -> None:
    lan.claim(ADDRESS)
    (path,) = lan.pins.iterdir()
    link = bpf.pinned(path)
    assert link is not None
    bpf.detach(link)
    os.close(link)
    assert lan.answers() == []
    lan.claim(ADDRESS, valid_for=2000)
    until(lambda: require(lan.answers(), "nobody answers"), what="an answer", timeout=5)
    assert len(lan.answers()) == 1


def test_a_question_with_a_priority_tag_is_answered_without_it(lan: KernelLan) -> None:
    lan.claim(ADDRESS)
    with heard(lan.client, arp.ETHERTYPE) as ears:
        asking = question(ADDRESS, sender_mac=ears.getsockname()[4], sender=CLIENT)
        ears.send(asking[:12] + bytes.fromhex("8100e000") + asking[12:])
        (answer,) = _answers(ears, ADDRESS, 0.2)
        assert answer[12:14] == bytes.fromhex("0806")
        ears.send(asking[:12] + bytes.fromhex("81000005") + asking[12:])
        assert list(_answers(ears, ADDRESS, 0.2)) == []


def test_what_is_asked_of_another_host_is_not_answered(lan: KernelLan) -> None:
    lan.claim(ADDRESS)
    lan.node.ip("link", "set", "eth0", "promisc", "on")
    with heard(lan.client, arp.ETHERTYPE) as ears:
        asking = question(ADDRESS, sender_mac=ears.getsockname()[4], sender=CLIENT)
        ears.send(bytes.fromhex("02005e0053aa") + asking[6:])
        assert list(_answers(ears, ADDRESS, 0.2)) == []


def test_ipv6_stays_with_the_process(lan: KernelLan) -> None:
    lan.claim(ADDRESS, "fd00:79::200")
    assert lan.client.who_has("fd00:79::200") == {lan.node.mac()}
    assert lan.counts_ipv6.answered == 1
    answered_once(lan)


def test_ten_thousand_addresses_cost_a_renewal_nothing(lan: KernelLan) -> None:
    many = [f"10.101.{number // 250}.{number % 250}" for number in range(10_000)]
    lan.claim(*many)
    until(lambda: require(lan.answers(many[-1]), "nobody answers"), what="an answer", timeout=10)
    answers = KernelAnswers("eth0", pins=lan.pins)
    graces = {IPv4Address(address): 3 for address in many}
    mac = bytes.fromhex(lan.node.mac().replace(":", ""))
    with lan.node.inside():
        began = time.monotonic()
        answers.follow(graces, mac, time.monotonic() + 4)
        first = time.monotonic()
        for _ in range(100):
            answers.follow(graces, mac, time.monotonic() + 4)
        each = (time.monotonic() - first) / 100
        answers.forget()
    print(f"10,000 addresses: {(first - began) * 1e3:.1f} ms to begin, {each * 1e6:.0f} µs to renew")
    assert each < 0.01


# Restarts.


@contextlib.contextmanager
def speaker(
    lan: KernelLan, *, capabilities: str = "-all,+net_raw,+net_admin,+bpf", grace: int = 2
) -> Iterator[subprocess.Popen[str]]:
    """A process that answers by the kernel while it is there, and says what it logs."""
    program = f"""
import logging, signal, sys, time
from functools import partial
from pathlib import Path
from ipaddress import ip_address
from openelb.announce.layer2 import Layer2
from openelb.host.sockets import LinkPort
from openelb.model.announcements import Claim
from openelb.model.layer2 import AnsweredBy, Layer2Choices
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")
layer2 = Layer2(partial(LinkPort, pins=Path("{lan.pins}")))
signal.signal(signal.SIGTERM, lambda *_: (layer2.stop(kept=True), sys.exit()))
signal.signal(signal.SIGINT, lambda *_: (layer2.stop(), sys.exit()))
claim = Claim(ip_address("{ADDRESS}"), "eth0", choices=Layer2Choices(answer=AnsweredBy.KERNEL, restart_grace={grace}))
while True:
    layer2.apply(frozenset({{claim}}), valid_until=time.monotonic() + 1)
    time.sleep(0.1)
    print("answering", flush=True)
"""
    limits = ["--no-new-privs", f"--bounding-set={capabilities}", f"--inh-caps={capabilities}"]
    with lan.node.inside():
        running = subprocess.Popen(
            ["/usr/bin/setpriv", *limits, sys.executable, "-u", "-c", program],
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    with running:
        until(lambda: require(lan.answers(), "nobody answers"), what="an answer", timeout=10)
        yield running
        running.kill()


def unanswered(lan: KernelLan, seconds: float) -> list[float]:
    """The seconds of the questions that had no answer, asked every 20 ms; more than one answer is a failure."""
    began, lost = time.monotonic(), []
    while (now := time.monotonic() - began) < seconds:
        answers = lan.answers(within=0.02)
        assert len(answers) < 2
        if not answers:
            lost.append(now)
    return lost


def test_a_speaker_that_is_killed_and_back_leaves_no_question_unanswered(lan: KernelLan) -> None:
    with speaker(lan, grace=10) as first:  # also on a slow computer the next one has begun by then
        first.kill()
        assert unanswered(lan, 1.0) == []
    with speaker(lan, grace=10):
        assert unanswered(lan, 3.0) == []


def test_a_speaker_that_is_killed_and_not_back_is_silent_after_its_grace(lan: KernelLan) -> None:
    with speaker(lan) as killed:
        killed.kill()
        lost = unanswered(lan, 3.5)
    assert 1.5 < lost[0] < 2.5
    assert len(lost) > 20


@pytest.mark.parametrize(("how", "goes_on"), [("terminate", True), ("interrupt", False)])
def test_a_speaker_that_stops_leaves_answers_to_a_successor_only(lan: KernelLan, how: str, goes_on: bool) -> None:
    with speaker(lan) as stopped:
        stopped.send_signal({"terminate": 15, "interrupt": 2}[how])
        stopped.wait(timeout=5)
        assert bool(lan.answers()) is goes_on
        assert kept(lan.pins) == goes_on


def test_who_comes_after_and_claims_nothing_for_the_kernel_clears_what_was_left(lan: KernelLan) -> None:
    with speaker(lan) as first:
        first.kill()
        first.wait()
        assert kept(lan.pins) == 1
        lan.claim(OTHER, choices=Layer2Choices())
        assert lan.answers() == []
        assert kept(lan.pins) == 0


def test_where_nothing_can_be_kept_the_answers_end_with_the_process(network: Network, tmp_path: Path) -> None:
    lan = KernelLan(network, tmp_path / "no" / "place")
    with speaker(lan) as first:
        assert first.stdout is not None
        said = [first.stdout.readline() for _ in range(3)]
        assert any("answers of the kernel on eth0 end with this process" in line for line in said), said
        assert len(lan.answers()) == 1
        first.kill()
        first.wait()
        assert lan.answers() == []


# Rights, and kernels that refuse.


@pytest.mark.parametrize("missing", ["bpf", "net_admin"])
def test_without_a_capability_the_process_answers_and_says_which(lan: KernelLan, missing: str) -> None:
    given = "".join(f",+{each}" for each in ("net_raw", "net_admin", "bpf") if each != missing)
    with speaker(lan, capabilities=f"-all{given}") as running:
        assert running.stdout is not None
        said = [running.stdout.readline() for _ in range(3)]
        told = "the kernel does not answer on eth0, so this process does: it may not: give the speaker the capabilities BPF and NET_ADMIN\n"
        assert told in said
        answered_once(lan)


def test_more_addresses_than_there_is_room_for_are_left_to_the_process(lan: KernelLan) -> None:
    graces = {IPv4Address(number): 3 for number in range(1, kernel.MOST + 2)}
    answers = KernelAnswers("eth0", pins=lan.pins)
    with lan.node.inside(), pytest.raises(Refused, match=f"there are more than {kernel.MOST} addresses"):
        answers.follow(graces, OURS, time.monotonic() + 60)
    assert kept(lan.pins) == 0
    with lan.node.inside(), pytest.raises(Refused):
        answers.follow({IPv4Address(ADDRESS): 3}, OURS, time.monotonic() + 60)
    assert lan.answers() == [], "it is tried again after a while, and not with every renewal"
