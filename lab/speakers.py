"""Nodes that run nothing but a speaker, beside an API server: failover without kubelets, so that it can be had many times.

Addresses of Services are local on every node, and no kernel answers ARP for them: as with kube-proxy, traffic works on
whichever node it comes to, and only the speakers say which one that is. A node is a value and what happens to it are its verbs.
"""

import contextlib
import json
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lab import processes, site
from lab.asking import Answers, questions
from lab.controlplane import ControlPlane
from lab.network import Host, Network
from lab.wait import require, until

POOL = "speakers"
RANGE, FURTHER = f"{site.LAN}.160/27", "10.101.0.0/16"
"""The addresses of the pool that is there, and those that further pools may have; the hosts of the site have others."""
SETTLED = 0.5
"""Seconds in which one node alone has answered every question: by then the others have heard of it."""

AT_ONCE = 1000
"""Services that are made by one call of kubectl: it makes some fifty in a second."""

DRAINED = "openelb.io/drained"

_HEALTH = "http://127.0.0.1:50053"
_GROUP = "network.kubesphere.io/v1alpha2"
_OPTED_IN = {"lb.kubesphere.io/v1alpha1": "openelb"}


@dataclass(frozen=True, slots=True)
class Program:
    """How a program of ours is started: the words before `speaker` or `controller`, and a directory of its own, by the path
    that it has here and the one that it has for the program.
    """

    words: tuple[str, ...]
    directory: Path
    seen: str = ""

    def path(self, name: str) -> str:
        """That of a file in the directory, as the program sees it."""
        return f"{self.seen or self.directory}/{name}"


