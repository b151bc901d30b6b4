"""ARP answered by the kernel for speakers in pods, as the how-to has it."""

import json
import time
from collections.abc import Iterator

import pytest

from lab import faults
from lab.asking import told
from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.wait import until
from tests.lab import installed
from tests.lab.test_failover import back, serve_from
from tests.lab.test_installation import metric
from tests.lab.watching import questions

PATCH = installed.REPOSITORY / "deploy" / "kernel-answering.yaml"


@pytest.fixture
def patched(openelb: Cluster) -> Iterator[Cluster]:
    """The cluster with speakers that may, and a pool that says so."""
    openelb.kubectl("-n", OPENELB, "patch", "daemonset", "openelb-speaker", "--patch-file", str(PATCH))
    openelb.rolled_out(installed.SPEAKER, namespace=OPENELB)
    pool = json.loads(installed.eip())
    pool["spec"]["layer2"] = {"answer": "Kernel"}
    openelb.apply(json.dumps(pool))
    yield openelb
    installed.clear(openelb)
    # A volume that a patch has added stays with `kubectl apply`, which knows nothing of it.
    openelb.kubectl("-n", OPENELB, "delete", "daemonset", "openelb-speaker")
    installed.install(openelb)


def test_the_kernel_answers_and_goes_on_while_a_speaker_is_started_anew(patched: Cluster) -> None:
    address = serve_from(patched, "n1")
    with questions(patched, address) as answers:
        answers.settled()
        killed = time.monotonic()
        faults.kill(patched, "speaker", "n1")
        until(lambda: back(patched, "n1", answers, killed), what="the speaker's return", timeout=30)
        assert answers.everybody() == {"n1"}, told(answers.asked)
        assert answers.longest_silence(killed) < 0.2, "a busy machine may be late"
    page = patched.node("n1").host.get("http://127.0.0.1:50053/metrics")
    assert metric(page, 'openelb_arp_answered_by_kernel_total{interface="eth0"}') > 0
    assert metric(page, 'openelb_arp_answered_total{interface="eth0"}') == 0
