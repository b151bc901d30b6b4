"""Where the API server is and how to be let in: from the service account of a pod, or from a kubeconfig file.

Part of kubeconfig that is not here: exec plugins, auth providers, proxies. They are refused with a sentence, never ignored.
"""

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec
import yaml

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class NoAccess(Exception):
    """There is no usable description of a cluster; the text says what is missing and where."""


class Token(Protocol):
    """Gives the bearer token of the moment; empty when client certificates or nothing are used."""

    def __call__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that is what it is."""

    text: str = field(default="", repr=False)

    def __call__(self) -> str:
        return self.text


class FileToken:
    """A token in a file that is replaced before it expires, as the kubelet does: read again whenever the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._text = ""

    def __call__(self) -> str:
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._stamp:
                self._text, self._stamp = self._path.read_text().strip(), stamp
        except OSError as error:
            if not self._text:
                raise NoAccess(f"the token file {self._path} cannot be read: {error.strerror}") from error
        return self._text


@dataclass(frozen=True, slots=True)
class Access:
    """One cluster and how to be let in. `namespace` is the one of the pod or of the kubeconfig's context.

    `server_name` is the name to expect in the server's certificate where it differs from the one in the URL.
    """

    server: str
    tls: ssl.SSLContext | None = None
    token: Token = FixedToken()
    namespace: str = "default"
    server_name: str | None = None


def find_access(
    kubeconfig: Path | None = None, *, context: str = "", environ: Mapping[str, str] = os.environ
) -> Access:
    """The cluster that is meant: the kubeconfig named, else the pod's own cluster, else `KUBECONFIG` or ~/.kube/config.

    Raises NoAccess.
    """
    if kubeconfig is not None:
        return from_kubeconfig([kubeconfig], context=context)
    if "KUBERNETES_SERVICE_HOST" in environ:
        return in_cluster(environ)
    listed = environ.get("KUBECONFIG", "")
    paths = [Path(path) for path in listed.split(os.pathsep) if path] or [Path.home() / ".kube" / "config"]
    return from_kubeconfig(paths, context=context)


