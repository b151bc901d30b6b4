"""What the cluster holds of our webhook: the Secret with its certificate, whom the API server trusts, and where it is found.

Each is read, compared and written only where it differs, and then only if it is what was read.
"""

import base64
import binascii
import ipaddress
from dataclasses import dataclass

from openelb.kube.client import Client, JsonPatch
from openelb.kube.errors import ApiError, NotFound
from openelb.kube.resources import SLICES_PATH
from openelb.kube.shapes import ObjectShape, Shape
from openelb.model import names
from openelb.plan.renewal import Issued

CONFIGURATION_PATH = (
    f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{names.WEBHOOK_CONFIGURATION}"
)
AUTHORITY, CERTIFICATE, KEY = "ca.crt", "tls.crt", "tls.key"
"""The keys of a Secret of type kubernetes.io/tls, as cert-manager has them as well."""


class NobodyAsks(ApiError):
    """The configuration has no webhook that leads to our Service."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the Secret holds; `version` is the Secret's, empty where there is none."""

    issued: Issued
    version: str


class _Secret(ObjectShape):
    data: dict[str, str] | None = None


class _Reference(Shape):
    namespace: str = ""
    name: str = ""


class _ClientConfig(Shape):
    service: _Reference | None = None
    ca_bundle: str | None = None


class _Hook(Shape):
    client_config: _ClientConfig


class _Configuration(ObjectShape):
    webhooks: list[_Hook] | None = None


class _Endpoint(Shape):
    addresses: list[str] | None = None


class _Port(Shape):
    port: int | None = None


class _Slice(ObjectShape):
    endpoints: list[_Endpoint] | None = None
    ports: list[_Port] | None = None


async def read_certificate(client: Client, namespace: str) -> Kept:
    """What the Secret holds, whatever somebody has written into it. Raises ApiError."""
    try:
        return _kept(await client.get(f"{_secrets(namespace)}/{names.WEBHOOK_CERTIFICATE}", _Secret))
    except NotFound:
        return Kept(Issued(), "")


async def write_certificate(client: Client, namespace: str, kept: Kept) -> Kept:
    """Make the Secret hold it. Raises AlreadyExists or Conflict when another replica was there first, and ApiError."""
    issued = kept.issued
    material = ((AUTHORITY, issued.authority), (CERTIFICATE, issued.certificate), (KEY, issued.key))
    data = {name: _encoded(text) for name, text in material}
    if not kept.version:
        metadata = {"name": names.WEBHOOK_CERTIFICATE, "labels": {"app.kubernetes.io/name": "openelb"}}
        secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
        return _kept(await client.create(_secrets(namespace), {**secret, "metadata": metadata, "data": data}, _Secret))
    patch: JsonPatch = [_as_read(kept.version), {"op": "add", "path": "/data", "value": data}]
    return _kept(await client.patch(f"{_secrets(namespace)}/{names.WEBHOOK_CERTIFICATE}", patch, _Secret))


async def trust(client: Client, namespace: str, service: str, authority: str) -> bool:
    """Have API servers trust the authority for whatever webhook of ours is called by way of that Service. Returns whether
    anything was to be written. Raises Conflict when somebody else wrote, NotFound without a configuration, NobodyAsks, and
    ApiError.
    """
    found = await client.get(CONFIGURATION_PATH, _Configuration)
    bundle = _encoded(authority)
    hooks = enumerate(found.webhooks or ())
    ours = [(number, hook) for number, hook in hooks if _is_ours(hook, namespace, service)]
    if not ours:
        raise NobodyAsks(
            f"no webhook of ValidatingWebhookConfiguration {names.WEBHOOK_CONFIGURATION} leads to Service "
            f"{namespace}/{service}: correct clientConfig.service there, or apply the manifest of this version"
        )
    patch: JsonPatch = [
        {"op": "add", "path": f"/webhooks/{number}/clientConfig/caBundle", "value": bundle}
        for number, hook in ours
        if hook.client_config.ca_bundle != bundle
    ]
    if patch:
        await client.patch(CONFIGURATION_PATH, [_as_read(found.metadata.resource_version), *patch], _Configuration)
    return bool(patch)


async def be_found(client: Client, namespace: str, service: str, address: str, port: int) -> bool:
    """Have connections to the Service come to that address. Returns whether anything was to be written. Raises Conflict
    or AlreadyExists when another replica was there first, and ApiError.
    """
    collection, name = _slices(namespace), slice_name(service)
    body = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "addressType": f"IPv{ipaddress.ip_address(address).version}",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }
    metadata = {"name": name, "labels": _slice_labels(service)}
    try:
        found = await client.get(f"{collection}/{name}", _Slice)
    except NotFound:
        await client.create(collection, {**body, "metadata": metadata}, _Slice)
        return True
    ports = [one.port for one in found.ports or ()]
    labelled = _slice_labels(service).items() <= (found.metadata.labels or {}).items()
    if (_addresses(found), ports, labelled) == ([address], [port], True):
        return False
    metadata["resourceVersion"] = found.metadata.resource_version
    await client.put(f"{collection}/{name}", {**body, "metadata": metadata}, _Slice)
    return True


async def be_gone(client: Client, namespace: str, service: str, address: str) -> None:
    """Have connections to the Service refused, unless they come to another address by now. Raises ApiError."""
    path = f"{_slices(namespace)}/{slice_name(service)}"
    found = await client.get(path, _Slice)
    if _addresses(found) == [address]:
        patch: JsonPatch = [
            _as_read(found.metadata.resource_version),
            {"op": "replace", "path": "/endpoints", "value": []},
        ]
        await client.patch(path, patch, _Slice)


def slice_name(service: str) -> str:
    """The EndpointSlice of the replica that leads."""
    return f"{service}-leader"


def _slice_labels(service: str) -> dict[str, str]:
    return {
        "kubernetes.io/service-name": service,
        "endpointslice.kubernetes.io/managed-by": "openelb.io",
        "app.kubernetes.io/name": "openelb",
    }


def _kept(secret: _Secret) -> Kept:
    data = secret.data or {}
    material = (_decoded(data.get(key, "")) for key in (AUTHORITY, CERTIFICATE, KEY))
    return Kept(Issued(*material), secret.metadata.resource_version)


def _is_ours(hook: _Hook, namespace: str, service: str) -> bool:
    about = hook.client_config.service
    return about is not None and (about.namespace, about.name) == (namespace, service)


def _addresses(found: _Slice) -> list[str]:
    return [address for each in found.endpoints or () for address in each.addresses or ()]


def _as_read(version: str) -> dict[str, object]:
    return {"op": "test", "path": "/metadata/resourceVersion", "value": version}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode(errors="replace")
    except binascii.Error:
        return ""


def _secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets"


def _slices(namespace: str) -> str:
    return SLICES_PATH.replace("/endpointslices", f"/namespaces/{namespace}/endpointslices")
