"""Images made without an engine, by buildah from ordinary Dockerfiles. It knows how to build, not what."""

import configparser
import io
import os
import resource
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from lab import machine
from lab.cache import Cache
from lab.progress import Output

PIP_CONFIG = Path("/etc/pip.conf")
_UNSHARED = ("unshare", "--mount")
"""What buildah mounts, its store above all, is gone when it ends, also when it is killed."""
_AUTHORITIES = "/run/authorities.crt"


@dataclass(frozen=True, slots=True)
class Builder:
    """Buildah with a store of its own in the cache."""

    cache: Cache

    def build(
        self,
        context: Path,
        reference: str,
        output: Output,
        *,
        dockerfile: str = "Dockerfile",
        arguments: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Build a Dockerfile. Bases come from the store only; steps that did not change are taken from it."""
        options = ["--isolation", "chroot", "--layers", "--pull-never", *_limits()]
        for source, place in self._machines_settings().items():
            options += ["--volume", f"{source}:{place}:ro"]
        options += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        options += ["--file", str(context / dockerfile), "--tag", reference]
        try:
            self._run(output, "bud", *options, str(context))
        except BaseException:
            self._run(output, "rm", "--all")  # what a failed or interrupted build was at
            raise

    def export(self, reference: str, archive: Path, output: Output) -> None:
        """Write an image as an archive that containerd imports.

        Of buildah's formats the one of Docker leaves layers uncompressed, also in releases that ignore
        --disable-compression: a second in place of eight for OpenELB's image, at every change of its source.
        """
        self._run(output, "push", "--quiet", reference, f"docker-archive:{archive}:{reference}")

    def unpack(self, reference: str, target: Path, output: Output) -> None:
        """Copy the file system of an image to ``target``."""
        buildah = shlex.join(self._command())
        script = f'container=$({buildah} from --pull-never "$1"); cp -a "$({buildah} mount "$container")" "$2"'
        try:
            output.run([*_UNSHARED, "sh", "-euc", script, "sh", reference, target])
        finally:
            self._run(output, "rm", "--all")

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
        return output.run([*_UNSHARED, *self._command(), *arguments])

    def _command(self) -> list[str]:
        # What buildah knows of mounts must not outlive a restart of the machine: /run does not.
        store = ["--root", str(self.cache.path("buildah", "store")), "--runroot", "/run/openelb-buildah"]
        return ["buildah", *store, "--storage-driver", "overlay"]


def _limits() -> list[str]:
    """Limits of open files and processes that we may set: buildah would raise them, which not every root may."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    # Some releases of buildah have lowered their own limit to this before they look at ours.
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    limits = {"nofile": files, "nproc": most if processes == resource.RLIM_INFINITY else min(processes, most)}
    return [f"--ulimit={name}={limit}:{limit}" for name, limit in limits.items()]


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
