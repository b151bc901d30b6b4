"""What is held of one kind, and which of two reports about the same object is the later one."""

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from openelb.kube.reader import Seen
from openelb.model.cluster import ServiceKey
from openelb.model.snapshot import Unreadable

Value = TypeVar("Value")
Shown = TypeVar("Shown", contravariant=True)


class View(Protocol[Shown]):
    """Where the values go."""

    def put(self, key: ServiceKey, value: Shown) -> None: ...

    def remove(self, key: ServiceKey) -> None: ...


class Shelf(Generic[Value]):
    """The sink of one kind's reflector. `on_change` is called whenever there may be something to look at."""

    def __init__(self, view: View[Value], on_change: Callable[[], None]) -> None:
        self.complete = False
        self.is_done_without = False
        """Whether it may not be read, and nobody waits for it."""
        self._view = view
        self._on_change = on_change
        self._held: dict[ServiceKey, Seen[Value]] = {}
        self._unread: dict[ServiceKey, Seen[Value]] = {}
        self._absorbed: set[ServiceKey] = set()

    def unread(self, kind: str) -> Iterator[Unreadable]:
        """The objects that cannot be read as they are at present, whatever was known of them before."""
        return (Unreadable(kind, key, seen.uid, seen.problem) for key, seen in self._unread.items())

    def listing(self) -> None:
        """From here on, what is absorbed may be later than the list that is being read."""
        self._absorbed.clear()

    def known(self, seen: Seen[Value]) -> Seen[Value]:
        """The copy that is held, where it is equal: 10,000 Services are not to be there twice in a list.

        Their versions do not tell: after a restore of etcd they are given anew, to other content.
        """
        held = self._held.get(seen.key)
        return held if held == seen else seen

    def listed(self, seen: list[Seen[Value]]) -> None:
        """Take the list for the truth, even where it is older than what is held: etcd may have been restored."""
        present = {entry.key: entry for entry in seen}
        for key in self._held.keys() - present.keys():
            self._remove(key)
        for key, entry in present.items():
            held = self._held.get(key)
            if not (held and key in self._absorbed and held.uid == entry.uid and held.version > entry.version):
                self._keep(entry)
        self.complete, self.is_done_without = True, False
        self._on_change()

    def do_without(self) -> None:
        """Nobody need wait for a list any longer; what was known before still is."""
        if not self.complete:
            self.complete = self.is_done_without = True
            self._on_change()

    def put(self, seen: Seen[Value]) -> None:
        """An event. One that is not later than what is held changes nothing."""
        held = self._held.get(seen.key)
        if held is None or seen.version > held.version:
            self._keep(seen)
            self._on_change()

    def drop(self, seen: Seen[Value]) -> None:
        """A deletion: of this object, never of a later one with the same name."""
        held = self._held.get(seen.key)
        if held is not None and (held.uid == seen.uid or held.version < seen.version):
            self._remove(seen.key)
            self._on_change()

    def absorb(self, seen: Seen[Value]) -> None:
        """The answer to a write of ours. It never brings back what was deleted, which an answer may arrive after."""
        held = self._held.get(seen.key)
        if held is None or held.uid != seen.uid or seen.version < held.version:
            return
        self._absorbed.add(seen.key)
        if (unread := self._unread.get(seen.key)) and unread.version < seen.version:
            del self._unread[seen.key]
        self._held[seen.key] = seen
        # Without a value: the write was the last thing that kept the object. It stays hidden until its deletion arrives.
        if seen.value is None:
            self._view.remove(seen.key)
        else:
            self._view.put(seen.key, seen.value)
        self._on_change()

    def _keep(self, seen: Seen[Value]) -> None:
        if seen.value is not None:
            self._unread.pop(seen.key, None)
            self._held[seen.key] = seen
            self._view.put(seen.key, seen.value)
            return
        # It is there but cannot be read: what was known of it stands, unless that was of a namesake.
        self._unread[seen.key] = seen
        held = self._held.get(seen.key)
        if held is None or held.uid != seen.uid:
            self._held[seen.key] = seen
            self._view.remove(seen.key)

    def _remove(self, key: ServiceKey) -> None:
        del self._held[key]
        self._unread.pop(key, None)
        self._absorbed.discard(key)
        self._view.remove(key)
