"""Where the lab keeps what it has made, each thing under a name derived from everything it was made of.

So a changed input makes a new thing beside the old one, and what did not change is found again.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEY_DIGITS = 12
"""Hexadecimal digits of a key: 48 bits tell the few generations on one machine apart."""


def default_root(environ: Mapping[str, str], home: Path) -> Path:
    """The cache's directory: OPENELB_CACHE, else ``openelb`` in the user's cache directory."""
    if chosen := environ.get("OPENELB_CACHE"):
        return Path(chosen)
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "openelb"


def key(*inputs: str) -> str:
    """A name for what is made of these inputs, in this order."""
    digest = hashlib.sha256()
    for each in inputs:
        encoded = each.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:KEY_DIGITS]


def fingerprint(*paths: Path) -> str:
    """A digest of files and whole directories: names, contents and whether they are executable.

    Compiled Python is left out. A path that is missing counts as empty.
    """
    digest = hashlib.sha256()
    for path in paths:
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.is_dir() or "__pycache__" in file.parts:
                continue
            name = file.name if file == path else file.relative_to(path).as_posix()
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{name}\0{os.access(file, os.X_OK)}\0{content}\n".encode())
        digest.update(b"\n")
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Cache:
    """The directory of everything made, shared by all checkouts and labs of one user."""

    root: Path

    @classmethod
    def of_user(cls) -> "Cache":
        """The cache of the user who runs this."""
        return cls(default_root(os.environ, Path.home()))

    @property
    def log(self) -> Path:
        """What the programs of the set-up print."""
        return self.root / "setup.log"

    def path(self, kind: str, *names: str) -> Path:
        """Where something is or will be."""
        return self.root.joinpath(kind, *names)

    @contextmanager
    def making(self, target: Path) -> Iterator[Path]:
        """A path to make ``target`` at. It gets its name when the body succeeds, so what exists is whole."""
        partial = target.with_name(target.name + ".partial")
        remove(partial)
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        remove(target)
        partial.rename(target)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty directory for as long as the body works; what a killed run left in it is removed by the next one."""
        place = self.root / "scratch"
        remove(place)
        place.mkdir(parents=True)
        try:
            yield place
        finally:
            remove(place)

    @contextmanager
    def locked(self, say: Callable[[str], None]) -> Iterator[None]:
        """Hold the set-up's lock. ``say`` is told whom we wait for, if we do; the kernel frees a dead holder's lock."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "setup.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                say(
                    f"Another set-up is at work (process {file.read().strip() or 'unknown'}): waiting until it is done."
                )
                fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def remove(path: Path) -> None:
    """Remove a file or a directory with all in it; nothing happens when it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
