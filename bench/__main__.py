"""`make bench`: puts up an API server of its own, measures on its host, prints one table, takes everything down."""

import subprocess
import sys

import click

from lab import pki, processes, setup, site
from lab.cache import Cache
from lab.controlplane import NAMES, ControlPlane
from lab.network import Network
from lab.progress import Progress

PREFIX = "elbbench"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--each", default=200, show_default=True, help="Services created one at a time.")
@click.option("--burst", default=1000, show_default=True, help="Services that wait when the pool appears.")
@click.option("--blocks", default=2, show_default=True, help="Ours and the bare client take turns so often.")
def main(each: int, burst: int, blocks: int) -> None:
    """Measure the manager against a bare client. Nothing else should be running on this machine."""
    processes.unwind_when_told()
    cache = Cache.of_user()
    prepared = setup.ready(Progress(cache.log))
    with cache.scratch() as directory, Network(PREFIX) as network:
        host = site.build(network, workers=0).control_plane
        plane = ControlPlane(host, site.CONTROL_PLANE, prepared.binaries, pki.Pki(directory / "pki"), directory / "cp")
        pki.write(plane.pki.directory, server=site.CONTROL_PLANE, names=NAMES, nodes=())
        plane.start(controllers=False)
        try:
            measure = ["-m", "bench.measure", str(plane.kubeconfig), str(each), str(burst), str(blocks)]
            command = ["ip", "netns", "exec", host.netns, sys.executable, *measure]
            sys.exit(subprocess.run(command, cwd=setup.REPOSITORY).returncode)
        finally:
            plane.stop()


if __name__ == "__main__":
    main()
