"""Faults that a real API server can be brought to: odd and large objects, tokens that change, plugins that log in."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
import yaml

from lab.controlplane import ControlPlane
from openelb.kube import writes
from openelb.kube.client import Client
from openelb.kube.config import find_access
from openelb.kube.credentials import FileToken
from openelb.kube.errors import Unauthorized
from openelb.kube.resources import eip_path
from openelb.model.cluster import PoolStatus, ServiceKey
from tests.contract.kube import JSON, SERVICES_HERE, SYSTEM, make_eip, make_service, raw, stored, until

NAMESPACES = "/api/v1/namespaces"
SECRETS = f"{NAMESPACES}/{SYSTEM}/secrets"
ACCOUNTS = f"{NAMESPACES}/{SYSTEM}/serviceaccounts"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
REMEMBERED = 30.0
"""Seconds; kube-apiserver goes on taking a token that was revoked for about 10, from its cache."""

ODD = "\u0085\u2028\u2029\u000c\ufeff\U0001f600\u202e\x7f\x01"


async def test_odd_characters_in_an_annotation_are_read_in_lists_and_events(client: Client) -> None:
    await make_service(client, "listed", annotations={"example.org/odd": ODD})
    async with stored(client) as store:
        assert ServiceKey(SYSTEM, "listed") in store.snapshot().services
        await make_service(client, "odd", annotations={"example.org/odd": ODD})
        await make_service(client, "plain")
        await until(store, lambda s: {ServiceKey(SYSTEM, name) for name in ("odd", "plain")} <= s.services.keys())


async def test_an_event_of_a_megabyte_is_read(client: Client) -> None:
    """A ledger of 25,000 addresses; etcd takes no object above 1.5 MiB."""
    pool = await make_eip(client)
    used = {
        ip_address(n): (ServiceKey(f"team-{n:05}", f"service-{n:05}"),) for n in range(10 << 24, (10 << 24) + 25_000)
    }
    async with stored(client) as store:
        written = await writes.write_pool_status(client, pool, PoolStatus(used))
        seen = await until(store, lambda s: s.pools["office"].version == written.version)
    assert len(msgspec.json.encode(await raw(client, eip_path("office")))) > 1_000_000
    assert len(seen.pools["office"].status.used) == 25_000


class Account:
    """A ServiceAccount with all rights; each of its tokens is good while the Secret that it is bound to is there."""

    def __init__(self, admin: Client) -> None:
        self._admin = admin

    async def token(self, name: str) -> str:
        await self._admin.create(SECRETS, {"metadata": {"name": name}}, msgspec.Raw)
        bound = {"kind": "Secret", "apiVersion": "v1", "name": name}
        # Ten minutes is the least that can be asked for.
        wanted = {"spec": {"expirationSeconds": 600, "boundObjectRef": bound}}
        answer = await self._admin.create(f"{ACCOUNTS}/tester/token", wanted, dict)
        token: str = answer["status"]["token"]
        return token

    async def revoke(self, name: str) -> None:
        await self._admin.delete(f"{SECRETS}/{name}")


@pytest.fixture
async def account(client: Client) -> AsyncIterator[Account]:
    await client.create(ACCOUNTS, {"metadata": {"name": "tester"}}, msgspec.Raw)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "ServiceAccount", "name": "tester", "namespace": SYSTEM}
    binding = {"metadata": {"name": SYSTEM}, "roleRef": role, "subjects": [subject]}
    await client.create(BINDINGS, binding, msgspec.Raw)
    yield Account(client)
    await client.delete(f"{BINDINGS}/{SYSTEM}")
    await client.delete(f"{ACCOUNTS}/tester")
    for secret in (await raw(client, SECRETS))["items"]:
        await client.delete(f"{SECRETS}/{secret['metadata']['name']}")


def kubeconfig(plane: ControlPlane, path: Path, user: JSON) -> Path:
    """The administrator's, as another user."""
    whole = yaml.safe_load(plane.kubeconfig.read_text())
    whole["users"][0]["user"] = user
    path.write_text(yaml.safe_dump(whole))
    return path


def by_file(directory: Path) -> JSON:
    return {"tokenFile": str(directory / "token")}


def by_plugin(directory: Path) -> JSON:
    plugin = directory / "login"
    status = '{"token":"%s","expirationTimestamp":"2999-01-01T00:00:00Z"}'
    whole = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":' + status + "}"
    plugin.write_text(f"#!/bin/sh\nprintf '{whole}' \"$(cat {directory}/token)\"\n")
    plugin.chmod(0o755)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "./login",
            "interactiveMode": "Never",
        }
    }


async def revoked(client: Client) -> None:
    """Return when the server does not take the client's token any more."""
    async with asyncio.timeout(REMEMBERED):
        while True:
            try:
                await client.get(NAMESPACES, msgspec.Raw)
            except Unauthorized:
                return
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("user", [by_file, by_plugin])
async def test_a_token_that_is_not_taken_any_more_is_replaced_and_the_watches_go_on(
    plane: ControlPlane, client: Client, account: Account, tmp_path: Path, user: Callable[[Path], JSON]
) -> None:
    (tmp_path / "token").write_text(await account.token("first"))
    access = find_access(kubeconfig(plane, tmp_path / "config", user(tmp_path)))
    async with Client(access) as ours, stored(ours) as store:
        await account.revoke("first")
        await revoked(ours)
        # Watches that were opened before are not ended by the server.
        await make_service(client, "during")
        await until(store, lambda s: ServiceKey(SYSTEM, "during") in s.services)
        (tmp_path / "token").write_text(await account.token("second"))
        async with asyncio.timeout(REMEMBERED):
            while True:
                try:
                    await make_service(ours, "after")
                    break
                except Unauthorized:  # a plugin is run again after a rest
                    await asyncio.sleep(0.2)
        await until(store, lambda s: ServiceKey(SYSTEM, "after") in s.services)
    async with Client(access) as anew:
        assert "after" in [item["metadata"]["name"] for item in (await raw(anew, SERVICES_HERE))["items"]]


async def test_a_token_that_was_rotated_is_used_without_a_refusal(
    plane: ControlPlane, account: Account, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text(await account.token("first"))
    login = FileToken(path)
    access = replace(find_access(kubeconfig(plane, tmp_path / "config", {})), login=login)
    async with Client(access) as ours:
        await ours.get(NAMESPACES, msgspec.Raw)
        second = await account.token("second")
        (tmp_path / "token.new").write_text(second)
        (tmp_path / "token.new").rename(path)
        await ours.get(NAMESPACES, msgspec.Raw)
        assert (await login.credential()).token == second


async def test_a_plugin_with_a_client_certificate_logs_in(plane: ControlPlane, tmp_path: Path) -> None:
    certificate, key = plane.pki.certificate("admin").read_text(), plane.pki.key("admin").read_text()
    status = {"clientCertificateData": certificate, "clientKeyData": key}
    whole = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": status}
    (tmp_path / "printed").write_text(json.dumps(whole))
    user = {"exec": {"apiVersion": whole["apiVersion"], "command": "cat", "args": [str(tmp_path / "printed")]}}
    async with Client(find_access(kubeconfig(plane, tmp_path / "config", user))) as ours:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = await ours.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", review, dict)
    assert "system:masters" in answer["status"]["userInfo"]["groups"]
