"""A real API server for tests that need no nodes: etcd and kube-apiserver on a host of their own."""

import os
from collections.abc import Iterator

import pytest

from lab import controlplane, pki
from lab.binaries import Binaries
from lab.cache import Cache
from lab.controlplane import ControlPlane
from lab.network import Network
from lab.pins import pins
from openelb.kube.crds import KINDS, crds_yaml
from openelb.model.names import GROUP

ADDRESS = "10.79.0.5"
BOTH_FAMILIES = f"{controlplane.SERVICE_RANGE},fd96::/112"


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server without controllers, so that only tests write. It takes Services of both families."""
    directory = tmp_path_factory.mktemp("control-plane")
    # The stem and the pid are those of tests/lab: what a killed run left is cleared by the next one.
    with Network(f"elbt{os.getpid()}c") as network, pytest.MonkeyPatch.context() as patch:
        patch.setattr(controlplane, "SERVICE_RANGE", BOTH_FAMILIES)
        host = network.host("cp")
        host.attach(network.switch("lan"), "eth0", f"{ADDRESS}/24")
        binaries = Binaries(Cache.of_user(), pins()).directory
        identities = pki.write(directory / "pki", server=ADDRESS, names=controlplane.NAMES, nodes=())
        plane = ControlPlane(host, ADDRESS, binaries, identities, directory / "programs")
        plane.start(controllers=False)
        yield plane
        plane.stop()


@pytest.fixture(scope="session")
def crds(control_plane: ControlPlane) -> ControlPlane:
    """The same server, with our kinds on it."""
    control_plane.kubectl("apply", "-f", "-", stdin=crds_yaml())
    names = [f"crd/{kind.plural}.{GROUP}" for kind in KINDS]
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
    return control_plane
