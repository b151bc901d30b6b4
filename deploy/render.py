"""Writes deploy/openelb.yaml, the one file users apply: the kinds as generated, and manifests/ with the image of this version.

`python -m deploy.render` writes it anew; a test fails while it is out of date.
"""

from pathlib import Path

from openelb import __version__
from openelb.kube.crds import crds_yaml

HERE = Path(__file__).parent
RENDERED = HERE / "openelb.yaml"
IMAGE = "docker.io/openelb/openelb"
HEADER = f"""\
# OpenELB {__version__}, whole: kubectl apply -f openelb.yaml
# Written by deploy/render.py from the kinds in src/openelb/kube and from deploy/manifests: change those.
"""


def render() -> str:
    """The whole file. The namespace is first: what is in it can only be made after it."""
    parts = [_manifest("namespace"), crds_yaml().removeprefix("---\n"), _manifest("manager"), _manifest("speaker")]
    return HEADER + "---\n" + "---\n".join(parts)


def _manifest(name: str) -> str:
    text = (HERE / "manifests" / f"{name}.yaml").read_text()
    return text.replace(f"image: {IMAGE}\n", f"image: {IMAGE}:{__version__}\n")


if __name__ == "__main__":
    RENDERED.write_text(render())
