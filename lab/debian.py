"""The Debian that every image stands on, made by debootstrap from what Debian signed."""

import base64
import shutil
from pathlib import Path

from lab import machine
from lab.cache import remove
from lab.progress import Output


def make(suite: str, keyring: bytes, target: Path, output: Output) -> None:
    """Make the file system of a minimal Debian as ``root.tar`` in the directory ``target``.

    It comes from the archive that this machine's apt uses, or from Debian's own, and is signed by a key of ``keyring``.
    """
    root, keys = target / "root", target / "keyring.gpg"
    keys.write_bytes(keyring)
    debootstrap = shutil.which("debootstrap", path=machine.SEARCH_PATH) or "debootstrap"
    mirror = [each for each in (machine.debian_mirror(),) if each]
    # In a mount namespace of its own: it mounts /proc and /sys, which must be gone when an interrupted run is removed.
    output.run(["unshare", "--mount", debootstrap, "--variant=minbase", f"--keyring={keys}", suite, root, *mirror])
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
