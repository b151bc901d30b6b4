"""A containerd root with images unpacked in it, which nodes start from by hard links.

``unpack`` starts the nodes' own containerd in namespaces of its own: its mounts, processes and network leave no trace.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from lab.progress import Output

START_LIMIT = 60.0
"""Seconds containerd may take to answer; it takes under one on an idle machine."""

# No part that reads or writes the machine's own directories: nothing runs here, images are only unpacked.
CONFIG = """
version = 3
root = '{root}'
state = '{state}'
disabled_plugins = [
  'io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime',
  'io.containerd.nri.v1.nri', 'io.containerd.internal.v1.opt',
]
[grpc]
  address = '{state}/socket'
"""


def unpack(binaries: Path, root: Path, archives: Sequence[Path], output: Output) -> None:
    """Import archives of images into the containerd root ``root``, unpacked for the overlay snapshotter."""
    namespaces = ["unshare", "--mount", "--pid", "--mount-proc", "--net", "--fork", "--kill-child"]
    repository = Path(__file__).parents[1]
    output.run([*namespaces, sys.executable, "-m", "lab.seed", binaries, root, *archives], cwd=repository)


def link(source: Path, target: Path) -> None:
    """Copy a containerd root by hard links: blobs and unpacked layers never change, only the databases do and are copied."""
    subprocess.run(["cp", "--archive", "--link", source, target], check=True)
    for database in source.rglob("*.db"):
        copied = target / database.relative_to(source)
        copied.unlink()
        shutil.copy2(database, copied)
    # containerd's own identity, which it makes afresh.
    shutil.rmtree(target / "io.containerd.grpc.v1.introspection", ignore_errors=True)


def main(binaries: str, root: str, *archives: str) -> None:
    """Run containerd on ``root`` for as long as it takes to import the archives."""
    with tempfile.TemporaryDirectory() as state:
        config = Path(state, "config.toml")
        config.write_text(CONFIG.format(root=root, state=state))
        ctr = [f"{binaries}/ctr", "--address", f"{state}/socket", "--namespace", "k8s.io"]
        with subprocess.Popen([f"{binaries}/containerd", "--config", config]) as containerd:
            try:
                _wait(containerd, [*ctr, "version"])
                for archive in archives:
                    # --local: ctr writes the blobs itself, for less than half the work of the transfer service.
                    subprocess.run(
                        [*ctr, "images", "import", "--local", "--snapshotter", "overlayfs", archive], check=True
                    )
            finally:
                containerd.terminate()


def _wait(containerd: "subprocess.Popen[bytes]", question: Sequence[str]) -> None:
    deadline = time.monotonic() + START_LIMIT
    while (answer := subprocess.run(question, capture_output=True, text=True, check=False)).returncode:
        if containerd.poll() is not None:
            sys.exit("containerd ended before it answered")
        if time.monotonic() > deadline:
            sys.exit(f"containerd does not answer: {answer.stderr.strip()}")
        time.sleep(0.05)


if __name__ == "__main__":
    os.umask(0o022)
    main(*sys.argv[1:])
