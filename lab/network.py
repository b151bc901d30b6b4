"""Hosts and switches as network namespaces: a LAN on one machine, with faults that can be undone.

The kernel is the only record: a second process with the same prefix finds every host, cuts it off and heals it. A switch is
a namespace of its own, so the machine's own namespace never gets a link, an address or a route of the lab. Nothing here
knows Kubernetes.
"""

import contextlib
import ctypes
import hashlib
import http.client
import json
import re
import subprocess
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from lab import arp, ndp, processes
from lab.wait import require, until

NAMESPACES = Path("/run/netns")
BRIDGE = "br0"
_COME_OFF = "br1"
# No spanning tree and no delay, so that a port forwards at once; no snooping, so that multicast goes everywhere.
_FORWARDS_AT_ONCE = ("forward_delay", "0", "stp_state", "0", "mcast_snooping", "0")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

# A new namespace inherits IPv4 settings from whatever the machine has. These make every host of the lab the same: what
# systemd sets at boot on Debian and Ubuntu (rp_filter) and the kernel's own defaults (ARP), which are the least kind to us.
_SETTINGS = {
    "net/ipv4/conf/all/rp_filter": "2",
    "net/ipv4/conf/default/rp_filter": "2",
    "net/ipv4/conf/all/arp_ignore": "0",
    "net/ipv4/conf/default/arp_ignore": "0",
    "net/ipv4/conf/all/arp_announce": "0",
    "net/ipv4/conf/default/arp_announce": "0",
}


class CommandError(OSError):
    """A program of the lab ended badly; the sentence has the command and what it wrote last."""

    def __init__(self, command: Sequence[str], code: int, wrote: str) -> None:
        super().__init__(f"{' '.join(command)}: exit {code}: {wrote.strip()[-2000:]}")
        self.code = code
        self.wrote = wrote


