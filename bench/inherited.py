"""Services that the older releases have left: how many writes it takes to go on with them, and whether any address changes.

The objects have the shapes of those in `tests/fixtures/upstream`, which the real programs made; one layer2 pool of each
release, with all its Services that have an address, again and again. Run on the API server's host.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import count as numbers
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import yaml

from bench import table
from bench.cluster import side_by_side
from bench.measure import Bench, bench, say
from bench.side import Side, running
from lab.setup import REPOSITORY
from openelb.kube import decode
from openelb.kube.client import Client
from openelb.kube.errors import AlreadyExists
from openelb.kube.resources import EIPS_PATH, eip_path, service_path
from openelb.kube.shapes import ServiceShape
from openelb.model import names
from openelb.model.cluster import ServiceKey

JSON = dict[str, Any]

FIXTURES = REPOSITORY / "tests" / "fixtures" / "upstream"
POOL = "eip-layer2"
ALLOCATED = frozenset({"clusterIP", "clusterIPs", "healthCheckNodePort"})
QUIET_SECONDS = 3.0
"""So long nothing is written before all is taken to be done."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release, the files of what it left, and where the addresses of its pool are to begin."""

    name: str
    files: tuple[str, ...]
    first: str


RELEASES = (
    Release("v0-5-1", ("v0.5.1/eips", "v0.5.1/services"), "10.98.0.0"),
    Release("master", ("master/layer2",), "10.99.0.0"),
)


@dataclass(frozen=True, slots=True)
class Left:
    """A pool with its ledger, and the Services that have addresses of it."""

    pool: JSON
    services: list[JSON]


def left(release: Release, count: int) -> Left:
    """What that release would have left of so many Services."""
    items = [item for file in release.files for item in _items(file)]
    pool = next(item for item in items if (item["kind"], item["metadata"]["name"]) == ("Eip", POOL))
    services = [item for item in items if item["kind"] == "Service" and _is_served(item)]
    made = list(islice(_copies(release, services), count))
    used: dict[str, list[str]] = {}
    for each in made:
        holder = f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        used.setdefault(_shown(each), []).append(holder)
    status = {**pool["status"], "usage": len(used), "poolSize": 1 << 16}
    status |= {"firstIP": release.first, "lastIP": str(IPv4Address(release.first) + 0xFFFF)}
    status["used"] = {address: ";".join(holders) for address, holders in used.items()}
    spec = {**pool["spec"], "address": f"{release.first}/16"}
    metadata = {**_metadata(pool), "name": f"{POOL}-{release.name}"}
    return Left({**pool, "metadata": metadata, "spec": spec, "status": status}, made)


def _copies(release: Release, originals: list[JSON]) -> Iterator[JSON]:
    """All of them again and again, each time with other names and addresses; who shares an address shares one again."""
    addresses = sorted({_shown(each) for each in originals}, key=IPv4Address)
    for number in numbers():
        first = IPv4Address(release.first) + number * len(addresses)
        for each in originals:
            content = json.dumps({**each, "metadata": _metadata(each), "spec": _spec(each)})
            for place, address in enumerate(addresses):
                content = content.replace(f'"{address}"', f'"{first + place}"')
            copy = json.loads(content.replace(f'"{POOL}"', f'"{POOL}-{release.name}"'))
            copy["metadata"]["name"] += f"-{release.name}-{number}"
            yield copy


def _items(file: str) -> list[JSON]:
    return list(yaml.load((FIXTURES / f"{file}.yaml").read_text(), yaml.CSafeLoader)["items"])


def _is_served(service: JSON) -> bool:
    """With an address of the pool that its user has asked for."""
    meta = service["metadata"]
    asks = meta.get("annotations", {}).get(names.OPT_IN) == names.OPT_IN_VALUE
    return bool(asks and meta.get("labels", {}).get(names.POOL_LABEL) == POOL and _shown(service))


def _shown(service: JSON) -> str:
    ingress = service["status"]["loadBalancer"].get("ingress", [])
    return str(ingress[0]["ip"]) if ingress else ""


