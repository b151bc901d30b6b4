"""What `kubectl apply -f deploy/openelb.yaml` puts on a cluster: small rights, closed doors, and nothing left when it goes."""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import faults
from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.wait import require, until
from openelb import __version__
from openelb.model import names
from tests.lab import installed

NET_BIND_SERVICE, NET_ADMIN, NET_RAW = 1 << 10, 1 << 12, 1 << 13  # capabilities(7)
FILTERED = "2"  # of Seccomp in proc(5): by the runtime's profile
LISTENING, BOUND = "0A", "07"  # states in /proc/net/tcp and, of a socket that is not connected, in /proc/net/udp
MANAGER = "openelb-manager"


# What the pods may.


def test_a_speaker_has_two_capabilities_what_keeps_gobgpd_another_one_and_a_manager_none(openelb: Cluster) -> None:
    def look() -> list[dict[str, str]]:
        found = [process_status(pid) for node in openelb.nodes for pid in speaker_on(openelb, node.name)]
        require(len(found) == len(openelb.nodes), "a speaker has just started nft")
        return found

    for status in until(look, what="the process of each speaker"):
        assert capabilities(status) == NET_RAW | NET_ADMIN
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", FILTERED)
    for status in map(process_status, installed.container(openelb, "gobgpd", "n1")):
        assert capabilities(status) == NET_BIND_SERVICE
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", FILTERED)
    for status in map(process_status, managers(openelb)):
        assert capabilities(status) == 0
        assert set(status["Uid"].split()) == {"65532"}
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", FILTERED)


def test_no_pod_can_write_to_its_image(openelb: Cluster) -> None:
    for pid in (*managers(openelb), *speaker_on(openelb, "n1")):
        assert root_options(pid)[0] == "ro"


def test_a_speaker_listens_on_its_node_s_loopback_and_for_heartbeats(openelb: Cluster) -> None:
    def look() -> None:
        for node in openelb.nodes:
            found = doors(speaker_on(openelb, node.name))
            require(
                found == {"127.0.0.1:50053", "0.0.0.0:50055", ":::50055"}, f"{node.name} listens on {sorted(found)}"
            )

    until(look, what="the speakers to have the key of heartbeats")


def test_a_manager_listens_for_health_and_metrics_and_the_one_that_leads_for_the_api_server(openelb: Cluster) -> None:
    def look() -> None:
        ports = sorted(door.rpartition(":")[2] for door in doors(managers(openelb)))
        require(ports == ["50052", "50052", "9443"], f"they listen on {ports}")

    until(look, what="both managers to listen")


# What it says.


def test_one_of_two_managers_says_that_it_leads(openelb: Cluster) -> None:
    node = openelb.node("n1").host
    addresses = [pod["status"]["podIP"] for pod in installed.pods(openelb, f"app={MANAGER}")]
    assert len(addresses) == 2

    def look() -> None:
        leads = sorted(metric(node.get(f"http://{each}:50052/metrics"), "openelb_leader") for each in addresses)
        require(leads == [0.0, 1.0], f"openelb_leader is {leads}")

    until(look, what="one leader")
    for each in addresses:
        assert node.get(f"http://{each}:50052/healthz") == node.get(f"http://{each}:50052/readyz") == "ok\n"


def test_a_speaker_counts_what_it_announces(pool: Cluster) -> None:
    address = installed.serve(pool, "web")
    (owner,) = installed.owners(pool, address)
    told = pool.node(owner).host.get("http://127.0.0.1:50053/metrics")
    assert metric(told, 'openelb_announced_addresses{interface="eth0"}') == 1.0
    assert metric(told, 'openelb_arp_answered_total{interface="eth0"}') >= 1.0
    assert metric(told, "openelb_speakers_alive") == len(pool.nodes)


