"""Tokens that are fixed, and tokens in files that are replaced."""

import os
from pathlib import Path

import pytest

from openelb.kube.credentials import Credential, FileToken, FixedToken
from openelb.kube.errors import NoCredentials


async def test_a_token_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    token = FileToken(path)
    assert (await token.credential()).token == "first"
    replacement = tmp_path / "token.new"
    replacement.write_text("second\n")
    replacement.rename(path)
    assert (await token.credential()).token == "second"


async def test_a_token_file_that_vanished_or_was_emptied_leaves_the_last_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    token = FileToken(path)
    await token.credential()
    path.write_text("")
    assert (await token.credential()).token == "first"
    path.unlink()
    assert (await token.credential()).token == "first"


async def test_after_a_refusal_the_file_is_read_even_where_nothing_shows_that_it_changed(tmp_path: Path) -> None:
    """A clock that was set back, and a file written in place, can give a later file the look of the one before."""
    path = tmp_path / "token"
    path.write_text("first.")
    token = FileToken(path)
    first, stat = await token.credential(), path.stat()
    path.write_text("second")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert await token.credential() == first
    token.refused(first)
    assert (await token.credential()).token == "second"


async def test_a_token_file_that_never_was_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoCredentials, match=r"token cannot be read: No such file"):
        await FileToken(tmp_path / "token").credential()
    (tmp_path / "token").write_text("")
    with pytest.raises(NoCredentials, match="token is empty"):
        await FileToken(tmp_path / "token").credential()


@pytest.mark.parametrize("text", ["two\nlines\n", "a\x00b", "passwört"])
async def test_a_token_file_that_no_header_can_carry_is_told_and_leaves_the_last_token(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    token = FileToken(path)
    with pytest.raises(NoCredentials, match="token cannot be used: the token has a line break or another character"):
        await token.credential()
    path.write_text("good\n")
    assert (await token.credential()).token == "good"
    path.write_text(text)
    assert (await token.credential()).token == "good"


async def test_a_fixed_token_stays_what_it_is_when_it_is_refused() -> None:
    token = FixedToken("mine")
    token.refused(Credential("mine"))
    assert await token.credential() == Credential("mine")


def test_no_token_is_shown_where_a_credential_is_printed() -> None:
    assert "mine" not in repr(Credential("mine")) + repr(FixedToken("mine"))
