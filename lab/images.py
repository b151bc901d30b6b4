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
GOBGP = "docker.io/library/openelb-lab-gobgp:lab"
ROUTER, OLDER_ROUTER = "docker.io/library/openelb-lab-router:lab", "docker.io/library/openelb-lab-older-router:lab"

OPENELB_INPUTS = ("deploy/Dockerfile", "requirements.txt", "lab/modules/gobgp", "src")
"""All that the build of OpenELB's image can see of a checkout."""


@dataclass(frozen=True, slots=True)
class Base:
    """The Debian of one suite, on which images stand."""

    suite: str

    @property
    def reference(self) -> str:
        """What a registry would call it."""
        return f"docker.io/library/debian:{self.suite}-slim"

    @property
    def keyring(self) -> Path:
        """The file with the keys that sign it."""
        return DOCKERFILES / "debian" / f"{self.suite}.key"

    @property
    def key(self) -> str:
        return key(self.suite, fingerprint(DOCKERFILES / "debian" / "Dockerfile", self.keyring, Path(debian.__file__)))

    def mark(self, cache: Cache) -> Path:
        """A file that exists when it is in buildah's store."""
        return cache.path("buildah", f"debian-{self.key}")


@dataclass(frozen=True, slots=True)
class Image:
    """An image: what it is called here and in a manifest, what it stands on, and the key of all it is made of."""

    name: str
    reference: str
    base: Base
    key: str


@dataclass(frozen=True, slots=True)
class Images:
    """The images of a checkout as it was when looked at; after a change of the checkout they are another value."""

    cache: Cache
    pins: Pins
    repository: Path
    base_seed: Path
    """The containerd root with every image but OpenELB's."""
    pause: Image
    nginx: Image
    node: Image
    gobgp: Image
    """Holds nothing but gobgpd, for OpenELB's."""
    router: Image
    older_router: Image
    openelb: Image | None
    """None in a checkout that has no manifest or no Dockerfile."""

    @classmethod
    def of(cls, cache: Cache, pins: Pins, repository: Path) -> "Images":
        """See which images this checkout asks for: reads every file that goes into one, builds nothing.

        Raises ValueError when the manifest does not ask for exactly one image.
        """
        base, own = Base(pins.debian_suite), openelb_reference(repository)
        pause = image("pause", PAUSE, base, DOCKERFILES / "pause", MODULES / "pause")
        nginx = image("nginx", NGINX, base, DOCKERFILES / "nginx")
        unpacked = key(pins.containerd, fingerprint(Path(seed.__file__)), pause.key, nginx.key)
        return cls(
            cache=cache,
            pins=pins,
            repository=repository,
            base_seed=cache.path("seed", f"base-{unpacked}"),
            pause=pause,
            nginx=nginx,
            node=image("node", NODE, base, DOCKERFILES / "node"),
            gobgp=image("gobgp", GOBGP, base, DOCKERFILES / "gobgp", MODULES / "gobgp"),
            router=image("router", ROUTER, base, DOCKERFILES / "router"),
            older_router=image("older-router", OLDER_ROUTER, Base(pins.older_suite), DOCKERFILES / "older-router"),
            openelb=openelb_image(own, base, repository) if own else None,
        )

    @property
    def binaries(self) -> Path:
        """The directory of containerd and of what some images consist of."""
        return Binaries(self.cache, self.pins).directory

    @property
    def node_root(self) -> Path:
        """The unpacked root file system of a node."""
        return self.root(self.node)

    def root(self, image: Image) -> Path:
        """Where the root file system of an image is, or will be, unpacked."""
        return self.cache.path(image.name, image.key)

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


def image(name: str, reference: str, base: Base, *inputs: Path) -> Image:
    """The image that is made of these files, on this Debian."""
    return Image(name, reference, base, key(base.key, reference, fingerprint(*inputs)))


def openelb_image(reference: str, base: Base, place: Path) -> Image:
    """OpenELB's image as a checkout, or a copy of one, has it."""
    return image("openelb", reference, base, *(place / name for name in OPENELB_INPUTS))


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
