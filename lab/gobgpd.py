"""A gobgpd of its own on a host, without OpenELB: a speaker whose sessions and routes a test tells it, by the command gobgp."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.network import Host
from lab.peering import Bfd, Neighbour, Peering
from lab.wait import until

_FAMILIES = ("ipv4-unicast", "ipv6-unicast")


@dataclass(frozen=True, slots=True)
class GoBgp:
    """A gobgpd that runs on a host."""

    host: Host
    binaries: Path
    process: "subprocess.Popen[bytes]"

    def ask(self, *words: str) -> str:
        """What the command gobgp answers."""
        return self.host.run([str(self.binaries / "gobgp"), *words])

    def announce(self, prefix: str, next_hop: str, *attributes: str) -> None:
        """Announce a prefix; attributes are gobgp's own words, such as ``med 7`` or ``community 64001:7``."""
        words = " ".join(attributes).split()
        self.ask("global", "rib", "-a", _family(prefix), "add", prefix, "nexthop", next_hop, *words)

    def withdraw(self, prefix: str) -> None:
        """Announce a prefix no more."""
        self.ask("global", "rib", "-a", _family(prefix), "del", prefix)

    def neighbours(self) -> list[dict[str, Any]]:
        """All that it says of its neighbours."""
        return list(json.loads(self.ask("--json", "neighbor")))

    def kill(self) -> None:
        """SIGKILL it."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, which it tells its neighbours, and return when it has."""
        self.process.terminate()
        self.process.wait(timeout=30)


def start(host: Host, binaries: Path, told: Peering, directory: Path, *options: str, restart_time: int = 0) -> GoBgp:
    """Start gobgpd on a host and return it when it takes commands. Its settings and its log are in the directory.

    Neighbours keep its routes for so many seconds of `restart_time` when it is killed (RFC 4724); ``-r`` among the options
    says that it follows one to which that happened.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / f"{host.name}.json"
    config.write_text(json.dumps(settings(told, restart_time), indent=2))
    command = [str(binaries / "gobgpd"), "-t", "json", "-f", str(config), "--api-hosts", "127.0.0.1:50051"]
    with open(directory / f"{host.name}.log", "ab") as log:
        process = host.popen([*command, "--pprof-disable", *options], log=log)
    speaker = GoBgp(host, binaries, process)
    try:
        until(lambda: speaker.ask("global"), what=f"gobgpd on {host.name}", timeout=30, every=0.02)
    except BaseException:
        speaker.kill()
        raise
    return speaker


def settings(told: Peering, restart_time: int = 0) -> dict[str, object]:
    """gobgpd's configuration."""
    return {
        "global": {"config": {"as": told.asn, "router-id": told.router_id}},
        "neighbors": [_neighbour(each, told, restart_time) for each in told.neighbours],
    }


def _neighbour(neighbour: Neighbour, told: Peering, restart_time: int) -> dict[str, object]:
    # After a reset, as by BFD while a session begins, it would refuse its neighbour for half a minute.
    patience = {"connect-retry": 1, "idle-hold-time-after-reset": 1}
    timers = {"hold-time": told.hold, "keepalive-interval": told.keepalive, **patience}
    return {
        "config": {
            "neighbor-address": neighbour.address,
            "peer-as": neighbour.asn,
            "auth-password": neighbour.password,
        },
        "timers": {"config": timers},
        "graceful-restart": {"config": {"enabled": restart_time > 0, "restart-time": restart_time}},
        "afi-safis": [_family_settings(name, neighbour, restart_time) for name in _FAMILIES],
        **({"bfd": _bfd(neighbour.bfd)} if neighbour.bfd else {}),
    }


def _family_settings(name: str, neighbour: Neighbour, restart_time: int) -> dict[str, object]:
    several = {"add-paths": {"config": {"receive": True, "send-max": 8}}} if neighbour.add_path else {}
    return {
        "config": {"afi-safi-name": name},
        "mp-graceful-restart": {"config": {"enabled": restart_time > 0}},
        **several,
    }


def _bfd(bfd: Bfd) -> Mapping[str, object]:
    microseconds = bfd.interval * 1000
    return {
        "config": {
            "enabled": True,
            "desired-minimum-tx-interval": microseconds,
            "required-minimum-receive": microseconds,
            "detection-multiplier": bfd.multiplier,
        }
    }


def _family(prefix: str) -> str:
    return "ipv6" if ":" in prefix else "ipv4"
