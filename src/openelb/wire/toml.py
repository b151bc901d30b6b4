"""TOML, with the line that each of its parts is on: for sentences to those who wrote it.

The values are those of Python's `tomllib`, which tells no lines. Those are found beforehand, in a walk through the text that knows
where keys and values begin and end, and no more of the language. The walk also finds what would cost `tomllib` minutes or
the stack (keys of a thousand parts, lists in lists), so that no text does.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LONGEST = 256 * 1024
"""Characters. More than a thousand statements, read in a second or two, and below what a ConfigMap can hold (1 MiB)."""

DEEPEST = 16
"""Parts of a key, and lists and tables in each other. GoBGP's deepest key has seven."""

Where = tuple[str | int, ...]
"""A part of a document: keys, and positions in lists from 0."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong with a part of a text, and what to do. `line` counts from 1; 0 is the text as a whole."""

    line: int
    key: str
    sentence: str

    def __str__(self) -> str:
        place = ", ".join(filter(None, (f"line {self.line}" if self.line else "", self.key)))
        return f"{place}: {self.sentence}" if place else self.sentence


@dataclass(frozen=True, slots=True)
class Document:
    """What a text holds, and on which lines."""

    held: Mapping[str, object]
    lines: Mapping[Where, int] = field(repr=False)

    def line(self, where: Where) -> int:
        """Where a part is written, or what it is in; 0 is nowhere."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 0)

    def fault(self, where: Where, sentence: str) -> Fault:
        """What is wrong with a part."""
        return Fault(self.line(where), written(where), sentence)


def written(where: Where) -> str:
    """`policy-definitions[0].name`."""
    parts = (f"[{each}]" if isinstance(each, int) else f".{shown(each)}" for each in where)
    return "".join(parts).removeprefix(".")


def shown(text: str) -> str:
    """A user's word as far as it is read in a sentence, without what would break it."""
    clean = "".join(each if each.isprintable() else "?" for each in text[:61])
    return clean if len(text) <= 60 else clean[:60] + "…"


def read(text: str) -> Document | Fault:
    """What the text holds, or why it cannot be read. Never raises."""
    if len(text) > LONGEST:
        return Fault(
            0, "", f"it has {len(text):,} characters, and {LONGEST:,} are read at most: leave out what is not used"
        )
    walk = _Walk(text.replace("\r\n", "\n"))
    try:
        walk.document()
    except _TooDeepError:
        return Fault(
            walk.line(), "", f"parts of more than {DEEPEST} levels are not read: no key of policies has so many"
        )
    try:
        return Document(tomllib.loads(text), walk.lines)
    except tomllib.TOMLDecodeError as error:
        return _unreadable(str(error))
    except (ValueError, RecursionError):  # Python converts no number of more than 4300 digits
        return Fault(0, "", "this is not TOML: it has a number of thousands of digits")


def _unreadable(error: str) -> Fault:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", error, re.DOTALL)
    said, line, column = found.groups() if found else (error, None, None)
    place = f", in column {column}" if column else ", at the end of the text"
    return Fault(int(line or 0), "", f"this is not TOML: {shown(said[:1].lower() + said[1:])}{place}")


class _TooDeepError(Exception):
    """A part is deeper than we read."""


class _EndError(Exception):
    """What is written here is not TOML, which `tomllib` says better."""


_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\n]+|#[^\n]*)*+")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"(?!""")){0,2}', re.DOTALL),
    re.compile(r"'''.*?'''(?:'(?!''')){0,2}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*+"'),
    re.compile(r"'[^'\n]*+'"),
)
_OTHER = re.compile(r"[^,\]}#\n]+")


class _Walk:
    """Through a text, with what has been found on the way."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Where, int] = {}
        self._text = text
        self._at = 0
        self._breaks = [found.start() for found in re.finditer("\n", text)]
        self._tables: dict[Where, int] = {}  # how many tables a list has that is written with [[ ]]

    def line(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1

    def document(self) -> None:
        table: Where = ()
        try:
            while self._skip(_SPACE) < len(self._text):
                table = self._header() if self._next("[") else self._pair(table, 1)
        except _EndError:
            pass

    def _header(self) -> Where:
        line, double = self.line(), self._take("[") and self._take("[")
        *outer, last = self._key()
        self._expect("]]" if double else "]")
        where: Where = ()
        for part in outer:
            where = self._newest(self._note((*where, part), line))
        where = self._note((*where, last), line)
        if not double:
            return self._newest(where)
        self._tables[where] = self._tables.get(where, 0) + 1
        return self._note(self._newest(where), line)

    def _newest(self, where: Where) -> Where:
        return (*where, self._tables[where] - 1) if where in self._tables else where

    def _note(self, where: Where, line: int) -> Where:
        self.lines.setdefault(where, line)
        return where

    def _pair(self, table: Where, depth: int) -> Where:
        line, where = self.line(), table
        for part in self._key():
            where = self._note((*where, part), line)
        self._expect("=")
        self._skip(_BLANK)
        self._value(where, depth)
        return table

    def _key(self) -> list[str]:
        parts = [self._part()]
        while self._skip(_BLANK) and self._take("."):
            parts.append(self._part())
            if len(parts) > DEEPEST:
                raise _TooDeepError
        return parts

    def _part(self) -> str:
        self._skip(_BLANK)
        raw = self._match(_BARE, *_STRINGS[2:])
        if raw[0] not in "\"'":
            return raw
        try:
            return str(tomllib.loads(f"key = {raw}")["key"])
        except tomllib.TOMLDecodeError as error:
            raise _EndError from error

    def _value(self, where: Where, depth: int) -> None:
        if depth > DEEPEST:
            raise _TooDeepError
        if self._take("["):
            for index in self._parts("]"):
                self._value(self._note((*where, index), self.line()), depth + 1)
        elif self._take("{"):
            for _ in self._parts("}"):
                self._pair(where, depth + 1)
        elif self._next('"') or self._next("'"):
            self._match(*_STRINGS)
        else:
            self._match(_OTHER)

    def _parts(self, end: str) -> Iterator[int]:
        """The positions of what is between commas; at each the walk is where it begins."""
        index = 0
        while self._skip(_SPACE) and not self._take(end):
            yield index
            index += 1
            if self._skip(_SPACE) and not self._take(",") and not self._next(end):
                raise _EndError

    def _next(self, mark: str) -> bool:
        return self._text.startswith(mark, self._at)

    def _take(self, mark: str) -> bool:
        there = self._next(mark)
        self._at += len(mark) if there else 0
        return there

    def _expect(self, mark: str) -> None:
        self._skip(_BLANK)
        if not self._take(mark):
            raise _EndError

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _match(self, *patterns: re.Pattern[str]) -> str:
        for pattern in patterns:
            if found := pattern.match(self._text, self._at):
                self._at = found.end()
                return found[0]
        raise _EndError
