"""A system that never saw this checkout: made by debootstrap, and given a clone of what is committed here.

Where its packages come from is what this machine's own settings say: its apt, pip, uv and Go, and whom it trusts. How such
a system is started is not known here: ``vm`` boots one, ``root`` enters one.
"""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import machine
from lab.cache import Cache
from lab.images import Images
from lab.pins import pins
from lab.progress import Output

AUTHORITIES = Path("/usr/local/share/ca-certificates")
"""Authorities that somebody added to those of the system's package."""
_SETTINGS = ("etc/resolv.conf", "etc/pip.conf", "etc/uv", "root/.config/pip", "root/.config/uv", "root/.config/go/env")
"""Files and directories that tell where packages come from, on a machine and where they are told to its root."""
_APT_SETTINGS = Path("etc/apt/apt.conf.d")
_VARIABLES = re.compile(
    r"(https?|all|no)_proxy|PIP_((EXTRA_)?INDEX_URL|TRUSTED_HOST)|UV_(\w*INDEX\w*|INSECURE_HOST)"
    r"|GO(PROXY|PRIVATE|INSECURE|SUMDB|NOPROXY|NOSUMDB|NOSUMCHECK)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Archive:
    """Where a system comes from; what is empty is what debootstrap and this machine's apt say."""

    mirror: str = ""
    keyring: str = ""
    components: str = ""
    updates: str = ""
    """Another suite of it, whose packages can be installed too."""


def install(suite: str, root: Path, packages: Sequence[str], output: Output, archive: Archive = Archive()) -> None:
    """Make a minimal system with these packages, which trusts whom this machine trusts."""
    chosen = {"include": ",".join(packages), "keyring": archive.keyring, "components": archive.components}
    options = ["--variant=minbase", *(f"--{name}={value}" for name, value in chosen.items() if value)]
    mirror = archive.mirror or machine.debian_mirror()
    output.run(["unshare", "--mount", "debootstrap", *options, suite, root, *([mirror] if mirror else [])])
    if archive.updates:
        sources = root / "etc/apt/sources.list"
        lines = sources.read_text()
        sources.write_text(lines + lines.replace(f" {suite} ", f" {archive.updates} "))
    # The bundle is of use at once, the rest when ca-certificates is installed and makes the bundle anew.
    for each in (machine.CERTIFICATES, AUTHORITIES):
        _copy(each, root / each.relative_to("/"))


def settings(root: Path, here: Path = Path("/")) -> None:
    """Copy the settings of package clients from the machine at ``here`` to the system at ``root``."""
    for name in _SETTINGS:
        _copy(here / name, root / name)
    for file in (here / _APT_SETTINGS).glob("*"):
        if "Acquire::" in file.read_text():
            _copy(file, root / _APT_SETTINGS / file.name)


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Those of the environment's variables that tell where packages come from."""
    return {name: value for name, value in environ.items() if _VARIABLES.fullmatch(name)}


def clone(checkout: Path, target: Path, output: Output) -> None:
    """Clone what is committed in a checkout, as a user does."""
    output.run(["git", "clone", "--quiet", f"file://{checkout}", target])


def parts(cache: Cache, checkout: Path) -> list[Path]:
    """The parts of a cache with which nothing is built for this checkout, as long as all its changes are committed."""
    images = Images.of(cache, pins(), checkout)
    archives = (images.archive(images.pause), images.archive(images.nginx))
    routers = [each for each in map(images.root, (images.router, images.older_router)) if each.exists()]
    return [
        *routers,
        images.binaries,
        images.node_root,
        images.base_seed,
        images.seed,
        *archives,
        images.node.base.mark(cache),
    ]


def share(cache: Cache, parts: Iterable[Path], target: Path, output: Output) -> None:
    """Put parts of a cache into another directory of its file system, by hard links."""
    for part in parts:
        place = target / part.relative_to(cache.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        output.run(["cp", "--archive", "--link", part, place])


def _copy(source: Path, target: Path) -> None:
    """A file or a directory; nothing when there is none."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
