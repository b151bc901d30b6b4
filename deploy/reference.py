"""Writes docs/reference, a page for each of our kinds: every field with its type, what its absence means, and what it says.

All of it is from the kinds in src/openelb/kube, as `kubectl explain` has it, and from examples/reference.
`python -m deploy.reference` writes the pages anew; a test fails while one is out of date.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import starmap
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Literal, NamedTuple, get_args, get_origin

from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from openelb.kube.crds import KINDS, Kind, Version
from openelb.kube.kinds import Part
from openelb.kube.rules import Rule
from openelb.model.names import GROUP

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"
EXAMPLES = ROOT / "examples" / "reference"

HEADER = "<!-- Written by deploy/reference.py from the kinds in src/openelb/kube: change those. -->"
MORE = {
    "Eip": "Which address a Service gets, what is refused, and how to change a pool: [eip.md](../eip.md).\n"
    "Annotations and labels: [annotations.md](annotations.md#on-an-eip). Reasons in conditions: [reasons.md](reasons.md).",
    "EipAllocation": "When there are any: [eip.md](../eip.md#eipallocation-the-ledger-of-a-large-pool).",
    "EipConflict": "When there are any, and what to do: [conflicts.md](../how-to/conflicts.md).",
    "EipReservation": "What a reservation does: [eip.md](../eip.md#reservations). How to make one: "
    "[reserving.md](../how-to/reserving.md).\nReasons in conditions: [reasons.md](reasons.md).",
    "BgpConf": "The names are those of OpenELB 0.6 and GoBGP.",
    "BgpPeer": "The names are those of OpenELB 0.6 and GoBGP.",
}
"""Where what a table cannot say is explained."""

ABSENT = re.compile(r"\s*Absent means (.*?)\.(?=\s|$)")
"""How a description tells what a default cannot tell."""


class Place(NamedTuple):
    """A part of an object and where it is in it."""

    path: str
    part: type[Part]


def pages() -> dict[Path, str]:
    """What each file is to hold."""
    return {PAGES / f"{kind.singular}.md": page(kind) for kind in KINDS}


def page(kind: Kind) -> str:
    """The page of one kind: what it is, an example, and all fields of the version that is stored, then of an older one."""
    sections = [
        f"# {kind.name}",
        HEADER,
        kind.description,
        MORE[kind.name],
        _facts(kind),
        _columns(kind),
        _example(kind),
    ]
    for version in sorted(kind.versions, key=lambda version: not version.stored):
        sections += _version(kind, version)
    return "\n\n".join(section for section in sections if section) + "\n"


def _facts(kind: Kind) -> str:
    served = ", ".join(f"`{each.name}`{' (stored)' if each.stored else ''}" for each in reversed(kind.versions))
    names = [f"`{name}`" for name in (kind.plural, kind.singular, *kind.categories)]
    rows = [
        ("group", f"`{GROUP}`"),
        ("versions", served),
        ("scope", "the whole cluster: it is in no namespace"),
        ("names for `kubectl`", ", ".join(names)),
    ]
    return _table(("of the API", ""), rows)


def _columns(kind: Kind) -> str:
    if not kind.columns:
        return ""
    rows = [(f"`{name.upper()}`", type_, f"`{path.removeprefix('.')}`") for name, type_, path in kind.columns]
    return f"`kubectl get {kind.plural}` prints, beside the name:\n\n" + _table(("column", "type", "from"), rows)


def _example(kind: Kind) -> str:
    return f"## Example\n\n```yaml\n{(EXAMPLES / f'{kind.singular}.yaml').read_text()}```"


def _version(kind: Kind, version: Version) -> Iterator[str]:
    """A table for each part, and the rules. Headings name the version where it is not the one that is stored."""
    yield f"## Fields of {version.name}"
    if not version.stored:
        yield "The first version shows the same objects. It keeps every field, also those that it has no description for."
    roots = [Place("spec", version.spec), *([Place("status", version.status)] if version.status else [])]
    places = [place for root in roots for place in _places(root)]
    suffix = "" if version.stored else f" of {version.name}"
    for place in places:
        yield f"### `{place.path}`{suffix}"
        yield place.part.__doc__ or ""
        yield _fields(place, suffix)
    if version.stored:
        yield _rules(kind, places)


def _places(place: Place) -> Iterator[Place]:
    """The part and the parts in it that have fields, in the order of reading."""
    if not fields(place.part):
        return
    yield place
    for field in fields(place.part):
        if inner := _inner(field.type):
            yield from _places(Place(f"{place.path}.{field.encode_name}{_brackets(field.type)}", inner))


def _fields(place: Place, suffix: str) -> str:
    """In a status, absence means no more than that there is nothing to say: there is no column for it."""
    is_asked = not place.path.startswith("status")
    head = ("field", "type", *(("absent means",) if is_asked else ()), "meaning")
    return _table(head, [_row(place.path, field, suffix, is_asked=is_asked) for field in fields(place.part)])


def _row(path: str, field: FieldInfo, suffix: str, *, is_asked: bool) -> tuple[str, ...]:
    name = f"{path}.{field.encode_name}"
    said, absent = _said(field)
    if _inner(field.type):
        said += f" ([its fields](#{_anchor(f'{name}{_brackets(field.type)}{suffix}')}))"
    return f"`{name}`", _type(field.type), *((absent,) if is_asked else ()), said


def _said(field: FieldInfo) -> tuple[str, str]:
    """What the field says, and what its absence means, which is told in a sentence of the former or by the default."""
    (description,) = (note for note in _notes(field.type) if isinstance(note, str))
    said, told = ABSENT.sub("", description), ABSENT.search(description)
    default = field.default_factory() if field.default is NODEFAULT and not field.required else field.default
    if field.required:
        return said, "**required**"
    written = str(default).lower() if isinstance(default, bool) else str(default)
    if told and told[1] != written:
        return said, told[1]
    if default is None:
        return said, "each of its fields is absent" if _inner(field.type) else "none"
    return said, f"`{written}`" if written and default not in ((), {}) else "none"


def _rules(kind: Kind, places: Iterable[Place]) -> str:
    found = [("the whole object", rule) for rule in kind.rules]
    for path, part in places:
        found += [(f"`{path}`", rule) for rule in part.rules]
        for each in fields(part):
            found += [(f"`{path}.{each.encode_name}`", rule) for rule in _rules_of(each.type)]
            found += [(f"`{path}.{each.encode_name}[]`", rule) for rule in _rules_of(_item(each.type))]
    if not found:
        return ""
    rows = [(of, f"`{rule.expression.replace('{it}', 'self')}`", f"`{rule.message}`") for of, rule in found]
    return (
        "## Rules\n\nThe API server itself refuses what breaks one of these (CEL), also while no manager is there to be "
        "asked.\nAn object that broke one before may be changed everywhere else.\n\n"
        + _table(("of", "is to be so", "else its author is told"), rows)
    )


def _rules_of(annotation: object) -> list[Rule]:
    return [note for note in _notes(annotation) if isinstance(note, Rule)]


def _item(annotation: object) -> object:
    """What a list has; None of everything else."""
    plain = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return get_args(plain)[0] if get_origin(plain) is tuple else None


# How fields are annotated, `kinds` says.


def _notes(annotation: object) -> tuple[object, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def _inner(annotation: object) -> type[Part] | None:
    """The part that a field has, alone or in a list or map."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    of = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return next((inner for each in of if (inner := _inner(each))), None)


