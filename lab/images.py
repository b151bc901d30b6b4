"""The lab's images: a Debian made here by debootstrap, and ordinary Dockerfiles on it. Nothing is pulled.

Each image is known by a key of everything it is made of; a changed Dockerfile rebuilds that image alone.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import buildah, seed
from lab.binaries import MODULES, Binaries
from lab.buildah import Builder
from lab.cache import Cache, fingerprint, key, remove
from lab.pins import Pins
from lab.progress import Output, Step

DOCKERFILES = Path(__file__).with_name("images")
ADVICE = (
    "Debian's packages come through the ordinary apt client: check that `apt-get update` works here, then try again."
)

PAUSE = "docker.io/library/pause:lab"
NGINX = "docker.io/library/nginx:latest"
NODE = "docker.io/library/openelb-lab-node:lab"

OPENELB_INPUTS = ("deploy/Dockerfile", "requirements.txt", "src")
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
        """Where an image is, or will be, as an archive."""
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

    def _openelb_steps(self, builder: Builder) -> list[Step]:
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
        return key(self.pins.debian_suite, fingerprint(DOCKERFILES / "debian", Path(buildah.__file__)))

    @property
    def _base_mark(self) -> Path:
        return self.cache.path("buildah", f"debian-{self._base_key}")

    def _image(self, name: str, reference: str, *inputs: str) -> Image:
        return Image(name, reference, key(self._base_key, reference, fingerprint(DOCKERFILES / name), *inputs))

    def _make_base(self, builder: Builder) -> Callable[[Output], None]:
        def make(output: Output) -> None:
            with self.cache.scratch() as context:
                copy(DOCKERFILES / "debian", context)
                buildah.debian(self.pins.debian_suite, context, output)
                builder.build(context, f"docker.io/library/debian:{self.pins.debian_suite}-slim", output)
            self._base_mark.touch()

        return make

    def _build(self, image: Image, builder: Builder) -> Callable[[Output], None]:
        def build(output: Output) -> None:
            with self.cache.scratch() as context:
                copy(DOCKERFILES / image.name, context)
                if image.reference == PAUSE:
                    shutil.copy2(self._binaries / "pause", context)
                builder.build(context, image.reference, output)
            with self.cache.making(self.archive(image)) as partial:
                builder.export(image.reference, partial, output)

        return build

    def _build_openelb(self, image: Image, builder: Builder) -> Callable[[Output], None]:
        def build(output: Output) -> None:
            with self.cache.scratch() as context:
                for name in OPENELB_INPUTS:
                    copy(self.repository / name, context / name)
                builder.build(context, image.reference, output, dockerfile="deploy/Dockerfile")
            with self.cache.making(self.archive(image)) as partial:
                builder.export(image.reference, partial, output)
            forget(self.cache.path("images"), "openelb-*.tar")

        return build

    def _make_node_root(self, builder: Builder) -> Callable[[Output], None]:
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
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    elif source.exists():
        shutil.copy2(source, target)


def forget(directory: Path, pattern: str) -> None:
    """Remove all but the latest few of what matches, except what is being made."""
    whole: Sequence[Path] = [each for each in directory.glob(pattern) if each.suffix != ".partial"]
    for old in sorted(whole, key=lambda each: each.stat().st_mtime, reverse=True)[KEPT_GENERATIONS:]:
        remove(old)
