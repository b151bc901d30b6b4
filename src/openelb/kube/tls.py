"""How TLS connections are made, to an API server and from one: whom we trust, and the certificate that we show."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager


def trusting(authority: str, *, verify: bool = True) -> ssl.SSLContext:
    """For servers that an authority (PEM; empty: the machine's own) has signed. Raises ValueError when it is no PEM."""
    try:
        context = ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("the certificate authority is not a PEM certificate") from error
    # Python 3.13 asks of authorities what RFC 5280 wants and Go does not check: many clusters' authorities lack the
    # key identifiers.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def serving() -> ssl.SSLContext:
    """For a server, which has no certificate yet; `identify` may give it others while it serves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def identify(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Show that certificate (PEM) to the other side. Raises ValueError when it and the key do not belong together."""
    try:
        with _in_memory(f"{certificate}\n{key}") as path:
            context.load_cert_chain(path)
    except ssl.SSLError as error:
        raise ValueError("the certificate and its key do not belong together or are no PEM") from error
    except OSError as error:
        raise ValueError(f"the certificate cannot be given to OpenSSL: {error.strerror}") from error


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """A file on no disk, for as long as OpenSSL needs one: it takes keys from files alone."""
    with open(os.memfd_create("openelb-identity"), "wb", buffering=0) as file:
        file.write(text.encode())
        yield f"/proc/self/fd/{file.fileno()}"
