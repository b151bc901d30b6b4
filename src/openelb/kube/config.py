"""Where the API server is and how to be let in: from the service account of a pod, or from a kubeconfig file.

Parts of kubeconfig that are not here: passwords, auth providers, proxies, and exec plugins that need a terminal. They are
refused with a sentence, never ignored.
"""

import base64
import binascii
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import yaml

from openelb.kube import plugin, tls
from openelb.kube.credentials import Credential, FileToken, FixedToken, Login, usable
from openelb.kube.errors import NoCredentials
from openelb.kube.plugin import ExecPlugin, Grant, PluginLogin

_EXEC_EXTENSION = "client.authentication.k8s.io/exec"  # a cluster's own settings for exec plugins

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class NoAccess(Exception):
    """There is no usable description of a cluster; the text says what is missing and where."""


@dataclass(frozen=True, slots=True)
class Access:
    """One cluster and how to be let in. `namespace` is the one of the pod or of the kubeconfig's context.

    `server_name` is the name to expect in the server's certificate where it differs from the one in the URL.
    """

    server: str
    tls: ssl.SSLContext | None = None
    login: Login = field(default_factory=FixedToken)
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
        context = tls.trusting((directory / "ca.crt").read_text())
        namespace = (directory / "namespace").read_text().strip()
    except OSError as error:
        raise NoAccess(
            f"{error.filename} cannot be read: {error.strerror}; the pod needs its service account's token mounted"
        ) from error
    except ValueError as error:
        raise NoAccess(f"{directory / 'ca.crt'} cannot be used: {error}") from error
    token = FileToken(directory / "token")
    try:
        token.read()
    except NoCredentials as error:
        raise NoAccess(str(error)) from error
    return Access(f"https://{f'[{host}]' if ':' in host else host}:{port}", context, token, namespace)


class _Extension(msgspec.Struct):
    name: str = ""
    extension: object = None


class _Cluster(msgspec.Struct, rename="kebab"):
    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    extensions: list[_Extension] | None = None


class _Variable(msgspec.Struct):
    name: str
    value: str = ""


class _Exec(msgspec.Struct, rename="camel"):
    command: str = ""
    api_version: str = ""
    args: list[str] | None = None
    env: list[_Variable] | None = None
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class _User(msgspec.Struct, rename="kebab"):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    username: str = ""
    exec: _Exec | None = None
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
    if user.auth_provider or user.username:
        way = "an auth provider" if user.auth_provider else "a password"
        raise NoAccess(
            f"the user {context.user!r} of the kubeconfig logs in by {way}, which is not supported: "
            "use a client certificate or a token, for example from `kubectl create token`"
        )
    authority = _material(home, cluster.certificate_authority_data, cluster.certificate_authority)
    way_in = _WayIn(cluster, authority, context.user)
    certificate = _material(user_home, user.client_certificate_data, user.client_certificate)
    key = _material(user_home, user.client_key_data, user.client_key)
    try:
        return Access(
            cluster.server.rstrip("/"),
            way_in.tls(certificate, key),
            _login(user_home, user, way_in),
            context.namespace or "default",
            cluster.tls_server_name or None,
        )
    except ValueError as error:
        raise NoAccess(f"cluster {context.cluster!r} cannot be had as user {context.user!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class _WayIn:
    """A cluster's entry, its authority read, and the name of the user who goes there."""

    cluster: _Cluster
    authority: str
    user: str

    def tls(self, certificate: str, key: str) -> ssl.SSLContext | None:
        """None where the server speaks no TLS. Raises ValueError."""
        if not self.cluster.server.startswith("https:"):
            return None
        context = tls.trusting(self.authority, verify=not self.cluster.insecure_skip_tls_verify)
        if certificate or key:
            tls.identify(context, certificate, key)
        return context

    def credential(self, grant: Grant) -> Credential:
        """What a plugin gave, as something to show. Raises NoCredentials."""
        try:
            return Credential(grant.token, self.tls(grant.certificate, grant.key) if grant.certificate else None)
        except ValueError as error:
            raise NoCredentials(
                f"the exec plugin of user {self.user!r} printed what cannot be used: {error}"
            ) from error


def _login(home: Path, user: _User, way_in: _WayIn) -> Login:
    """A token counts before a file, and both before a plugin, as for kubectl. Raises ValueError."""
    if token := usable(user.token):
        return FixedToken(token)
    if user.token_file:
        return FileToken(home / user.token_file)
    if user.exec is not None:
        return PluginLogin(_plugin(home, user.exec, way_in), way_in.credential)
    return FixedToken()


def _plugin(home: Path, wanted: _Exec, way_in: _WayIn) -> ExecPlugin:
    if not wanted.command:
        raise ValueError("its exec plugin has no command")
    if wanted.api_version not in plugin.VERSIONS:
        known = " and ".join(plugin.VERSIONS)
        raise ValueError(f"its exec plugin has the apiVersion {wanted.api_version!r}; {known} are supported")
    # Required in v1; in v1beta1 it is IfAvailable unless said otherwise.
    mode = wanted.interactive_mode or ("IfAvailable" if wanted.api_version.endswith("beta1") else "")
    if mode == "Always":
        raise ValueError("its exec plugin needs a terminal (interactiveMode Always), and here is none: use a token")
    if mode not in ("Never", "IfAvailable"):
        raise ValueError(f"its exec plugin has the interactiveMode {mode!r}; write Never or IfAvailable")
    cluster = way_in.cluster
    settings = {entry.name: entry.extension for entry in cluster.extensions or ()}
    info = plugin.cluster_info(
        cluster.server,
        authority=way_in.authority,
        verify=not cluster.insecure_skip_tls_verify,
        server_name=cluster.tls_server_name,
        config=settings.get(_EXEC_EXTENSION),
    )
    return ExecPlugin(
        way_in.user,
        # With a slash it counts from the kubeconfig's directory, without one it is looked for in PATH.
        str(home / wanted.command) if os.sep in wanted.command else wanted.command,
        wanted.api_version,
        tuple(wanted.args or ()),
        {variable.name: variable.value for variable in wanted.env or ()},
        wanted.install_hint,
        info if wanted.provide_cluster_info else None,
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
