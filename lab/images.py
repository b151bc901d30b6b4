"""The lab's images: a Debian made here by debootstrap, and ordinary Dockerfiles on it. Nothing is pulled.

Each image is known by a key of everything it is made of; a changed Dockerfile rebuilds that image alone.
"""

import configparser
import io
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import machine, seed
from lab.binaries import MODULES, Binaries
from lab.cache import Cache, fingerprint, key, remove
from lab.pins import Pins
from lab.progress import Output, Step

DOCKERFILES = Path(__file__).with_name("images")
ADVICE = (
    "Debian's packages come through the ordinary apt client: check that `apt-get update` works here, then try again."
)
PIP_CONFIG = Path("/etc/pip.conf")

PAUSE = "docker.io/library/pause:lab"
NGINX = "docker.io/library/nginx:latest"
NODE = "docker.io/library/openelb-lab-node:lab"

OPENELB_INPUTS = ("deploy/Dockerfile", "requirements.txt", "pyproject.toml", "README.md", "LICENSE", "src")
"""All that the build of OpenELB's image can see of a checkout."""
KEPT_GENERATIONS = 3
"""Seeds with OpenELB's image that stay: enough for going back and forth between two states of the source."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image to be built: what it is called, where its Dockerfile is, and the key of all it is made of."""

    name: str
    reference: str
    key: str


