"""A bare system's files, entered: what a command of this checkout does where there is no Python, no Go, no curl, no iproute2.

Kernel, control groups and network are this machine's; its files are not seen, and what is mounted is seen by nobody else.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import fresh
from lab.cache import Cache, key
from lab.fresh import Archive
from lab.progress import Output, Progress, Step

PACKAGES = ("git", "make")
"""What the README asks for."""
ADVICE = "Install debootstrap and git by apt, then try again; a suite of Ubuntu needs --mirror, --keyring and --components on Debian."

_ENTER = Path(__file__).with_name("root.sh")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Root:
    """A release of Debian or Ubuntu as files in the cache, of which every visit gets a copy."""

    suite: str
    cache: Cache
    archive: Archive

    @property
    def directory(self) -> Path:
        return self.cache.path("root", f"{self.suite}-{key(*PACKAGES, str(self.archive))}")

    def steps(self) -> list[Step]:
        """What is to be done before `visit`."""
        return [] if self.directory.exists() else [Step(f"installing a bare {self.suite}", self._make, ADVICE)]

    def visit(
        self,
        command: Sequence[str],
        checkout: Path,
        parts: Sequence[Path],
        environ: Mapping[str, str],
        progress: Progress,
    ) -> int:
        """Run a command in a clone of a checkout, with a cache that begins with these parts of ours; return its status.

        Whatever it does to files is forgotten.
        """
        with tempfile.TemporaryDirectory(dir=self.directory.parent) as place:
            root = Path(place, "root")
            with progress.step("copying it, with a clone of what is committed") as output:
                self._furnish(root, checkout, parts, output)
            entering = ["unshare", "--mount", "sh", str(_ENTER), str(root), *command]
            with _running(entering, environment(environ)) as program:
                return program.wait()

    def _make(self, output: Output) -> None:
        with self.cache.making(self.directory) as root:
            fresh.install(self.suite, root, PACKAGES, output, self.archive)

    def _furnish(self, root: Path, checkout: Path, parts: Sequence[Path], output: Output) -> None:
        output.run(["cp", "--archive", self.directory, root])
        fresh.settings(root)
        fresh.clone(checkout, root / "root/openelb", output)
        fresh.share(self.cache, parts, root / "root/.cache/openelb", output)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a command is told there: a login's variables, and those that tell where packages come from.

    Control groups are the machine's, so its lab must have a name that no other has.
    """
    login = {"HOME": "/root", "PATH": _PATH, "LANG": "C.UTF-8", "TERM": environ.get("TERM", "dumb")}
    return fresh.variables(environ) | login | {"OPENELB_LAB": f"root{os.getpid()}"}


@contextmanager
def _running(argv: Sequence[str], environ: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that is told to end when the block is left in a hurry, and has time to."""
    with subprocess.Popen(argv, env=environ) as program:
        try:
            yield program
        except BaseException:
            program.terminate()
            raise
