"""A program, `python -m openelb.manager.certificates`: makes the webhook's certificate, or says what one is. It answers in JSON.

It runs for a moment and ends, so that the manager does not carry the library for all its life: `host/issuing.py` starts it.
Nothing is read from or written to a disk. Nobody imports it.
"""

import datetime
import json
import sys
from collections.abc import Iterable
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 365
"""For how long a certificate is valid."""
HOURS_BEFORE = 1
"""It is valid from so long before it was made: clocks of API servers differ a little."""


def made(names: Iterable[str], now: datetime.datetime) -> dict[str, str]:
    """A certificate for a server of these names, its key, and the authority that signed it, as PEM.

    The authority is made for this certificate alone and its key is not kept: nobody can sign another one with it.
    """
    signing, serving = _key(), _key()
    # No two authorities share a name: for a while API servers trust two of them.
    authority_name = _name(f"openelb-webhook-ca-{x509.random_serial_number():x}"[:64])
    authority = (
        _draft(authority_name, authority_name, signing, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )
    certificate = (
        _draft(_name("openelb-webhook"), authority_name, serving, now)  # a Service's name may be too long for a CN
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .sign(signing, hashes.SHA256())
    )
    key = serving.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"authority": _pem(authority), "certificate": _pem(certificate), "key": key.decode()}


def told(authority: str, certificate: str, key: str) -> dict[str, Any]:
    """What a certificate says of itself: its names and its times (seconds since 1970); and what is wrong with it, `key` or
    `authority`, in words. Without an authority nobody is asked who has signed it.
    """
    try:
        leaf = x509.load_pem_x509_certificate(certificate.encode())
        facts = {
            "names": _names(leaf),
            "begins": leaf.not_valid_before_utc.timestamp(),
            "ends": leaf.not_valid_after_utc.timestamp(),
        }
    except Exception:  # whatever somebody has put there: the library has many errors for it
        return {"problem": "the certificate cannot be read"}
    return facts | {"problem": _problem(leaf, authority, key)}


def _problem(leaf: x509.Certificate, authority: str, key: str) -> str:
    try:
        public = load_pem_private_key(key.encode(), password=None).public_key()
    except (ValueError, TypeError):  # TypeError: it has a password
        return "the key cannot be read"
    if _public(public) != _public(leaf.public_key()):
        return "the key is another certificate's"
    if not authority:
        return ""
    try:
        # The first one: what follows are those that were trusted before.
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificates(authority.encode())[0])
    except (ValueError, TypeError, InvalidSignature):
        return "it is not signed by its authority"
    return ""


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return found.value.get_values_for_type(x509.DNSName)


def _public(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=HOURS_BEFORE))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
    )


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def main(verb: str, *names: str) -> None:
    """`make NAME…`, or `tell` with `{"authority", "certificate", "key"}` on standard input."""
    if verb == "make":
        answer: object = made(names, datetime.datetime.now(datetime.UTC))
    else:
        answer = told(**json.load(sys.stdin))
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
