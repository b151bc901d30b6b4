"""Where a run of the bench happens: an API server of its own, and the shipped image's files to run processes from.

Manager, speaker and the bare client run with the image's Python as the service accounts of the manifest, so that the API
server notes each of their requests (`bench.audit`). Who measures has the administrator's rights, and nothing is noted of it.
"""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import table
from lab import manifest, pki, setup, site
from lab.buildah import Builder
from lab.cache import Cache, remove
from lab.controlplane import NAMES, ControlPlane
from lab.images import openelb_reference
from lab.network import Network
from lab.progress import Progress

PREFIX = "elbbench"
_PYTHON = "/opt/openelb/venv/bin/python"
_BENCH = "/opt/bench"


@dataclass(frozen=True, slots=True)
class Files:
    """What a measuring process needs to know, by the run's directory; the process runs on the API server's host."""

    directory: Path

    @property
    def admin(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "pki" / "admin.kubeconfig"

    @property
    def root(self) -> Path:
        """The file system of the shipped image, with this checkout's source, and the bench in `/opt/bench`."""
        return self.directory / "root"

    @property
    def audit_log(self) -> Path:
        """See `bench.audit`."""
        return self.directory / "cp" / "audit.log"

    def python(self, account: str, *arguments: str) -> list[str]:
        """A command that runs the image's Python with these arguments and the kubeconfig of a service account."""
        paths = f"PYTHONPATH=/opt/openelb/src:{_BENCH}"
        return [
            "chroot",
            str(self.root),
            "/usr/bin/env",
            paths,
            f"KUBECONFIG={self.kubeconfig(account)}",
            _PYTHON,
            *arguments,
        ]

    @staticmethod
    def kubeconfig(account: str) -> str:
        """Of a service account, `manager` or `speaker`: its path inside `root`."""
        return f"{_BENCH}/{account}.kubeconfig"


@dataclass(frozen=True, slots=True)
class Place:
    """A running API server with nothing but our manifest, and the files of the run."""

    plane: ControlPlane
    files: Files

    def measure(self, module: str, *arguments: object) -> list[table.Row]:
        """The rows that a module of the bench prints as JSON, run on the API server's host with the run's directory as its
        first argument. Raises CalledProcessError.
        """
        command = [sys.executable, "-m", module, str(self.files.directory), *map(str, arguments)]
        done = subprocess.run(
            ["ip", "netns", "exec", self.plane.host.netns, *command],
            cwd=setup.REPOSITORY,
            check=True,
            stdout=subprocess.PIPE,
        )
        return table.decode(done.stdout)


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """Put everything up, and take it down in the end."""
    cache = Cache.of_user()
    progress = Progress(cache.log)
    prepared = setup.ready(progress)
    directory = cache.path("run", PREFIX)
    remove(directory)
    with contextlib.ExitStack() as stack:
        stack.callback(remove, directory)
        network = stack.enter_context(Network(PREFIX))
        directory.mkdir(parents=True)
        files = Files(directory)
        _unpack(cache, progress, files.root)
        host = site.build(network, workers=0).control_plane
        plane = ControlPlane(host, site.CONTROL_PLANE, prepared.binaries, pki.Pki(directory / "pki"), directory / "cp")
        pki.write(plane.pki.directory, server=site.CONTROL_PLANE, names=NAMES, nodes=())
        plane.start(controllers=False)
        try:
            _install(plane, files)
            yield Place(plane, files)
        finally:
            plane.stop()


def _unpack(cache: Cache, progress: Progress, root: Path) -> None:
    """The image was built from this checkout or one like it; its source is this checkout's in any case."""
    reference = openelb_reference(setup.REPOSITORY)
    if reference is None:
        raise FileNotFoundError("deploy/openelb.yaml and deploy/Dockerfile make the image that is measured")
    with progress.step("unpacking OpenELB's image") as output:
        Builder(cache).unpack(reference, root, output)
    source, bench = root / "opt/openelb/src", root / _BENCH.lstrip("/") / "bench"
    shutil.rmtree(source)
    ours = shutil.ignore_patterns("__pycache__")
    shutil.copytree(setup.REPOSITORY / "src", source, ignore=ours)
    shutil.copytree(Path(__file__).parent, bench, ignore=ours)


def _install(plane: ControlPlane, files: Files) -> None:
    """The manifest as users apply it, and kubeconfigs of its accounts. `bench.door` measures the webhook."""
    manifest.install(plane, setup.REPOSITORY / "deploy" / "openelb.yaml")
    for account in ("manager", "speaker"):
        manifest.write_kubeconfig(plane, f"openelb-{account}", files.root / files.kubeconfig(account).lstrip("/"))