def test_the_command_in_a_pod_shows_the_whole_installation(pool: Cluster) -> None:
    installed.serve(pool, "web")
    told = installed.openelb(pool, "status")
    assert told.endswith("exit 0\n"), told
    assert "1 served, 0 not" in told
    for node in pool.nodes:
        assert f"{node.name} " in told
    status = json.loads(installed.openelb(pool, "status", "-o", "json").rpartition("exit")[0])
    assert (status["manager"], status["served"], status["unserved"]) == (True, 1, {})
    assert [(each["name"], each["used"], each["ready"]) for each in status["pools"]] == [(installed.POOL, 1, True)]


def test_the_command_in_a_pod_says_its_version(openelb: Cluster) -> None:
    assert installed.openelb(openelb, "version") == f"openelb {__version__}\nexit 0\n"


# From its first day to its last.


@dataclass(frozen=True, slots=True)
class Life:
    """What the API server noted of our requests in an installation's life, and again until it was removed; and what was left."""

    served: list[Any]
    removed: list[Any]
    left: str


@pytest.fixture(scope="module")
def life(installation: Cluster) -> Iterator[Life]:
    """Install OpenELB anew, use all of it, and remove it as users do."""
    cluster = installation
    faults.undo(cluster)
    installed.clear(cluster)
    remove(cluster)
    before = len(requests(cluster))
    installed.install(cluster)
    use(cluster)
    used = len(requests(cluster))
    remove(cluster, "--ignore-not-found")  # the speakers are gone already
    noted = requests(cluster)
    yield Life(noted[before:used], noted[before:], left_over(cluster))
    installed.install(cluster)


def test_no_request_of_ours_is_refused(life: Life) -> None:
    assert life.served
    refused = [request(each) for each in life.served if each["responseStatus"]["code"] in (401, 403)]
    assert not refused


def test_no_right_is_granted_that_is_not_used(life: Life) -> None:
    assert granted() - {request(each) for each in life.removed} - SOON_MOUNTED == SELDOM


def test_nothing_is_left_when_it_is_removed(life: Life) -> None:
    assert life.left == ""


SOON_MOUNTED = {("openelb-speaker", "", "secrets", "get")}
"""The key of heartbeats is asked for until the kubelet has mounted it, which it may have done at once."""

SELDOM = {
    ("openelb-manager", names.GROUP, "eipallocations", "create"),
    ("openelb-manager", "events.k8s.io", "events", "patch"),
    *(("openelb-speaker", names.GROUP, "eipconflicts", verb) for verb in ("list", "create", "patch", "delete")),
}
"""Rights that are used from a thousand addresses on (tests/contract/test_kube_pages.py), after half an hour without an
address (tests/contract/test_kube_leases.py), and where another machine has an address (tests/lab/layer2/test_probing.py).
"""

OF_AN_OLDER_RELEASE = "\n---\n".join(
    f"""
apiVersion: {names.GROUP}/{names.VERSION}
kind: {kind}
metadata: {{name: old, finalizers: [{names.BGP_FINALIZER}]}}
spec: {{{spec}}}
"""
    for kind, spec in (("BgpConf", "as: 65001"), ("BgpPeer", "conf: {neighborAddress: 192.0.2.1, peerAs: 65000}"))
)

RESERVATION = f"""
apiVersion: {names.GROUP}/{names.VERSION}
kind: EipReservation
metadata: {{name: kept}}
spec: {{eip: {installed.POOL}, count: 1, services: {{namespace: default, name: later}}}}
"""
PAGE = f"""
apiVersion: {names.GROUP}/{names.VERSION}
kind: EipAllocation
metadata: {{name: {installed.POOL}-1}}
spec: {{eip: {installed.POOL}, used: {{10.79.0.231: default/nobody, 10.79.0.232: default/web}}}}
"""


ROUTER_THAT_IS_NOT_THERE = f"""
apiVersion: {names.GROUP}/{names.VERSION}
kind: BgpConf
metadata: {{name: default}}
spec: {{as: 64512, listenPort: -1, policy: routing}}
---
apiVersion: {names.GROUP}/{names.VERSION}
kind: BgpPeer
metadata: {{name: router}}
spec: {{conf: {{neighborAddress: 10.79.0.99, peerAs: 65000}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: routing, namespace: {OPENELB}}}
data: {{gobgp.conf: ""}}
"""


