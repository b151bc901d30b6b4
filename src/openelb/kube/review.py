"""What an API server asks an admission webhook and how it is answered (admission.k8s.io/v1 AdmissionReview), as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from openelb.kube import decode_bgp, decode_pools
from openelb.kube.answers import UNREADABLE
from openelb.kube.bgp_shapes import BgpConfShape, BgpPeerShape
from openelb.kube.shapes import AnnouncedEipShape, ObjectShape, ReservationShape, Shape
from openelb.model import names
from openelb.model.cluster import Pool, Reservation
from openelb.model.routers import BgpConf, BgpPeer

Value = TypeVar("Value")

VERSION = "admission.k8s.io/v1"
NULL = b"null"


class Operation(StrEnum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Change(Generic[Value]):
    """What becomes of an object: `before` is None where it is made, and `after` where it is deleted."""

    before: Value | None
    after: Value | None


Changed = Change[Pool] | Change[Reservation] | Change[BgpConf] | Change[BgpPeer]


@dataclass(frozen=True, slots=True)
class Review:
    """One question. `unclear` says why nobody can judge what is asked about, when nobody can; then there is no `change`."""

    uid: str
    change: Changed | None = None
    unclear: str = ""


class NoReview(ValueError):
    """The bytes are not a question for us; the text says what they are not."""


class _Kind(Shape):
    group: str = ""
    version: str = ""
    kind: str = ""


class _Request(Shape):
    uid: str = ""
    kind: _Kind | None = None
    operation: str = ""
    sub_resource: str | None = None
    object: msgspec.Raw = msgspec.Raw(NULL)
    old_object: msgspec.Raw = msgspec.Raw(NULL)


class _Review(Shape):
    api_version: str = ""
    kind: str = ""
    request: _Request | None = None


def read(body: bytes, kind: str) -> Review:
    """The question in the body of a request, about an object of that kind of ours. Raises NoReview."""
    try:
        review = msgspec.json.decode(body, type=_Review)
    except UNREADABLE as error:
        raise NoReview(f"the body is no AdmissionReview: {error}") from error
    request = review.request
    if (review.api_version, review.kind) != (VERSION, "AdmissionReview") or request is None or not request.uid:
        raise NoReview(f"the body is no AdmissionReview of {VERSION} with a request that has a uid")
    about = request.kind or _Kind()
    if (about.group, about.version, about.kind) != (names.GROUP, names.VERSION, kind):
        raise NoReview(f"here {kind} of {names.GROUP}/{names.VERSION} is judged, and nothing else")
    try:
        operation = Operation(request.operation)
    except ValueError as error:
        raise NoReview(f"{request.operation!r} is no operation that is judged: {', '.join(Operation)}") from error
    if request.sub_resource:
        raise NoReview(f"{request.sub_resource!r}, a part of an object, is judged by nobody")
    try:
        return Review(request.uid, _READERS[kind](request, operation))
    except UNREADABLE as error:
        return Review(request.uid, unclear=str(error))


def _reader(shape: type[ObjectShape], value: Callable[..., Value]) -> Callable[[_Request, Operation], Change[Value]]:
    def changed(request: _Request, operation: Operation) -> Change[Value]:
        before = None if operation is Operation.CREATE else value(msgspec.json.decode(request.old_object, type=shape))
        after = None if operation is Operation.DELETE else value(msgspec.json.decode(request.object, type=shape))
        return Change(before, after)

    return changed


_READERS: Mapping[str, Callable[[_Request, Operation], Changed]] = {
    # Without the ledger: who holds what, the manager knows better than whoever writes an Eip.
    "Eip": _reader(AnnouncedEipShape, decode_pools.announced_pool),
    "EipReservation": _reader(ReservationShape, decode_pools.reservation),
    "BgpConf": _reader(BgpConfShape, decode_bgp.bgp_conf),
    "BgpPeer": _reader(BgpPeerShape, decode_bgp.bgp_peer),
}
KINDS = frozenset(_READERS)


def answer(uid: str, *, refusal: str = "", warnings: tuple[str, ...] = ()) -> bytes:
    """The body of the answer: a refusal is what the user reads, and without one it is allowed; warnings are shown as well."""
    response: dict[str, object] = {"uid": uid, "allowed": not refusal}
    if refusal:
        response["status"] = {"code": 403, "reason": "Forbidden", "message": refusal}
    if warnings:
        response["warnings"] = warnings
    return msgspec.json.encode({"apiVersion": VERSION, "kind": "AdmissionReview", "response": response})
