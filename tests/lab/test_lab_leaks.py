"""Nothing of a lab is ever in the machine's own network namespace."""

import subprocess
from pathlib import Path

from lab.network import Network
from lab.site import build


def machine() -> dict[str, str]:
    """What the machine's own namespace has, as text that does not change by itself."""
    return {
        "links": ip("-brief", "link"),
        "addresses": ip("-brief", "address"),
        "routes": ip("route", "show", "table", "all") + ip("-6", "route", "show", "table", "all"),
        "rules": ip("rule") + ip("-6", "rule"),
        "forwarding": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
        "filter tables": Path("/proc/net/ip_tables_names").read_text(errors="replace")
        if Path("/proc/net/ip_tables_names").exists()
        else "",
    }


def ip(*args: str) -> str:
    return subprocess.run(["ip", *args], capture_output=True, text=True, check=True).stdout


def test_a_site_leaves_the_machine_as_it_was(network: Network) -> None:
    before = machine()
    site = build(network)
    server = site.nodes[0].popen(["python3", "-m", "http.server", "80"])
    assert machine() == before
    server.kill()
    server.wait()
    network.remove()
    assert machine() == before
