"""A node of a lab: a host with kubelet, containerd, runc and kube-proxy in namespaces and control groups of its own.

Its root is an overlay over the nodes' image, so a pod's hostPath never touches the machine; its containers' images are hard
links to the seed. The shell scripts in `node/` are what must run inside.
"""

import hashlib
import json
import os
import shlex
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab import cgroups, processes
from lab.cgroups import Group
from lab.network import Host, run
from lab.pki import Pki
from lab.setup import Prepared

PODS, PODS_IPV6 = "10.244", "fd00:10:244"
POD_RANGE, POD_RANGE_IPV6 = f"{PODS}.0.0/16", f"{PODS_IPV6}::/48"
DAEMONS = ("containerd", "kubelet", "kube-proxy")
SOURCE = "/opt/openelb-src"
"""Where a node sees the working tree's `src/`, for pods that mount it over their image's code."""

_FILES = Path(__file__).with_name("node")
_TASKS = Path("run/containerd/io.containerd.runtime.v2.task/k8s.io")
_TAINT = "registerWithTaints: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]\n"


@dataclass(frozen=True, slots=True)
class Container:
    """A running container of a pod."""

    namespace: str
    pod: str
    name: str
    processes: frozenset[int]


@dataclass(frozen=True, slots=True)
class Node:
    """A node on a host. The value may name one that does not run; its control group is the record."""

    host: Host
    number: int
    """Its pods have 10.244.<number>.0/24 and fd00:10:244:<number>::/64."""
    address: str
    ipv6_address: str
    directory: Path
    prepared: Prepared
    pki: Pki
    proxy_mode: str
    """kube-proxy's: nftables or iptables."""
    source: Path | None = None
    """A directory that is bound, read-only, to /opt/openelb-src in the node."""
    tainted: bool = False

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def group(self) -> Group:
        return cgroups.group(self.host.netns)

    @property
    def pod_range(self) -> str:
        return f"{PODS}.{self.number}.0/24"

    @property
    def pod_range_ipv6(self) -> str:
        return f"{PODS_IPV6}:{self.number}::/64"

    def start(self) -> None:
        """Power the node on; returns at once. Its disk is as it was when it was last on."""
        if not self.directory.exists():
            self._install()
        command = ["sh", str(_FILES / "join.sh"), str(self.directory), *map(str, self.group.create())]
        # Not by `Host.start`: `ip netns exec` hides the control groups.
        with self.host.inside(), open(self.log("init"), "ab") as log:
            subprocess.run(["setsid", "--fork", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)

    def stop(self) -> None:
        """End every process of the node and its pods at once, as a power cut does; their disk stays."""
        self.group.thaw()  # a frozen process does not die
        processes.end(self.group.processes, f"node {self.name}")
        self.group.remove()

    def is_on(self) -> bool:
        return bool(self.group.daemons())

    def log(self, daemon: str) -> Path:
        """The log of one of `DAEMONS`, or of the node's first process (`init`)."""
        return self.directory / "log" / f"{daemon}.log"

    def last_words(self) -> str:
        """The last error in the log of the daemon that got furthest, for a person who wonders why it is not Ready."""
        for daemon in ("kubelet", "containerd", "init"):
            if self.log(daemon).exists():
                lines = self.log(daemon).read_text(errors="replace").splitlines()
                errors = [line for line in lines if line.startswith(("E", "F")) or "level=error" in line]
                return f"{daemon}: {(errors or lines or ['no word'])[-1]}"
        return "it was never started"

    def daemon(self, name: str) -> frozenset[int]:
        """The process ids of one of `DAEMONS`."""
        own = self.group.daemons()
        return frozenset(pid for pid in own if os.path.basename(processes.executable(pid) or "") == name)

    def containers(self) -> list[Container]:
        """The running containers, as containerd's files in the node tell them: no API server is asked."""
        first = self._first_process()
        bundles = Path(f"/proc/{first}/root", _TASKS).glob("*/config.json") if first else []
        found = (self._container(json.loads(bundle.read_bytes())) for bundle in bundles)
        return sorted((container for container in found if container), key=lambda c: (c.namespace, c.pod, c.name))

    def _container(self, bundle: dict[str, dict[str, str]]) -> Container | None:
        about = {key.removeprefix("io.kubernetes.cri."): value for key, value in bundle["annotations"].items()}
        if about.get("container-type") != "container":
            return None
        running = self.group.processes(bundle["linux"]["cgroupsPath"])
        return Container(about["sandbox-namespace"], about["sandbox-name"], about["container-name"], running)

    def _first_process(self) -> int | None:
        return next((pid for pid in self.group.daemons() if processes.ids(pid)[1:] == (1,)), None)

    def _install(self) -> None:
        for name in ("upper", "work", "root", "kubelet", "log"):
            (self.directory / name).mkdir(parents=True)
        self._write(self._settings(), self.directory)
        self._write(self._configuration(), self.directory / "upper/etc")
        self._copy_seed()

    def _settings(self) -> dict[str, str]:
        shell = {
            "NAME": self.name,
            "ADDRESSES": f"{self.address},{self.ipv6_address}",
            "LOWER": str(self.prepared.node_root),
            "BINARIES": str(self.prepared.binaries),
            "SOURCE": str(self.source or ""),
        }
        return {
            "settings": "".join(f"{name}={shlex.quote(value)}\n" for name, value in shell.items()),
            "cgroups": "".join(f"{each.kind} {each.directory} {each.options}\n" for each in self.group.tree.mounts),
        }

    def _configuration(self) -> dict[str, str]:
        """Files under /etc by their names."""
        kubelet = _template("kubelet.yaml") + (_TAINT if self.tainted else "")
        return {
            "hostname": f"{self.name}\n",
            "hosts": f"127.0.0.1 localhost\n::1 localhost\n{self.address} {self.name}\n",
            "resolv.conf": "",
            "machine-id": hashlib.md5(self.name.encode(), usedforsecurity=False).hexdigest() + "\n",
            "masquerade.nft": _template("masquerade.nft", PODS=POD_RANGE, PODS_IPV6=POD_RANGE_IPV6),
            "cni/net.d/10-lab.conflist": _template(
                "cni.conflist", POD_RANGE=self.pod_range, POD_RANGE_IPV6=self.pod_range_ipv6
            ),
            "containerd/config.toml": _template("containerd.toml", PAUSE=self.prepared.pause),
            "kubernetes/ca.crt": self.pki.authority.read_text(),
            "kubernetes/kubelet.yaml": kubelet,
            "kubernetes/kubelet.kubeconfig": self.pki.kubeconfig(self.name).read_text(),
            "kubernetes/kube-proxy.yaml": _template(
                "kube-proxy.yaml", MODE=self.proxy_mode, NODE=self.name, PODS=f"{POD_RANGE},{POD_RANGE_IPV6}"
            ),
            "kubernetes/kube-proxy.kubeconfig": self.pki.kubeconfig("kube-proxy").read_text(),
        }

    def _write(self, files: dict[str, str], directory: Path) -> None:
        for name, content in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    def _copy_seed(self) -> None:
        """Images cost a node no space and 0.2 s: only the databases, which are written in place, are copied."""
        seed, own = self.prepared.seed, self.directory / "containerd"
        run(["cp", "-al", str(seed), str(own)])
        databases = [path.relative_to(seed) for path in seed.glob("io.containerd.*/*.db")]
        for database in databases:
            run(["cp", "--remove-destination", str(seed / database), str(own / database)])
        # It holds the identity of the containerd that made the seed.
        run(["rm", "-rf", str(own / "io.containerd.grpc.v1.introspection")])


def connect(nodes: Iterable[Node], others: Iterable[Node]) -> None:
    """Tell nodes the way to the others' pods, as a CNI without an overlay does."""
    everyone = tuple(others)
    for node in nodes:
        for other in everyone:
            if other != node:
                node.host.route(other.pod_range, via=other.address)
                node.host.route(other.pod_range_ipv6, via=other.ipv6_address)


def _template(file: str, **values: str) -> str:
    text = (_FILES / file).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
