"""Where the values of options come from, and by which names the command is called."""

import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from openelb import __version__
from openelb.announce.responder import FRAMES_PER_SECOND
from openelb.cli import main
from openelb.model import names
from tests.unit.cli.conftest import called

# The environment.


def chosen(command: str, *arguments: str) -> dict[str, object]:
    """The values that a command would run with."""
    return main.openelb.commands[command].make_context(command, list(arguments)).params


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("POD_NAME", "POD_UID", "NODE_NAME"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


OPTIONS = [
    ("controller", "OPENELB_NAMESPACE", "--namespace", "namespace"),
    ("controller", "OPENELB_LOAD_BALANCER_CLASS", "--load-balancer-class", "load_balancer_class"),
    ("controller", "OPENELB_IDENTITY", "--identity", "identity"),
    ("speaker", "OPENELB_NODE_NAME", "--node-name", "node_name"),
    ("speaker", "OPENELB_DAEMON_SET", "--daemon-set", "daemon_set"),
    ("speaker", "OPENELB_STATE_FILE", "--state-file", "state_file"),
    ("status", "OPENELB_NAMESPACE", "--namespace", "namespace"),
]


@pytest.mark.parametrize(("command", "variable", "flag", "name"), OPTIONS)
def test_an_option_is_read_from_the_environment_and_the_flag_beats_it(
    command: str, variable: str, flag: str, name: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(variable, "said")
    others = [] if command != "speaker" or name == "node_name" else ["--node-name", "n1"]
    assert chosen(command, *others)[name] == "said"
    assert chosen(command, *others, flag, "typed")[name] == "typed"


def test_the_pace_of_announcements_is_a_number_of_frames(environment: pytest.MonkeyPatch) -> None:
    assert chosen("speaker", "--node-name", "n1")["frames_per_second"] == FRAMES_PER_SECOND
    environment.setenv("OPENELB_FRAMES_PER_SECOND", "200")
    assert chosen("speaker", "--node-name", "n1")["frames_per_second"] == 200
    with pytest.raises(click.BadParameter, match="x>=1"):
        chosen("speaker", "--node-name", "n1", "--frames-per-second", "0")


def test_every_option_has_its_variable() -> None:
    for command in main.openelb.commands.values():
        for option in (param for param in command.params if isinstance(param, click.Option)):
            flag = max(option.opts, key=len)
            variables = option.envvar or []
            assert variables[0] == "OPENELB_" + flag.removeprefix("--").upper().replace("-", "_")


def test_a_pod_says_its_name_and_its_node(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("POD_NAME", "openelb-manager-1")
    environment.setenv("NODE_NAME", "n7")
    environment.setenv("POD_UID", "4711")
    assert chosen("controller")["identity"] == "openelb-manager-1"
    assert chosen("speaker")["node_name"] == "n7"
    assert chosen("speaker")["daemon_set"] == names.DAEMON_SET


def test_outside_a_pod_every_stop_is_for_good(environment: pytest.MonkeyPatch) -> None:
    assert chosen("speaker", "--node-name", "n1")["daemon_set"] == ""


def test_nothing_is_served_where_the_address_is_empty(environment: pytest.MonkeyPatch) -> None:
    assert chosen("controller", "--metrics-addr", "")["metrics_addr"] == ""
    environment.setenv("OPENELB_METRICS_ADDR", "")
    assert chosen("controller")["metrics_addr"] == ""
    assert chosen("speaker", "--node-name", "n1")["metrics_addr"] == ""


def test_the_address_of_a_pod_is_what_kubernetes_says(environment: pytest.MonkeyPatch) -> None:
    assert chosen("controller")["pod_ip"] == ""
    environment.setenv("POD_IP", "2001:db8::7")
    assert chosen("controller")["pod_ip"] == "2001:db8::7"
    assert chosen("controller")["webhook_addr"] == ":9443"
    assert chosen("controller", "--webhook-addr", "")["webhook_addr"] == ""


def test_an_empty_variable_of_the_daemon_set_says_that_there_is_none(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("POD_UID", "4711")
    environment.setenv("OPENELB_DAEMON_SET", "")
    assert chosen("speaker", "--node-name", "n1")["daemon_set"] == ""


def test_other_empty_variables_say_nothing(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENELB_NAMESPACE", "")
    assert chosen("controller")["namespace"] == names.NAMESPACE


# Entry points.


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_openelb_manager_is_openelb_controller() -> None:
    (manager,) = (line.removeprefix("openelb-manager = ") for line in scripts() if line.startswith("openelb-manager"))
    module, _, function = manager.partition(":")
    said = run("-c", f"import {module}; {module}.{function}()", "-h").split()
    assert said[:3] == ["Usage:", "openelb-manager", "[OPTIONS]"]
    assert said[2:] == called("controller", "--help").output.split()[3:]


def test_the_package_runs_as_a_module() -> None:
    assert run("-m", "openelb", "version") == f"openelb {__version__}\n"


def scripts() -> list[str]:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    return [f"{name} = {target}" for name, target in project["scripts"].items()]
