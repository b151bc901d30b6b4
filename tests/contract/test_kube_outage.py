"""After an outage of the API server our processes work on within three seconds: a new Service gets its address, and it is
answered. Manager and speaker are the real ones, started by their commands on a host of their own.
"""

import asyncio
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab import wait
from lab.controlplane import PORT, ControlPlane
from lab.network import Host, Network, Switch
from openelb.kube.client import Client
from openelb.kube.config import find_access
from openelb.model import names
from tests.contract.kube import JSON

API_SERVER = "kube-apiserver"
SOON = 10.0
"""Seconds from the server's return until a new Service is served: on a busy machine. On one that is not, it takes two."""

POOL: JSON = {
    "apiVersion": f"{names.GROUP}/{names.VERSION}",
    "kind": "Eip",
    "metadata": {"name": "outage"},
    "spec": {
        "address": "10.79.0.200-10.79.0.239",
        "protocol": "layer2",
        "interface": "eth0",
        "layer2": {"probe": "Off"},
    },
}


def wanting(name: str) -> JSON:
    annotations = {names.OPT_IN: names.OPT_IN_VALUE, names.REQUESTED_POOL: "outage"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    }


@dataclass(frozen=True)
class Site:
    """An API server and a node with a manager and a speaker, on one LAN."""

    plane: ControlPlane
    node: Host

    def apply(self, *objects: Any) -> None:
        self.plane.kubectl("apply", "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))

    def make(self, service: JSON) -> None:
        """At once: kubectl takes a second to start on a busy machine."""

        async def create() -> None:
            async with Client(find_access(self.plane.kubeconfig)) as client:
                await client.create("/api/v1/namespaces/default/services", service, msgspec.Raw)

        with self.plane.host.inside():
            asyncio.run(create())

    def address(self, name: str) -> str:
        status = self.plane.read_json(f"/api/v1/namespaces/default/services/{name}")["status"]
        ingress = status["loadBalancer"].get("ingress", [])
        wait.require(ingress, f"{name} has no address")
        address: str = ingress[0]["ip"]
        return address

    def served(self, name: str) -> str:
        """The address of a Service, once the node answers for it."""
        address = self.address(name)
        answers = self.plane.host.who_has(address, within=0.1)
        wait.require(answers, f"nobody answers for {address} of {name}")
        return address


@pytest.fixture
def site(crds: ControlPlane, tmp_path: Path) -> Iterator[Site]:
    """With one Service that is served."""
    network = Network(crds.host.prefix)
    node = network.host("node")
    node.attach(Switch(crds.host.prefix, "lan"), "eth0", "10.79.0.11/24")
    site = Site(crds, node)
    try:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": names.NAMESPACE}}
        site.apply(namespace, POOL, wanting("early"))
        base = [sys.executable, "-m", "openelb"]
        rest = ["--kubeconfig", str(crds.kubeconfig), "--metrics-addr", ""]
        node.start([*base, "controller", *rest], log=tmp_path / "manager.log")
        node.start([*base, "speaker", *rest, "--node-name", "node"], log=tmp_path / "speaker.log")
        wait.until(lambda: site.served("early"), what="a Service that is served")
        yield site
    finally:
        network.remove("node")
        for log in ("manager", "speaker"):
            print((tmp_path / f"{log}.log").read_text() if (tmp_path / f"{log}.log").exists() else "")
        for name in crds.kubectl("get", "services", "-o=name", "--selector=!component").split():
            crds.kubectl("patch", name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
            crds.kubectl("delete", name)
        crds.kubectl("patch", "eip", "outage", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        crds.kubectl("delete", "eip", "outage")
        # Without controllers a namespace that is deleted never goes, and takes nothing new: it stays.
        crds.kubectl("delete", "leases", "--all", "--namespace", names.NAMESPACE)


class _Starting(BaseHTTPRequestHandler):
    """What a load balancer says for a server that has not started yet."""

    def answer(self) -> None:
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = do_PATCH = answer  # noqa: N815  (the library's names)

    def log_message(self, *_: object) -> None:
        """Not to the test's output."""


@contextmanager
def answering_503(plane: ControlPlane) -> Iterator[None]:
    """Somebody answers in the API server's place that it is not there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(plane.pki.certificate(API_SERVER), plane.pki.key(API_SERVER))
    with plane.host.inside():
        server = ThreadingHTTPServer(("0.0.0.0", PORT), _Starting)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refused(site: Site) -> None:
    site.plane.end_program(API_SERVER)
    time.sleep(20)
    site.plane.start_program(API_SERVER)
    site.plane.wait_until_ready()


def unavailable(site: Site) -> None:
    site.plane.end_program(API_SERVER)
    with answering_503(site.plane):
        time.sleep(15)
    site.plane.start_program(API_SERVER)
    site.plane.wait_until_ready()


def dropped(site: Site) -> None:
    """What changes meanwhile waits in the server's end of each connection, to be sent again ever more slowly (RFC 6298)."""
    site.node.cut()
    time.sleep(5)
    site.make(wanting("during"))
    time.sleep(55)
    site.node.heal()


@pytest.mark.parametrize("outage", [refused, unavailable, dropped], ids=lambda outage: outage.__name__)
def test_a_service_made_at_the_servers_return_is_served_soon(site: Site, outage: Callable[[Site], None]) -> None:
    outage(site)
    back = time.monotonic()
    site.make(wanting("late"))
    wait.until(lambda: site.address("late"), what="an address", every=0.02)
    given = time.monotonic() - back
    wait.until(lambda: site.served("late"), what="an answer for it", every=0.02)
    answered = time.monotonic() - back
    print(f"address after {given:.2f} s, answered after {answered:.2f} s")
    assert answered < SOON
