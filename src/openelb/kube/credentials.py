"""What we show the API server to be let in, and where newer ones come from: a token that is fixed, or one in a file.

Whether a credential is still good is for the server to say, by 401. The clock on the wall is read for those of plugins
alone, once for each, to renew it in time.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from openelb.kube.errors import NoCredentials


@dataclass(frozen=True, slots=True)
class Credential:
    """What one request shows: a bearer token, empty for none, and how to connect where that is not as the cluster says."""

    token: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None


class Login(Protocol):
    """Gives the credential of the moment."""

    async def credential(self) -> Credential:
        """What to show now. Raises NoCredentials."""

    def refused(self, credential: Credential) -> None:
        """The server does not take it (any more): look for another."""


def usable(text: str) -> str:
    """A token without the white space around it. Raises ValueError where no HTTP header can carry it."""
    token = text.strip()
    if not (token.isascii() and token.isprintable()):
        raise ValueError("the token has a line break or another character that no HTTP header can carry")
    return token


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that is what it is; none where a client certificate or nothing is used."""

    text: str = field(default="", repr=False)

    async def credential(self) -> Credential:
        return Credential(self.text)

    def refused(self, credential: Credential) -> None:
        """There is no other."""


class FileToken:
    """A token in a file that is replaced before it expires, as the kubelet does: read again whenever the file changes,
    and after a refusal even where it seems the same.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] | None = None
        self._text = ""

    async def credential(self) -> Credential:
        return Credential(self.read())

    def refused(self, credential: Credential) -> None:
        self._stamp = None

    def read(self) -> str:
        """The token; the last one known while the file has none. Raises NoCredentials when there never was one."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp != self._stamp:
                # Whoever writes it in place empties it first.
                self._text, self._stamp = usable(self._path.read_text()) or self._text, stamp
        except (OSError, ValueError) as error:
            if not self._text:
                raise NoCredentials(f"the token file {self._path} cannot be {_in_words(error)}") from error
        if not self._text:
            raise NoCredentials(f"the token file {self._path} is empty")
        return self._text


def _in_words(error: OSError | ValueError) -> str:
    match error:
        case OSError():
            return f"read: {error.strerror}"
        case UnicodeDecodeError():
            return "read: it is no text"
        case _:
            return f"used: {error}"
