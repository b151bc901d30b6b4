"""A fresh Debian in a virtual machine: what a command of this checkout does on a system that never saw it.

The system is a minimal Debian with systemd, its own kernel, git and make, so it has control groups of version 2. It reaches
the archives of packages by way of this machine, whose certificate authorities it trusts; nothing reaches it.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import fresh
from lab.cache import Cache, key, remove
from lab.progress import Output, Step

SUITES = ("bookworm", "trixie")

PACKAGES = (
    *("systemd-sysv", "dbus", "udev", "linux-image-cloud-amd64"),  # it boots
    *("git", "make", "ca-certificates"),  # what the README asks for
)
SIZE = 20 * 2**30
"""Bytes of the disk, and of the one for the cache; a file with holes, so only what is used is taken."""
MEMORY = 6 * 2**10
"""MiB: a cluster of four nodes with OpenELB takes two GB, the linker of kube-apiserver as much."""
ADVICE = "Install these by apt, then try again: debootstrap e2fsprogs git qemu-system-x86"

_FILES = {
    "etc/hostname": "fresh\n",
    "etc/hosts": "127.0.0.1 localhost fresh\n",
    "etc/fstab": "/dev/vda / ext4 rw 0 1\n/dev/vdc /root/.cache ext4 rw,nofail 0 2\n",
    "etc/systemd/network/outside.network": "[Match]\nName=en*\n[Network]\nDHCP=yes\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",  # in QEMU's own network
    "etc/systemd/system/visit.service": """\
[Unit]
Description=The command that this machine was started for
Wants=network-online.target
After=network-online.target multi-user.target
[Service]
Type=idle
Environment=HOME=/root TERM=dumb LANG=C.UTF-8
WorkingDirectory=/root
ExecStart=/bin/sh -c 'tar --extract --file /dev/vdb && exec bash ./visit'
ExecStopPost=/bin/systemctl poweroff --no-block
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
[Install]
WantedBy=multi-user.target
""",
}
_UNITS = (
    ("enable", "systemd-networkd", "visit"),
    ("mask", "serial-getty@ttyS0"),  # it would ask for a name on the visitor's console
)
_VISIT = """\
grep PRETTY_NAME /etc/os-release; uname -r; stat -f -c 'control groups: %T' /sys/fs/cgroup
cd /root/openelb
{command} < /dev/null 2>&1
echo "The command ended with status $?."
"""
_ENDED = re.compile(r"The command ended with status (\d+)\.")


@dataclass(frozen=True, slots=True)
class Debian:
    """A release of Debian, installed on a disk in the cache."""

    suite: str
    cache: Cache

    @property
    def directory(self) -> Path:
        """Holds `disk`, `vmlinuz` and `initrd.img`."""
        return self.cache.path("vm", f"{self.suite}-{key(*PACKAGES, *_FILES.values(), str(_UNITS), str(SIZE))}")

    def steps(self) -> list[Step]:
        """What is to be done before `run`."""
        return (
            [] if self.directory.exists() else [Step(f"installing Debian {self.suite} on a disk", self._make, ADVICE)]
        )

    def _make(self, output: Output) -> None:
        with self.cache.making(self.directory) as directory:
            directory.mkdir()
            root = directory / "root"
            fresh.install(self.suite, root, PACKAGES, output)
            for name, content in _FILES.items():
                (root / name).write_text(content)
            for verb, *units in _UNITS:
                output.run(["chroot", root, "systemctl", verb, *units])
            (root / "root/.cache").mkdir()
            for name in ("vmlinuz", "initrd.img"):
                [versioned] = (root / "boot").glob(f"{name}-*")
                shutil.copyfile(versioned, directory / name)
            _format(directory / "disk", root, output)
            remove(root)

    def run(self, luggage: Path) -> int:
        """Start the machine with what `pack` put there, print all that it prints, and return its command's status.

        What the command does to the disks is forgotten.
        """
        disks = (self.directory / "disk", luggage / "media", luggage / "cache")
        with _started(self._qemu(disks)) as console:
            return ended(console)

    def _qemu(self, disks: Iterable[Path]) -> list[str]:
        drives = (f"file={disk},format=raw,if=virtio,snapshot=on" for disk in disks)
        return [
            "qemu-system-x86_64",
            *processor(Path("/proc/cpuinfo").read_text(), kvm=Path("/dev/kvm").exists()),
            *("-m", str(MEMORY), "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"),
            *("-kernel", str(self.directory / "vmlinuz"), "-initrd", str(self.directory / "initrd.img")),
            *("-append", "root=/dev/vda rw console=ttyS0 quiet panic=-1 TERM=dumb"),
            *(option for drive in drives for option in ("-drive", drive)),
            *("-netdev", "user,id=outside", "-device", "virtio-net-pci,netdev=outside"),
            *("-device", "virtio-rng-pci"),
        ]


def pack(
    luggage: Path, command: Sequence[str], checkout: Path, cache: Cache, parts: Iterable[Path], output: Output
) -> None:
    """Put into a directory what a machine is started with: a clone of what is committed, a command to run in it, and a
    cache that begins with these parts of ours."""
    visit, store = luggage / "visit", luggage / "store"
    fresh.clone(checkout, visit / "openelb", output)
    (visit / "visit").write_text(_VISIT.format(command=shlex.join(command)))
    output.run(["tar", "--create", "--file", luggage / "media", "--directory", visit, "."])
    (store / "openelb").mkdir(parents=True)
    fresh.share(cache, parts, store / "openelb", output)
    _format(luggage / "cache", store, output)


def processor(cpuinfo: str, *, kvm: bool) -> list[str]:
    """Two processors of the machine's own kind, or one that is emulated; from /proc/cpuinfo, and whether /dev/kvm is there.

    The emulated machine's clock counts its instructions, at 1 ns each: however slowly it is emulated, and whatever else
    this machine does, it is a slow computer on which time limits mean what they say.
    """
    # The device alone is not enough: some hosts offer one that only kernels made for it can use.
    if kvm and {"vmx", "svm"} & set(cpuinfo.split()):
        return ["-accel", "kvm", "-cpu", "host", "-smp", "2"]
    return ["-accel", "tcg", "-icount", "shift=0,sleep=on", "-cpu", "max", "-smp", "1"]


def _format(disk: Path, root: Path, output: Output) -> None:
    with disk.open("wb") as file:
        file.truncate(SIZE)
    output.run(["mkfs.ext4", "-q", "-F", "-d", root, disk])


@contextmanager
def _started(argv: Sequence[str]) -> Iterator[Iterable[str]]:
    """The lines of a console, until the machine is off; it is switched off at the end of the block."""
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(argv, stdin=nothing, stdout=pipe, text=True, errors="replace") as program:
        try:
            yield program.stdout or ()
        finally:
            program.terminate()


def ended(console: Iterable[str]) -> int:
    """Print the lines of a console and return the status that they tell, or 1 when the machine ended without one."""
    status = 1
    for line in console:
        print(line, end="", flush=True)
        if found := _ENDED.search(line):
            status = int(found[1])
    return status
