"""What goes wrong in clusters, as verbs, each with its way back. Every verb works on a lab that another process put up.

A machine can be cut off (silently), unplugged (it sees its carrier go), frozen (its processes stand still, its kernel goes
on answering and forwarding) or switched off. A process can be killed, stopped (asked to end) or paused. The API server can
be away, paused or cut off. `undo` takes back whatever there is.
"""

import signal
from typing import Any

from lab import node as nodes
from lab import processes, site
from lab.cluster import Cluster
from lab.controlplane import PROGRAMS
from lab.network import Host
from lab.node import Node
from lab.wait import require, until

API_SERVER = "kube-apiserver"


class NoSuchTargetError(Exception):
    """There is no such machine or process; the sentence says which there are."""


def cut(cluster: Cluster, machine: str) -> None:
    """Cut a machine off silently: its carrier stays, frames vanish in both directions."""
    _host(cluster, machine).cut()


def heal(cluster: Cluster, machine: str) -> None:
    """Undo `cut`."""
    _host(cluster, machine).heal()


def unplug(cluster: Cluster, machine: str) -> None:
    """Pull a machine's plug at the switch: it sees that its carrier is lost."""
    _host(cluster, machine).unplug()


def plug(cluster: Cluster, machine: str) -> None:
    """Undo `unplug`."""
    _host(cluster, machine).plug()


def freeze(cluster: Cluster, machine: str) -> None:
    """Stop all processes of a node at once, its pods' too; its kernel still answers ARP for its own address and forwards."""
    frozen = _node(cluster, machine)
    frozen.group.freeze()
    if frozen.tainted:
        processes.send(_control_plane(cluster), signal.SIGSTOP)


def thaw(cluster: Cluster, machine: str) -> None:
    """Undo `freeze`."""
    frozen = _node(cluster, machine)
    frozen.group.thaw()
    if frozen.tainted:
        processes.send(_control_plane(cluster), signal.SIGCONT)


def off(cluster: Cluster, machine: str) -> None:
    """Switch a node off as a power cut does: processes, kernel state and carrier are gone, its disk stays."""
    node = _node(cluster, machine)
    node.stop()
    node.host.ip("link", "del", "eth0")  # at once: a namespace goes in the kernel's own time
    cluster.network.remove(machine)


def on(cluster: Cluster, machine: str) -> None:
    """Undo `off`; the node has its MAC and its disk again and starts as any machine does."""
    node = _node(cluster, machine)
    if not node.host.path.exists():
        site.build_node(cluster.network, node.host, node.number)
        nodes.connect([node], cluster.nodes)
        if node.tainted:
            cluster.control_plane.start()
    if not node.is_on():
        node.start()


def kill(cluster: Cluster, process: str, node: str) -> None:
    """SIGKILL a process on a node; kubelet or the node starts it again, a program of the control plane stays away."""
    processes.send(find(cluster, process, node), signal.SIGKILL)


def stop(cluster: Cluster, process: str, node: str) -> None:
    """Ask a process on a node to end (SIGTERM), as kubelet asks a container's first process."""
    processes.send(_first(find(cluster, process, node)), signal.SIGTERM)


def pause(cluster: Cluster, process: str, node: str) -> None:
    """Make a process on a node stand still (SIGSTOP): its sockets stay open, nobody reads them."""
    processes.send(find(cluster, process, node), signal.SIGSTOP)


def resume(cluster: Cluster, process: str, node: str) -> None:
    """Undo `pause`."""
    processes.send(find(cluster, process, node), signal.SIGCONT)


