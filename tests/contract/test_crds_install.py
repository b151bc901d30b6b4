"""A real API server takes what users apply, as it is written."""

from pathlib import Path

import pytest

from deploy.render import RENDERED
from lab.controlplane import ControlPlane
from openelb.kube.crds import KINDS

ROOT = Path(__file__).parents[2]
QUICK_START = sorted((ROOT / "examples" / "quickstart").glob("*.yaml"))
REFERENCE = sorted((ROOT / "examples" / "reference").glob("*.yaml"))


def test_one_apply_installs_everything_and_a_second_changes_nothing(crds: ControlPlane) -> None:
    crds.kubectl("apply", "--validate=strict", "-f", str(RENDERED))
    again = crds.kubectl("apply", "--validate=strict", "-f", str(RENDERED)).splitlines()
    assert [line for line in again if not line.endswith(" unchanged")] == []


@pytest.mark.parametrize("path", [*QUICK_START, *REFERENCE], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_example_is_taken_as_it_is_written(crds: ControlPlane, path: Path) -> None:
    crds.kubectl("apply", "--validate=strict", "--dry-run=server", "-f", str(path))


def test_the_examples_are_there() -> None:
    assert {path.name for path in QUICK_START} >= {"eip.yaml", "nginx.yaml"}
    assert {path.stem for path in REFERENCE} == {kind.singular for kind in KINDS}
