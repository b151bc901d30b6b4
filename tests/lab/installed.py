"""OpenELB as users install it, on the lab's cluster: how tests put it there, ask it for addresses and hear what it says."""

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lab import faults, site
from lab.cluster import Cluster
from lab.demo import OPENELB, WELCOME, address_of
from lab.network import CommandError, Host
from lab.wait import NotYetError, require, until
from openelb.model import names

REPOSITORY = Path(__file__).parents[2]
MANIFEST = REPOSITORY / "deploy" / "openelb.yaml"
GRACE = 8
MANAGER, SPEAKER = "deployment/openelb-manager", "daemonset/openelb-speaker"
OPTED_IN = {names.OPT_IN: names.OPT_IN_VALUE}
POOL = "pool"
RANGE = f"{site.LAN}.200-{site.LAN}.239"
ALL_SERVICES = "/api/v1/namespaces/default/services?labelSelector=!component"  # all but `kubernetes`
ALL_EIPS = f"/apis/{names.GROUP}/{names.VERSION}/eips"
PATIENCE = 0.3
"""Seconds. On the lab's LAN a page that takes longer is not coming from a node that is there."""

PAGE_ON_THE_CONTROL_PLANE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: page}
spec:
  replicas: 1
  selector: {matchLabels: {app: page}}
  template:
    metadata: {labels: {app: page}}
    spec:
      nodeSelector: {kubernetes.io/hostname: cp}
      tolerations: [{operator: Exists}]
      terminationGracePeriodSeconds: 0
      containers:
        - name: nginx
          image: nginx
          imagePullPolicy: IfNotPresent
          readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
"""
"""A web server on the node that no test takes away: what is lost is always the node that answers for the address."""


# There and away.


def install(cluster: Cluster) -> None:
    """Apply the manifest that users apply; returns when everything runs."""
    cluster.apply(MANIFEST)
    roll_out(cluster)


def roll_out(cluster: Cluster) -> None:
    """Return when the manager and every speaker run as the manifest says."""
    for workload in (MANAGER, SPEAKER):
        cluster.rolled_out(workload, namespace=OPENELB)


def wake_nodes(cluster: Cluster) -> None:
    """Start every kubelet and kube-proxy anew, after the API server was away: by itself, one may wait a minute before it
    watches pods and Services again (client-go doubles its pauses up to 30 s, and up to as much again by chance).
    """
    for node in cluster.nodes:
        for daemon in ("kubelet", "kube-proxy"):
            with contextlib.suppress(faults.NoSuchTargetError):  # it is being started anew already
                faults.kill(cluster, daemon, node.name)


@contextlib.contextmanager
def unasked(cluster: Cluster) -> Iterator[None]:
    """For as long as this lasts, the API server asks no manager about what is written, as if none had been there."""
    path = f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{names.WEBHOOK_CONFIGURATION}"
    kept = cluster.get(path)
    # Without what was applied, to which kubectl would add all that the manager has written, and take it off one day.
    for field in ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "annotations"):
        kept["metadata"].pop(field, None)
    cluster.kubectl("delete", "validatingwebhookconfiguration", names.WEBHOOK_CONFIGURATION)
    try:
        yield
    finally:
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(kept))


def clear(cluster: Cluster) -> None:
    """Remove every Service and Eip that a test left, so that the next finds all addresses free."""
    for path in (ALL_SERVICES, ALL_EIPS):
        until(partial(_clear, cluster, path), what="the end of all Services and Eips")


def _clear(cluster: Cluster, path: str) -> None:
    """An Eip is in use until its Services are gone, and cannot be deleted before."""
    cluster.kubectl("delete", "--raw", path)
    left = [each["metadata"]["name"] for each in cluster.get(path)["items"]]
    require(not left, f"there are still {', '.join(left)}")


# What users write.


def service(name: str, annotations: Mapping[str, str] = OPTED_IN, **spec: object) -> str:
    """The manifest of a LoadBalancer Service for the page; `spec` as `kubectl explain service.spec` has it."""
    ports = [{"name": "http", "port": 80, "targetPort": 80}]
    wanted = {"type": "LoadBalancer", "selector": {"app": "page"}, "ports": ports, **spec}
    return _object("v1", "Service", name, wanted, annotations)


def from_pool(name: str, pool: str = POOL, address: str = "", **spec: object) -> str:
    """The manifest of a Service that asks for an address of a pool, any one or a certain one."""
    asked = {names.REQUESTED_ADDRESS: address} if address else {}
    return service(name, {**OPTED_IN, names.REQUESTED_POOL: pool, **asked}, **spec)


def eip(
    name: str = POOL, address: str = RANGE, *, interface: str = "eth0", annotations: Mapping[str, str] | None = None
) -> str:
    """The manifest of a layer2 pool. Its addresses wait for a speaker that is started anew for as long as a busy machine takes."""
    layer2 = {"restartGraceSeconds": GRACE}
    spec = {"address": address, "protocol": "layer2", "disable": False, "interface": interface, "layer2": layer2}
    return _object(f"{names.GROUP}/{names.VERSION}", "Eip", name, spec, annotations or {})


def _object(version: str, kind: str, name: str, spec: Mapping[str, object], annotations: Mapping[str, str]) -> str:
    metadata = {"name": name, "annotations": dict(annotations)}
    return json.dumps({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


def serve(cluster: Cluster, name: str, pool: str = POOL, address: str = "") -> str:
    """Apply a Service for the page, and return its address when a client on the LAN gets the page."""
    cluster.apply(from_pool(name, pool, address))
    return served(cluster, name)


def served(cluster: Cluster, name: str) -> str:
    """The address of a Service, when a client on the LAN gets the page there."""
    address = until(lambda: address_of(cluster, name), what=f"an address for Service {name}")
    # The controllers that make its EndpointSlices may not watch for a minute after the API server was away.
    until(lambda: opened(cluster.client, address), what=f"the page at {address}", timeout=120)
    return address


# What users read.


def get_service(cluster: Cluster, name: str) -> Any:
    """A Service of the namespace default, as the API has it."""
    return cluster.get(f"/api/v1/namespaces/default/services/{name}")


def get_eip(cluster: Cluster, name: str = POOL) -> Any:
    """An Eip, as the API has it."""
    return cluster.get(f"/apis/{names.GROUP}/{names.VERSION}/eips/{name}")


def opened(client: Host, address: str) -> None:
    """Open the page as nobody did before: with an empty neighbour cache. Raises `OSError` or `NotYetError`."""
    client.forget_neighbours()
    page = client.get(url(address), timeout=PATIENCE)
    require(WELCOME in page, f"another page: {page[:80]!r}")


def answers_pings(client: Host, address: str) -> None:
    """Return when the client's pings of the address are answered, by that address."""

    def ping() -> None:
        said = client.run(["ping", "-n", "-c", "2", "-i", "0.1", "-W", "1", address])
        require(said.count(f"bytes from {address}: ") == 2, said)

    until(ping, what=f"answers to pings of {address}", timeout=10)


