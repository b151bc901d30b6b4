"""What the lab needs of the machine it runs on: a few programs from apt, and a kernel that lets us make machines."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import cgroups
from lab.progress import Output, Step

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

PACKAGES: Mapping[str, str] = {
    "buildah": "buildah",  # images from Dockerfiles, without an engine
    "ca-certificates": str(CERTIFICATES),  # Go trusts the machine's authorities only
    "curl": "curl",  # the client of the demo
    "debootstrap": "debootstrap",  # the base of all images
    "gpgv": "gpgv",  # that the base is what Debian signed
    "iproute2": "ip",  # network namespaces, switches, links
    "iputils-ping": "ping",  # whether an address is answered there, by a judge of its own
    "nftables": "nft",  # what speakers in such namespaces write rules with
}
"""Packages of apt that the lab uses on the machine itself, and what shows that one is there: a program or a file."""

WITH_BUILDAH = "netavark"
"""Sets up networks of containers. None of ours has one, but buildah of Debian 13 does not start without; Ubuntu 22.04 has
no such package."""

ROOM = 9 * 10**9
"""Bytes a cold set-up writes: Go's modules and build cache about 5 GB, images, seed and binaries about 2 GB, routers 1 GB."""

SEARCH_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
"""Root's programs are not on every user's PATH."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What was seen of this machine, as far as it decides whether a lab can run on it."""

    root: bool
    controllers: frozenset[str]
    """Of control groups: those that a group of ours would have."""
    overlay: bool
    namespaces: bool
    cache_on_overlay: bool
    free: int
    """Bytes free where the cache is."""


def look(cache: Path) -> Machine:
    """See what this machine is like."""
    place = next(parent for parent in (cache, *cache.parents) if parent.exists())
    return Machine(
        root=os.geteuid() == 0,
        controllers=cgroups.tree().controllers(),
        overlay=_has_overlay(),
        namespaces=_succeeds("unshare", "--net", "--mount", "--pid", "--fork", "true"),
        cache_on_overlay=filesystem(place.resolve(), Path("/proc/self/mountinfo").read_text()) == "overlay",
        free=shutil.disk_usage(place).free,
    )


def hindrances(machine: Machine, *, cold: bool) -> Iterator[str]:
    """Why no lab can run here: one sentence each, which also says what to do. ``cold``: binaries are yet to be built."""
    if not machine.root:
        yield "The lab makes network namespaces and mounts: run it as root (lab/bootstrap does so by sudo)."
        return  # what follows cannot be seen without root
    if not machine.namespaces:
        yield "This machine does not let root make namespaces: in a container, give it --privileged; else use a virtual machine."
    if not machine.overlay:
        yield "The kernel has no overlay file system: load it (modprobe overlay) or use a kernel that has it."
    if missing := set(cgroups.CONTROLLERS) - machine.controllers:
        yield (
            f"Control groups made here would have no {', '.join(sorted(missing))}: start a container with --privileged "
            "--cgroupns=host; a kernel that leaves memory out wants cgroup_enable=memory on its command line."
        )
    if machine.cache_on_overlay:
        yield "The cache is on an overlay file system, on which no other overlay can stand: set OPENELB_CACHE to a directory on a disk."
    if cold and machine.free < ROOM:
        yield f"The cache needs {ROOM // 10**9} GB for a first set-up, {machine.free // 10**9} GB are free: make room or set OPENELB_CACHE."


def filesystem(path: Path, mountinfo: str) -> str:
    """The type of the file system that ``path`` is on, from the text of /proc/self/mountinfo (proc(5)); empty if unknown."""
    nearest, kind = -1, ""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        mount_point = Path(before.split()[4])
        depth = len(mount_point.parts)
        # Of equals the last wins: a later mount hides an earlier one.
        if path.is_relative_to(mount_point) and depth >= nearest:
            nearest, kind = depth, after.split()[0]
    return kind


def missing_packages(has: Callable[[str], bool]) -> list[str]:
    """The packages of apt yet to be installed; ``has`` says whether the machine has a program or a file."""
    return [package for package, evidence in PACKAGES.items() if not has(evidence)]


def steps() -> list[Step]:
    """What is to be done on this machine before anything can be built."""
    packages = missing_packages(_has)
    if not packages:
        return []
    advice = "Install these packages by hand, then try again: " + " ".join(packages)
    return [Step(f"installing {' '.join(packages)}", lambda output: _install(packages, output), advice)]


def _has(evidence: str) -> bool:
    return Path(evidence).exists() if evidence.startswith("/") else shutil.which(evidence, path=SEARCH_PATH) is not None


def debian_mirror() -> str | None:
    """The archive of Debian that this machine's apt uses; None when it has none, as on Ubuntu."""
    argv = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    targets = [line.split("|", 2) for line in listed.splitlines()]
    return next((uri for origin, label, uri in targets if origin == label == "Debian"), None)


def _install(packages: Sequence[str], output: Output) -> None:
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    # A machine just started upgrades itself: wait for it.
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
    output.run([*apt, "update"], env=quiet)
    if "buildah" in packages and _succeeds("apt-cache", "show", WITH_BUILDAH):
        packages = [*packages, WITH_BUILDAH]
    output.run([*apt, "install", "-y", "--no-install-recommends", *packages], env=quiet)


def _has_overlay() -> bool:
    if "\toverlay\n" in Path("/proc/filesystems").read_text():
        return True
    return shutil.which("modprobe", path=SEARCH_PATH) is not None and _succeeds("modprobe", "overlay")


def _succeeds(*argv: str) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
