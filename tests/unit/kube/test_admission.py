"""What the cluster holds of the webhook: read, and written only where it differs."""

import base64
from typing import Any

import pytest

from openelb.kube import admission
from openelb.kube.admission import CONFIGURATION_PATH, Kept, NobodyAsks
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists, Conflict, NotFound
from openelb.model import names
from openelb.plan.renewal import Issued
from tests.fakes.apiserver import JSON, FakeApiServer
from tests.unit.kube.objects import SLICES

SECRETS = "/api/v1/secrets"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
SPACE, SERVICE = "openelb-system", names.WEBHOOK_SERVICE
ISSUED = Issued("the authority", "the certificate", "the key")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(data: JSON | None, **more: Any) -> JSON:
    return {"metadata": {"name": names.WEBHOOK_CERTIFICATE, "namespace": SPACE}, "data": data, **more}


def configuration(*services: tuple[str, str], bundle: str = "") -> JSON:
    """One with a webhook for each of these namespaces and Services."""
    hooks = [
        {"name": f"{number}.example.org", "clientConfig": {"service": {"namespace": space, "name": name}}}
        for number, (space, name) in enumerate(services)
    ]
    for hook in hooks:
        if bundle:
            hook["clientConfig"]["caBundle"] = bundle  # type: ignore[index]
    return {"metadata": {"name": names.WEBHOOK_CONFIGURATION}, "webhooks": hooks}


# The Secret.


async def test_a_secret_that_is_not_there_is_made_and_read_again(server: FakeApiServer, client: Client) -> None:
    assert await admission.read_certificate(client, SPACE) == Kept(Issued(), "")
    written = await admission.write_certificate(client, SPACE, Kept(ISSUED, ""))
    assert written == await admission.read_certificate(client, SPACE)
    assert written.issued == ISSUED
    assert server.only(SECRETS)["type"] == "kubernetes.io/tls"
    assert server.only(SECRETS)["data"]["tls.key"] == encoded("the key")


async def test_of_two_replicas_that_write_one_is_told_that_the_other_was_first(
    server: FakeApiServer, client: Client
) -> None:
    first = await admission.write_certificate(client, SPACE, Kept(ISSUED, ""))
    with pytest.raises(AlreadyExists):
        await admission.write_certificate(client, SPACE, Kept(ISSUED, ""))
    await admission.write_certificate(client, SPACE, first)
    with pytest.raises(Conflict):
        await admission.write_certificate(client, SPACE, first)


@pytest.mark.parametrize("data", [None, {}, {"tls.crt": "%", "ca.crt": "AA", "other": "eA=="}])
async def test_whatever_a_secret_holds_is_read_and_replaced(
    server: FakeApiServer, client: Client, data: JSON | None
) -> None:
    await server.put(SECRETS, secret(data, kind="Secret"))
    found = await admission.read_certificate(client, SPACE)
    assert found.issued == Issued()
    await admission.write_certificate(client, SPACE, Kept(ISSUED, found.version))
    assert sorted(server.only(SECRETS)["data"]) == ["ca.crt", "tls.crt", "tls.key"]
    assert server.only(SECRETS)["kind"] == "Secret"  # the rest is somebody else's


# Whom API servers trust.


async def test_the_authority_is_told_for_webhooks_of_our_service_alone_and_once(
    server: FakeApiServer, client: Client
) -> None:
    await server.put(CONFIGURATIONS, configuration((SPACE, SERVICE), ("other", SERVICE), (SPACE, SERVICE)))
    assert await admission.trust(client, SPACE, SERVICE, "the authority")
    bundles = [hook["clientConfig"].get("caBundle") for hook in server.only(CONFIGURATIONS)["webhooks"]]
    assert bundles == [encoded("the authority"), None, encoded("the authority")]
    asked = len(server.requests)
    assert not await admission.trust(client, SPACE, SERVICE, "the authority")
    assert server.requests[asked:] == [f"GET {CONFIGURATION_PATH}"]


async def test_an_authority_of_before_is_replaced(server: FakeApiServer, client: Client) -> None:
    await server.put(CONFIGURATIONS, configuration((SPACE, SERVICE), bundle=encoded("an older one")))
    assert await admission.trust(client, SPACE, SERVICE, "the authority")
    (hook,) = server.only(CONFIGURATIONS)["webhooks"]
    assert hook["clientConfig"]["caBundle"] == encoded("the authority")


async def test_a_configuration_that_is_not_there_is_told(server: FakeApiServer, client: Client) -> None:
    with pytest.raises(NotFound):
        await admission.trust(client, SPACE, SERVICE, "the authority")


async def test_webhooks_that_lead_elsewhere_are_told(server: FakeApiServer, client: Client) -> None:
    await server.put(CONFIGURATIONS, configuration(("elsewhere", SERVICE)))
    with pytest.raises(NobodyAsks, match="leads to Service openelb-system/openelb-webhook: correct clientConfig"):
        await admission.trust(client, SPACE, SERVICE, "the authority")


# The way to us.


async def test_who_leads_is_found_and_says_so_once(server: FakeApiServer, client: Client) -> None:
    assert await admission.be_found(client, SPACE, SERVICE, "10.0.0.5", 9443)
    made = server.only(SLICES)
    assert (made["addressType"], made["endpoints"]) == (
        "IPv4",
        [{"addresses": ["10.0.0.5"], "conditions": {"ready": True}}],
    )
    assert made["ports"] == [{"name": "https", "port": 9443, "protocol": "TCP"}]
    assert made["metadata"]["labels"]["kubernetes.io/service-name"] == SERVICE
    assert not await admission.be_found(client, SPACE, SERVICE, "10.0.0.5", 9443)


async def test_the_next_to_lead_takes_the_place_and_the_one_before_leaves_it_alone(
    server: FakeApiServer, client: Client
) -> None:
    await admission.be_found(client, SPACE, SERVICE, "10.0.0.5", 9443)
    assert await admission.be_found(client, SPACE, SERVICE, "10.0.0.6", 9444)
    assert server.only(SLICES)["endpoints"][0]["addresses"] == ["10.0.0.6"]
    assert server.only(SLICES)["ports"][0]["port"] == 9444
    await admission.be_gone(client, SPACE, SERVICE, "10.0.0.5")
    assert server.only(SLICES)["endpoints"][0]["addresses"] == ["10.0.0.6"]
    await admission.be_gone(client, SPACE, SERVICE, "10.0.0.6")
    assert server.only(SLICES)["endpoints"] == []


async def test_a_slice_that_somebody_took_the_labels_from_gets_them_back(server: FakeApiServer, client: Client) -> None:
    await admission.be_found(client, SPACE, SERVICE, "2001:db8::5", 9443)
    spoilt = server.only(SLICES)
    await server.put(SLICES, {**spoilt, "metadata": {"name": spoilt["metadata"]["name"], "namespace": SPACE}})
    assert await admission.be_found(client, SPACE, SERVICE, "2001:db8::5", 9443)
    assert server.only(SLICES)["metadata"]["labels"]["kubernetes.io/service-name"] == SERVICE
    assert server.only(SLICES)["addressType"] == "IPv6"
