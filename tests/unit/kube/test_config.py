"""How we find a cluster and are let in."""

import base64
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import pki
from lab.pki import Pki
from openelb.kube.config import Access, FileToken, NoAccess, find_access, from_kubeconfig, in_cluster

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


def inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_a_token_and_a_namespace_come_from_the_current_context(written: Written) -> None:
    access = find_access(written(user={"token": "secret"}))
    assert (access.server, access.token(), access.namespace) == ("https://192.0.2.5:6443", "secret", "team")


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


def test_of_two_files_the_first_to_name_something_counts(written: Written) -> None:
    first = written(user={"token": "first"}, name="first")
    second = written(user={"token": "second"}, name="second", **{"current-context": "other"})
    environ = {"KUBECONFIG": os.pathsep.join(map(str, (first, second)))}
    assert find_access(environ=environ).token() == "first"


def test_another_context_may_be_asked_for(written: Written) -> None:
    contexts = [{"name": "work", "context": {"cluster": "c", "user": "u"}}]
    assert from_kubeconfig([written(contexts=contexts)], context="work").namespace == "default"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user": {"exec": {"command": "aws"}}}, "logs in by an exec plugin, which is not supported"),
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
    ],
)
def test_a_kubeconfig_that_cannot_be_used_says_why(written: Written, change: JSON, words: str) -> None:
    with pytest.raises(NoAccess, match=words):
        find_access(written(**change))


def test_a_certificate_without_its_key_says_so(written: Written, identities: Pki) -> None:
    user = {"client-certificate-data": inline(identities.certificate("admin"))}
    with pytest.raises(NoAccess, match="client certificate and key of user 'u'"):
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


def test_a_pod_uses_its_service_account(service_account: Path) -> None:
    access = in_cluster(IN_A_POD, service_account)
    assert (access.server, access.token(), access.namespace) == ("https://10.96.0.1:443", "first", "openelb-system")


def test_a_pod_of_an_ipv6_cluster_reaches_its_server(service_account: Path) -> None:
    access = in_cluster(IN_A_POD | {"KUBERNETES_SERVICE_HOST": "fd00::1"}, service_account)
    assert access.server == "https://[fd00::1]:443"


def test_a_token_that_was_replaced_is_read_again(service_account: Path) -> None:
    access = in_cluster(IN_A_POD, service_account)
    replacement = service_account / "token.new"
    replacement.write_text("second\n")
    replacement.rename(service_account / "token")
    assert access.token() == "second"


def test_a_token_file_that_vanished_leaves_the_last_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    token = FileToken(path)
    assert token() == "first"
    path.unlink()
    assert token() == "first"


def test_a_pod_without_its_service_account_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match="needs its service account's token mounted"):
        in_cluster(IN_A_POD, tmp_path)


def test_outside_a_pod_there_is_no_service_account() -> None:
    with pytest.raises(NoAccess, match="this is no pod"):
        in_cluster({})


def test_the_token_is_not_shown_where_an_access_is_printed(written: Written) -> None:
    assert "secret" not in repr(find_access(written(user={"token": "secret"})))
    assert isinstance(find_access(written(user={"token": "secret"})), Access)
