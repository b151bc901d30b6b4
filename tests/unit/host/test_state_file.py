"""What a speaker leaves to its successor, and what it makes of a file that no speaker wrote."""

import logging
import os
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from openelb.host import state_file
from openelb.host.state_file import EVERY, FEW, MAX_BYTES, Left, StateFile
from openelb.model.announcements import Claim
from openelb.model.cluster import Protocol
from tests.fakes.clock import Clock

CLAIMS = frozenset(
    {
        Claim(IPv4Address("192.0.2.10"), "eth0"),
        Claim(IPv4Address("192.0.2.11"), "eth1", Protocol.VIP),
        Claim(IPv6Address("2001:db8::10"), "eth0"),
        Claim(IPv6Address("::192.0.2.10"), "eth0"),
    },
)
NONE = frozenset[Claim]()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def process(path: Path | None, clock: Clock, *, boot: str = "boot-1") -> StateFile:
    """The file as a process of its own has it."""
    return StateFile(path, clock=clock, boot=lambda: boot)


def test_a_successor_finds_what_was_announced_and_how_long_it_is_valid(path: Path, clock: Clock) -> None:
    process(path, clock).keep(CLAIMS, valid_for=4.0)
    clock.now += 1.5
    assert process(path, clock).left() == Left(CLAIMS, valid_for=2.5)


def test_each_stamp_makes_it_valid_for_longer(path: Path, clock: Clock) -> None:
    kept = process(path, clock)
    for _ in range(10):
        kept.keep(CLAIMS, valid_for=4.0)
        clock.now += 1.0
    assert process(path, clock).left() == Left(CLAIMS, valid_for=3.0)


def test_what_is_no_longer_announced_is_out_of_it_at_once_and_the_rest_is_stamped_as_often_as_needed(
    path: Path, clock: Clock
) -> None:
    kept, more = process(path, clock), CLAIMS | {Claim(IPv4Address(number), "eth0") for number in range(FEW + 1)}
    kept.keep(CLAIMS, valid_for=4.0)
    clock.now += EVERY / 2
    kept.keep(more, valid_for=4.0)
    assert process(path, clock).left() == Left(CLAIMS, valid_for=4.0 - EVERY / 2)
    clock.now += EVERY / 2
    kept.keep(more, valid_for=4.0)
    assert process(path, clock).left() == Left(more, valid_for=4.0)
    kept.keep(CLAIMS, valid_for=4.0)
    assert process(path, clock).left() == Left(CLAIMS, valid_for=4.0)


def test_a_few_claims_are_written_whenever_there_are_others(path: Path, clock: Clock) -> None:
    kept, more = process(path, clock), CLAIMS | {Claim(IPv4Address("192.0.2.99"), "eth0")}
    kept.keep(CLAIMS, valid_for=4.0)
    kept.keep(more, valid_for=4.0)
    assert process(path, clock).left() == Left(more, valid_for=4.0)


def test_what_is_old_says_so(path: Path, clock: Clock) -> None:
    process(path, clock).keep(CLAIMS, valid_for=4.0)
    clock.now += 60
    assert process(path, clock).left() == Left(CLAIMS, valid_for=-56.0)


def test_a_file_from_before_the_kernel_started_counts_for_nothing(path: Path, clock: Clock) -> None:
    process(path, clock).keep(CLAIMS, valid_for=4.0)
    assert process(path, clock, boot="boot-2").left() is None


def test_nothing_is_left_where_nothing_was_kept(path: Path, clock: Clock) -> None:
    assert process(path, clock).left() is None


def test_what_was_removed_is_not_found(path: Path, clock: Clock) -> None:
    kept = process(path, clock)
    kept.keep(CLAIMS, valid_for=4.0)
    kept.remove()
    assert process(path, clock).left() is None
    assert list(path.parent.iterdir()) == []


def test_without_a_path_nothing_is_kept_or_found(clock: Clock) -> None:
    kept = process(None, clock)
    kept.keep(CLAIMS, valid_for=4.0)
    kept.remove()
    assert kept.left() is None


def test_a_crash_in_the_middle_of_writing_leaves_what_was_there(path: Path, clock: Clock) -> None:
    process(path, clock).keep(CLAIMS, valid_for=4.0)
    path.with_name("state.new").write_text('{"boot": "boo')
    assert process(path, clock).left() == Left(CLAIMS, valid_for=4.0)
    process(path, clock).keep(NONE, valid_for=4.0)
    assert process(path, clock).left() == Left(NONE, valid_for=4.0)


def test_by_default_it_is_of_this_boot_and_its_clock(path: Path) -> None:
    StateFile(path).keep(CLAIMS, valid_for=4.0)
    left = StateFile(path).left()
    assert left is not None
    assert left.claims == CLAIMS
    assert left.valid_for == pytest.approx(4.0, abs=3.9)
    assert state_file.boottime() > 0
    assert state_file.boot_id()


# Files that no speaker wrote.

VALID = '{"boot":"boot-1","valid_until":1004.0,"claims":[["192.0.2.10","eth0","layer2"]]}'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\0" * 100,
        "[" * 100_000,
        "null",
        "[]",
        "{}",
        VALID[:-5],
        VALID.replace("192.0.2.10", "192.0.2.310"),
        VALID.replace("192.0.2.10", "fe80::1%eth0"),
        VALID.replace("192.0.2.10", "192.0.2.10/24"),
        VALID.replace('"layer2"', '"ospf"'),
        VALID.replace('"eth0"', "7"),
        VALID.replace(',"layer2"', ""),
        VALID.replace("1004.0", '"soon"'),
        VALID.replace("1004.0", "NaN"),
        VALID.replace("1004.0", "1e999"),
        VALID + " " * MAX_BYTES,
    ],
)
def test_a_file_that_no_speaker_wrote_is_told_and_ignored(
    content: str, path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(VALID)
    assert process(path, clock).left() is not None
    path.write_text(content)
    assert process(path, clock).left() is None
    (line,) = caplog.messages
    assert line.startswith(f"the state file {path} is of no use and is left alone: ")


def test_bytes_that_are_no_text_are_told_and_ignored(path: Path, clock: Clock) -> None:
    path.write_bytes(os.urandom(1000))
    assert process(path, clock).left() is None


def test_nobody_waits_at_a_pipe_and_no_link_is_followed(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_text(VALID)
    path.symlink_to(elsewhere)
    assert process(path, clock).left() is None
    path.unlink()
    os.mkfifo(path)
    assert process(path, clock).left() is None
    path.unlink()
    path.mkdir()
    assert process(path, clock).left() is None
    assert len(caplog.messages) == 3


# What cannot be written.


def test_a_file_that_cannot_be_written_is_told_once_and_when_it_is_over(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    path = path / "deeper"
    kept = process(path, clock)
    with caplog.at_level(logging.INFO):
        for _ in range(100):
            kept.keep(CLAIMS, valid_for=4.0)
            clock.now += 1.0
        path.parent.mkdir()
        kept.keep(CLAIMS, valid_for=4.0)
    assert caplog.messages == [
        f"the state file {path} cannot be written, so a restart without the API server is silent: "
        "No such file or directory",
        f"the state file {path} is written again",
    ]
    assert process(path, clock).left() == Left(CLAIMS, valid_for=4.0)


def test_what_is_not_so_any_more_is_not_left_where_what_is_so_cannot_be_written(path: Path, clock: Clock) -> None:
    kept = process(path, clock)
    kept.keep(CLAIMS, valid_for=4.0)
    path.with_name("state.new").mkdir()  # nothing can be written beside it
    kept.keep(NONE, valid_for=4.0)
    assert process(path, clock).left() is None
