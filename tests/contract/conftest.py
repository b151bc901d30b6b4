"""An API server that holds nothing but our kinds: no controller writes what a test compares."""

import os
from collections.abc import Iterator

import pytest

from lab import controlplane, pki
from lab.controlplane import ControlPlane
from lab.network import Network
from lab.setup import Prepared
from openelb.kube.crds import KINDS, crds_yaml
from openelb.model.names import GROUP

ADDRESS = "10.79.0.5"
BOTH_FAMILIES = f"{controlplane.SERVICE_RANGE},fd96::/112"


@pytest.fixture(scope="session")
def crds(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The server. Unlike the one that tests share, it takes Services of both families: some that were recorded have IPv6."""
    directory = tmp_path_factory.mktemp("crds")
    # Named like the other hosts of this run (tests/conftest.py): what a killed run leaves is cleared by the next one.
    with Network(f"elbt{os.getpid()}d") as network, pytest.MonkeyPatch.context() as patch:
        patch.setattr(controlplane, "SERVICE_RANGE", BOTH_FAMILIES)
        host = network.host("cp")
        host.attach(network.switch("lan"), "eth0", f"{ADDRESS}/24")
        identities = pki.write(directory / "pki", server=ADDRESS, names=controlplane.NAMES, nodes=())
        server = ControlPlane(host, ADDRESS, prepared.binaries, identities, directory / "cp")
        server.start(controllers=False)
        patch.undo()
        server.kubectl("apply", "-f", "-", stdin=crds_yaml())
        names = [f"crd/{kind.plural}.{GROUP}" for kind in KINDS]
        server.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
        yield server
        server.stop()
