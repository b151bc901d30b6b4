"""TOML: on which line each part is, and texts that would take long or break."""

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.wire import toml
from openelb.wire.toml import DEEPEST, LONGEST, Document, Fault

TEXT = '''\
# a comment
top = "x"
[one.two]
a.b = 1
"quoted \\u0061" = """
several "lines" ""\\
"""
after = { x = 1, y = { z = [ 2 ] } }

[[many]]
list = [
  "first", # one
  'second',
  [
    3, 4 ],
]
[[many.below]]
v = 1979-05-27 07:32:00
[[many]]
last = true
'''


def test_each_part_has_its_line() -> None:
    read = toml.read(TEXT)
    assert isinstance(read, Document)
    assert read.lines == {
        ("top",): 2,
        ("one",): 3,
        ("one", "two"): 3,
        ("one", "two", "a"): 4,
        ("one", "two", "a", "b"): 4,
        ("one", "two", "quoted a"): 5,
        ("one", "two", "after"): 8,
        ("one", "two", "after", "x"): 8,
        ("one", "two", "after", "y"): 8,
        ("one", "two", "after", "y", "z"): 8,
        ("one", "two", "after", "y", "z", 0): 8,
        ("many",): 10,
        ("many", 0): 10,
        ("many", 0, "list"): 11,
        ("many", 0, "list", 0): 12,
        ("many", 0, "list", 1): 13,
        ("many", 0, "list", 2): 14,
        ("many", 0, "list", 2, 0): 15,
        ("many", 0, "list", 2, 1): 15,
        ("many", 0, "below"): 17,
        ("many", 0, "below", 0): 17,
        ("many", 0, "below", 0, "v"): 18,
        ("many", 1): 19,
        ("many", 1, "last"): 20,
    }


def test_a_part_that_is_not_written_has_the_line_of_what_it_would_be_in() -> None:
    read = toml.read(TEXT)
    assert isinstance(read, Document)
    assert (read.line(("many", 1, "other")), read.line(("none",))) == (19, 0)


def test_a_fault_is_told_with_its_place() -> None:
    read = toml.read("a = [\n1]")
    assert isinstance(read, Document)
    assert str(read.fault(("a", 0), "it is wrong: mend it")) == "line 2, a[0]: it is wrong: mend it"
    assert str(Fault(0, "", "it is long")) == "it is long"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = 1\nb 2\n", "line 2: this is not TOML: expected '=' after a key in a key/value pair, in column 3"),
        ("a = 1\na = 2\n", "line 2: this is not TOML: cannot overwrite a value, in column 6"),
        ('a = "x', "this is not TOML: unterminated string, at the end of the text"),
        ("a = " + "9" * 5000, "this is not TOML: it has a number of thousands of digits"),
        (
            "a = " + "[" * 5000,
            f"line 1: parts of more than {DEEPEST} levels are not read: no key of policies has so many",
        ),
        (
            "a = 1\n" + "a." * 5000,
            f"line 2: parts of more than {DEEPEST} levels are not read: no key of policies has so many",
        ),
        (
            "#" * (LONGEST + 1),
            f"it has {LONGEST + 1:,} characters, and {LONGEST:,} are read at most: leave out what is not used",
        ),
    ],
)
def test_what_cannot_be_read_is_told(text: str, told: str) -> None:
    assert str(toml.read(text)) == told


@pytest.mark.parametrize(
    "text",
    [
        "a." * (LONGEST // 2),
        "[" + "a." * (LONGEST // 2),
        "a=" + "{a=" * (LONGEST // 4),
        "a=" + "[" * (LONGEST - 10),
        '"""' + '"' * (LONGEST - 10),
        "a='''" + "''" * (LONGEST // 4),
        "[[a]]\n" * (LONGEST // 8),
        "#\n" * (LONGEST // 2),
        '"' + "\\" * (LONGEST - 10),
        "a=[" + "1," * (LONGEST // 4) + "]",
        "\ud800",
    ],
    ids=lambda text: text[:10].encode("ascii", "replace").decode(),
)
def test_no_text_takes_long_or_breaks(text: str) -> None:
    assert isinstance(toml.read(text), Document | Fault)


PIECES = st.sampled_from(
    [
        "[",
        "]",
        "[[a]]",
        "[[",
        "a",
        ".",
        "=",
        " = ",
        '"',
        "'",
        '"""',
        "'''",
        "\\",
        "{",
        "}",
        ",",
        "\n",
        "#",
        "1",
        "\r\n",
        "x.y",
    ]
)


@given(st.lists(PIECES).map("".join) | st.text())
def test_whatever_the_text_its_parts_have_lines(text: str) -> None:
    """The walk finds what `tomllib` finds, no part more and none less."""
    read = toml.read(text)
    if isinstance(read, Document):
        assert set(read.lines) == set(parts(tomllib.loads(text)))


def parts(held: object, where: toml.Where = ()) -> Iterator[toml.Where]:
    below = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
    for key, value in below:
        yield (*where, key)
        yield from parts(value, (*where, key))
