"""Objects from the server's bytes, one by one: a single one that cannot be read costs that one alone."""

import logging
import sys
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from openelb.complaints import Complaints
from openelb.kube.answers import UNREADABLE
from openelb.kube.errors import Nonsense
from openelb.kube.resources import Resource
from openelb.kube.shapes import Meta, ObjectShape, PageShape
from openelb.model.cluster import ServiceKey

log = logging.getLogger(__name__)

Shape = TypeVar("Shape", bound=ObjectShape)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Seen(Generic[Value]):
    """An object at one version. `value` is None when its metadata is all that could be read; `problem` then says why."""

    key: ServiceKey
    uid: str
    version: int
    value: Value | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[Value]):
    """A page of a list, at one version of the whole list. `next` asks for the page after it, if there is one."""

    seen: list[Seen[Value]]
    version: str
    next: str


class Reader(Generic[Shape, Value]):
    """Reads the objects of one kind. `what` names the kind in logs."""

    def __init__(self, resource: Resource[Shape, Value], what: str) -> None:
        self._decoder = msgspec.json.Decoder(resource.shape)
        self._value = resource.value
        self._what = what
        self._complaints = Complaints()

    def page(self, content: bytes) -> Page[Value]:
        """Raises Nonsense when the bytes are no list at all."""
        try:
            page = msgspec.json.decode(content, type=PageShape)
        except UNREADABLE as error:
            raise Nonsense(f"the answer to {self._what} is no list: {error}") from error
        items = map(self.object, page.items or ())
        return Page([seen for seen in items if seen], page.metadata.resource_version, page.metadata.continue_)

    def object(self, content: msgspec.Raw) -> Seen[Value] | None:
        """None when not even the object's metadata can be read."""
        try:
            shape = self._decoder.decode(content)
            return _seen(shape.metadata, self._value(shape))
        except (*UNREADABLE, ValueError) as error:
            problem = str(error)
        try:
            seen: Seen[Value] | None = _seen(msgspec.json.decode(content, type=ObjectShape).metadata, None, problem)
        except (*UNREADABLE, ValueError):
            seen = None
        name = str(seen.key).removeprefix("/") if seen else "an object"  # an Eip has no namespace
        if self._complaints.is_due(name):
            log.warning("%s: %s cannot be read and stays as it was known: %s", self._what, name, problem)
        return seen


def _seen(meta: Meta, value: Value | None, problem: str = "") -> Seen[Value]:
    # Kubernetes allows to compare versions of one kind as numbers since 1.35, and etcd has always made them so.
    return Seen(ServiceKey(sys.intern(meta.namespace), meta.name), meta.uid, int(meta.resource_version), value, problem)
