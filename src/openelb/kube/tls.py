"""How a TLS connection to an API server is made: whom we trust, and the certificate that we show."""

import ssl
import tempfile
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


def identify(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Show that certificate (PEM) to the server. Raises ValueError when it and the key do not belong together."""
    with _private_file(f"{certificate}\n{key}") as path:
        try:
            context.load_cert_chain(path)
        except (ssl.SSLError, OSError) as error:
            raise ValueError("the client certificate and its key do not belong together or are no PEM") from error


@contextmanager
def _private_file(text: str) -> Iterator[str]:
    """A file only we can read, for as long as OpenSSL needs one: it takes keys from files alone."""
    with tempfile.NamedTemporaryFile("w", prefix="openelb-", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name
