"""The commands that pods run: `openelb controller`, `openelb speaker` and `openelb gobgpd`.

Each imports what it needs when it runs: a speaker that starts has addresses waiting for it.
"""

import logging
import os
import sys
from pathlib import Path

import click

from openelb.cli.options import (
    checked,
    checked_ip,
    kubeconfig,
    lb_class,
    log_level,
    metrics_address,
    namespace,
    option,
    this_process,
)
from openelb.model import names
from openelb.process.lines import log_to_stderr

log = logging.getLogger(__name__)


@click.command()
@kubeconfig
@namespace
@lb_class
@log_level
@metrics_address(":50052")
@option(
    "--identity",
    environment="POD_NAME",
    default=this_process,
    show_default="host name and process id",
    help="Name of this replica.",
)
@option(
    "--webhook-addr",
    default=":9443",
    callback=checked,
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
    callback=checked_ip,
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
    from openelb.cli.ending import find, run
    from openelb.manager import replica
    from openelb.manager.admission import Door
    from openelb.manager.controller import Settings

    log_to_stderr(log_level)
    settings = Settings(identity, namespace, load_balancer_class, metrics_addr)
    door = None
    if webhook_addr and pod_ip:
        door = Door(webhook_addr, pod_ip, webhook_service, Path(webhook_cert_dir) if webhook_cert_dir else None)
    elif webhook_addr:
        log.info("no webhook is served: with --pod-ip or POD_IP, API servers could be told where")
    sys.exit(run(replica.run(find(kubeconfig), settings, door)))


@click.command()
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
@option(
    "--heartbeat-port",
    type=click.IntRange(1, 65535),
    default=50055,
    help="UDP port on which the speakers hear each other; the same on all nodes.",
)
@option(
    "--heartbeat-keys",
    default="",
    may_be_empty=True,
    help="Directory with the mounted Secret openelb-heartbeat; without it the Secret is read from the cluster.",
)
@option(
    "--frames-per-second",
    type=click.IntRange(min=1),
    default=1000,
    help="The most announcements that leave the node on each of its links in a second; answers do not count.",
)
@option(
    "--answer-ping",
    type=bool,
    default=True,
    help="Whether this node answers a ping of an address that it announces.",
)
@option(
    "--reject-unserved",
    type=bool,
    default=True,
    help="Whether what comes to an address for a port that no Service has is rejected, and not forwarded.",
)
@option(
    "--leave-cordoned-nodes",
    is_flag=True,
    help="While its node is cordoned, announce only what no other node can.",
)
@option(
    "--leave-tainted-nodes",
    default="",
    may_be_empty=True,
    show_default="none",
    help="Keys of taints, with commas: while its node has one of them, announce only what no other node can.",
)
@option(
    "--gobgpd-socket",
    default="/run/openelb/gobgpd/socket",
    help="Socket on which gobgpd listens for this speaker alone.",
)
@option("--spawn", is_flag=True, help="Run gobgpd as a child, where no container does.")
def speaker(
    kubeconfig: Path | None,
    namespace: str,
    load_balancer_class: str,
    log_level: str,
    metrics_addr: str,
    node_name: str,
    daemon_set: str,
    state_file: str,
    heartbeat_port: int,
    heartbeat_keys: str,
    frames_per_second: int,
    answer_ping: bool,
    reject_unserved: bool,
    leave_cordoned_nodes: bool,
    leave_tainted_nodes: str,
    gobgpd_socket: str,
    spawn: bool,
) -> None:
    """Run the speaker of a node: it announces addresses on the node's network interfaces."""
    from openelb.speaker.resumption import First, Resumption

    log_to_stderr(log_level)
    holder = os.environ.get("POD_UID") or this_process()
    path = Path(state_file) if state_file else None
    keys = Path(heartbeat_keys) if heartbeat_keys else None
    resumption = Resumption(First(node_name, holder, path, heartbeat_port, keys, frames_per_second))

    # Only now, since it takes seconds to read them: see there.
    from openelb.cli.ending import find, run
    from openelb.speaker import speaker, speaking
    from openelb.wire.nft import Wish

    settings = speaker.Settings(
        node=node_name,
        holder=holder,
        namespace=namespace,
        lb_class=load_balancer_class,
        daemon_set=daemon_set,
        metrics_address=metrics_addr,
        heartbeat_keys=keys,
        unserved=Wish(answer_ping, reject_unserved),
        leaves_when_cordoned=leave_cordoned_nodes,
        leaves_when_tainted=frozenset(filter(None, map(str.strip, leave_tainted_nodes.split(",")))),
        gobgpd=Path(gobgpd_socket),
        spawns_gobgpd=spawn,
    )
    sys.exit(run(speaking.run(find(kubeconfig), settings, resumption)))


@click.command()
@log_level
@option("--gobgpd-socket", default="/run/openelb/gobgpd/socket", help="Socket on which gobgpd listens for the speaker.")
def gobgpd(log_level: str, gobgpd_socket: str) -> None:
    """Keep gobgpd running beside the speaker of a node, as soon as the speaker wants it."""
    import asyncio

    from openelb.host.gobgp.process import keep_until_told
    from openelb.process.signals import stop_signals

    async def run() -> None:
        with stop_signals() as stop:
            await keep_until_told(Path(gobgpd_socket), stop)

    log_to_stderr(log_level)
    asyncio.run(run())
