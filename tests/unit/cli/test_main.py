"""The commands as people and pods type them: what they print, and with which code they end."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from openelb import __version__
from openelb.cli import main
from openelb.cli.ending import GOOD, NO_CLUSTER, USAGE, WRONG
from openelb.model import names
from tests.fakes.apiserver import JSON, Refusal
from tests.unit.cli.conftest import Cluster, called, kubeconfig
from tests.unit.kube.objects import eip, service

SPEC = {"protocol": "layer2", "interface": "eth0", "layer2": {"probe": "Off"}}
READY = {"type": "Ready", "status": "True", "reason": "Ready", "message": "nodes with interface eth0 announce it"}
OPTED_IN = {names.OPT_IN: "openelb", names.REQUESTED_POOL: "pool"}
POOL = eip(
    "pool",
    "192.0.2.1-192.0.2.9",
    spec=SPEC,
    finalizers=[names.POOL_FINALIZER],
    status={
        "used": {"192.0.2.1": "default/web"},
        "firstIP": "192.0.2.1",
        "lastIP": "192.0.2.9",
        "poolSize": 9,
        "usage": 1,
        "v4": True,
        "ready": True,
        "conditions": [READY],
    },
)
WEB = service(
    "web",
    annotations=OPTED_IN,
    labels={names.POOL_LABEL: "pool"},
    finalizers=[names.SERVICE_FINALIZER],
    status={"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
)
NEEDS_A_CLUSTER = [
    ["status"],
    ["peers"],
    ["routes"],
    ["explain", "service", "web"],
    ["drain", "n1"],
    ["undrain", "n1"],
    ["controller"],
    ["speaker", "--node-name", "n1"],
]


def commands(group: click.Group = main.openelb, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_every_command_says_what_it_does(command: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        said = called(*command, flag)
        assert said.exit_code == GOOD
        assert said.output.startswith(" ".join(("Usage: openelb", *command)))


def test_the_version_is_that_of_the_package() -> None:
    assert called("version").output == f"openelb {__version__}\n"


def test_the_kinds_are_printed_as_kubectl_takes_them() -> None:
    kinds = list(yaml.safe_load_all(called("crds").output))
    assert {kind["metadata"]["name"] for kind in kinds} == {
        f"{plural}.{names.GROUP}"
        for plural in ("eips", "eipallocations", "eipconflicts", "eipreservations", "bgpconfs", "bgppeers")
    }


# Wrong usage.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no-such-command"], "No such command 'no-such-command'"),
        (["status", "--no-such-option"], "No such option"),
        (["status", "-o", "xml"], "'xml' is not one of 'text', 'json'"),
        (["speaker"], "Missing option '--node-name'"),
        (["explain", "service"], "Missing argument 'NAMESPACE/NAME'"),
        (["controller", "--metrics-addr", "50052"], "'50052' is no address: write HOST:PORT, or :PORT"),
        (["speaker", "--node-name", "n1", "--metrics-addr", ":99999"], "':99999' is no address"),
        (["controller", "--webhook-addr", "9443"], "'9443' is no address: write HOST:PORT, or :PORT"),
        (["controller", "--pod-ip", "n1"], "'n1' is no IP address"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(arguments: list[str], sentence: str) -> None:
    said = called(*arguments)
    assert said.exit_code == USAGE
    assert sentence in said.output


# No cluster.


@pytest.mark.parametrize("arguments", NEEDS_A_CLUSTER, ids=" ".join)
def test_without_a_kubeconfig_it_ends_with_3_and_a_sentence(arguments: list[str], tmp_path: Path) -> None:
    said = called(*arguments, "--kubeconfig", str(tmp_path / "missing"))
    assert said.exit_code == NO_CLUSTER
    assert said.stderr == f"no cluster: there is no kubeconfig at {tmp_path}/missing: give one with --kubeconfig\n"


@pytest.mark.parametrize("arguments", NEEDS_A_CLUSTER[:4], ids=" ".join)
def test_a_cluster_that_does_not_answer_ends_with_3_and_a_sentence(arguments: list[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    said = called(*arguments, "--kubeconfig", kubeconfig(tmp_path, f"http://127.0.0.1:{port}"))
    assert said.exit_code == NO_CLUSTER
    assert said.stderr.startswith("the cluster cannot be asked: cannot list eips: ")


def test_a_missing_right_ends_with_3_and_says_which(cluster: Cluster) -> None:
    cluster.server.refuse("GET /api/v1/services", Refusal(403, "Forbidden"))
    said = called("status", "--kubeconfig", cluster.kubeconfig)
    assert said.exit_code == NO_CLUSTER
    assert said.stderr.startswith("the cluster cannot be asked: the API server refused to list services: 403 Forbidden")


def test_a_cluster_without_our_kinds_ends_with_3_and_says_what_to_do(cluster: Cluster) -> None:
    cluster.server.refuse("GET /apis/network.kubesphere.io", Refusal(404, "NotFound"))
    said = called("explain", "service", "web", "--kubeconfig", cluster.kubeconfig)
    assert said.exit_code == NO_CLUSTER
    assert said.stderr.endswith("install OpenELB's kinds: openelb crds | kubectl apply -f -\n")


def test_a_token_file_that_is_not_there_ends_with_3_and_a_sentence(cluster: Cluster) -> None:
    path = Path(cluster.kubeconfig)
    path.write_text(path.read_text().replace('"token": "token"', '"tokenFile": "no-such-file"'))
    said = called("status", "--kubeconfig", str(path))
    assert said.exit_code == NO_CLUSTER
    assert "no-such-file cannot be read: No such file or directory" in said.stderr


def test_a_port_that_is_taken_ends_with_1_and_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        said = called(
            "controller", "--kubeconfig", kubeconfig(tmp_path, "http://127.0.0.1:9"), "--metrics-addr", address
        )
    assert said.exit_code == WRONG
    assert said.stderr.startswith(f"health and metrics cannot be served on {address}: ")
    assert said.stderr.endswith(": choose another address with --metrics-addr\n")


# openelb status


def test_all_is_well(cluster: Cluster) -> None:
    cluster.put(POOL, WEB)
    said = called("status", "--kubeconfig", cluster.kubeconfig)
    assert said.exit_code == GOOD
    assert said.output.splitlines() == [
        "manager    leads",
        "",
        "SPEAKER  STATE  INTERFACES",
        "n1       alive  eth0",
        "n2       alive  eth0",
        "",
        "EIP   ADDRESS              PROTOCOL  INTERFACE  USED  TOTAL  READY",
        "pool  192.0.2.1-192.0.2.9  layer2    eth0       1     9      yes",
        "",
        "services   1 served, 0 not",
    ]


def test_something_wrong_is_said_and_ends_with_1(cluster: Cluster) -> None:
    lost = service("lost", annotations={names.OPT_IN: "openelb", names.REQUESTED_POOL: "none"})
    cluster.put(POOL, WEB, lost)
    said = called("status", "--kubeconfig", cluster.kubeconfig)
    assert said.exit_code == WRONG
    assert "services   1 served, 1 not\n  default/lost: Eip none does not exist" in said.output


def test_the_overview_for_programs_has_the_documented_shape(cluster: Cluster) -> None:
    lost = service("lost", annotations={names.OPT_IN: "openelb", names.REQUESTED_POOL: "none"})
    cluster.put(POOL, WEB, lost)
    said = json.loads(called("status", "-o", "json", "--kubeconfig", cluster.kubeconfig).output)
    assert said.pop("unserved").keys() == {"default/lost"}
    assert said == {
        "manager": True,
        "speakers": [
            {"node": "n1", "alive": True, "links": ["eth0"]},
            {"node": "n2", "alive": True, "links": ["eth0"]},
        ],
        "pools": [
            {
                "name": "pool",
                "address": "192.0.2.1-192.0.2.9",
                "protocol": "layer2",
                "interface": "eth0",
                "used": 1,
                "size": 9,
                "ready": True,
                "message": "",
            }
        ],
        "served": 1,
        "unreadable": {},
    }


# openelb explain service


def explained(cluster: Cluster, *arguments: str) -> tuple[int, str]:
    said = called("explain", "service", *arguments, "--kubeconfig", cluster.kubeconfig)
    return said.exit_code, said.output


def test_a_served_service_is_explained_down_to_the_node_that_answers(cluster: Cluster) -> None:
    cluster.put(POOL, WEB)
    code, text = explained(cluster, "default/web")
    assert code == GOOD
    assert text.splitlines()[:3] == [
        "Service default/web: 192.0.2.1 from Eip pool",
        "  192.0.2.1 from Eip pool (Allocated)",
        "  a node with interface eth0 answers for it (layer2) (Announced)",
    ]
    owner, other = ("n1", "n2") if "Node n1 answers" in text else ("n2", "n1")
    assert text.splitlines()[3] == f"Node {owner} answers for it."
    assert f"  {owner} answers: it has the highest weight" in text
    assert f"  {other} stands by" in text


def test_the_namespace_default_need_not_be_said(cluster: Cluster) -> None:
    cluster.put(POOL, WEB)
    assert explained(cluster, "web") == explained(cluster, "default/web")


def test_an_explanation_for_programs_has_the_documented_shape(cluster: Cluster) -> None:
    cluster.put(POOL, WEB)
    code, text = explained(cluster, "web", "-o", "json")
    told = json.loads(text)
    assert code == GOOD
    assert told["owner"] in ("n1", "n2")
    assert [verdict.keys() for verdict in told.pop("nodes")] == [{"node", "may", "sentence"}] * 2
    assert told == {
        "service": "default/web",
        "address": "192.0.2.1",
        "pool": "pool",
        "owner": told["owner"],
        "served": True,
        "sentences": [
            "192.0.2.1 from Eip pool (Allocated)",
            "a node with interface eth0 answers for it (layer2) (Announced)",
        ],
    }


def test_a_service_that_waits_ends_with_1_and_says_what_to_do(cluster: Cluster) -> None:
    cluster.put(service("web", annotations=OPTED_IN))
    code, text = explained(cluster, "web")
    assert code == WRONG
    assert text.startswith("Service default/web: no address\n  Eip pool does not exist: create it")


def test_a_service_whose_address_is_on_its_way_says_so(cluster: Cluster) -> None:
    cluster.put(POOL, service("new", annotations=OPTED_IN))
    code, text = explained(cluster, "new")
    assert code == WRONG
    assert "an address is chosen and about to be published by the manager" in text


NOT_OURS = [
    (service(), "it has not opted in: set the annotation lb.kubesphere.io/v1alpha1: "),
    (service(spec={"type": "ClusterIP"}), "its type is not LoadBalancer: set spec.type to LoadBalancer"),
    (
        service(spec={"loadBalancerClass": "example.com/lb"}, annotations=OPTED_IN),
        "spec.loadBalancerClass example.com/lb",
    ),
    (service(annotations={**OPTED_IN, names.NODE_PROXY: "deployment"}), "the annotation node-proxy.openelb"),
    (service(annotations=OPTED_IN, deletionTimestamp="2026-01-01T00:00:00Z"), "the Service is being deleted"),
]


@pytest.mark.parametrize(("what", "reason"), NOT_OURS, ids=[reason[:30] for _, reason in NOT_OURS])
def test_a_service_that_is_not_ours_ends_with_1_and_says_why(what: JSON, reason: str, cluster: Cluster) -> None:
    cluster.put(what)
    code, text = explained(cluster, "web")
    assert code == WRONG
    assert text.startswith(f"Service default/web: no address\n  {reason}")


def test_a_service_of_our_class_needs_no_annotation(cluster: Cluster) -> None:
    cluster.put(service(spec={"loadBalancerClass": "example.com/lb"}))
    _, text = explained(cluster, "web", "--load-balancer-class", "example.com/lb")
    assert text.startswith("Service default/web: no address\n  the Service names no Eip")


def test_no_such_service_ends_with_1_and_says_how_to_find_it(cluster: Cluster) -> None:
    said = called("explain", "service", "shop/web", "--kubeconfig", cluster.kubeconfig)
    assert said.exit_code == WRONG
    assert (said.stdout, said.stderr) == ("", "there is no Service shop/web: look with `kubectl get services -A`\n")