def _metadata(each: JSON) -> JSON:
    """Without what its server made, and what kubectl remembers."""
    kept = {
        name: each["metadata"][name]
        for name in ("name", "namespace", "labels", "finalizers")
        if name in each["metadata"]
    }
    annotations = each["metadata"].get("annotations", {})
    return {**kept, "annotations": {name: to for name, to in annotations.items() if not name.startswith("kubectl.")}}


def _spec(service: JSON) -> JSON:
    """Without what its server allocated. There are fewer node ports than Services, so none are asked for."""
    spec = {name: to for name, to in service["spec"].items() if name not in ALLOCATED}
    ports = [{name: to for name, to in port.items() if name != "nodePort"} for port in spec["ports"]]
    return {**spec, "ports": ports, "allocateLoadBalancerNodePorts": False}


async def measure(at: Bench, count: int) -> list[table.Row]:
    """Load what was left, start our manager, and look when it rests."""
    clusters = [left(release, count // len(RELEASES)) for release in RELEASES]
    services = [service for cluster in clusters for service in cluster.services]
    say(f"loading {len(services)} Services as {' and '.join(release.name for release in RELEASES)} left them …")
    for namespace in {service["metadata"]["namespace"] for service in services}:
        with suppress(AlreadyExists):
            await at.client.create("/api/v1/namespaces", {"metadata": {"name": namespace}}, msgspec.Raw)
    for cluster in clusters:
        await _load(at.client, EIPS_PATH, eip_path(cluster.pool["metadata"]["name"]), cluster.pool)
    await side_by_side(_load_service(at.client, service) for service in services)
    say("our manager takes them over …")
    at.audit.forget()
    began, last = time.monotonic(), 0.0
    writes = at.audit.writes_by_object()
    async with running(Side.OURS, at.files, at.client):
        while time.monotonic() - began - last < QUIET_SECONDS:
            await asyncio.sleep(0.1)
            new = at.audit.writes_by_object()
            if any(resource in ("services", "eips", "eipallocations") for _, resource, _ in new):
                last = time.monotonic() - began
            writes.update(new)
    changed = await side_by_side(_has_changed(at.client, service) for service in services)
    each = [writes[key.namespace, "services", key.name] for key in map(_key, services)]
    ledgers = sum(number for (_, resource, _), number in writes.items() if resource in ("eips", "eipallocations"))
    what = f"{len(services)} Services that 0.5.1 and 0.6 left"
    return [
        table.bound(f"{what}: addresses that changed", sum(changed), at_most=0),
        table.bound(f"{what}: writes to the one that had most", max(each), at_most=2),
        table.figure(
            "the same, to each of them, the ledgers included",
            (sum(each) + ledgers) / len(services),
            compared=f"{sum(each)} to Services, {ledgers} to ledgers, the last after {last:.1f} s",
        ),
    ]


async def _load_service(client: Client, service: JSON) -> None:
    key = _key(service)
    await _load(client, f"/api/v1/namespaces/{key.namespace}/services", service_path(key), service)


async def _load(client: Client, collection: str, path: str, each: JSON) -> None:
    """Create it, then give it its status."""
    body = {name: to for name, to in each.items() if name != "status"}
    await client.create(collection, body, msgspec.Raw)
    await client.merge(f"{path}/status", {"status": each["status"]}, msgspec.Raw)


async def _has_changed(client: Client, service: JSON) -> bool:
    found = decode.service(await client.get(service_path(_key(service)), ServiceShape))
    return found.ingress != (_shown(service),)


def _key(service: JSON) -> ServiceKey:
    return ServiceKey(service["metadata"]["namespace"], service["metadata"]["name"])


async def main(directory: Path, count: int) -> None:
    """Measure, and write the rows to standard output."""
    async with bench(directory) as at:
        sys.stdout.buffer.write(table.encode(await measure(at, count)))


if __name__ == "__main__":
    directory, count = sys.argv[1:]
    asyncio.run(main(Path(directory), int(count)))
