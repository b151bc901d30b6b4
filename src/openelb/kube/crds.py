"""The CustomResourceDefinitions of our kinds, as `kubectl apply` takes them.

Schemas are supersets of those of every older release: whatever a cluster has stored stays valid, and a write through
either version drops nothing of the other's. Hence v1alpha1 keeps fields it does not know, and its own old rules (IPv4 only,
three fields required of a BgpConf) are gone: they would refuse writes to objects that v1alpha2 accepted. What v1alpha2
demands beyond the types are rules (`kube/rules.py`), which refuse no object for what was wrong with it before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Literal, get_args, get_origin

import yaml
from msgspec.structs import fields

from openelb.kube import conf_kind, kinds, peer_kind
from openelb.kube.rules import NAME, Rule, validations
from openelb.model.names import GROUP, VERSION

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Version:
    """The spec and status of a kind in one version of the API. Only the stored version has status as a subresource, where
    the kind has a status at all.
    """

    name: str
    spec: type[kinds.Part]
    status: type[kinds.Part] | None

    @property
    def stored(self) -> bool:
        """Whether objects are stored in this version."""
        return self.name == VERSION


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind, with what `kubectl get` prints of it beside the name: (column, type, path), and rules of a whole object."""

    name: str
    description: str
    versions: tuple[Version, ...]
    categories: tuple[str, ...] = ()
    columns: tuple[tuple[str, str, str], ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def singular(self) -> str:
        """As in `kubectl get eip`."""
        return self.name.lower()

    @property
    def plural(self) -> str:
        """As in paths of the API."""
        return self.singular + "s"


KINDS = (
    Kind(
        "Eip",
        "A pool of addresses for Services of type LoadBalancer.",
        (
            Version("v1alpha1", kinds.OldEipSpec, kinds.OldEipStatus),
            Version("v1alpha2", kinds.EipSpec, kinds.EipStatus),
        ),
        categories=("networking",),
        columns=(
            ("cidr", "string", ".spec.address"),
            ("usage", "integer", ".status.usage"),
            ("total", "integer", ".status.poolSize"),
        ),
        rules=(NAME,),
    ),
    Kind(
        "EipAllocation",
        "Continues the ledger of an Eip that has many addresses in use. Written by OpenELB alone.",
        (Version("v1alpha2", kinds.EipAllocationSpec, None),),
        columns=(("eip", "string", ".spec.eip"),),
    ),
    Kind(
        "EipConflict",
        "An address of an Eip that another machine on the LAN has. Written by OpenELB alone.",
        (Version("v1alpha2", kinds.EipConflictSpec, None),),
        columns=(
            ("eip", "string", ".spec.eip"),
            ("ip", "string", ".spec.ip"),
            ("mac", "string", ".spec.mac"),
            ("node", "string", ".spec.node"),
            ("last-seen", "date", ".spec.lastSeen"),
        ),
    ),
    Kind(
        "EipReservation",
        "Addresses of an Eip that only certain Services get.",
        (Version("v1alpha2", kinds.EipReservationSpec, kinds.EipReservationStatus),),
        categories=("networking",),
        columns=(
            ("eip", "string", ".spec.eip"),
            ("count", "integer", ".spec.count"),
            ("expires", "string", ".spec.expires"),
            ("ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
        ),
    ),
    Kind(
        "BgpConf",
        "What the cluster is to BGP routers. Only the object named default counts.",
        (
            Version("v1alpha1", conf_kind.OldBgpConfSpec, kinds.Nothing),
            Version("v1alpha2", conf_kind.BgpConfSpec, conf_kind.BgpConfStatus),
        ),
    ),
    Kind(
        "BgpPeer",
        "A BGP router that addresses are announced to.",
        (
            Version("v1alpha1", peer_kind.OldBgpPeerSpec, kinds.Nothing),
            Version("v1alpha2", peer_kind.BgpPeerSpec, peer_kind.BgpPeerStatus),
        ),
    ),
)


def crds_yaml() -> str:
    """All definitions, as one YAML stream of documents."""
    return yaml.safe_dump_all([crd(kind) for kind in KINDS], sort_keys=False, width=120, explicit_start=True)


def crd(kind: Kind) -> Json:
    """The definition of one kind (apiextensions.k8s.io/v1)."""
    names: Json = {
        "kind": kind.name,
        "listKind": kind.name + "List",
        "plural": kind.plural,
        "singular": kind.singular,
    }
    if kind.categories:
        names["categories"] = list(kind.categories)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": names,
            "scope": "Cluster",
            "versions": [_version(kind, version) for version in kind.versions],
        },
    }


def _version(kind: Kind, version: Version) -> Json:
    definition: Json = {"name": version.name, "served": True, "storage": version.stored}
    if kind.columns:
        definition["additionalPrinterColumns"] = [
            {"name": name, "type": type_, "jsonPath": path} for name, type_, path in kind.columns
        ]
    if version.stored and version.status:
        definition["subresources"] = {"status": {}}
    definition["schema"] = {"openAPIV3Schema": _object(kind, version)}
    return definition


def _object(kind: Kind, version: Version) -> Json:
    keep_unknown = not version.stored
    return {
        "description": kind.description,
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{version.name}."},
            "kind": {"type": "string", "description": f"{kind.name}."},
            "metadata": {"type": "object"},
            "spec": _part(version.spec, keep_unknown=keep_unknown),
            **({"status": _part(version.status, keep_unknown=keep_unknown)} if version.status else {}),
        },
        **(validations(*kind.rules) if version.stored else {}),
    }


def _part(part: type[kinds.Part], *, keep_unknown: bool) -> Json:
    schema: Json = {"description": part.__doc__, "type": "object"}
    parts = fields(part)
    if parts:
        schema["properties"] = {each.encode_name: _schema(each.type, keep_unknown=keep_unknown) for each in parts}
    required = [each.encode_name for each in parts if each.required]
    if required:
        schema["required"] = required
    if keep_unknown:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    return schema | validations(*part.rules)


_SCALARS: Mapping[object, str] = {str: "string", int: "integer", bool: "boolean"}


def _schema(annotation: object, *, keep_unknown: bool) -> Json:
    """The structural schema of a field's type: `kinds` says how fields are annotated."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(*arguments, keep_unknown=keep_unknown)
    if origin is UnionType:
        (only,) = (each for each in arguments if each is not NoneType)
        return _schema(only, keep_unknown=keep_unknown)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], keep_unknown=keep_unknown)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1], keep_unknown=keep_unknown)}
    if isinstance(annotation, type) and issubclass(annotation, kinds.Part):
        return _part(annotation, keep_unknown=keep_unknown)
    return {"type": _SCALARS[annotation]}


def _annotated(type_: object, *notes: str | Mapping[str, object] | Rule, keep_unknown: bool) -> Json:
    schema = _schema(type_, keep_unknown=keep_unknown)
    for note in notes:
        if isinstance(note, str):
            schema["description"] = note
        elif not isinstance(note, Rule):
            schema.update(note)
    return schema | validations(*(note for note in notes if isinstance(note, Rule)))
