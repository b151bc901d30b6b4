"""The two lanes of the suite, with tests that were made for it."""

import sys
from pathlib import Path

import pytest

from lab import lanes

CONFTEST = """def pytest_addoption(parser):
    parser.addoption("--part")

def pytest_collection_modifyitems(config, items):
    items[:] = [item for item in items if config.getoption("--part") in item.name]
"""

# In one part a test fails the first time, in another as often as it runs.
TESTS = """
import pathlib

def test_failover(): pass
def test_installed():
    seen = pathlib.Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
def test_rest(): assert {good}
def test_rest_and_more(): pass
"""


@pytest.mark.parametrize(("good", "code"), [(True, 0), (False, 1)])
def test_what_fails_beside_others_runs_once_more_and_what_is_broken_fails_again(
    machine: None, tmp_path: Path, capfd: pytest.CaptureFixture[str], *, good: bool, code: int
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(TESTS.format(good=good))
    assert (
        lanes.run(
            [sys.executable, "-m", "pytest", f"--rootdir={tmp_path}", "-c", f"{tmp_path}/pytest.ini", str(tmp_path)]
        )
        == code
    )
    told = capfd.readouterr().out
    assert told.count("once more with nothing beside them") == 2 - good
    assert "  test_it.py::test_installed\n" in told.partition("once more")[2]
