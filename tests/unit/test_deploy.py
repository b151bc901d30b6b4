"""What users apply and run is what the source says."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.render import IMAGE, PACKAGE, RENDERED, from_nodes, render
from openelb import __version__
from openelb.cli.processes import controller, gobgpd, speaker
from openelb.host import kernel
from openelb.host.state_file import MAX_BYTES
from openelb.kube.admission import slice_name
from openelb.manager.webhook import PATHS, SECONDS
from openelb.model import names
from openelb.model.routers import Drain
from openelb.speaker.speaker import GOBGPD_SOCKET, HANDOVER
from openelb.speaker.speaking import ASKING

ROOT = Path(__file__).parents[2]
OBJECTS: list[dict[str, Any]] = list(yaml.load_all(RENDERED.read_text(), yaml.CSafeLoader))


def named(kind: str, name: str) -> dict[str, Any]:
    (found,) = (each for each in OBJECTS if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def pod(kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = named(kind, name)["spec"]["template"]["spec"]
    return found


def container(kind: str, name: str, which: str = "") -> dict[str, Any]:
    """The container of that name, by default that of the workload's own process."""
    (found,) = (
        each for each in pod(kind, name)["containers"] if each["name"] == (which or name.removeprefix("openelb-"))
    )
    return found


WORKLOADS = [("Deployment", "openelb-manager"), ("DaemonSet", names.DAEMON_SET)]
GOBGPD = (*WORKLOADS[1], "gobgpd")
CONTAINERS = [*((*each, "") for each in WORKLOADS), GOBGPD]


def test_there_is_no_container_that_no_rule_here_is_about() -> None:
    assert [each["name"] for found in WORKLOADS for each in pod(*found)["containers"]] == [
        "manager",
        "speaker",
        "gobgpd",
    ]


def test_the_file_users_apply_is_up_to_date() -> None:
    assert RENDERED.read_text() == render(), "write it anew: PYTHONPATH=src python -m deploy.render"


def test_it_holds_our_namespace_first_and_everything_else_in_it_or_in_none() -> None:
    assert (OBJECTS[0]["kind"], OBJECTS[0]["metadata"]["name"]) == ("Namespace", names.NAMESPACE)
    assert {each["metadata"].get("namespace", names.NAMESPACE) for each in OBJECTS} == {names.NAMESPACE}


def test_no_object_is_there_twice() -> None:
    keys = [(each["kind"], each["metadata"]["name"]) for each in OBJECTS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("kind", "name", "which"), CONTAINERS)
def test_the_image_is_of_this_version(kind: str, name: str, which: str) -> None:
    assert container(kind, name, which)["image"] == f"{IMAGE}:{__version__}"