def run(command: Sequence[str], *, stdin: str | None = None, timeout: float = 60.0) -> str:
    """What the program writes to its standard output. Raises `CommandError`; `timeout` in seconds."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        raise CommandError(command, -1, f"no end after {timeout:g} s") from late
    if done.returncode:
        raise CommandError(command, done.returncode, done.stderr or done.stdout)
    return done.stdout


@dataclass(frozen=True, slots=True)
class Switch:
    """An unmanaged Ethernet switch: a bridge in a namespace that has no address of its own."""

    prefix: str
    name: str

    @property
    def netns(self) -> str:
        return f"{self.prefix}-{self.name}"

    def ip(self, *args: str) -> str:
        return run(["ip", "-n", self.netns, *args])


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the lab: a namespace `<prefix>-<name>`. The value may name a host that is not up."""

    prefix: str
    name: str

    @property
    def netns(self) -> str:
        return f"{self.prefix}-{self.name}"

    @property
    def path(self) -> Path:
        """The file that keeps the namespace; it exists while the host is up."""
        return NAMESPACES / self.netns

    def run(self, command: Sequence[str], *, stdin: str | None = None, timeout: float = 60.0) -> str:
        """Run a program on this host to its end and return its standard output. Raises `CommandError`."""
        return run(["ip", "netns", "exec", self.netns, *command], stdin=stdin, timeout=timeout)

    def popen(
        self, command: Sequence[str], *, log: IO[bytes] | None = None, env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program on this host, in a session of its own: Ctrl-C in the terminal reaches the lab first, not it."""
        out = subprocess.DEVNULL if log is None else log
        # `ip netns exec` gives it the host's /sys; it is forked on the host already, so that no clearing up can miss it.
        with self.inside():
            return subprocess.Popen(
                ["ip", "netns", "exec", self.netns, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=env,
                start_new_session=True,
            )

    def start(self, command: Sequence[str], *, log: Path) -> None:
        """Start a program that outlives the caller; what it writes is added to the log."""
        with open(log, "ab") as out:
            self.popen(["setsid", "--fork", *command], log=out).wait()

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Put the calling thread on this host: sockets made in the block stay on the host for good.

        Never await in the block: other tasks of the thread would find themselves on the host.
        """
        with open("/proc/thread-self/ns/net") as home, open(self.path) as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def attach(self, switch: Switch, interface: str, *addresses: str) -> None:
        """Plug an interface into the switch, with addresses like `10.79.0.11/24`; the same interface has the same MAC.

        IPv6 addresses are used at once, without a second of probing whether another host has them.
        """
        port = _port(self.name, interface)
        cable = (
            f"link add {interface} address {_mac(port)} netns {self.netns} type veth peer {port} netns {switch.netns}"
        )
        run(["ip", *cable.split()])
        switch.ip("link", "set", port, "master", BRIDGE, "up")
        # The alias is how `cut` and `heal` of another process know the switch.
        lines = [f"link set {interface} alias {switch.name} up", *(_addition(a, interface) for a in addresses)]
        run(["ip", "-n", self.netns, "-batch", "-"], stdin="\n".join(lines))

    def route(self, destination: str, via: str) -> None:
        """Add a route; the destination is `default` or a prefix."""
        self.ip("route", "replace", destination, "via", via)

    def forward(self) -> None:
        """Make this host a router, as every Kubernetes node is one for its pods."""
        self.write_settings({"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"})

    def write_settings(self, settings: dict[str, str]) -> None:
        """Write files under /proc/sys as this host sees them."""
        with self.inside():
            for name, value in settings.items():
                Path("/proc/sys", name).write_text(value)

    def ip(self, *args: str) -> str:
        """`ip ARGS` on this host."""
        return run(["ip", "-n", self.netns, *args])

    def mac(self, interface: str = "eth0") -> str:
        return str(self._link(interface)["address"])

    def address(self, interface: str = "eth0") -> str:
        """The first IPv4 address of the interface, without its prefix length. Raises `LookupError` when there is none."""
        (link,) = json.loads(self.ip("-j", "-4", "addr", "show", "dev", interface)) or [{}]
        for address in link.get("addr_info", []):
            return str(address["local"])
        raise LookupError(f"{self.name} has no IPv4 address on {interface}")

    def cut(self, interface: str = "eth0") -> None:
        """Cut the cable without a trace: the carrier stays, frames vanish in both directions."""
        self._switch(interface).ip("link", "set", _port(self.name, interface), "nomaster")

    def part(self, interface: str = "eth0") -> None:
        """Put the host behind a part of the switch that has come off: it reaches those there, and none of the others."""
        switch = self._switch(interface)
        with contextlib.suppress(CommandError):  # it has come off already
            switch.ip("link", "add", _COME_OFF, "up", "type", "bridge", *_FORWARDS_AT_ONCE)
        switch.ip("link", "set", _port(self.name, interface), "master", _COME_OFF)

    def heal(self, interface: str = "eth0") -> None:
        """Undo `cut` and `part`."""
        self._switch(interface).ip("link", "set", _port(self.name, interface), "master", BRIDGE)

    def unplug(self, interface: str = "eth0") -> None:
        """Pull the plug at the switch: the host sees that its carrier is lost."""
        self._switch(interface).ip("link", "set", _port(self.name, interface), "down")

    def plug(self, interface: str = "eth0") -> None:
        """Undo `unplug`. Returns when the host has its carrier again."""
        self._switch(interface).ip("link", "set", _port(self.name, interface), "up")
        until(
            lambda: require(self._link(interface)["operstate"] == "UP", "the carrier is down"),
            what=f"the carrier of {interface} on {self.name}",
            timeout=10,
            every=0.01,
        )

    def forget_neighbours(self, only: str = "") -> None:
        """Empty the neighbour cache, or forget one address: a warm one reaches a node that answers no question any more.

        Datagrams that wait for the answer to a question are lost with the entry they wait for: who counts what others
        lose names the one to forget.
        """
        self.ip("neigh", "flush", *(("to", only) if only else ("all",)))

    def who_has(
        self, address: str, *, interface: str = "eth0", within: float = 0.3, probe: bool = False
    ) -> frozenset[str]:
        """The MACs that answer a raw question for the address, by ARP or by neighbour discovery, within so many seconds.

        `probe` asks without a sender's address (RFC 5227, section 2.1.1; RFC 4862, section 5.4.2), so that nobody's cache
        learns from the question.
        """
        with self.inside():
            if ":" in address:
                return ndp.ask(interface, address, sender="::" if probe else None, within=within)
            sender = "0.0.0.0" if probe else self.address(interface)
            return arp.ask(interface, address, sender=sender, within=within)

    def get(self, url: str, *, timeout: float = 2.0) -> str:
        """The page at an http URL, asked for on a fresh connection from this host.

        Raises `OSError` when there is no answer within so many seconds or when it is not 200.
        """
        where = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port or 80, timeout=timeout)
        with self.inside(), contextlib.closing(connection):
            try:
                connection.request("GET", where.path or "/")
                answer = connection.getresponse()
                page = answer.read().decode(errors="replace")
            except http.client.HTTPException as broken:
                raise ConnectionError(f"{url}: {broken!r}") from broken
        if answer.status != http.HTTPStatus.OK:
            raise ConnectionError(f"{url} answered {answer.status} {answer.reason}")
        return page

    def _link(self, interface: str) -> dict[str, Any]:
        (link,) = json.loads(self.ip("-j", "link", "show", "dev", interface))
        return dict(link)

    def _switch(self, interface: str) -> Switch:
        return Switch(self.prefix, self._link(interface)["ifalias"])


