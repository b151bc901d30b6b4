"""Client certificates on their way to OpenSSL."""

import os
import resource
import ssl

import pytest

from lab import pki
from openelb.kube import tls
from tests.unit.limits import limited


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate and its key (PEM)."""
    made = pki.write(tmp_path_factory.mktemp("pki"), server="192.0.2.5", names=["kubernetes"], nodes=[])
    return made.certificate("admin").read_text(), made.key("admin").read_text()


def test_a_certificate_and_its_key_are_taken_and_no_descriptor_stays_open(identity: tuple[str, str]) -> None:
    before = os.listdir("/proc/self/fd")
    tls.identify(ssl.create_default_context(), *identity)
    with pytest.raises(ValueError, match="do not belong together or are no PEM"):
        tls.identify(ssl.create_default_context(), identity[0], "no key")
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize(
    ("limit", "most", "why"),
    [(resource.RLIMIT_FSIZE, 0, "File too large"), (resource.RLIMIT_NOFILE, 0, "Too many open files")],
)
def test_a_machine_that_has_no_room_for_a_key_is_told(
    identity: tuple[str, str], limit: int, most: int, why: str
) -> None:
    context = ssl.create_default_context()
    with limited(limit, most), pytest.raises(ValueError, match=f"cannot be given to OpenSSL: {why}"):
        tls.identify(context, *identity)
