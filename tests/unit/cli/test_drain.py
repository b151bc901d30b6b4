"""What `openelb drain` and `openelb undrain` write, wait for and say."""

import asyncio
import json
from typing import Any

import pytest

from openelb.cli import drain
from openelb.cli.drain import Draining, MayNotWrite, Wish
from openelb.cli.ending import GOOD, WRONG
from openelb.kube.config import find_access
from openelb.model import names
from openelb.model.addresses import parse_address
from openelb.plan.placement import winner
from tests.fakes.apiserver import Refusal
from tests.unit.cli.conftest import Cluster, called
from tests.unit.kube.objects import NODES, eip, node, service

SPEC = {"protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}}
TEXTS = [f"192.0.2.{number}" for number in range(1, 7)]
NAMES = ("n1", "n2")


def owned(name: str) -> set[str]:
    return {text for text in TEXTS if (one := parse_address(text)) and winner(one, NAMES) == name}


def web(text: str, **spec: str) -> dict[str, Any]:
    status = {"loadBalancer": {"ingress": [{"ip": text}]}}
    return service(f"web-{text[-1]}", labels={names.POOL_LABEL: "pool"}, spec=spec, status=status)


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    """The same with a node for each speaker, and six addresses."""
    cluster.put(eip("pool", "192.0.2.0/24", spec=SPEC), *map(node, NAMES), *map(web, TEXTS))
    return cluster


def carried_out(cluster: Cluster, wish: Wish) -> tuple[Draining | None, list[str]]:
    told: list[str] = []
    access = find_access(drain_path(cluster))
    return asyncio.run(drain.carry_out(access, names.NAMESPACE, wish, told.append, settling=0.0)), told


def drain_path(cluster: Cluster) -> Any:
    return type(cluster.directory)(cluster.kubeconfig)


def annotation(cluster: Cluster, name: str) -> str | None:
    kept = cluster.server.stored(NODES, name)["metadata"].get("annotations") or {}
    return kept.get(names.DRAINED)


def test_a_drained_node_s_addresses_are_answered_by_the_others(cluster: Cluster) -> None:
    found, told = carried_out(cluster, Wish("n1", drained=True))
    assert annotation(cluster, "n1") == "true"
    assert found is not None
    assert (found.done, found.left, {move.address for move in found.moved}) == (True, (), owned("n1"))
    assert {(move.before, move.after) for move in found.moved} == {("n1", "n2")}
    assert told == [
        "node n1 answers for 0 addresses",
        "waiting 0 s for node n1 to fall silent and its neighbours to hear of the others",
    ]
    assert found.text().startswith(
        "node n1 is drained and answers for nothing; openelb undrain n1 ends that\n\nADDRESS"
    )


def test_undrained_it_gets_them_back(cluster: Cluster) -> None:
    carried_out(cluster, Wish("n1", drained=True))
    found, _ = carried_out(cluster, Wish("n1", drained=False))
    assert annotation(cluster, "n1") is None
    assert found is not None
    assert (found.done, {move.address for move in found.moved}) == (True, owned("n1"))
    assert found.text().startswith(f"node n1 takes part again; addresses that come to it: {len(owned('n1'))}\n")


def test_a_dry_run_says_what_would_move_and_writes_nothing(cluster: Cluster) -> None:
    said = called("drain", "n1", "--dry-run", "--kubeconfig", cluster.kubeconfig)
    assert said.exit_code == GOOD
    first, _, header, *rows = said.stdout.splitlines()
    assert first == f"node n1 would give so many addresses to others: {len(owned('n1'))}"
    assert header.split() == ["ADDRESS", "SERVICES", "FROM", "TO"]
    assert [row.split() for row in rows] == [
        [text, f"default/web-{text[-1]}", "n1", "n2"] for text in TEXTS if text in owned("n1")
    ]
    assert [write for write in cluster.server.writes if "/nodes" in write] == []


def test_what_no_other_node_can_answer_for_is_named_and_it_ends_with_1(cluster: Cluster) -> None:
    carried_out(cluster, Wish("n2", drained=True))
    said = called("drain", "n1", "--timeout", "0.2", "-o", "json", "--kubeconfig", cluster.kubeconfig)
    assert said.exit_code == WRONG
    told = json.loads(said.stdout)
    assert (told["done"], told["drained"], {move["address"] for move in told["left"]}) == (False, True, owned("n1"))
    assert f"node n1 answers for {len(owned('n1'))} addresses" in said.stderr
    text = called("drain", "n1", "--timeout", "0.2", "--kubeconfig", cluster.kubeconfig).stdout
    assert text.startswith("node n1 is not drained yet\n")
    assert "no other node can answer for these, so n1 goes on:" in text
    assert "what keeps the other nodes from it: openelb explain service default/web-" in text


def test_a_node_that_is_not_there_ends_with_1_and_a_sentence(cluster: Cluster) -> None:
    said = called("drain", "n9", "--kubeconfig", cluster.kubeconfig)
    assert (said.exit_code, said.stderr) == (WRONG, "there is no node n9: look with `kubectl get nodes`\n")


def test_who_may_not_change_nodes_is_told_what_to_write(cluster: Cluster) -> None:
    cluster.server.refuse("PATCH /api/v1/nodes/n1", Refusal(403, "Forbidden"))
    with pytest.raises(MayNotWrite, match=f"kubectl annotate node n1 {names.DRAINED}=true --overwrite"):
        carried_out(cluster, Wish("n1", drained=True))


def test_who_may_not_change_nodes_may_wait_for_what_another_has_written(cluster: Cluster) -> None:
    cluster.server.refuse("PATCH /api/v1/nodes/n1", Refusal(403, "Forbidden"))
    cluster.put(node("n1", annotations={names.DRAINED: "true"}))
    found, _ = carried_out(cluster, Wish("n1", drained=True))
    assert found is not None
    assert (found.done, {move.address for move in found.moved}) == (True, owned("n1"))


def test_a_node_without_a_live_speaker_answers_for_nothing(cluster: Cluster) -> None:
    cluster.put(node("n3"))
    found, _ = carried_out(cluster, Wish("n3", drained=True))
    assert found is not None
    assert (found.done, found.text()) == (True, "no speaker is alive on node n3: it answers for nothing")
