"""A million spoilt frames and heartbeats, here a few thousand: they are spoilt in ways that reach every end of the readers."""

from bench import fuzz


def test_no_spoilt_frame_raises() -> None:
    frames, heartbeats = fuzz.rows(20_000)
    assert (frames.verdict, heartbeats.verdict) == ("reached", "reached")
    for end in ("answered", "not-claimed", "bad-checksum"):
        assert f" {end}" in frames.compared
