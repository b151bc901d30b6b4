"""The Secret with which speakers seal their heartbeats: two keys, so that one can follow another."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import UTC, datetime

from openelb.kube.client import Client, JsonPatch
from openelb.kube.decode import moment
from openelb.kube.errors import NotFound
from openelb.kube.shapes import ObjectShape
from openelb.model import names

ROTATED = "openelb.io/rotated"


class _Secret(ObjectShape):
    data: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What the Secret holds: the current secret first. `rotated` is when it was made (seconds since 1970), 0 where nobody says;
    `version` is empty where there is no Secret.
    """

    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    rotated: float = 0.0
    version: str = ""


async def read_keys(client: Client, namespace: str) -> Kept:
    """What the Secret holds, whatever somebody has written into it. Raises ApiError."""
    try:
        found = await client.get(f"{_secrets(namespace)}/{names.HEARTBEAT_SECRET}", _Secret)
    except NotFound:
        return Kept()
    data = found.data or {}
    read = [_decoded(data.get(name, "")) for name in (names.CURRENT_KEY, names.PREVIOUS_KEY)]
    rotated = moment((found.metadata.annotations or {}).get(ROTATED, "")) or 0.0
    return Kept(tuple(filter(None, read)), rotated, found.metadata.resource_version)


async def write_keys(client: Client, namespace: str, kept: Kept) -> None:
    """Make the Secret hold it. Raises AlreadyExists or Conflict when another replica was there first, and ApiError."""
    data = {
        name: base64.b64encode(secret).decode()
        for name, secret in zip((names.CURRENT_KEY, names.PREVIOUS_KEY), kept.secrets, strict=False)
    }
    rotated = datetime.fromtimestamp(kept.rotated, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if not kept.version:
        labels = {"app.kubernetes.io/name": "openelb"}
        metadata = {"name": names.HEARTBEAT_SECRET, "labels": labels, "annotations": {ROTATED: rotated}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
        await client.create(_secrets(namespace), secret, _Secret)
        return
    patch: JsonPatch = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": kept.version},
        {"op": "add", "path": "/data", "value": data},
        {"op": "add", "path": "/metadata/annotations", "value": {ROTATED: rotated}},
    ]
    await client.patch(f"{_secrets(namespace)}/{names.HEARTBEAT_SECRET}", patch, _Secret)


def _secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
