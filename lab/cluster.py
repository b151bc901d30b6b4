"""A whole cluster: the site, its control plane and its nodes, put up together and taken down without a trace."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from lab import cgroups, controlplane, node, pki, processes, site
from lab.controlplane import ControlPlane
from lab.network import Host, Network, run
from lab.node import Node
from lab.pins import release
from lab.pki import Pki
from lab.setup import Prepared
from lab.site import Site
from lab.wait import WaitError, require, until

_RECORD = "lab.json"


class NoLabError(Exception):
    """No lab of this name is up."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of this shape, up or not. As a context manager it is up in the block and leaves nothing behind.

    Everything is derived from these fields and looked up where it runs, so a value made in another process will do.
    """

    prefix: str
    directory: Path
    """Everything of a run: logs, certificates, the nodes' disks. On the file system of the seed, for hard links."""
    prepared: Prepared
    workers: int = 3
    source: Path | None = None
    """A `src/` directory that every node shows its pods at /opt/openelb-src."""
    proxy_mode: str = ""
    """kube-proxy's: `nftables` or `iptables`. Empty: nftables where this Kubernetes has it without a feature gate."""

    def __enter__(self) -> "Cluster":
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @classmethod
    def running(cls, directory: Path) -> "Cluster":
        """The cluster that another process put up with this directory. Raises `NoLabError`."""
        try:
            record = (directory / _RECORD).read_bytes()
        except FileNotFoundError:
            raise NoLabError(f"No lab is up in {directory}: `make lab` puts one up.") from None
        return cls.recorded(record)

    @classmethod
    def recorded(cls, record: bytes) -> "Cluster":
        """The cluster of a `record()`."""
        return msgspec.json.decode(record, type=cls, dec_hook=lambda kind, text: kind(text))

    def record(self) -> bytes:
        """This value for another process, as JSON."""
        return msgspec.json.encode(self, enc_hook=str)

    def up(self) -> None:
        """Put everything up and return when every node is Ready and pods are accepted. Clears what an earlier run left.

        Raises `WaitError` with what was seen last.
        """
        self.down()
        self.directory.mkdir(parents=True)
        site.build(self.network, workers=self.workers)
        everyone = [each.name for each in self.nodes]
        pki.write(self.pki.directory, server=site.CONTROL_PLANE, names=controlplane.NAMES, nodes=everyone)
        (self.directory / _RECORD).write_bytes(self.record())
        self.control_plane.start()
        for each in self.nodes:
            each.start()
        node.connect(self.nodes, self.nodes)
        self.wait_for_nodes()
        # A pod that is made before it exists is refused, and tried again only seconds later.
        until(
            lambda: self.get("/api/v1/namespaces/default/serviceaccounts/default"),
            what="the default ServiceAccount",
        )

    def down(self) -> None:
        """Take down whatever is there of a lab with this prefix and directory."""
        with processes.undisturbed():
            clear(self.prefix)
            run(["rm", "-rf", str(self.directory)])  # thousands of links: several times as fast as by Python

    @property
    def network(self) -> Network:
        return Network(self.prefix)

    @property
    def site(self) -> Site:
        return site.hosts(self.prefix, workers=self.workers)

    @property
    def client(self) -> Host:
        """The client on the LAN."""
        return self.site.client

    @property
    def remote(self) -> Host:
        """The client behind the router."""
        return self.site.remote

    @property
    def pki(self) -> Pki:
        return Pki(self.directory / "pki")

    @property
    def kubeconfig(self) -> Path:
        """The administrator's; its server is reached from the lab's hosts only."""
        return self.control_plane.kubeconfig

    @property
    def control_plane(self) -> ControlPlane:
        return ControlPlane(
            host=self.site.control_plane,
            address=site.CONTROL_PLANE,
            binaries=self.prepared.binaries,
            pki=self.pki,
            directory=self.directory / "cp",
        )

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, the control plane's tainted one (`cp`) first."""
        return tuple(map(self._node, range(self.workers + 1)))

    def node(self, name: str) -> Node:
        """The node of this name: `n1`, `n2`, … or `cp`. Raises `LookupError`."""
        for each in self.nodes:
            if each.name == name:
                return each
        raise LookupError(f"no node is called {name!r}; there are {', '.join(each.name for each in self.nodes)}")

    def _node(self, number: int) -> Node:
        host = self.site.nodes[number - 1] if number else self.site.control_plane
        return Node(
            host=host,
            number=number,
            address=site.node_address(number),
            ipv6_address=site.ipv6_address(site.node_address(number)),
            directory=self.directory / "nodes" / host.name,
            prepared=self.prepared,
            pki=self.pki,
            proxy_mode=self.proxy_mode or ("nftables" if release(self.prepared.kubernetes) >= (1, 31) else "iptables"),
            source=self.source,
            tainted=number == 0,
        )

    def kubectl(self, *args: str, stdin: str | None = None, timeout: float = 60.0) -> str:
        """The output of `kubectl ARGS`, as the administrator, on the control plane's host. Raises `CommandError`."""
        return self.control_plane.kubectl(*args, stdin=stdin, timeout=timeout)

    def apply(self, manifest: str | Path) -> str:
        """`kubectl apply` of a file, or of the text of one."""
        if isinstance(manifest, Path):
            return self.kubectl("apply", "-f", str(manifest))
        # It is YAML: what begins as JSON kubectl 1.30 reads as JSON alone, without `---` between objects.
        return self.kubectl("apply", "-f", "-", stdin=f"---\n{manifest}")

    def get(self, path: str) -> Any:
        """What the API answers to GET on a path, decoded. Raises `OSError`; cheaper than kubectl where it is asked often."""
        return self.control_plane.read_json(path)

    def rolled_out(self, workload: str, *, namespace: str = "default", timeout: float = 120.0) -> None:
        """Return when a workload like `deployment/nginx` runs as its spec says. Raises `CommandError`."""
        limit = f"--timeout={timeout:g}s"
        self.kubectl("-n", namespace, "rollout", "status", workload, limit, timeout=timeout + 10)

    def wait_for_nodes(self, *, timeout: float = 120.0) -> None:
        """Return when every node is Ready. Raises `WaitError` with the last words of those that are not."""
        missing = list(self.nodes)

        def look() -> None:
            ready = self.ready_nodes()
            missing[:] = [each for each in self.nodes if each.name not in ready]
            require(not missing, f"not Ready: {', '.join(each.name for each in missing)}")

        try:
            until(look, what="all nodes to be Ready", timeout=timeout, every=0.1)
        except WaitError as late:
            raise WaitError(
                "; ".join([str(late), *(f"{each.name}: {each.last_words()}" for each in missing)])
            ) from late

    def ready_nodes(self) -> frozenset[str]:
        """The names of the nodes that are Ready. Raises `OSError` when the API server does not answer."""
        return frozenset(item["metadata"]["name"] for item in self.get("/api/v1/nodes")["items"] if _is_ready(item))

    def logs(self, pod: str, *, namespace: str = "default") -> str:
        """What the pods whose names begin so have written, from the nodes' disks: no API server is asked."""
        found = sorted(self.directory.glob(f"nodes/*/log/pods/{namespace}_{pod}*/*/*.log"))
        return "".join(f"== {path.relative_to(self.directory)}\n{path.read_text(errors='replace')}" for path in found)


def clear(prefix: str) -> None:
    """End every process of the lab's nodes and hosts, and remove its control groups and namespaces."""
    groups = cgroups.named(f"{prefix}-")
    for group in groups:
        group.thaw()  # a frozen process does not die
    processes.end(lambda: frozenset().union(*(group.processes() for group in groups)), f"the nodes {prefix}-*")
    Network(prefix).remove()
    for group in groups:
        group.remove()


def _is_ready(item: Any) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
