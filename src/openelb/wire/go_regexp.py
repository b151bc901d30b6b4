"""Regular expressions as Go reads them: whether one can be compiled, and if not, why. None is ever run here.

The syntax is that of Go's package regexp/syntax with its flag Perl, read from its source: that of RE2, which has no
backreferences and does not look around. Stricter than Go in two points that no BGP attribute needs: characters that are not printable
ASCII, and classes of Unicode (`\\pN`). How deeply parts may be in each other (1000) is left to who bounds the length.
"""

import re

_REPEATS = 1000
"""How often a part may be repeated by braces at most, all braces around it multiplied (maxRepeat in regexp/syntax)."""

_BRACES = re.compile(r"\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\}")
_FLAGS = re.compile(r"\?[imsU]*(?:-[imsU]+)?([:)])")
_NAMED = re.compile(r"\?P?<(\w+)>", re.ASCII)
_POSIX = re.compile(r"\[:(.*?):\]")
_CLASSES = frozenset("dDsSwW")
_ANCHORS = frozenset("AbBz")
_CONTROLS = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_POSIX_NAMES = frozenset(
    (
        "alnum",
        "alpha",
        "ascii",
        "blank",
        "cntrl",
        "digit",
        "graph",
        "lower",
        "print",
        "punct",
        "space",
        "upper",
        "word",
        "xdigit",
    )
)


class _FlawError(Exception):
    """The sentence is what is wrong."""


class _Level:
    """A pair of parentheses that is open, or the whole: whether its last part can be repeated, and how often parts are."""

    def __init__(self) -> None:
        self.repeatable = self.repeated = False
        self.last = self.most = 1


def flaw(pattern: str) -> str:
    """Why Go does not compile the expression, in a few words; nothing where it does."""
    if not (pattern.isascii() and pattern.isprintable()):
        return "it has characters that are not printable ASCII"
    try:
        _Reading(pattern).all()
    except _FlawError as error:
        return str(error)
    return ""


class _Reading:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._levels = [_Level()]

    def all(self) -> None:
        while self._at < len(self._text):
            self._token()
        if len(self._levels) > 1:
            raise _FlawError("a ( is not closed")

    def _token(self) -> None:
        mark = self._text[self._at]
        if mark == "(":
            self._open()
        elif mark == ")":
            self._close()
        elif mark == "|":
            self._at += 1
            level = self._levels[-1]
            level.repeatable = level.repeated = False
        elif mark in "*+?" or (mark == "{" and _BRACES.match(self._text, self._at)):
            self._repeat(mark)
        elif mark == "[":
            self._class()
            self._part()
        elif self._text.startswith(r"\Q", self._at):
            self._quote()
        else:
            self._single()
            self._part()

    def _part(self, last: int = 1) -> None:
        level = self._levels[-1]
        level.repeatable, level.repeated, level.last = True, False, last
        level.most = max(level.most, last)

    def _open(self) -> None:
        self._at += 1
        if not self._text.startswith("?", self._at):
            self._levels.append(_Level())
        elif named := _NAMED.match(self._text, self._at):
            self._at = named.end()
            self._levels.append(_Level())
        elif flags := _FLAGS.match(self._text, self._at):
            self._at = flags.end()
            if flags[1] == ":":
                self._levels.append(_Level())
            else:
                self._levels[-1].repeated = False
        else:
            raise _FlawError(f"Go has no {self._text[self._at - 1 : self._at + 3]}")

    def _close(self) -> None:
        if len(self._levels) == 1:
            raise _FlawError("a ) closes nothing")
        self._at += 1
        self._part(self._levels.pop().most)

    def _repeat(self, mark: str) -> None:
        level = self._levels[-1]
        braces = _BRACES.match(self._text, self._at) if mark == "{" else None
        word = braces[0] if braces else mark
        if braces:
            self._check(braces)
        if not level.repeatable:
            raise _FlawError(f"there is nothing before {word} to be repeated")
        if level.repeated:
            raise _FlawError(f"{word} repeats what is repeated already")
        self._at += len(word)
        if self._text.startswith("?", self._at):
            self._at += 1
        level.repeated = True
        if braces:
            times = int(braces[3] or braces[1])
            level.last *= max(times, 1)
            level.most = max(level.most, level.last)
            if times >= 2 and level.last > _REPEATS:
                raise _FlawError(f"{word} makes more than {_REPEATS} repetitions")

    @staticmethod
    def _check(braces: re.Match[str]) -> None:
        least, most = int(braces[1][:9]), int((braces[3] or "0")[:9])
        if least > _REPEATS or most > _REPEATS or (braces[3] and least > most):
            raise _FlawError(f"{braces[0]} is not from 0 to {_REPEATS} repetitions, the smaller number first")

    def _quote(self) -> None:
        end = self._text.find(r"\E", self._at + 2)
        literal = self._text[self._at + 2 : end if end >= 0 else len(self._text)]
        self._at = end + 2 if end >= 0 else len(self._text)
        if literal:
            self._part()
        else:
            self._levels[-1].repeated = False

    def _single(self) -> None:
        """One character, or an escape that stands for one, for several, or for a place."""
        if self._text[self._at] == "\\" and self._text[self._at + 1 : self._at + 2] in _CLASSES | _ANCHORS:
            self._at += 2
        else:
            self._character()

    def _character(self) -> int:
        mark = self._text[self._at]
        self._at += 1
        return self._escape() if mark == "\\" else ord(mark)

    def _escape(self) -> int:
        rest = self._text[self._at :]
        mark = rest[:1]
        if not mark:
            raise _FlawError("it ends in a backslash")
        found = re.match(r"0[0-7]{0,2}|[1-7][0-7]{1,2}", rest) or re.match(
            r"x([0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,8}\})", rest
        )
        if found:
            self._at += found.end()
            code = int(found[1].strip("{}"), 16) if mark == "x" else int(found[0], 8)
            if code <= 0x10FFFF:
                return code
        elif mark in _CONTROLS or not mark.isalnum():
            self._at += 1
            return _CONTROLS.get(mark, ord(mark))
        raise _FlawError(f"the escape \\{mark} is not known")

    def _class(self) -> None:
        self._at += 2 if self._text.startswith("[^", self._at) else 1
        first = True
        while first or not self._text.startswith("]", self._at):
            if self._at >= len(self._text):
                raise _FlawError("a [ is not closed")
            first = False
            if posix := _POSIX.match(self._text, self._at):
                if posix[1].removeprefix("^") not in _POSIX_NAMES:
                    raise _FlawError(f"the class {posix[0]} is not known")
                self._at = posix.end()
            elif self._text[self._at] == "\\" and self._text[self._at + 1 : self._at + 2] in _CLASSES:
                self._at += 2
            else:
                self._range()
        self._at += 1

    def _range(self) -> None:
        began = self._at
        low = self._character()
        after = self._text[self._at : self._at + 2]
        if len(after) == 2 and after[0] == "-" and after[1] != "]":
            self._at += 1
            if self._character() < low:
                raise _FlawError(f"the range {self._text[began : self._at]} ends before it begins")
