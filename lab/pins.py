"""The versions of everything the lab is built from, as ``versions.toml`` pins them."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("versions.toml")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the Python index, pinned by version and by the hashes of its files."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def requirement(self) -> str:
        """One line of a requirements file for ``--require-hashes``."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash={digest}" for digest in self.hashes)])


@dataclass(frozen=True, slots=True)
class Pins:
    """What ``versions.toml`` says. Versions of Go modules carry their ``v``."""

    kubernetes: str
    etcd: str
    containerd: str
    debian_suite: str
    go_minimum: str
    go: Package

    @classmethod
    def parse(cls, text: str) -> "Pins":
        """Raises KeyError when a pin is missing and tomllib.TOMLDecodeError when the text is no TOML."""
        table = tomllib.loads(text)
        go = table["go"]["package"]
        return cls(
            kubernetes=table["kubernetes"]["version"],
            etcd=table["etcd"]["version"],
            containerd=table["containerd"]["version"],
            debian_suite=table["debian"]["suite"],
            go_minimum=table["go"]["minimum"],
            go=Package(go["name"], go["version"], tuple(go["hashes"])),
        )


def pins() -> Pins:
    """The pins of this checkout."""
    return Pins.parse(FILE.read_text())


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version such as ``go1.26.8`` or ``v1.36.3``, to compare with; empty when it has none.

    What follows the numbers (``-rc1``, ``-X:nodwarf5``) is left out.
    """
    found = re.search(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
