"""What kills, starves and hampers processes on real machines: each goes on with what it can, and says in a sentence what it cannot."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import faults
from lab.asking import Answers, told
from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.network import CommandError
from lab.wait import require, until
from openelb.model import names
from openelb.plan.liveness import TTL_SECONDS
from tests.lab import installed
from tests.lab.test_failover import address_of_node, serve_from, stand_still
from tests.lab.watching import questions

SPEAKERS = "a speaker on every node"
AWAY = 12.0
"""Seconds after which the API server has been away for longer than any renewal counts."""
AFTERWARDS = 8.0
"""Seconds in which it is looked that nothing moves: two lives of a Lease."""
IDLE = 60.0
"""Seconds without a line: a trouble that lasts may be told once in so many."""
MOST_EVER = "400 * 1024 * 1024"
"""Bytes; twice what the manifest allows a speaker."""


@pytest.fixture
def fresh(pool: Cluster) -> Cluster:
    """Speakers that were never killed: the kubelet starts the first of a pod's containers to die at once, the next ones later."""
    installed.wake_nodes(pool)
    pool.kubectl("-n", OPENELB, "delete", "pods", "-l", "component=speaker", timeout=150)
    # Not by the DaemonSet's status: after the API server was away, its controller may not watch again for a minute.
    until(lambda: require(len(ready_speakers(pool)) == len(pool.nodes), "some are missing"), what=SPEAKERS, timeout=150)
    installed.roll_out(pool)
    return pool


# A restart while the API server is away.


def test_a_speaker_killed_while_the_api_server_is_away_goes_on_and_nothing_moves(fresh: Cluster) -> None:
    address = serve_from(fresh, "n2")
    with questions(fresh, address) as answers:
        answers.settled()
        faults.api_server_stop(fresh)
        stand_still(AWAY)
        killed = time.monotonic()
        faults.kill(fresh, "speaker", "n2")
        until(lambda: answered_again(answers, killed), what="the speaker's return", timeout=30)
        stand_still(AFTERWARDS)
        faults.api_server_start(fresh)
        stand_still(AFTERWARDS)
        assert answers.everybody() == {"n2"}, told(answers.asked)
        assert answers.longest_silence(killed) < TTL_SECONDS, told(answers.since(killed))
        print(f"answered again {answers.longest_silence(killed):.2f} s after the kill")
    assert "going on with 1 of 1 addresses of the speaker before this one" in speaker_log(fresh, "n2")


def test_a_speaker_that_is_late_while_the_api_server_is_away_is_silent_and_another_answers(fresh: Cluster) -> None:
    address = serve_from(fresh, "n3")
    with questions(fresh, address) as answers:
        answers.settled()
        faults.api_server_stop(fresh)
        first = time.monotonic()
        faults.kill(fresh, "speaker", "n3")
        until(lambda: answered_again(answers, first), what="the speaker's return", timeout=30)
        killed = time.monotonic()
        faults.kill(fresh, "speaker", "n3")  # the second time, the kubelet waits for ten seconds
        until(lambda: require("s ago, so others may have" in speaker_log(fresh, "n3"), "no line"), what="its sentence")
        stand_still(AWAY)
        heirs = answers.everybody(killed + installed.GRACE + 2.0)
        assert "n3" not in heirs, told(answers.since(killed))
        assert heirs, "another node answers, by heartbeats alone"
        faults.api_server_start(fresh)
        assert answers.settled() in heirs


def test_a_speaker_asked_to_stop_while_the_api_server_is_away_is_back_and_nothing_moves(fresh: Cluster) -> None:
    address = serve_from(fresh, "n1")
    with questions(fresh, address) as answers:
        answers.settled()
        faults.api_server_pause(fresh)  # it takes questions and says nothing, which takes longest
        asked = time.monotonic()
        faults.stop(fresh, "speaker", "n1")
        until(lambda: answered_again(answers, asked), what="the speaker's return", timeout=30)
        stand_still(AFTERWARDS)
        faults.api_server_resume(fresh)
        stand_still(AFTERWARDS)
        assert answers.everybody() == {"n1"}, told(answers.asked)
        assert answers.longest_silence(asked) < TTL_SECONDS, told(answers.since(asked))


