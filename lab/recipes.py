"""How the images are made: a Debian by debootstrap, ordinary Dockerfiles on it, and what nodes start from. Nothing is pulled."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lab import debian, seed
from lab.buildah import Builder
from lab.cache import Cache, remove
from lab.images import DOCKERFILES, OPENELB_INPUTS, Base, Image, Images, openelb_image
from lab.progress import Output, Step

PACKAGES_ADVICE = (
    "Debian's packages come through the ordinary apt client: check that `apt-get update` works here, then try again."
)
OPENELB_ADVICE = "It is made by deploy/Dockerfile, with Python's packages through the ordinary pip client."
KEPT_GENERATIONS = 6
"""Seeds with OpenELB's image that stay, some 200 MB each: labs of several checkouts may be about to start from them."""


def steps(images: Images) -> list[Step]:
    """What is yet to be made of these images, in order."""
    makes = [
        Step(f"building image {image.name}", partial(_make, images, image), PACKAGES_ADVICE)
        for image in (images.pause, images.nginx)
        if not images.archive(image).exists()
    ]
    makes += root_steps(images, images.node)
    if not images.base_seed.exists():
        makes.append(Step("unpacking the images for the nodes", partial(_make_base_seed, images)))
    if images.openelb and not images.seed.exists():
        makes.append(
            Step("building OpenELB's image", partial(_make_seed, images, images.openelb.reference), OPENELB_ADVICE)
        )
    return [*_base_steps(images, images.node.base), *makes] if makes else []


def root_steps(images: Images, image: Image) -> list[Step]:
    """What is yet to be made of an image that is used unpacked, but for what it stands on."""
    if images.root(image).exists():
        return []
    return [Step(f"building image {image.name}", partial(_make_root, images, image), PACKAGES_ADVICE)]


def router_steps(images: Images) -> list[Step]:
    """What is yet to be made before routers can run."""
    found = [(image, root_steps(images, image)) for image in (images.router, images.older_router)]
    return [step for image, makes in found if makes for step in (*_base_steps(images, image.base), *makes)]


def _base_steps(images: Images, base: Base) -> list[Step]:
    if base.mark(images.cache).exists():
        return []
    return [Step(f"making Debian {base.suite}", partial(_make_base, images.cache, base), PACKAGES_ADVICE)]


def _make_base(cache: Cache, base: Base, output: Output) -> None:
    with cache.scratch() as context:
        _copy(DOCKERFILES / "debian", context)
        debian.make(base.suite, debian.keyring(base.keyring.read_text()), context, output)
        Builder(cache).build(context, base.reference, output)
    base.mark(cache).touch()


def _make(images: Images, image: Image, output: Output) -> None:
    builder = Builder(images.cache)
    _build_around(images, image, ("pause",) if image == images.pause else (), output)
    with images.cache.making(images.archive(image)) as archive:
        builder.export(image.reference, archive, output)


def _build_around(images: Images, image: Image, binaries: Sequence[str], output: Output) -> None:
    """Build an image of which programs that were built here are a part."""
    with images.cache.scratch() as context:
        _copy(DOCKERFILES / image.name, context)
        for name in binaries:
            shutil.copy2(images.binaries / name, context)
        Builder(images.cache).build(context, image.reference, output)


def _make_root(images: Images, image: Image, output: Output) -> None:
    builder = Builder(images.cache)
    builder.build(DOCKERFILES / image.name, image.reference, output)
    with images.cache.making(images.root(image)) as root:
        builder.unpack(image.reference, root, output)


def _make_base_seed(images: Images, output: Output) -> None:
    with images.cache.making(images.base_seed) as root:
        seed.unpack(images.binaries, root, [images.archive(images.pause), images.archive(images.nginx)], output)


def _make_seed(images: Images, reference: str, output: Output) -> None:
    """OpenELB's image on the base seed, which is linked, not made anew.

    Its gobgpd is the one that was built here. The source may have changed since it was looked at: what is made is what was copied, and is kept under the key of that.
    """
    builder = Builder(images.cache)
    _build_around(images, images.gobgp, ("gobgpd",), output)
    with images.cache.scratch() as context:
        for name in OPENELB_INPUTS:
            _copy(images.repository / name, context / name)
        copied = replace(images, openelb=openelb_image(reference, images.node.base, context))
        given = {"GOBGP": images.gobgp.reference}
        builder.build(context, reference, output, dockerfile="deploy/Dockerfile", arguments=given)
        archive = context / "archive.tar"
        builder.export(reference, archive, output)
        with images.cache.making(copied.seed) as root:
            seed.link(images.base_seed, root)
            seed.unpack(images.binaries, root, [archive], output)
    _forget(copied.seed.parent, "openelb-*")


def _copy(source: Path, target: Path) -> None:
    """A file or a directory without compiled Python; nothing when there is none, as in the fingerprint."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    elif source.exists():
        shutil.copy2(source, target)


def _forget(directory: Path, pattern: str) -> None:
    """Remove all but the latest few of what matches."""
    whole: Sequence[Path] = [each for each in directory.glob(pattern) if each.suffix != ".partial"]
    for old in sorted(whole, key=lambda each: each.stat().st_mtime, reverse=True)[KEPT_GENERATIONS:]:
        remove(old)
