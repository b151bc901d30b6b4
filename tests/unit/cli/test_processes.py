"""Both processes as programs of their own, without any cluster: what they do when they are told to stop and cannot say a word."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE = 30.0
"""Seconds for a program to start or to end on a busy machine."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Of a cluster that nobody answers for."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        f"""
apiVersion: v1
kind: Config
current-context: c
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{free_port()}"}}}}]
users: [{{name: u, user: {{token: t}}}}]
"""
    )
    return path


@pytest.fixture(
    params=[("controller",), ("speaker", "--node-name", "n1", "--daemon-set", "some")], ids=lambda it: it[0]
)
def started(request: pytest.FixtureRequest, kubeconfig: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process whose every word is refused for want of room, and the address of its pages."""
    address = f"127.0.0.1:{free_port()}"
    options = ("--kubeconfig", str(kubeconfig), "--metrics-addr", address)
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen([sys.executable, "-m", "openelb", *request.param, *options], stderr=full)
    try:
        yield process, f"http://{address}"
    finally:
        process.kill()
        process.wait()


def test_without_a_cluster_and_without_room_for_its_log_it_lives_and_stops_when_told(
    started: tuple[subprocess.Popen[bytes], str],
) -> None:
    process, pages = started
    assert page(process, f"{pages}/healthz") == "ok\n"
    assert "openelb_event_loop_lag_seconds_count" in page(process, f"{pages}/metrics")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == os.EX_OK


def page(process: subprocess.Popen[bytes], address: str) -> str:
    """The page as soon as it is there."""
    end = time.monotonic() + PATIENCE
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        assert process.poll() is None, f"it ended with {process.returncode}"
        try:
            with straight.open(address, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            assert time.monotonic() < end, f"nothing at {address}"
            time.sleep(0.05)
