"""An API server that holds nothing but our kinds: no controller writes what a test compares."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from lab import controlplane, pki
from lab.controlplane import ControlPlane
from lab.network import Network
from lab.setup import Prepared
from openelb.kube.client import Client
from openelb.kube.config import find_access
from openelb.kube.crds import KINDS, crds_yaml
from openelb.model.names import GROUP
from tests.contract import kube
from tests.fakes.apiserver import FakeApiServer

ADDRESS = "10.79.0.5"


@pytest.fixture(scope="session")
def crds(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The server."""
    directory = tmp_path_factory.mktemp("crds")
    # Named like the other hosts of this run (tests/conftest.py): what a killed run leaves is cleared by the next one.
    with Network(f"elbt{os.getpid()}d") as network:
        host = network.host("cp")
        host.attach(network.switch("lan"), "eth0", f"{ADDRESS}/24")
        identities = pki.write(directory / "pki", server=ADDRESS, names=controlplane.NAMES, nodes=())
        server = ControlPlane(host, ADDRESS, prepared.binaries, identities, directory / "cp")
        server.start(controllers=False)
        server.kubectl("apply", "-f", "-", stdin=crds_yaml())
        names = [f"crd/{kind.plural}.{GROUP}" for kind in KINDS]
        server.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
        yield server
        server.stop()


@pytest.fixture
async def plane(crds: ControlPlane) -> AsyncIterator[ControlPlane]:
    """The server, the test being on its host; what the test made is removed after it."""
    with crds.host.inside():
        async with Client(find_access(crds.kubeconfig)) as admin:
            await kube.prepare(admin)
            yield crds
            await kube.clear(admin)


@pytest.fixture
async def client(plane: ControlPlane) -> AsyncIterator[Client]:
    """A client of the server, with all rights."""
    async with Client(find_access(plane.kubeconfig)) as client:
        yield client


@pytest.fixture(params=["real", "fake"])
def real(request: pytest.FixtureRequest) -> Iterator[ControlPlane | None]:
    """For `either`: the server, or None for the one in memory."""
    if request.param == "fake":
        yield None
        return
    server: ControlPlane = request.getfixturevalue("crds")
    with server.host.inside():
        yield server


@pytest.fixture
async def either(real: ControlPlane | None) -> AsyncIterator[Client]:
    """A client of the server, and again of the fake one of the unit tests: both keep the promises that the test names."""
    if real is None:
        async with FakeApiServer().running() as fake, Client(fake.access) as client:
            yield client
        return
    async with Client(find_access(real.kubeconfig)) as client:
        await kube.prepare(client)
        yield client
        await kube.clear(client)