def use(cluster: Cluster) -> None:
    """Serve, reserve, speak BGP, find entries of the ledger whose Service is not there, release, and have the speakers leave for
    good.
    """
    cluster.apply(installed.eip())
    address = installed.serve(cluster, "web")
    cluster.apply(RESERVATION)
    until(lambda: reserved(cluster), what="an address for the reservation")
    cluster.kubectl("delete", "eipreservation", "kept")
    cluster.apply(ROUTER_THAT_IS_NOT_THERE)
    for kind, condition in (("bgpconfs/default", names.READY), ("bgppeers/router", names.ESTABLISHED)):
        until(partial(nodes_have_told, cluster, kind, condition), what=f"words of every node on {kind}")
    cluster.kubectl("delete", "bgppeer/router", "bgpconf/default", timeout=60)
    cluster.apply(OF_AN_OLDER_RELEASE)
    cluster.kubectl("delete", "bgpconf/old", "bgppeer/old", timeout=60)
    cluster.apply(PAGE)
    until(lambda: struck_pages(cluster), what="the end of a page in which nothing is left")
    unknown = {"10.79.0.230": "default/nobody", address: "default/web"}
    patch = json.dumps({"status": {"used": unknown}})
    cluster.kubectl("patch", "eip", installed.POOL, "--subresource=status", "--type=merge", "-p", patch)
    until(lambda: struck(cluster, "10.79.0.230"), what="the address of nobody to be free")
    installed.clear(cluster)
    spoil_the_certificate(cluster)
    cluster.kubectl("-n", OPENELB, "delete", installed.SPEAKER)
    until(lambda: left_by_speakers(cluster), what="the end of the speakers' Leases")


def nodes_have_told(cluster: Cluster, path: str, condition: str) -> None:
    """Look whether each node has said something of a BgpConf or BgpPeer, and the manager has summed it up."""
    found = cluster.get(f"/apis/{names.GROUP}/{names.VERSION}/{path}")
    told = installed.condition(found, condition)["message"]
    require(f"of {len(cluster.nodes)} nodes" in told and "has said nothing" not in told, told)


def spoil_the_certificate(cluster: Cluster) -> None:
    """And have another replica lead, which looks at it at once. Ends when all is well."""
    path = f"/api/v1/namespaces/{OPENELB}/secrets/{names.WEBHOOK_CERTIFICATE}"
    until(lambda: cluster.get(path), what="the webhook's certificate")
    patch = json.dumps({"data": {"tls.crt": "c3BvaWx0"}})
    cluster.kubectl("-n", OPENELB, "patch", "secret", names.WEBHOOK_CERTIFICATE, "--type=merge", "-p", patch)
    cluster.kubectl("-n", OPENELB, "delete", "pod", installed.leader(cluster))
    until(lambda: require(cluster.get(path)["data"]["tls.crt"] != "c3BvaWx0", "it is spoilt"), what="another one")
    installed.roll_out(cluster)


def left_by_speakers(cluster: Cluster) -> None:
    leases = cluster.get(f"/apis/coordination.k8s.io/v1/namespaces/{OPENELB}/leases")["items"]
    left = [each["metadata"]["name"] for each in leases]
    require({*left} <= {names.LEADER_LEASE, names.PROBES_LEASE}, f"there are {', '.join(left)}")


def reserved(cluster: Cluster) -> None:
    found = cluster.get(f"/apis/{names.GROUP}/{names.VERSION}/eipreservations/kept")
    require(found.get("status", {}).get("addresses"), "nothing is reserved")


def struck_pages(cluster: Cluster) -> None:
    left = cluster.get(f"/apis/{names.GROUP}/{names.VERSION}/eipallocations")["items"]
    require(not left, f"there is {left}")


