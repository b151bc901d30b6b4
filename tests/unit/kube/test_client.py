"""Requests: what is tried again, and which error says what."""

import math
import re
import socket
import time

import pytest

from openelb.kube.client import Client, describe
from openelb.kube.config import Access
from openelb.kube.errors import (
    AlreadyExists,
    Busy,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    Nonsense,
    NotFound,
    Refused,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from openelb.kube.shapes import ServiceShape
from tests.fakes.apiserver import FakeApiServer, Refusal
from tests.unit.kube import objects
from tests.unit.kube.conftest import IMPATIENT, NOT_JSON, Verbatim

WEB = "/api/v1/namespaces/default/services/web"
EXPLAINED = {"name": "web"}


@pytest.fixture(autouse=True)
async def web(server: FakeApiServer) -> None:
    await server.put(objects.SERVICES, objects.service())


async def test_an_object_is_read(client: Client) -> None:
    assert (await client.get(WEB, ServiceShape)).metadata.name == "web"


async def test_when_the_server_first_and_last_answered_is_known_a_refusal_included(
    server: FakeApiServer, client: Client
) -> None:
    began = time.monotonic()
    server.faults.refusals.append(Refusal(403))
    assert client.answered_at == math.inf
    assert client.last_answered_at == -math.inf
    with pytest.raises(Forbidden):
        await client.get(WEB, ServiceShape)
    first = client.answered_at
    assert client.last_answered_at == first
    between = time.monotonic()
    await client.get(WEB, ServiceShape)
    assert began <= first == client.answered_at <= between <= client.last_answered_at <= time.monotonic()


async def test_a_server_with_trouble_of_its_own_has_not_answered(server: FakeApiServer, client: Client) -> None:
    server.faults.refusals.extend([Refusal(503, headers={"Retry-After": "0"})] * 4)
    with pytest.raises(Unavailable):
        await client.get(WEB, ServiceShape)
    assert client.answered_at == math.inf


async def test_a_body_of_more_than_a_megabyte_is_written_also_when_it_is_sent_twice(server: FakeApiServer) -> None:
    server.faults.refusals.append(Refusal(429, headers={"Retry-After": "0"}))
    note = "x" * 1_200_000
    large = objects.service("large", annotations={"note": note})
    async with Client(server.access) as patient:
        await patient.create("/api/v1/namespaces/default/services", large, ServiceShape)
    assert server.stored(objects.SERVICES, "large", "default")["metadata"]["annotations"]["note"] == note


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_read_is_tried_again_while_the_server_has_trouble(
    server: FakeApiServer, client: Client, status: int
) -> None:
    server.faults.refusals.extend([Refusal(status, headers={"Retry-After": "0"})] * 2)
    await client.get(WEB, ServiceShape)
    assert len(server.requests) == 3


async def test_a_read_is_given_up_after_some_attempts(server: FakeApiServer, client: Client) -> None:
    server.faults.refusals.extend([Refusal(503)] * 9)
    with pytest.raises(Unavailable):
        await client.get(WEB, ServiceShape)
    assert len(server.requests) == IMPATIENT.attempts


async def test_a_write_is_not_repeated_when_it_may_have_been_made(server: FakeApiServer, client: Client) -> None:
    server.faults.refusals.append(Refusal(500))
    with pytest.raises(Unavailable):
        await client.patch(WEB, [], ServiceShape)
    assert server.requests == [f"PATCH {WEB}"]


async def test_a_write_is_repeated_when_the_server_was_too_busy_to_make_it(
    server: FakeApiServer, client: Client
) -> None:
    server.faults.refusals.append(Refusal(429, headers={"Retry-After": "0"}))
    written = await client.create("/api/v1/namespaces/default/services", objects.service("api"), ServiceShape)
    assert written.metadata.name == "api"


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(400, "BadRequest"), Invalid),
        (Refusal(401, "Unauthorized"), Unauthorized),
        (Refusal(403, "Forbidden"), Forbidden),
        (Refusal(404, "NotFound"), NotFound),
        (Refusal(409, "Conflict"), Conflict),
        (Refusal(409, "AlreadyExists"), AlreadyExists),
        (Refusal(410, "Expired"), Gone),
        (Refusal(422, "Invalid", details=EXPLAINED), Invalid),
        (Refusal(422, "Invalid"), Conflict),
        (Refusal(500, "InternalError"), Unavailable),
    ],
)
async def test_a_refusal_is_named_by_who_is_to_blame(
    server: FakeApiServer, client: Client, refusal: Refusal, error: type[Refused]
) -> None:
    server.faults.refusals.append(refusal)
    with pytest.raises(Refused) as caught:
        await client.patch(WEB, [], ServiceShape)
    assert type(caught.value) is error
    assert "patch services default/web" in str(caught.value)


