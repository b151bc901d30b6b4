"""What is tested without a cluster holds on the Python that is shipped too: in a pod of OpenELB's image."""

import json
import os
import shutil
from pathlib import Path

from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.network import run
from lab.wait import require, until
from tests.lab import installed

PLACE = "/var/lib/kubelet/unit"
"""Of a node: it is on the machine's own disk."""
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".git", ".*_cache", ".hypothesis")


def test_unit_tests_and_stories_pass_on_the_python_of_the_image(openelb: Cluster) -> None:
    version = "import sys; print('{}.{}'.format(*sys.version_info))"
    python = openelb.kubectl("-n", OPENELB, "exec", installed.MANAGER, "--", "python", "-c", version).strip()
    place = openelb.node("n1").directory / "kubelet" / Path(PLACE).name
    shutil.copytree(installed.REPOSITORY, place / "checkout", ignore=LEFT_OUT)
    packages_of_tests(python, place / "packages")

    openelb.kubectl("apply", "-f", "-", stdin=json.dumps(pod(openelb)))
    ended = until(lambda: phase(openelb), what="the end of the tests", timeout=400, every=1.0)
    told = openelb.kubectl("logs", "unit")
    openelb.kubectl("delete", "pod", "unit")
    print(f"Python {python}: {told.splitlines()[-1]}")
    assert ended == "Succeeded", told


def packages_of_tests(python: str, target: Path) -> None:
    """Install what the image does not have, as it is pinned, for this version of Python."""
    chosen = ["--python-version", python, "--target", str(target), "--require-hashes"]
    requirements = str(installed.REPOSITORY / "requirements-dev.txt")
    run([os.environ.get("OPENELB_UV", "uv"), "pip", "install", "--quiet", *chosen, "-r", requirements], timeout=120)


def pod(cluster: Cluster) -> object:
    """A pod of OpenELB's image that runs the tests."""
    [image] = [each for each in cluster.prepared.images if "openelb/openelb" in each]
    container = {
        "name": "unit",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "workingDir": f"{PLACE}/checkout",
        "command": ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit", "tests/stories"],
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
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "unit"}, "spec": spec}


def phase(cluster: Cluster) -> str:
    found = str(cluster.get("/api/v1/namespaces/default/pods/unit")["status"].get("phase"))
    require(found in {"Succeeded", "Failed"}, f"it is {found}")
    return found
