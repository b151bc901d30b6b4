"""Every object that older releases left in clusters is taken by a real API server, whole and with its status.

The objects are in tests/fixtures/upstream; its README says where they come from and how to load them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.controlplane import ControlPlane
from openelb.kube.crds import KINDS
from openelb.model.names import GROUP

Object = dict[str, Any]

FIXTURES = Path(__file__).parents[1] / "fixtures" / "upstream"
OURS = {kind.name for kind in KINDS if len(kind.versions) > 1}  # older releases know no others


def originals(path: Path) -> list[Object]:
    """The objects of a file but for the one Service that every server makes for itself."""
    items = yaml.load(path.read_text(), yaml.CSafeLoader)["items"]
    return [each for each in items if each["metadata"]["name"] != "kubernetes"]


def named(each: Object) -> tuple[str, ...]:
    """What two objects of one cluster cannot have in common."""
    return each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]


def batches(paths: Iterable[Path]) -> dict[str, list[Object]]:
    """The objects of all files in few parts, each of which one cluster can hold, called by its files."""
    made: list[tuple[list[str], list[Object]]] = []
    for path in paths:
        objects = originals(path)
        names = set(map(named, objects))
        files, batch = next((each for each in made if names.isdisjoint(map(named, each[1]))), ([], []))
        if not files:
            made.append((files, batch))
        files.append(str(path.relative_to(FIXTURES).with_suffix("")))
        batch.extend(objects)
    return {" ".join(files): batch for files, batch in made}


BATCHES = batches(sorted(FIXTURES.glob("*/*.yaml")))

# What a server makes itself, and what it gives to one object at a time.
SERVERS = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
ALLOCATED = ("clusterIP", "clusterIPs", "healthCheckNodePort")
KUBECTLS = "kubectl.kubernetes.io/last-applied-configuration"

WITH_KEPT_STATUS = OURS | {"Service"}  # a controller writes the status of everything else


@dataclass(frozen=True, slots=True)
class Stored:
    """Objects as they were in the cluster they come from, and the server that holds them anew."""

    server: ControlPlane
    objects: tuple[Object, ...]

    @property
    def ours(self) -> tuple[Object, ...]:
        return tuple(each for each in self.objects if each["kind"] in OURS)

    def read(self, version: str = "v1alpha2") -> list[Object]:
        """Our objects, in this version, as they are on the server."""
        return [self._read(each, version) for each in self.ours]

    def _read(self, wanted: Object, version: str) -> Object:
        path = f"/apis/{GROUP}/{version}/{wanted['kind'].lower()}s/{wanted['metadata']['name']}"
        found: Object = self.server.read_json(path)
        return found


@pytest.fixture(scope="module")
def server(crds: ControlPlane) -> ControlPlane:
    """A server with our kinds and every namespace that the objects are in."""
    everything = (each for objects in BATCHES.values() for each in objects)
    names = {each["metadata"].get("namespace", "default") for each in everything}
    apply(crds, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names])
    return crds


@pytest.fixture(scope="module", params=BATCHES, ids=list(BATCHES))
def stored(request: pytest.FixtureRequest, server: ControlPlane) -> Iterator[Stored]:
    """The objects of one batch on the server."""
    old = BATCHES[request.param]
    objects = tuple(map(loadable, old))
    # Strict: a field that the server does not know is refused, not dropped.
    server.kubectl("create", "--validate=strict", "-f", "-", stdin=as_list(objects))
    if with_status := [each for each in objects if "status" in each and each["kind"] in WITH_KEPT_STATUS]:
        server.kubectl("replace", "--subresource=status", "-f", "-", stdin=as_list(with_status))
    if leaving := [each for each in old if "deletionTimestamp" in each["metadata"]]:
        delete(server, leaving)
    yield Stored(server, objects)
    remove(server, objects)


def test_what_was_stored_is_all_there(stored: Stored) -> None:
    found = json.loads(stored.server.kubectl("get", "-o", "json", "-f", "-", stdin=as_list(stored.objects)))
    answers = found["items"] if found["kind"] == "List" else [found]
    assert [list(lost(sent, got)) for sent, got in zip(stored.objects, answers, strict=True)] == [[]] * len(answers)


def test_objects_of_ours_are_as_they_were(stored: Stored) -> None:
    assert [written(each) for each in stored.read()] == [written(each) for each in stored.ours]


def test_the_old_version_shows_the_same(stored: Stored) -> None:
    assert [written(each) for each in stored.read("v1alpha1")] == [written(each) for each in stored.ours]


def test_a_write_through_the_old_version_wipes_nothing(stored: Stored) -> None:
    touched = [touch(each) for each in stored.read("v1alpha1")]
    stored.server.kubectl("replace", "-f", "-", stdin=as_list(touched))
    after = stored.read()
    assert [written(each) for each in after] == [written(each) for each in stored.ours]
    assert [each["metadata"]["annotations"]["touched"] for each in after] == ["yes"] * len(after)


def test_each_batch_has_pools_and_together_they_have_every_kind() -> None:
    kinds = [{each["kind"] for each in objects} for objects in BATCHES.values()]
    assert all("Eip" in each for each in kinds)
    assert set().union(*kinds) >= WITH_KEPT_STATUS


def loadable(original: Object) -> Object:
    """The object as another cluster takes it: without what its server made."""
    metadata = {name: value for name, value in original["metadata"].items() if name not in SERVERS}
    if annotations := {name: value for name, value in metadata.pop("annotations", {}).items() if name != KUBECTLS}:
        metadata["annotations"] = annotations
    copy = {**original, "metadata": metadata}
    if original["kind"] not in WITH_KEPT_STATUS:  # it may have fields that only later versions of Kubernetes know
        copy.pop("status", None)
    if original["kind"] == "Service":
        spec = {name: value for name, value in original["spec"].items() if name not in ALLOCATED}
        ports = [{name: value for name, value in port.items() if name != "nodePort"} for port in spec["ports"]]
        copy["spec"] = {**spec, "ports": ports}
    return copy


def written(each: Object) -> Object:
    """What people and controllers wrote."""
    return {name: each.get(name) for name in ("spec", "status")}


def touch(each: Object) -> Object:
    metadata = each["metadata"]
    return {**each, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), "touched": "yes"}}}


def lost(sent: object, got: object, path: str = "") -> Iterator[str]:
    """The places of `sent` that are not the same in `got`, which may have more."""
    if isinstance(sent, Mapping) and isinstance(got, Mapping):
        for name, value in sent.items():
            if path or name != "status" or sent["kind"] in WITH_KEPT_STATUS:
                yield from lost(value, got.get(name), f"{path}.{name}")
    elif isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        for number, (one, other) in enumerate(zip(sent, got, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif sent != got:
        yield f"{path}: {sent!r} became {got!r}"


def as_list(objects: Iterable[Object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def apply(server: ControlPlane, objects: Iterable[Object]) -> None:
    server.kubectl("apply", "-f", "-", stdin=as_list(objects))


def delete(server: ControlPlane, objects: Iterable[Object]) -> None:
    server.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=as_list(objects))


def remove(server: ControlPlane, objects: Iterable[Object]) -> None:
    """Delete objects whose finalizers nobody would remove."""
    freed = '{"metadata": {"finalizers": null}}'
    server.kubectl("patch", "--type=merge", "--patch", freed, "-f", "-", stdin=as_list(objects))
    delete(server, objects)