@dataclass(slots=True)
class SpeakerNode:
    """A node and its speaker."""

    host: Host
    program: Program
    options: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its speaker finds in its environment besides."""
    before: tuple[str, ...] = ()
    """Words before the command, such as a program that starts another one."""
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def log(self) -> Path:
        """What its speaker writes."""
        return self.program.directory / f"{self.name}.log"

    @property
    def state(self) -> Path:
        """Where its speaker keeps what it announces; gone with the machine."""
        return self.program.directory / f"state-{self.name}"

    # The speaker.

    def start(self) -> None:
        """Start the speaker."""
        self.state.mkdir(exist_ok=True)
        words, given = self.program.words, [f"{name}={value}" for name, value in self.environment.items()]
        options = (
            "--node-name",
            self.name,
            "--state-file",
            self.program.path(f"state-{self.name}/state"),
            "--gobgpd-socket",
            self.program.path(f"state-{self.name}/gobgpd/socket"),
            *self.options,
        )
        with open(self.log, "ab") as log:
            self.process = self.host.popen([*self.before, *_with(words, given), "speaker", *options], log=log)

    def kill(self) -> None:
        """SIGKILL the speaker."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the speaker to end, as kubelet does, and return when it has."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Make all processes of the node stand still; its kernel goes on."""
        processes.send(processes.in_namespaces([self.host.path]), signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        processes.send(processes.in_namespaces([self.host.path]), signal.SIGCONT)

    # The machine.

    def crash(self) -> None:
        """Take the machine away with all that it had in memory."""
        self.host.unplug()
        self.kill()
        shutil.rmtree(self.state, ignore_errors=True)

    def boot(self) -> None:
        """Undo `crash`."""
        self.host.plug()
        self.start()

    def mend(self) -> None:
        """Undo whatever was done to it."""
        self.resume()
        self.host.heal()
        self.host.plug()
        if self.process is None or self.process.poll() is not None:
            self.start()

    def require_all_alive(self, count: int) -> None:
        """Look whether its speaker holds so many speakers to be alive."""
        seen = self._figure("openelb_speakers_alive")
        require(seen == count, f"{self.name} holds {seen} of {count} speakers to be alive")

    def announced(self) -> int:
        """For how many addresses its speaker answers. Raises OSError where it does not run."""
        return self._figure('openelb_announced_addresses{interface="eth0"}')

    def latest(self) -> float:
        """By how many seconds a heartbeat of its speaker was late at most, since this was asked last."""
        return self._value("openelb_heartbeats_latest_seconds")

    def gateway_up(self) -> bool:
        """Whether its speaker has heard its gateway answer, of late as well. Raises OSError where it does not run."""
        return self._figure('openelb_gateway_up{interface="eth0"}') == 1

    def _figure(self, name: str) -> int:
        return int(self._value(name))

    def _value(self, name: str) -> float:
        lines = self.host.get(f"{_HEALTH}/metrics").splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            processes.send(processes.in_namespaces([self.host.path]), signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None


@dataclass(slots=True)
class Speakers:
    """All nodes, and the client on their LAN."""

    plane: ControlPlane
    client: Host
    nodes: tuple[SpeakerNode, ...]

    def node(self, name: str) -> SpeakerNode:
        """The node of that name."""
        return next(node for node in self.nodes if node.name == name)

    def names(self) -> dict[str, str]:
        """The nodes' names by their MACs."""
        return {node.host.mac(): node.name for node in self.nodes}

    def mend(self) -> None:
        """Undo whatever was done to nodes and client, and return when every speaker holds all to be alive."""
        self.client.heal()
        self.client.plug()
        for node in self.nodes:
            node.mend()
        self.all_alive()

    def all_alive(self, *, timeout: float = 60.0) -> None:
        """Return when every speaker holds all of them to be alive."""
        for node in self.nodes:
            until(
                partial(node.require_all_alive, len(self.nodes)),
                what=f"{node.name} to see all of them",
                timeout=timeout,
            )

    def questions(
        self, address: str, *, client: Host, every: float = 0.01
    ) -> contextlib.AbstractContextManager[Answers]:
        """Ask all the time who has the address."""
        return questions(client, address, self.names(), every=every)

    def knows(self, address: str, client: Host) -> str:
        """The node that a client's kernel holds to have the address; what it knows, where that is none."""
        found = json.loads(client.ip("-j", "neigh", "show", address, "dev", "eth0"))
        mac = str(found[0].get("lladdr", found[0]["state"])) if found else "nothing"
        return self.names().get(mac, mac)

    # The cluster.

    def pool(self, name: str, addresses: str, **layer2: object) -> None:
        """Make an Eip, or change it."""
        spec = {"address": addresses, "protocol": "layer2", "interface": "eth0", "layer2": layer2}
        self._apply([_object(_GROUP, "Eip", name, {}, spec)])

    def serve(self, addresses: Sequence[str], pool: str = POOL) -> None:
        """Make a Service for each address, and return when all show theirs."""
        for first in range(0, len(addresses), AT_ONCE):
            self._apply([_service(address, pool) for address in addresses[first : first + AT_ONCE]])
        until(lambda: self._require_shown(addresses), what=f"{len(addresses)} addresses", timeout=120, every=0.2)

    def cordon(self, node: str, *, cordoned: bool) -> None:
        """Cordon a node, or take that back."""
        self.plane.kubectl("cordon" if cordoned else "uncordon", node)

    def drain(self, node: str, *, drained: bool) -> None:
        """Say of a node that it is drained, or take that back."""
        self.plane.kubectl("annotate", "--overwrite", "node", node, f"{DRAINED}=true" if drained else f"{DRAINED}-")

    def _apply(self, objects: Sequence[Mapping[str, object]]) -> None:
        self.plane.kubectl("apply", "-f", "-", stdin=_list(objects), timeout=300)

    def _require_shown(self, addresses: Sequence[str]) -> None:
        found = self.plane.read_json("/api/v1/namespaces/default/services")["items"]
        shown = {each["ip"] for item in found for each in item["status"].get("loadBalancer", {}).get("ingress", [])}
        missing = [address for address in addresses if address not in shown]
        require(not missing, f"{len(missing)} are not shown, such as {missing[:1]}")


