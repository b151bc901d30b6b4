"""The command line: `openelb` for people and pods, `openelb-manager` for the Deployment of that name."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from openelb import __version__, runtime
from openelb.cli import views
from openelb.kube.config import Access, NoAccess, find_access
from openelb.kube.errors import ApiError, NotFound
from openelb.model import names
from openelb.model.addresses import parse_address
from openelb.model.cluster import ServiceKey

log = logging.getLogger(__name__)

GOOD, WRONG, USAGE, NO_CLUSTER = 0, 1, 2, 3  # exit codes; click itself exits with 2 on wrong usage

HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}

Command = Callable[..., Any]


class _MayBeEmpty(click.Option):
    """An option whose variable may be set and empty, which says "none". To click, an empty variable is none at all."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        variables = self.envvar or ()
        return next((os.environ[name] for name in variables if name in os.environ), None)


def option(
    flag: str, *others: str, environment: str = "", may_be_empty: bool = False, **settings: Any
) -> Callable[[Command], Command]:
    """An option that is read from OPENELB_<OPTION> as well, and from `environment` after that; the flag wins."""
    own = "OPENELB_" + flag.lstrip("-").upper().replace("-", "_")
    settings.setdefault("show_default", True)
    if may_be_empty:
        settings["cls"] = _MayBeEmpty
    return click.option(flag, *others, envvar=[own, *filter(None, [environment])], **settings)


def _this_process() -> str:
    """A name that no other process has: two candidates of one name would both lead."""
    return f"{socket.gethostname()}-{os.getpid()}"


kubeconfig = option(
    "--kubeconfig",
    type=click.Path(path_type=Path, dir_okay=False),
    show_default="the pod's own cluster, else KUBECONFIG or ~/.kube/config",
    help="The cluster to talk to.",
)
namespace = option("--namespace", default=names.NAMESPACE, help="Where OpenELB is installed.")
lb_class = option(
    "--load-balancer-class",
    default=names.LOAD_BALANCER_CLASS,
    help="Services of this spec.loadBalancerClass are served without an annotation.",
)
log_level = option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
output = option("--output", "-o", type=click.Choice(["text", "json"]), default="text")


def metrics_address(default: str) -> Callable[[Command], Command]:
    """Where a process serves health and metrics."""
    said = "Health and metrics; empty for none."
    return option("--metrics-addr", default=default, callback=_checked, may_be_empty=True, help=said)


def _checked(_context: click.Context, _option: click.Parameter, address: str) -> str:
    _host, colon, port = address.rpartition(":")
    if address and not (colon and port.isdecimal() and int(port) < 1 << 16):
        raise click.BadParameter(
            f"{address!r} is no address: write HOST:PORT, or :PORT for all of this host's addresses"
        )
    return address


def _checked_ip(_context: click.Context, _option: click.Parameter, address: str) -> str:
    if address and parse_address(address) is None:
        raise click.BadParameter(f"{address!r} is no IP address")
    return address


@click.group(context_settings=HELP)
def openelb() -> None:
    """OpenELB: addresses for Services of type LoadBalancer, announced on your network.

    Every option is also read from the environment, as OPENELB_<OPTION>; the option wins.
    """


