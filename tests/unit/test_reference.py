"""The pages to look things up in say what the kinds say, and miss nothing that has a name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from deploy.reference import ABSENT, EXAMPLES, PAGES, pages
from openelb.kube.crds import KINDS, Kind
from openelb.kube.kinds import Part
from openelb.model import names
from tests.unit.kube.test_crds import RULES, VERSIONS, nodes, schema

ROOT = Path(__file__).parents[2]
UNSIGNED = "(int64) from 0 to 4,294,967,295"


def text(kind: str) -> str:
    return pages()[PAGES / f"{kind.lower()}.md"]


def tables(markdown: str) -> Iterator[list[list[str]]]:
    """The cells of the rows of each table, its head included."""
    for block in re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE):
        lines = (line for line in block.splitlines() if not set(line) <= set("|- "))
        yield [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def row(kind: str, field: str) -> list[str]:
    """What is said of a field of the version that is stored."""
    stored = text(kind).partition("## Fields of v1alpha1")[0]
    (found,) = (row for table in tables(stored) if table[0][0] == "field" for row in table if row[0] == field)
    return found[1:]


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_a_page_says_what_the_kinds_say(path: Path) -> None:
    assert path.read_text() == pages()[path], "write it anew: PYTHONPATH=src python -m deploy.reference"


def test_the_index_leads_to_every_page() -> None:
    there = {path.name for path in PAGES.glob("*.md")} - {"README.md"}
    assert {path.name for path in pages()} < there
    assert set(re.findall(r"^\| \[.*?\]\((.*?)\)", (PAGES / "README.md").read_text(), re.MULTILINE)) == there


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_readme_leads_to_the_index(readme: str) -> None:
    assert "](docs/reference/README.md)" in (ROOT / readme).read_text()


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(path: Path) -> None:
    ragged = [row for table in tables(path.read_text()) for row in table if len(row) != len(table[0])]
    assert ragged == []


@pytest.mark.parametrize(("kind", "version"), VERSIONS)
def test_every_field_of_a_schema_has_a_row_and_nothing_else_has(kind: str, version: str) -> None:
    own = text(kind).partition(f"## Fields of {version}\n")[2].partition("## Fields of ")[0]
    told = [row[0].strip("`") for table in tables(own) if table[0][0] == "field" for row in table[1:]]
    paths = (re.sub(r"\{\}(?=\.)", ".<key>", path) for path, _ in nodes(schema(kind, version)))
    fields = [path for path in paths if path.startswith(("spec.", "status.")) and not path.endswith(("[]", "{}"))]
    assert sorted(told) == sorted(fields)


@pytest.mark.parametrize(
    ("kind", "field", "told"),
    [
        ("Eip", "`spec.address`", ["`string`", "**required**"]),
        ("Eip", "`spec.protocol`", ["`string` of `bgp`, `layer2`, `vip`", "`bgp`"]),
        ("Eip", "`spec.exclude`", ["`[]string`", "none"]),
        ("Eip", "`spec.namespaceSelector`", ["`map[string]string`", "none"]),
        ("Eip", "`spec.disable`", ["`boolean`", "`false`"]),
        ("Eip", "`spec.cooldownSeconds`", ["`integer` of at least 0", "`0`"]),
        ("Eip", "`spec.quota`", ["`Object`", "no limit"]),
        ("EipReservation", "`spec.expires`", ["`string` (date-time)", "never"]),
        ("EipReservation", "`spec.count`", ["`integer` from 0 to 1,000", "`0`"]),
        ("BgpConf", "`spec.asPerRack`", ["`map[string]integer`", "as for all"]),
        ("BgpConf", "`spec.listenPort`", ["`integer` (int32)", "`179`"]),
        ("BgpPeer", "`spec.timers`", ["`Object`", "each of its fields is absent"]),
        (
            "BgpPeer",
            "`spec.afiSafis`",
            ["`[]Object`", "that of the peer's address; IPv4 and IPv6 where it is reached by neighborInterface"],
        ),
        ("BgpPeer", "`spec.afiSafis[].mpGracefulRestart.config.enabled`", ["`boolean`", "as for the session"]),
        ("BgpPeer", "`spec.authPasswordSecretRef`", ["`Object`", "none"]),
        ("BgpPeer", "`spec.localPreference`", [f"`integer` {UNSIGNED}", "that of the Service or its pool"]),
        ("BgpPeer", "`spec.med`", [f"`integer` {UNSIGNED}", "that of the Service or its pool"]),
        ("Eip", "`spec.bgp.localPreference`", [f"`integer` {UNSIGNED}", "100"]),
        ("Eip", "`spec.bgp.med`", [f"`integer` {UNSIGNED}", "none"]),
    ],
)
def test_a_row_tells_the_type_and_what_absence_means(kind: str, field: str, told: list[str]) -> None:
    assert row(kind, field)[:2] == told


def test_a_row_tells_what_the_schema_tells_and_leads_to_the_fields_of_a_part() -> None:
    *_, said = row("Eip", "`spec.quota`")
    assert said == "How much one namespace may have. ([its fields](#specquota))"


def test_of_a_status_no_row_tells_what_absence_means() -> None:
    heads = [table[0] for table in tables(text("Eip")) if "`status.usage`" in [row[0] for row in table]]
    assert heads == [["field", "type", "meaning"]] * 2


def test_what_absence_means_is_not_told_in_two_ways() -> None:
    told = [
        (each.encode_name, meant[1], each.default)
        for part in _parts(Part)
        for each in msgspec.structs.fields(part)
        for note in getattr(each.type, "__metadata__", ())
        if isinstance(note, str) and (meant := ABSENT.search(note)) and each.default not in (msgspec.NODEFAULT, None)
    ]
    assert told
    assert [one for one in told if one[2] not in ("", (), 0) and str(one[2]) != one[1]] == []


def _parts(part: type[Part]) -> Iterator[type[Part]]:
    for each in part.__subclasses__():
        yield each
        yield from _parts(each)


@pytest.mark.parametrize("kind", ["Eip", "EipReservation", "BgpConf", "BgpPeer"])
def test_the_rules_are_told_with_their_messages(kind: str) -> None:
    messages = {rule["message"] for _, part in nodes(schema(kind, "v1alpha2")) for rule in part.get(RULES, ())}
    (told,) = (table[1:] for table in tables(text(kind)) if table[0][0] == "of")
    assert {cells[2].strip("`") for cells in told} == messages


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_columns_are_those_that_are_printed(kind: Kind) -> None:
    told = [cells[:2] for table in tables(text(kind.name)) if table[0][0] == "column" for cells in table[1:]]
    assert told == [[f"`{name.upper()}`", type_] for name, type_, _ in kind.columns]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_example_has_only_fields_there_are_by_their_types(kind: Kind) -> None:
    example = yaml.safe_load((EXAMPLES / f"{kind.singular}.yaml").read_text())
    (stored,) = (version for version in kind.versions if version.stored)
    assert (example["apiVersion"], example["kind"]) == (f"{names.GROUP}/{stored.name}", kind.name)
    assert example.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert _missed(example["spec"], msgspec.to_builtins(msgspec.convert(example["spec"], stored.spec))) == []


def _missed(written: Any, read: Any, path: str = "spec") -> list[str]:
    """What is written and was not read."""
    if isinstance(written, dict):
        return [flaw for name in written for flaw in _missed(written[name], read.get(name), f"{path}.{name}")]
    if isinstance(written, list):
        pairs = zip(written, read or [None] * len(written), strict=True)
        return [flaw for one, other in pairs for flaw in _missed(one, other, f"{path}[]")]
    return [] if written == read else [path]


# Names that users and other programs depend on.

CONSTANTS = {name: value for name, value in vars(names).items() if name.isupper()}


def _words() -> Iterator[str]:
    """What is in code in the tables of names; of `key: value` and `group/version` both, and each alone."""
    for table in tables((PAGES / "annotations.md").read_text()):
        for code in re.findall(r"`([^`]+)`", " ".join(cell for row in table for cell in row)):
            yield from (code, *re.split(r": |(?<=\.io)/", code), code.removesuffix("<node>"))


@pytest.mark.parametrize("name", CONSTANTS)
def test_every_name_is_in_a_table_of_its_object(name: str) -> None:
    value = CONSTANTS[name]
    assert ({value} if isinstance(value, str) else value) - set(_words()) == set()