def struck(cluster: Cluster, address: str) -> None:
    used = installed.get_eip(cluster)["status"]["used"]
    require(address not in used, f"the ledger has {used}")


def remove(cluster: Cluster, *options: str) -> None:
    """Remove OpenELB as users do; nothing uses it. Ends when all is gone."""
    cluster.kubectl("delete", "-f", str(installed.MANIFEST), *options, timeout=120)


def left_over(cluster: Cluster) -> str:
    """The names of all objects that could be ours and are still there."""
    kinds = (
        "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,priorityclasses,"
        "validatingwebhookconfigurations"
    )
    found = cluster.kubectl("get", kinds, "-o", "name").split()
    ours = [name for name in found if "openelb" in name or names.GROUP in name]
    return " ".join(ours)


# What the API server notes, and what the manifest grants: who, what of which group, and the verb.


Right = tuple[str, str, str, str]


def requests(cluster: Cluster) -> list[Any]:
    """Every request of our pods that was answered."""
    text = cluster.control_plane.audit_log.read_text()
    return [each for each in map(json.loads, text.splitlines()) if "responseStatus" in each]


def request(noted: Any) -> Right:
    about = noted["objectRef"]
    resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
    return noted["user"]["username"].rpartition(":")[2], about.get("apiGroup", ""), resource, noted["verb"]


def granted() -> set[Right]:
    """What the roles of the manifest grant; each is bound to the ServiceAccount of its name."""
    roles = [
        each for each in yaml.safe_load_all(installed.MANIFEST.read_text()) if each["kind"] in ("Role", "ClusterRole")
    ]
    return {
        (role["metadata"]["name"], group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


# What the kernel says of a process.


def speaker_on(cluster: Cluster, node: str) -> frozenset[int]:
    """The process ids of the speaker on a node."""
    return installed.container(cluster, "speaker", node)


def managers(cluster: Cluster) -> list[int]:
    """The process ids of both managers."""
    pods = [pod["metadata"]["name"] for pod in installed.pods(cluster, f"app={MANAGER}")]
    return sorted(pid for pod in pods for pid in faults.find(cluster, pod, installed.node_of(cluster, pod)))


def process_status(pid: int) -> dict[str, str]:
    """/proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def capabilities(status: dict[str, str]) -> int:
    """All that the process has or could get: effective, permitted, inheritable, ambient and bounding, as one set of bits."""
    sets = (status[f"Cap{which}"] for which in ("Eff", "Prm", "Inh", "Amb", "Bnd"))
    bits = 0
    for each in sets:
        bits |= int(each, 16)
    return bits


def root_options(pid: int) -> list[str]:
    """How the process's root is mounted."""
    mounts = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    (options,) = (mount[5] for mount in mounts if mount[4] == "/")
    return options.split(",")


def doors(pids: frozenset[int] | list[int]) -> set[str]:
    """Where these processes can be spoken to over IP: `address:port` of every listening or unconnected socket."""
    return {door for pid in pids for table in ("tcp", "tcp6", "udp", "udp6") for door in _doors(pid, table)}


def _doors(pid: int, table: str) -> Iterator[str]:
    own = _socket_inodes(pid)
    for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == (LISTENING if table.startswith("tcp") else BOUND) and fields[9] in own:
            host, _, port = fields[1].partition(":")
            yield f"{_address(host)}:{int(port, 16)}"


def _socket_inodes(pid: int) -> frozenset[str]:
    links = (os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd"))
    return frozenset(link[len("socket:[") : -1] for link in links if link.startswith("socket:["))


def _address(text: str) -> str:
    """An address as /proc/net writes it: words of 32 bits, each in the machine's order."""
    words = [int(text[at : at + 8], 16).to_bytes(4, "little") for at in range(0, len(text), 8)]
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, b"".join(words))


def metric(page: str, name: str) -> float:
    """The value of one series of a page for Prometheus."""
    (value,) = (line.removeprefix(f"{name} ") for line in page.splitlines() if line.startswith(f"{name} "))
    return float(value)
