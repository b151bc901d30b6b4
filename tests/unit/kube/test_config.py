"""How we find a cluster and are let in."""

import base64
import json
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import pki
from lab.pki import Pki
from openelb.kube.config import Access, NoAccess, find_access, from_kubeconfig, in_cluster
from openelb.kube.errors import NoCredentials

JSON = dict[str, Any]
Written = Callable[..., Path]


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki.write(tmp_path_factory.mktemp("pki"), server="192.0.2.5", names=["kubernetes"], nodes=[])


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a kubeconfig with one cluster, user and context, changed as the test says."""

    def write(cluster: JSON | None = None, user: JSON | None = None, name: str = "config", **rest: Any) -> Path:
        whole = {
            "current-context": "home",
            "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.5:6443"} | (cluster or {})}],
            "users": [{"name": "u", "user": user or {}}],
            "contexts": [{"name": "home", "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
        } | rest
        path = tmp_path / name
        path.write_text(yaml.safe_dump(whole))
        return path

    return write


async def token(access: Access) -> str:
    return (await access.login.credential()).token


def inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


async def test_a_token_and_a_namespace_come_from_the_current_context(written: Written) -> None:
    access = find_access(written(user={"token": "secret"}))
    assert (access.server, await token(access), access.namespace) == ("https://192.0.2.5:6443", "secret", "team")


@pytest.mark.parametrize("text", ["secret\n", "\n  secret \n"])
async def test_a_token_may_have_white_space_around_it(written: Written, text: str) -> None:
    assert await token(find_access(written(user={"token": text}))) == "secret"


def test_certificates_may_be_files_beside_the_kubeconfig(written: Written, identities: Pki, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(identities.authority.read_bytes())
    (tmp_path / "me.crt").write_bytes(identities.certificate("admin").read_bytes())
    (tmp_path / "me.key").write_bytes(identities.key("admin").read_bytes())
    user = {"client-certificate": "me.crt", "client-key": "me.key"}
    access = find_access(written({"certificate-authority": "ca.crt"}, user))
    assert access.tls is not None
    assert len(access.tls.get_ca_certs()) == 1


def test_certificates_may_be_inside_the_kubeconfig(written: Written, identities: Pki) -> None:
    user = {
        "client-certificate-data": inline(identities.certificate("admin")),
        "client-key-data": inline(identities.key("admin")),
    }
    access = find_access(written({"certificate-authority-data": inline(identities.authority)}, user))
    assert access.tls is not None
    assert access.tls.verify_mode is ssl.CERT_REQUIRED


def test_the_server_is_not_checked_only_where_the_kubeconfig_says_so(written: Written) -> None:
    trusting = find_access(written({"insecure-skip-tls-verify": True}))
    checking = find_access(written())
    assert trusting.tls is not None
    assert checking.tls is not None
    assert (trusting.tls.verify_mode, checking.tls.verify_mode) == (ssl.CERT_NONE, ssl.CERT_REQUIRED)


def test_authorities_without_key_identifiers_are_good_enough_as_they_are_for_go(written: Written) -> None:
    access = find_access(written())
    assert access.tls is not None
    assert not access.tls.verify_flags & ssl.VERIFY_X509_STRICT


async def test_of_two_files_the_first_to_name_something_counts(written: Written) -> None:
    first = written(user={"token": "first"}, name="first")
    second = written(user={"token": "second"}, name="second", **{"current-context": "other"})
    environ = {"KUBECONFIG": os.pathsep.join(map(str, (first, second)))}
    assert await token(find_access(environ=environ)) == "first"


def test_another_context_may_be_asked_for(written: Written) -> None:
    contexts = [{"name": "work", "context": {"cluster": "c", "user": "u"}}]
    assert from_kubeconfig([written(contexts=contexts)], context="work").namespace == "default"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user": {"auth-provider": {"name": "oidc"}}}, "logs in by an auth provider"),
        ({"user": {"username": "me", "password": "x"}}, "logs in by a password"),
        ({"cluster": {"proxy-url": "http://192.0.2.1"}}, "behind a proxy-url"),
        ({"cluster": {"server": ""}}, "has no server"),
        ({"cluster": {"certificate-authority-data": "%%%"}}, "not base64"),
        ({"cluster": {"certificate-authority": "missing.crt"}}, "missing.crt, named by the kubeconfig, cannot be read"),
        ({"cluster": {"certificate-authority-data": base64.b64encode(b"x").decode()}}, "not a PEM certificate"),
        ({"current-context": ""}, "has no current-context"),
        ({"current-context": "gone"}, "no context 'gone'"),
        ({"clusters": []}, "names the cluster 'c', which the kubeconfig does not have"),
        ({"users": []}, "names the user 'u', which the kubeconfig does not have"),
        ({"clusters": 7}, "is no kubeconfig"),
        ({"user": {"token": "two\nlines"}}, "as user 'u': the token has a line break"),
        ({"user": {"token": "bell\a"}}, "as user 'u': the token has a line break or another character that no HTTP"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_says_why(written: Written, change: JSON, words: str) -> None:
    with pytest.raises(NoAccess, match=words):
        find_access(written(**change))


def test_a_certificate_without_its_key_says_so(written: Written, identities: Pki) -> None:
    user = {"client-certificate-data": inline(identities.certificate("admin"))}
    with pytest.raises(NoAccess, match="as user 'u': the certificate and its key do not belong together"):
        find_access(written(user=user))


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match=r"there is no kubeconfig at .*/nowhere"):
        find_access(tmp_path / "nowhere")


def test_text_that_is_no_kubeconfig_is_named(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a: [")
    with pytest.raises(NoAccess, match="config is no kubeconfig"):
        find_access(tmp_path / "config")


@pytest.fixture
def service_account(tmp_path: Path, identities: Pki) -> Path:
    directory = tmp_path / "serviceaccount"
    directory.mkdir()
    (directory / "ca.crt").write_bytes(identities.authority.read_bytes())
    (directory / "namespace").write_text("openelb-system")
    (directory / "token").write_text("first\n")
    return directory


IN_A_POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


async def test_a_pod_uses_its_service_account(service_account: Path) -> None:
    access = in_cluster(IN_A_POD, service_account)
    assert (access.server, await token(access), access.namespace) == (
        "https://10.96.0.1:443",
        "first",
        "openelb-system",
    )


def test_a_pod_of_an_ipv6_cluster_reaches_its_server(service_account: Path) -> None:
    access = in_cluster(IN_A_POD | {"KUBERNETES_SERVICE_HOST": "fd00::1"}, service_account)
    assert access.server == "https://[fd00::1]:443"


def test_a_pod_whose_token_is_empty_says_so(service_account: Path) -> None:
    (service_account / "token").write_text("")
    with pytest.raises(NoAccess, match="token is empty"):
        in_cluster(IN_A_POD, service_account)


def test_a_pod_whose_authority_is_no_certificate_says_so(service_account: Path) -> None:
    (service_account / "ca.crt").write_text("nonsense")
    with pytest.raises(NoAccess, match=r"ca.crt cannot be used: the certificate authority is not a PEM certificate"):
        in_cluster(IN_A_POD, service_account)


def test_a_pod_without_its_service_account_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match="needs its service account's token mounted"):
        in_cluster(IN_A_POD, tmp_path)


def test_outside_a_pod_there_is_no_service_account() -> None:
    with pytest.raises(NoAccess, match="this is no pod"):
        in_cluster({})


def test_the_token_is_not_shown_where_an_access_is_printed(written: Written) -> None:
    assert "secret" not in repr(find_access(written(user={"token": "secret"})))
    assert isinstance(find_access(written(user={"token": "secret"})), Access)


V1 = "client.authentication.k8s.io/v1"
PLUGIN = {"apiVersion": V1, "interactiveMode": "Never", "command": "./login"}


def program(directory: Path, *lines: str) -> None:
    path = directory / "login"
    path.write_text("\n".join(["#!/bin/sh", *lines]))
    path.chmod(0o755)


def printing(**status: str) -> str:
    return f"echo '{json.dumps({'apiVersion': V1, 'kind': 'ExecCredential', 'status': status})}'"


async def test_an_exec_plugin_beside_the_kubeconfig_gives_the_token(written: Written, tmp_path: Path) -> None:
    program(tmp_path, printing(token="given"))
    assert await token(find_access(written(user={"exec": PLUGIN}))) == "given"


async def test_an_exec_plugin_without_a_slash_is_looked_for_in_the_path(written: Written) -> None:
    whole = {"apiVersion": V1, "kind": "ExecCredential", "status": {"token": "given"}}
    wanted = PLUGIN | {"command": "echo", "args": [json.dumps(whole)]}
    assert await token(find_access(written(user={"exec": wanted}))) == "given"


async def test_an_exec_plugin_is_told_of_its_cluster_where_it_is_to_be(
    written: Written, identities: Pki, tmp_path: Path
) -> None:
    program(tmp_path, f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/told', printing(token="t"))
    cluster = {
        "certificate-authority-data": inline(identities.authority),
        "tls-server-name": "kubernetes",
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "home"}}],
    }
    await token(find_access(written(cluster, {"exec": PLUGIN | {"provideClusterInfo": True}})))
    told = json.loads((tmp_path / "told").read_text())
    assert told["spec"] == {
        "interactive": False,
        "cluster": {
            "server": "https://192.0.2.5:6443",
            "tls-server-name": "kubernetes",
            "certificate-authority-data": inline(identities.authority),
            "config": {"audience": "home"},
        },
    }


async def test_a_client_certificate_of_an_exec_plugin_is_shown_to_servers_of_the_same_authority(
    written: Written, identities: Pki, tmp_path: Path
) -> None:
    certificate, key = identities.certificate("admin").read_text(), identities.key("admin").read_text()
    status = {"clientCertificateData": certificate, "clientKeyData": key}
    (tmp_path / "printed").write_text(json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status}))
    program(tmp_path, f"cat {tmp_path}/printed")
    access = find_access(written({"certificate-authority-data": inline(identities.authority)}, {"exec": PLUGIN}))
    credential = await access.login.credential()
    assert credential.tls is not None
    assert (len(credential.tls.get_ca_certs()), credential.tls.verify_mode) == (1, ssl.CERT_REQUIRED)


async def test_a_client_certificate_of_an_exec_plugin_that_is_none_is_told(written: Written, tmp_path: Path) -> None:
    program(tmp_path, printing(clientCertificateData="x", clientKeyData="y"))
    with pytest.raises(NoCredentials, match="user 'u' printed what cannot be used: the certificate"):
        await find_access(written(user={"exec": PLUGIN})).login.credential()


async def test_a_token_counts_before_an_exec_plugin(written: Written) -> None:
    assert await token(find_access(written(user={"token": "mine", "exec": PLUGIN}))) == "mine"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"command": ""}, "its exec plugin has no command"),
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "v1beta1 are supported"),
        ({"interactiveMode": "Always"}, "needs a terminal"),
        ({"interactiveMode": ""}, "write Never or IfAvailable"),
        ({"args": "aws"}, "is no kubeconfig"),
    ],
)
def test_an_exec_plugin_that_cannot_be_used_says_why(written: Written, change: JSON, words: str) -> None:
    with pytest.raises(NoAccess, match=words):
        find_access(written(user={"exec": PLUGIN | change}))


def test_in_v1beta1_an_exec_plugin_need_not_say_whether_it_wants_a_terminal(written: Written) -> None:
    wanted = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "./login"}
    assert find_access(written(user={"exec": wanted})).server
