"""Which images a lab needs, and where each is in the cache. How they are made is in ``recipes``.

Each image is known by a key of everything it is made of, so a change of one leaves the others as they are.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from lab import debian, seed
from lab.binaries import MODULES, Binaries
from lab.cache import Cache, fingerprint, key
from lab.pins import Pins

DOCKERFILES = Path(__file__).with_name("images")

PAUSE = "docker.io/library/pause:lab"
# What `image: nginx` of the quick start stands for.
NGINX = "docker.io/library/nginx:latest"
NODE = "docker.io/library/openelb-lab-node:lab"

OPENELB_INPUTS = ("deploy/Dockerfile", "requirements.txt", "src")
"""All that the build of OpenELB's image can see of a checkout."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image: what it is called here and in a manifest, and the key of all it is made of."""

    name: str
    reference: str
    key: str


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a checkout as it was when looked at; after a change of the checkout they are another value."""

    cache: Cache
    pins: Pins
    repository: Path
    base_mark: Path
    """A file that exists when the Debian that all stand on is in buildah's store."""
    base_seed: Path
    """The containerd root with every image but OpenELB's."""
    pause: Image
    nginx: Image
    node: Image
    openelb: Image | None
    """None in a checkout that has no manifest or no Dockerfile."""

    @classmethod
    def of(cls, cache: Cache, pins: Pins, repository: Path) -> "Images":
        """See which images this checkout asks for: reads every file that goes into one, builds nothing.

        Raises ValueError when the manifest does not ask for exactly one image.
        """
        suite, own = pins.debian_suite, openelb_reference(repository)
        pause = image("pause", PAUSE, suite, DOCKERFILES / "pause", MODULES / "pause")
        nginx = image("nginx", NGINX, suite, DOCKERFILES / "nginx")
        unpacked = key(pins.containerd, fingerprint(Path(seed.__file__)), pause.key, nginx.key)
        return cls(
            cache=cache,
            pins=pins,
            repository=repository,
            base_mark=cache.path("buildah", f"debian-{base_key(suite)}"),
            base_seed=cache.path("seed", f"base-{unpacked}"),
            pause=pause,
            nginx=nginx,
            node=image("node", NODE, suite, DOCKERFILES / "node"),
            openelb=openelb_image(own, suite, repository) if own else None,
        )

    @property
    def base(self) -> str:
        """The reference of the image that all others stand on."""
        return f"docker.io/library/debian:{self.pins.debian_suite}-slim"

    @property
    def binaries(self) -> Path:
        """The directory of containerd and of what the sandbox image consists of."""
        return Binaries(self.cache, self.pins).directory

    @property
    def node_root(self) -> Path:
        """The unpacked root file system of a node."""
        return self.cache.path("node", self.node.key)

    @property
    def seed(self) -> Path:
        """The containerd root with every image."""
        if self.openelb is None:
            return self.base_seed
        return self.cache.path("seed", f"openelb-{key(self.base_seed.name, self.openelb.key)}")

    @property
    def references(self) -> tuple[str, ...]:
        """The names of all images in the seed."""
        return tuple(each.reference for each in (self.pause, self.nginx, self.openelb) if each)

    def archive(self, image: Image) -> Path:
        """Where an image is, or will be, as an archive."""
        return self.cache.path("images", f"{image.name}-{image.key}.tar")


def base_key(suite: str) -> str:
    """The key of the Debian that all images stand on."""
    return key(suite, fingerprint(DOCKERFILES / "debian", Path(debian.__file__)))


def image(name: str, reference: str, suite: str, *inputs: Path) -> Image:
    """The image that is made of these files, on the Debian of this suite."""
    return Image(name, reference, key(base_key(suite), reference, fingerprint(*inputs)))


def openelb_image(reference: str, suite: str, place: Path) -> Image:
    """OpenELB's image as a checkout, or a copy of one, has it."""
    return image("openelb", reference, suite, *(place / name for name in OPENELB_INPUTS))


def openelb_reference(repository: Path) -> str | None:
    """The full name under which the manifest asks for OpenELB's image; None when there is nothing to build or to apply."""
    manifest = repository / "deploy" / "openelb.yaml"
    if not manifest.exists() or not (repository / "deploy" / "Dockerfile").exists():
        return None
    return full_reference(manifest_image(manifest.read_text()))


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
