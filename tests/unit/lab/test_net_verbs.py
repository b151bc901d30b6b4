"""The lab's verbs as a person finds them."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lab.__main__ import main


def verbs(group: click.Command, *, named: str = "") -> dict[str, click.Command]:
    """Every verb below a group by its whole name."""
    assert isinstance(group, click.Group)
    found = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= verbs(command, named=f"{named}{name} ")
        else:
            found[f"{named}{name}"] = command
    return found


@pytest.mark.parametrize("command", verbs(main).values(), ids=verbs(main).keys())
def test_every_verb_says_what_it_does(command: click.Command) -> None:
    assert command.help
    assert command.help.endswith(".")


def test_every_lasting_fault_has_a_verb_that_undoes_it() -> None:
    faults = {
        name.removeprefix("fault "): command.help or "" for name, command in verbs(main).items() if "fault " in name
    }
    undone = {
        name.rpartition(" ")[0] + sentence.split("`")[1]
        for name, sentence in faults.items()
        if sentence.startswith("Undo `")
    }
    mended_by_kubernetes = {"kill", "stop"}
    broken = {name.replace(" ", "") for name, sentence in faults.items() if not sentence.startswith("Undo `")}
    assert broken - mended_by_kubernetes - {"undo"} == undone


def test_a_fault_without_a_lab_says_how_to_get_one(tmp_path: Path) -> None:
    result = CliRunner(env={"OPENELB_CACHE": str(tmp_path)}).invoke(main, ["fault", "cut", "n1"])
    assert result.exit_code == 1
    assert "No lab is up" in result.output
    assert "make lab" in result.output
