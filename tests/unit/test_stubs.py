"""GoBGP's messages in Python are those of the version that is run."""

import tomllib
from pathlib import Path

from deploy import stubs

ROOT = Path(__file__).parents[2]


def test_the_modules_are_what_the_script_makes() -> None:
    there = {path: path.read_text() for path in stubs.MODULES.glob("*.py*")}
    assert there == stubs.modules(), "write them anew: PYTHONPATH=src python -m deploy.stubs"


def test_they_are_of_the_version_that_the_lab_runs() -> None:
    pins = tomllib.loads((ROOT / "lab/versions.toml").read_text())
    assert pins.get("gobgp", {}).get("version", stubs.VERSION) == stubs.VERSION