@contextlib.contextmanager
def speakers(
    network: Network,
    plane: ControlPlane,
    manager: Program,
    speaker: Program,
    *,
    count: int,
    options: Sequence[str] = (),
) -> Iterator[Speakers]:
    """Put up so many nodes on the LAN of a site without any, with a speaker on each, which has these options besides, and a
    manager beside the API server.

    Our manifest is there already, and so are the directories of the programs.
    """
    found = site.hosts(network.prefix, workers=count)
    with contextlib.ExitStack() as stack:
        stack.callback(_remove, network, [host.name for host in found.nodes])
        for number, host in enumerate(found.nodes, start=1):
            site.build_node(network, host, number)
            _have_addresses(host)
        found.client.ip("route", "replace", FURTHER, "dev", "eth0")
        given = ("--daemon-set", "openelb-speaker", *_heartbeats(speaker), *options)
        there = Speakers(plane, found.client, tuple(SpeakerNode(host, speaker, given) for host in found.nodes))
        plane.kubectl("apply", "-f", "-", stdin=_list([_node(node.name) for node in there.nodes]))
        with open(manager.directory / "manager.log", "ab") as log:
            words = [*manager.words, "controller", "--webhook-addr", "", "--metrics-addr", "", "--identity", "lab"]
            leader = plane.host.popen(words, log=log)
        stack.callback(_kill, leader)
        for node in there.nodes:
            stack.callback(node.kill)
            node.start()
        there.pool(POOL, RANGE)
        there.all_alive()
        yield there


def settled(answers: Answers, *, timeout: float = 30.0) -> str:
    """The node that alone has answered of late; waits until there is one."""

    def look() -> str:
        last = answers.since(time.monotonic() - SETTLED)
        owners = frozenset(each.by for each in last)
        require(len(owners) == 1 and len(last) > 1, "several nodes, or none")
        (by,) = owners
        require(len(by) == 1, f"{sorted(by)} answer")
        return next(iter(by))

    return until(look, what=f"one node to answer for {answers.address}", timeout=timeout)


def _have_addresses(host: Host) -> None:
    """As kube-proxy takes traffic for addresses of Services, which no kernel says to have or writes into questions of its own."""
    host.write_settings({"net/ipv4/conf/all/arp_ignore": "1", "net/ipv4/conf/all/arp_announce": "2"})
    for addresses in (RANGE, FURTHER):
        host.ip("route", "add", "local", addresses, "dev", "lo")


def _heartbeats(program: Program) -> tuple[str, ...]:
    """The option for a key that all speakers have."""
    keys = program.directory / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    (keys / "current").write_bytes(secrets.token_bytes(32))
    return "--heartbeat-keys", program.path("keys")


def _with(words: Sequence[str], environment: Sequence[str]) -> list[str]:
    """The words of a program with these settings after those that `env`, which is among them, gets already."""
    first = next(number for number, word in enumerate(words) if Path(word).name == "env") + 1
    place = next(number for number in range(first, len(words)) if "=" not in words[number])
    return [*words[:place], *environment, *words[place:]]


def _remove(network: Network, names: Sequence[str]) -> None:
    network.remove(*names)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _node(name: str) -> dict[str, object]:
    return _object("v1", "Node", name, {}, {}, labels={"kubernetes.io/hostname": name})


def _service(address: str, pool: str) -> dict[str, object]:
    annotations = {
        **_OPTED_IN,
        "eip.openelb.kubesphere.io/v1alpha2": pool,
        "eip.openelb.kubesphere.io/v1alpha1": address,
    }
    spec = {
        "type": "LoadBalancer",
        "selector": {"app": "web"},
        "ports": [{"port": 80}],
        "allocateLoadBalancerNodePorts": False,
    }
    return _object("v1", "Service", f"web-{address.replace('.', '-')}", annotations, spec)


def _object(
    version: str, kind: str, name: str, annotations: Mapping[str, str], spec: Mapping[str, Any], **metadata: object
) -> dict[str, object]:
    of = {"name": name, "annotations": dict(annotations), **metadata}
    return {"apiVersion": version, "kind": kind, "metadata": of, "spec": dict(spec)}


def _list(objects: Sequence[Mapping[str, object]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
