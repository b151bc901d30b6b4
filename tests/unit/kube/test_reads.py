"""Single questions to the API server."""

import base64

import pytest

from openelb.kube import reads
from openelb.kube.client import Client
from openelb.kube.errors import Forbidden
from openelb.model import names
from openelb.model.routers import SecretKey
from tests.fakes.apiserver import FakeApiServer, Refusal
from tests.unit.builders import address
from tests.unit.kube.objects import NODES

SECRETS = "/api/v1/secrets"
WANTED = SecretKey("openelb-bgp", "leaf")


def addressed(name: str, *addresses: str, kind: str = "InternalIP"):
    told = [{"type": kind, "address": one} for one in addresses]
    return {"metadata": {"name": name}, "status": {"addresses": told}}


async def test_a_node_s_addresses_are_those_by_which_the_cluster_knows_it():
    async with FakeApiServer().running() as server, Client(server.access) as client:
        node = addressed("n1", "192.0.2.11", "2001:db8::11", "nonsense")
        node["status"]["addresses"].insert(0, {"type": "ExternalIP", "address": "203.0.113.1"})
        await server.put(NODES, node)
        found = await reads.addresses(client, "n1")
        assert found == {"n1": (address("192.0.2.11"), address("2001:db8::11"))}
        assert await reads.addresses(client, "n2") == {}


async def test_the_addresses_of_all_nodes_come_in_pages():
    async with FakeApiServer().running() as server, Client(server.access) as client:
        server.faults.page_size = 2
        for number in range(5):
            await server.put(NODES, addressed(f"n{number}", f"192.0.2.{number}"))
        assert await reads.addresses(client) == {f"n{number}": (address(f"192.0.2.{number}"),) for number in range(5)}


async def test_a_node_that_has_no_status_yet_has_no_address():
    async with FakeApiServer().running() as server, Client(server.access) as client:
        await server.put(NODES, {"metadata": {"name": "n1"}})
        assert await reads.addresses(client, "n1") == {"n1": ()}


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"leaf": encoded(b"s3cret")}, "s3cret"),
        ({"leaf": encoded(b"s3cret\r\n")}, "s3cret"),
        ({"leaf": encoded(b" s3cret ")}, " s3cret "),
        ({"leaf": encoded(b"")}, None),
        ({"leaf": encoded(b"\xff\xfe")}, None),
        ({"leaf": "no base64!"}, None),
        ({"other": encoded(b"s3cret")}, None),
        ({}, None),
        (None, None),
    ],
)
async def test_a_password_is_what_is_under_its_key(data, found):
    async with FakeApiServer().running() as server, Client(server.access) as client:
        await server.put(SECRETS, {"metadata": {"name": "openelb-bgp", "namespace": names.NAMESPACE}, "data": data})
        assert await reads.secret(client, names.NAMESPACE, WANTED) == found


async def test_a_secret_that_is_not_there_has_none_and_one_that_must_not_be_read_is_told():
    async with FakeApiServer().running() as server, Client(server.access) as client:
        assert await reads.secret(client, names.NAMESPACE, WANTED) is None
        path = f"/api/v1/namespaces/{names.NAMESPACE}/secrets/openelb-bgp"
        server.faults.refused_paths[path] = Refusal(403, "Forbidden")
        with pytest.raises(Forbidden):
            await reads.secret(client, names.NAMESPACE, WANTED)
