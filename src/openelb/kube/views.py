"""How the objects held are arranged for those who judge: mappings that never change once they were given out."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from openelb.kube.decode import Lease, Slice, speaker
from openelb.model import names
from openelb.model.cluster import ServiceKey, Speaker

Key = TypeVar("Key")
Value = TypeVar("Value")


class Sheet(Generic[Key, Value]):
    """A mapping that is copied before it changes, but only when somebody was given it as it is.

    So a snapshot costs nothing, and a burst of changes between two snapshots costs one copy.
    """

    def __init__(self) -> None:
        self._entries: dict[Key, Value] = {}
        self._given: Mapping[Key, Value] | None = None

    def read(self) -> Mapping[Key, Value]:
        """The mapping as it is at this moment; the same object as long as nothing changes."""
        if self._given is None:
            self._given = MappingProxyType(self._entries)
        return self._given

    def get(self, key: Key) -> Value | None:
        return self._entries.get(key)

    def put(self, key: Key, value: Value) -> None:
        if self._entries.get(key) is not value:
            self._own()[key] = value

    def remove(self, key: Key) -> None:
        if key in self._entries:
            del self._own()[key]

    def _own(self) -> dict[Key, Value]:
        if self._given is not None:
            self._entries, self._given = dict(self._entries), None
        return self._entries


class KeyedView(Generic[Key, Value]):
    """One entry for each object."""

    def __init__(self, key: Callable[[ServiceKey], Key]) -> None:
        self._key = key
        self.sheet = Sheet[Key, Value]()

    def put(self, key: ServiceKey, value: Value) -> None:
        self.sheet.put(self._key(key), value)

    def remove(self, key: ServiceKey) -> None:
        self.sheet.remove(self._key(key))


class EndpointView:
    """The nodes with a ready endpoint for each Service, put together from all its EndpointSlices."""

    def __init__(self) -> None:
        self.sheet = Sheet[ServiceKey, frozenset[str]]()
        self._slices: dict[ServiceKey, Slice] = {}
        self._names: dict[ServiceKey, tuple[ServiceKey, ...]] = {}

    def put(self, key: ServiceKey, value: Slice) -> None:
        before = self._slices.get(key)
        if before is not None and before.service != value.service:
            self.remove(key)
        self._slices[key] = value
        slices = self._names.get(value.service, ())
        if key not in slices:
            self._names[value.service] = (*slices, key)
        self._merge(value.service)

    def remove(self, key: ServiceKey) -> None:
        gone = self._slices.pop(key, None)
        if gone is None:
            return
        rest = tuple(name for name in self._names.pop(gone.service, ()) if name != key)
        if rest:
            self._names[gone.service] = rest
        self._merge(gone.service)

    def _merge(self, service: ServiceKey) -> None:
        known = [self._slices[name].nodes for name in self._names.get(service, ())]
        # A single slice's set is kept as it is: many Services share one copy of it.
        nodes = known[0] if len(known) == 1 else frozenset[str]().union(*known)
        if not nodes:
            self.sheet.remove(service)
        elif nodes != self.sheet.get(service):
            self.sheet.put(service, nodes)


class LeaseView:
    """The speakers by node, and the leader's last renewal."""

    def __init__(self) -> None:
        self.sheet = Sheet[str, Speaker]()
        self.leader_renewal = ""
        self._nodes: dict[ServiceKey, str] = {}

    def put(self, key: ServiceKey, value: Lease) -> None:
        if key.name == names.LEADER_LEASE:
            self.leader_renewal = value.renewal
            return
        said = speaker(value)
        if said is None or self._nodes.get(key, said.node) != said.node:
            self.remove(key)
        if said is not None:
            self._nodes[key] = said.node
            self.sheet.put(said.node, said)

    def remove(self, key: ServiceKey) -> None:
        if key.name == names.LEADER_LEASE:
            self.leader_renewal = ""
        elif (node := self._nodes.pop(key, None)) is not None:
            self.sheet.remove(node)
