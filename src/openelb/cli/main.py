"""The command line: `openelb` for people and pods, `openelb-manager` for the Deployment of that name.

Each command imports what it needs when it runs: a speaker that starts has addresses waiting for it.
"""

import logging
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from openelb import __version__
from openelb.cli.options import (
    kubeconfig,
    lb_class,
    namespace,
    option,
    output,
)
from openelb.cli.processes import controller, gobgpd, speaker
from openelb.model.cluster import ServiceKey

log = logging.getLogger(__name__)

HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=HELP)
def openelb() -> None:
    """OpenELB: addresses for Services of type LoadBalancer, announced on your network.

    Every option is also read from the environment, as OPENELB_<OPTION>; the option wins.
    """


openelb.add_command(controller)
openelb.add_command(speaker)
openelb.add_command(gobgpd)


@openelb.command()
def crds() -> None:
    """Print the CustomResourceDefinitions of this version."""
    from openelb.kube.crds import crds_yaml

    click.echo(crds_yaml(), nl=False)


@openelb.command()
def version() -> None:
    """Print the version."""
    click.echo(f"openelb {__version__}")


@openelb.command()
@kubeconfig
@namespace
@lb_class
@output
def status(kubeconfig: Path | None, namespace: str, load_balancer_class: str, output: str) -> None:
    """Show who leads, which speakers are alive, the pools, and every Service that is not served, with the reason.

    Exits with 1 when something is wrong.
    """
    from openelb.cli import views
    from openelb.cli.ending import find, run, show

    told = run(views.status(find(kubeconfig), namespace, load_balancer_class))
    show(told.text(), told, output, good=told.is_good())


dry_run = option("--dry-run", is_flag=True, help="Say which address would move where, and change nothing.")
timeout = option("--timeout", type=click.FloatRange(min=0.0), default=60.0, help="Seconds to wait until it is done.")


@openelb.command(name="drain")
@click.argument("node")
@dry_run
@timeout
@kubeconfig
@namespace
@lb_class
@output
def drain_node(node: str, **options: Any) -> None:
    """Have the other nodes announce what NODE announces, and wait until it announces nothing.

    Its addresses are answered for without a gap. Exits with 1 when it still answers for some, which no other node can.
    """
    _drain(node, drained=True, **options)


@openelb.command(name="undrain")
@click.argument("node")
@dry_run
@timeout
@kubeconfig
@namespace
@lb_class
@output
def undrain_node(node: str, **options: Any) -> None:
    """Let NODE announce again, after `openelb drain`."""
    _drain(node, drained=False, **options)


def _drain(
    node: str,
    *,
    drained: bool,
    dry_run: bool,
    timeout: float,
    kubeconfig: Path | None,
    namespace: str,
    load_balancer_class: str,
    output: str,
) -> None:
    from openelb.cli import drain
    from openelb.cli.ending import WRONG, find, run, show

    wish = drain.Wish(node, drained, dry_run, timeout, load_balancer_class)
    told = run(drain.carry_out(find(kubeconfig), namespace, wish, partial(click.echo, err=True)))
    if told is None:
        click.echo(f"there is no node {node}: look with `kubectl get nodes`", err=True)
        sys.exit(WRONG)
    show(told.text(), told, output, good=told.done)


@openelb.command()
@kubeconfig
@namespace
@output
def peers(kubeconfig: Path | None, namespace: str, output: str) -> None:
    """Show each node's session with each BGP router, and what is wrong with it.

    Exits with 1 when one is not established.
    """
    from openelb.cli import bgp
    from openelb.cli.ending import find, run, show

    told = run(bgp.peers_of(find(kubeconfig), namespace))
    show(told.text(), told, output, good=told.is_good())


@openelb.command()
@kubeconfig
@namespace
@lb_class
@output
def routes(kubeconfig: Path | None, namespace: str, load_balancer_class: str, output: str) -> None:
    """Show which prefixes each node is to announce to which BGP routers, as the cluster is.

    Exits with 1 when nobody can announce any.
    """
    from openelb.cli import bgp
    from openelb.cli.ending import find, run, show

    told = run(bgp.routes_of(find(kubeconfig), namespace, load_balancer_class))
    show(told.text(), told, output, good=not told.problem)


@openelb.group()
def explain() -> None:
    """Say why something is as it is."""


@explain.command(name="service")
@click.argument("service", metavar="NAMESPACE/NAME")
@kubeconfig
@namespace
@lb_class
@output
def explain_service(
    service: str, kubeconfig: Path | None, namespace: str, load_balancer_class: str, output: str
) -> None:
    """Say why a Service has its address or none, and why that node answers for it.

    Exits with 1 when the Service is not served or not there.
    """
    from openelb.cli import views
    from openelb.cli.ending import WRONG, find, run, show

    space, slash, name = service.rpartition("/")
    key = ServiceKey(space if slash else "default", name)
    told = run(views.explain_service(find(kubeconfig), namespace, load_balancer_class, key))
    if told is None:
        click.echo(f"there is no Service {key}: look with `kubectl get services -A`", err=True)
        sys.exit(WRONG)
    show(views.explanation_text(told), told, output, good=told.served)


def main() -> None:
    """Entry point `openelb`."""
    openelb()


def manager() -> None:
    """Entry point `openelb-manager`: KubeSphere finds an installation by a container whose command has this name."""
    controller(prog_name="openelb-manager", **HELP)
