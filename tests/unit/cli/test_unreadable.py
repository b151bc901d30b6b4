"""An object whose fields have other types than we know is named to the person who asks, and the rest is shown."""

import subprocess
import sys

import pytest

from tests.unit.cli.conftest import Cluster, called
from tests.unit.kube.objects import eip, service

ODD = "Expected `str | null`, got `int` - at `$.spec.address`"


def test_status_names_an_object_that_cannot_be_read_and_shows_the_others(cluster: Cluster) -> None:
    cluster.put(eip("good"), eip("bad") | {"spec": {"address": 7}})
    # In a process of its own: pytest takes what is logged for itself.
    command = [sys.executable, "-m", "openelb", "status", "--kubeconfig", cluster.kubeconfig]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "good  192.0.2.0/24" in said.stdout
    assert (
        f"  Eip bad: cannot be read, and what was known of it before stands: {ODD}; correct that field" in said.stdout
    )
    assert "watch eips: bad cannot be read and stays as it was known: Expected `str | null`, got `int`" in said.stderr
    assert said.returncode == 1


def test_status_is_not_good_for_nothing_but_an_object_that_cannot_be_read(cluster: Cluster) -> None:
    assert called("status", "--kubeconfig", cluster.kubeconfig).exit_code == 0
    cluster.put(service("web") | {"spec": "none"})
    said = called("status", "--kubeconfig", cluster.kubeconfig)
    assert (said.exit_code, "Service default/web: cannot be read" in said.stdout) == (1, True)


@pytest.mark.parametrize("name", ["web", "default/web"])
def test_a_service_that_cannot_be_read_is_explained_by_that(cluster: Cluster, name: str) -> None:
    cluster.put(service("web") | {"spec": "none"})
    said = called("explain", "service", name, "--kubeconfig", cluster.kubeconfig)
    assert said.exit_code == 1
    assert said.stdout.splitlines() == [
        "Service default/web: no address",
        "  Service default/web cannot be read, and what was known of it before stands: "
        "Expected `object | null`, got `str` - at `$.spec`; correct that field (Unreadable)",
    ]
