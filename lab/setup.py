"""Everything between a bare machine and a lab that can start: programs, binaries, images.

Nothing is started here; ``Prepared`` says where a lab finds what it starts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from lab import machine, recipes
from lab.binaries import Binaries
from lab.cache import Cache
from lab.images import PAUSE, Images
from lab.pins import pins
from lab.progress import Progress, Step

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where a lab finds its parts. Every directory is shared by all labs of this machine and must not be written to."""

    binaries: Path
    """Directory of kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet, kubectl, etcd,
    containerd, containerd-shim-runc-v2, ctr, gobgpd and gobgp."""

    node_root: Path
    """Unpacked root file system of a node: the lower directory of its overlay."""

    seed: Path
    """A containerd root (``/var/lib/containerd``) that holds every image, also OpenELB's own, unpacked. A node gets hard
    links of it; only the ``*.db`` files must be copied, and ``io.containerd.grpc.v1.introspection`` left out."""

    images: tuple[str, ...]
    """The full references in the seed, such as ``docker.io/library/nginx:latest``."""

    pause: str
    """The reference of the sandbox image, for containerd's configuration."""

    kubernetes: str
    """The version, such as ``v1.36.3``."""


@dataclass(frozen=True, slots=True)
class RouterRoots:
    """Where routers find their programs. As with `Prepared`, nothing may be written there."""

    current: Path
    """Root file system with FRR and BIRD 2, and with BIRD 3 below ``/opt/bird3``."""

    older: Path
    """Root file system with the FRR of the release before."""


def ready(progress: Progress, *, cache: Cache | None = None) -> Prepared:
    """Make whatever is missing and say where everything is; returns in well under a second when nothing is.

    Raises click.ClickException, with a sentence that says what to do, when this machine cannot run a lab or a step fails.
    """
    cache = cache or Cache.of_user()
    images = _made(steps, cache, progress)
    return Prepared(
        binaries=images.binaries,
        node_root=images.node_root,
        seed=images.seed,
        images=images.references,
        pause=PAUSE,
        kubernetes=images.pins.kubernetes,
    )


def ready_routers(progress: Progress, *, cache: Cache | None = None) -> RouterRoots:
    """Make what routers need, which is nothing that a lab needs otherwise, and say where it is. Raises as `ready` does."""
    images = _made(router_steps, cache or Cache.of_user(), progress)
    return RouterRoots(current=images.root(images.router), older=images.root(images.older_router))


def steps(images: Images) -> list[Step]:
    """What is yet to be done before a lab with these images can start."""
    return [*machine.steps(), *Binaries(images.cache, images.pins).steps(), *recipes.steps(images)]


def router_steps(images: Images) -> list[Step]:
    """What is yet to be done before routers can run."""
    return [*machine.steps(), *recipes.router_steps(images)]


def _made(steps: Callable[[Images], list[Step]], cache: Cache, progress: Progress) -> Images:
    """The images as they were when nothing was left to do."""
    _refuse_hindrances(cache)
    images = Images.of(cache, pins(), REPOSITORY)
    if steps(images):
        with cache.locked(progress.say):
            # Looked at again, and after the work once more: meanwhile another set-up may have made what is missing,
            # and somebody may have changed the source.
            while missing := steps(images := Images.of(cache, pins(), REPOSITORY)):
                progress.run(missing)
    return images


def _refuse_hindrances(cache: Cache) -> None:
    cold = not Binaries(cache, pins()).directory.exists()
    if found := list(machine.hindrances(machine.look(cache.root), cold=cold)):
        raise click.ClickException("No lab can run on this machine.\n" + "\n".join(f"- {each}" for each in found))
