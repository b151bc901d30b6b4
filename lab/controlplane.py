"""The control plane of a lab: etcd, kube-apiserver, kube-controller-manager and kube-scheduler on one host.

It is of use without nodes too: an API server with real admission, RBAC and garbage collection, ready in about 3 s.
"""

import contextlib
import http.client
import json
import signal
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import processes
from lab.network import Host
from lab.pki import Pki
from lab.wait import require, until

PORT = 6443
SERVICE_RANGE = "10.96.0.0/16,fd96::/112"
"""Services have both families if they ask for it; one that does not has IPv4. Recorded Services have theirs from here too."""
NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", "127.0.0.1", "10.96.0.1")
"""What the API server is called beside its address: by pods (10.96.0.1 is the Service `kubernetes`) and on its host."""

NODE_GRACE_SECONDS = 10
"""Silence after which a node counts as lost. The default is 50 s; nothing of ours depends on it, and tests that need
Kubernetes to notice a lost node would mostly wait."""

AUDITED = "system:serviceaccounts:openelb-system"
"""The group whose requests the API server notes: those of OpenELB's pods, so that their rights can be held against them."""

_AUDIT_POLICY = f"""
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {{level: Metadata, userGroups: ["{AUDITED}"]}}
- {{level: None}}
"""

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The control plane on a host. The value may name one that is not running; the host's processes are the record."""

    host: Host
    address: str
    binaries: Path
    pki: Pki
    directory: Path
    """Logs (`<program>.log`) and etcd's files."""

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.pki.kubeconfig("admin")

    def start(self, *, controllers: bool = True) -> None:
        """Start everything and return when the API server is ready; without controllers nothing follows from an object.

        Raises `WaitError` when it is not ready within 90 s.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self.audit_policy.write_text(_AUDIT_POLICY)
        self.start_program("etcd")
        self.start_program("kube-apiserver")
        self.wait_until_ready()
        if controllers:
            self.start_program("kube-controller-manager")
            self.start_program("kube-scheduler")

    def stop(self) -> None:
        """End everything at once. Nothing is kept, so nothing needs to end in order."""
        processes.end(lambda: self._pids(PROGRAMS), "the control plane")

    def wait_until_ready(self, *, timeout: float = 90.0) -> None:
        """Return when the API server says that it is ready."""
        until(
            lambda: require(self.read("/readyz") == b"ok", self.last_words("kube-apiserver")),
            what="the API server to be ready",
            timeout=timeout,
        )

    def start_program(self, name: str) -> None:
        """Start one of `PROGRAMS` as it is started at first; its log goes on where it ended."""
        self.host.start([str(self.binaries / name), *_ARGUMENTS[name](self)], log=self.log(name))

    def end_program(self, name: str) -> None:
        """SIGKILL one of `PROGRAMS`; returns when it holds no port and no file any more, so that it can be started again."""
        processes.end(lambda: self.pids(name), name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one of `PROGRAMS`; nothing happens when it does not run."""
        processes.send(self.pids(name), number)

    def pids(self, name: str) -> frozenset[int]:
        """The process ids of a program of this control plane."""
        return self._pids([name])

    def log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    @property
    def audit_policy(self) -> Path:
        return self.directory / "audit-policy.yaml"

    @property
    def audit_log(self) -> Path:
        """One line of JSON (audit.k8s.io/v1 Event) for each answer to a request of `AUDITED`."""
        return self.directory / "audit.log"

    def last_words(self, name: str) -> str:
        """The last line of a program's log."""
        lines = self.log(name).read_text(errors="replace").splitlines() if self.log(name).exists() else []
        return f"{name} wrote last: {lines[-1]}" if lines else f"{name} wrote nothing"

    def kubectl(self, *args: str, stdin: str | None = None, timeout: float = 60.0) -> str:
        """The output of `kubectl ARGS`, as the administrator. Raises `CommandError`."""
        command = [str(self.binaries / "kubectl"), "--kubeconfig", str(self.kubeconfig), *args]
        return self.host.run(command, stdin=stdin, timeout=timeout)

    def read(self, path: str) -> bytes:
        """The body of GET on a path of the API, as the administrator. Raises `OSError`."""
        with self.host.inside(), contextlib.closing(self._connection()) as connection:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read()
            except http.client.HTTPException as broken:
                raise ConnectionError(f"GET {path}: {broken!r}") from broken
        if answer.status != http.HTTPStatus.OK:
            raise ConnectionError(f"GET {path} answered {answer.status}: {body.decode(errors='replace')}")
        return body

    def read_json(self, path: str) -> Any:
        """The same, decoded."""
        return json.loads(self.read(path))

    def _connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=self.pki.authority)
        context.load_cert_chain(self.pki.certificate("admin"), self.pki.key("admin"))
        return http.client.HTTPSConnection(self.address, PORT, timeout=5, context=context)

    def _pids(self, names: Iterable[str]) -> frozenset[int]:
        wanted = {str(self.binaries / name) for name in names}
        return frozenset(
            pid for pid in processes.in_namespaces([self.host.path]) if processes.executable(pid) in wanted
        )


