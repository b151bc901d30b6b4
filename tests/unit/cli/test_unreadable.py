"""An object whose fields have other types than we know is named to the person who asks, and the rest is shown."""

import subprocess
import sys

from tests.unit.cli.conftest import Cluster
from tests.unit.kube.objects import eip


def test_status_names_an_object_that_cannot_be_read_and_shows_the_others(cluster: Cluster) -> None:
    cluster.put(eip("good"), eip("bad") | {"spec": {"address": 7}})
    # In a process of its own: pytest takes what is logged for itself.
    command = [sys.executable, "-m", "openelb", "status", "--kubeconfig", cluster.kubeconfig]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "good  192.0.2.0/24" in said.stdout
    assert "watch eips: bad cannot be read and stays as it was known: Expected `str | null`, got `int`" in said.stderr
