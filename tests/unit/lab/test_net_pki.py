"""Identities of a lab: who a certificate says one is."""

import base64
import contextlib
import ssl
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from lab import pki
from lab.pki import Pki


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki.write(
        tmp_path_factory.mktemp("pki"), server="10.79.0.5", names=["kubernetes", "10.96.0.1"], nodes=["n1"]
    )


def subject(path: Path) -> tuple[str, list[str]]:
    name = x509.load_pem_x509_certificate(path.read_bytes()).subject
    (user,) = (str(each.value) for each in name.get_attributes_for_oid(NameOID.COMMON_NAME))
    return user, [str(each.value) for each in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]


def test_a_node_is_a_node_to_kubernetes(identities: Pki) -> None:
    assert subject(identities.certificate("n1")) == ("system:node:n1", ["system:nodes"])


def test_the_administrator_may_do_everything(identities: Pki) -> None:
    assert subject(identities.certificate("admin")) == ("kubernetes-admin", ["system:masters"])


def test_the_server_is_known_by_every_name_and_address(identities: Pki) -> None:
    server = x509.load_pem_x509_certificate(identities.certificate("kube-apiserver").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["kubernetes"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.79.0.5", "10.96.0.1"]


def test_every_certificate_is_signed_by_the_one_authority(identities: Pki) -> None:
    authority = x509.load_pem_x509_certificate(identities.authority.read_bytes())
    for path in identities.directory.glob("*.crt"):
        x509.load_pem_x509_certificate(path.read_bytes()).verify_directly_issued_by(authority)


def test_a_key_fits_its_certificate(identities: Pki) -> None:
    context = ssl.create_default_context(cafile=identities.authority)
    context.load_cert_chain(identities.certificate("admin"), identities.key("admin"))


def test_both_sides_believe_each_other_as_strictly_as_python_3_13_does(identities: Pki) -> None:
    client, server = strict(ssl.Purpose.SERVER_AUTH, identities), strict(ssl.Purpose.CLIENT_AUTH, identities)
    client.load_cert_chain(identities.certificate("admin"), identities.key("admin"))
    server.load_cert_chain(identities.certificate("kube-apiserver"), identities.key("kube-apiserver"))
    server.verify_mode = ssl.CERT_REQUIRED
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(back, there, server_hostname="10.79.0.5")
    answering = server.wrap_bio(there, back, server_side=True)
    for side in (asking, answering, asking):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    answering.do_handshake()
    assert asking.version() == answering.version() == "TLSv1.3"


def strict(purpose: ssl.Purpose, identities: Pki) -> ssl.SSLContext:
    context = ssl.create_default_context(purpose, cafile=identities.authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def test_keys_are_for_their_owner_only(identities: Pki) -> None:
    secret = [*identities.directory.glob("*.key"), *identities.directory.glob("*.kubeconfig"), identities.tokens]
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}


def test_a_kubeconfig_has_all_that_a_client_needs(identities: Pki) -> None:
    config = yaml.safe_load(identities.kubeconfig("n1").read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    assert cluster["server"] == "https://10.79.0.5:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == identities.authority.read_bytes()
    assert base64.b64decode(user["client-certificate-data"]) == identities.certificate("n1").read_bytes()


def test_the_token_of_the_kubeconfig_is_one_the_server_knows(identities: Pki) -> None:
    token = yaml.safe_load(identities.kubeconfig("token").read_text())["users"][0]["user"]["token"]
    assert identities.tokens.read_text().startswith(f"{token},token-admin,")
