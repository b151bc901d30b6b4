"""JSON patches (RFC 6902) applied to plain JSON, as far as the fake API server needs them."""

from copy import deepcopy
from typing import Any


class DoesNotApply(Exception):
    """A test failed or a path is not there."""


def apply(patch: list[dict[str, Any]], to: dict[str, Any]) -> dict[str, Any]:
    """The patched copy. Raises DoesNotApply and changes nothing when one operation does not apply."""
    root: dict[str, Any] = {"": deepcopy(to)}
    for operation in patch:
        *parents, last = operation["path"].split("/")
        _apply(operation, _walk(root, parents), _unescaped(last))
    return root[""]


def _walk(root: Any, parts: list[str]) -> Any:
    for part in parts:
        try:
            root = root[int(part)] if isinstance(root, list) else root[_unescaped(part)]
        except (KeyError, IndexError, ValueError, TypeError):
            raise DoesNotApply(part) from None
    return root


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _apply(operation: dict[str, Any], parent: Any, last: str) -> None:
    name, value = operation["op"], operation.get("value")
    if isinstance(parent, list):
        index = len(parent) if last == "-" else int(last)
        if index > len(parent) - (name != "add"):
            raise DoesNotApply(last)
        if name == "add":
            parent.insert(index, value)
            return
        place: Any = index
    elif name != "add" and last not in parent:
        raise DoesNotApply(last)
    else:
        place = last
    if name == "test" and parent[place] != value:
        raise DoesNotApply(last)
    if name == "remove":
        del parent[place]
    elif name in ("add", "replace"):
        parent[place] = value