async def test_what_rbac_forbids_is_said_with_verb_and_resource(server: FakeApiServer, client: Client) -> None:
    server.faults.refusals.append(Refusal(403, "Forbidden"))
    with pytest.raises(Forbidden, match=re.escape("refused to patch services/status default/web: 403")):
        await client.patch(f"{WEB}/status", [], ServiceShape)


async def test_a_busy_server_is_left_alone_as_long_as_it_asks(server: FakeApiServer, client: Client) -> None:
    server.faults.refusals.extend([Refusal(429, headers={"Retry-After": "0"})] * IMPATIENT.attempts)
    with pytest.raises(Busy) as caught:
        await client.get(WEB, ServiceShape)
    assert caught.value.retry_after == 0.0


async def test_a_server_that_does_not_answer_is_unreachable(server: FakeApiServer, client: Client) -> None:
    server.faults.silent = True
    with pytest.raises(Unreachable, match="no answer in time to patch services default/web"):
        await client.patch(WEB, [], ServiceShape)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with Client(Access(f"http://127.0.0.1:{port}"), IMPATIENT) as client:
        words = re.escape(f"cannot get services default/web: no connection to 127.0.0.1:{port}: Connect")
        with pytest.raises(Unreachable, match=words):
            await client.get(WEB, ServiceShape)


async def test_a_connection_that_is_closed_without_an_answer_is_told_as_that(
    server: FakeApiServer, client: Client
) -> None:
    server.faults.lost_answers = 1
    with pytest.raises(Unreachable, match=r"default/web: the connection was closed before the answer$"):
        await client.patch(WEB, [], ServiceShape)


async def test_an_answer_that_is_something_else_is_nonsense(client: Client) -> None:
    with pytest.raises(Nonsense):
        await client.get(WEB, list[int])


@pytest.mark.parametrize("content", NOT_JSON)
async def test_an_answer_that_is_no_json_is_nonsense(server: FakeApiServer, client: Client, content: bytes) -> None:
    server.faults.refusals.append(Verbatim(200, content=content))
    with pytest.raises(Nonsense, match="the answer to get services default/web cannot be read"):
        await client.get(WEB, ServiceShape)


@pytest.mark.parametrize("content", [b'{"message":"\xff"}', b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
async def test_a_refusal_that_is_no_json_is_told_in_its_own_words(
    server: FakeApiServer, client: Client, content: bytes
) -> None:
    server.faults.refusals.append(Verbatim(400, content=content))
    with pytest.raises(Invalid) as caught:
        await client.get(WEB, ServiceShape)
    assert caught.value.message == content[:200].decode(errors="replace")


async def test_after_closing_its_connections_the_client_goes_on_with_new_ones(client: Client) -> None:
    await client.get(WEB, ServiceShape)
    await client.reconnect()
    assert (await client.get(WEB, ServiceShape)).metadata.name == "web"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/v1/services", "get services"),
        ("/api/v1/namespaces/default/services/web/status", "get services/status default/web"),
        ("/apis/network.kubesphere.io/v1alpha2/eips/office/status", "get eips/status office"),
        ("/apis/coordination.k8s.io/v1/namespaces/openelb-system/leases", "get leases openelb-system"),
        ("/api/v1/namespaces/default", "get namespaces default"),
    ],
)
def test_a_request_is_described_as_rbac_names_it(path: str, words: str) -> None:
    assert describe("get", path) == words
