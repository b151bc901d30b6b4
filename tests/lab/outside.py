"""OpenELB outside pods: an API server with what users apply, a manager, and nodes that run nothing but a speaker of this checkout."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab import controlplane, manifest, pki, setup
from lab import site as sites
from lab.cache import remove
from lab.controlplane import ControlPlane
from lab.network import Network
from lab.setup import Prepared
from lab.site import Site
from lab.speakers import Program, Speakers, speakers


@contextmanager
def put_up(
    prefix: str, directory: Path, prepared: Prepared, *, count: int, options: Sequence[str] = ()
) -> Iterator[tuple[Speakers, Site]]:
    """So many nodes on a site of their own; `options` are the speakers'."""
    with ExitStack() as stack:
        stack.callback(remove, directory)
        network = stack.enter_context(Network(prefix))
        site = sites.build(network, workers=0)
        identities = pki.write(directory / "pki", server=sites.CONTROL_PLANE, names=controlplane.NAMES, nodes=[])
        plane = ControlPlane(site.control_plane, sites.CONTROL_PLANE, prepared.binaries, identities, directory / "cp")
        stack.callback(plane.stop)
        plane.start(controllers=False)
        manifest.install(plane, setup.REPOSITORY / "deploy" / "openelb.yaml")
        manager, speaker = (_program(account, plane, prepared, directory) for account in ("manager", "speaker"))
        there = stack.enter_context(speakers(network, plane, manager, speaker, count=count, options=tuple(options)))
        yield there, site


def _program(account: str, plane: ControlPlane, prepared: Prepared, directory: Path) -> Program:
    """One of ours, with the rights that it has in a cluster."""
    config = directory / f"{account}.kubeconfig"
    manifest.write_kubeconfig(plane, f"openelb-{account}", config)
    path = f"PATH={prepared.binaries}:{os.environ['PATH']}"
    words = ("env", path, f"PYTHONPATH={setup.REPOSITORY / 'src'}", f"KUBECONFIG={config}")
    return Program((*words, sys.executable, "-m", "openelb"), directory)
