"""How soon the webhook answers: the real server over TLS on loopback, in a process of its own, with a planner that knows many
Services. Whoever asks decodes nothing; the time is that of a connection's bytes out and in.

`python -m bench.door SERVICES CHANGES` is the server: it prints one line of JSON, and ends when its standard input does. So
many changes of a Service come to it in a second and are judged, as in a manager, between questions.
"""

import asyncio
import http.client
import itertools
import json
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from bench import objects, table
from bench.objects import ALIVE, JSON
from bench.process import Process
from lab import setup
from openelb.kube import encode, tls
from openelb.kube.review import VERSION
from openelb.manager.admission import judged
from openelb.manager.identity import Shown
from openelb.manager.webhook import PATHS, Webhook
from openelb.model import names
from openelb.model.snapshot import Snapshot
from openelb.plan.cluster import Planner

NAME = "openelb-webhook.openelb-system.svc"
PATH = next(path for path, kind in PATHS.items() if kind == "Eip")
SERVICES, OTHERS = 10_000, 100
POOL, ADDRESS = "pool", "10.0.0.0/15"
EACH_CONNECTION = 100
"""Questions on one connection: each of them begins with a handshake, which the first question pays."""
CHANGES = 10
MOST_MILLISECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and whether it is to be allowed."""

    kind: str
    body: bytes
    allowed: bool


class Door(msgspec.Struct):
    """Where it is served, whom to trust, and the Eip that is asked about."""

    port: int
    authority: str
    eip: JSON


def rows(asked: int) -> list[table.Row]:
    """With nothing else to do, and while Services change."""
    print(f"asking the webhook {asked} times …", file=sys.stderr, flush=True)
    what = f"the webhook's answer with {SERVICES} Services, p99 of {asked}"
    (quiet, cpu), (busy, _) = (_ask(asked, changes) for changes in (0, CHANGES))
    return [
        table.bound(what, _p99(quiet), at_most=MOST_MILLISECONDS, unit="ms", compared=_each(quiet)),
        table.figure("processor time of the server for each of them", cpu, unit="ms"),
        table.figure(
            f"the same while a Service changes {CHANGES} times a second", _p99(busy), unit="ms", compared=_each(busy)
        ),
    ]


def _p99(took: dict[str, list[float]]) -> float:
    return table.percentile([each for times in took.values() for each in times], 99)


def _each(took: dict[str, list[float]]) -> str:
    everything = [each for times in took.values() for each in times]
    kinds = ", ".join(f"{kind} {table.percentile(times, 99):.3g}" for kind, times in took.items())
    return f"p50 {table.percentile(everything, 50):.3g}, at most {max(everything):.3g} ms; p99 of {kinds}"


def _ask(count: int, changes: int) -> tuple[dict[str, list[float]], float]:
    """Milliseconds by kind of question, and those of the server's processor for each. Raises RuntimeError when an answer is
    not as it has to be.
    """
    took: dict[str, list[float]] = defaultdict(list)
    with _served(changes) as (door, server):
        cpu = server.cpu_seconds()
        trusted, mix = tls.trusting(door.authority), questions(door.eip)
        connection = None
        for number, question in zip(range(count), itertools.cycle(mix), strict=False):
            started = time.perf_counter()
            if connection is None:
                connection = _connected(door.port, trusted)
            connection.request("POST", PATH, question.body, {"Content-Type": "application/json"})
            answer = connection.getresponse().read()
            took[question.kind].append((time.perf_counter() - started) * 1000)
            response = json.loads(answer)["response"]
            if response["allowed"] is not question.allowed:
                raise RuntimeError(f"{question.kind}: {response}")
            if (number + 1) % EACH_CONNECTION == 0:
                connection.close()
                connection = None
        cpu = server.cpu_seconds() - cpu
    return took, cpu / count * 1000


def questions(eip: JSON) -> list[Question]:
    """One of each kind, about that Eip as it is, with its ledger."""
    meta, spec = eip["metadata"], eip["spec"]
    assert isinstance(meta, dict)
    assert isinstance(spec, dict)

    def asked(kind: str, after: JSON | None, *, allowed: bool) -> Question:
        operation = "UPDATE" if after else "DELETE"
        about = {"group": names.GROUP, "version": names.VERSION, "kind": "Eip"}
        request = {"uid": kind, "kind": about, "operation": operation, "object": after, "oldObject": eip}
        review = {"apiVersion": VERSION, "kind": "AdmissionReview", "request": request}
        return Question(kind, msgspec.json.encode(review), allowed)

    def changed(address: str) -> JSON:
        return {**eip, "spec": {**spec, "address": address}}

    labelled = {**eip, "metadata": {**meta, "labels": {"tier": "gold"}}}
    return [
        asked("metadata", labelled, allowed=True),
        asked("growth", changed(f"{ADDRESS},10.2.0.0/24"), allowed=True),
        asked("shrink", changed("10.0.0.0/16"), allowed=True),
        asked("shrink refused", changed("10.0.0.0/24"), allowed=False),
        asked("deletion refused", None, allowed=False),
    ]


def _connected(port: int, trusted: ssl.SSLContext) -> http.client.HTTPConnection:
    """As an API server does, by the name of the Service."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    plain = socket.create_connection(("127.0.0.1", port), timeout=30)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sock = trusted.wrap_socket(plain, server_hostname=NAME)
    return connection


