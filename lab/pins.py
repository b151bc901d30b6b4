"""The versions of everything the lab is built from, as ``versions.toml`` pins them."""

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import click

FILE = Path(__file__).with_name("versions.toml")
CHOICE = "OPENELB_KUBERNETES"
"""The environment variable that chooses a Kubernetes by its short name, such as ``1.30``."""


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
    kubernetes_module: str
    """The directory below lab/modules that pins it."""
    etcd: str
    containerd: str
    gobgp: str
    debian_suite: str
    older_suite: str
    go_minimum: str
    go: Package

    @classmethod
    def parse(cls, text: str, *, kubernetes: str = "") -> "Pins":
        """The pins with this Kubernetes (``1.30``), or with the default one.

        Raises KeyError when a pin is missing, tomllib.TOMLDecodeError when the text is no TOML, and click.ClickException,
        which names those that there are, for a Kubernetes that is not pinned.
        """
        table = tomllib.loads(text)
        go, versions, default = table["go"]["package"], table["kubernetes"]["versions"], table["kubernetes"]["default"]
        chosen = kubernetes or default
        if chosen not in versions:
            raise click.ClickException(
                f"There is no Kubernetes {chosen} in lab/versions.toml, but {', '.join(versions)}."
            )
        return cls(
            kubernetes=versions[chosen],
            kubernetes_module="kubernetes" if chosen == default else f"kubernetes-{chosen}",
            etcd=table["etcd"]["version"],
            containerd=table["containerd"]["version"],
            gobgp=table["gobgp"]["version"],
            debian_suite=table["debian"]["suite"],
            older_suite=table["debian"]["older"],
            go_minimum=table["go"]["minimum"],
            go=Package(go["name"], go["version"], tuple(go["hashes"])),
        )


def pins() -> Pins:
    """The pins of this checkout, with the Kubernetes that the environment chooses."""
    return Pins.parse(FILE.read_text(), kubernetes=os.environ.get(CHOICE, ""))


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version such as ``go1.26.8`` or ``v1.36.3``, to compare with; empty when it has none.

    What follows the numbers (``-rc1``, ``-X:nodwarf5``) is left out.
    """
    found = re.search(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
