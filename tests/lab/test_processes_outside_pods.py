"""Both processes do the same job as plain processes on hosts, with a kubeconfig: for debugging and other people's benches."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from lab.asking import told
from lab.cluster import Cluster
from lab.demo import OPENELB
from lab.network import Host
from lab.wait import require, until
from openelb.kube.lease import speaker_lease_name
from tests.lab import installed
from tests.lab.watching import questions

STOP = 10.0
"""Seconds in which a process ends that was asked to."""


@pytest.fixture
def processes(openelb: Cluster) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A manager and a speaker on every worker as plain processes, by their hosts' names, in the place of all pods."""
    kubeconfig = ("--kubeconfig", str(openelb.kubeconfig))
    with ExitStack() as running:
        running.callback(installed.install, openelb)
        openelb.kubectl("-n", OPENELB, "delete", installed.MANAGER, installed.SPEAKER)
        until(
            lambda: require(not installed.pods(openelb, ""), "pods are left"), what="the end of all pods", timeout=120
        )
        started = {"cp": running.enter_context(process(openelb, openelb.site.control_plane, "controller", *kubeconfig))}
        for host in openelb.site.nodes:
            speaker = process(openelb, host, "speaker", *kubeconfig, "--node-name", host.name)
            started[host.name] = running.enter_context(speaker)
        until(lambda: everybody_is_there(openelb), what="a Lease of every speaker")
        yield started


def test_a_page_is_served_without_any_pod_of_ours(
    processes: dict[str, subprocess.Popen[bytes]], openelb: Cluster
) -> None:
    openelb.apply(installed.eip())
    address = installed.serve(openelb, "web")
    with questions(openelb, address) as answers:
        owner = answers.settled()
        left = time.monotonic()
        processes[owner].send_signal(signal.SIGTERM)
        answers.answered_without(owner, left)
        assert processes[owner].wait(STOP) == 0
        assert answers.settled() != owner
        assert answers.longest_silence(left) < 0.5, told(answers.since(left))
    installed.clear(openelb)  # while there is a manager that lets go of the Service


def everybody_is_there(cluster: Cluster) -> None:
    """Look for every speaker's Lease: addresses move while they come one by one."""
    for host in cluster.site.nodes:
        installed.lease(cluster, speaker_lease_name(host.name))


@contextmanager
def process(cluster: Cluster, host: Host, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `openelb ARGUMENTS` on a host from the working tree; it is asked to end at the end of the block."""
    environment = {**os.environ, "PYTHONPATH": str(installed.REPOSITORY / "src")}
    with open(cluster.directory / f"openelb-{host.name}.log", "ab") as log:
        started = host.popen([sys.executable, "-m", "openelb", *arguments], log=log, env=environment)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(STOP)