def find(cluster: Cluster, process: str, node: str) -> frozenset[int]:
    """The machine's process ids of what a word means on a node. Raises `NoSuchTargetError`.

    It is a node's daemon (kubelet, containerd, kube-proxy), a program of the control plane (on cp), or every container whose
    own or pod's name contains the word.
    """
    machine = _node(cluster, node)
    containers = machine.containers()
    found = machine.daemon(process) if process in nodes.DAEMONS else frozenset[int]()
    if machine.tainted and process in PROGRAMS:
        found = cluster.control_plane.pids(process)
    for container in containers:
        if process in container.name or process in container.pod:
            found |= container.processes
    if not found:
        programs = PROGRAMS if machine.tainted else ()
        there = [*nodes.DAEMONS, *programs, *(f"{each.pod} ({each.name})" for each in containers)]
        raise NoSuchTargetError(f"nothing called {process!r} runs on {node}; there are {', '.join(there)}")
    return found


def api_server_stop(cluster: Cluster) -> None:
    """End the API server; its connections are closed, new ones are refused."""
    cluster.control_plane.end_program(API_SERVER)


def api_server_start(cluster: Cluster) -> None:
    """Undo `stop`; returns when the API server is ready."""
    if not cluster.control_plane.pids(API_SERVER):
        cluster.control_plane.start_program(API_SERVER)
    cluster.control_plane.wait_until_ready()


def api_server_pause(cluster: Cluster) -> None:
    """Make the API server stand still: connections stay open and are accepted, nothing is answered."""
    cluster.control_plane.signal(API_SERVER, signal.SIGSTOP)


def api_server_resume(cluster: Cluster) -> None:
    """Undo `pause`; returns when the API server is ready."""
    cluster.control_plane.signal(API_SERVER, signal.SIGCONT)
    cluster.control_plane.wait_until_ready()


def api_server_cut(cluster: Cluster) -> None:
    """Cut the API server off silently: packets to it vanish, but on its own host it can still be asked."""
    cluster.site.control_plane.cut()


def api_server_heal(cluster: Cluster) -> None:
    """Undo `cut`."""
    cluster.site.control_plane.heal()


API_SERVER_VERBS = {
    "stop": api_server_stop,
    "start": api_server_start,
    "pause": api_server_pause,
    "resume": api_server_resume,
    "cut": api_server_cut,
    "heal": api_server_heal,
}


def undo(cluster: Cluster) -> None:
    """Take back every fault and return when every node is Ready, every pod as well."""
    for node in cluster.nodes:
        on(cluster, node.name)
        thaw(cluster, node.name)
        processes.send(node.group.processes(), signal.SIGCONT)
        node.host.plug()
        node.host.heal()
    for host in (cluster.client, cluster.site.router, cluster.remote):
        host.plug()
        host.heal()
    plane = cluster.control_plane
    for program in PROGRAMS:
        if not plane.pids(program):
            plane.start_program(program)
    plane.wait_until_ready()
    cluster.wait_for_nodes()
    until(lambda: _require_pods_ready(cluster), what="all pods to be Ready", timeout=120)


def _require_pods_ready(cluster: Cluster) -> None:
    waiting = [item["metadata"]["name"] for item in cluster.get("/api/v1/pods")["items"] if not _is_ready(item)]
    require(not waiting, f"not Ready: {', '.join(waiting)}")


def _is_ready(pod: Any) -> bool:
    if pod["status"].get("phase") in ("Succeeded", "Failed"):
        return True
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))


def _host(cluster: Cluster, machine: str) -> Host:
    hosts = {host.name: host for host in cluster.site.hosts()}
    if machine not in hosts:
        raise NoSuchTargetError(f"no machine is called {machine!r}; there are {', '.join(hosts)}")
    return hosts[machine]


def _node(cluster: Cluster, name: str) -> Node:
    try:
        return cluster.node(name)
    except LookupError as unknown:
        raise NoSuchTargetError(str(unknown)) from None


def _control_plane(cluster: Cluster) -> frozenset[int]:
    return frozenset().union(*(cluster.control_plane.pids(program) for program in PROGRAMS))


def _first(pids: frozenset[int]) -> frozenset[int]:
    """Of a container's processes the one that is PID 1 in it; daemons of a node have no such one."""
    return frozenset(pid for pid in pids if processes.ids(pid)[-1:] == (1,)) or pids