@contextmanager
def _served(changes: int) -> Iterator[tuple[Door, Process]]:
    command = [sys.executable, "-m", "bench.door", str(SERVICES), str(changes)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=setup.REPOSITORY, stdin=pipe, stdout=pipe) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield msgspec.json.decode(server.stdout.readline(), type=Door), Process(server.pid)
        server.stdin.close()


# The server.


def cluster(services: int) -> tuple[Planner, Snapshot, JSON]:
    """All have addresses of one pool, beside many others; its Eip as the API server has it."""
    eip = objects.eip(POOL, ADDRESS)
    others = [objects.eip(f"other-{number}", f"10.{100 + number}.0.0/16") for number in range(OTHERS)]
    waiting = objects.snapshot([eip, *others], [objects.service(number, POOL) for number in range(services)])
    planner = Planner()
    plan = planner.plan(waiting, ALIVE)
    patch = encode.pool_status_patch(waiting.pools[POOL], plan.pools[POOL], datetime(2026, 1, 1, tzinfo=UTC))
    entered = objects.written(waiting, plan)
    settled = objects.written(entered, planner.plan(entered, ALIVE))
    planner.plan(settled, ALIVE)
    return planner, settled, {**eip, "status": patch[-1]["value"]}


def _certificate() -> dict[str, str]:
    made = [sys.executable, "-m", "openelb.manager.certificates", "make", NAME]
    return dict(json.loads(subprocess.run(made, check=True, stdout=subprocess.PIPE).stdout))


async def _serve(services: int, changes: int, certificate: dict[str, str]) -> None:
    planner, seen, eip = cluster(services)
    shown = Shown()
    shown.show(certificate["certificate"], certificate["key"], 0.0)
    webhook = Webhook(lambda review: judged(review, planner.facts(seen, time.time())), Counter())
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    async with webhook.serving("127.0.0.1", 0, lambda: shown.context) as port:
        print(msgspec.json.encode(Door(port, certificate["authority"], eip)).decode(), flush=True)
        keys = itertools.cycle(list(seen.services))
        for number, key in enumerate(keys):
            wait = asyncio.wait([ended], timeout=1 / changes if changes else None)
            if (await wait)[0]:
                return
            touched = replace(seen.services[key], version=f"touched {number}")
            seen = replace(seen, services={**seen.services, key: touched})
            planner.plan(seen, ALIVE)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), _certificate()))
