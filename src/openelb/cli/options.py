"""Options that several commands have, and how each is read from the environment as well."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from openelb.model import names
from openelb.model.addresses import parse_address

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


def this_process() -> str:
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
    return option("--metrics-addr", default=default, callback=checked, may_be_empty=True, help=said)


def checked(_context: click.Context, _option: click.Parameter, address: str) -> str:
    """HOST:PORT, or nothing."""
    _host, colon, port = address.rpartition(":")
    if address and not (colon and port.isdecimal() and int(port) < 1 << 16):
        raise click.BadParameter(
            f"{address!r} is no address: write HOST:PORT, or :PORT for all of this host's addresses"
        )
    return address


def checked_ip(_context: click.Context, _option: click.Parameter, address: str) -> str:
    """An IP address, or nothing."""
    if address and parse_address(address) is None:
        raise click.BadParameter(f"{address!r} is no IP address")
    return address