def answers_no_ping(client: Host, address: str) -> None:
    """Return when a ping of the address is not answered."""

    def ping() -> None:
        with contextlib.suppress(CommandError):
            raise NotYetError(client.run(["ping", "-n", "-c", "1", "-W", "0.5", address]))

    until(ping, what=f"silence at {address}", timeout=10)


def refuses_another_port(client: Host, address: str) -> None:
    """Return when a connection to a port of the address that no Service has is refused, at once."""

    def connect() -> None:
        with client.inside(), contextlib.suppress(ConnectionRefusedError):
            socket.create_connection((address, 8181), timeout=0.5).close()
            raise NotYetError("somebody listens there")

    until(connect, what=f"a refusal at {address}", timeout=10)


def url(address: str) -> str:
    """The page's, at an address of either family (RFC 3986, section 3.2.2)."""
    return f"http://[{address}]/" if ":" in address else f"http://{address}/"


def owners(cluster: Cluster, address: str) -> frozenset[str]:
    """The nodes that answer a raw question for the address; a MAC where it is none of theirs."""
    nodes = node_names(cluster)
    return frozenset(nodes.get(mac, mac) for mac in cluster.client.who_has(address))


def node_names(cluster: Cluster) -> dict[str, str]:
    """The nodes by their MACs on the LAN."""
    return {node.host.mac(): node.name for node in cluster.nodes if node.host.path.exists()}


def condition(of: Any, kind: str) -> Any:
    """A condition of an object. Raises `NotYetError` with those there are."""
    there = of.get("status", {}).get("conditions", [])
    found = [each for each in there if each["type"] == kind]
    require(found, f"no condition {kind}; there are {there}")
    return found[0]


def openelb(cluster: Cluster, *arguments: str) -> str:
    """What `openelb ARGUMENTS` prints and complains of in a manager's pod, and a last line `exit <code>`."""
    command = ("sh", "-c", 'openelb "$@" 2>&1; echo "exit $?"', "sh", *arguments)
    return cluster.kubectl("-n", OPENELB, "exec", "deploy/openelb-manager", "--", *command)


def explain(cluster: Cluster, name: str) -> str:
    """`openelb explain service` of a Service."""
    return openelb(cluster, "explain", "service", f"default/{name}")


def lease(cluster: Cluster, name: str) -> Any:
    """One of our Leases, as the API has it."""
    return cluster.get(f"/apis/coordination.k8s.io/v1/namespaces/{OPENELB}/leases/{name}")


def leader(cluster: Cluster) -> str:
    """The pod of the manager that leads. Raises `NotYetError` when none does."""
    holder = str(lease(cluster, names.LEADER_LEASE)["spec"].get("holderIdentity", ""))
    require(holder, "the Lease has no holder")
    return holder


def node_of(cluster: Cluster, pod: str) -> str:
    """The node that a pod of ours runs on."""
    return str(cluster.get(f"/api/v1/namespaces/{OPENELB}/pods/{pod}")["spec"]["nodeName"])


def container(cluster: Cluster, name: str, node: str) -> frozenset[int]:
    """The processes of a container of the speaker's pod on a node. Raises NotYetError where there is not just one."""
    there = [one for one in cluster.node(node).containers() if one.pod.startswith(names.DAEMON_SET)]
    found = [one.processes for one in there if one.name == name and one.processes]
    require(len(found) == 1, f"{len(found)} containers {name} on {node}")
    return found[0]


def of_speaker(pod: Any) -> Any:
    """What a pod's status says of the container that is the speaker, beside which gobgpd has one of its own."""
    (status,) = (each for each in pod["status"]["containerStatuses"] if each["name"] == "speaker")
    return status


def pods(cluster: Cluster, label: str) -> list[Any]:
    """Our pods with a label like `app=openelb-manager`."""
    return list(cluster.get(f"/api/v1/namespaces/{OPENELB}/pods?labelSelector={label}")["items"])