def _bare(annotation: object) -> object:
    """Without notes, and without the None that stands for absence."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) is UnionType:
        (only,) = (each for each in get_args(annotation) if each is not NoneType)
        return _bare(only)
    return annotation


def _brackets(annotation: object) -> str:
    """How a path goes on into a list or a map."""
    origin = get_origin(_bare(annotation))
    return "[]" if origin is tuple else ".<key>" if origin is Mapping else ""


_SCALARS: Mapping[object, str] = {str: "string", int: "integer", bool: "boolean"}


def _type(annotation: object) -> str:
    """In the words of `kubectl explain`, with what limits it."""
    return " ".join([f"`{_word(annotation)}`", *_limits(annotation)])


def _word(annotation: object) -> str:
    bare = _bare(annotation)
    arguments = get_args(bare)
    if get_origin(bare) is tuple:
        return f"[]{_word(arguments[0])}"
    if get_origin(bare) is Mapping:
        return f"map[string]{_word(arguments[1])}"
    return "Object" if _inner(bare) else _SCALARS.get(bare, "string")


def _limits(annotation: object) -> Iterator[str]:
    bare = _bare(annotation)
    if get_origin(bare) is Literal:
        yield "of " + ", ".join(f"`{value}`" for value in get_args(bare))
    keys = {name: value for note in _notes(annotation) if isinstance(note, Mapping) for name, value in note.items()}
    if "format" in keys:
        yield f"({keys['format']})"
    if "maximum" in keys:
        yield f"from {keys['minimum']:,} to {keys['maximum']:,}"
    elif "minimum" in keys:
        yield f"of at least {keys['minimum']:,}"


# Markdown.


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join([_line(*head), _line(*("---" for _ in head)), *starmap(_line, rows)])


def _line(*cells: str) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in (cell.replace("|", "\\|") for cell in cells)) + "|"


def _anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
