"""Communities as people write them, and as numbers."""

import pytest

from openelb.wire.communities import WELL_KNOWN, large, large_text, number, text


@pytest.mark.parametrize(
    ("written", "expected"),
    [("65000:100", 65000 << 16 | 100), (" NO-EXPORT ", 0xFFFFFF01), ("5", 5), *WELL_KNOWN.items()],
)
def test_a_community_is_a_number(written: str, expected: int) -> None:
    assert number(written) == expected
    assert number(text(expected)) == expected


@pytest.mark.parametrize("wrong", ["", ":", "65536:1", "1:2:3", "export", "-1:1", "4294967296", "1:"])
def test_what_is_no_community_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no community"):
        number(wrong)


def test_a_large_community_is_three_numbers() -> None:
    assert large("65000:1:4294967295") == (65000, 1, 4294967295)
    assert large_text((65000, 1, 2)) == "65000:1:2"


@pytest.mark.parametrize("wrong", ["1:2", "1:2:3:4", "1:2:4294967296", "a:b:c", ""])
def test_what_is_no_large_community_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no large community"):
        large(wrong)