@dataclass(frozen=True, slots=True)
class Images:
    """The images of these pins and this checkout, in the cache."""

    cache: Cache
    pins: Pins
    repository: Path

    @property
    def archived(self) -> tuple[Image, ...]:
        """Images that run in pods, without OpenELB's own."""
        return self._image("pause", PAUSE, fingerprint(MODULES / "pause")), self._image("nginx", NGINX)

    @property
    def openelb(self) -> Image | None:
        """OpenELB's own image, under the name that the manifest asks for; None in a checkout that has no such image."""
        manifest = self.repository / "deploy" / "openelb.yaml"
        if not manifest.exists() or not (self.repository / "deploy" / "Dockerfile").exists():
            return None
        inputs = fingerprint(*(self.repository / name for name in OPENELB_INPUTS))
        reference = full_reference(manifest_image(manifest.read_text()))
        return Image("openelb", reference, key(self._base_key, reference, inputs))

    @property
    def node_root(self) -> Path:
        """The unpacked root file system of a node."""
        return self.cache.path("node", self._image("node", NODE).key)

    @property
    def base_seed(self) -> Path:
        """The containerd root with every image but OpenELB's."""
        made_of = key(self.pins.containerd, fingerprint(Path(seed.__file__)), *(each.key for each in self.archived))
        return self.cache.path("seed", f"base-{made_of}")

    @property
    def seed(self) -> Path:
        """The containerd root with every image."""
        if (openelb := self.openelb) is None:
            return self.base_seed
        return self.cache.path("seed", f"openelb-{key(self.base_seed.name, openelb.key)}")

    @property
    def references(self) -> tuple[str, ...]:
        """The names of all images in the seed."""
        images = self.archived if self.openelb is None else (*self.archived, self.openelb)
        return tuple(each.reference for each in images)

    def archive(self, image: Image) -> Path:
        """Where an image is, or will be, as an OCI archive."""
        return self.cache.path("images", f"{image.name}-{image.key}.tar")

    def steps(self) -> list[Step]:
        """What is yet to be made, in order."""
        builder = Builder(self.cache)
        missing = [each for each in self.archived if not self.archive(each).exists()]
        makes = [Step(f"building image {each.name}", self._build(each, builder), ADVICE) for each in missing]
        if not self.node_root.exists():
            makes.append(Step("building image node", self._make_node_root(builder), ADVICE))
        if makes and not self._base_mark.exists():
            makes.insert(0, Step(f"making Debian {self.pins.debian_suite}", self._make_base(builder), ADVICE))
        if not self.base_seed.exists():
            makes.append(Step("unpacking the images for the nodes", self._make_base_seed))
        return [*makes, *self._openelb_steps(builder)]

    def _openelb_steps(self, builder: "Builder") -> list[Step]:
        openelb = self.openelb
        if openelb is None or self.seed.exists():
            return []
        steps = [Step("unpacking OpenELB's image for the nodes", self._make_seed(openelb))]
        if not self.archive(openelb).exists():
            advice = "The Dockerfile is deploy/Dockerfile; Python's packages come through the ordinary pip client."
            steps.insert(0, Step("building OpenELB's image", self._build_openelb(openelb, builder), advice))
        return steps

    @property
    def _base_key(self) -> str:
        return key(self.pins.debian_suite, fingerprint(DOCKERFILES / "debian"))

    @property
    def _base_mark(self) -> Path:
        return self.cache.path("buildah", f"debian-{self._base_key}")

    def _image(self, name: str, reference: str, *inputs: str) -> Image:
        return Image(name, reference, key(self._base_key, reference, fingerprint(DOCKERFILES / name), *inputs))

    def _make_base(self, builder: "Builder") -> Callable[[Output], None]:
        def make(output: Output) -> None:
            with self.cache.making(self.cache.path("build", "debian")) as context:
                shutil.copytree(DOCKERFILES / "debian", context)
                bootstrap(self.pins.debian_suite, context, output)
                builder.build(context, f"docker.io/library/debian:{self.pins.debian_suite}-slim", output)
            remove(self.cache.path("build"))
            self._base_mark.touch()

        return make

    def _build(self, image: Image, builder: "Builder") -> Callable[[Output], None]:
        def build(output: Output) -> None:
            with self.cache.making(self.cache.path("build", image.name)) as context:
                shutil.copytree(DOCKERFILES / image.name, context)
                if image.reference == PAUSE:
                    shutil.copy2(self._binaries / "pause", context)
                builder.build(context, image.reference, output)
            with self.cache.making(self.archive(image)) as partial:
                builder.export(image.reference, partial, output)

        return build

    def _build_openelb(self, image: Image, builder: "Builder") -> Callable[[Output], None]:
        def build(output: Output) -> None:
            with self.cache.making(self.cache.path("build", image.name)) as context:
                for name in OPENELB_INPUTS:
                    copy(self.repository / name, context / name)
                builder.build(context, image.reference, output, dockerfile="deploy/Dockerfile")
            with self.cache.making(self.archive(image)) as partial:
                builder.export(image.reference, partial, output)
            forget(self.cache.path("images"), "openelb-*.tar")

        return build

    def _make_node_root(self, builder: "Builder") -> Callable[[Output], None]:
        def make(output: Output) -> None:
            builder.build(DOCKERFILES / "node", NODE, output)
            with self.cache.making(self.node_root) as partial:
                builder.unpack(NODE, partial, output)

        return make

    def _make_base_seed(self, output: Output) -> None:
        with self.cache.making(self.base_seed) as partial:
            seed.unpack(self._binaries, partial, [self.archive(each) for each in self.archived], output)

    def _make_seed(self, openelb: Image) -> Callable[[Output], None]:
        def make(output: Output) -> None:
            with self.cache.making(self.seed) as partial:
                seed.link(self.base_seed, partial)
                seed.unpack(self._binaries, partial, [self.archive(openelb)], output)
            forget(self.cache.path("seed"), "openelb-*")

        return make

    @property
    def _binaries(self) -> Path:
        return Binaries(self.cache, self.pins).directory


