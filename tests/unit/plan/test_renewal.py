"""When a certificate is followed by another one, told without any time passing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openelb.plan.renewal import DAY, Certificate, due

NAMES = frozenset({"openelb-webhook.openelb-system.svc"})
YEAR = Certificate(NAMES, begins=0.0, ends=360 * DAY)


@pytest.mark.parametrize(
    ("kept", "day", "why"),
    [
        (None, 0, "there is none"),
        (YEAR, 0, ""),
        (YEAR, 239, ""),
        (YEAR, 241, "the one there is expires in 119 days"),
        (YEAR, 359, "the one there is expires in 1 day"),
        (YEAR, 359.9, "the one there is expires in less than a day"),
        (YEAR, 360, "the one there is expired less than a day ago"),
        (YEAR, 400, "the one there is expired 40 days ago"),
        (YEAR, -3, "the one there is is not valid for another 3 days"),
        (Certificate(frozenset({"other.openelb-system.svc"})), 0, f"the one there is is not for {min(NAMES)}"),
        (Certificate(NAMES | {"more"}, begins=0.0, ends=360 * DAY), 1, ""),
        (Certificate(NAMES, problem="the key is another certificate's"), 0, "the key is another certificate's"),
    ],
)
def test_a_certificate_is_followed_by_another_for_a_reason(kept: Certificate | None, day: float, why: str) -> None:
    assert due(kept, NAMES, day * DAY) == why


@given(begins=st.floats(0, 1e9), lasts=st.floats(1, 1e9), now=st.floats(0, 1e10))
def test_one_that_is_not_valid_at_the_moment_is_never_kept(begins: float, lasts: float, now: float) -> None:
    kept = Certificate(NAMES, begins, begins + lasts)
    if not due(kept, NAMES, now):
        assert begins <= now < begins + lasts