# Out of memory.


def test_a_speaker_that_the_kernel_kills_for_memory_is_back_and_nothing_moves(fresh: Cluster) -> None:
    address = serve_from(fresh, "n1")
    with questions(fresh, address) as answers:
        answers.settled()
        for pid in installed.container(fresh, "speaker", "n1"):
            Path(f"/proc/{pid}/oom_score_adj").write_text("1000")  # of all in the container, it is the one to go
        killed = time.monotonic()
        pod = speaker_on(fresh, "n1")["metadata"]["name"]
        eat = ("python3", "-c", f"import time; eaten = b'x' * ({MOST_EVER}); time.sleep(60)")
        with pytest.raises(CommandError):
            fresh.kubectl("-n", OPENELB, "exec", pod, "--", *eat)
        until(lambda: require(ended(fresh, "n1") == "OOMKilled", "it goes on"), what="the end of the speaker")
        until(lambda: answered_again(answers, killed), what="the speaker's return", timeout=30)
        stand_still(AFTERWARDS)
        assert answers.everybody() == {"n1"}, told(answers.asked)
        assert answers.longest_silence(killed) < TTL_SECONDS, told(answers.since(killed))


# A full disk.


@pytest.fixture
def without_room(pool: Cluster) -> Iterator[Cluster]:
    """Both processes, with a full device in the place of standard error, and a speaker's state file on a full disk."""
    speaker = "head -c 99999999 /dev/zero > /run/openelb/all; exec openelb speaker 2> /dev/full"
    change_command(pool, installed.SPEAKER, "speaker", speaker)
    change_command(pool, installed.MANAGER, "manager", "exec openelb-manager 2> /dev/full")
    installed.roll_out(pool)
    yield pool
    installed.install(pool)


def test_who_can_write_no_log_and_no_file_goes_on(without_room: Cluster) -> None:
    cluster = without_room
    address = serve_from(cluster, "n2")
    with questions(cluster, address) as answers:
        answers.settled()
        cluster.apply(installed.from_pool("broken", "no-such-pool"))  # which is something to tell
        installed.serve(cluster, "another")
        stand_still(AFTERWARDS)
        assert answers.everybody() == {"n2"}, told(answers.asked)
    for pod in installed.pods(cluster, "app.kubernetes.io/name=openelb"):
        assert {each["restartCount"] for each in pod["status"]["containerStatuses"]} == {0}


def change_command(cluster: Cluster, workload: str, container: str, script: str) -> None:
    containers = [{"name": container, "command": ["sh", "-c", script]}]
    patch = json.dumps({"spec": {"template": {"spec": {"containers": containers}}}})
    cluster.kubectl("-n", OPENELB, "patch", workload, "--type=strategic", "-p", patch)


# A right that is missing.


@pytest.fixture
def mended(pool: Cluster) -> Iterator[Cluster]:
    """The cluster, with all rights restored after the test."""
    yield pool
    pool.apply(installed.MANIFEST)
    installed.roll_out(pool)


def test_a_manager_that_may_not_write_services_says_so_and_does_the_rest(mended: Cluster) -> None:
    deny(mended, "clusterrole", "openelb-manager", "services/status", "patch")
    mended.apply(installed.from_pool("web"))
    until(lambda: require("default/web" in ledger(mended).values(), "no entry"), what="the ledger to have the Service")
    mended.apply(installed.eip("other", "10.80.0.0/30"))
    until(lambda: installed.condition(installed.get_eip(mended, "other"), names.READY), what="the other Eip")
    sentence = "the API server refused to patch services/status default/web: 403 Forbidden"
    until(lambda: require(sentence in logs(mended, "openelb-manager"), "no such line"), what="the sentence")
    stand_still(AFTERWARDS)
    lines = [line for line in logs(mended, "openelb-manager").splitlines() if sentence in line]
    assert len(lines) == 1, "once is enough"
    assert 'cannot patch resource "services/status"' in lines[0]
    assert "grant that verb on that resource" in lines[0]
    mended.apply(installed.MANIFEST)
    installed.served(mended, "web")