@pytest.mark.parametrize(("kind", "name"), WORKLOADS)
def test_pods_match_the_selector_of_their_workload(kind: str, name: str) -> None:
    spec = named(kind, name)["spec"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


def test_selectors_are_those_of_older_releases_since_they_cannot_be_changed() -> None:
    assert named("Deployment", "openelb-manager")["spec"]["selector"]["matchLabels"] == {
        "app": "openelb-manager",
        "control-plane": "openelb-manager",
    }
    assert named("DaemonSet", "openelb-speaker")["spec"]["selector"]["matchLabels"] == {
        "app": "openelb",
        "component": "speaker",
    }


def test_kubesphere_finds_the_manager_by_labels_and_the_first_word_of_its_command() -> None:
    labels = named("Deployment", "openelb-manager")["metadata"]["labels"]
    assert {"app": "openelb-manager", "control-plane": "openelb-manager"}.items() <= labels.items()
    assert container("Deployment", "openelb-manager")["command"][0] == "openelb-manager"


@pytest.mark.parametrize(
    ("which", "added"),
    list(zip(CONTAINERS, (None, ["NET_RAW", "NET_ADMIN"], ["NET_BIND_SERVICE"]), strict=True)),
    ids=["manager", "speaker", "gobgpd"],
)
def test_pods_have_only_the_rights_they_need(which: tuple[str, str, str], added: list[str] | None) -> None:
    rights = container(*which)["securityContext"]
    assert rights["capabilities"].get("add") == added
    assert rights["capabilities"]["drop"] == ["ALL"]
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["allowPrivilegeEscalation"] is False


def test_gobgpd_and_the_speaker_meet_at_a_socket_that_is_for_their_user_alone() -> None:
    """The program itself sees to it that the directory and the socket are."""
    sides = [container(*WORKLOADS[1]), container(*GOBGPD)]
    places = [each["mountPath"] for side in sides for each in side["volumeMounts"] if each["name"] == "state"]
    assert len(places) == 2
    assert all(GOBGPD_SOCKET.is_relative_to(place) for place in places)
    assert GOBGPD_SOCKET.parent != Path(places[0])
    assert {side["securityContext"]["runAsUser"] for side in sides} == {0}
    defaults = [each.default for side in (speaker, gobgpd) for each in side.params if each.name == "gobgpd_socket"]
    assert [Path(default) for default in defaults] == [GOBGPD_SOCKET] * 2


def test_gobgpd_is_started_as_people_would_and_not_probed() -> None:
    beside = container(*GOBGPD)
    assert beside["command"] == ["openelb", gobgpd.name]
    assert not [key for key in beside if key.endswith("Probe")]


def test_a_node_that_leaves_has_the_time_for_it() -> None:
    """It asks whether it is for good, gives routers the time that a BgpConf gives them by default, and hands over."""
    grace = pod(*WORKLOADS[1])["terminationGracePeriodSeconds"]
    assert grace >= ASKING + Drain().wait_seconds + HANDOVER + 5


def test_the_patch_for_answers_of_the_kernel_adds_one_capability_and_one_mount() -> None:
    """As a strategic merge patch does it: lists of words are replaced, others are merged by names and paths."""
    patch = yaml.safe_load((ROOT / "deploy/kernel-answering.yaml").read_text())["spec"]["template"]["spec"]
    (added,) = patch["containers"]
    there = container("DaemonSet", "openelb-speaker")
    assert added["name"] == there["name"]
    given = there["securityContext"]["capabilities"]["add"]
    assert added["securityContext"] == {"capabilities": {"add": [*given, "BPF"]}}
    assert [mount["mountPath"] for mount in added["volumeMounts"]] == [str(kernel.PINS.parent)]
    assert [volume["hostPath"]["path"] for volume in patch["volumes"]] == [str(kernel.PINS.parent)]


def test_no_right_is_given_on_everything_of_a_kind_of_right() -> None:
    assert "*" not in set(_words(each.get("rules", []) for each in OBJECTS))


WEBHOOKS: dict[str, dict[str, Any]] = {
    each["name"]: each for each in named("ValidatingWebhookConfiguration", names.WEBHOOK_CONFIGURATION)["webhooks"]
}


def test_our_webhooks_are_for_our_kinds_alone_and_upstreams_has_its_name() -> None:
    asked = {
        (*rule["apiGroups"], *rule["apiVersions"], resource)
        for hook in WEBHOOKS.values()
        for rule in hook["rules"]
        for resource in rule["resources"]
    }
    assert asked == {
        (names.GROUP, names.VERSION, plural) for plural in ("eips", "eipreservations", "bgpconfs", "bgppeers")
    }
    assert "validate.eip.network.kubesphere.io" in WEBHOOKS
    assert not [each for each in OBJECTS if each["kind"] == "MutatingWebhookConfiguration"]


@pytest.mark.parametrize("hook", WEBHOOKS.values(), ids=WEBHOOKS)
def test_our_webhooks_stand_in_nobodys_way(hook: dict[str, Any]) -> None:
    assert (hook["failurePolicy"], hook["sideEffects"]) == ("Ignore", "None")
    assert hook["timeoutSeconds"] == SECONDS


@pytest.mark.parametrize("hook", WEBHOOKS.values(), ids=WEBHOOKS)
def test_our_webhooks_lead_to_where_they_are_served(hook: dict[str, Any]) -> None:
    service = named("Service", names.WEBHOOK_SERVICE)
    reference = hook["clientConfig"]["service"]
    assert (reference["namespace"], reference["name"]) == (names.NAMESPACE, names.WEBHOOK_SERVICE)
    assert PATHS[reference["path"]].lower() in hook["rules"][0]["resources"][0]
    (port,) = service["spec"]["ports"]
    assert (reference["port"], port["port"], port["name"]) == (443, 443, "https")  # the slice's port has that name
    assert "selector" not in service["spec"]
    assert {"name": "webhook", "containerPort": port["targetPort"]} in container(*WORKLOADS[0])["ports"]
    (default,) = (each.default for each in controller.params if each.name == "webhook_addr")
    assert default == f":{port['targetPort']}"


def test_nobody_may_read_a_secret_but_our_own() -> None:
    rules = [rule for each in OBJECTS for rule in each.get("rules") or () if "secrets" in rule["resources"]]
    assert [(rule.get("resourceNames"), rule["verbs"]) for rule in rules if rule["verbs"] != ["create"]] == [
        ([names.WEBHOOK_CERTIFICATE, names.HEARTBEAT_SECRET], ["get", "patch"]),
        ([names.HEARTBEAT_SECRET, names.BGP_SECRET], ["get"]),
    ]
    assert not [each for each in OBJECTS if each["kind"] == "ClusterRole" and "secrets" in set(_words(each["rules"]))]


def test_what_the_manager_may_write_by_name_has_the_names_of_the_code() -> None:
    found = {name for each in OBJECTS for rule in each.get("rules") or () for name in rule.get("resourceNames", ())}
    assert found >= {
        *(names.WEBHOOK_CERTIFICATE, names.WEBHOOK_CONFIGURATION, slice_name(names.WEBHOOK_SERVICE)),
        names.LEADER_LEASE,
    }


def test_for_a_quick_look_the_package_is_taken_from_the_nodes() -> None:
    changed = yaml.load_all(from_nodes(RENDERED.read_text(), "/srv/src"), yaml.CSafeLoader)
    pods = [each["spec"]["template"]["spec"] for each in changed if each["kind"] in ("Deployment", "DaemonSet")]
    assert [pod["volumes"][0]["hostPath"]["path"] for pod in pods] == ["/srv/src"] * 2
    assert [each["volumeMounts"][0]["mountPath"] for pod in pods for each in pod["containers"]] == [PACKAGE] * 3


def test_a_speaker_keeps_its_state_in_memory_where_its_environment_says() -> None:
    pod = named("DaemonSet", names.DAEMON_SET)["spec"]["template"]["spec"]
    (mount,) = (each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "state")
    (volume,) = (each for each in pod["volumes"] if each["name"] == "state")
    assert volume["emptyDir"]["medium"] == "Memory"
    assert (
        int(volume["emptyDir"]["sizeLimit"].removesuffix("Mi")) << 20 >= 2 * MAX_BYTES
    )  # one is written beside another
    environment = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    assert Path(environment["OPENELB_STATE_FILE"]).parent == Path(mount["mountPath"])


def test_the_keys_of_heartbeats_are_mounted_where_the_environment_says_once_there_are_any() -> None:
    pod = named("DaemonSet", names.DAEMON_SET)["spec"]["template"]["spec"]
    (mount,) = (each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "heartbeat")
    (volume,) = (each for each in pod["volumes"] if each["name"] == "heartbeat")
    environment = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    assert environment["OPENELB_HEARTBEAT_KEYS"] == mount["mountPath"]
    assert (volume["secret"]["secretName"], volume["secret"]["optional"]) == (names.HEARTBEAT_SECRET, True)


def test_the_image_has_the_package_where_a_mount_replaces_it() -> None:
    assert f"COPY src/ {PACKAGE}/\n" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_commands_of_the_image_are_those_of_the_package() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    (commands,) = re.findall(r"for command in (.*); do", dockerfile)
    made = {
        f"{name} = openelb.cli.main:{function}" for name, _, function in (c.partition(":") for c in commands.split())
    }
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert made == {f"{name} = {target}" for name, target in scripts.items()}


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _words(value.values())
    else:
        for each in value:
            yield from _words(each)
