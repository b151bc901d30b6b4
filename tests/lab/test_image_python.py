"""What is tested without a cluster holds on the Python that is shipped too: in a pod of OpenELB's image."""

import json
import os
import shutil
from pathlib import Path

from lab.cluster import Cluster
from lab.network import run
from lab.wait import require, until
from tests.lab import installed

PLACE = "/var/lib/kubelet/unit"
"""Of a node: it is on the machine's own disk."""
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".git", ".*_cache", ".hypothesis")


VERSION = "import sys; print('{}.{}'.format(*sys.version_info))"


def test_unit_tests_and_stories_pass_on_the_python_of_the_image(cluster: Cluster) -> None:
    place = cluster.node("n1").directory / "kubelet" / Path(PLACE).name
    place.mkdir()
    _, python = ran(cluster, "version", "-c", VERSION)
    shutil.copytree(installed.REPOSITORY, place / "checkout", ignore=LEFT_OUT, dirs_exist_ok=True)
    packages_of_tests(python, place / "packages")
    ended, told = ran(cluster, "unit", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit", "tests/stories")
    print(f"Python {python}: {told.splitlines()[-1]}")
    assert ended == "Succeeded", told


def ran(cluster: Cluster, name: str, *arguments: str) -> tuple[str, str]:
    """Run `python ARGUMENTS` in a pod of OpenELB's image. Returns how it ended, and what it printed."""
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(pod(cluster, name, arguments)))
    ended = until(lambda: phase(cluster, name), what=f"the end of pod {name}", timeout=1500, every=0.5)
    told = cluster.kubectl("logs", name)
    cluster.kubectl("delete", "pod", name)
    return ended, told.strip()


def packages_of_tests(python: str, target: Path) -> None:
    """Install what the image does not have, as it is pinned, for this version of Python."""
    chosen = ["--python-version", python, "--target", str(target), "--require-hashes"]
    requirements = str(installed.REPOSITORY / "requirements-dev.txt")
    run([os.environ.get("OPENELB_UV", "uv"), "pip", "install", "--quiet", *chosen, "-r", requirements], timeout=120)


def pod(cluster: Cluster, name: str, arguments: tuple[str, ...]) -> object:
    """A pod of OpenELB's image."""
    [image] = [each for each in cluster.prepared.images if "openelb/openelb" in each]
    container = {
        "name": "python",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", *arguments],
        "workingDir": f"{PLACE}/checkout",
        "env": [{"name": "PYTHONPATH", "value": f"{PLACE}/packages"}],
        "securityContext": {"runAsUser": 0},
        "volumeMounts": [{"name": "place", "mountPath": PLACE}],
    }
    spec = {
        "nodeName": "n1",
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": "place", "hostPath": {"path": PLACE, "type": "Directory"}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def phase(cluster: Cluster, name: str) -> str:
    """How a pod ended. Raises `NotYetError` while it has not."""
    found = str(cluster.get(f"/api/v1/namespaces/default/pods/{name}")["status"].get("phase"))
    require(found in {"Succeeded", "Failed"}, f"it is {found}")
    return found