class Network:
    """All hosts and switches of one prefix. As a context manager it clears what a crashed run of the prefix left, and at
    the end ends every program on its hosts and removes them."""

    def __init__(self, prefix: str = "elb") -> None:
        # Without a dash, so that the namespaces of one prefix never begin like those of another.
        if not re.fullmatch(r"[a-z][a-z0-9]{0,15}", prefix):
            raise ValueError(
                f"a lab's prefix is a small letter, then up to 15 small letters and digits, not {prefix!r}"
            )
        self.prefix = prefix

    def __enter__(self) -> "Network":
        self.remove()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def switch(self, name: str) -> Switch:
        """Put up a switch."""
        switch = Switch(self.prefix, name)
        run(["ip", "netns", "add", switch.netns])
        # A switch is no host: without IPv6 of its own it neither asks nor answers anything on the link.
        Host(self.prefix, name).write_settings({"net/ipv6/conf/default/disable_ipv6": "1"})
        switch.ip("link", "add", BRIDGE, "up", "type", "bridge", *_FORWARDS_AT_ONCE)
        return switch

    def host(self, name: str) -> Host:
        """Put up a host; only its loopback is there until it is attached to a switch."""
        host = Host(self.prefix, name)
        run(["ip", "netns", "add", host.netns])
        host.ip("link", "set", "lo", "up")
        host.write_settings(_SETTINGS)
        return host

    def names(self) -> list[str]:
        """The names of all hosts and switches that are up, in alphabetical order."""
        return sorted(path.name.removeprefix(f"{self.prefix}-") for path in NAMESPACES.glob(f"{self.prefix}-*"))

    def remove(self, *names: str) -> None:
        """End every program on these hosts and remove them: all hosts and switches when none is named."""
        paths = [NAMESPACES / f"{self.prefix}-{name}" for name in names or self.names()]
        if not paths:
            return
        processes.end(lambda: processes.in_namespaces(paths), f"the programs in the namespaces {self.prefix}-*")
        run(["ip", "-batch", "-"], stdin="\n".join(f"netns del {path.name}" for path in paths))


def stale_prefixes(stem: str) -> frozenset[str]:
    """The prefixes `<stem><pid>…` of namespaces whose process is gone: runs that could not clear up after themselves."""
    found = (re.match(rf"({stem}(\d+)[a-z]*)-", path.name) for path in NAMESPACES.glob(f"{stem}*"))
    return frozenset(match[1] for match in found if match and not Path("/proc", match[2]).exists())


def _addition(address: str, interface: str) -> str:
    return f"addr add {address} dev {interface}{' nodad' if ':' in address else ''}"


def _port(host: str, interface: str) -> str:
    """The name of the switch's end of the cable; the kernel allows 15 bytes."""
    return f"{host}-{interface}"


def _mac(port: str) -> str:
    """A locally administered MAC: a NIC keeps its address while its host is off."""
    return (b"\x02" + hashlib.sha256(port.encode()).digest()[:5]).hex(":")


def _enter(namespace: int) -> None:
    # Python 3.11 has no os.setns. It moves the calling thread only.
    if _libc.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns: the lab needs root")
