"""The main job as a story: the quick start on a real cluster, each step as the command a user would type and its real output.

Then the node that answers for the address is cut off, and in the end there are the times. Commands are run from the root of
the repository, as the quick start says.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import click

from deploy.render import from_nodes, render
from lab.cluster import Cluster
from lab.network import CommandError, Host
from lab.node import SOURCE
from lab.wait import require, until

WELCOME = "Welcome to nginx!"
OPENELB = "openelb-system"
# A page that does not come within this time is not coming from a node that is there.
PATIENCE = 0.3


@dataclass(slots=True)
class Summary:
    """What the demo measured, in seconds."""

    address: str = ""
    to_address: float = 0.0
    to_page: float = 0.0
    gap: float = 0.0
    lost: str = ""
    owner: str = ""

    def lines(self) -> list[str]:
        return [
            f"address of Service nginx            {self.address}",
            f"from create to address              {self.to_address:.2f} s",
            f"from create to the first page       {self.to_page:.2f} s",
            f"page gone after {self.lost} was cut off     {self.gap:.2f} s, then served by way of {self.owner}",
        ]


def tell(cluster: Cluster) -> Summary:
    """Run the story on a cluster that is up. Raises `WaitError` or `CommandError` where it does not go as it should."""
    summary = Summary()
    _say("Install OpenELB: the manager with two replicas, and a speaker on every node.")
    _install(cluster)
    for workload in ("deployment/openelb-manager", "daemonset/openelb-speaker"):
        cluster.rolled_out(workload, namespace=OPENELB)
    _kubectl(cluster, f"-n {OPENELB} get pods -o wide", columns=7)

    _say("A pool of addresses of the LAN, and a web server that wants one of them.")
    _kubectl(cluster, "apply -f examples/quickstart/eip.yaml")
    _kubectl(cluster, "get eip")
    _kubectl(cluster, "apply -f examples/quickstart/nginx.yaml")
    created = time.monotonic()
    summary.address = until(lambda: address_of(cluster, "nginx"), what="an EXTERNAL-IP for Service nginx", every=0.01)
    summary.to_address = time.monotonic() - created
    _kubectl(cluster, "get svc nginx")

    _say("A client on the LAN, outside the cluster, opens the page.")
    until(lambda: _page(cluster.client, summary.address), what="the first page", every=0.02)
    summary.to_page = time.monotonic() - created
    _curl(cluster.client, summary.address)
    _kubectl(cluster, "get eip")

    _say("Who answers for the address, and why?")
    summary.lost = owner_of(cluster, summary.address)
    _apart(cluster, summary.lost)
    _explain(cluster)

    _say(f"Now {summary.lost} is cut off from the network, silently: its link stays up, nothing goes through.")
    summary.gap = _cut(cluster, summary)
    _curl(cluster.client, summary.address)
    _explain(cluster)
    return summary


def _install(cluster: Cluster) -> None:
    if cluster.source is None:
        _kubectl(cluster, "apply -f deploy/openelb.yaml", brief=True)
        return
    click.echo(f"(pods run {cluster.source} in place of the image's package)")
    cluster.apply(from_nodes(render(), str(SOURCE)))


def address_of(cluster: Cluster, service: str, *, namespace: str = "default") -> str:
    """The EXTERNAL-IP of a Service. Raises `NotYetError` with its conditions while it has none."""
    status = cluster.get(f"/api/v1/namespaces/{namespace}/services/{service}")["status"]
    ingress = status["loadBalancer"].get("ingress")
    require(
        ingress, "; ".join(each["message"] for each in status.get("conditions", ())) or "the manager has said nothing"
    )
    return str(ingress[0]["ip"])


def owner_of(cluster: Cluster, address: str) -> str:
    """The node that answers ARP for an address, asked by the client on the LAN."""
    nodes = {each.host.mac(): each.name for each in cluster.nodes}

    def ask() -> str:
        answered = {nodes.get(mac, mac) for mac in cluster.client.who_has(address)}
        require(len(answered) == 1, f"answered by {', '.join(sorted(answered)) or 'nobody'}")
        return answered.pop()

    return until(ask, what=f"one node to answer for {address}")


def _apart(cluster: Cluster, owner: str) -> None:
    """Have the pod on another node than the one to be cut off: what is shown is the load balancer, not the scheduler."""
    place = cluster.kubectl("get", "pods", "-l", "app=nginx", "-o", "jsonpath={.items[0].spec.nodeName}")
    if place != owner:
        return
    _say(
        f"The pod runs on {owner} as well. It is moved, so that what is lost is the node that answers, not the web server."
    )
    _kubectl(cluster, f"cordon {owner}")
    _kubectl(cluster, "rollout restart deployment/nginx")
    cluster.rolled_out("deployment/nginx")
    _kubectl(cluster, f"uncordon {owner}")


def _cut(cluster: Cluster, summary: Summary) -> float:
    """Cut the owner off and return the seconds until the page is back for a client that asks all the time."""
    until(lambda: _page(cluster.client, summary.address), what="the page before the cut")
    click.secho(f"$ # {summary.lost}: link cut", bold=True)
    cut = time.monotonic()
    cluster.node(summary.lost).host.cut()
    until(lambda: _page(cluster.client, summary.address), what="the page after the cut", every=0.02)
    gap = time.monotonic() - cut
    summary.owner = owner_of(cluster, summary.address)
    click.echo(f"the page is back after {gap:.2f} s")
    return gap


def _page(client: Host, address: str) -> None:
    page = client.get(f"http://{address}/", timeout=PATIENCE)
    require(WELCOME in page, f"another page: {page[:80]!r}")


def _curl(client: Host, address: str) -> None:
    command = ["curl", "--silent", "--show-error", "--max-time", "5", f"http://{address}/"]
    page = _run(f"curl -s http://{address}/ | grep title", lambda: client.run(command))
    click.echo("\n".join(line for line in page.splitlines() if "<title>" in line))


def _explain(cluster: Cluster) -> None:
    _kubectl(cluster, f"-n {OPENELB} exec deploy/openelb-manager -- openelb explain service default/nginx")


def _kubectl(cluster: Cluster, arguments: str, *, brief: bool = False, columns: int = 0) -> None:
    text = _run(f"kubectl {arguments}", lambda: cluster.kubectl(*arguments.split()))
    lines = text.rstrip().splitlines()
    if columns:
        lines = ["".join(re.findall(r"\S+\s*", line)[:columns]).rstrip() for line in lines]
    if brief and len(lines) > 4:
        lines = [*lines[:3], f"… and {len(lines) - 3} more objects"]
    click.echo("\n".join(lines))


def _run(shown: str, command: Callable[[], str]) -> str:
    click.secho(f"$ {shown}", bold=True)
    try:
        return command()
    except CommandError as error:
        click.echo(error.wrote)
        raise


def _say(sentence: str) -> None:
    click.echo()
    click.secho(sentence, fg="cyan")