def _etcd(plane: ControlPlane) -> Iterator[str]:
    yield f"--data-dir={plane.directory / 'etcd'}"
    yield "--unsafe-no-fsync"  # what is lost with the machine is a lab
    yield "--log-level=warn"
    yield from ("--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379")
    yield "--listen-peer-urls=http://127.0.0.1:2380"


def _apiserver(plane: ControlPlane) -> Iterator[str]:
    pki = plane.pki
    yield "--etcd-servers=http://127.0.0.1:2379"
    yield from ("--bind-address=0.0.0.0", f"--advertise-address={plane.address}", f"--secure-port={PORT}")
    yield f"--tls-cert-file={pki.certificate('kube-apiserver')}"
    yield f"--tls-private-key-file={pki.key('kube-apiserver')}"
    yield f"--client-ca-file={pki.authority}"
    yield f"--token-auth-file={pki.tokens}"
    yield f"--kubelet-client-certificate={pki.certificate('kubelet-client')}"
    yield f"--kubelet-client-key={pki.key('kubelet-client')}"
    yield "--kubelet-preferred-address-types=InternalIP"  # a node's name resolves nowhere
    yield f"--service-cluster-ip-range={SERVICE_RANGE}"
    yield "--service-account-issuer=https://kubernetes.default.svc.cluster.local"
    yield f"--service-account-key-file={pki.service_account_public_key}"
    yield f"--service-account-signing-key-file={pki.key('service-accounts')}"
    yield from ("--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction")
    yield "--allow-privileged=true"
    yield from (f"--audit-policy-file={plane.audit_policy}", f"--audit-log-path={plane.audit_log}")


def _client(plane: ControlPlane, name: str) -> Iterator[str]:
    kubeconfig = plane.pki.kubeconfig(name)
    yield f"--kubeconfig={kubeconfig}"
    yield f"--authentication-kubeconfig={kubeconfig}"
    yield f"--authorization-kubeconfig={kubeconfig}"
    yield "--leader-elect=false"  # there is one of each
    yield "--bind-address=127.0.0.1"


def _controllers(plane: ControlPlane) -> Iterator[str]:
    yield from _client(plane, "kube-controller-manager")
    yield f"--service-account-private-key-file={plane.pki.key('service-accounts')}"
    yield f"--root-ca-file={plane.pki.authority}"
    yield f"--cluster-signing-cert-file={plane.pki.authority}"
    yield f"--cluster-signing-key-file={plane.pki.key('ca')}"
    yield "--use-service-account-credentials=true"
    yield from ("--node-monitor-period=1s", f"--node-monitor-grace-period={NODE_GRACE_SECONDS}s")
    # Pod ranges are given to the nodes by the lab; LoadBalancer Services are what we are here for.
    yield "--controllers=*,-node-ipam-controller,-service-lb-controller"


def _scheduler(plane: ControlPlane) -> Iterator[str]:
    yield from _client(plane, "kube-scheduler")


_ARGUMENTS = {
    "etcd": _etcd,
    "kube-apiserver": _apiserver,
    "kube-controller-manager": _controllers,
    "kube-scheduler": _scheduler,
}
