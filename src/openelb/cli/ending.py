"""How a command runs and ends: which cluster it asks, what it shows, and its exit code."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click

from openelb.cli import views
from openelb.kube.config import Access, NoAccess, find_access
from openelb.kube.errors import ApiError, NotFound
from openelb.process import runtime

GOOD, WRONG, USAGE, NO_CLUSTER = 0, 1, 2, 3  # exit codes; click itself exits with 2 on wrong usage


def show(text: str, told: object, output: str, *, good: bool) -> None:
    """Print what was found, as text or JSON, and exit."""
    click.echo(views.as_json(told) if output == "json" else text)
    sys.exit(GOOD if good else WRONG)


def find(kubeconfig: Path | None) -> Access:
    """The cluster to ask; exits where there is none."""
    try:
        return find_access(kubeconfig)
    except NoAccess as error:
        click.echo(f"no cluster: {error}", err=True)
        sys.exit(NO_CLUSTER)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """What the work comes to; exits with a sentence where the cluster cannot be asked."""
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
