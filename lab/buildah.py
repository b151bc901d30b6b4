"""Images made without an engine: a Debian by debootstrap, everything else by buildah from ordinary Dockerfiles."""

import base64
import configparser
import io
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import machine
from lab.cache import Cache, remove
from lab.progress import Output

PIP_CONFIG = Path("/etc/pip.conf")
_AUTHORITIES = "/run/authorities.crt"


@dataclass(frozen=True, slots=True)
class Builder:
    """Buildah with a store of its own in the cache."""

    cache: Cache

    def build(self, context: Path, reference: str, output: Output, *, dockerfile: str = "Dockerfile") -> None:
        """Build a Dockerfile. Bases come from the store only; steps that did not change are taken from it."""
        options = ["--isolation", "chroot", "--layers", "--pull-never"]
        for source, place in self._machines_settings().items():
            options += ["--volume", f"{source}:{place}:ro"]
        self._run(output, "bud", *options, "--file", str(context / dockerfile), "--tag", reference, str(context))

    def export(self, reference: str, archive: Path, output: Output) -> None:
        """Write an image as an archive that containerd imports.

        Of buildah's formats the one of Docker leaves layers uncompressed, also in releases that ignore
        --disable-compression: a second in place of eight for OpenELB's image, at every change of its source.
        """
        self._run(output, "push", "--quiet", reference, f"docker-archive:{archive}:{reference}")

    def unpack(self, reference: str, target: Path, output: Output) -> None:
        """Copy the file system of an image to ``target``."""
        container = self._run(output, "from", "--pull-never", reference).split()[-1]
        try:
            mounted = self._run(output, "mount", container).split()[-1]
            output.run(["cp", "--archive", mounted, target])
        finally:
            self._run(output, "rm", container)

    def _machines_settings(self) -> Mapping[Path, str]:
        """Files of this machine, and where a build sees them: of their text nothing stays in the image.

        Packages come from where the machine gets them, which may need an authority that only the machine knows.
        """
        place = self.cache.path("buildah")
        place.mkdir(parents=True, exist_ok=True)
        pip, apt = place / "pip.conf", place / "apt.conf"
        pip.write_text(pip_config(PIP_CONFIG.read_text() if PIP_CONFIG.exists() else "", os.environ))
        apt.write_text(f'Acquire::https::CaInfo "{_AUTHORITIES}";\n')
        return {machine.CERTIFICATES: _AUTHORITIES, pip: "/etc/pip.conf", apt: "/etc/apt/apt.conf.d/99authorities"}

    def _run(self, output: Output, *arguments: str) -> str:
        # What buildah knows of mounts must not outlive a restart of the machine: /run does not.
        store = ["--root", str(self.cache.path("buildah", "store")), "--runroot", "/run/openelb-buildah"]
        return output.run(["buildah", *store, "--storage-driver", "overlay", *arguments])


def debian(suite: str, keyring: bytes, target: Path, output: Output) -> None:
    """Make the file system of a minimal Debian as ``root.tar`` in the directory ``target``.

    It comes from the archive that this machine's apt uses, or from Debian's own, and is signed by a key of ``keyring``.
    """
    root, keys = target / "root", target / "keyring.gpg"
    keys.write_bytes(keyring)
    debootstrap = shutil.which("debootstrap", path=machine.SEARCH_PATH) or "debootstrap"
    mirror = [each for each in (machine.debian_mirror(),) if each]
    output.run([debootstrap, "--variant=minbase", f"--keyring={keys}", suite, root, *mirror])
    for waste in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        remove(root / waste)
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # a package's daemon is not started while an image is built
    policy.chmod(0o755)
    left_out = [f"--exclude=./{each}/*" for each in ("dev", "proc", "sys")]
    output.run(
        ["tar", "--create", "--numeric-owner", *left_out, "--file", target / "root.tar", "--directory", root, "."]
    )
    remove(root)


def keyring(text: str) -> bytes:
    """The key ring in a file of base64 and comments."""
    return base64.b64decode("".join(line for line in text.splitlines() if not line.startswith("#")))


def pip_config(machines: str, environ: Mapping[str, str]) -> str:
    """What pip is told inside a build: the machine's own settings (pip.conf, PIP_* index settings) and its authorities."""
    config = configparser.RawConfigParser()
    config.read_string(machines)
    if not config.has_section("global"):
        config.add_section("global")
    for option in ("index-url", "extra-index-url", "trusted-host"):
        if value := environ.get("PIP_" + option.upper().replace("-", "_")):
            config.set("global", option, value)
    config.set("global", "cert", _AUTHORITIES)
    written = io.StringIO()
    config.write(written)
    return written.getvalue()
