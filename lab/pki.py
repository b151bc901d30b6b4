"""Who is who in a lab: one certificate authority, certificates for servers and users, and their kubeconfigs.

Everything is an ordinary file in one directory. Users are told apart by certificates, as kubeadm does it; one more
kubeconfig has a static token, for clients that are to be tried with one.
"""

import base64
import datetime
import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ADMINS = "system:masters"
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pki:
    """The files of one lab's identities."""

    directory: Path

    def certificate(self, name: str) -> Path:
        return self.directory / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.directory / f"{name}.key"

    def kubeconfig(self, name: str) -> Path:
        return self.directory / f"{name}.kubeconfig"

    @property
    def authority(self) -> Path:
        return self.certificate("ca")

    @property
    def tokens(self) -> Path:
        """The static token file of kube-apiserver: token,user,uid,groups."""
        return self.directory / "tokens.csv"

    @property
    def service_account_public_key(self) -> Path:
        return self.directory / "service-accounts.pub"


def write(directory: Path, *, server: str, names: Iterable[str], nodes: Iterable[str]) -> Pki:
    """Write all identities of a lab whose API server is at the address `server` and is called by these names too."""
    directory.mkdir(parents=True, exist_ok=True)
    pki = Pki(directory)
    authority = _Authority()
    _write_pair(pki, "ca", authority.certificate, authority.key)
    _write_pair(pki, "kube-apiserver", *authority.issue("kube-apiserver", names=[server, *names]))
    _write_pair(pki, "kubelet-client", *authority.issue("kube-apiserver-kubelet-client", groups=[ADMINS]))
    accounts = _new_key()
    _write_key(pki.key("service-accounts"), accounts)
    pki.service_account_public_key.write_bytes(
        accounts.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    users = {
        "admin": ("kubernetes-admin", [ADMINS]),
        "kube-controller-manager": ("system:kube-controller-manager", []),
        "kube-scheduler": ("system:kube-scheduler", []),
        "kube-proxy": ("system:kube-proxy", []),
        **{node: (f"system:node:{node}", ["system:nodes"]) for node in nodes},
    }
    for name, (user, groups) in users.items():
        _write_pair(pki, name, *authority.issue(user, groups=groups))
        _write_kubeconfig(pki, name, server, _certificate_user(pki, name))
    token = secrets.token_hex(16)
    pki.tokens.touch(mode=0o600)
    pki.tokens.write_text(f'{token},token-admin,token-admin,"{ADMINS}"\n')
    _write_kubeconfig(pki, "token", server, {"token": token})
    return pki


class _Authority:
    """The certificate authority: it signs for a lab that lives for hours."""

    def __init__(self) -> None:
        self.key = _new_key()
        self.name = _name("openelb-lab")
        self.certificate = (
            _draft(self.name, self.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_signs_certificates(), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def issue(
        self, user: str, *, groups: Iterable[str] = (), names: Iterable[str] = ()
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """A certificate for a server when it has names, else for a user in these groups."""
        key = _new_key()
        # RFC 5280, section 4.2.1.1: Python 3.13 insists on it.
        signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        draft = _draft(_name(user, *groups), self.name, key).add_extension(signed_by, critical=False)
        if alternatives := [_alternative(name) for name in names]:
            draft = draft.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        usage = ExtendedKeyUsageOID.SERVER_AUTH if alternatives else ExtendedKeyUsageOID.CLIENT_AUTH
        draft = draft.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return draft.sign(self.key, hashes.SHA256()), key


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str, *organizations: str) -> x509.Name:
    """Kubernetes reads the user from CN and the groups from O."""
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)  # a clock that is set back a little must not end the lab
        .not_valid_after(now + 365 * _DAY)
    )


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_pair(pki: Pki, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    pki.certificate(name).write_bytes(certificate.public_bytes(Encoding.PEM))
    _write_key(pki.key(name), key)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))


def _certificate_user(pki: Pki, name: str) -> dict[str, str]:
    return {
        "client-certificate-data": _base64(pki.certificate(name)),
        "client-key-data": _base64(pki.key(name)),
    }


def _write_kubeconfig(pki: Pki, name: str, server: str, user: dict[str, str]) -> None:
    cluster = {"server": f"https://{server}:6443", "certificate-authority-data": _base64(pki.authority)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": name}}],
        "current-context": "lab",
    }
    path = pki.kubeconfig(name)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