def in_cluster(environ: Mapping[str, str] = os.environ, directory: Path = SERVICE_ACCOUNT) -> Access:
    """The cluster this pod runs in. Raises NoAccess when no service account is mounted."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise NoAccess("KUBERNETES_SERVICE_HOST is not set: this is no pod; give a kubeconfig file")
    try:
        context = _tls((directory / "ca.crt").read_text())
        namespace = (directory / "namespace").read_text().strip()
    except OSError as error:
        raise NoAccess(
            f"{error.filename} cannot be read: {error.strerror}; the pod needs its service account's token mounted"
        ) from error
    token = FileToken(directory / "token")
    token()
    return Access(f"https://{f'[{host}]' if ':' in host else host}:{port}", context, token, namespace)


class _Cluster(msgspec.Struct, rename="kebab"):
    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class _User(msgspec.Struct, rename="kebab"):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    username: str = ""
    exec: object = None
    auth_provider: object = None


class _Context(msgspec.Struct):
    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: _Cluster


class _NamedUser(msgspec.Struct):
    name: str
    user: _User


class _NamedContext(msgspec.Struct):
    name: str
    context: _Context


class _File(msgspec.Struct, rename="kebab"):
    current_context: str = ""
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None


def from_kubeconfig(paths: list[Path], *, context: str = "") -> Access:
    """The cluster of one context (default: the current one) of these files; of two entries of one name the first counts.

    Raises NoAccess.
    """
    files = [(path, _read(path)) for path in paths if path.exists()]
    if not files:
        raise NoAccess(f"there is no kubeconfig at {', '.join(map(str, paths))}: give one with --kubeconfig")
    wanted = context or next((file.current_context for _, file in files if file.current_context), "")
    if not wanted:
        raise NoAccess(f"{files[0][0]} has no current-context: choose one with `kubectl config use-context`")
    # Relative file names count from the directory of the file that has them.
    contexts = {entry.name: entry.context for _, file in reversed(files) for entry in file.contexts or ()}
    clusters = {e.name: (p.parent, e.cluster) for p, file in reversed(files) for e in file.clusters or ()}
    users = {e.name: (p.parent, e.user) for p, file in reversed(files) for e in file.users or ()}
    chosen = contexts.get(wanted)
    if chosen is None:
        raise NoAccess(f"no context {wanted!r} in {', '.join(str(path) for path, _ in files)}")
    if chosen.cluster not in clusters:
        raise NoAccess(f"context {wanted!r} names the cluster {chosen.cluster!r}, which the kubeconfig does not have")
    if chosen.user and chosen.user not in users:
        raise NoAccess(f"context {wanted!r} names the user {chosen.user!r}, which the kubeconfig does not have")
    home, cluster = clusters[chosen.cluster]
    user_home, user = users.get(chosen.user, (home, _User()))
    return _access(home, cluster, user_home, user, chosen)


def _read(path: Path) -> _File:
    try:
        return msgspec.convert(yaml.safe_load(path.read_text()) or {}, _File)
    except OSError as error:
        raise NoAccess(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise NoAccess(f"{path} is no kubeconfig: {error}") from error


def _access(home: Path, cluster: _Cluster, user_home: Path, user: _User, context: _Context) -> Access:
    if not cluster.server:
        raise NoAccess(f"the cluster {context.cluster!r} of the kubeconfig has no server")
    if cluster.proxy_url:
        raise NoAccess(f"the cluster {context.cluster!r} is behind a proxy-url, which is not supported")
    if user.exec or user.auth_provider or user.username:
        way = "an exec plugin" if user.exec else "an auth provider" if user.auth_provider else "a password"
        raise NoAccess(
            f"the user {context.user!r} of the kubeconfig logs in by {way}, which is not supported: "
            "use a client certificate or a token, for example from `kubectl create token`"
        )
    context_tls = None
    if cluster.server.startswith("https:"):
        authority = _material(home, cluster.certificate_authority_data, cluster.certificate_authority)
        context_tls = _tls(authority, verify=not cluster.insecure_skip_tls_verify)
        certificate = _material(user_home, user.client_certificate_data, user.client_certificate)
        key = _material(user_home, user.client_key_data, user.client_key)
        if certificate or key:
            _identify(context_tls, certificate, key, context.user)
    token: Token = FixedToken(user.token)
    if user.token_file and not user.token:
        token = FileToken(user_home / user.token_file)
    return Access(
        cluster.server.rstrip("/"), context_tls, token, context.namespace or "default", cluster.tls_server_name or None
    )


def _material(home: Path, inline: str, name: str) -> str:
    """PEM text, inline (base64) or from a file; inline counts where both are given, as for kubectl."""
    if inline:
        try:
            return base64.b64decode(inline, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise NoAccess("certificate data in the kubeconfig is not base64 of a PEM text") from error
    if not name:
        return ""
    path = home / name
    try:
        return path.read_text()
    except OSError as error:
        raise NoAccess(f"{path}, named by the kubeconfig, cannot be read: {error.strerror}") from error


def _tls(authority: str, *, verify: bool = True) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError) as error:
        raise NoAccess("the certificate authority is not a PEM certificate") from error
    # Python 3.13 asks of authorities what RFC 5280 wants and Go does not check: many clusters' authorities lack the
    # key identifiers.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _identify(context: ssl.SSLContext, certificate: str, key: str, user: str) -> None:
    with _private_file(f"{certificate}\n{key}") as path:
        try:
            context.load_cert_chain(path)
        except (ssl.SSLError, OSError) as error:
            raise NoAccess(
                f"client certificate and key of user {user!r} do not belong together or are no PEM"
            ) from error


@contextmanager
def _private_file(text: str) -> Iterator[str]:
    """A file only we can read, for as long as OpenSSL needs one: it takes keys from files alone."""
    with tempfile.NamedTemporaryFile("w", prefix="openelb-", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name
