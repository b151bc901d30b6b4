"""What the API server itself noted of OpenELB's requests: counts by kind of write, from a moment on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class _Object(msgspec.Struct):
    resource: str = ""
    namespace: str = ""
    name: str = ""


class _Entry(msgspec.Struct):
    """audit.k8s.io/v1 Event, as far as it is read."""

    verb: str = ""
    object: _Object | None = msgspec.field(default=None, name="objectRef")


@dataclass(slots=True)
class Audit:
    """Reads on from where it was read to last; the server writes a line before it answers."""

    log: Path
    _read: int = 0

    def forget(self) -> None:
        """Count from here."""
        self._read = self.log.stat().st_size if self.log.exists() else 0

    def writes(self) -> Counter[tuple[str, str]]:
        """Writes by namespace and resource since the last question, refused ones as well."""
        return Counter((one.namespace, one.resource) for one in self._written())

    def writes_by_object(self) -> Counter[tuple[str, str, str]]:
        """The same by namespace, resource and name."""
        return Counter((one.namespace, one.resource, one.name) for one in self._written())

    def _written(self) -> Iterable[_Object]:
        with self.log.open("rb") as log:
            log.seek(self._read)
            content = log.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        entries = (msgspec.json.decode(line, type=_Entry) for line in whole.splitlines())
        return [entry.object for entry in entries if entry.object and entry.verb in WRITES]