@openelb.command()
@kubeconfig
@namespace
@lb_class
@log_level
@metrics_address(":50052")
@option(
    "--identity",
    environment="POD_NAME",
    default=_this_process,
    show_default="host name and process id",
    help="Name of this replica.",
)
@option(
    "--webhook-addr",
    default=":9443",
    callback=_checked,
    may_be_empty=True,
    help="The webhook that checks changes of our kinds, served by the replica that leads; empty for none.",
)
@option("--webhook-service", default=names.WEBHOOK_SERVICE, help="The Service by which API servers reach the webhook.")
@option(
    "--webhook-cert-dir",
    default="",
    may_be_empty=True,
    show_default="none: the manager makes its own",
    help="Where somebody else, such as cert-manager, keeps tls.crt and tls.key for it.",
)
@option(
    "--pod-ip",
    environment="POD_IP",
    default="",
    may_be_empty=True,
    callback=_checked_ip,
    show_default="none, and so no webhook",
    help="The address at which API servers reach this process.",
)
def controller(
    kubeconfig: Path | None,
    namespace: str,
    load_balancer_class: str,
    log_level: str,
    metrics_addr: str,
    identity: str,
    webhook_addr: str,
    webhook_service: str,
    webhook_cert_dir: str,
    pod_ip: str,
) -> None:
    """Run the manager: it gives out addresses. One of all replicas leads."""
    from openelb import replica
    from openelb.admission import Door
    from openelb.controller import Settings

    runtime.log_to_stderr(log_level)
    settings = Settings(identity, namespace, load_balancer_class, metrics_addr)
    door = None
    if webhook_addr and pod_ip:
        door = Door(webhook_addr, pod_ip, webhook_service, Path(webhook_cert_dir) if webhook_cert_dir else None)
    elif webhook_addr:
        log.info("no webhook is served: with --pod-ip or POD_IP, API servers could be told where")
    sys.exit(_run(replica.run(_access(kubeconfig), settings, door)))


@openelb.command()
@kubeconfig
@namespace
@lb_class
@log_level
@metrics_address("127.0.0.1:50053")
@option("--node-name", environment="NODE_NAME", required=True, help="The node this runs on.")
@option(
    "--daemon-set",
    may_be_empty=True,
    default=lambda: names.DAEMON_SET if "POD_UID" in os.environ else "",
    show_default="openelb-speaker in a pod",
    help="The DaemonSet that starts us again after a stop. Empty: every stop is for good.",
)
@option(
    "--state-file",
    default="",
    may_be_empty=True,
    show_default="none",
    help="Where to keep what is announced, in memory (tmpfs): a restart goes on with it at once, also without the cluster.",
)
def speaker(
    kubeconfig: Path | None,
    namespace: str,
    load_balancer_class: str,
    log_level: str,
    metrics_addr: str,
    node_name: str,
    daemon_set: str,
    state_file: str,
) -> None:
    """Run the speaker of a node: it announces addresses on the node's network interfaces."""
    from openelb import speaker

    runtime.log_to_stderr(log_level)
    holder = os.environ.get("POD_UID") or _this_process()
    path = Path(state_file) if state_file else None
    settings = speaker.Settings(node_name, holder, namespace, load_balancer_class, daemon_set, metrics_addr, path)
    sys.exit(_run(speaker.run(_access(kubeconfig), settings)))


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
    told = _run(views.status(_access(kubeconfig), namespace, load_balancer_class))
    _show(told.text(), told, output, good=told.is_good())


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
    space, slash, name = service.rpartition("/")
    key = ServiceKey(space if slash else "default", name)
    told = _run(views.explain_service(_access(kubeconfig), namespace, load_balancer_class, key))
    if told is None:
        click.echo(f"there is no Service {key}: look with `kubectl get services -A`", err=True)
        sys.exit(WRONG)
    _show(views.explanation_text(told), told, output, good=told.served)


def _show(text: str, told: object, output: str, *, good: bool) -> None:
    click.echo(views.as_json(told) if output == "json" else text)
    sys.exit(GOOD if good else WRONG)


def _access(kubeconfig: Path | None) -> Access:
    try:
        return find_access(kubeconfig)
    except NoAccess as error:
        click.echo(f"no cluster: {error}", err=True)
        sys.exit(NO_CLUSTER)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return asyncio.run(work)
    except ApiError as error:
        missing = "; install OpenELB's kinds: openelb crds | kubectl apply -f -" if isinstance(error, NotFound) else ""
        click.echo(f"the cluster cannot be asked: {error}{missing}", err=True)
        sys.exit(NO_CLUSTER)
    except runtime.NoPort as error:
        click.echo(f"{error}: choose another address with --metrics-addr", err=True)
        sys.exit(WRONG)
    except KeyboardInterrupt:
        sys.exit(130)


def main() -> None:
    """Entry point `openelb`."""
    openelb()


def manager() -> None:
    """Entry point `openelb-manager`: KubeSphere finds an installation by a container whose command has this name."""
    controller(prog_name="openelb-manager", **HELP)
