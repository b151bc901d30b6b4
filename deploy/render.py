"""Writes deploy/openelb.yaml, the one file users apply: the kinds as generated, and manifests/ with the image of this version.

`python -m deploy.render` writes it anew; a test fails while it is out of date.
"""

from pathlib import Path

import yaml

from openelb import __version__
from openelb.kube.crds import crds_yaml

HERE = Path(__file__).parent
RENDERED = HERE / "openelb.yaml"
IMAGE = "docker.io/openelb/openelb"
PACKAGE = "/opt/openelb/src"
"""Where the image has our package (Dockerfile)."""

HEADER = f"""\
# OpenELB {__version__}, whole: kubectl apply -f openelb.yaml
# Written by deploy/render.py from the kinds in src/openelb/kube and from deploy/manifests: change those.
"""


def render() -> str:
    """The whole file. The namespace is first: what is in it can only be made after it."""
    ours = (_manifest(name) for name in ("manager", "speaker", "webhook"))
    parts = [_manifest("namespace"), crds_yaml().removeprefix("---\n"), *ours]
    return HEADER + "---\n" + "---\n".join(parts)


def from_nodes(manifest: str, directory: str) -> str:
    """The manifest for a quick look at a change: pods take our package from a directory of their node, not from the image."""
    objects = list(yaml.load_all(manifest, yaml.CSafeLoader))
    for each in objects:
        if each["kind"] in ("Deployment", "DaemonSet"):
            pod = each["spec"]["template"]["spec"]
            source = {"name": "source", "hostPath": {"path": directory, "type": "Directory"}}
            pod["volumes"] = [source, *pod.get("volumes", [])]
            mount = {"name": "source", "mountPath": PACKAGE, "readOnly": True}
            for container in pod["containers"]:
                container["volumeMounts"] = [mount, *container.get("volumeMounts", [])]
    return yaml.dump_all(objects, Dumper=yaml.CSafeDumper, sort_keys=False)


def _manifest(name: str) -> str:
    text = (HERE / "manifests" / f"{name}.yaml").read_text()
    return text.replace(f"image: {IMAGE}\n", f"image: {IMAGE}:{__version__}\n")


if __name__ == "__main__":
    RENDERED.write_text(render())