@dataclass(frozen=True, slots=True)
class Builder:
    """Buildah with a store of its own in the cache."""

    cache: Cache

    def build(self, context: Path, reference: str, output: Output, *, dockerfile: str = "Dockerfile") -> None:
        """Build a Dockerfile. Bases come from the store only; steps that did not change are taken from it."""
        config = self.cache.path("buildah", "pip.conf")
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(pip_config(PIP_CONFIG.read_text() if PIP_CONFIG.exists() else "", os.environ))
        # Packages come from where this machine gets them, which may need an authority that only the machine knows.
        # Both files are there while a step runs and do not stay in the image.
        mounts = ["--volume", f"{machine.CERTIFICATES}:/run/machine.crt:ro", "--volume", f"{config}:/etc/pip.conf:ro"]
        options = ["--isolation", "chroot", "--layers", "--pull-never", *mounts]
        self._run(output, "build", *options, "--file", str(context / dockerfile), "--tag", reference, str(context))

    def export(self, reference: str, archive: Path, output: Output) -> None:
        """Write an image as an OCI archive. Uncompressed: nothing travels, and equal layers stay equal files."""
        self._run(output, "push", "--quiet", "--disable-compression", reference, f"oci-archive:{archive}:{reference}")

    def unpack(self, reference: str, target: Path, output: Output) -> None:
        """Copy the file system of an image to ``target``."""
        container = self._run(output, "from", "--pull-never", reference).split()[-1]
        try:
            mounted = self._run(output, "mount", container).split()[-1]
            output.run(["cp", "--archive", mounted, target])
        finally:
            self._run(output, "rm", container)

    def _run(self, output: Output, *arguments: str) -> str:
        # What buildah knows of mounts must not outlive a restart of the machine: /run does not.
        store = ["--root", str(self.cache.path("buildah", "store")), "--runroot", "/run/openelb-buildah"]
        return output.run(["buildah", *store, "--storage-driver", "overlay", *arguments])


def bootstrap(suite: str, target: Path, output: Output) -> None:
    """Make the file system of a minimal Debian as ``root.tar`` in the directory ``target``, from the machine's archive."""
    root = target / "root"
    mirror = machine.debian_mirror()
    # An archive behind https is read by apt in later steps, which then needs the authorities.
    extra = ["--include=ca-certificates"] if mirror and mirror.startswith("https:") else []
    debootstrap = shutil.which("debootstrap", path=machine.SEARCH_PATH) or "debootstrap"
    output.run([debootstrap, "--variant=minbase", *extra, suite, root, *([mirror] if mirror else [])])
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


def pip_config(machines: str, environ: Mapping[str, str]) -> str:
    """What pip is told inside a build: the machine's own settings (pip.conf, PIP_* index settings) and its authorities."""
    config = configparser.RawConfigParser()
    config.read_string(machines)
    if not config.has_section("global"):
        config.add_section("global")
    for option in ("index-url", "extra-index-url", "trusted-host"):
        if value := environ.get("PIP_" + option.upper().replace("-", "_")):
            config.set("global", option, value)
    config.set("global", "cert", "/run/machine.crt")
    written = io.StringIO()
    config.write(written)
    return written.getvalue()


def manifest_image(manifest: str) -> str:
    """The image that a manifest of OpenELB asks for. Raises ValueError unless it is one."""
    found = set(re.findall(r"^\s*-?\s*image:\s*[\"']?([^\s\"'#]+)", manifest, re.MULTILINE))
    if len(found) != 1:
        raise ValueError(f"deploy/openelb.yaml asks for {len(found)} images, and the lab makes one: {sorted(found)}")
    return str(found.pop())


def full_reference(reference: str) -> str:
    """A reference as containerd stores it: with the registry, the path and the tag that are left out by custom."""
    first, slash, rest = reference.partition("/")
    if not slash or not (re.search("[.:]", first) or first == "localhost"):
        first, rest = "docker.io", reference if slash else f"library/{reference}"
    return f"{first}/{rest}" if ":" in rest else f"{first}/{rest}:latest"


def copy(source: Path, target: Path) -> None:
    """Copy a file or a directory, if it exists, without compiled Python."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    elif source.exists():
        shutil.copy2(source, target)


def forget(directory: Path, pattern: str) -> None:
    """Remove all but the latest few of what matches, except what is being made."""
    whole: Sequence[Path] = [each for each in directory.glob(pattern) if each.suffix != ".partial"]
    for old in sorted(whole, key=lambda each: each.stat().st_mtime, reverse=True)[KEPT_GENERATIONS:]:
        remove(old)
