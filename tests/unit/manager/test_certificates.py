"""The program that makes certificates, as a function: what it makes stands up to OpenSSL, and it reads whatever there is."""

import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from openelb.kube import tls
from openelb.manager.certificates import DAYS, HOURS_BEFORE, made, told

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
NAMES = ["openelb-webhook.openelb-system.svc", "openelb-webhook.openelb-system"]
ONE = made(NAMES, NOW)
OTHER = made(NAMES, NOW)


def test_what_it_makes_says_what_was_asked_for() -> None:
    assert told(**ONE) == {
        "names": NAMES,
        "begins": (NOW - datetime.timedelta(hours=HOURS_BEFORE)).timestamp(),
        "ends": (NOW + datetime.timedelta(days=DAYS)).timestamp(),
        "problem": "",
    }


def test_its_key_is_of_the_curve_p_256_and_its_authority_can_sign_servers_and_no_authorities() -> None:
    leaf, authority = (x509.load_pem_x509_certificate(ONE[name].encode()) for name in ("certificate", "authority"))
    for each in (leaf, authority):
        key = each.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256R1)
    limits = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_no_two_authorities_have_a_name_in_common() -> None:
    first, second = (x509.load_pem_x509_certificate(each["authority"].encode()).subject for each in (ONE, OTHER))
    assert first != second


def test_a_name_as_long_as_kubernetes_allows_is_taken() -> None:
    name = f"{'s' * 63}.{'n' * 63}.svc.cluster.local"
    assert told(**made([name], NOW))["names"] == [name]


def test_whoever_trusts_two_authorities_takes_the_certificates_of_both() -> None:
    now = datetime.datetime.now(datetime.UTC)
    before, after = made(NAMES, now - datetime.timedelta(days=364)), made(NAMES, now)
    both = tls.trusting(after["authority"] + before["authority"])
    assert [greeted(both, each, NAMES[0]) for each in (before, after)] == ["", ""]
    assert "certificate verify failed" in greeted(tls.trusting(before["authority"]), after, NAMES[0])
    assert "not valid for 'elsewhere.svc'" in greeted(both, after, "elsewhere.svc")


def greeted(client: ssl.SSLContext, shown: dict[str, str], name: str) -> str:
    """What a client says of a server that shows it, called by that name; nothing where all is well."""
    server = tls.serving()
    tls.identify(server, shown["certificate"], shown["key"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for each in ends:
            try:
                each.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return str(error)
    return ""


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"certificate": "nothing"}, "the certificate cannot be read"),
        ({"certificate": ONE["certificate"][:300]}, "the certificate cannot be read"),
        ({"key": ""}, "the key cannot be read"),
        ({"key": OTHER["key"]}, "the key is another certificate's"),
        ({"authority": OTHER["authority"]}, "it is not signed by its authority"),
        ({"authority": "nothing"}, "it is not signed by its authority"),
        ({"authority": OTHER["authority"] + ONE["authority"]}, "it is not signed by its authority"),
        ({"authority": ONE["authority"] + OTHER["authority"]}, ""),
        (
            {"authority": ONE["authority"] + OTHER["authority"][:300] + "\n-----END CERTIFICATE-----"},
            "it is not signed by its authority",
        ),
        ({"authority": ""}, ""),
    ],
)
def test_what_is_spoilt_is_told(change: dict[str, str], problem: str) -> None:
    assert told(**{**ONE, **change})["problem"] == problem


@given(st.text(), st.text(), st.text())
def test_nothing_is_too_odd_to_be_read(authority: str, certificate: str, key: str) -> None:
    assert told(authority, certificate, key)["problem"]
