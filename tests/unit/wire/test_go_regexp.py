"""Which regular expressions Go compiles. The answers are those of Go 1.26, but where we are stricter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.wire.go_regexp import flaw

GOOD = (
    *(
        "",
        "^65000:.*$",
        "6500[0-9]:(1|2)",
        "(^|[,{}() ]|$)65001(^|[,{}() ]|$)",
        r"\d+:100",
        r"^\^\$\_$",
        "a|",
        "|",
        "()",
        "^*",
    ),
    *(
        "a{2}",
        "a{2,}",
        "a{,3}",
        "a{2,3}?",
        "a{1000}",
        "{",
        "a{",
        "a{02}",
        "(a{10}){100}",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
    ),
    *(
        "[[:alpha:][:^digit:]]",
        r"[\d\-x]",
        "(?:a)",
        "(?P<n>a)",
        "(?<n>a)",
        "(?i)a",
        "(?i-s:a)",
        "a(?i)*",
        r"\x41\x{41}",
    ),
    *(r"\101", r"\0", r"\Qa*(\E*", r"\b\B\A\z", "a*?", "a+?", "a??", "(a|b)*", "(a*)*", r"\n", "(?)a"),
)
BAD = {
    "(": "a ( is not closed",
    "(?:(a)": "a ( is not closed",
    ")": "a ) closes nothing",
    "a[": "a [ is not closed",
    "[]": "a [ is not closed",
    "[[:x": "a [ is not closed",
    r"[\d": "a [ is not closed",
    "*": "there is nothing before * to be repeated",
    "a|+": "there is nothing before + to be repeated",
    "(?:*)": "there is nothing before * to be repeated",
    "{2}": "there is nothing before {2} to be repeated",
    "a**": "* repeats what is repeated already",
    "a{2}{3}": "{3} repeats what is repeated already",
    "a++": "+ repeats what is repeated already",
    "a{1001}": "{1001} is not from 0 to 1000 repetitions, the smaller number first",
    "a{3,2}": "{3,2} is not from 0 to 1000 repetitions, the smaller number first",
    "(a{100}){11}": "{11} makes more than 1000 repetitions",
    "(?=a)": "Go has no (?=a",
    "(?<!a)": "Go has no (?<!",
    "(?P=n)": "Go has no (?P=",
    "(?i": "Go has no (?i",
    r"(a)\1": r"the escape \1 is not known",
    r"\C": r"the escape \C is not known",
    r"\8": r"the escape \8 is not known",
    r"[\b]": r"the escape \b is not known",
    "a\\": "it ends in a backslash",
    "[b-a]": "the range b-a ends before it begins",
    "[[:nope:]]": "the class [:nope:] is not known",
    "é": "it has characters that are not printable ASCII",
    r"\pN": r"the escape \p is not known",
}


@pytest.mark.parametrize("pattern", GOOD)
def test_what_go_compiles_has_no_flaw(pattern: str) -> None:
    assert flaw(pattern) == ""


@pytest.mark.parametrize(("pattern", "told"), BAD.items(), ids=BAD)
def test_what_go_does_not_compile_is_told(pattern: str, told: str) -> None:
    assert flaw(pattern) == told


@given(st.text(alphabet="()[]{}?*+|^$\\-:,.0129aPQEdx<>&=i_", max_size=30) | st.text())
def test_no_expression_breaks(pattern: str) -> None:
    assert isinstance(flaw(pattern), str)