def test_a_speaker_that_may_not_watch_leases_says_so_and_answers(mended: Cluster) -> None:
    address = serve_from(mended, "n1")
    deny(mended, "role", "openelb-speaker", "leases", "watch")
    mended.kubectl("-n", OPENELB, "delete", "pod", speaker_on(mended, "n1")["metadata"]["name"])
    installed.roll_out(mended)
    sentence = "the API server refused to watch leases"
    until(lambda: require(sentence in logs(mended, "openelb-speaker"), "no such line"), what="the sentence")
    (line,) = (line for line in speaker_log(mended, "n1").splitlines() if sentence in line)
    assert "grant that verb on that resource" in line
    with questions(mended, address) as answers:
        until(lambda: require(answers.asked[-1:] and answers.asked[-1].by, "nobody answers"), what="an answer")


def deny(cluster: Cluster, kind: str, name: str, resource: str, verb: str) -> None:
    """Take one verb on one resource out of a role of the installation."""
    role = json.loads(cluster.kubectl("-n", OPENELB, "get", kind, name, "-o", "json"))
    before = json.dumps(role["rules"])
    for rule in role["rules"]:
        if resource in rule["resources"]:
            rule["verbs"] = [each for each in rule["verbs"] if each != verb]
    role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]
    assert json.dumps(role["rules"]) != before
    cluster.kubectl("-n", OPENELB, "replace", "-f", "-", stdin=json.dumps(role))


def ledger(cluster: Cluster) -> dict[str, str]:
    """Who holds which address."""
    return dict(installed.get_eip(cluster).get("status", {}).get("used") or {})


# Nothing to say.


def test_nothing_is_logged_while_nothing_changes(pool: Cluster) -> None:
    installed.serve(pool, "web", address=address_of_node(pool, "n1"))
    stand_still(AFTERWARDS)
    before = set(logs(pool, "openelb-").splitlines())  # the files of pods that were there before may go meanwhile
    stand_still(IDLE)
    assert [line for line in logs(pool, "openelb-").splitlines() if line not in before] == []


# Looking.


def logs(cluster: Cluster, pod: str) -> str:
    """What our pods whose names begin so have written."""
    return cluster.logs(pod, namespace=OPENELB)


def ready_speakers(cluster: Cluster) -> list[str]:
    """The pods of speakers that are ready."""
    return [
        pod["metadata"]["name"]
        for pod in installed.pods(cluster, "component=speaker")
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    ]


def speaker_on(cluster: Cluster, node: str) -> Any:
    """The pod of the speaker on a node."""
    (pod,) = (pod for pod in installed.pods(cluster, "component=speaker") if pod["spec"]["nodeName"] == node)
    return pod


def speaker_log(cluster: Cluster, node: str) -> str:
    """What the speakers that ran on a node have written, from its disk."""
    found = sorted(cluster.directory.glob(f"nodes/{node}/log/pods/{OPENELB}_openelb-speaker*/*/*.log"))
    return "".join(path.read_text() for path in found)


def ended(cluster: Cluster, node: str) -> str:
    """Why the last container of a speaker has ended; empty while it has not."""
    last = installed.of_speaker(speaker_on(cluster, node))["lastState"]
    return str(last.get("terminated", {}).get("reason", ""))


def answered_again(answers: Answers, since: float) -> None:
    """Look whether it is answered after a silence that began after that moment."""
    later = answers.since(since)
    silent = next((number for number, each in enumerate(later) if not each.by), None)
    require(silent is not None and any(each.by for each in later[silent:]), f"since then {told(later)}")
