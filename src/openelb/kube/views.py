"""How the objects held are arranged for those who judge: mappings that never change once they were given out."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Generic, TypeVar

from openelb.kube.decode import Lease, Slice, speaker
from openelb.kube.probes import questions
from openelb.kube.shelf import View
from openelb.model import names
from openelb.model.cluster import Node, ServiceKey, Speaker
from openelb.model.probes import Questions

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


class Both(Generic[Value]):
    """What goes to two views."""

    def __init__(self, one: View[Value], another: View[Value]) -> None:
        self._views = one, another

    def put(self, key: ServiceKey, value: Value) -> None:
        for view in self._views:
            view.put(key, value)

    def remove(self, key: ServiceKey) -> None:
        for view in self._views:
            view.remove(key)


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
    """The nodes with a ready endpoint for each Service, put together from all its EndpointSlices; where it has none at all,
    those with an endpoint that is ending and still serves, to which kube-proxy sends then.
    """

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
        slices = [self._slices[name] for name in self._names.get(service, ())]
        nodes = _all([one.nodes for one in slices]) or _all([one.ending for one in slices])
        if not nodes:
            self.sheet.remove(service)
        elif nodes != self.sheet.get(service):
            self.sheet.put(service, nodes)


def _all(known: list[frozenset[str]]) -> frozenset[str]:
    """A single slice's set is kept as it is: many Services share one copy of it."""
    return known[0] if len(known) == 1 else frozenset[str]().union(*known)


class NodeView:
    """The nodes by name, as their metadata tell, with what `cordons` are told of them."""

    def __init__(self) -> None:
        self.sheet = Sheet[str, Node]()
        self.cordons = CordonView(self)
        self._nodes: dict[str, Node] = {}
        self._cordoned: set[str] = set()

    def put(self, key: ServiceKey, value: Node) -> None:
        self._nodes[key.name] = value
        self._show(key.name)

    def remove(self, key: ServiceKey) -> None:
        self._nodes.pop(key.name, None)
        self.sheet.remove(key.name)

    def mark(self, name: str, *, cordoned: bool) -> None:
        """Which may be told before the node is."""
        (self._cordoned.add if cordoned else self._cordoned.discard)(name)
        if name in self._nodes:
            self._show(name)

    def _show(self, name: str) -> None:
        node = replace(self._nodes[name], cordoned=name in self._cordoned)
        if node != self.sheet.get(name):  # most events are a kubelet's, and tell nothing here
            self.sheet.put(name, node)


class CordonView:
    """The nodes that are cordoned, marked in the view of all."""

    def __init__(self, nodes: NodeView) -> None:
        self._nodes = nodes

    def put(self, key: ServiceKey, value: Node) -> None:
        self._nodes.mark(key.name, cordoned=True)

    def remove(self, key: ServiceKey) -> None:
        self._nodes.mark(key.name, cordoned=False)


class TaintView:
    """The taints of one node: `tell` is called with the key of the first that is looked for, or with nothing."""

    def __init__(self, looked_for: Collection[str], tell: Callable[[str], None]) -> None:
        self._looked_for = looked_for
        self._tell = tell

    def put(self, _key: ServiceKey, value: tuple[str, ...]) -> None:
        self._tell(next((taint for taint in value if taint in self._looked_for), ""))

    def remove(self, _key: ServiceKey) -> None:
        self._tell("")


class LeaseView:
    """The speakers by node, the leader's last renewal, and what the manager wants to be asked about."""

    def __init__(self) -> None:
        self.sheet = Sheet[str, Speaker]()
        self.leader_renewal = ""
        self.questions: Questions = {}
        self._nodes: dict[ServiceKey, str] = {}

    def put(self, key: ServiceKey, value: Lease) -> None:
        if key.name == names.LEADER_LEASE:
            self.leader_renewal = value.renewal
            return
        if key.name == names.PROBES_LEASE:
            self.questions = questions((value.annotations or {}).get(names.PROBE, ""))
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
        elif key.name == names.PROBES_LEASE:
            self.questions = {}
        elif (node := self._nodes.pop(key, None)) is not None:
            self.sheet.remove(node)
